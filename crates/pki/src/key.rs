//! Public keys: P-256, P-384, P-521, RSA.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use avouch_wire::{Cursor, ParseError};
use aws_lc_rs::signature::{
    self as lc, ParsedPublicKey, RsaParameters, RsaPssSaltLength, UnparsedPublicKey,
    VerificationAlgorithm,
};
use thiserror::Error;

use crate::der::{self, write};
use crate::oid::algorithm::{EC_PUBLIC_KEY, P256, P384, P521, RSA_ENCRYPTION};
use crate::oid::dotted;
use crate::signature::X509Algorithm;
use crate::{SignatureError, SignatureScheme, ecdsa, roca};

/// A public key. Whether its point lies on the curve shows when it is used.
#[derive(Clone)]
pub struct PublicKey {
    kind: KeyKind,
    spki_der: Vec<u8>,
    /// What the provider takes: the uncompressed point, or the `RSAPublicKey` DER.
    raw: Vec<u8>,
    /// Whether `read` is kept.
    serves_again: bool,
    /// The key as the provider has read it, for the scheme that was asked of it first.
    read: OnceLock<Arc<(SignatureScheme, ParsedPublicKey)>>,
}

/// About how many bytes a key of at most 133 bytes takes that the provider has read.
pub const KEY_READ_BYTES: usize = 1024;

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki_der == other.spki_der
    }
}

impl Eq for PublicKey {}

/// Which algorithm a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// RSA.
    Rsa {
        /// Length of the modulus in bits.
        modulus_bits: usize,
    },
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::Rsa { modulus_bits } => write!(f, "RSA-{modulus_bits}"),
        }
    }
}

/// Why a SubjectPublicKeyInfo is not a key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a SubjectPublicKeyInfo, or bytes follow it.
    #[error("public key is not a DER SubjectPublicKeyInfo: {0}")]
    Malformed(#[from] ParseError),
    /// Another algorithm, curve or form of point.
    #[error("public key algorithm {0} is not supported")]
    Unsupported(String),
    /// An RSA key whose primes were made by the method of CVE-2017-15361 (ROCA): it can be
    /// factored.
    #[error("RSA key was made by a method that lets it be factored (ROCA, CVE-2017-15361)")]
    Roca,
}

const P256_SPKI_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
const P384_SPKI_PREFIX: [u8; 24] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
];
const P521_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
    0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00, 0x04,
];
/// Tag of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

impl PublicKey {
    /// A P-256 key from `x || y`, big-endian.
    #[must_use]
    pub fn p256(xy: &[u8; 64]) -> Self {
        let raw = [&[UNCOMPRESSED], xy.as_slice()].concat();
        Self::new(KeyKind::P256, [P256_SPKI_PREFIX.as_slice(), xy].concat(), raw)
    }

    /// A P-384 key from `x || y`, big-endian.
    #[must_use]
    pub fn p384(xy: &[u8; 96]) -> Self {
        let raw = [&[UNCOMPRESSED], xy.as_slice()].concat();
        Self::new(KeyKind::P384, [P384_SPKI_PREFIX.as_slice(), xy].concat(), raw)
    }

    /// A P-521 key from `x || y`, big-endian, 66 bytes each.
    #[must_use]
    pub fn p521(xy: &[u8; 132]) -> Self {
        let raw = [&[UNCOMPRESSED], xy.as_slice()].concat();
        Self::new(KeyKind::P521, [P521_SPKI_PREFIX.as_slice(), xy].concat(), raw)
    }

