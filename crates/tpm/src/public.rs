//! `TPMT_PUBLIC`: the public area of a key.

use avouch_pki::{KeyError, KeyKind, PublicKey};
use avouch_wire::{Cursor, ParseError, failed_check};
use thiserror::Error;

use crate::algorithm::id;
use crate::sized::{sized, unsized_whole};
use crate::{
    Curve, HashAlgorithm, Name, ObjectAttributes, SigningAlgorithm, SigningScheme, Symmetric,
};

/// Longest digest, of an authorisation policy.
const DIGEST_BYTES_MAX: u16 = 64;
/// Longest modulus: RSA-4096 is the largest that TPMs have; twice that is room.
const MODULUS_BYTES_MAX: u16 = 1024;
/// The exponent that is written as 0.
const DEFAULT_EXPONENT: u32 = 65_537;

/// The public area of a key, as its bytes say it is: well-formed, not known to be any TPM's.
///
/// The attributes count only when the [`Name`] was bound to a TPM ([`crate::AcceptableKey`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    bytes: Vec<u8>,
    name: Name,
    name_algorithm: HashAlgorithm,
    attributes: ObjectAttributes,
    auth_policy: Vec<u8>,
    symmetric: Option<Symmetric>,
    scheme: Scheme,
    key: PublicKey,
}

/// What the public area fixes of how the key is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Nothing: each use names its scheme.
    Open,
    /// It signs in this one way.
    Signing(SigningScheme),
    /// A scheme that no attestation key here has: decryption, key agreement, anonymous and other
    /// signatures. Its `TPM_ALG_ID`.
    Other(u16),
}

