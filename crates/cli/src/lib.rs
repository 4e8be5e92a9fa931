//! The command `avouch`: an attestation service, and everything around one, in a single binary.
//!
//! Exit status everywhere: 0 for success or permitted, 1 for refused or invalid (the input was
//! understood and the answer is no), 2 for a usage or I/O error.

mod checks;
mod client;
mod commands;
mod evidence_file;
mod failure;
mod fleet;
pub mod foreign;
mod guest;
mod logging;
mod output;
mod policy_signer;
mod rules;
mod sample;
mod setup;
mod text_form;

use std::process::ExitCode;

use clap::Parser;

/// Remote attestation you run yourself: evidence in, signed token out.
///
/// Evidence (an SGX quote, a TDX quote, an SEV-SNP report) is verified against the vendor's
/// endorsements at a given moment, turned into claims, judged by a policy, and answered with a
/// signed token. Clients written for Microsoft Azure Attestation work unmodified.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "Exit status: 0 success or permitted, 1 refused or invalid, 2 usage or I/O error.\n\n\
        Start with:\n  avouch demo --once      see it work\n  \
        avouch serve --dev      a service to develop against"
)]
struct Cli {
    #[command(flatten)]
    output: output::OutputOptions,
    #[command(subcommand)]
    command: commands::Command,
}

/// Does what the arguments of the process say.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            output::usage_error(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if !matches!(cli.command, commands::Command::Serve(_)) {
        logging::start_for_command();
    }
    match commands::run(cli.command, cli.output) {
        Ok(verdict) => verdict.exit_code(),
        Err(failure) => {
            output::error(&failure, cli.output.form);
            ExitCode::from(2)
        }
    }
}