    /// An RSA key from its two numbers, big-endian.
    ///
    /// # Errors
    /// [`KeyError`] as [`PublicKey::from_spki`] has it.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let key = write::sequence(&[write::integer(modulus), write::integer(exponent)]);
        let algorithm = write::element(der::OBJECT_IDENTIFIER, RSA_ENCRYPTION);
        let algorithm = write::sequence(&[algorithm, write::null()]);
        Self::from_spki(&write::sequence(&[algorithm, write::bit_string(0, &key)]))
    }

    const fn new(kind: KeyKind, spki_der: Vec<u8>, raw: Vec<u8>) -> Self {
        // Reading an RSA key costs a tenth of a verification, and most are of issuers.
        let serves_again = matches!(kind, KeyKind::Rsa { .. });
        Self { kind, spki_der, raw, serves_again, read: OnceLock::new() }
    }

    /// The same key, which the provider reads once and not at each use: for one that is kept and
    /// serves again and again. It takes [`KEY_READ_BYTES`] more.
    #[must_use]
    pub fn serving_again(self) -> Self {
        Self { serves_again: true, ..self }
    }

    /// A key from the DER of its SubjectPublicKeyInfo: RSA, or an uncompressed point on P-256, P-384
    /// or P-521. RSA keys with the ROCA weakness are refused.
    ///
    /// # Errors
    /// [`KeyError`] if the bytes are malformed, the algorithm is another one, or the key is weak.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let mut cursor = Cursor::new("SubjectPublicKeyInfo", der);
        let key = Self::read(&mut cursor)?;
        cursor.finish()?;
        Ok(key)
    }

    /// Reads the next element as a SubjectPublicKeyInfo.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, KeyError> {
        let info = der::element(cursor, "public_key_info", der::SEQUENCE)?;
        let mut fields = info.content;
        let mut algorithm = der::open(&mut fields, "public_key_algorithm", der::SEQUENCE)?;
        let raw = der::whole_bytes(&mut fields, "public_key")?;
        fields.finish()?;
        let named = der::identifier(&mut algorithm, "public_key_algorithm")?;
        let kind = if named == RSA_ENCRYPTION {
            der::null(&mut algorithm, "public_key_parameters")?;
            rsa(raw)?
        } else if named == EC_PUBLIC_KEY {
            curve(der::identifier(&mut algorithm, "public_key_curve")?, raw)?
        } else {
            return Err(KeyError::Unsupported(dotted(named)));
        };
        algorithm.finish()?;
        Ok(Self::new(kind, info.whole.to_vec(), raw.to_vec()))
    }

    /// Which algorithm the key is for.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// The uncompressed point (65, 97 or 133 bytes, first byte 4), or the DER of the `RSAPublicKey`.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Modulus and public exponent of an RSA key, big-endian without leading zeros.
    #[must_use]
    pub fn rsa_parts(&self) -> Option<(&[u8], &[u8])> {
        match self.kind {
            KeyKind::Rsa { .. } => rsa_parts(&self.raw).ok(),
            _ => None,
        }
    }

    /// Checks that this key signed `message`. RSA keys need 2048 to 8192 bits.
    ///
    /// # Errors
    /// [`SignatureError::WrongKeyKind`] if the scheme is for another kind of key,
    /// [`SignatureError::Invalid`] if the signature does not hold.
    pub fn verify(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let algorithm = provider_algorithm(self.kind, scheme)
            .ok_or(SignatureError::WrongKeyKind { key: self.kind, scheme })?;
        let invalid = SignatureError::Invalid { key: self.kind };
        let signature = match scheme.scalar_bytes() {
            Some(length) if Some(signature.len()) == length.checked_mul(2) => {
                Cow::Owned(ecdsa::to_der(signature))
            }
            Some(_) => return Err(invalid),
            None => Cow::Borrowed(signature),
        };
        let verified = match self.read_for(scheme, algorithm) {
            Some(read) => read.verify_sig(message, &signature),
            None => UnparsedPublicKey::new(algorithm, &self.raw).verify(message, &signature),
        };
        verified.map_err(|_| invalid)
    }

    /// The key as read by the provider, if that is kept and it was first read for this scheme.
    fn read_for(
        &self,
        scheme: SignatureScheme,
        algorithm: &'static dyn VerificationAlgorithm,
    ) -> Option<&ParsedPublicKey> {
        if !self.serves_again {
            return None;
        }
        if self.read.get().is_none() {
            let read = ParsedPublicKey::new(algorithm, &self.raw).ok()?;
            // Another thread may have been first, which is as good.
            drop(self.read.set(Arc::new((scheme, read))));
        }
        self.read.get().filter(|read| read.0 == scheme).map(|read| &read.1)
    }

    /// The scheme that an X.509 signature algorithm means under this key.
    pub(crate) const fn scheme_for(&self, algorithm: X509Algorithm) -> Option<SignatureScheme> {
        match (self.kind, algorithm) {
            (KeyKind::P256, X509Algorithm::EcdsaSha256) => Some(SignatureScheme::EcdsaP256Sha256),
            (KeyKind::P256, X509Algorithm::EcdsaSha384) => Some(SignatureScheme::EcdsaP256Sha384),
            (KeyKind::P384, X509Algorithm::EcdsaSha256) => Some(SignatureScheme::EcdsaP384Sha256),
            (KeyKind::P384, X509Algorithm::EcdsaSha384) => Some(SignatureScheme::EcdsaP384Sha384),
            (KeyKind::P521, X509Algorithm::EcdsaSha256) => Some(SignatureScheme::EcdsaP521Sha256),
            (KeyKind::P521, X509Algorithm::EcdsaSha384) => Some(SignatureScheme::EcdsaP521Sha384),
            (KeyKind::P521, X509Algorithm::EcdsaSha512) => Some(SignatureScheme::EcdsaP521Sha512),
            (KeyKind::Rsa { .. }, X509Algorithm::Rsa(scheme)) => Some(scheme),
            _ => None,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} key {}", self.kind, crate::digest::sha256(&self.spki_der))
    }
}

