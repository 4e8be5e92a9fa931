//! `avouch endorsements diff`

use std::path::PathBuf;

use avouch_endorsements::BundleDiff;
use clap::Args;

use super::files::bundle_of;
use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, printable};

/// What one bundle has otherwise than another: numbers, dates, the levels of a TCB recovery, revocations.
///
/// Files and folders of endorsements will do as well. The exit status is 1 if they differ.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  avouch endorsements diff old.json new.json")]
pub(super) struct DiffArgs {
    /// The one to start from.
    old: PathBuf,
    /// The other one.
    new: PathBuf,
}

pub(super) fn run(args: &DiffArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let Some(old) = bundle_of(&args.old, output)? else { return Ok(Verdict::No) };
    let Some(new) = bundle_of(&args.new, output)? else { return Ok(Verdict::No) };
    let diff = BundleDiff::of(&old, &new);
    output.answer(&diff, || text(&diff))?;
    Ok(Verdict::of(diff.is_empty()))
}

/// The difference for people, without what a terminal would obey.
pub(super) fn text(diff: &BundleDiff) -> String {
    diff.to_string().lines().map(|line| printable(line) + "\n").collect()
}
