//! `avouch key`

mod change;
mod list;
mod records;
mod sweep;

use std::path::PathBuf;

use avouch_store::KeyPurpose;
use avouch_token::KeySpec;
use clap::{Args, Subcommand};
use records::Records;

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// See and change the keys that sign tokens and reports.
///
/// The keys are in the service's database, wrapped under a master key: these commands run where the
/// service's configuration and its secrets are, and change the database directly. Running instances follow
/// within seconds. A key is published first, so that clients know it; then it is active and signs; then it
/// is retired, and stays in key sets until nothing that it signed counts any more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch key list --config /etc/avouch/avouch.toml\n  \
    avouch key rotate --config /etc/avouch/avouch.toml")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// List the keys: which sign, which will, which did, and until when they are published.
    List(ServiceArgs),
    /// Make a key and publish it; it may sign once clients had the time to see it.
    Publish(WhichArgs),
    /// Let a published key sign in the place of the one that does; that one is retired.
    Activate(KidArgs),
    /// Let a key sign no more; it stays in key sets while what it signed counts.
    Retire(KidArgs),
    /// Do the next step of a change of keys: activate the published key whose time has come, or publish one.
    Rotate(RotateArgs),
    /// Take a retired key out of key sets now: what it signed is refused from then on.
    Remove(KidArgs),
    /// Wrap all keys under the newest master key, so that former ones can go.
    Rewrap(ServiceArgs),
    /// List keys in the PKCS#11 token that no record names, and with `--destroy` destroy them.
    Sweep(SweepArgs),
}

/// Whose keys.
#[derive(Debug, Args)]
struct ServiceArgs {
    /// The service's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The service's data folder, if its configuration names none.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct WhichArgs {
    /// What the key signs: token, report, or report-ca (certificates of keys for reports).
    #[arg(long, value_name = "WORD", default_value = "token", value_parser = purpose)]
    purpose: KeyPurpose,
    /// Kind of the key: rsa-2048, rsa-3072, rsa-4096, p-256 or p-384 [default: as configured; for one
    /// provider, as its configuration has it].
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    spec: Option<KeySpec>,
    /// A key for this provider alone.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
struct RotateArgs {
    /// Make a key that signs at once: for one that others may have. Clients that keep key sets refuse
    /// tokens until they look again.
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    which: WhichArgs,
}

#[derive(Debug, Args)]
struct SweepArgs {
    /// Destroy them. Those of another service in the same token are among them: only you can tell.
    #[arg(long)]
    destroy: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
struct KidArgs {
    /// Its identifier, or a beginning that no other has.
    kid: String,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(crate) fn run(args: &KeyArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let service = match &args.command {
        KeyCommand::List(service) | KeyCommand::Rewrap(service) => service,
        KeyCommand::Sweep(sweep) => &sweep.service,
        KeyCommand::Publish(which) => &which.service,
        KeyCommand::Rotate(rotate) => &rotate.which.service,
        KeyCommand::Activate(one) | KeyCommand::Retire(one) | KeyCommand::Remove(one) => {
            &one.service
        }
    };
    avouch_server::keys::hide_memory();
    super::serve::runtime()?.block_on(async {
        let records = Records::open(service).await?;
        let done = match &args.command {
            KeyCommand::List(_) => list::list(&records, output).await,
            KeyCommand::Publish(which) => change::publish(&records, which, output).await,
            KeyCommand::Activate(one) => change::activate(&records, &one.kid, output).await,
            KeyCommand::Retire(one) => change::retire(&records, &one.kid, output).await,
            KeyCommand::Rotate(args) => change::rotate(&records, args, output).await,
            KeyCommand::Remove(one) => change::remove(&records, &one.kid, output).await,
            KeyCommand::Rewrap(_) => change::rewrap(&records, output).await,
            KeyCommand::Sweep(args) => sweep::sweep(&records, args.destroy, output).await,
        };
        records.close().await;
        done
    })
}

fn purpose(word: &str) -> Result<KeyPurpose, String> {
    KeyPurpose::parse(word).ok_or_else(|| "there are token, report and report-ca".to_owned())
}

fn kind(word: &str) -> Result<KeySpec, String> {
    KeySpec::from_name(word).ok_or_else(|| {
        let known: Vec<&str> = KeySpec::ALL.iter().map(|spec| spec.name()).collect();
        format!("there are {}", known.join(", "))
    })
}
