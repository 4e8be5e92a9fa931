//! What the service can say of evidence, by which a policy is checked.

/// What policies are given. Whoever makes the claims knows it; this crate does not.
///
/// The default knows nothing, and so warns of nothing that depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    /// Values of `x-ms-attestation-type`: one where the kind of evidence is known; none if nothing is known.
    pub attestation_types: Vec<&'static str>,
    /// Claims of the service.
    pub claims: Vec<KnownClaim>,
    /// Whether the service makes no other claims.
    pub is_complete: bool,
    /// Whether clients send claims of their own.
    pub has_client_claims: bool,
    /// The settings that have an effect; `None` where that is not known.
    pub settings: Option<&'static [&'static str]>,
}

/// A claim of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownClaim {
    /// Its type.
    pub name: &'static str,
    /// How its values are written, where all are written alike.
    pub form: Option<ValueForm>,
}

/// How a claim's value is written, where every value is written so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueForm {
    /// So many digits of lower-case hex.
    Hex(usize),
    /// So many characters of base64url.
    Base64Url(usize),
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self {
            attestation_types: Vec::new(),
            claims: Vec::new(),
            is_complete: false,
            has_client_claims: true,
            settings: None,
        }
    }
}

impl Vocabulary {
    /// The attestation type of all evidence that the policy judges, if that is known.
    pub(super) fn attestation_type(&self) -> Option<&'static str> {
        match self.attestation_types.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    pub(super) fn form(&self, claim: &str) -> Option<ValueForm> {
        self.claims.iter().find(|known| known.name == claim)?.form
    }

    /// Whether the service may make such a claim.
    pub(super) fn may_have(&self, claim: &str) -> bool {
        !self.is_complete || self.claims.iter().any(|known| known.name == claim)
    }
}
