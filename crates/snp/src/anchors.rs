//! Which root keys are trusted, and the intermediates already known under them.

use std::sync::Arc;

use avouch_pki::der::{PRINTABLE_STRING, UTF8_STRING, write as der};
use avouch_pki::{
    Certificate, KeyKind, Name, PathError, PublicKey, Root, TrustAnchor, digest, verify_anchor_copy,
};
use avouch_wire::{Hex, decode_hex};
use thiserror::Error;

use crate::amd_keys::{INTERMEDIATES, PinnedKey, ROOTS};
use crate::{Product, VerifiedIntermediate};

/// A trusted root of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    product: Product,
    trust: TrustAnchor,
    /// SHA-256 of the certificate that the key was taken from: a copy of those very bytes needs no
    /// further look.
    certificate_sha256: Hex<32>,
}

impl Anchor {
    /// The product whose chains it may root.
    #[must_use]
    pub const fn product(&self) -> Product {
        self.product
    }

    /// Name and key.
    #[must_use]
    pub const fn trust(&self) -> &TrustAnchor {
        &self.trust
    }

    /// SHA-256 of the certificate that the key was taken from.
    #[must_use]
    pub const fn certificate_sha256(&self) -> &Hex<32> {
        &self.certificate_sha256
    }

    /// Checks that a certificate sent along is a copy of this root: the same bytes, or the same name
    /// and key with a signature by that key.
    pub(crate) fn check_copy(&self, copy: &Certificate) -> Result<(), PathError> {
        if copy.fingerprint_sha256() == self.certificate_sha256 {
            return Ok(());
        }
        verify_anchor_copy(copy, &self.trust)
    }
}

/// Why a certificate cannot be a root.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnchorError {
    /// Not named like a root of AMD's.
    #[error("common name is {found:?}, expected ARK-Milan, ARK-Genoa or ARK-Turin")]
    Name {
        /// The certificate's common name, or its whole subject without one.
        found: String,
    },
    /// Not signed by its own key.
    #[error(transparent)]
    SelfSignature(#[from] PathError),
    /// Not a CA.
    #[error("root {name:?} is not a CA by its basic constraints")]
    NotCa {
        /// The certificate's common name.
        name: String,
    },
    /// Not an RSA-4096 key, as AMD's roots have.
    #[error("the key of root {name:?} is {found}; SEV-SNP evidence rests on {ROOT_KEY} only")]
    Key {
        /// The certificate's common name.
        name: String,
        /// Its kind of key.
        found: KeyKind,
    },
}

/// The kind of key that all roots of AMD's have.
const ROOT_KEY: KeyKind = KeyKind::Rsa { modulus_bits: 4096 };

/// The trust anchors of SEV-SNP: AMD's roots by key, and any that an operator added.
#[derive(Debug, Clone)]
pub struct TrustAnchors {
    anchors: Vec<Arc<Anchor>>,
    /// AMD's, known in this program.
    pinned: Vec<VerifiedIntermediate>,
    /// Verified earlier; the oldest first, at most [`REMEMBERED_MAX`].
    remembered: Vec<VerifiedIntermediate>,
}

/// Most intermediates remembered. AMD has issued a handful; only holders of a trusted root's key can
/// make more.
const REMEMBERED_MAX: usize = 64;

impl Default for TrustAnchors {
    fn default() -> Self {
        Self::amd()
    }
}

impl TrustAnchors {
    /// AMD's roots of Milan, Genoa and Turin, with the ASKs and ASVKs known under them.
    #[must_use]
    pub fn amd() -> Self {
        let mut anchors = Self::none();
        for root in &ROOTS {
            let Some(trust) = pinned_anchor(root) else { continue };
            let Ok(certificate_sha256) = Hex::from_hex(root.certificate_sha256) else { continue };
            let product = root.product;
            anchors.anchors.push(Arc::new(Anchor { product, trust, certificate_sha256 }));
        }
        for pinned in &INTERMEDIATES {
            let anchor = anchors.of_product(pinned.key.product).next().cloned();
            let known = anchor.and_then(|one| VerifiedIntermediate::pinned(pinned, one));
            anchors.pinned.extend(known);
        }
        anchors
    }

