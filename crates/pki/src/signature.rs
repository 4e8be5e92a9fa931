//! Signature schemes by name; the key decides which of them it can serve.

use avouch_wire::{Cursor, ParseError};
use thiserror::Error;

use crate::der;
use crate::oid::algorithm::{
    ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512, MGF1, RSA_SHA256, RSA_SHA384, RSA_SHA512, RSASSA_PSS,
    SHA256, SHA384, SHA512,
};
use crate::oid::dotted;

/// A signature algorithm with all its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// ECDSA on P-256 with SHA-256, DER signature.
    EcdsaP256Sha256,
    /// ECDSA on P-256 with SHA-384, DER signature.
    EcdsaP256Sha384,
    /// ECDSA on P-256 with SHA-512, DER signature.
    EcdsaP256Sha512,
    /// ECDSA on P-384 with SHA-256, DER signature.
    EcdsaP384Sha256,
    /// ECDSA on P-384 with SHA-384, DER signature.
    EcdsaP384Sha384,
    /// ECDSA on P-384 with SHA-512, DER signature.
    EcdsaP384Sha512,
    /// ECDSA on P-256 with SHA-256, signature `r || s`, 64 bytes big-endian.
    EcdsaP256Sha256Fixed,
    /// ECDSA on P-384 with SHA-384, signature `r || s`, 96 bytes big-endian.
    EcdsaP384Sha384Fixed,
    /// ECDSA on P-521 with SHA-256, DER signature.
    EcdsaP521Sha256,
    /// ECDSA on P-521 with SHA-384, DER signature.
    EcdsaP521Sha384,
    /// ECDSA on P-521 with SHA-512, DER signature.
    EcdsaP521Sha512,
    /// ECDSA on P-521 with SHA-512, signature `r || s`, 132 bytes big-endian.
    EcdsaP521Sha512Fixed,
    /// RSASSA-PKCS1-v1_5 with SHA-1, which no longer withstands collisions: for attestation keys
    /// of old TPMs, where an operator asks for it.
    RsaPkcs1Sha1,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, salt of 48 bytes.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512, salt of 64 bytes.
    RsaPssSha512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, the longest salt that the modulus has room for.
    RsaPssSha256LongestSalt,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, the longest salt that the modulus has room for.
    RsaPssSha384LongestSalt,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512, the longest salt that the modulus has room for.
    RsaPssSha512LongestSalt,
}

impl SignatureScheme {
    /// How many bytes each of `r` and `s` has, in a signature of fixed length.
    pub(crate) const fn scalar_bytes(self) -> Option<usize> {
        match self {
            Self::EcdsaP256Sha256Fixed => Some(32),
            Self::EcdsaP384Sha384Fixed => Some(48),
            Self::EcdsaP521Sha512Fixed => Some(66),
            _ => None,
        }
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The scheme is for another kind of key.
    #[error("a {key} key cannot make a {scheme:?} signature")]
    WrongKeyKind {
        /// The kind of key.
        key: crate::KeyKind,
        /// The scheme asked for.
        scheme: SignatureScheme,
    },
    /// The signature was not made by this key over these bytes.
    #[error("signature does not verify under the {key} key")]
    Invalid {
        /// The kind of key.
        key: crate::KeyKind,
    },
}

/// What an X.509 `AlgorithmIdentifier` says; ECDSA leaves the curve to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum X509Algorithm {
    EcdsaSha256,
    EcdsaSha384,
    EcdsaSha512,
    Rsa(SignatureScheme),
}

impl X509Algorithm {
    pub(crate) const fn rsa_scheme(self) -> Option<SignatureScheme> {
        match self {
            Self::Rsa(scheme) => Some(scheme),
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => None,
        }
    }

    /// Reads an `AlgorithmIdentifier`, with its tag and length, to its end: ECDSA has no parameters,
    /// PKCS#1 has NULL or none, RSASSA-PSS has them all, and consistent.
    ///
    /// On failure, the text says what is not supported.
    pub(crate) fn read(identifier: &[u8]) -> Result<Self, String> {
        let malformed = |error: ParseError| error.to_string();
        let mut outer = Cursor::new("AlgorithmIdentifier", identifier);
        let mut fields = der::open(&mut outer, "structure", der::SEQUENCE).map_err(malformed)?;
        let named = der::identifier(&mut fields, "algorithm").map_err(malformed)?;
        if named == RSASSA_PSS {
            return pss(fields).map(Self::Rsa);
        }
        let without_parameters = [
            (ECDSA_SHA256, Self::EcdsaSha256),
            (ECDSA_SHA384, Self::EcdsaSha384),
            (ECDSA_SHA512, Self::EcdsaSha512),
            (RSA_SHA256, Self::Rsa(SignatureScheme::RsaPkcs1Sha256)),
            (RSA_SHA384, Self::Rsa(SignatureScheme::RsaPkcs1Sha384)),
            (RSA_SHA512, Self::Rsa(SignatureScheme::RsaPkcs1Sha512)),
        ];
        let (_, found) = without_parameters
            .into_iter()
            .find(|(identifier, _)| *identifier == named)
            .ok_or_else(|| format!("signature algorithm {} is not supported", dotted(named)))?;
        if matches!(found, Self::Rsa(_)) {
            null_or_nothing(&mut fields).map_err(malformed)?;
        }
        fields.finish().map_err(malformed)?;
        Ok(found)
    }
}

