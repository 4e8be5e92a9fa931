//! `avouch reference`

mod add;

use clap::{Args, Subcommand};

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// Keep reference values: which confidential VMs have a compliance status.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch reference add report.bin --endorsements amd --file reference-values.toml")]
pub(crate) struct ReferenceArgs {
    #[command(subcommand)]
    command: ReferenceCommand,
}

/// What to do with reference values.
#[derive(Debug, Subcommand)]
enum ReferenceCommand {
    /// Add what a good machine's evidence gives, once it verified.
    Add(add::AddArgs),
}

pub(crate) fn run(args: &ReferenceArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    match &args.command {
        ReferenceCommand::Add(args) => add::run(args, output),
    }
}
