//! Endorsements from the files and folders of a call.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_endorsements::{Bundle, BundleError, EndorsementSet, LoadError, Published};
use avouch_wire::FailedCheck as _;
use serde_json::{Value, json};

use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, note, printable};

/// What files and folders hold.
#[derive(Default)]
pub(super) struct Found {
    pub(super) things: Vec<Arc<Published>>,
    /// What was found and is damaged, with the file's name.
    pub(super) damaged: Vec<Damage>,
    /// What was found and has no effect.
    pub(super) ignored: Vec<String>,
}

/// A file that is no endorsement, or not a whole one.
pub(super) struct Damage {
    pub(super) check: &'static str,
    pub(super) message: String,
}

impl Damage {
    fn of(error: &LoadError) -> Self {
        Self { check: error.check().unwrap_or("endorsements"), message: error.to_string() }
    }
}

impl Found {
    /// Reads every path. What cannot be read at all is an error, what is damaged is told.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut found = Self::default();
        for path in paths {
            match EndorsementSet::load_skipping_damaged(std::slice::from_ref(path)) {
                Ok(set) => found.add(&set),
                Err(error) if error.check().is_some() => found.damaged.push(Damage::of(&error)),
                Err(error) => return Err(Failure::other(error)),
            }
        }
        Ok(found)
    }

    fn add(&mut self, set: &EndorsementSet) {
        self.things.extend(set.iter().cloned());
        self.ignored.extend(set.ignored().iter().cloned());
        self.damaged.extend(set.skipped().iter().map(Damage::of));
    }
}

/// One path as a bundle: a bundle's file, or whatever else holds endorsements. What is damaged is
/// said, and there is none then.
pub(super) fn bundle_of(path: &Path, output: OutputOptions) -> Result<Option<Bundle>, Failure> {
    let found = Found::read(&[path.to_owned()])?;
    for ignored in &found.ignored {
        note(&format!("warning: {ignored}"));
    }
    if let Some(damage) = found.damaged.first() {
        refuse(damage.check, &damage.message, output)?;
        return Ok(None);
    }
    in_order(newest(&found.things), output)
}

/// Of several of one name the newest; of VCEK certificates all.
pub(super) fn newest(things: &[Arc<Published>]) -> Vec<Arc<Published>> {
    let all = things.iter().map(|thing| Published::clone(thing)).collect();
    EndorsementSet::default().with(all).iter().cloned().collect()
}

/// Things in the order of a bundle; none, and said so, if there are some that no bundle takes.
pub(super) fn in_order(
    things: Vec<Arc<Published>>,
    output: OutputOptions,
) -> Result<Option<Bundle>, Failure> {
    match Bundle::new(things) {
        Ok(bundle) => Ok(Some(bundle)),
        Err(error) => refuse_bundle(&error, output).map(|_| None),
    }
}

pub(super) fn refuse_bundle(
    error: &BundleError,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    refuse(error.check(), &error.to_string(), output)
}

/// Answers that the input is refused.
pub(super) fn refuse(
    check: &str,
    message: &str,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    refuse_with(&json!({"error": {"check": check, "message": message}}), check, message, output)
}

/// The same, with more members.
pub(super) fn refuse_with(
    answer: &Value,
    check: &str,
    message: &str,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    output.answer(answer, || {
        let message = printable(message);
        format!("refused: {message}\ncheck:   {check}\n")
    })?;
    Ok(Verdict::No)
}

/// Writes a file whole or not at all: readers see the one before until it is complete.
pub(in crate::commands) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write as _;
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // Not an endorsement by its name, if it is left behind in a folder of them.
    name.push(".incomplete");
    let incomplete = path.with_file_name(name);
    let written = std::fs::File::create(&incomplete)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&incomplete, path));
    if written.is_err() {
        // What went wrong first is what to tell.
        let _ = std::fs::remove_file(&incomplete);
    }
    written.map_err(failed)
}
