//! What became of each mutant, kept in a file so that a run can go on where another stopped.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub(crate) enum Outcome {
    /// A test failed, or its program did not end.
    Caught {
        /// `program::test`.
        by: String,
        /// A test of another crate; none of its own noticed.
        #[serde(default)]
        elsewhere: bool,
        /// Nothing failed, but the tests did not end in time.
        #[serde(default)]
        timed_out: bool,
    },
    /// Every test that reaches it passed.
    Survived {
        /// How many reach it.
        tests: usize,
    },
}

/// An outcome, for the file as it was then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Hash of the mutated file's text.
    pub(crate) file_hash: u64,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// The outcomes of a crate, by key of the mutant.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    #[serde(default)]
    pub(crate) seconds: u64,
    pub(crate) mutants: BTreeMap<String, Entry>,
    #[serde(skip)]
    path: PathBuf,
}

impl Results {
    /// Reads what an earlier run left, if anything.
    pub(crate) fn load(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut results: Self = serde_json::from_str(&text).unwrap_or_default();
        results.path = path.to_owned();
        results
    }

    /// An empty set, to be written to a file.
    pub(crate) fn empty(path: &Path) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// Writes all to the file.
    ///
    /// # Errors
    /// A sentence with the path.
    pub(crate) fn save(&self) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(&self.path, text)
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// Whether a mutant was caught while its file was the same.
    pub(crate) fn was_caught(&self, key: &str, file_hash: u64) -> bool {
        self.mutants.get(key).is_some_and(|entry| {
            entry.file_hash == file_hash && matches!(entry.outcome, Outcome::Caught { .. })
        })
    }
}

/// A hash that stays the same from run to run.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
