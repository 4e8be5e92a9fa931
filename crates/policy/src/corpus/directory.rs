//! A corpus folder on disk.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::case::{Case, CaseError};

/// Why a corpus folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or the folder cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of a case whose name does not begin with that of a policy.
    #[error("{name}: no policy has this name or its beginning (expected NAME{POLICY})")]
    NoPolicy {
        /// The case.
        name: String,
    },
    /// A file does not have the documented form.
    #[error("{name}: {source}")]
    Case {
        /// The case.
        name: String,
        /// Why.
        source: CaseError,
    },
}

const POLICY: &str = ".policy.txt";
const CLAIMS: &str = ".claims.json";
const EXPECTATION: &str = ".expect.json";

/// Reads every case of a folder, sorted by name.
///
/// A case `NAME` is judged by `NAME.policy.txt`, a case `NAME.CASE` too, so that one policy can have
/// many; of several policies that fit by the one of the longest name. A policy without any case is a
/// case whose files are missing.
///
/// # Errors
/// [`DirectoryError`] if the folder cannot be listed. A case whose files are missing or wrong is
/// an error in the list instead, so that the others still run.
pub fn read_directory(
    directory: &Path,
) -> Result<Vec<Result<Case, DirectoryError>>, DirectoryError> {
    let failed = |source| DirectoryError::Io { path: directory.to_owned(), source };
    let (mut policies, mut cases) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(policy) = name.strip_suffix(POLICY) {
            policies.insert(policy.to_owned());
        }
        let case = [CLAIMS, EXPECTATION].iter().find_map(|suffix| name.strip_suffix(suffix));
        cases.extend(case.map(str::to_owned));
    }
    let judged: BTreeSet<&str> =
        cases.iter().filter_map(|case| policy_of(case, &policies)).collect();
    let without: Vec<String> =
        policies.iter().filter(|policy| !judged.contains(policy.as_str())).cloned().collect();
    cases.extend(without);
    let read = |name: &String| match policy_of(name, &policies) {
        Some(policy) => read_case(directory, name, policy),
        None => Err(DirectoryError::NoPolicy { name: name.clone() }),
    };
    Ok(cases.iter().map(read).collect())
}

/// The policy that judges a case: the longest beginning of its name, up to a period, that is one.
fn policy_of<'a>(case: &'a str, policies: &BTreeSet<String>) -> Option<&'a str> {
    let beginnings = case.rmatch_indices('.').filter_map(|(at, _)| case.get(..at));
    std::iter::once(case).chain(beginnings).find(|name| policies.contains(*name))
}

fn read_case(directory: &Path, name: &str, policy: &str) -> Result<Case, DirectoryError> {
    let read = |name: &str, suffix: &str| {
        let path = directory.join(format!("{name}{suffix}"));
        fs::read(&path).map_err(|source| DirectoryError::Io { path, source })
    };
    let policy = read(policy, POLICY)?;
    let claims = String::from_utf8_lossy(&read(name, CLAIMS)?).into_owned();
    let expectation = String::from_utf8_lossy(&read(name, EXPECTATION)?).into_owned();
    Case::parse(name, &policy, &claims, &expectation)
        .map_err(|source| DirectoryError::Case { name: name.to_owned(), source })
}