    /// No root at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { anchors: Vec::new(), pinned: Vec::new(), remembered: Vec::new() }
    }

    /// Adds a root of an operator's choice, such as a mint's. Its common name says for which
    /// product; what rests on it says so ([`Root::is_built_in`]). A root
    /// that is trusted already is not added again.
    ///
    /// # Errors
    /// [`AnchorError`] if the certificate is not named like a root, no CA, not self-signed, or has
    /// another kind of key.
    pub fn with_root(mut self, certificate: &Certificate) -> Result<Self, AnchorError> {
        let name = certificate.subject().label();
        let product = name.strip_prefix("ARK-").and_then(Product::from_name);
        let product = product.ok_or_else(|| AnchorError::Name { found: name.to_owned() })?;
        if !certificate.is_ca() {
            return Err(AnchorError::NotCa { name: name.to_owned() });
        }
        let found = certificate.public_key().kind();
        if found != ROOT_KEY {
            return Err(AnchorError::Key { name: name.to_owned(), found });
        }
        let certificate_sha256 = certificate.fingerprint_sha256();
        let label = format!("{name} {certificate_sha256}");
        let trust = TrustAnchor::from_certificate(label, certificate);
        verify_anchor_copy(certificate, &trust)?;
        // One root, one entry: whatever is judged by root finds the same one each time.
        if !self.anchors().any(|known| known.trust.is_same_as(&trust)) {
            self.anchors.push(Arc::new(Anchor { product, trust, certificate_sha256 }));
        }
        Ok(self)
    }

    /// Remembers an intermediate that was verified under one of these roots, so that chains that
    /// carry the same bytes need not have it read and its signature checked again. That changes no
    /// verdict: its window and revocation are still judged each time, and unlike a pinned one it
    /// does not serve chains that come without it. Of more than 64 the oldest are forgotten.
    pub fn remember(&mut self, intermediate: VerifiedIntermediate) {
        let known = self.intermediate(intermediate.fingerprint_sha256()).is_some();
        if known || !self.trust(intermediate.anchor()) {
            return;
        }
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.remove(0);
        }
        self.remembered.push(intermediate);
    }

    /// Whether this root, with this key, is one of these.
    pub(crate) fn trust(&self, anchor: &Anchor) -> bool {
        self.anchors().any(|known| known == anchor)
    }

    /// All roots.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.anchors().map(|anchor| anchor.trust.root())
    }

    /// All roots with their products.
    pub fn anchors(&self) -> impl Iterator<Item = &Anchor> {
        self.anchors.iter().map(Arc::as_ref)
    }

    pub(crate) fn shared(&self) -> impl Iterator<Item = &Arc<Anchor>> {
        self.anchors.iter()
    }

    pub(crate) fn of_product(&self, product: Product) -> impl Iterator<Item = &Arc<Anchor>> {
        self.anchors.iter().filter(move |anchor| anchor.product == product)
    }

    /// All pinned and remembered intermediates.
    pub fn intermediates(&self) -> impl Iterator<Item = &VerifiedIntermediate> {
        self.pinned.iter().chain(&self.remembered)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// The pinned or remembered intermediate whose certificate has this SHA-256.
    #[must_use]
    pub fn intermediate(&self, fingerprint: &Hex<32>) -> Option<&VerifiedIntermediate> {
        self.intermediates().find(|known| known.fingerprint_sha256() == fingerprint)
    }

    /// The pinned ones of this name: what serves a chain that came without its intermediate must
    /// not depend on what came earlier.
    pub(crate) fn pinned_named(&self, name: &Name) -> impl Iterator<Item = &VerifiedIntermediate> {
        self.pinned.iter().filter(move |known| known.issuer_name() == name)
    }
}

/// Name and key of a pinned certificate; `None` if they are not what its fingerprint says.
pub(crate) fn pinned_anchor(pinned: &PinnedKey) -> Option<TrustAnchor> {
    let subject = Name::from_der(&amd_name(pinned.common_name))?;
    let modulus = decode_hex(pinned.modulus).ok()?;
    let key = PublicKey::rsa(&modulus, &RSA_EXPONENT_65537).ok()?;
    let intact = digest::sha256(key.spki_der()).to_string() == pinned.spki_sha256;
    intact.then(|| TrustAnchor::built_in(pinned.common_name, subject, key))
}

const RSA_EXPONENT_65537: [u8; 3] = [1, 0, 1];

/// The name in AMD's certificates: OU, C, L, ST, O, then the common name.
fn amd_name(common_name: &str) -> Vec<u8> {
    let parts = [
        (11, UTF8_STRING, "Engineering"),
        (6, PRINTABLE_STRING, "US"),
        (7, UTF8_STRING, "Santa Clara"),
        (8, UTF8_STRING, "CA"),
        (10, UTF8_STRING, "Advanced Micro Devices"),
        (3, UTF8_STRING, common_name),
    ];
    der::sequence(&parts.map(|(attribute, tag, text)| {
        let value = der::element(tag, text.as_bytes());
        der::set_of_one(&der::sequence(&[der::oid(&[2, 5, 4, attribute]), value]))
    }))
}

#[cfg(test)]
mod tests;
