//! Keys that sign files.

use avouch_pki::pem;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING,
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::bootlog::Bank;
use crate::{MintError, der};

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKeyKind {
    /// RSA of 4096 bits, with SHA-256.
    Rsa,
    /// P-256 with SHA-256.
    P256,
    /// P-384 with SHA-384.
    P384,
    /// secp256k1 with SHA-256.
    Secp256k1,
}

/// A key that signs files.
#[derive(Debug)]
pub struct FileKey {
    kind: FileKeyKind,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

const EC_PUBLIC_KEY: &[u64] = &[1, 2, 840, 10045, 2, 1];
const RSA_ENCRYPTION: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];

impl FileKey {
    /// A key of that kind: of RSA always the same public test key, of the others a new one.
    ///
    /// # Errors
    /// [`MintError::Crypto`].
    pub fn new(kind: FileKeyKind) -> Result<Self, MintError> {
        let refused = |_| MintError::Crypto("making a key for files");
        let ec = |algorithm| EcdsaKeyPair::generate(algorithm).map(Pair::Ec).map_err(refused);
        let pair = match kind {
            FileKeyKind::Rsa => {
                RsaKeyPair::from_pkcs8(include_bytes!("../snp/test_keys/foreign.der"))
                    .map(Pair::Rsa)
                    .map_err(|_| MintError::Crypto("reading a key for files"))?
            }
            FileKeyKind::P256 => ec(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            FileKeyKind::P384 => ec(&ECDSA_P384_SHA384_ASN1_SIGNING)?,
            FileKeyKind::Secp256k1 => ec(&ECDSA_P256K1_SHA256_ASN1_SIGNING)?,
        };
        Ok(Self { kind, pair })
    }

    /// The hash that it signs by.
    #[must_use]
    pub const fn bank(&self) -> Bank {
        match self.kind {
            FileKeyKind::P384 => Bank::Sha384,
            _ => Bank::Sha256,
        }
    }

    /// The uncompressed point, or the DER of the `RSAPublicKey`.
    fn raw(&self) -> &[u8] {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ec(pair) => pair.public_key().as_ref(),
        }
    }

    /// The last four bytes of the SHA-1 of the key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        Bank::Sha1.digest(&[self.raw()]).last_chunk().copied().unwrap_or_default()
    }

    /// The public key in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        let curve: &[u64] = match self.kind {
            FileKeyKind::Rsa => &[],
            FileKeyKind::P256 => &[1, 2, 840, 10045, 3, 1, 7],
            FileKeyKind::P384 => &[1, 3, 132, 0, 34],
            FileKeyKind::Secp256k1 => &[1, 3, 132, 0, 10],
        };
        let algorithm = match self.kind {
            FileKeyKind::Rsa => der::sequence(&[der::oid(RSA_ENCRYPTION), der::null()]),
            _ => der::sequence(&[der::oid(EC_PUBLIC_KEY), der::oid(curve)]),
        };
        pem::encode("PUBLIC KEY", &der::sequence(&[algorithm, der::bit_string(0, self.raw())]))
    }

    /// The signature of a file as the extended attribute `security.ima` holds it.
    ///
    /// # Errors
    /// [`MintError::Crypto`].
    pub fn attribute(
        &self,
        content: &[u8],
        version: u8,
        verity: bool,
    ) -> Result<Vec<u8>, MintError> {
        let kind = if verity { 6 } else { 3 };
        let hash = match self.bank() {
            Bank::Sha384 => 5,
            _ => 4,
        };
        // A signature over the digest of a content is the signature of that content.
        let signature = if version == 2 {
            self.sign(content)?
        } else {
            self.sign(&[&[kind, hash], self.bank().digest(&[content]).as_slice()].concat())?
        };
        Ok(attribute(kind, version, hash, self.id(), &signature))
    }

    /// The signature of a message by the key's hash.
    ///
    /// # Errors
    /// [`MintError::Crypto`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, MintError> {
        let refused = |_| MintError::Crypto("signing a file");
        match &self.pair {
            Pair::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(refused)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(refused)?;
                Ok(signature)
            }
        }
    }
}

/// The header of a signature and what follows.
pub(super) fn attribute(
    kind: u8,
    version: u8,
    hash: u8,
    key_id: [u8; 4],
    signature: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(signature.len()).unwrap_or_default();
    [&[kind, version, hash], key_id.as_slice(), &length.to_be_bytes(), signature].concat()
}
