//! Evidence from files, folders and a service's database.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use avouch_endorsements::Published;
use avouch_engine::{Capsule, CapsuleError};
use avouch_server::{Config, fetched_endorsements};
use avouch_store::{KeptCapsule, PageRequest, Store, StoreOptions};
use avouch_wire::EvidenceKind;

use super::case::Case;
use crate::commands::serve;
use crate::failure::{Failure, read};
use crate::fleet::is_file;
use crate::{evidence_file, output, setup};

/// How deep folders are looked into.
const DEPTH_MAX: usize = 8;
/// Capsules that are read from a database at once.
const PAGE_ROWS: u32 = 100;
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
pub(super) fn from_store(
    found: &mut Found,
    config: Option<&Config>,
    data_dir: Option<&Path>,
) -> Result<(), Failure> {
    let location = database(config, data_dir)?;
    let before = found.cases.len();
    serve::runtime()?.block_on(async {
        let store = open(&location).await?;
        let mut page = Some(PageRequest { after: 0, rows: PAGE_ROWS });
        while let Some(request) = page {
            let kept = store.capsules(request).await.map_err(serve::with_cause)?;
            page = kept.next_request(request);
            for capsule in kept.items {
                found.add(of_kept(capsule)?)?;
            }
        }
        store.close().await;
        Ok::<_, Failure>(())
    })?;
    if found.cases.len() == before {
        let name = if is_in_a_file(&location) { location.as_str() } else { "the database" };
        output::note(&format!("no evidence is kept in {name}: see audit.keep_evidence"));
    }
    Ok(())
}

/// What a service fetched into its database.
pub(super) fn fetched(config: &Config, data_dir: Option<&Path>) -> Result<Vec<Published>, Failure> {
    let location = database(Some(config), data_dir)?;
    serve::runtime()?.block_on(async {
        let store = open(&location).await?;
        let found = fetched_endorsements(&store).await.map_err(serve::with_cause);
        store.close().await;
        found
    })
}

/// Where a service's database is.
fn database(config: Option<&Config>, data_dir: Option<&Path>) -> Result<String, Failure> {
    let defaults = Config::default();
    let config = config.unwrap_or(&defaults);
    let data_dir = data_dir.map_or_else(|| serve::data_dir(config), Path::to_owned);
    let location = config.database_location(&data_dir).map_err(Failure::other)?;
    // A database is not made here.
    let path = location.strip_prefix("sqlite:").unwrap_or(&location);
    if is_in_a_file(&location) && !Path::new(path).is_file() {
        return Err(Failure::Other(format!("there is no database at {location}")));
    }
    Ok(location)
}

fn is_in_a_file(location: &str) -> bool {
    !location.contains("://")
}

async fn open(location: &str) -> Result<Store, Failure> {
    let options = StoreOptions { upgrades: false, ..StoreOptions::default() };
    Store::open_with(location, &options, setup::present()).await.map_err(serve::with_cause)
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
