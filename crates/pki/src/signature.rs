//! Signature schemes by name; the key decides which of them it can serve.

use thiserror::Error;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use crate::oid::algorithm::{
    ECDSA_SHA256, ECDSA_SHA384, MGF1, RSA_SHA256, RSA_SHA384, RSA_SHA512, RSASSA_PSS, SHA256,
    SHA384, SHA512,
};

/// A signature algorithm with all its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// ECDSA on P-256 with SHA-256, DER signature.
    EcdsaP256Sha256,
    /// ECDSA on P-256 with SHA-384, DER signature.
    EcdsaP256Sha384,
    /// ECDSA on P-384 with SHA-256, DER signature.
    EcdsaP384Sha256,
    /// ECDSA on P-384 with SHA-384, DER signature.
    EcdsaP384Sha384,
    /// ECDSA on P-256 with SHA-256, signature `r || s`, 64 bytes big-endian.
    EcdsaP256Sha256Fixed,
    /// ECDSA on P-384 with SHA-384, signature `r || s`, 96 bytes big-endian.
    EcdsaP384Sha384Fixed,
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
    Rsa(SignatureScheme),
}

impl X509Algorithm {
    pub(crate) const fn rsa_scheme(self) -> Option<SignatureScheme> {
        match self {
            Self::Rsa(scheme) => Some(scheme),
            Self::EcdsaSha256 | Self::EcdsaSha384 => None,
        }
    }

    /// Reads an `AlgorithmIdentifier`; RSASSA-PSS parameters must be complete and consistent.
    ///
    /// On failure, the text says what is not supported.
    pub(crate) fn read(identifier: &AlgorithmIdentifier<'_>) -> Result<Self, String> {
        let fixed = [
            (ECDSA_SHA256, Self::EcdsaSha256),
            (ECDSA_SHA384, Self::EcdsaSha384),
            (RSA_SHA256, Self::Rsa(SignatureScheme::RsaPkcs1Sha256)),
            (RSA_SHA384, Self::Rsa(SignatureScheme::RsaPkcs1Sha384)),
            (RSA_SHA512, Self::Rsa(SignatureScheme::RsaPkcs1Sha512)),
        ];
        let named = &identifier.algorithm;
        if *named == RSASSA_PSS {
            return pss(identifier).map(Self::Rsa);
        }
        fixed
            .into_iter()
            .find(|(oid, _)| oid == named)
            .map(|(_, found)| found)
            .ok_or_else(|| format!("signature algorithm {} is not supported", named.to_id_string()))
    }
}

fn pss(identifier: &AlgorithmIdentifier<'_>) -> Result<SignatureScheme, String> {
    let parameters = identifier.parameters.as_ref().ok_or("RSASSA-PSS without parameters")?;
    let parameters =
        RsaSsaPssParams::try_from(parameters).map_err(|_| "malformed RSASSA-PSS parameters")?;
    let hash = parameters.hash_algorithm_oid();
    let mask = parameters.mask_gen_algorithm().map_err(|_| "malformed RSASSA-PSS mask function")?;
    let salt_length_bytes = parameters.salt_length();
    let consistent = mask.mgf == MGF1 && mask.hash == *hash && parameters.trailer_field() == 1;
    let accepted = [
        (SHA256, 32, SignatureScheme::RsaPssSha256),
        (SHA384, 48, SignatureScheme::RsaPssSha384),
        (SHA512, 64, SignatureScheme::RsaPssSha512),
    ];
    accepted
        .into_iter()
        .find(|(oid, salt, _)| consistent && oid == hash && *salt == salt_length_bytes)
        .map(|(_, _, scheme)| scheme)
        .ok_or_else(|| {
            format!(
                "RSASSA-PSS with hash {}, mask {} over {}, salt of {salt_length_bytes} bytes and \
                 trailer {} is not supported",
                hash.to_id_string(),
                mask.mgf,
                mask.hash,
                parameters.trailer_field(),
            )
        })
}

/// Whether what stands around the signed part leaves no freedom: the outer SEQUENCE in its shortest
/// form, the signature algorithm repeated byte for byte as inside, the signature as a BIT STRING
/// of whole bytes, and nothing else.
///
/// A signed structure is `SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING }`; only `tbs` is covered
/// by the signature.
pub(crate) fn unsigned_parts_are_canonical(der: &[u8], tbs: &[u8], signature: &[u8]) -> bool {
    let Some(tbs_at) = der.windows(tbs.len().max(1)).position(|window| window == tbs) else {
        return false;
    };
    let content_length = der.len().saturating_sub(tbs_at);
    if der.get(..tbs_at) != Some(der_header(SEQUENCE, content_length).as_slice()) {
        return false;
    }
    // One byte of the BIT STRING counts unused bits, of which there are none.
    let mut before_signature = der_header(BIT_STRING, signature.len().saturating_add(1));
    before_signature.push(0);
    let after_tbs = der.get(tbs_at.saturating_add(tbs.len())..).unwrap_or_default();
    let outer = after_tbs
        .strip_suffix(signature)
        .and_then(|rest| rest.strip_suffix(before_signature.as_slice()));
    outer.is_some_and(|outer| {
        !outer.is_empty() && tbs.windows(outer.len()).any(|window| window == outer)
    })
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// Tag and length of `length` content bytes, in the shortest form.
fn der_header(tag: u8, length: usize) -> Vec<u8> {
    let significant: Vec<u8> =
        length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let mut header = vec![tag];
    match significant.as_slice() {
        [] => header.push(0),
        [short] if *short < 0x80 => header.push(*short),
        long => {
            header.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            header.extend_from_slice(long);
        }
    }
    header
}
