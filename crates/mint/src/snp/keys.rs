//! Keys: RSA from files beside this one, P-384 from the seed.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use avouch_wire::Hex;
use aws_lc_rs::{
    agreement::{ECDH_P384, PrivateKey},
    rand::SystemRandom,
    signature::{
        ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA384,
        RSA_PSS_SHA256, RSA_PSS_SHA384, RsaEncoding, RsaKeyPair,
    },
};

use crate::{MintError, Seed, der};

const OID_RSA_ENCRYPTION: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];
const OID_SHA384_WITH_RSA: &[u64] = &[1, 2, 840, 113_549, 1, 1, 12];
const OID_RSASSA_PSS: &[u64] = &[1, 2, 840, 113_549, 1, 1, 10];
const OID_MGF1: &[u64] = &[1, 2, 840, 113_549, 1, 1, 8];
const OID_SHA256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
const OID_SHA384: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 2];
const OID_EC_PUBLIC_KEY: &[u64] = &[1, 2, 840, 10045, 2, 1];
const OID_SECP384R1: &[u64] = &[1, 3, 132, 0, 34];

/// Who signed what, and how.
type Signed = (RsaKey, RsaScheme, Hex<32>);
/// Most signatures kept; 512 bytes each.
const KEPT_MAX: usize = 512;

/// An RSA key of the mint's. All are public test keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RsaKey {
    ArkMilan,
    ArkGenoa,
    ArkTurin,
    Ask,
    Asvk,
    Foreign,
    UvmRoot,
    UvmCa,
    UvmSigner,
}

/// How an RSA key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RsaScheme {
    /// RSASSA-PSS as AMD has it: SHA-384, MGF1 with SHA-384, salt of 48 bytes.
    Pss,
    /// RSASSA-PSS all of SHA-256, salt of 32 bytes.
    PssSha256,
    /// As AMD has it, but the parameters speak of a salt of 32 bytes.
    PssSaltOf32,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Pkcs1,
}

impl RsaKey {
    const fn pkcs8(self) -> &'static [u8] {
        match self {
            Self::ArkMilan => include_bytes!("test_keys/ark-milan.der"),
            Self::ArkGenoa => include_bytes!("test_keys/ark-genoa.der"),
            Self::ArkTurin => include_bytes!("test_keys/ark-turin.der"),
            Self::Ask => include_bytes!("test_keys/ask.der"),
            Self::Asvk => include_bytes!("test_keys/asvk.der"),
            Self::Foreign => include_bytes!("test_keys/foreign.der"),
            Self::UvmRoot => include_bytes!("test_keys/uvm-root.der"),
            Self::UvmCa => include_bytes!("test_keys/uvm-ca.der"),
            Self::UvmSigner => include_bytes!("test_keys/uvm-signer.der"),
        }
    }

    /// The key pair. Reading one takes longer than signing with it, so each is read once.
    fn pair(self) -> Result<&'static RsaKeyPair, MintError> {
        static PAIRS: [OnceLock<Option<RsaKeyPair>>; 9] = [const { OnceLock::new() }; 9];
        let read = || RsaKeyPair::from_pkcs8(self.pkcs8()).ok();
        let pair = PAIRS.get(self as usize).and_then(|pair| pair.get_or_init(read).as_ref());
        pair.ok_or(MintError::Crypto("reading an RSA key"))
    }

    /// DER of the `SubjectPublicKeyInfo`.
    pub(crate) fn spki(self) -> Result<Vec<u8>, MintError> {
        let pair = self.pair()?;
        let algorithm = der::sequence(&[der::oid(OID_RSA_ENCRYPTION), der::null()]);
        Ok(der::sequence(&[algorithm, der::bit_string(0, pair.public_key().as_ref())]))
    }

    /// Signs `message`. Signing takes milliseconds and most of what is minted is signed again and
    /// again (roots, intermediates), so signatures are kept.
    pub(crate) fn sign(self, scheme: RsaScheme, message: &[u8]) -> Result<Vec<u8>, MintError> {
        static KEPT: Mutex<BTreeMap<Signed, Vec<u8>>> = Mutex::new(BTreeMap::new());
        let signed: Signed = (self, scheme, avouch_pki::digest::sha256(message));
        // A poisoned lock means a panic elsewhere; the map is whole at any time.
        let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signature) = kept().get(&signed) {
            return Ok(signature.clone());
        }
        let signature = self.sign_now(scheme, message)?;
        let mut kept = kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(signed, signature.clone());
        Ok(signature)
    }

    fn sign_now(self, scheme: RsaScheme, message: &[u8]) -> Result<Vec<u8>, MintError> {
        let encoding: &'static dyn RsaEncoding = match scheme {
            RsaScheme::Pss | RsaScheme::PssSaltOf32 => &RSA_PSS_SHA384,
            RsaScheme::PssSha256 => &RSA_PSS_SHA256,
            RsaScheme::Pkcs1 => &RSA_PKCS1_SHA384,
        };
        let pair = self.pair()?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| MintError::Crypto("signing with RSA"))?;
        Ok(signature)
    }
}

impl RsaScheme {
    /// DER of the `AlgorithmIdentifier`.
    pub(crate) fn algorithm(self) -> Vec<u8> {
        match self {
            Self::Pss => pss(OID_SHA384, 48),
            Self::PssSha256 => pss(OID_SHA256, 32),
            Self::PssSaltOf32 => pss(OID_SHA384, 32),
            Self::Pkcs1 => der::sequence(&[der::oid(OID_SHA384_WITH_RSA), der::null()]),
        }
    }
}

fn pss(hash: &[u64], salt_length_bytes: u64) -> Vec<u8> {
    let hash = der::sequence(&[der::oid(hash), der::null()]);
    let mask = der::sequence(&[der::oid(OID_MGF1), hash.clone()]);
    let parameters = der::sequence(&[
        der::explicit(0, &hash),
        der::explicit(1, &mask),
        der::explicit(2, &der::integer_u64(salt_length_bytes)),
    ]);
    der::sequence(&[der::oid(OID_RSASSA_PSS), parameters])
}

/// A P-384 key pair.
#[derive(Debug)]
pub(crate) struct P384Key {
    pair: EcdsaKeyPair,
    point: Vec<u8>,
}

impl P384Key {
    /// The key that `seed` gives under `label`; values that are no scalar are skipped.
    pub(crate) fn derive(seed: &Seed, label: &str) -> Result<Self, MintError> {
        (0..8)
            .find_map(|counter| Self::from_scalar(&seed.bytes::<48>(&format!("{label} {counter}"))))
            .ok_or(MintError::Crypto("deriving a P-384 key"))
    }

    fn from_scalar(scalar: &[u8; 48]) -> Option<Self> {
        let private = PrivateKey::from_private_key(&ECDH_P384, scalar).ok()?;
        let point = private.compute_public_key().ok()?.as_ref().to_vec();
        let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, &point).ok()?;
        Some(Self { pair, point })
    }

    /// DER of the `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> Vec<u8> {
        let algorithm = der::sequence(&[der::oid(OID_EC_PUBLIC_KEY), der::oid(OID_SECP384R1)]);
        der::sequence(&[algorithm, der::bit_string(0, &self.point)])
    }

    /// ECDSA over SHA-384 of `message`: `r || s`, big-endian, 96 bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 96], MintError> {
        self.pair
            .sign(&SystemRandom::new(), message)
            .ok()
            .and_then(|signature| signature.as_ref().first_chunk().copied())
            .ok_or(MintError::Crypto("signing with P-384"))
    }
}
