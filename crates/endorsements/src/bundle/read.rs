//! Reading a bundle: strictly, so that of one content there is one file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use avouch_pki::digest;
use avouch_wire::{Hex, UnixTime, base64url};
use serde::Deserialize;

use super::rows::{ContentRow, MARK, ManifestRow, VERSION};
use super::{BUNDLE_BYTES_MAX, BUNDLE_THINGS_MAX, Bundle, BundleError, BundledThing};
use crate::{EndorsementName, Published};

/// The version, whatever else there is.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    manifest: Vec<ManifestRow>,
    contents: Vec<ContentRow>,
}

type Contents = HashMap<Hex<32>, Arc<[u8]>>;

impl Bundle {
    /// Whether bytes were meant as a bundle, of whatever version, be it damaged or not.
    #[must_use]
    pub fn is_meant(bytes: &[u8]) -> bool {
        bytes.starts_with(MARK.as_bytes())
    }

    /// Reads a bundle. What comes out was read from `source` at `read_at`.
    ///
    /// Proven is that the file is whole and consistent: every content has its hash, every thing is
    /// what its name and the manifest say, and [`Bundle::write`] gives the same bytes. Whether a
    /// vendor signed any of it is another matter.
    ///
    /// # Errors
    /// [`BundleError`], with where.
    pub fn read(bytes: &[u8], source: &str, read_at: UnixTime) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge { found: bytes.len(), limit: BUNDLE_BYTES_MAX });
        }
        if !Self::is_meant(bytes) {
            return Err(BundleError::NotBundle);
        }
        let head: Head = serde_json::from_slice(bytes).map_err(syntax)?;
        if head.version != VERSION {
            return Err(BundleError::Version { found: head.version });
        }
        let file: File = serde_json::from_slice(bytes).map_err(syntax)?;
        let found = file.manifest.len();
        if found > BUNDLE_THINGS_MAX {
            return Err(BundleError::TooMany { found, limit: BUNDLE_THINGS_MAX });
        }
        let contents = contents(&file.contents)?;
        // First: a thing that is there many times is not to be read many times.
        let keys = file.manifest.iter().map(|row| (&row.name, row.sha256));
        check_order("manifest", keys, |(name, _)| avouch_wire::excerpt(name).to_string())?;
        let source: Arc<str> = source.into();
        let things = file.manifest.iter().enumerate().map(|(index, row)| {
            let name = name_of(index, row)?;
            let content = |sha256: Hex<32>| {
                let found = contents.get(&sha256).cloned();
                found.ok_or_else(|| BundleError::Missing { name: name.to_string(), sha256 })
            };
            let thing = BundledThing::of(Arc::new(Published {
                name,
                body: content(row.sha256)?,
                issuer_chain: row.issuer_chain.map_or_else(|| Ok([].into()), content)?,
                source: Arc::clone(&source),
                fetched_at: read_at,
                etag: None,
            }))?;
            check_row(&thing, row)?;
            Ok(thing)
        });
        let bundle = Self { things: things.collect::<Result<_, _>>()? };
        bundle.check_all_used(&file.contents)?;
        bundle.check_form(bytes)?;
        Ok(bundle)
    }

    fn check_all_used(&self, contents: &[ContentRow]) -> Result<(), BundleError> {
        let chains = self.things.iter().filter_map(|thing| thing.issuer_chain_sha256);
        let used: HashSet<Hex<32>> =
            self.things.iter().map(|thing| thing.sha256).chain(chains).collect();
        match contents.iter().find(|row| !used.contains(&row.sha256)) {
            Some(row) => Err(BundleError::Unused { sha256: row.sha256 }),
            None => Ok(()),
        }
    }

    /// White space, other spellings of a text or number, bytes behind the end.
    fn check_form(&self, bytes: &[u8]) -> Result<(), BundleError> {
        let expected = self.write()?;
        if expected == bytes {
            return Ok(());
        }
        let same = expected.iter().zip(bytes).take_while(|(one, other)| one == other).count();
        let lines = bytes.iter().take(same).filter(|byte| **byte == b'\n').count();
        Err(BundleError::Form { at: same, line: lines.saturating_add(1) })
    }
}

fn syntax(error: serde_json::Error) -> BundleError {
    if error.is_eof() {
        return BundleError::Truncated { line: error.line() };
    }
    // A foreign name may be part of it.
    BundleError::Syntax(error.to_string().chars().take(200).collect())
}

fn contents(rows: &[ContentRow]) -> Result<Contents, BundleError> {
    check_order("contents", rows.iter().map(|row| row.sha256.0), |hash| Hex(*hash).to_string())?;
    let content = |(index, row): (usize, &ContentRow)| {
        let row_number = index.saturating_add(1);
        let wrong = |reason: String| BundleError::Content { row: row_number, reason };
        let bytes = match (&row.text, &row.base64) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(base64)) => base64url::decode_standard(base64)
                .map_err(|error| wrong(format!("base64: {error}")))?,
            _ => return Err(wrong("expected either text or base64".to_owned())),
        };
        let found = digest::sha256(&bytes);
        if found != row.sha256 {
            let expected = row.sha256;
            return Err(BundleError::Hash { row: row_number, expected, found });
        }
        Ok((found, bytes.into()))
    };
    rows.iter().enumerate().map(content).collect()
}

/// Each row must belong behind the one before.
fn check_order<K: Ord>(
    list: &'static str,
    keys: impl Iterator<Item = K>,
    what: impl Fn(&K) -> String,
) -> Result<(), BundleError> {
    let mut before: Option<K> = None;
    for (index, key) in keys.enumerate() {
        let row = index.saturating_add(1);
        match before.as_ref().map(|before| before.cmp(&key)) {
            None | Some(std::cmp::Ordering::Less) => before = Some(key),
            Some(std::cmp::Ordering::Equal) => {
                return Err(BundleError::Twice { list, row, what: what(&key) });
            }
            Some(std::cmp::Ordering::Greater) => {
                return Err(BundleError::Order { list, row, what: what(&key) });
            }
        }
    }
    Ok(())
}

fn name_of(index: usize, row: &ManifestRow) -> Result<EndorsementName, BundleError> {
    row.name.parse().map_err(|error: crate::NameError| BundleError::Name {
        row: index.saturating_add(1),
        reason: error.to_string(),
    })
}

/// Whether a row says of a thing what the thing says itself.
fn check_row(thing: &BundledThing, row: &ManifestRow) -> Result<(), BundleError> {
    let expected_row = thing.row();
    let number = |number: Option<u32>| number.map_or_else(none, |number| number.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_else(none);
    let pairs = [
        ("bytes", row.bytes.to_string(), expected_row.bytes.to_string()),
        ("not_before", row.not_before.clone(), expected_row.not_before.clone()),
        ("not_after", row.not_after.clone(), expected_row.not_after.clone()),
        (
            "evaluation_data_number",
            number(row.evaluation_data_number),
            number(expected_row.evaluation_data_number),
        ),
        ("crl_number", text(&row.crl_number), text(&expected_row.crl_number)),
    ];
    match pairs.into_iter().find(|(_, found, expected)| found != expected) {
        None => Ok(()),
        Some((member, found, expected)) => {
            let found = avouch_wire::excerpt(&found).to_string();
            Err(BundleError::Manifest { name: expected_row.name, member, found, expected })
        }
    }
}

fn none() -> String {
    "not there".to_owned()
}
