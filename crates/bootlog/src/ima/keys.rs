//! Keys of an operator that sign files.
//!
//! The provider (aws-lc) computes RSA, P-256, P-384, P-521 and secp256k1. secp256k1 serves here and
//! nowhere else: evmctl signs with whatever key it is given, and lists with such signatures exist.

use avouch_pki::{Certificate, KeyKind, PublicKey, digest, oid, pem};
use avouch_wire::failed_check;
use aws_lc_rs::digest::{Algorithm as LcAlgorithm, Digest as LcDigest, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{self as lc, ParsedPublicKey, VerificationAlgorithm};
use thiserror::Error;

use super::{DigestKind, File, SignatureHeader, SignatureKind};
use crate::HashAlgorithm;

/// Keys that files may be signed by.
#[derive(Debug, Clone, Default)]
pub struct FileKeys(Vec<FileKey>);

/// Why a file gives no keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileKeysError {
    /// It is neither PEM nor a certificate in DER.
    #[error("no certificate and no public key: {0}")]
    Unreadable(String),
    /// A key is none that files are signed by.
    #[error("key {index} cannot verify signatures of files: {what}")]
    Key {
        /// Its place, from 0.
        index: usize,
        /// Why.
        what: String,
    },
    /// More keys than are taken.
    #[error("more than {limit} keys")]
    TooMany {
        /// The most that are taken.
        limit: usize,
    },
}

failed_check!(FileKeysError {
    Self::Unreadable(_) | Self::Key { .. } | Self::TooMany { .. } => "ima-keys",
});

/// Most keys: a signature is tried by those whose identifier it names.
const KEYS_MAX: usize = 64;

#[derive(Debug, Clone)]
struct FileKey {
    /// The identifiers that signatures may name it by: of the certificate, and of the key itself.
    ids: Vec<[u8; 4]>,
    /// The key as the provider has read it, for each hash.
    read: Vec<(HashAlgorithm, ParsedPublicKey)>,
}

impl FileKeys {
    /// No keys.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads certificates and public keys in PEM, or one certificate in DER. The key's identifier is
    /// the end of the certificate's subject key identifier, and of the SHA-1 of the key. Whether a
    /// certificate is current and who issued it is not asked: the operator chose it.
    ///
    /// # Errors
    /// [`FileKeysError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, FileKeysError> {
        let unreadable =
            |error: &dyn std::fmt::Display| FileKeysError::Unreadable(error.to_string());
        if bytes.first() == Some(&0x30) {
            let key = FileKey::of_certificate(bytes).map_err(|what| unreadable(&what))?;
            return Ok(Self(vec![key]));
        }
        let blocks =
            pem::blocks_of_any_label(bytes, KEYS_MAX).map_err(|error| unreadable(&error))?;
        let keys: Result<Vec<FileKey>, FileKeysError> = blocks
            .iter()
            .enumerate()
            .map(|(index, block)| {
                let der = block.der().map_err(|error| unreadable(&error))?;
                let key = match block.label() {
                    "CERTIFICATE" => FileKey::of_certificate(&der),
                    "PUBLIC KEY" => FileKey::of_spki(&der),
                    _ => Err("expected CERTIFICATE or PUBLIC KEY".to_owned()),
                };
                key.map_err(|what| FileKeysError::Key { index, what })
            })
            .collect();
        keys.map(Self)
    }

    /// These keys and those.
    ///
    /// # Errors
    /// [`FileKeysError::TooMany`].
    pub fn and(mut self, other: Self) -> Result<Self, FileKeysError> {
        self.0.extend(other.0);
        if self.0.len() > KEYS_MAX {
            return Err(FileKeysError::TooMany { limit: KEYS_MAX });
        }
        Ok(self)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a key of that identifier is among them.
    pub(super) fn know(&self, id: [u8; 4]) -> bool {
        self.0.iter().any(|key| key.ids.contains(&id))
    }

    /// Whether one of them, of the identifier that the signature names, made it over that digest.
    pub(super) fn signed(
        &self,
        header: &SignatureHeader<'_>,
        algorithm: HashAlgorithm,
        digest: &[u8],
    ) -> bool {
        let of_id = self.0.iter().filter(|key| key.ids.contains(&header.key_id));
        of_id.into_iter().any(|key| key.signed(algorithm, digest, header.signature))
    }
}

/// How every secp256k1 key's SubjectPublicKeyInfo begins, up to its uncompressed point.
const SECP256K1_SPKI_PREFIX: [u8; 24] = [
    0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00, 0x04,
];
/// From the tag of the point on.
const SECP256K1_POINT: usize = 23;
const SECP256K1_SPKI_BYTES: usize = 88;

