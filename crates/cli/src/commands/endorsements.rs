//! `avouch endorsements`

mod forecast;

use clap::{Args, Subcommand};

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// What vendors say of their platforms: what it means for a fleet.
#[derive(Debug, Args)]
pub(crate) struct EndorsementsArgs {
    #[command(subcommand)]
    command: EndorsementsCommand,
}

#[derive(Debug, Subcommand)]
enum EndorsementsCommand {
    // Its help stands at the type of its arguments.
    Forecast(forecast::ForecastArgs),
}

pub(crate) fn run(args: &EndorsementsArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    match &args.command {
        EndorsementsCommand::Forecast(args) => forecast::run(args, output),
    }
}
