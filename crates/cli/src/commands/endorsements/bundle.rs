//! `avouch endorsements bundle`

use std::path::PathBuf;

use avouch_endorsements::{Need, select};
use avouch_wire::{Hex, UnixTime};
use clap::Args;

use super::files::{Found, in_order, newest, refuse};
use super::machines::{Machines, refuse_missing};
use super::signed::{Signing, write_bundle};
use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, note};
use crate::setup;

/// Put endorsements into one file, for where there is no network.
///
/// All that the paths hold goes in, or with `--fmspc`, `--chip` or `--evidence` what these machines need.
/// If anything that they need is missing, each such thing is named, and nothing is written. The file
/// depends on what is in it alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch endorsements bundle --out site.json collateral/\n  \
    avouch endorsements bundle --out site.json --evidence fleet/ collateral/ vceks/\n  \
    avouch endorsements bundle --out site.json --key key.pem --certificate operator.pem collateral/")]
pub(super) struct BundleArgs {
    /// A file, folder or bundle of endorsements; several may be given.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    machines: Machines,
    /// What this AMD chip needs, 128 hex digits; may be repeated.
    #[arg(long, value_name = "CHIP_ID", value_parser = Hex::<64>::from_hex)]
    chip: Vec<Hex<64>>,
    #[command(flatten)]
    signing: Signing,
    /// The moment to warn of what has expired at (default: now).
    #[arg(long, value_name = "RFC3339")]
    at: Option<UnixTime>,
}

pub(super) fn run(args: &BundleArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let at = args.at.unwrap_or_else(setup::present);
    // What is wrong with the call comes before what is wrong with the endorsements.
    let signer = args.signing.read()?;
    let mut needs = args.machines.needs()?;
    needs.extend(args.chip.iter().map(|chip_id| Need::Vcek {
        product: None,
        chip_id: *chip_id,
        tcb: None,
    }));
    let found = Found::read(&args.paths)?;
    for ignored in &found.ignored {
        note(&format!("warning: {ignored}"));
    }
    if let Some(damage) = found.damaged.first() {
        return refuse(damage.check, &damage.message, output);
    }
    let all = args.machines.is_empty() && args.chip.is_empty();
    let things = newest(&found.things);
    let (things, missing) = if all { (things, Vec::new()) } else { select(&things, needs) };
    if !missing.is_empty() {
        return refuse_missing(&missing, output);
    }
    let Some(bundle) = in_order(things, output)? else { return Ok(Verdict::No) };
    if bundle.things().is_empty() {
        return Err(Failure::Other("there is nothing to put into the bundle".to_owned()));
    }
    write_bundle(&args.out, &bundle, signer.as_ref(), at, output)
}