/// Reads an `RSAPublicKey` (RFC 8017, appendix A.1.1): modulus and exponent.
fn rsa_parts(raw: &[u8]) -> Result<(&[u8], &[u8]), ParseError> {
    let mut cursor = Cursor::new("RSAPublicKey", raw);
    let mut fields = der::open(&mut cursor, "structure", der::SEQUENCE)?;
    cursor.finish()?;
    let modulus = der::unsigned(&mut fields, "modulus")?;
    let exponent = der::unsigned(&mut fields, "exponent")?;
    fields.finish()?;
    Ok((modulus, exponent))
}

fn rsa(raw: &[u8]) -> Result<KeyKind, KeyError> {
    let (modulus, _) = rsa_parts(raw)?;
    if roca::is_weak(modulus) {
        return Err(KeyError::Roca);
    }
    let unused = modulus.first().map_or(0, |first| first.leading_zeros());
    let modulus_bits =
        modulus.len().saturating_mul(8).saturating_sub(usize::try_from(unused).unwrap_or(0));
    Ok(KeyKind::Rsa { modulus_bits })
}

fn curve(named: &[u8], point: &[u8]) -> Result<KeyKind, KeyError> {
    let curves = [(P256, KeyKind::P256, 65), (P384, KeyKind::P384, 97), (P521, KeyKind::P521, 133)];
    let (_, kind, length) = curves
        .into_iter()
        .find(|(identifier, ..)| *identifier == named)
        .ok_or_else(|| KeyError::Unsupported(format!("EC on curve {}", dotted(named))))?;
    if point.len() != length || point.first() != Some(&UNCOMPRESSED) {
        return Err(KeyError::Unsupported("EC with a compressed or odd-sized point".to_owned()));
    }
    Ok(kind)
}

fn provider_algorithm(
    kind: KeyKind,
    scheme: SignatureScheme,
) -> Option<&'static dyn VerificationAlgorithm> {
    use SignatureScheme as S;
    Some(match (kind, scheme) {
        (KeyKind::P256, S::EcdsaP256Sha256) => &lc::ECDSA_P256_SHA256_ASN1,
        (KeyKind::P256, S::EcdsaP256Sha384) => &lc::ECDSA_P256_SHA384_ASN1,
        (KeyKind::P256, S::EcdsaP256Sha512) => &lc::ECDSA_P256_SHA512_ASN1,
        (KeyKind::P384, S::EcdsaP384Sha256) => &lc::ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, S::EcdsaP384Sha384) => &lc::ECDSA_P384_SHA384_ASN1,
        (KeyKind::P384, S::EcdsaP384Sha512) => &lc::ECDSA_P384_SHA512_ASN1,
        (KeyKind::P256, S::EcdsaP256Sha256Fixed) => &lc::ECDSA_P256_SHA256_ASN1,
        (KeyKind::P384, S::EcdsaP384Sha384Fixed) => &lc::ECDSA_P384_SHA384_ASN1,
        (KeyKind::P521, S::EcdsaP521Sha256) => &lc::ECDSA_P521_SHA256_ASN1,
        (KeyKind::P521, S::EcdsaP521Sha384) => &lc::ECDSA_P521_SHA384_ASN1,
        (KeyKind::P521, S::EcdsaP521Sha512) => &lc::ECDSA_P521_SHA512_ASN1,
        (KeyKind::P521, S::EcdsaP521Sha512Fixed) => &lc::ECDSA_P521_SHA512_ASN1,
        (KeyKind::Rsa { .. }, S::RsaPkcs1Sha1) => &lc::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (KeyKind::Rsa { .. }, S::RsaPkcs1Sha256) => &lc::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa { .. }, S::RsaPkcs1Sha384) => &lc::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa { .. }, S::RsaPkcs1Sha512) => &lc::RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::Rsa { .. }, S::RsaPssSha256) => &lc::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa { .. }, S::RsaPssSha384) => &lc::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa { .. }, S::RsaPssSha512) => &lc::RSA_PSS_2048_8192_SHA512,
        (KeyKind::Rsa { .. }, S::RsaPssSha256LongestSalt) => &PSS_SHA256_LONGEST_SALT,
        (KeyKind::Rsa { .. }, S::RsaPssSha384LongestSalt) => &PSS_SHA384_LONGEST_SALT,
        (KeyKind::Rsa { .. }, S::RsaPssSha512LongestSalt) => &PSS_SHA512_LONGEST_SALT,
        _ => return None,
    })
}

static PSS_SHA256_LONGEST_SALT: RsaParameters =
    lc::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);
static PSS_SHA384_LONGEST_SALT: RsaParameters =
    lc::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(RsaPssSaltLength::Max);
static PSS_SHA512_LONGEST_SALT: RsaParameters =
    lc::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(RsaPssSaltLength::Max);
