//! `avouch measurements`

mod check;
mod edit;
mod file;
mod sign;

use clap::{Args, Subcommand};
pub(super) use file::{Issued, IssuedList, Transparency, Witnesses, read_issued};

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// Publish which code a service runs: now, from when on, and until when.
///
/// A list of measurements is issued by a publisher, who signs it with a key that the service never has. The service
/// only hands it out (`publication.measurements`), and `verify` demands the publisher's key. Changes are announced
/// two months ahead; what they replace ends a month after them.
#[derive(Debug, Args)]
pub(crate) struct MeasurementsArgs {
    #[command(subcommand)]
    command: Measurements,
}

#[derive(Debug, Subcommand)]
enum Measurements {
    /// Begin a list: its first issue, with one measurement that is in force at once.
    Make(edit::MakeArgs),
    /// Add a measurement to a first issue that was not signed yet.
    Add(edit::AddArgs),
    /// Announce a measurement, two months ahead: the next issue.
    Announce(edit::AnnounceArgs),
    /// Withdraw a measurement at once, as for a known fault: the next issue.
    Retire(edit::RetireArgs),
    /// Issue the list again as it is, in force for longer.
    Renew(edit::RenewArgs),
    /// Check a list, signed or not, and show where each measurement stands.
    Check(check::CheckArgs),
    /// Sign an issue, for the service to hand out.
    Sign(sign::SignArgs),
    /// Make a signed statement over an issue, for a transparency ledger to register.
    Statement(sign::StatementArgs),
    /// Put the receipts that ledgers gave for a statement into it.
    Attach(sign::AttachArgs),
}

pub(crate) fn run(args: &MeasurementsArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    match &args.command {
        Measurements::Make(args) => edit::make(args, output),
        Measurements::Add(args) => edit::add(args, output),
        Measurements::Announce(args) => edit::announce(args, output),
        Measurements::Retire(args) => edit::retire(args, output),
        Measurements::Renew(args) => edit::renew(args, output),
        Measurements::Check(args) => check::run(args, output),
        Measurements::Sign(args) => sign::sign(args, output),
        Measurements::Statement(args) => sign::statement(args, output),
        Measurements::Attach(args) => sign::attach(args, output),
    }
}
