//! Roots that an operator trusts besides the vendors' own: `intel=FILE`, `amd=FILE`, `tpm=FILE`,
//! `windows=FILE`, or a file alone.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use avouch_engine::Vendor;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// A file of roots, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot {
    /// Whose evidence they are for; without one, that of the vendor whose roots bear such a name.
    pub vendor: Option<Vendor>,
    /// Where they are.
    pub file: PathBuf,
}

impl FromStr for TrustRoot {
    type Err = String;

    /// What stands before the first `=` is a vendor, if it is a word of letters.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((word, file)) if word.chars().all(|c| c.is_ascii_alphabetic()) => {
                Ok(Self { vendor: Some(word.parse()?), file: file.into() })
            }
            _ => Ok(Self { vendor: None, file: text.into() }),
        }
    }
}

/// `[appraisal.trust_roots]` by vendor, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustRoots(pub Vec<TrustRoot>);

impl<'de> Deserialize<'de> for TrustRoots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Of a word from the environment this makes a list.
        deserializer.deserialize_seq(RootsVisitor)
    }
}

struct RootsVisitor;

impl<'de> Visitor<'de> for RootsVisitor {
    type Value = TrustRoots;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files, or a table of vendors with a list of files each")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TrustRoots, A::Error> {
        let mut roots = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            roots.push(text.parse().map_err(A::Error::custom)?);
        }
        Ok(TrustRoots(roots))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<TrustRoots, A::Error> {
        let mut roots = Vec::new();
        while let Some(vendor) = table.next_key::<String>()? {
            let vendor = vendor.parse().map_err(A::Error::custom)?;
            let files = table.next_value::<Vec<PathBuf>>()?;
            roots.extend(files.into_iter().map(|file| TrustRoot { vendor: Some(vendor), file }));
        }
        Ok(TrustRoots(roots))
    }
}
