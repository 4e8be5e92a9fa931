//! `avouch endorsements show`

use std::path::PathBuf;

use avouch_endorsements::{Bundle, BundleEntry, BundledThing};
use avouch_pki::OutsideWindow;
use avouch_wire::UnixTime;
use clap::Args;
use serde::Serialize;

use super::files::{Found, in_order};
use crate::commands::admin::table;
use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, printable};
use crate::setup;

/// What is in files, folders and bundles, until when it is valid, and what is wrong with it.
///
/// No signature is checked. The exit status is 1 if anything is not in force at the moment, or damaged.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch endorsements show collateral/ site.json\n  \
    avouch endorsements show site.json --at 2027-01-01T00:00:00Z")]
pub(super) struct ShowArgs {
    /// A file, folder or bundle; several may be given.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The moment to look from (default: now).
    #[arg(long, value_name = "RFC3339")]
    at: Option<UnixTime>,
}

#[derive(Serialize)]
struct Answer {
    at: UnixTime,
    endorsements: Vec<Row>,
    /// What expires first of what is in force.
    expires_first: Option<Expiry>,
    damaged: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    entry: BundleEntry,
    bytes: usize,
    source: String,
    state: &'static str,
}

#[derive(Serialize)]
struct Expiry {
    name: String,
    at: UnixTime,
    in_seconds: i64,
}

pub(super) fn run(args: &ShowArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let at = args.at.unwrap_or_else(setup::present);
    let found = Found::read(&args.paths)?;
    let Some(bundle) = in_order(found.things, output)? else { return Ok(Verdict::No) };
    let endorsements: Vec<Row> = bundle.things().iter().map(|thing| Row::of(thing, at)).collect();
    let answer = Answer {
        at,
        expires_first: expires_first(&bundle, at),
        damaged: found.damaged.into_iter().map(|damage| damage.message).collect(),
        warnings: found.ignored,
        endorsements,
    };
    output.answer(&answer, || text(&answer))?;
    let all_in_force = answer.endorsements.iter().all(|row| row.state == IN_FORCE);
    Ok(Verdict::of(all_in_force && answer.damaged.is_empty()))
}

const IN_FORCE: &str = "in force";

impl Row {
    fn of(thing: &BundledThing, at: UnixTime) -> Self {
        let state = match thing.stated.window.check(at) {
            Ok(()) => IN_FORCE,
            Err(OutsideWindow::Expired { .. }) => "expired",
            Err(OutsideWindow::NotYetValid { .. }) => "not yet valid",
        };
        let source = thing.published.source.to_string();
        Self { entry: BundleEntry::of(thing), bytes: thing.published.body.len(), source, state }
    }

    fn number(&self) -> String {
        match (self.entry.evaluation_data_number, &self.entry.crl_number) {
            (Some(number), _) => number.to_string(),
            (None, Some(number)) => number.clone(),
            (None, None) => String::new(),
        }
    }
}

/// What is in force at a moment and ends first.
pub(super) fn expires_first_of(bundle: &Bundle, at: UnixTime) -> Option<&BundledThing> {
    let in_force = |thing: &&BundledThing| thing.stated.window.check(at).is_ok();
    bundle.things().iter().filter(in_force).min_by_key(|thing| thing.stated.window.not_after)
}

fn expires_first(bundle: &Bundle, at: UnixTime) -> Option<Expiry> {
    let thing = expires_first_of(bundle, at)?;
    let end = thing.stated.window.not_after;
    let in_seconds = end.seconds().saturating_sub(at.seconds());
    Some(Expiry { name: thing.published.name.to_string(), at: end, in_seconds })
}

fn text(answer: &Answer) -> String {
    let rows: Vec<[String; 5]> = answer
        .endorsements
        .iter()
        .map(|row| {
            [
                row.entry.name.clone(),
                row.number(),
                row.entry.window.not_after.to_string(),
                row.state.to_owned(),
                row.source.clone(),
            ]
        })
        .collect();
    let mut text = table(["name", "number", "valid until", "state", "from"], &rows);
    text.push('\n');
    if let Some(Expiry { name, at, in_seconds }) = &answer.expires_first {
        let days = in_seconds / (24 * 60 * 60);
        text.push_str(&format!("\nexpires first: {name}, at {at} (in {days} days)\n"));
    }
    for error in &answer.damaged {
        text.push_str(&format!("damaged: {}\n", printable(error)));
    }
    for warning in &answer.warnings {
        text.push_str(&format!("warning: {}\n", printable(warning)));
    }
    text
}
