//! Algorithms by their TCG numbers (TCG Algorithm Registry).

use avouch_pki::{HashAlgorithm, KeyKind, SignatureScheme};
use serde::{Serialize, Serializer};

/// `TPM_ALG_ID` values that are told apart by layout.
pub(crate) mod id {
    pub(crate) const RSA: u16 = 0x0001;
    pub(crate) const TDES: u16 = 0x0003;
    pub(crate) const AES: u16 = 0x0006;
    pub(crate) const MGF1: u16 = 0x0007;
    pub(crate) const NULL: u16 = 0x0010;
    pub(crate) const SM4: u16 = 0x0013;
    pub(crate) const RSASSA: u16 = 0x0014;
    pub(crate) const RSAES: u16 = 0x0015;
    pub(crate) const RSAPSS: u16 = 0x0016;
    pub(crate) const OAEP: u16 = 0x0017;
    pub(crate) const ECDSA: u16 = 0x0018;
    pub(crate) const ECDH: u16 = 0x0019;
    pub(crate) const ECDAA: u16 = 0x001a;
    pub(crate) const SM2: u16 = 0x001b;
    pub(crate) const ECSCHNORR: u16 = 0x001c;
    pub(crate) const ECMQV: u16 = 0x001d;
    pub(crate) const KDF1_SP800_56A: u16 = 0x0020;
    pub(crate) const KDF2: u16 = 0x0021;
    pub(crate) const KDF1_SP800_108: u16 = 0x0022;
    pub(crate) const ECC: u16 = 0x0023;
    pub(crate) const CAMELLIA: u16 = 0x0026;
    pub(crate) const CFB: u16 = 0x0043;
}

/// A curve that keys are taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// The curve of this `TPM_ECC_CURVE`; weak and unknown ones are not taken.
    #[must_use]
    pub const fn from_id(id: u16) -> Option<Self> {
        match id {
            0x0003 => Some(Self::P256),
            0x0004 => Some(Self::P384),
            0x0005 => Some(Self::P521),
            _ => None,
        }
    }

    /// Its `TPM_ECC_CURVE`.
    #[must_use]
    pub const fn id(self) -> u16 {
        match self {
            Self::P256 => 0x0003,
            Self::P384 => 0x0004,
            Self::P521 => 0x0005,
        }
    }

    /// Length of a coordinate in bytes.
    #[must_use]
    pub const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// What a symmetric definition of a public area says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symmetric {
    /// `TPM_ALG_ID` of the cipher.
    pub algorithm: u16,
    /// Length of its key in bits.
    pub key_bits: u16,
    /// `TPM_ALG_ID` of the mode.
    pub mode: u16,
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5.
    RsaSsa,
    /// RSASSA-PSS.
    RsaPss,
    /// ECDSA.
    Ecdsa,
}

impl SigningAlgorithm {
    /// Its `TPM_ALG_ID`.
    #[must_use]
    pub const fn id(self) -> u16 {
        match self {
            Self::RsaSsa => id::RSASSA,
            Self::RsaPss => id::RSAPSS,
            Self::Ecdsa => id::ECDSA,
        }
    }

    /// The algorithm of this `TPM_ALG_ID`.
    #[must_use]
    pub const fn from_id(id: u16) -> Option<Self> {
        match id {
            id::RSASSA => Some(Self::RsaSsa),
            id::RSAPSS => Some(Self::RsaPss),
            id::ECDSA => Some(Self::Ecdsa),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::RsaSsa => "rsassa",
            Self::RsaPss => "rsapss",
            Self::Ecdsa => "ecdsa",
        }
    }
}

/// A signing algorithm with its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningScheme {
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// Over what.
    pub hash: HashAlgorithm,
}

impl SigningScheme {
    /// The schemes by which this kind of key can have made the signature; none if it cannot have.
    ///
    /// A TPM makes RSASSA-PSS with a salt as long as the digest (FIPS mode) or with the longest that
    /// the modulus has room for (Part 1 of the library, annex B.7): one of the two must hold.
    pub(crate) const fn provider_schemes(self, key: KeyKind) -> &'static [SignatureScheme] {
        use HashAlgorithm as H;
        use SignatureScheme as S;
        use SigningAlgorithm as A;
        match (key, self.algorithm, self.hash) {
            (KeyKind::Rsa { .. }, A::RsaSsa, H::Sha1) => &[S::RsaPkcs1Sha1],
            (KeyKind::Rsa { .. }, A::RsaSsa, H::Sha256) => &[S::RsaPkcs1Sha256],
            (KeyKind::Rsa { .. }, A::RsaSsa, H::Sha384) => &[S::RsaPkcs1Sha384],
            (KeyKind::Rsa { .. }, A::RsaSsa, H::Sha512) => &[S::RsaPkcs1Sha512],
            (KeyKind::Rsa { .. }, A::RsaPss, H::Sha256) => {
                &[S::RsaPssSha256, S::RsaPssSha256LongestSalt]
            }
            (KeyKind::Rsa { .. }, A::RsaPss, H::Sha384) => {
                &[S::RsaPssSha384, S::RsaPssSha384LongestSalt]
            }
            (KeyKind::Rsa { .. }, A::RsaPss, H::Sha512) => {
                &[S::RsaPssSha512, S::RsaPssSha512LongestSalt]
            }
            (KeyKind::P256, A::Ecdsa, H::Sha256) => &[S::EcdsaP256Sha256],
            (KeyKind::P256, A::Ecdsa, H::Sha384) => &[S::EcdsaP256Sha384],
            (KeyKind::P256, A::Ecdsa, H::Sha512) => &[S::EcdsaP256Sha512],
            (KeyKind::P384, A::Ecdsa, H::Sha256) => &[S::EcdsaP384Sha256],
            (KeyKind::P384, A::Ecdsa, H::Sha384) => &[S::EcdsaP384Sha384],
            (KeyKind::P384, A::Ecdsa, H::Sha512) => &[S::EcdsaP384Sha512],
            (KeyKind::P521, A::Ecdsa, H::Sha256) => &[S::EcdsaP521Sha256],
            (KeyKind::P521, A::Ecdsa, H::Sha384) => &[S::EcdsaP521Sha384],
            (KeyKind::P521, A::Ecdsa, H::Sha512) => &[S::EcdsaP521Sha512],
            _ => &[],
        }
    }
}

impl std::fmt::Display for SigningScheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {}", self.algorithm.name(), self.hash)
    }
}

impl Serialize for SigningScheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}", self.algorithm.name(), self.hash))
    }
}