type Scheme = (HashAlgorithm, &'static dyn VerificationAlgorithm);

impl FileKey {
    fn of_certificate(der: &[u8]) -> Result<Self, String> {
        let certificate = Certificate::parse(der).map_err(|error| error.to_string())?;
        let mut key = Self::of_key(certificate.public_key())?;
        // An OCTET STRING: tag, length, identifier.
        let named = certificate.extension(oid::SUBJECT_KEY_IDENTIFIER);
        key.ids.extend(named.and_then(|named| named.value.last_chunk::<4>().copied()));
        Ok(key)
    }

    fn of_spki(der: &[u8]) -> Result<Self, String> {
        if der.len() == SECP256K1_SPKI_BYTES && der.starts_with(&SECP256K1_SPKI_PREFIX) {
            let point = der.get(SECP256K1_POINT..).unwrap_or_default();
            return Self::new(point, &[(HashAlgorithm::Sha256, &lc::ECDSA_P256K1_SHA256_ASN1)]);
        }
        let key = PublicKey::from_spki(der).map_err(|error| error.to_string())?;
        Self::of_key(&key)
    }

    fn of_key(key: &PublicKey) -> Result<Self, String> {
        let schemes: [Scheme; 3] = match key.kind() {
            KeyKind::Rsa { .. } => [
                (HashAlgorithm::Sha256, &lc::RSA_PKCS1_2048_8192_SHA256),
                (HashAlgorithm::Sha384, &lc::RSA_PKCS1_2048_8192_SHA384),
                (HashAlgorithm::Sha512, &lc::RSA_PKCS1_2048_8192_SHA512),
            ],
            KeyKind::P256 => [
                (HashAlgorithm::Sha256, &lc::ECDSA_P256_SHA256_ASN1),
                (HashAlgorithm::Sha384, &lc::ECDSA_P256_SHA384_ASN1),
                (HashAlgorithm::Sha512, &lc::ECDSA_P256_SHA512_ASN1),
            ],
            KeyKind::P384 => [
                (HashAlgorithm::Sha256, &lc::ECDSA_P384_SHA256_ASN1),
                (HashAlgorithm::Sha384, &lc::ECDSA_P384_SHA384_ASN1),
                (HashAlgorithm::Sha512, &lc::ECDSA_P384_SHA512_ASN1),
            ],
            KeyKind::P521 => [
                (HashAlgorithm::Sha256, &lc::ECDSA_P521_SHA256_ASN1),
                (HashAlgorithm::Sha384, &lc::ECDSA_P521_SHA384_ASN1),
                (HashAlgorithm::Sha512, &lc::ECDSA_P521_SHA512_ASN1),
            ],
        };
        Self::new(key.raw(), &schemes)
    }

    /// A key from its point, or from the DER of its `RSAPublicKey`.
    fn new(raw: &[u8], schemes: &[Scheme]) -> Result<Self, String> {
        let read: Result<Vec<_>, _> = schemes
            .iter()
            .map(|(hash, scheme)| Ok((*hash, ParsedPublicKey::new(*scheme, raw)?)))
            .collect();
        let refused = |_: aws_lc_rs::error::KeyRejected| {
            "the point is not on its curve, or RSA has not 2048 to 8192 bits".to_owned()
        };
        let id = digest::sha1(raw).0.last_chunk().copied();
        Ok(Self { ids: id.into_iter().collect(), read: read.map_err(refused)? })
    }

    fn signed(&self, algorithm: HashAlgorithm, digest: &[u8], signature: &[u8]) -> bool {
        let read = self.read.iter().find(|(hash, _)| *hash == algorithm);
        let digest =
            provider(algorithm).and_then(|hash| LcDigest::import_less_safe(digest, hash).ok());
        match (read, digest) {
            (Some((_, key)), Some(digest)) => key.verify_digest_sig(&digest, signature).is_ok(),
            _ => false,
        }
    }
}

fn provider(algorithm: HashAlgorithm) -> Option<&'static LcAlgorithm> {
    Some(match algorithm {
        HashAlgorithm::Sha256 => &SHA256,
        HashAlgorithm::Sha384 => &SHA384,
        HashAlgorithm::Sha512 => &SHA512,
        _ => return None,
    })
}

/// The hash that a signature is by, by its number in the kernel's `hash_info.h`; none of those in
/// which collisions are known or which are not computed here.
pub(super) const fn strong_hash(number: u8) -> Option<HashAlgorithm> {
    match number {
        4 => Some(HashAlgorithm::Sha256),
        5 => Some(HashAlgorithm::Sha384),
        6 => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}

/// What a signature of a file is over: the digest in the entry, or in version 3 the hash of the kind
/// of the signature, the number of the algorithm and the digest. None if the signature is about
/// another kind of digest than the entry has.
pub(super) fn signed_digest(
    file: &File<'_>,
    header: &SignatureHeader<'_>,
    algorithm: HashAlgorithm,
) -> Option<Vec<u8>> {
    let kind = match (header.kind, file.digest.kind) {
        (SignatureKind::Content, DigestKind::Content) => 3,
        (SignatureKind::Verity, DigestKind::Verity) => 6,
        _ => return None,
    };
    match (header.version, header.kind) {
        (2, SignatureKind::Content) => Some(file.digest.bytes.to_vec()),
        (3, _) => {
            let hash = algorithm.hash(&[&[kind, header.hash], file.digest.bytes])?;
            Some(hash.as_bytes().to_vec())
        }
        _ => None,
    }
}
