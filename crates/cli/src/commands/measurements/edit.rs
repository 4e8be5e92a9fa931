//! `avouch measurements make`, `add`, `announce`, `retire`, `renew`: the issues of a list, one after the other.

use std::path::{Path, PathBuf};

use avouch_client::{Issue, Measurement, Publication, VALID_DAYS_MAX, WorkloadMeasurement};
use avouch_wire::UnixTime;
use clap::Args;

use super::check::show;
use super::file::Issued;
use crate::commands::endorsements::write_whole;
use crate::failure::{Failure, Verdict, read, read_text};
use crate::output::OutputOptions;
use crate::setup;

const DAY_SECONDS: i64 = 86_400;
/// How many months ahead a measurement is announced, unless a later moment is named.
const NOTICE_MONTHS: u8 = 2;

/// When an issue is issued, and for how long.
#[derive(Debug, Args)]
struct Times {
    /// The moment of issue (default: now).
    #[arg(long, value_name = "RFC3339")]
    at: Option<UnixTime>,
    /// For how many days the issue is in force: at most 366.
    #[arg(long, value_name = "DAYS", default_value_t = 62,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(VALID_DAYS_MAX)))]
    valid_days: u16,
}

/// When an issue is issued, and until when it counts: the clock is read once, for all that the issue says of now.
#[derive(Debug, Clone, Copy)]
struct Term {
    issued_at: UnixTime,
    expires_at: UnixTime,
}

impl Times {
    fn term(&self) -> Term {
        let issued_at = self.at.unwrap_or_else(setup::present);
        let seconds = i64::from(self.valid_days).saturating_mul(DAY_SECONDS);
        Term { issued_at, expires_at: issued_at.saturating_add_seconds(seconds) }
    }
}

/// What runs.
#[derive(Debug, Args)]
struct New {
    /// What the publisher calls it; each name once.
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// What runs: JSON as in docs/verify.md, such as {"sgx": {"mr_enclave": "…"}}, or a file that holds it.
    #[arg(long, value_name = "JSON|FILE")]
    workload: String,
}

impl New {
    fn workload(&self) -> Result<WorkloadMeasurement, Failure> {
        let is_json = self.workload.trim_start().starts_with('{');
        let text =
            if is_json { self.workload.clone() } else { read_text(Path::new(&self.workload))? };
        serde_json::from_str(&text).map_err(|error| Failure::Other(format!("--workload: {error}")))
    }

    fn measurement(
        &self,
        announced_at: UnixTime,
        in_force_from: UnixTime,
        replaces: Option<String>,
    ) -> Result<Measurement, Failure> {
        let (name, workload) = (self.name.clone(), self.workload()?);
        Ok(Measurement {
            name,
            announced_at,
            in_force_from,
            replaces,
            withdrawn_at: None,
            workload,
        })
    }
}

/// Begin a list.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch measurements make measurements.json --publisher attest.example --name 'release 1' \
    --workload '{\"sgx\": {\"mr_enclave\": \"…\"}}'")]
pub(super) struct MakeArgs {
    /// The file to write; it must not be there.
    file: PathBuf,
    /// What the publisher calls itself.
    #[arg(long, value_name = "TEXT")]
    publisher: String,
    #[command(flatten)]
    new: New,
    #[command(flatten)]
    times: Times,
}

/// Add a measurement to a first issue.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The issue; it is changed.
    file: PathBuf,
    #[command(flatten)]
    new: New,
}

/// Announce a measurement.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch measurements announce measurements.json --name 'release 2' --replaces 'release 1' \
    --workload workload.json")]
pub(super) struct AnnounceArgs {
    /// The issue; it is changed into the next one.
    file: PathBuf,
    #[command(flatten)]
    new: New,
    /// The measurement that it replaces; without one, all of its TEE that come before it.
    #[arg(long, value_name = "NAME")]
    replaces: Option<String>,
    /// From when on it runs (default: two months after the moment of issue).
    #[arg(long, value_name = "RFC3339")]
    in_force_from: Option<UnixTime>,
    #[command(flatten)]
    times: Times,
}

