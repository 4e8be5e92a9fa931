//! `avouch attest`: this machine as an attester.

mod tpm;

use clap::{Args, Subcommand};

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// Attest this machine at a running service, and obtain its token.
#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    #[command(subcommand)]
    command: AttestCommand,
}

/// What this machine is attested by.
#[derive(Debug, Subcommand)]
enum AttestCommand {
    // Help stands at the type of its arguments.
    Tpm(tpm::TpmArgs),
}

pub(super) fn run(args: &AttestArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    match &args.command {
        AttestCommand::Tpm(args) => tpm::run(args, output),
    }
}
