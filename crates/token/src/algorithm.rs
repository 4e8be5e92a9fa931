//! Signature algorithms by their JOSE names (RFC 7518, section 3.1).

use std::fmt;

use avouch_pki::{KeyKind, SignatureScheme};

/// A JWS signature algorithm. `none` is not among them: an unsecured token is another thing, not
/// a token with another algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256; what MAA signs with.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Es256, Self::Es384, Self::Es512];

    /// The JOSE name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// The algorithm with this JOSE name, case-sensitive.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The scheme that checks it; ECDSA signatures in JWS are `r || s`.
    #[must_use]
    pub const fn scheme(self) -> SignatureScheme {
        match self {
            Self::Rs256 => SignatureScheme::RsaPkcs1Sha256,
            Self::Rs384 => SignatureScheme::RsaPkcs1Sha384,
            Self::Rs512 => SignatureScheme::RsaPkcs1Sha512,
            Self::Ps256 => SignatureScheme::RsaPssSha256,
            Self::Es256 => SignatureScheme::EcdsaP256Sha256Fixed,
            Self::Es384 => SignatureScheme::EcdsaP384Sha384Fixed,
            Self::Es512 => SignatureScheme::EcdsaP521Sha512Fixed,
        }
    }

    /// Whether a key of this kind can make such a signature.
    #[must_use]
    pub const fn fits(self, key: KeyKind) -> bool {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 => {
                matches!(key, KeyKind::Rsa { .. })
            }
            Self::Es256 => matches!(key, KeyKind::P256),
            Self::Es384 => matches!(key, KeyKind::P384),
            Self::Es512 => matches!(key, KeyKind::P521),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
