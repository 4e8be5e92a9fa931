//! Signature algorithms by their COSE numbers (RFC 9053, RFC 8152 and IANA's registry).

use avouch_pki::SignatureScheme;
use coset::RegisteredLabelWithPrivate as Named;
use coset::iana::Algorithm;
use coset::{Algorithm as Label, Header};

/// What `alg` may name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// ECDSA with SHA-256; here always on P-256.
    Es256,
    /// ECDSA with SHA-384; here always on P-384.
    Es384,
    /// ECDSA with SHA-512; here always on P-521.
    Es512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// EdDSA; here always on Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// All of them, with COSE's own value.
    const ALL: [(Self, Algorithm); 7] = [
        (Self::Es256, Algorithm::ES256),
        (Self::Es384, Algorithm::ES384),
        (Self::Es512, Algorithm::ES512),
        (Self::Ps256, Algorithm::PS256),
        (Self::Ps384, Algorithm::PS384),
        (Self::Ps512, Algorithm::PS512),
        (Self::EdDsa, Algorithm::EdDSA),
    ];

    /// The one that a header names, none if it names none or another.
    #[must_use]
    pub fn of(header: &Header) -> Option<Self> {
        let Some(Named::Assigned(named)) = &header.alg else { return None };
        Self::ALL.into_iter().find(|(_, value)| value == named).map(|(own, _)| own)
    }

    /// The name that JOSE and COSE share.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().map(|(own, _)| own).find(|own| own.name() == name)
    }

    /// The header's value.
    #[must_use]
    pub fn label(self) -> Option<Label> {
        let found = Self::ALL.into_iter().find(|(own, _)| *own == self);
        found.map(|(_, value)| Named::Assigned(value))
    }

    /// The scheme that checks it, none for EdDSA.
    #[must_use]
    pub const fn scheme(self) -> Option<SignatureScheme> {
        Some(match self {
            Self::Es256 => SignatureScheme::EcdsaP256Sha256Fixed,
            Self::Es384 => SignatureScheme::EcdsaP384Sha384Fixed,
            Self::Es512 => SignatureScheme::EcdsaP521Sha512Fixed,
            Self::Ps256 => SignatureScheme::RsaPssSha256,
            Self::Ps384 => SignatureScheme::RsaPssSha384,
            Self::Ps512 => SignatureScheme::RsaPssSha512,
            Self::EdDsa => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use coset::iana::EnumI64 as _;

    use super::*;

    #[test]
    fn each_has_its_number_its_name_and_its_scheme() {
        let rows = [
            (SignatureAlgorithm::Es256, -7, "ES256", Some(SignatureScheme::EcdsaP256Sha256Fixed)),
            (SignatureAlgorithm::Es384, -35, "ES384", Some(SignatureScheme::EcdsaP384Sha384Fixed)),
            (SignatureAlgorithm::Es512, -36, "ES512", Some(SignatureScheme::EcdsaP521Sha512Fixed)),
            (SignatureAlgorithm::Ps256, -37, "PS256", Some(SignatureScheme::RsaPssSha256)),
            (SignatureAlgorithm::Ps384, -38, "PS384", Some(SignatureScheme::RsaPssSha384)),
            (SignatureAlgorithm::Ps512, -39, "PS512", Some(SignatureScheme::RsaPssSha512)),
            (SignatureAlgorithm::EdDsa, -8, "EdDSA", None),
        ];
        for (algorithm, number, name, scheme) in rows {
            let Some(Named::Assigned(value)) = algorithm.label() else { panic!("{name}") };
            assert_eq!(value.to_i64(), number);
            let header = Header { alg: algorithm.label(), ..Header::default() };
            assert_eq!(SignatureAlgorithm::of(&header), Some(algorithm));
            assert_eq!(SignatureAlgorithm::from_name(name), Some(algorithm));
            assert_eq!((algorithm.name(), algorithm.scheme()), (name, scheme));
        }
        assert_eq!(SignatureAlgorithm::of(&Header::default()), None);
        let other =
            Header { alg: Some(Named::Assigned(Algorithm::HMAC_256_256)), ..Header::default() };
        assert_eq!(SignatureAlgorithm::of(&other), None);
        assert_eq!(SignatureAlgorithm::from_name("none"), None);
    }
}
