//! Which CAs are trusted for attestation keys of virtual TPMs: Azure's by key, and those that an operator
//! names.

use avouch_pki::der::{PRINTABLE_STRING, write as der};
use avouch_pki::{Name, PublicKey, Root, TrustAnchor, Window, digest};
use avouch_tpm::TrustAnchors;
use avouch_wire::{Hex, UnixTime, decode_hex};
use serde::Serialize;

use crate::azure_keys::{CAS, PinnedCa};

const RSA_EXPONENT_65537: [u8; 3] = [1, 0, 1];

/// Whose virtual TPM it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// Azure's: a CA of Azure's own certified its attestation key.
    Azure,
    /// Another cloud's or an on-premises hypervisor's: a CA that an operator names certified the key, or
    /// none did.
    Other,
}

/// The CAs that certify attestation keys of virtual TPMs.
///
/// Azure's are keys with names. Those that stand below Azure's root are here too, because clients send the
/// certificate of the key alone: what they certify counts only while their own certificate is valid, and
/// only as deep below them as that allows.
#[derive(Debug, Clone)]
pub struct VtpmAnchors {
    anchors: TrustAnchors,
    pinned: Vec<Pinned>,
}

/// What is known of a CA whose key is built in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pinned {
    key_sha256: Hex<32>,
    pub(crate) window: Window,
    /// Most CAs below it.
    pub(crate) links_max: usize,
}

impl VtpmAnchors {
    /// Azure's alone.
    #[must_use]
    pub fn azure() -> Self {
        let pinned: Vec<(TrustAnchor, Pinned)> = CAS.iter().filter_map(pinned).collect();
        let (anchors, pinned): (Vec<_>, Vec<_>) = pinned.into_iter().unzip();
        let anchors = anchors.into_iter().fold(TrustAnchors::none(), TrustAnchors::with_anchor);
        Self { anchors, pinned }
    }

    /// No CA at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { anchors: TrustAnchors::none(), pinned: Vec::new() }
    }

    /// These, and those that an operator names.
    #[must_use]
    pub fn and(self, named: &TrustAnchors) -> Self {
        Self { anchors: self.anchors.and(named), ..self }
    }

    /// All roots.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.anchors.roots()
    }

    pub(crate) const fn anchors(&self) -> &TrustAnchors {
        &self.anchors
    }

    /// What is known of a root, if it is one of Azure's.
    pub(crate) fn pinned(&self, root: &Root) -> Option<&Pinned> {
        let own = || self.pinned.iter().find(|one| one.key_sha256 == root.key_sha256);
        root.is_built_in.then(own).flatten()
    }
}

/// Name, key and bounds of a pinned CA; `None` if they are not what its fingerprint says.
fn pinned(ca: &PinnedCa) -> Option<(TrustAnchor, Pinned)> {
    let subject = Name::from_der(&name(ca))?;
    let key = PublicKey::rsa(&decode_hex(ca.modulus).ok()?, &RSA_EXPONENT_65537).ok()?;
    let key_sha256 = digest::sha256(key.spki_der());
    let window = Window {
        not_before: UnixTime::from_seconds(ca.not_before).ok()?,
        not_after: UnixTime::from_seconds(ca.not_after).ok()?,
    };
    let anchor = TrustAnchor::built_in(ca.common_name, subject, key);
    let pinned = Pinned { key_sha256, window, links_max: ca.links_max };
    (key_sha256.to_string() == ca.spki_sha256).then_some((anchor, pinned))
}

/// The name in Azure's certificates: some begin with country and organisation.
fn name(ca: &PinnedCa) -> Vec<u8> {
    let part = |attribute: u64, text: &str| {
        let value = der::element(PRINTABLE_STRING, text.as_bytes());
        der::set_of_one(&der::sequence(&[der::oid(&[2, 5, 4, attribute]), value]))
    };
    let mut parts = Vec::new();
    if ca.names_microsoft {
        parts.extend([part(6, "US"), part(10, "Microsoft Corporation")]);
    }
    parts.push(part(3, ca.common_name));
    der::sequence(&parts)
}

#[cfg(test)]
mod tests;
