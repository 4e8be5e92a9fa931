//! The commands, one file each.

mod admin;
pub(crate) mod appraise;
mod attest;
mod demo;
mod endorsements;
mod explain;
pub(crate) mod inspect;
mod key;
mod machines;
mod measurements;
mod mint;
mod policy;
mod provider;
mod reference;
mod release_policy;
mod replay;
mod serve;
mod sidecar;
mod signer;
mod unlock;
mod verify;

use clap::Subcommand;

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service.
    Serve(serve::ServeArgs),
    /// Mint evidence, start a service, attest, verify the tokens, and tell what happened.
    Demo(demo::DemoArgs),
    /// Judge one piece of evidence offline.
    Appraise(appraise::AppraiseArgs),
    /// Make evidence, endorsements and a root for tests.
    Mint(mint::MintArgs),
    /// Recognise a file and print every field of it; nothing is verified.
    Inspect(inspect::InspectArgs),
    /// Author, test and sign policies.
    Policy(policy::PolicyArgs),
    /// Check release policies: what a token must say for a key to be released.
    ReleasePolicy(release_policy::ReleasePolicyArgs),
    /// Check a token as a relying party must, step by step.
    Verify(verify::VerifyArgs),
    // Help for these stands at the type of their arguments.
    Measurements(measurements::MeasurementsArgs),
    Attest(attest::AttestArgs),
    Endorsements(endorsements::EndorsementsArgs),
    Reference(reference::ReferenceArgs),
    Replay(replay::ReplayArgs),
    Explain(explain::ExplainArgs),
    // Help for these, short and long, is what stands at the type of their arguments.
    Provider(provider::ProviderArgs),
    PolicySet(admin::PolicySetArgs),
    PolicyGet(admin::PolicyGetArgs),
    PolicyReset(admin::PolicyResetArgs),
    PolicyHistory(admin::PolicyHistoryArgs),
    Signer(signer::SignerArgs),
    Key(key::KeyArgs),
    Machines(machines::MachinesArgs),
    Sidecar(sidecar::SidecarArgs),
    Unlock(unlock::UnlockArgs),
}

/// Runs a command.
pub(crate) fn run(command: Command, output: OutputOptions) -> Result<Verdict, Failure> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args, output),
        Command::Appraise(args) => appraise::run(args, output),
        Command::Mint(args) => mint::run(args, output),
        Command::Inspect(args) => inspect::run(args, output),
        Command::Policy(args) => policy::run(args, output),
        Command::ReleasePolicy(args) => release_policy::run(&args, output),
        Command::Verify(args) => verify::run(args, output),
        Command::Measurements(args) => measurements::run(&args, output),
        Command::Attest(args) => attest::run(&args, output),
        Command::Sidecar(args) => sidecar::run(args),
        Command::Unlock(args) => unlock::run(&args, output),
        Command::Endorsements(args) => endorsements::run(&args, output),
        Command::Reference(args) => reference::run(&args, output),
        Command::Replay(args) => replay::run(&args, output),
        Command::Explain(args) => explain::run(&args, output),
        Command::Provider(args) => provider::run(&args, output),
        Command::PolicySet(args) => admin::set_policy(&args, output),
        Command::PolicyGet(args) => admin::get_policy(&args, output),
        Command::PolicyReset(args) => admin::reset_policy(&args, output),
        Command::PolicyHistory(args) => admin::policy_history(&args, output),
        Command::Machines(args) => machines::run(&args, output),
        Command::Signer(args) => signer::run(&args, output),
        Command::Key(args) => key::run(&args, output),
    }
}
