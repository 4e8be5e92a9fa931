//! Evidence from files, folders and a service's database.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use avouch_engine::{Capsule, CapsuleError};
use avouch_store::KeptCapsule;
use avouch_wire::EvidenceKind;

use super::case::Case;
use crate::commands::endorsements::service::Database;
use crate::failure::{Failure, read};
use crate::fleet::is_file;
use crate::{evidence_file, output};

/// How deep folders are looked into.
const DEPTH_MAX: usize = 8;
/// The most pieces of evidence in one forecast.
const CASES_MAX: usize = 100_000;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cases: Vec<Case>,
    /// Files of folders that are no evidence, such as certificates and notes.
    pub(super) passed_over: Vec<String>,
}

/// Reads files, and folders with all below them. Evidence that also came in the body of a request or in
/// a capsule counts once: as that, which says more.
pub(super) fn from_paths(paths: &[PathBuf]) -> Result<Found, Failure> {
    let mut found = Found::default();
    for path in paths {
        if !path.is_dir() {
            let case = read_case(path)?.ok_or_else(|| no_evidence(path))?;
            found.add(case)?;
            continue;
        }
        for file in files(path)? {
            // Reading a pipe may never end.
            let case = if is_file(&file) { read_case(&file)? } else { None };
            match case {
                Some(case) => found.add(case)?,
                None => found.passed_over.push(file.display().to_string()),
            }
        }
    }
    found.keep_the_fullest();
    Ok(found)
}

/// Adds the capsules that a service keeps in its database.
pub(super) fn from_store(found: &mut Found, database: &Database) -> Result<(), Failure> {
    let before = found.cases.len();
    database.each_capsule(|capsule| found.add(of_kept(capsule)?))?;
    if found.cases.len() == before {
        output::note(&format!("no evidence is kept in {database}: see audit.keep_evidence"));
    }
    Ok(())
}

fn of_kept(kept: KeptCapsule) -> Result<Case, Failure> {
    let name = format!("{}/{}", kept.provider, kept.id);
    let capsule = Capsule::read(&kept.capsule)
        .map_err(|error| Failure::Other(format!("evidence kept as {name}: {error}")))?;
    Ok(Case::of_capsule(name, capsule))
}

impl Found {
    fn add(&mut self, case: Case) -> Result<(), Failure> {
        if self.cases.len() >= CASES_MAX {
            let text = format!("more than {CASES_MAX} pieces of evidence: judge them in parts");
            return Err(Failure::Other(text));
        }
        self.cases.push(case);
        Ok(())
    }

    fn keep_the_fullest(&mut self) {
        let key = |case: &Case| (case.request.kind, case.request.evidence.clone());
        let fuller: HashSet<(EvidenceKind, Vec<u8>)> =
            self.cases.iter().filter(|case| !case.is_bare()).map(key).collect();
        self.cases.retain(|case| !case.is_bare() || !fuller.contains(&key(case)));
    }
}

fn no_evidence(path: &Path) -> Failure {
    Failure::Other(format!("{} is neither evidence nor a capsule of it", path.display()))
}

/// The evidence in a file, or none if it is something else. A capsule that is damaged is an error.
fn read_case(path: &Path) -> Result<Option<Case>, Failure> {
    let bytes = read(path)?;
    let name = path.display().to_string();
    match Capsule::read(&bytes) {
        Ok(capsule) => Ok(Some(Case::of_capsule(name, capsule))),
        Err(CapsuleError::NotACapsule { .. } | CapsuleError::TooLarge { .. }) => {
            let read = evidence_file::read_any(&bytes);
            Ok(read.map(|read| Case::of_request(name, read)))
        }
        Err(error) => Err(Failure::Other(format!("{name}: {error}"))),
    }
}

/// All files below a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    add_files(folder, DEPTH_MAX, &mut found)?;
    Ok(found)
}

fn add_files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |source| Failure::Read { path: folder.to_owned(), source };
    let Some(deeper) = depth.checked_sub(1) else {
        let text = format!("{}: folders more than {DEPTH_MAX} deep", folder.display());
        return Err(Failure::Other(text));
    };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_files(&path, deeper, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
