//! `avouch measurements check`

use std::path::PathBuf;

use avouch_client::{
    Issue, KnownPublication, MeasurementState, Measurements, Publication, WorkloadMeasurement,
};
use avouch_wire::{FailedCheck as _, Hex, UnixTime};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::file::{Issued, IssuedList, Witnesses, read_issued};
use crate::failure::{Failure, Verdict, read};
use crate::output::{OutputOptions, printable};
use crate::policy_signer::public_key;
use crate::setup;

/// Check a list of measurements, and show where each of them stands at a moment.
///
/// With --publisher-key it must be signed; with --after it must take nothing back that an earlier issue announced;
/// with --statement and --ledger-key it must stand in a ledger.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch measurements check measurements.json --at 2026-06-01T00:00:00Z\n  \
    avouch measurements check measurements.jws --publisher-key publisher.pem")]
pub(super) struct CheckArgs {
    /// The list, bare, as an issue, or signed; `-` reads standard input.
    file: PathBuf,
    /// A key of the publisher, PEM (PUBLIC KEY); may be repeated.
    #[arg(long, value_name = "FILE")]
    publisher_key: Vec<PathBuf>,
    /// The issue that was accepted before, or what --measurements-state of `verify` keeps; nothing is written to it.
    #[arg(long, value_name = "FILE")]
    after: Option<PathBuf>,
    /// The publisher's statement over the list, with receipts in it or beside it.
    #[arg(long, value_name = "FILE", requires = "ledger_key", requires = "publisher_key")]
    statement: Option<PathBuf>,
    /// A receipt for the statement; may be repeated.
    #[arg(long, value_name = "FILE", requires = "statement")]
    receipt: Vec<PathBuf>,
    /// The key of a ledger that is trusted: a public key or certificate in PEM, or a key set in JSON; may be
    /// repeated.
    #[arg(long, value_name = "FILE", requires = "statement")]
    ledger_key: Vec<PathBuf>,
    /// The moment to show (default: now).
    #[arg(long, value_name = "RFC3339")]
    at: Option<UnixTime>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    #[serde(flatten)]
    state: MeasurementState,
    workload: &'a WorkloadMeasurement,
}

/// What is known of a list.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    at: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue: Option<&'a Issue>,
    /// SHA-256 of the publisher's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<Hex<32>>,
    /// In which ledgers the statement over it stands, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    transparency: Option<String>,
    measurements: Vec<Row<'a>>,
}

pub(super) fn run(args: &CheckArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let at = args.at.unwrap_or_else(setup::present);
    let keys = args.publisher_key.iter().map(|path| public_key(path));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let name = args.file.display().to_string();
    let issued = match read_issued(&name, &read(&args.file)?, &keys, at)? {
        Ok(issued) => issued,
        Err(refused) => return refuse(refused.check, &refused.message, output),
    };
    let mut known = None;
    if let Some(before) = &args.after {
        let seen = KnownPublication::parse(&read(before)?)
            .map_err(|error| Failure::Other(format!("{}: {error}", before.display())))?;
        let Some(now) = issued.publication() else {
            return Err(Failure::Other(format!(
                "{name} is no issue: nothing says what it follows"
            )));
        };
        match seen.follow(now, at) {
            Ok(follows) => known = Some(follows),
            Err(error) => return refuse(error.check(), &error.to_string(), output),
        }
    }
    let mut witness = None;
    if let (Some(statement), Some(issue)) = (&args.statement, issued.publication()) {
        let witnesses = Witnesses { receipts: &args.receipt, ledger_keys: &args.ledger_key };
        let list = IssuedList::Issue(issue);
        match witnesses.verify(&read(statement)?, list, &keys, at)? {
            Ok(transparent) => witness = Some(transparent.to_string()),
            Err(error) => return refuse(error.check(), &error.to_string(), output),
        }
    }
    let list = known.as_ref().map_or(issued.measurements(), KnownPublication::measurements);
    show_with(&issued, list, witness, at, output)
}

/// Prints where each measurement stands.
pub(super) fn show(
    issued: &Issued,
    at: UnixTime,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    show_with(issued, issued.measurements(), None, at, output)
}

/// The same, and in which ledgers the list stands.
fn show_with(
    issued: &Issued,
    list: &Measurements,
    transparency: Option<String>,
    at: UnixTime,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let rows = list.all().iter().map(|one| Row {
        name: &one.name,
        state: list.state(one, at),
        workload: &one.workload,
    });
    let signed_by = match issued {
        Issued::Signed(issue) => Some(issue.key().id()),
        _ => None,
    };
    let issue = issued.publication().map(Publication::issue);
    let shown = Shown { at, issue, signed_by, transparency, measurements: rows.collect() };
    output.answer(&shown, || {
        let head = shown.issue.map(|issue| {
            let Issue { publisher, sequence, issued_at, expires_at, .. } = issue;
            let publisher = printable(publisher);
            format!("issue {sequence} of {publisher}, {issued_at}, until {expires_at}\n")
        });
        let signed = shown.signed_by.map(|key| format!("signed by {key}\n"));
        let witness = shown.transparency.iter().map(|told| format!("{}\n", printable(told)));
        let rows = shown.measurements.iter().map(text);
        head.into_iter().chain(signed).chain(witness).chain(rows).collect::<String>()
    })?;
    Ok(Verdict::Yes)
}

fn refuse(check: &str, message: &str, output: OutputOptions) -> Result<Verdict, Failure> {
    let answer = json!({"error": {"check": check, "message": message}});
    output.answer(&answer, || format!("refused by the check {check}: {}\n", printable(message)))?;
    Ok(Verdict::No)
}

fn text(row: &Row<'_>) -> String {
    let (state, when) = match row.state {
        MeasurementState::Announced { from } => ("announced", format!("from {from} on")),
        MeasurementState::Current { until: Some(until) } => ("current", format!("until {until}")),
        MeasurementState::Current { until: None } => ("current", "no end is announced".to_owned()),
        MeasurementState::Retired { since } => ("retired", format!("since {since}")),
    };
    format!("{state:9}  {}  {when}\n", printable(row.name))
}
