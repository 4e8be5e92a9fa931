//! Attestation keys: which public areas may attest, and what binds one to a TPM.

use avouch_pki::{KeyKind, PublicKey};
use avouch_wire::{encode_hex, failed_check};
use serde::Serialize;
use thiserror::Error;

use crate::signature::{Signature, SignatureError};
use crate::{
    HashAlgorithm, Name, ObjectAttributes, Public, Scheme, SigningAlgorithm, SigningScheme,
    VerifiedActivation, VerifiedAik,
};

/// Smallest modulus of an RSA key that attests, in bits.
const MODULUS_BITS_MIN: usize = 2048;

/// What an operator accepts of attestation keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AkRules {
    /// Refuse keys that sign over SHA-1, as Windows made them for long. On unless a tenant asks for them.
    pub refuse_sha1: bool,
}

impl Default for AkRules {
    fn default() -> Self {
        Self { refuse_sha1: true }
    }
}

/// Why a key may not attest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AkError {
    /// The attributes are not those of an attestation key.
    #[error("attributes {found} of the attestation key: {what}")]
    Attributes {
        /// Which rule is broken.
        rule: AttributeRule,
        /// The rule in words.
        what: &'static str,
        /// All attributes.
        found: ObjectAttributes,
    },
    /// Too short.
    #[error("the attestation key is {found}, expected RSA of at least 2048 bits")]
    Size {
        /// The key.
        found: KeyKind,
    },
    /// No signing scheme is fixed in the public area, or another kind of scheme.
    #[error("the attestation key's public area fixes no scheme to sign by")]
    Scheme,
    /// The scheme rests on SHA-1, or on a hash or algorithm that is not verified.
    #[error("the attestation key signs by {found}, which is not accepted")]
    WeakScheme {
        /// The scheme.
        found: SigningScheme,
    },
    /// A cipher in the public area: a storage key.
    #[error("the attestation key has a symmetric algorithm, as storage keys have")]
    Symmetric,
    /// The certificate is of another key.
    #[error("the AIK certificate is for another key")]
    CertificateKey,
    /// The credential was activated for another object.
    #[error("the activated credential is for the object {activated}, the key is {found}")]
    ActivationName {
        /// Name that the credential was made for.
        activated: Name,
        /// Name of the key.
        found: Name,
    },
    /// The hardware report names another key.
    #[error("the hardware report binds another key")]
    ReportedKey,
}

/// A rule on the attributes of an attestation key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeRule {
    /// It signs only what the TPM made.
    Restricted,
    /// It signs.
    Sign,
    /// It does not decrypt.
    NotDecrypt,
    /// It cannot leave its TPM.
    FixedTpm,
    /// It cannot be moved below another parent.
    FixedParent,
    /// The TPM made it.
    SensitiveDataOrigin,
    /// It signs no certificates of a caller's shaping.
    NotX509Sign,
}

failed_check!(AkError {
    Self::Attributes { rule: AttributeRule::Restricted, .. } => "ak-restricted",
    Self::Attributes { rule: AttributeRule::Sign, .. } => "ak-sign",
    Self::Attributes { rule: AttributeRule::NotDecrypt, .. } => "ak-decrypt",
    Self::Attributes { rule: AttributeRule::FixedTpm, .. } => "ak-fixed-tpm",
    Self::Attributes { rule: AttributeRule::FixedParent, .. } => "ak-fixed-parent",
    Self::Attributes { rule: AttributeRule::SensitiveDataOrigin, .. } => "ak-origin",
    Self::Attributes { rule: AttributeRule::NotX509Sign, .. } => "ak-x509-sign",
    Self::Size { .. } => "ak-size",
    Self::Scheme => "ak-scheme",
    Self::WeakScheme { .. } => "ak-weak-scheme",
    Self::Symmetric => "ak-symmetric",
    Self::CertificateKey => "ak-certificate-key",
    Self::ActivationName { .. } => "ak-activation-name",
    Self::ReportedKey => "ak-reported-key",
});

/// How it is known that a key is a TPM's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A trusted CA certified it as an attestation key.
    Certified,
    /// A TPM with a trusted endorsement key activated a credential for its Name.
    Activated,
    /// A verified hardware report names it.
    Reported,
    /// Not at all: software may hold it, and sign any quote over any log.
    SelfAsserted,
}

