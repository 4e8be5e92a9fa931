//! `TPMT_SIGNATURE`.

use avouch_pki::PublicKey;
use avouch_pki::der::write as der;
use avouch_wire::{Cursor, ParseError, failed_check};
use thiserror::Error;

use crate::public::hash;
use crate::sized::sized;
use crate::{HashAlgorithm, SigningAlgorithm, SigningScheme};

/// Longest RSA signature; twice what RSA-4096 has.
const RSA_BYTES_MAX: u16 = 1024;
/// Longest half of an ECDSA signature.
const SCALAR_BYTES_MAX: u16 = 66;

/// A signature with the scheme that it says it was made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    scheme: SigningScheme,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// As long as the modulus.
    Rsa(Vec<u8>),
    /// Big-endian; a TPM may leave leading zeros out.
    Ecdsa { r: Vec<u8>, s: Vec<u8> },
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// A field is not as the structure says, or bytes follow.
    #[error(transparent)]
    Field(#[from] ParseError),
    /// An algorithm that attestation keys here do not have.
    #[error("signature algorithm {found:#06x} is none of RSASSA, RSAPSS, ECDSA")]
    Algorithm {
        /// `TPMI_ALG_SIG_SCHEME`.
        found: u16,
    },
    /// Another scheme than the key's.
    #[error("the signature is {found}, the key signs by {expected}")]
    Scheme {
        /// What the key's public area or the rules fix.
        expected: String,
        /// What the signature says.
        found: SigningScheme,
    },
    /// The key did not make it over these bytes.
    #[error("the {key} key did not make this {scheme} signature over these bytes")]
    Invalid {
        /// Kind of the key.
        key: avouch_pki::KeyKind,
        /// Scheme of the signature.
        scheme: SigningScheme,
    },
}

failed_check!(SignatureError {
    Self::Field(_) => "tpm-signature-structure",
    Self::Algorithm { .. } => "tpm-signature-algorithm",
    Self::Scheme { .. } => "tpm-signature-scheme",
    Self::Invalid { .. } => "tpm-signature",
});

impl Signature {
    /// Reads a `TPMT_SIGNATURE` that fills `bytes`.
    ///
    /// # Errors
    /// [`SignatureError::Field`] or [`SignatureError::Algorithm`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let mut cursor = Cursor::new("TPMT_SIGNATURE", bytes);
        let found = cursor.u16_be("sig_alg")?;
        let algorithm =
            SigningAlgorithm::from_id(found).ok_or(SignatureError::Algorithm { found })?;
        let hash = hash(&mut cursor, "hash")?;
        let value = match algorithm {
            SigningAlgorithm::RsaSsa | SigningAlgorithm::RsaPss => {
                Value::Rsa(sized(&mut cursor, "sig", RSA_BYTES_MAX)?.to_vec())
            }
            SigningAlgorithm::Ecdsa => {
                Value::Ecdsa { r: scalar(&mut cursor, "r")?, s: scalar(&mut cursor, "s")? }
            }
        };
        cursor.finish()?;
        Ok(Self { scheme: SigningScheme { algorithm, hash }, value })
    }

    /// A bare RSASSA signature, as protocols carry it that strip the structure.
    #[must_use]
    pub fn bare_rsassa(hash: HashAlgorithm, bytes: &[u8]) -> Self {
        let scheme = SigningScheme { algorithm: SigningAlgorithm::RsaSsa, hash };
        Self { scheme, value: Value::Rsa(bytes.to_vec()) }
    }

    /// The scheme that it says it was made by.
    #[must_use]
    pub const fn scheme(&self) -> SigningScheme {
        self.scheme
    }

    /// Checks that `key` made it over `message`.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`].
    pub(crate) fn verify(&self, key: &PublicKey, message: &[u8]) -> Result<(), SignatureError> {
        let ecdsa;
        let bytes = match &self.value {
            Value::Rsa(bytes) => bytes,
            Value::Ecdsa { r, s } => {
                ecdsa = der::sequence(&[der::integer(r), der::integer(s)]);
                &ecdsa
            }
        };
        let schemes = self.scheme.provider_schemes(key.kind());
        if schemes.iter().any(|scheme| key.verify(*scheme, message, bytes).is_ok()) {
            return Ok(());
        }
        Err(SignatureError::Invalid { key: key.kind(), scheme: self.scheme })
    }
}

/// Half of an ECDSA signature; zero is none.
fn scalar(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Vec<u8>, ParseError> {
    let before = cursor.clone();
    let found = sized(cursor, field, SCALAR_BYTES_MAX)?;
    if found.iter().all(|byte| *byte == 0) {
        return Err(before.unexpected(field, "a number above zero", "zero"));
    }
    Ok(found.to_vec())
}
