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

/// Why one mutant, or those of one kind in one function, may survive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explanation {
    file: String,
    function: String,
    /// The change as reported; one that ends in `*` stands for all that begin like this.
    change: String,
    reason: String,
}

impl Explanation {
    /// Whether it is about this mutant.
    fn explains(&self, key: &str) -> bool {
        let head = format!("{} | {} | ", self.file, self.function);
        key.strip_prefix(&head).is_some_and(|change| match self.change.strip_suffix('*') {
            Some(start) => change.starts_with(start),
            None => change == self.change,
        })
    }

    /// The explanation as people name it.
    pub(crate) fn shown(&self) -> String {
        format!("{} | {} | {}", self.file, self.function, self.change)
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
        match read.survivor.iter().find(|one| one.reason.trim().is_empty()) {
            Some(one) => Err(format!("no reason is given for {}", one.shown())),
            None => Ok(read),
        }
    }

    /// Why a mutant may survive, if that is explained.
    pub(crate) fn reason(&self, key: &str) -> Option<&str> {
        let found = self.survivor.iter().find(|one| one.explains(key));
        found.map(|one| one.reason.as_str())
    }

    /// Explanations in these files that explain no survivor: the mutant is gone or caught.
    pub(crate) fn stale(&self, files: &[&str], survivors: &[&str]) -> Vec<&Explanation> {
        let is_stale = |one: &&Explanation| {
            files.contains(&one.file.as_str()) && !survivors.iter().any(|key| one.explains(key))
        };
        self.survivor.iter().filter(is_stale).collect()
    }
}