fn null_or_nothing(fields: &mut Cursor<'_>) -> Result<(), ParseError> {
    if fields.is_empty() { Ok(()) } else { der::null(fields, "parameters") }
}

/// `RSASSA-PSS-params` (RFC 4055, section 3.1). What is absent has the default, which is SHA-1 for
/// both hashes.
#[derive(Debug)]
struct PssParameters<'a> {
    hash: &'a [u8],
    mask: &'a [u8],
    mask_hash: &'a [u8],
    salt_length_bytes: u32,
    trailer: u32,
}

/// 1.3.14.3.2.26
const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";

fn pss(mut fields: Cursor<'_>) -> Result<SignatureScheme, String> {
    if fields.is_empty() {
        return Err("RSASSA-PSS without parameters".to_owned());
    }
    let found = pss_parameters(&mut fields)
        .map_err(|error| format!("malformed RSASSA-PSS parameters: {error}"))?;
    let consistent = found.mask == MGF1 && found.mask_hash == found.hash && found.trailer == 1;
    let accepted = [
        (SHA256, 32, SignatureScheme::RsaPssSha256),
        (SHA384, 48, SignatureScheme::RsaPssSha384),
        (SHA512, 64, SignatureScheme::RsaPssSha512),
    ];
    accepted
        .into_iter()
        .find(|(hash, salt, _)| {
            consistent && *hash == found.hash && *salt == found.salt_length_bytes
        })
        .map(|(_, _, scheme)| scheme)
        .ok_or_else(|| {
            format!(
                "RSASSA-PSS with hash {}, mask {} over {}, salt of {} bytes and trailer {} is not \
                 supported",
                dotted(found.hash),
                dotted(found.mask),
                dotted(found.mask_hash),
                found.salt_length_bytes,
                found.trailer,
            )
        })
}

fn pss_parameters<'a>(fields: &mut Cursor<'a>) -> Result<PssParameters<'a>, ParseError> {
    let mut list = der::open(fields, "parameters", der::SEQUENCE)?;
    let list = &mut list;
    let hash = tagged(list, 0, |hash| hash_algorithm(hash))?.unwrap_or(SHA1);
    let (mask, mask_hash) = tagged(list, 1, |mask| {
        let mut mask = der::open(mask, "mask", der::SEQUENCE)?;
        let function = der::identifier(&mut mask, "mask_function")?;
        let hash = hash_algorithm(&mut mask)?;
        mask.finish()?;
        Ok((function, hash))
    })?
    .unwrap_or((MGF1, SHA1));
    let salt = tagged(list, 2, |salt| der::unsigned_32(salt, "salt_length"))?.unwrap_or(20);
    let trailer = tagged(list, 3, |trailer| der::unsigned_32(trailer, "trailer"))?.unwrap_or(1);
    list.clone().finish()?;
    fields.clone().finish()?;
    Ok(PssParameters { hash, mask, mask_hash, salt_length_bytes: salt, trailer })
}

/// What `[number] EXPLICIT` holds, if it is next.
fn tagged<'a, T>(
    list: &mut Cursor<'a>,
    number: u8,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T, ParseError>,
) -> Result<Option<T>, ParseError> {
    let tag = der::explicit(number);
    if !der::next_is(list, tag) {
        return Ok(None);
    }
    let mut content = der::open(list, "parameter", tag)?;
    let value = read(&mut content)?;
    content.finish()?;
    Ok(Some(value))
}

/// The identifier of a hash, whose parameters are NULL or absent.
fn hash_algorithm<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    let mut fields = der::open(cursor, "hash", der::SEQUENCE)?;
    let identifier = der::identifier(&mut fields, "hash_algorithm")?;
    null_or_nothing(&mut fields)?;
    fields.finish()?;
    Ok(identifier)
}