/// A key whose public area is an attestation key's. Who sent it may have made it up: it attests
/// nothing until it is bound to a TPM.
#[derive(Debug, Clone)]
pub struct AcceptableKey {
    public: Public,
    scheme: SigningScheme,
}

impl AcceptableKey {
    /// Judges a public area: it is restricted, signs and does not decrypt, was made in a TPM and cannot
    /// leave it, signs no certificates of a caller's shaping, has a key of sufficient size, and fixes a
    /// scheme that is accepted.
    ///
    /// # Errors
    /// [`AkError`] with the rule.
    pub fn of(public: &Public, rules: AkRules) -> Result<Self, AkError> {
        check_attributes(public.attributes())?;
        check_size(public.key())?;
        let Scheme::Signing(scheme) = public.scheme() else { return Err(AkError::Scheme) };
        check_scheme(public.key(), scheme, rules)?;
        if public.symmetric().is_some() {
            return Err(AkError::Symmetric);
        }
        Ok(Self { public: public.clone(), scheme })
    }

    /// The public area.
    #[must_use]
    pub const fn public(&self) -> &Public {
        &self.public
    }

    fn bound(self, standing: Standing) -> AttestationKey {
        AttestationKey {
            key: self.public.key().clone().serving_again(),
            scheme: KeyScheme::Fixed(self.scheme),
            name: Some(self.public.name().clone()),
            qualified_name: None,
            standing,
        }
    }

    /// The key, bound by a certificate of a CA that certifies attestation keys only after the TPM proved
    /// that it holds them.
    ///
    /// # Errors
    /// [`AkError::CertificateKey`] if the certificate is for another key, compared by its numbers.
    pub fn certified(self, certificate: &VerifiedAik) -> Result<AttestationKey, AkError> {
        if self.public.key() != certificate.public_key() {
            return Err(AkError::CertificateKey);
        }
        Ok(self.bound(Standing::Certified))
    }

    /// The key, bound by a credential that a TPM opened for its Name.
    ///
    /// # Errors
    /// [`AkError::ActivationName`] if it was made for another Name.
    pub fn activated(self, activation: &VerifiedActivation) -> Result<AttestationKey, AkError> {
        let (activated, found) = (activation.ak_name(), self.public.name());
        if activated != found {
            return Err(AkError::ActivationName {
                activated: activated.clone(),
                found: found.clone(),
            });
        }
        Ok(self.bound(Standing::Activated))
    }

    /// The key, bound by an activation that was judged before and sealed.
    pub(crate) fn enrolled(self) -> AttestationKey {
        self.bound(Standing::Activated)
    }

    /// The key, bound by a hardware report that the caller verified and that names `reported`.
    ///
    /// # Errors
    /// [`AkError::ReportedKey`] if that is another key.
    pub fn reported(self, reported: &PublicKey) -> Result<AttestationKey, AkError> {
        if self.public.key() != reported {
            return Err(AkError::ReportedKey);
        }
        Ok(self.bound(Standing::Reported))
    }

    /// The key, bound by nothing. Everything it signs is its sender's word.
    #[must_use]
    pub fn self_asserted(self) -> AttestationKey {
        self.bound(Standing::SelfAsserted)
    }
}

/// Which signatures a key may have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyScheme {
    /// What its public area fixes.
    Fixed(SigningScheme),
    /// No public area is known: what the rules allow.
    Allowed(AkRules),
}

/// A key whose signatures are taken for a TPM's, as far as its [`Standing`] says.
#[derive(Debug, Clone)]
pub struct AttestationKey {
    key: PublicKey,
    scheme: KeyScheme,
    name: Option<Name>,
    qualified_name: Option<Vec<u8>>,
    standing: Standing,
}

impl AttestationKey {
    /// A key of which only its certificate is known, as in MAA's protocol. Its CA answers for the
    /// attributes.
    ///
    /// # Errors
    /// [`AkError::CertificateKey`] if `sent` is another key, [`AkError::Size`] if it is too short.
    pub fn of_certificate(
        certificate: &VerifiedAik,
        sent: &PublicKey,
        rules: AkRules,
    ) -> Result<Self, AkError> {
        if certificate.public_key() != sent {
            return Err(AkError::CertificateKey);
        }
        Self::bare(sent, rules, Standing::Certified)
    }