/// Withdraw a measurement.
#[derive(Debug, Args)]
pub(super) struct RetireArgs {
    /// The issue; it is changed into the next one.
    file: PathBuf,
    /// The measurement.
    #[arg(long, value_name = "NAME")]
    name: String,
    #[command(flatten)]
    times: Times,
}

/// Issue the list again.
#[derive(Debug, Args)]
pub(super) struct RenewArgs {
    /// The issue; it is changed into the next one.
    file: PathBuf,
    #[command(flatten)]
    times: Times,
}

pub(super) fn make(args: &MakeArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    if args.file.exists() {
        let text = format!("{} is there; a list is continued by `announce`", args.file.display());
        return Err(Failure::Other(text));
    }
    let Term { issued_at: at, expires_at } = args.times.term();
    let issue = Issue {
        publisher: args.publisher.clone(),
        sequence: 1,
        first_issued_at: at,
        issued_at: at,
        expires_at,
    };
    write(&args.file, issue, vec![args.new.measurement(at, at, None)?], output)
}

pub(super) fn add(args: &AddArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let (issue, mut measurements) = open(&args.file)?;
    if issue.sequence != 1 {
        let text = "only what the first issue has goes without notice: use `announce`".to_owned();
        return Err(Failure::Other(text));
    }
    let at = issue.first_issued_at;
    measurements.push(args.new.measurement(at, at, None)?);
    write(&args.file, issue, measurements, output)
}

pub(super) fn announce(args: &AnnounceArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let (issue, mut measurements) = open(&args.file)?;
    // What is new is announced by this very issue.
    let term = args.times.term();
    let at = term.issued_at;
    let from = args.in_force_from.unwrap_or_else(|| at.saturating_add_months(NOTICE_MONTHS));
    measurements.push(args.new.measurement(at, from, args.replaces.clone())?);
    write(&args.file, next(issue, term)?, measurements, output)
}

pub(super) fn retire(args: &RetireArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let (issue, mut measurements) = open(&args.file)?;
    let found = measurements.iter_mut().find(|one| one.name == args.name);
    let Some(measurement) = found else {
        return Err(Failure::Other(format!("there is no measurement {:?}", args.name)));
    };
    if let Some(since) = measurement.withdrawn_at {
        return Err(Failure::Other(format!("{:?} is withdrawn since {since}", args.name)));
    }
    let term = args.times.term();
    measurement.withdrawn_at = Some(term.issued_at);
    write(&args.file, next(issue, term)?, measurements, output)
}

pub(super) fn renew(args: &RenewArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let (issue, measurements) = open(&args.file)?;
    write(&args.file, next(issue, args.times.term())?, measurements, output)
}

fn open(path: &Path) -> Result<(Issue, Vec<Measurement>), Failure> {
    let read = Publication::parse(&read(path)?)
        .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
    Ok((read.issue().clone(), read.measurements().all().to_vec()))
}

/// The issue after this one.
fn next(issue: Issue, Term { issued_at, expires_at }: Term) -> Result<Issue, Failure> {
    if issued_at <= issue.issued_at {
        let text =
            format!("issue {} is of {}, not before {issued_at}", issue.sequence, issue.issued_at);
        return Err(Failure::Other(text));
    }
    Ok(Issue { sequence: issue.sequence.saturating_add(1), issued_at, expires_at, ..issue })
}

fn write(
    path: &Path,
    issue: Issue,
    measurements: Vec<Measurement>,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let at = issue.issued_at;
    let issue = Publication::new(issue, measurements).map_err(Failure::other)?;
    let document = issue.to_document().map_err(Failure::other)?;
    write_whole(path, format!("{document}\n").as_bytes())?;
    show(&Issued::Unsigned(issue), at, output)
}
