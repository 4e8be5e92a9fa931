//! `avouch policy`

mod check;
mod evaluate;
mod format;
mod sign;
mod suggest;
mod test;
mod unwrap;

use std::path::Path;

use avouch_policy::{Limits, Policy, PolicyErrors};
use clap::{Args, Subcommand};

use crate::failure::{Failure, Verdict, read};
use crate::output::OutputOptions;

/// Author, test and sign policies.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  avouch policy check policy.txt --type sgx\n  \
    avouch policy explain policy.txt --claims claims.json\n  \
    avouch policy test tests/\n  \
    avouch policy sign policy.txt --key key.pem --certificate certificate.pem > policy.jws")]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

/// What to do with a policy.
#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Say what is wrong with policies, and what their author hardly meant.
    Check(check::CheckArgs),
    /// Lay a policy out anew; its meaning and its comments stay.
    Format(format::FormatArgs),
    /// Judge claims by a policy.
    Eval(evaluate::EvalArgs),
    /// Judge claims by a policy, and tell of each rule why it fired or did not.
    Explain(evaluate::EvalArgs),
    /// Write a policy that permits evidence like that of a good machine, once it verified.
    Suggest(suggest::SuggestArgs),
    /// Run every case of a folder: NAME.policy.txt, NAME.claims.json, NAME.expect.json.
    Test(test::TestArgs),
    /// Make the JWS by which a policy is set, signed or not.
    Sign(sign::SignArgs),
    /// Read the JWS by which a policy was set, in every form that clients write.
    Unwrap(unwrap::UnwrapArgs),
}

pub(crate) fn run(args: PolicyArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    match args.command {
        PolicyCommand::Check(args) => check::run(&args, output),
        PolicyCommand::Format(args) => format::run(&args, output),
        PolicyCommand::Eval(args) => evaluate::evaluate(&args, output),
        PolicyCommand::Explain(args) => evaluate::explain(&args, output),
        PolicyCommand::Suggest(args) => suggest::run(&args, output),
        PolicyCommand::Test(args) => test::run(&args, output),
        PolicyCommand::Sign(args) => sign::run(&args, output),
        PolicyCommand::Unwrap(args) => unwrap::run(&args, output),
    }
}

/// A file as a compiled policy, or what is wrong with it.
fn compile(path: &Path) -> Result<Result<Policy, PolicyErrors>, Failure> {
    Ok(Policy::compile_bytes(&read(path)?, &Limits::default()))
}
