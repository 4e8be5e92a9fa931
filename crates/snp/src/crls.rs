//! AMD's revocation lists: signed by an ARK, naming revoked ASKs and ASVKs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use avouch_pki::{Crl, CrlError, OutsideWindow, VerifiedCrl, Window, verify_crl};
use avouch_wire::UnixTime;
use serde::Deserialize;

use crate::scheme::AMD_SCHEME;
use crate::{Anchor, TrustAnchors, VerifiedIntermediate, VerifyError};

/// Of which roots there must be a CRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrlRule {
    /// Of every root.
    Required,
    /// Of every root of AMD's if there is one of any of them, and so for the operator's own roots:
    /// who keeps lists means to have them all, and a lost one must not pass for an empty one.
    #[default]
    WhereKept,
    /// Of none: where there is no list nothing counts as revoked.
    Optional,
}

impl CrlRule {
    const ALL: [Self; 3] = [Self::Required, Self::WhereKept, Self::Optional];

    /// The word in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::WhereKept => "where-kept",
            Self::Optional => "optional",
        }
    }
}

impl fmt::Display for CrlRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for CrlRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|rule| rule.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no rule for CRLs; rules are: {known}")
        })
    }
}

/// Verified CRLs of trusted roots, and of which roots there must be one.
///
/// AMD lists the serial numbers of ASKs and ASVKs. VCEKs cannot be listed: their serial number is
/// always 0.
///
/// # Source
/// AMD 57230, certificate revocation list.
#[derive(Debug, Clone, Default)]
pub struct Crls {
    lists: Vec<(Arc<Anchor>, VerifiedCrl)>,
    rule: CrlRule,
}

impl Crls {
    /// No list, and none required until [`Crls::required`] says so.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Verifies lists under the trusted roots that they name as their issuers, to be judged by
    /// [`CrlRule::WhereKept`]. A list that is out of date beside a newer one of its root is left out.
    ///
    /// # Errors
    /// [`VerifyError::CrlIssuer`] for a list of a foreign root, [`VerifyError::Crl`] for one that
    /// does not verify or is not current at `at`.
    pub fn verify(
        lists: &[Crl],
        anchors: &TrustAnchors,
        at: UnixTime,
    ) -> Result<Self, VerifyError> {
        let (mut verified, mut stale) = (Vec::new(), Vec::new());
        for crl in lists {
            match verify_one(crl, anchors, at) {
                Ok(one) => verified.push(one),
                Err(error @ VerifyError::Crl(CrlError::OutsideWindow { .. })) => {
                    stale.push((crl, error));
                }
                Err(error) => return Err(error),
            }
        }
        for (crl, error) in stale {
            if !is_superseded(crl, &verified) {
                return Err(error);
            }
        }
        Ok(Self { lists: verified, rule: CrlRule::default() })
    }

    /// The same lists under another rule.
    #[must_use]
    pub fn with_rule(self, rule: CrlRule) -> Self {
        Self { rule, ..self }
    }

    /// Refuses every chain whose root has no list here.
    #[must_use]
    pub fn required(self) -> Self {
        self.with_rule(CrlRule::Required)
    }

    /// How many lists there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The span in which all lists are current; `None` without lists.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        self.lists.iter().map(|(_, crl)| crl.window()).reduce(Window::intersect)
    }

    /// Judges an intermediate by every list of its root. Lists are judged at `at` again: they may
    /// have been verified long ago.
    pub(crate) fn check(
        &self,
        intermediate: &VerifiedIntermediate,
        at: UnixTime,
    ) -> Result<(), VerifyError> {
        let mut seen = false;
        for (_, crl) in
            self.lists.iter().filter(|(anchor, _)| anchor.as_ref() == intermediate.anchor())
        {
            seen = true;
            current(crl, at)?;
            if crl.is_revoked(intermediate.serial()) {
                return Err(VerifyError::IntermediateRevoked {
                    intermediate: intermediate.issuer_name().label().to_owned(),
                    serial: intermediate.serial().to_string(),
                    root: intermediate.anchor().trust().label().to_owned(),
                });
            }
        }
        if !seen && self.must_list(intermediate.anchor()) {
            let root = intermediate.anchor().trust().label().to_owned();
            return Err(VerifyError::CrlMissing { root });
        }
        Ok(())
    }

    fn must_list(&self, anchor: &Anchor) -> bool {
        let is_built_in = |anchor: &Anchor| anchor.trust().root().is_built_in;
        let is_alike = |kept: &Anchor| is_built_in(kept) == is_built_in(anchor);
        match self.rule {
            CrlRule::Required => true,
            CrlRule::WhereKept => self.lists.iter().any(|(kept, _)| is_alike(kept)),
            CrlRule::Optional => false,
        }
    }
}

pub(crate) fn verify_one(
    crl: &Crl,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<(Arc<Anchor>, VerifiedCrl), VerifyError> {
    let issuer = crl.issuer().label().to_owned();
    if crl.rsa_signature_scheme() != Some(AMD_SCHEME) {
        return Err(VerifyError::CrlScheme { found: crl.rsa_signature_scheme() });
    }
    let mut refusal = VerifyError::CrlIssuer { issuer };
    for anchor in anchors.shared().filter(|one| one.trust().subject() == crl.issuer()) {
        match verify_crl(crl, anchor.trust(), at) {
            Ok(verified) => return Ok((Arc::clone(anchor), verified)),
            Err(error) => refusal = VerifyError::Crl(error),
        }
    }
    Err(refusal)
}

/// Whether there is a later list of the very root that signed this one.
fn is_superseded(crl: &Crl, verified: &[(Arc<Anchor>, VerifiedCrl)]) -> bool {
    verified.iter().any(|(anchor, newer)| {
        newer.window().not_before > crl.this_update()
            && verify_crl(crl, anchor.trust(), crl.this_update()).is_ok()
    })
}

fn current(crl: &VerifiedCrl, at: UnixTime) -> Result<(), VerifyError> {
    crl.window().check(at).map_err(|source: OutsideWindow| {
        let issuer = crl.issuer().label().to_owned();
        VerifyError::Crl(CrlError::OutsideWindow { issuer, source })
    })
}

#[cfg(test)]
mod tests;