/// Why bytes are not the public area of a key that could be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublicError {
    /// A field is not as the structure says, or bytes follow.
    #[error(transparent)]
    Field(#[from] ParseError),
    /// Neither an RSA nor an ECC key.
    #[error("type {found:#06x} is neither RSA nor ECC")]
    Type {
        /// `TPMI_ALG_PUBLIC`.
        found: u16,
    },
    /// No hash that a name could be made with.
    #[error("nameAlg {found:#06x} gives no Name")]
    NameAlgorithm {
        /// `TPMI_ALG_HASH`.
        found: u16,
    },
    /// Attributes that the structure does not define.
    #[error("attributes {found} have undefined bits set: {:#x}", .found.undefined_bits())]
    Attributes {
        /// All 32 bits.
        found: ObjectAttributes,
    },
    /// A policy that is neither absent nor a digest of the name algorithm.
    #[error("authPolicy has {found} bytes, expected none or the {expected} of {algorithm}")]
    AuthPolicy {
        /// Bytes of a digest.
        expected: usize,
        /// Bytes found.
        found: usize,
        /// The name algorithm.
        algorithm: HashAlgorithm,
    },
    /// A curve that keys are not taken on.
    #[error("curve {found:#06x} is none of P-256, P-384, P-521")]
    Curve {
        /// `TPMI_ECC_CURVE`.
        found: u16,
    },
    /// The modulus is not as long as the key says.
    #[error("the modulus is no number of {expected} bits")]
    ModulusLength {
        /// `keyBits`.
        expected: u16,
    },
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

failed_check!(PublicError {
    Self::Field(_) => "tpm-public-structure",
    Self::Type { .. } => "tpm-public-type",
    Self::NameAlgorithm { .. } => "tpm-public-name-algorithm",
    Self::Attributes { .. } => "tpm-public-attributes",
    Self::AuthPolicy { .. } => "tpm-public-auth-policy",
    Self::Curve { .. } => "tpm-public-curve",
    Self::ModulusLength { .. } => "tpm-public-key",
    Self::Key(_) => "tpm-public-key",
});

impl Public {
    /// Reads a bare `TPMT_PUBLIC` that fills `bytes`.
    ///
    /// # Errors
    /// [`PublicError`]. Whether the key is one that may attest is not judged here.
    pub fn parse(bytes: &[u8]) -> Result<Self, PublicError> {
        let mut cursor = Cursor::new("TPMT_PUBLIC", bytes);
        let kind = cursor.u16_be("type")?;
        if kind != id::RSA && kind != id::ECC {
            return Err(PublicError::Type { found: kind });
        }
        let name_id = cursor.u16_be("name_alg")?;
        let name_algorithm = HashAlgorithm::from_tpm_id(name_id)
            .ok_or(PublicError::NameAlgorithm { found: name_id })?;
        let attributes = ObjectAttributes(cursor.u32_be("object_attributes")?);
        if attributes.undefined_bits() != 0 {
            return Err(PublicError::Attributes { found: attributes });
        }
        let auth_policy = auth_policy(&mut cursor, name_algorithm)?;
        let symmetric = symmetric(&mut cursor)?;
        let (scheme, key) =
            if kind == id::RSA { rsa(&mut cursor)? } else { elliptic(&mut cursor)? };
        cursor.finish()?;
        let name =
            Name::of(name_algorithm, bytes).ok_or(PublicError::NameAlgorithm { found: name_id })?;
        let bytes = bytes.to_vec();
        Ok(Self { bytes, name, name_algorithm, attributes, auth_policy, symmetric, scheme, key })
    }

    /// Reads a `TPM2B_PUBLIC`: the same behind its size.
    ///
    /// # Errors
    /// As [`Public::parse`].
    pub fn parse_sized(bytes: &[u8]) -> Result<Self, PublicError> {
        Self::parse(unsized_whole("TPM2B_PUBLIC", bytes)?)
    }

    /// The bytes as received, without a size before them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its Name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The hash of its Name.
    #[must_use]
    pub const fn name_algorithm(&self) -> HashAlgorithm {
        self.name_algorithm
    }

    /// What it may be used for.
    #[must_use]
    pub const fn attributes(&self) -> ObjectAttributes {
        self.attributes
    }

    /// The policy that authorises its use; empty if there is none.
    #[must_use]
    pub fn auth_policy(&self) -> &[u8] {
        &self.auth_policy
    }

    /// The cipher that protects what is below it, of storage and endorsement keys.
    #[must_use]
    pub const fn symmetric(&self) -> Option<Symmetric> {
        self.symmetric
    }

    /// How it signs, if that is fixed.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

fn auth_policy(cursor: &mut Cursor<'_>, algorithm: HashAlgorithm) -> Result<Vec<u8>, PublicError> {
    let policy = sized(cursor, "auth_policy", DIGEST_BYTES_MAX)?;
    let expected = algorithm.digest_length();
    if !policy.is_empty() && policy.len() != expected {
        return Err(PublicError::AuthPolicy { expected, found: policy.len(), algorithm });
    }
    Ok(policy.to_vec())
}

/// `TPMT_SYM_DEF_OBJECT`.
fn symmetric(cursor: &mut Cursor<'_>) -> Result<Option<Symmetric>, ParseError> {
    let before = cursor.clone();
    let algorithm = cursor.u16_be("symmetric_algorithm")?;
    match algorithm {
        id::NULL => Ok(None),
        id::AES | id::SM4 | id::CAMELLIA | id::TDES => {
            let key_bits = cursor.u16_be("symmetric_key_bits")?;
            let mode = cursor.u16_be("symmetric_mode")?;
            Ok(Some(Symmetric { algorithm, key_bits, mode }))
        }
        other => {
            let found = format_args!("{other:#06x}");
            Err(before.unexpected("symmetric_algorithm", "a block cipher or none", found))
        }
    }
}

/// `TPMT_RSA_SCHEME` or `TPMT_ECC_SCHEME`: both are the union of the same details.
fn scheme(cursor: &mut Cursor<'_>, known: &[u16]) -> Result<Scheme, ParseError> {
    let before = cursor.clone();
    let scheme = cursor.u16_be("scheme")?;
    if scheme == id::NULL {
        return Ok(Scheme::Open);
    }
    if !known.contains(&scheme) {
        let found = format_args!("{scheme:#06x}");
        return Err(before.unexpected("scheme", "a scheme for this type of key", found));
    }
    if scheme == id::RSAES {
        return Ok(Scheme::Other(scheme));
    }
    let hash = hash(cursor, "scheme_hash")?;
    if scheme == id::ECDAA {
        cursor.u16_be("scheme_count")?;
    }
    Ok(SigningAlgorithm::from_id(scheme).map_or(Scheme::Other(scheme), |algorithm| {
        Scheme::Signing(SigningScheme { algorithm, hash })
    }))
}

/// A hash algorithm that is known.
pub(crate) fn hash(
    cursor: &mut Cursor<'_>,
    field: &'static str,
) -> Result<HashAlgorithm, ParseError> {
    let before = cursor.clone();
    let found = cursor.u16_be(field)?;
    HashAlgorithm::from_tpm_id(found).ok_or_else(|| {
        before.unexpected(field, "a known hash algorithm", format_args!("{found:#06x}"))
    })
}

fn rsa(cursor: &mut Cursor<'_>) -> Result<(Scheme, PublicKey), PublicError> {
    let scheme = scheme(cursor, &[id::RSASSA, id::RSAES, id::RSAPSS, id::OAEP])?;
    let key_bits = cursor.u16_be("key_bits")?;
    let exponent = match cursor.u32_be("exponent")? {
        0 => DEFAULT_EXPONENT,
        exponent => exponent,
    };
    let modulus = sized(cursor, "unique", MODULUS_BYTES_MAX)?;
    let key = PublicKey::rsa(modulus, &exponent.to_be_bytes())?;
    if key.kind() != (KeyKind::Rsa { modulus_bits: key_bits.into() }) {
        return Err(PublicError::ModulusLength { expected: key_bits });
    }
    Ok((scheme, key))
}

fn elliptic(cursor: &mut Cursor<'_>) -> Result<(Scheme, PublicKey), PublicError> {
    let signing = [id::ECDSA, id::ECDAA, id::SM2, id::ECSCHNORR];
    let scheme = scheme(cursor, &[signing.as_slice(), &[id::ECDH, id::ECMQV]].concat())?;
    let found = cursor.u16_be("curve")?;
    let curve = Curve::from_id(found).ok_or(PublicError::Curve { found })?;
    key_derivation(cursor)?;
    let key = match curve {
        Curve::P256 => PublicKey::p256(&point(cursor)?),
        Curve::P384 => PublicKey::p384(&point(cursor)?),
        Curve::P521 => PublicKey::p521(&point(cursor)?),
    };
    Ok((scheme, key))
}

/// `TPMT_KDF_SCHEME`.
fn key_derivation(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    let before = cursor.clone();
    match cursor.u16_be("kdf")? {
        id::NULL => Ok(()),
        id::MGF1 | id::KDF1_SP800_56A | id::KDF2 | id::KDF1_SP800_108 => {
            hash(cursor, "kdf_hash").map(drop)
        }
        other => {
            let found = format_args!("{other:#06x}");
            Err(before.unexpected("kdf", "a key derivation or none", found))
        }
    }
}

/// `TPMS_ECC_POINT` as `x || y`. Some TPMs leave leading zeros out.
fn point<const XY: usize>(cursor: &mut Cursor<'_>) -> Result<[u8; XY], ParseError> {
    let mut point = [0; XY];
    let coordinate = XY / 2;
    let limit = u16::try_from(coordinate).unwrap_or(0);
    for (field, target) in ["x", "y"].into_iter().zip(point.chunks_mut(coordinate.max(1))) {
        let found = sized(cursor, field, limit)?;
        for (to, from) in target.iter_mut().rev().zip(found.iter().rev()) {
            *to = *from;
        }
    }
    Ok(point)
}