    /// A key of which nothing but its numbers is known.
    ///
    /// # Errors
    /// [`AkError::Size`] if it is too short.
    pub fn self_asserted(sent: &PublicKey, rules: AkRules) -> Result<Self, AkError> {
        Self::bare(sent, rules, Standing::SelfAsserted)
    }

    fn bare(key: &PublicKey, rules: AkRules, standing: Standing) -> Result<Self, AkError> {
        check_size(key)?;
        Ok(Self {
            key: key.clone().serving_again(),
            scheme: KeyScheme::Allowed(rules),
            name: None,
            qualified_name: None,
            standing,
        })
    }

    /// The same key, which is known to stand at this place: what it signs must say so.
    #[must_use]
    pub fn standing_at(self, qualified_name: Vec<u8>) -> Self {
        Self { qualified_name: Some(qualified_name), ..self }
    }

    /// How it is known to be a TPM's.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// The key itself.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Its Name, if its public area is known.
    #[must_use]
    pub const fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// Checks that this key signed `message`, by its scheme.
    pub(crate) fn check_signature(
        &self,
        signature: &Signature,
        message: &[u8],
    ) -> Result<(), SignatureError> {
        let found = signature.scheme();
        let expected = match self.scheme {
            KeyScheme::Fixed(scheme) if scheme == found => None,
            KeyScheme::Fixed(scheme) => Some(scheme.to_string()),
            KeyScheme::Allowed(rules) if check_scheme(&self.key, found, rules).is_ok() => None,
            KeyScheme::Allowed(_) => Some("SHA-256 or better".to_owned()),
        };
        if let Some(expected) = expected {
            return Err(SignatureError::Scheme { expected, found });
        }
        signature.verify(&self.key, message)
    }

    /// The place that the signer should name, if another is named: both in hex.
    pub(crate) fn misplaced(&self, signer: &[u8]) -> Option<(String, String)> {
        let expected = self.qualified_name.as_deref()?;
        (expected != signer).then(|| (encode_hex(expected), encode_hex(signer)))
    }
}

fn check_attributes(found: ObjectAttributes) -> Result<(), AkError> {
    use AttributeRule as R;
    let rules = [
        (
            found.restricted(),
            R::Restricted,
            "it is not restricted, so it signs what anyone hands it",
        ),
        (found.sign(), R::Sign, "it does not sign"),
        (!found.decrypt(), R::NotDecrypt, "it decrypts"),
        (found.fixed_tpm(), R::FixedTpm, "it can leave its TPM"),
        (found.fixed_parent(), R::FixedParent, "it can be moved below another parent"),
        (found.sensitive_data_origin(), R::SensitiveDataOrigin, "it was not made in the TPM"),
        (!found.x509_sign(), R::NotX509Sign, "it signs certificates of a caller's shaping"),
    ];
    match rules.into_iter().find(|(holds, ..)| !holds) {
        Some((_, rule, what)) => Err(AkError::Attributes { rule, what, found }),
        None => Ok(()),
    }
}

fn check_size(key: &PublicKey) -> Result<(), AkError> {
    match key.kind() {
        found @ KeyKind::Rsa { modulus_bits } if modulus_bits < MODULUS_BITS_MIN => {
            Err(AkError::Size { found })
        }
        _ => Ok(()),
    }
}

/// Only schemes that can be verified under this key, over SHA-256 or better; RSASSA over SHA-1 where
/// that is allowed.
fn check_scheme(key: &PublicKey, found: SigningScheme, rules: AkRules) -> Result<(), AkError> {
    let sha1 = SigningScheme { algorithm: SigningAlgorithm::RsaSsa, hash: HashAlgorithm::Sha1 };
    let strong = found.hash.withstands_collisions() || (!rules.refuse_sha1 && found == sha1);
    if strong && !found.provider_schemes(key.kind()).is_empty() {
        return Ok(());
    }
    Err(AkError::WeakScheme { found })
}
