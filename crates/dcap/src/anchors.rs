//! The root keys that Intel evidence may rest on.

use std::sync::Arc;

use avouch_pki::{
    Certificate, CertificateError, KeyKind, Name, PublicKey, Root, TrustAnchor, digest, pem,
    verify_anchor_copy,
};
use avouch_wire::Hex;
use thiserror::Error;

use crate::error::{CertificateRole, VerifyError};

/// Label of the built-in anchor.
pub const INTEL_SGX_ROOT_LABEL: &str = "Intel SGX Root CA";

/// DER of the name of Intel's root: CN=Intel SGX Root CA, O=Intel Corporation, L=Santa Clara,
/// ST=CA, C=US.
const INTEL_SGX_ROOT_NAME: &[u8] = b"\x30\x68\
    \x31\x1a\x30\x18\x06\x03\x55\x04\x03\x0c\x11Intel SGX Root CA\
    \x31\x1a\x30\x18\x06\x03\x55\x04\x0a\x0c\x11Intel Corporation\
    \x31\x14\x30\x12\x06\x03\x55\x04\x07\x0c\x0bSanta Clara\
    \x31\x0b\x30\x09\x06\x03\x55\x04\x08\x0c\x02CA\
    \x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02US";

/// Public key of Intel's root, P-256, `x || y`.
///
/// Source: `https://certificates.trustedservices.intel.com/Intel_SGX_Provisioning_Certification_RootCA.pem`;
/// serial 22650CD65A9D3489F383B49552BF501B392706AC; published in two issues with one key: valid
/// 2018-05-21 to 2049-12-31 and 2018-05-21 to 2033-05-21.
const INTEL_SGX_ROOT_KEY: [u8; 64] = [
    0x0b, 0xa9, 0xc4, 0xc0, 0xc0, 0xc8, 0x61, 0x93, 0xa3, 0xfe, 0x23, 0xd6, 0xb0, 0x2c, 0xda, 0x10,
    0xa8, 0xbb, 0xd4, 0xe8, 0x8e, 0x48, 0xb4, 0x45, 0x85, 0x61, 0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5,
    0x67, 0x91, 0x8e, 0x2e, 0xdc, 0x88, 0xe4, 0x0d, 0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac,
    0xc9, 0x88, 0xe5, 0x05, 0xa9, 0x53, 0x55, 0x8c, 0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94,
];

/// SHA-256 of the two certificates in circulation (to 2049, to 2033). A copy that is one of
/// them needs no signature check of its own.
const INTEL_SGX_ROOT_FINGERPRINTS: [&str; 2] = [
    "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
    "fc64f8076d79a4fee9d1d473d74c89eb8d8fd55c5abafeabeba7366d20429404",
];

/// Most anchors accepted; each is one more way for evidence to be believed.
const ANCHORS_MAX: usize = 64;

/// One anchor, with the certificates known to be true copies of it.
#[derive(Debug)]
pub(crate) struct Anchor {
    pub(crate) trust: TrustAnchor,
    known_copies: Vec<Hex<32>>,
}

impl Anchor {
    fn check_copy(&self, copy: &Certificate) -> Result<(), VerifyError> {
        if self.known_copies.contains(&copy.fingerprint_sha256()) {
            return Ok(());
        }
        verify_anchor_copy(copy, &self.trust)
            .map_err(|source| VerifyError::Path { role: CertificateRole::Root, source })
    }
}

