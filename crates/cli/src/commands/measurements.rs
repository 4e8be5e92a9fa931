//! `avouch measurements`

use std::path::PathBuf;

use avouch_client::{MeasurementState, Measurements, WorkloadMeasurement};
use avouch_wire::UnixTime;
use clap::Args;
use serde::Serialize;

use crate::failure::{Failure, Verdict, read};
use crate::output::{OutputOptions, printable};
use crate::setup;

/// Check a list of published measurements, and show where each of them stands.
///
/// The list says which code a service runs: now, from when on, and until when. `verify --measurements` takes it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch measurements measurements.json --at 2026-06-01T00:00:00Z")]
pub(crate) struct MeasurementsArgs {
    /// The list; `-` reads standard input.
    file: PathBuf,
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

#[derive(Debug, Serialize)]
struct Answer<'a> {
    at: UnixTime,
    measurements: Vec<Row<'a>>,
}

pub(crate) fn run(args: &MeasurementsArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let at = args.at.unwrap_or_else(setup::present);
    let list = Measurements::parse(&read(&args.file)?)
        .map_err(|error| Failure::Other(format!("{}: {error}", args.file.display())))?;
    let rows = list.all().iter().map(|one| Row {
        name: &one.name,
        state: list.state(one, at),
        workload: &one.workload,
    });
    let answer = Answer { at, measurements: rows.collect() };
    output.answer(&answer, || answer.measurements.iter().map(text).collect::<String>())?;
    Ok(Verdict::Yes)
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
