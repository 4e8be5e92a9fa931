//! `avouch endorsements`

mod bundle;
mod diff;
mod fetch;
mod files;
mod forecast;
mod import;
mod machines;
pub(super) mod service;
mod show;
mod signed;

use clap::{Args, Subcommand};
pub(super) use files::write_whole;

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// What vendors publish: see it, carry it to where there is no network, compare it.
///
/// Endorsements are Intel's TCB infos, QE identities and CRLs, AMD's VCEKs, chains and CRLs, and CAs of TPMs. A
/// bundle is one file with many of them; of the same endorsements there is one bundle, byte for byte.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch endorsements show /etc/avouch/endorsements\n  \
    avouch endorsements bundle --out site.json --evidence fleet/ collateral/\n  \
    avouch endorsements import site.json --into /etc/avouch/endorsements --certificate operator.pem\n  \
    avouch endorsements diff old.json site.json")]
pub(crate) struct EndorsementsArgs {
    #[command(subcommand)]
    command: EndorsementsCommand,
}

/// What to do with endorsements.
#[derive(Debug, Subcommand)]
enum EndorsementsCommand {
    // Their help stands at the types of their arguments.
    Show(show::ShowArgs),
    Fetch(fetch::FetchArgs),
    Bundle(bundle::BundleArgs),
    Import(import::ImportArgs),
    Diff(diff::DiffArgs),
    Forecast(forecast::ForecastArgs),
}

pub(crate) fn run(args: &EndorsementsArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    match &args.command {
        EndorsementsCommand::Show(args) => show::run(args, output),
        EndorsementsCommand::Fetch(args) => fetch::run(args, output),
        EndorsementsCommand::Bundle(args) => bundle::run(args, output),
        EndorsementsCommand::Import(args) => import::run(args, output),
        EndorsementsCommand::Diff(args) => diff::run(args, output),
        EndorsementsCommand::Forecast(args) => forecast::run(args, output),
    }
}
