//! Survivors that are explained: equal to the original, or harmless, each with its reason.

use std::path::Path;

use serde::Deserialize;

/// The file `xtask/mutants.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explanations {
    #[serde(default)]
    survivor: Vec<Explanation>,
}

/// Why mutants of one kind may survive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    reason: String,
    /// `file | function | change`, each as reported; `*` stands for any text within one of them.
    mutants: Vec<String>,
}

/// What divides a mutant's key.
const DIVIDER: &str = " | ";

/// Whether a pattern is about this mutant.
fn explains(pattern: &str, key: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.splitn(3, DIVIDER), key.splitn(3, DIVIDER));
    (0..3).all(|_| match (patterns.next(), parts.next()) {
        (Some(pattern), Some(part)) => matches(pattern, part),
        _ => false,
    })
}

/// Whether a text is what a pattern says, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Explanation {
    /// What is wrong with it, if anything is.
    fn problem(&self) -> Option<String> {
        if self.reason.trim().is_empty() {
            return Some(format!("no reason is given for {:?}", self.mutants));
        }
        let is_whole = |one: &&String| one.split(DIVIDER).count() >= 3;
        let part = self.mutants.iter().find(|one| !is_whole(one))?;
        Some(format!("{part:?} is not \"file | function | change\""))
    }
}

impl Explanations {
    /// Reads the file; one that is absent explains nothing.
    ///
    /// # Errors
    /// It is not what it should be; an explanation without a reason is none.
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(failed(&error)),
        };
        Self::parse(&text).map_err(|error| failed(&error))
    }

    /// Reads explanations from TOML.
    ///
    /// # Errors
    /// See [`Explanations::load`].
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let read: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match read.survivor.iter().find_map(Explanation::problem) {
            Some(problem) => Err(problem),
            None => Ok(read),
        }
    }

    /// Why a mutant may survive, if that is explained.
    pub(crate) fn reason(&self, key: &str) -> Option<&str> {
        let is_about = |one: &&Explanation| one.mutants.iter().any(|it| explains(it, key));
        self.survivor.iter().find(is_about).map(|one| one.reason.as_str())
    }

    /// Patterns for one of these files that explain no survivor: the mutants are gone or caught.
    /// A kind of mutant in many files may come and go.
    pub(crate) fn stale(&self, files: &[&str], survivors: &[&str]) -> Vec<&str> {
        let is_here =
            |pattern: &str| files.contains(&pattern.split(DIVIDER).next().unwrap_or_default());
        let is_stale = |pattern: &&str| {
            is_here(pattern) && !survivors.iter().any(|key| explains(pattern, key))
        };
        let patterns = self.survivor.iter().flat_map(|one| &one.mutants);
        patterns.map(String::as_str).filter(is_stale).collect()
    }
}
