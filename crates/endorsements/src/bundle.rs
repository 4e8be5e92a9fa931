//! The offline bundle: endorsements in one file, whose bytes follow from what is in it alone.
//!
//! It is JSON with one line for each thing, so that tools for lines show what changed:
//!
//! ```text
//! {"format":"avouch-endorsements","version":1,"manifest":[
//! {"name":"intel/root-ca-crl","sha256":"…","bytes":315,"not_before":"…","not_after":"…","crl_number":"01"},
//! …
//! ],"contents":[
//! {"sha256":"…","base64":"…"},
//! {"sha256":"…","text":"…"}
//! ]}
//! ```
//!
//! The manifest is sorted by name, then by hash; contents (bodies and issuer chains, each once) by
//! hash. Where and when something was fetched is not in it: of the same things there is one bundle.
//! **Nothing in it is trusted** for being in it: every signature is verified when a thing is used.

mod error;
mod read;
mod rows;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use avouch_pki::digest;
use avouch_wire::Hex;

pub use error::BundleError;
use rows::{ContentRow, HEAD, ManifestRow};

use crate::{Published, Stated};

/// Most bytes of a bundle: some 20,000 chips, or 1,000 families of platforms.
pub const BUNDLE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most things in a bundle.
pub const BUNDLE_THINGS_MAX: usize = 40_000;

/// Most bytes of an issuer chain: Intel's have some 2,000. Many things may have the same one, and each
/// is looked at with its own.
pub(crate) const ISSUER_CHAIN_BYTES_MAX: usize = 16 * 1024;

/// Endorsements in the one order of a bundle, each of which is what its name says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    things: Vec<BundledThing>,
}

/// One thing of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledThing {
    /// The thing.
    pub published: Arc<Published>,
    /// What it says of itself.
    pub stated: Stated,
    /// SHA-256 of its body.
    pub sha256: Hex<32>,
    issuer_chain_sha256: Option<Hex<32>>,
}

impl BundledThing {
    fn of(published: Arc<Published>) -> Result<Self, BundleError> {
        let stated = published.stated().map_err(|source| BundleError::Thing {
            name: published.name.to_string(),
            source: Box::new(source),
        })?;
        check_issuer_chain(&published)?;
        let (body, chain) = (&published.body, &published.issuer_chain);
        let (sha256, hash) =
            (digest::sha256(body), (!chain.is_empty()).then(|| digest::sha256(chain)));
        Ok(Self { published, stated, sha256, issuer_chain_sha256: hash })
    }

    /// What things are sorted by; no two of a bundle have the same.
    fn key(&self) -> (String, Hex<32>) {
        (self.published.name.to_string(), self.sha256)
    }

    fn row(&self) -> ManifestRow {
        let version = self.stated.version.as_ref();
        ManifestRow {
            name: self.published.name.to_string(),
            sha256: self.sha256,
            bytes: self.published.body.len(),
            not_before: self.stated.window.not_before.to_rfc3339(),
            not_after: self.stated.window.not_after.to_rfc3339(),
            evaluation_data_number: version.and_then(|one| one.evaluation_data_number()),
            crl_number: version.and_then(|one| one.crl_number()),
            issuer_chain: self.issuer_chain_sha256,
        }
    }
}

impl Bundle {
    /// Puts things in order. Of one that is there several times one is kept.
    ///
    /// # Errors
    /// [`BundleError::Thing`] for one that is not what its name says, [`BundleError::TooMany`].
    pub fn new(things: impl IntoIterator<Item = Arc<Published>>) -> Result<Self, BundleError> {
        let things = things.into_iter().map(BundledThing::of).collect::<Result<Vec<_>, _>>()?;
        let mut sorted = BTreeMap::new();
        for thing in things {
            sorted.entry(thing.key()).and_modify(|kept| prefer(kept, &thing)).or_insert(thing);
        }
        if sorted.len() > BUNDLE_THINGS_MAX {
            return Err(BundleError::TooMany { found: sorted.len(), limit: BUNDLE_THINGS_MAX });
        }
        Ok(Self { things: sorted.into_values().collect() })
    }

    /// Everything in it, in its order.
    #[must_use]
    pub fn things(&self) -> &[BundledThing] {
        &self.things
    }

    /// The file.
    ///
    /// # Errors
    /// [`BundleError::TooLarge`] if it would be over [`BUNDLE_BYTES_MAX`],
    /// [`BundleError::NotText`] for a document that is no UTF-8.
    pub fn write(&self) -> Result<Vec<u8>, BundleError> {
        let manifest: Vec<String> = self.things.iter().map(|one| line(&one.row())).collect();
        let mut contents: BTreeMap<Hex<32>, ContentRow> = BTreeMap::new();
        for thing in &self.things {
            let Published { name, body, issuer_chain, .. } = &*thing.published;
            contents.insert(thing.sha256, ContentRow::of_body(*name, thing.sha256, body)?);
            if let Some(sha256) = thing.issuer_chain_sha256
                && let Entry::Vacant(place) = contents.entry(sha256)
            {
                place.insert(ContentRow::of_chain(*name, sha256, issuer_chain)?);
            }
        }
        let contents: Vec<String> = contents.values().map(line).collect();
        let text = format!(
            "{HEAD}{}\n],\"contents\":[\n{}\n]}}\n",
            manifest.join(",\n"),
            contents.join(",\n")
        );
        if text.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge { found: text.len(), limit: BUNDLE_BYTES_MAX });
        }
        Ok(text.into_bytes())
    }
}

/// Of two copies of one thing the one whose issuer chain sorts first: which came first is no matter.
fn prefer(kept: &mut BundledThing, other: &BundledThing) {
    let chain = |one: &BundledThing| one.issuer_chain_sha256.map(|hash| hash.0);
    let is_better = match (chain(kept), chain(other)) {
        (None, Some(_)) => true,
        (Some(kept), Some(other)) => other < kept,
        (_, None) => false,
    };
    if is_better {
        *kept = other.clone();
    }
}

/// Only what Intel signs has a chain beside it, and that is short.
fn check_issuer_chain(published: &Published) -> Result<(), BundleError> {
    let (name, bytes) = (&published.name, published.issuer_chain.len());
    let has_none = !name.is_of_intel() || *name == crate::EndorsementName::RootCaCrl;
    let most = if has_none { 0 } else { ISSUER_CHAIN_BYTES_MAX };
    if bytes <= most {
        return Ok(());
    }
    let (found, expected) = (format!("of {bytes} bytes"), format!("of at most {most}"));
    let name = name.to_string();
    Err(BundleError::Manifest { name, member: "issuer_chain", found, expected })
}

/// Rows have strings, numbers and no maps: writing them does not fail.
fn line<T: serde::Serialize>(row: &T) -> String {
    serde_json::to_string(row).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
