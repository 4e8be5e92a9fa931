//! RSA keys from files beside this one.

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RSA_PSS_SHA384, RsaEncoding, RsaKeyPair,
    RsaPssSaltLength, RsaSignatureEncoding,
};

use crate::{MintError, der};

const OID_RSA_ENCRYPTION: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];

/// RSAPSS with the longest salt that the modulus has room for.
static PSS_LONGEST_SALT: RsaSignatureEncoding =
    RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);

/// A key of the software TPM, or of whoever is not it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RsaKey {
    Ek,
    Ak,
    Request,
    Other,
    /// Of the secure kernel of a boot of Windows: what it signs reports of enclaves by.
    Identity,
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Pkcs1,
    Pss,
    PssLongestSalt,
    PssSha384,
}

impl RsaKey {
    pub(crate) const fn pkcs8(self) -> &'static [u8] {
        match self {
            Self::Ek => include_bytes!("test_keys/ek.der"),
            Self::Ak => include_bytes!("test_keys/ak.der"),
            Self::Request => include_bytes!("test_keys/request.der"),
            Self::Other => include_bytes!("test_keys/other.der"),
            Self::Identity => include_bytes!("test_keys/identity.der"),
        }
    }

    /// The key pair. Reading one takes longer than signing with it, so each is read once.
    fn pair(self) -> Result<&'static RsaKeyPair, MintError> {
        static PAIRS: [OnceLock<Option<RsaKeyPair>>; 5] = [const { OnceLock::new() }; 5];
        let read = || RsaKeyPair::from_pkcs8(self.pkcs8()).ok();
        let pair = PAIRS.get(self as usize).and_then(|pair| pair.get_or_init(read).as_ref());
        pair.ok_or(MintError::Crypto("reading an RSA key"))
    }

    /// The modulus, big-endian, 256 bytes.
    pub(crate) fn modulus(self) -> Result<Vec<u8>, MintError> {
        let modulus = self.pair()?.public_key().modulus();
        Ok(modulus.big_endian_without_leading_zero().to_vec())
    }

    /// DER of the `SubjectPublicKeyInfo`.
    pub(crate) fn spki(self) -> Result<Vec<u8>, MintError> {
        let algorithm = der::sequence(&[der::oid(OID_RSA_ENCRYPTION), der::null()]);
        let key = self.pair()?.public_key();
        Ok(der::sequence(&[algorithm, der::bit_string(0, key.as_ref())]))
    }

    pub(crate) fn sign(self, encoding: Encoding, message: &[u8]) -> Result<Vec<u8>, MintError> {
        let encoding: &'static dyn RsaEncoding = match encoding {
            Encoding::Pkcs1 => &RSA_PKCS1_SHA256,
            Encoding::Pss => &RSA_PSS_SHA256,
            Encoding::PssLongestSalt => &PSS_LONGEST_SALT,
            Encoding::PssSha384 => &RSA_PSS_SHA384,
        };
        let pair = self.pair()?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| MintError::Crypto("signing with RSA"))?;
        Ok(signature)
    }
}
