//! The commands, one file each.

mod appraise;
mod mint;
mod serve;

use clap::Subcommand;

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service.
    Serve(serve::ServeArgs),
    /// Judge one piece of evidence offline.
    Appraise(appraise::AppraiseArgs),
    /// Make evidence, endorsements and a root for tests.
    Mint(mint::MintArgs),
}

/// Runs a command.
pub(crate) fn run(command: Command, output: OutputOptions) -> Result<Verdict, Failure> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Appraise(args) => appraise::run(args, output),
        Command::Mint(args) => mint::run(args, output),
    }
}
