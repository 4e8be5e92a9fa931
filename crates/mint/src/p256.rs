//! P-256 keys derived from a seed, and signatures with them.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};

use crate::{MintError, der, seed::Seed};

const OID_EC_PUBLIC_KEY: &[u64] = &[1, 2, 840, 10045, 2, 1];
const OID_PRIME256V1: &[u64] = &[1, 2, 840, 10045, 3, 1, 7];
/// ecdsa-with-SHA256.
pub(crate) const OID_ECDSA_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];

/// A P-256 key pair.
#[derive(Debug)]
pub(crate) struct P256Key {
    pair: EcdsaKeyPair,
    /// `x || y`, big-endian.
    public: [u8; 64],
}

impl P256Key {
    /// The key that `seed` gives under `label`.
    ///
    /// The scalar is a hash; the few values that are no scalar (zero, or the group order and above)
    /// are skipped by counting on.
    pub(crate) fn derive(seed: &Seed, label: &str) -> Result<Self, MintError> {
        (0..8)
            .find_map(|counter| Self::from_scalar(&seed.block(label, counter)))
            .ok_or(MintError::Crypto("deriving a P-256 key"))
    }

    fn from_scalar(scalar: &[u8; 32]) -> Option<Self> {
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar).ok()?;
        let point = private.compute_public_key().ok()?;
        let public = *point.as_ref().strip_prefix(&[4])?.first_chunk()?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            scalar,
            point.as_ref(),
        )
        .ok()?;
        Some(Self { pair, public })
    }

    /// `x || y`, big-endian, 64 bytes.
    pub(crate) const fn public(&self) -> &[u8; 64] {
        &self.public
    }

    /// The uncompressed point: 4, x, y.
    pub(crate) fn point(&self) -> Vec<u8> {
        [[4].as_slice(), &self.public].concat()
    }

    /// DER of the `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> Vec<u8> {
        let algorithm = der::sequence(&[der::oid(OID_EC_PUBLIC_KEY), der::oid(OID_PRIME256V1)]);
        der::sequence(&[algorithm, der::bit_string(0, &self.point())])
    }

    /// ECDSA over SHA-256 of `message`: `r || s`, big-endian, 64 bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], MintError> {
        self.pair
            .sign(&SystemRandom::new(), message)
            .ok()
            .and_then(|signature| signature.as_ref().first_chunk().copied())
            .ok_or(MintError::Crypto("signing with P-256"))
    }
}

/// `ECDSA-Sig-Value` of `r || s`.
pub(crate) fn signature_der(signature: &[u8; 64]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    der::sequence(&[der::integer(r), der::integer(s)])
}
