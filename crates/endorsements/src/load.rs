//! Files and directories of endorsements.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_snp::ChainError;
use avouch_wire::excerpt;

use crate::by_name::Origin;
use crate::error::{EndorsementError, FILE_BYTES_MAX, LoadError};
use crate::recognise::{Recognised, recognise};
use crate::{BUNDLE_BYTES_MAX, Bundle, EndorsementSet, chains, folder, forms};

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

    fn load_each(paths: &[PathBuf], damaged: Damaged) -> Result<Self, LoadError> {
        let mut loading = Loading::default();
        for path in paths {
            if path.is_dir() {
                loading.add_directory(path, damaged)?;
            } else {
                loading.add_file(path)?;
            }
        }
        loading.finish()
    }

    /// Adds the content of one file: whatever [`recognise`] takes.
    ///
    /// # Errors
    /// [`EndorsementError`], if it is none of these.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), EndorsementError> {
        let source = Arc::from("bytes");
        let mut found = recognise(bytes, &source)?;
        if !found.is_endorsement() {
            return Err(foreign(&found));
        }
        chains::complete(&mut [&mut found]);
        self.take(found, &source)
    }

    /// Files what one file holds: all of it or nothing.
    fn take(&mut self, found: Recognised, source: &Arc<str>) -> Result<(), EndorsementError> {
        let Recognised { sets, published, amd, certificates: _, unused: _ } = found;
        if !sets.is_empty() {
            let shelf = Arc::make_mut(&mut self.intel);
            for set in sets {
                shelf.add_set(set, source)?;
            }
            shelf.assemble();
        }
        if !amd.is_empty() {
            Arc::make_mut(&mut self.amd).add_file(amd, source);
        }
        self.put(published, Origin::File);
        Ok(())
    }
}

/// What only is of use to others, and to none of them.
fn foreign(found: &Recognised) -> EndorsementError {
    if let (Some(what), []) = (found.unused.first(), found.certificates.as_slice()) {
        return EndorsementError::Unused(what.clone());
    }
    let names = found.certificates.iter().map(|one| one.subject().label());
    let name = names.collect::<Vec<_>>().join(", ");
    EndorsementError::Amd(ChainError::Foreign { name: name.chars().take(80).collect() })
}

/// Files that were read so far. Which belong together is known when all are.
#[derive(Default)]
struct Loading {
    files: Vec<(PathBuf, Recognised)>,
    /// Of files that were named: certificates, which must be of use to another file.
    named_certificates: Vec<(PathBuf, Recognised)>,
    skipped: Vec<LoadError>,
    ignored: Vec<String>,
}

impl Loading {
    fn add_file(&mut self, path: &Path) -> Result<(), LoadError> {
        let bytes = read(path)?;
        let found = recognise(&bytes, &named(path)).map_err(|source| malformed(path, source))?;
        self.note_ignored(path, &bytes, &found);
        let is_endorsement = found.is_endorsement();
        let files = if is_endorsement { &mut self.files } else { &mut self.named_certificates };
        files.push((path.to_owned(), found));
        Ok(())
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
        match recognise(&bytes, &named(path)) {
            Ok(found) => {
                self.note_ignored(path, &bytes, &found);
                let is_endorsement = found.is_endorsement();
                self.files.push((path.to_owned(), found));
                Ok(is_endorsement)
            }
            Err(error) if folder::is_stranger(path, &bytes, &error) => {
                if forms::is_unused(&bytes) {
                    self.ignored.push(format!("{} is passed over: {error}", path.display()));
                }
                Ok(false)
            }
            Err(error) => Err(malformed(path, error)),
        }
    }

    fn note_ignored(&mut self, path: &Path, bytes: &[u8], found: &Recognised) {
        let notes = found.unused.iter().map(|what| format!("{}: {what}", path.display()));
        self.ignored.extend(notes);
        for member in forms::ignored_members(bytes) {
            let why = match member.as_str() {
                "pck_certificate_chain" => " (the chain in the quote counts)",
                _ => "",
            };
            let path = path.display();
            self.ignored.push(format!("{path}: member {} is not used{why}", excerpt(&member)));
        }
    }

    /// Gives what came without its issuer chain the one that lies beside, and files everything.
    fn finish(mut self) -> Result<EndorsementSet, LoadError> {
        let all = self.files.iter_mut().chain(&mut self.named_certificates);
        let used = chains::complete(&mut all.map(|(_, found)| found).collect::<Vec<_>>());
        for (path, found) in &self.named_certificates {
            if !found.certificates.iter().any(|one| used.contains(&one.fingerprint_sha256())) {
                return Err(malformed(path, foreign(found)));
            }
        }
        let mut set = EndorsementSet::default();
        (set.skipped, set.ignored) = (Arc::new(self.skipped), self.ignored);
        for (path, found) in self.files {
            set.take(found, &named(&path)).map_err(|source| malformed(&path, source))?;
        }
        Ok(set)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    // What is read counts: a file may be longer than it says it is.
    let most = u64::try_from(BUNDLE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    let is_large = u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX;
    if is_large && !Bundle::is_meant(&bytes) {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

fn named(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

fn malformed(path: &Path, source: EndorsementError) -> LoadError {
    LoadError::Malformed { path: path.to_owned(), source: Box::new(source) }
}