/// Why a certificate cannot become a trust anchor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnchorError {
    /// Not PEM.
    #[error("trust root is not PEM: {0}")]
    Pem(#[from] pem::PemError),
    /// Not a certificate.
    #[error("trust root is not a certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// Not signed by its own key.
    #[error("trust root {0:?} is not self-signed")]
    NotSelfSigned(String),
    /// Not a P-256 key, as Intel's root has: nothing could verify under it.
    #[error("the key of trust root {name:?} is {found}; SGX and TDX evidence rests on P-256 only")]
    Key {
        /// The certificate's name.
        name: String,
        /// Its kind of key.
        found: KeyKind,
    },
    /// Too many.
    #[error("more than {limit} trust roots")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// The root keys that evidence and collateral may rest on.
///
/// An anchor is a key and a name, never the bytes of a certificate: Intel's root exists in two
/// certificates with one key, and quotes in the field hold either.
#[derive(Debug, Clone)]
pub struct TrustAnchors {
    anchors: Vec<Arc<Anchor>>,
    fingerprint: Hex<32>,
}

impl TrustAnchors {
    /// Intel's SGX root alone.
    #[must_use]
    pub fn intel() -> Self {
        let known_copies = INTEL_SGX_ROOT_FINGERPRINTS
            .iter()
            .filter_map(|text| Hex::from_hex(text).ok())
            .collect();
        let intel = Name::from_der(INTEL_SGX_ROOT_NAME).map(|name| {
            let key = PublicKey::p256(&INTEL_SGX_ROOT_KEY);
            let trust = TrustAnchor::built_in(INTEL_SGX_ROOT_LABEL, name, key);
            Arc::new(Anchor { trust, known_copies })
        });
        Self::of(intel.into_iter().collect())
    }

    /// No root at all: everything is refused until one is added.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Vec::new())
    }

    /// Adds the P-256 key and the name of a self-signed certificate, shown to people by its subject.
    ///
    /// # Errors
    /// [`AnchorError::Key`], [`AnchorError::NotSelfSigned`], or [`AnchorError::TooMany`].
    pub fn with_root(mut self, certificate: &Certificate) -> Result<Self, AnchorError> {
        let name = || certificate.subject().label().to_owned();
        let found = certificate.public_key().kind();
        if found != KeyKind::P256 {
            return Err(AnchorError::Key { name: name(), found });
        }
        let label = certificate.subject().to_string();
        let trust = TrustAnchor::from_certificate(label, certificate);
        if verify_anchor_copy(certificate, &trust).is_err() || !certificate.is_self_issued() {
            return Err(AnchorError::NotSelfSigned(name()));
        }
        if self.anchors.len() >= ANCHORS_MAX {
            return Err(AnchorError::TooMany { limit: ANCHORS_MAX });
        }
        // The same key twice adds nothing, and must not take Intel's root its name.
        if !self.anchors.iter().any(|anchor| anchor.trust.is_same_as(&trust)) {
            let known_copies = vec![certificate.fingerprint_sha256()];
            self.anchors.push(Arc::new(Anchor { trust, known_copies }));
        }
        Ok(Self::of(self.anchors))
    }

    /// Adds every certificate of a PEM text; see [`TrustAnchors::with_root`].
    ///
    /// # Errors
    /// [`AnchorError`] if the text, a certificate, its key or its self-signature is bad.
    pub fn with_pem(self, text: &[u8]) -> Result<Self, AnchorError> {
        let mut anchors = self;
        for der in pem::certificates(text, ANCHORS_MAX)? {
            anchors = anchors.with_root(&Certificate::parse(&der)?)?;
        }
        Ok(anchors)
    }

    /// All roots.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.anchors.iter().map(|anchor| anchor.trust.root())
    }

    /// The anchors of this name: several keys may have it.
    pub(crate) fn named(&self, name: &Name) -> impl Iterator<Item = &Anchor> {
        self.anchors.iter().map(AsRef::as_ref).filter(move |one| one.trust.subject() == name)
    }

    /// SHA-256 over all names and keys in order: what is verified under one set of anchors must not
    /// be found under another.
    pub(crate) const fn fingerprint(&self) -> Hex<32> {
        self.fingerprint
    }

    /// The anchor that `root`, the self-issued certificate of a chain, is a copy of.
    pub(crate) fn find(&self, root: &Certificate) -> Result<&Arc<Anchor>, VerifyError> {
        let found = self.anchors.iter().find(|anchor| {
            anchor.trust.subject() == root.subject() && anchor.trust.key() == root.public_key()
        });
        let anchor = found.ok_or_else(|| VerifyError::UnknownRoot {
            name: root.subject().to_string(),
            key_sha256: digest::sha256(root.public_key().spki_der()),
            trusted: self.anchors.iter().map(|anchor| anchor.trust.label().to_owned()).collect(),
        })?;
        anchor.check_copy(root)?;
        Ok(anchor)
    }

    fn of(anchors: Vec<Arc<Anchor>>) -> Self {
        let mut message = b"avouch-dcap anchors v1\0".to_vec();
        for anchor in &anchors {
            for part in [anchor.trust.subject().as_der(), anchor.trust.key().spki_der()] {
                let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
                message.extend_from_slice(&length.to_le_bytes());
                message.extend_from_slice(part);
            }
        }
        Self { anchors, fingerprint: digest::sha256(&message) }
    }
}

impl Default for TrustAnchors {
    fn default() -> Self {
        Self::intel()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use avouch_pki::{Name, PublicKey, TrustAnchor};

    use super::{Anchor, INTEL_SGX_ROOT_NAME, TrustAnchors};

    #[test]
    fn anchors_are_the_same_by_name_and_key_and_not_by_one_of_them() {
        // The last letter of the common name, and the key.
        let anchor = |letter: u8, key: u8| {
            let mut name = INTEL_SGX_ROOT_NAME.to_vec();
            name.iter_mut().skip(29).take(1).for_each(|byte| *byte = letter);
            let name = Name::from_der(&name).map(|name| (name, PublicKey::p256(&[key; 64])));
            name.map(|(name, key)| TrustAnchor::new("any", name, key))
        };
        let same = |one: Option<TrustAnchor>, other: Option<TrustAnchor>| {
            one.zip(other).map(|(one, other)| one.is_same_as(&other))
        };
        assert_eq!(same(anchor(b'A', 1), anchor(b'A', 1)), Some(true));
        assert_eq!(same(anchor(b'A', 1), anchor(b'B', 1)), Some(false));
        assert_eq!(same(anchor(b'A', 1), anchor(b'A', 2)), Some(false));
    }

    #[test]
    fn a_set_of_anchors_is_known_by_their_names_keys_and_order() {
        let anchor = |letter: u8, key: u8| {
            let mut name = INTEL_SGX_ROOT_NAME.to_vec();
            name.iter_mut().skip(29).take(1).for_each(|byte| *byte = letter);
            let name = Name::from_der(&name)?;
            let trust = TrustAnchor::new("any", name, PublicKey::p256(&[key; 64]));
            Some(Arc::new(Anchor { trust, known_copies: Vec::new() }))
        };
        let sets: [&[(u8, u8)]; 7] = [
            &[],
            &[(b'A', 1)],
            &[(b'B', 1)],
            &[(b'A', 2)],
            &[(b'A', 1), (b'B', 1)],
            &[(b'B', 1), (b'A', 1)],
            &[(b'A', 1), (b'A', 2)],
        ];
        let fingerprint = |set: &[(u8, u8)]| {
            let anchors = set.iter().filter_map(|(letter, key)| anchor(*letter, *key)).collect();
            TrustAnchors::of(anchors).fingerprint()
        };
        let mut all: Vec<_> = sets.map(fingerprint).into();
        all.sort_by_key(|one| one.0);
        all.dedup();
        assert_eq!(all.len(), sets.len());
    }
}
