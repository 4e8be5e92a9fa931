//! Files and directories of endorsements.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_dcap::{Collateral, TeeType, open_enclave};
use avouch_engine::{EndorsementSource, IntelWanted, TcbBaseline};
use avouch_snp::{CrlRule, Endorsements as AmdEndorsements};
use avouch_wire::excerpt;
use serde_json::{Value, json};

use crate::error::{EndorsementError, FILE_BYTES_MAX, LoadError};
use crate::intel::IntelShelf;
use crate::{folder, forms};

/// Endorsements at hand.
#[derive(Debug, Default)]
pub struct EndorsementSet {
    intel: IntelShelf,
    amd: Arc<AmdEndorsements>,
    amd_crl_rule: CrlRule,
    skipped: Vec<LoadError>,
    ignored: Vec<String>,
}

/// What becomes of a damaged file in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damaged {
    Refused,
    Skipped,
}

impl EndorsementSet {
    /// Loads every path. A file must be an endorsement. Of a directory, the files that are: its
    /// subdirectories are passed over, and so are files that were never meant as endorsements, such
    /// as notes, reports and certificates of others. A file that is unreadable, cut, empty or too
    /// large is an error: it may have been a CRL, without which the revoked would pass.
    ///
    /// # Errors
    /// [`LoadError`] naming the path; [`LoadError::Empty`] for a directory without endorsements.
    pub fn load(paths: &[PathBuf]) -> Result<Self, LoadError> {
        Self::load_each(paths, Damaged::Refused)
    }

    /// As [`EndorsementSet::load`], but damaged files of directories are left out and told by
    /// [`EndorsementSet::skipped`].
    ///
    /// # Errors
    /// [`LoadError`] naming the path.
    pub fn load_skipping_damaged(paths: &[PathBuf]) -> Result<Self, LoadError> {
        Self::load_each(paths, Damaged::Skipped)
    }

    /// The same, with another rule for CRLs of AMD's roots.
    #[must_use]
    pub fn with_amd_crl_rule(self, amd_crl_rule: CrlRule) -> Self {
        Self { amd_crl_rule, ..self }
    }

    /// Damaged files that were left out, and what is wrong with each.
    #[must_use]
    pub fn skipped(&self) -> &[LoadError] {
        &self.skipped
    }

    /// What was found and has no effect, in words with the file's name: members of sets of collateral
    /// that nothing reads, and files of folders that are a part of a set only.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    fn load_each(paths: &[PathBuf], damaged: Damaged) -> Result<Self, LoadError> {
        let mut set = Self::default();
        for path in paths {
            if path.is_dir() {
                set.add_directory(path, damaged)?;
            } else {
                let bytes = read(path)?;
                set.add(&bytes).map_err(|source| malformed(path, source))?;
                set.note_ignored(path, &bytes);
            }
        }
        Ok(set)
    }

    fn add_directory(&mut self, directory: &Path, damaged: Damaged) -> Result<(), LoadError> {
        let files = folder::files(directory)?;
        let mut found = false;
        for file in &files {
            match self.add_file_of_directory(file) {
                Ok(is_endorsement) => found |= is_endorsement,
                Err(error) if damaged == Damaged::Refused => return Err(error),
                Err(error) => self.skipped.push(error),
            }
        }
        if found {
            return Ok(());
        }
        Err(LoadError::Empty { path: directory.to_owned(), files: files.len() })
    }

    /// Whether it is an endorsement; an error if it is damaged.
    fn add_file_of_directory(&mut self, path: &Path) -> Result<bool, LoadError> {
        let bytes = read(path)?;
        match self.add(&bytes) {
            Ok(()) => {
                self.note_ignored(path, &bytes);
                Ok(true)
            }
            Err(error) if folder::is_stranger(path, &bytes, &error) => {
                if forms::is_part(&bytes) {
                    self.ignored.push(format!("{} is passed over: {error}", path.display()));
                }
                Ok(false)
            }
            Err(error) => Err(malformed(path, error)),
        }
    }

    fn note_ignored(&mut self, path: &Path, bytes: &[u8]) {
        for member in forms::ignored_members(bytes) {
            let why = match member.as_str() {
                "pck_certificate_chain" => " (the chain in the quote counts)",
                _ => "",
            };
            let path = path.display();
            self.ignored.push(format!("{path}: member {} is not used{why}", excerpt(&member)));
        }
    }

    /// Adds the content of one file: Intel collateral as JSON or as Open Enclave hands it out; AMD
    /// certificates and CRLs, in PEM or DER or as hosts hand them out (THIM's JSON, certificate tables).
    ///
    /// # Errors
    /// [`EndorsementError`], if it is none of these.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), EndorsementError> {
        let added = match forms::of_amd_host(bytes) {
            Some(parts) => self.add_amd(&parts),
            None => self.add_plain(bytes),
        };
        added.map_err(|error| match forms::name(bytes) {
            Some(what) => EndorsementError::Other { what, source: Box::new(error) },
            None => error,
        })
    }

    fn add_plain(&mut self, bytes: &[u8]) -> Result<(), EndorsementError> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            return Ok(self.intel.add(Collateral::parse_json(bytes)?)?);
        }
        if forms::is_of_open_enclave(bytes) {
            let blob = open_enclave::Endorsements::parse(bytes)?;
            return Ok(self.intel.add(blob.collateral()?)?);
        }
        self.add_amd(&[bytes])
    }

    fn add_amd<P: AsRef<[u8]>>(&mut self, parts: &[P]) -> Result<(), EndorsementError> {
        if parts.iter().any(|part| folder::ends_within_a_mark(part.as_ref())) {
            return Err(EndorsementError::Cut);
        }
        let amd = AmdEndorsements::parse(parts)?;
        let at_hand = Arc::make_mut(&mut self.amd);
        at_hand.chain.extend(amd.chain);
        at_hand.crls.extend(amd.crls);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    // What is read counts: a file may be longer than it says it is.
    file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

fn malformed(path: &Path, source: EndorsementError) -> LoadError {
    LoadError::Malformed { path: path.to_owned(), source: Box::new(source) }
}

impl EndorsementSource for EndorsementSet {
    fn intel(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        self.intel.best(wanted)
    }

    fn tcb_baselines(&self, tee: TeeType) -> Vec<TcbBaseline> {
        self.intel.baselines(tee)
    }

    fn amd(&self) -> Arc<AmdEndorsements> {
        Arc::clone(&self.amd)
    }

    fn amd_crl_rule(&self) -> CrlRule {
        self.amd_crl_rule
    }

    fn summary(&self) -> Value {
        let chain = &self.amd.chain;
        let upper = chain.intermediates().len().saturating_add(chain.roots().len());
        json!({
            "intel_collateral": self.intel.summary(),
            "amd_certificates": chain.leaves().count().saturating_add(upper),
            "amd_crls": self.amd.crls.len(),
            "amd_crl_rule": self.amd_crl_rule.name(),
            "damaged_files": self.skipped.len(),
        })
    }
}
