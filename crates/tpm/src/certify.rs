//! Certified keys: that another key lives in the TPM of the attestation key.

use avouch_wire::{encode_hex, failed_check};
use serde::Serialize;
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::{
    Attest, AttestError, AttestationKey, Attested, HashAlgorithm, Name, ObjectAttributes, Public,
    Signature, SignatureError,
};

/// Why a certification of a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertifyError {
    /// Not a certification by a TPM.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// Not signed by the attestation key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signer says that it stands elsewhere.
    #[error("qualifiedSigner is {found}, the attestation key stands at {expected}")]
    QualifiedSigner {
        /// Where the key stands, in hex.
        expected: String,
        /// What the certification says, in hex.
        found: String,
    },
    /// It answers another challenge, or none.
    #[error("the certification's qualifying data is {found}, not what was asked for")]
    QualifyingData {
        /// What the certification says, in hex.
        found: String,
    },
    /// Another object was certified.
    #[error("the certified object is {certified}, the public area is {found}")]
    Name {
        /// What the certification names, in hex.
        certified: String,
        /// Name of the public area.
        found: Name,
    },
    /// The certified object stands elsewhere.
    #[error("the certified object stands at {found}, expected {expected}")]
    QualifiedName {
        /// Where it should stand, in hex.
        expected: String,
        /// Where it says it stands, in hex.
        found: String,
    },
}

failed_check!(CertifyError {
    Self::Attest(error) => (error.check(), AttestError::checks()),
    Self::Signature(error) => (error.check(), SignatureError::checks()),
    Self::QualifiedSigner { .. } => "tpm-qualified-signer",
    Self::QualifyingData { .. } => "tpm-qualifying-data",
    Self::Name { .. } => "tpm-certified-name",
    Self::QualifiedName { .. } => "tpm-certified-place",
});

/// A key that lives in the TPM of an attestation key. Only [`verify_certify`] makes one.
#[derive(Debug, Clone, Serialize)]
pub struct CertifiedKey {
    /// The hash of its Name.
    pub name_algorithm: HashAlgorithm,
    /// What it may be used for.
    pub attributes: ObjectAttributes,
    /// In hex; absent if the key has no policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_policy: Option<String>,
    #[serde(skip)]
    public: Public,
}

impl CertifiedKey {
    /// The public area.
    #[must_use]
    pub const fn public(&self) -> &Public {
        &self.public
    }
}

/// Verifies that `key` certified the object of `public`, answering `qualifying_data`, in the order of
/// [`crate::verify_quote`]: structure, magic, type, signature, place of the signer, qualifying data,
/// Name. With `place` the object's qualified name must be that one.
///
/// # Errors
/// [`CertifyError`] of the first check that does not hold.
pub fn verify_certify(
    certification: &Attest,
    signature: &Signature,
    key: &AttestationKey,
    qualifying_data: &[u8],
    public: &Public,
    place: Option<&[u8]>,
) -> Result<CertifiedKey, CertifyError> {
    certification.check_magic()?;
    let Attested::Certify { name, qualified_name } = certification.untrusted_attested() else {
        return Err(certification.not("a certification of an object").into());
    };
    key.check_signature(signature, certification.bytes())?;
    if let Some((expected, found)) = key.misplaced(certification.untrusted_qualified_signer()) {
        return Err(CertifyError::QualifiedSigner { expected, found });
    }
    let found = certification.untrusted_extra_data();
    if !bool::from(found.ct_eq(qualifying_data)) {
        return Err(CertifyError::QualifyingData { found: encode_hex(found) });
    }
    if name != public.name().as_bytes() {
        let certified = encode_hex(name);
        return Err(CertifyError::Name { certified, found: public.name().clone() });
    }
    if let Some(place) = place.filter(|place| qualified_name != place) {
        let (expected, found) = (encode_hex(place), encode_hex(qualified_name));
        return Err(CertifyError::QualifiedName { expected, found });
    }
    let policy = public.auth_policy();
    Ok(CertifiedKey {
        name_algorithm: public.name_algorithm(),
        attributes: public.attributes(),
        auth_policy: (!policy.is_empty()).then(|| encode_hex(policy)),
        public: public.clone(),
    })
}
