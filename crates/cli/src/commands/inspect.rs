//! `avouch inspect`

mod certificate;
mod collateral;
mod input;
mod intel;
mod jws;
mod keys;
mod open_enclave;
mod policy_text;
mod recogniser;
mod request;
mod snp;
mod thim;
pub(crate) mod tree;
mod uvm;

use std::path::PathBuf;

use clap::Args;

use crate::failure::{Failure, Verdict, read};
use crate::output::OutputOptions;
use input::Input;
use recogniser::{Inspection, Recognition, recognise};
use tree::{Fields, render};

pub(super) use certificate::certificate_fields;

/// Recognise a file and print every field of it; nothing is verified.
///
/// Quotes, reports, endorsements, certificates, CRLs, collateral, key sets, tokens, policies and the
/// bodies of attest requests are recognised, as raw bytes, hex or base64.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  avouch inspect quote.bin\n  \
    avouch inspect --output json root.pem\n  \
    avouch inspect - < token.jwt")]
pub(crate) struct InspectArgs {
    /// The file; `-` reads standard input.
    file: PathBuf,
}

/// What is said about everything that is shown here.
const NOTICE: &str = "not verified: structure only";

pub(crate) fn run(args: InspectArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let bytes = read(&args.file)?;
    match recognise(&Input::forms(&bytes)) {
        Recognition::Found { encoding, inspection } => answer_found(&encoding, inspection, output),
        Recognition::Unknown(tried) => answer_unknown(bytes.len(), &tried, output),
    }
}

fn answer_found(
    encoding: &str,
    inspection: Inspection,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let Inspection { kind, title, fields, sound } = inspection;
    let document = Fields::new()
        .with("kind", kind)
        .with("encoding", encoding)
        .with("verified", false)
        .with("notice", NOTICE)
        .and(fields.clone());
    output.answer(&document, || {
        let form = if encoding == "raw" { String::new() } else { format!(" (as {encoding})") };
        format!("{title}{form}\n{NOTICE}\n\n{}", render(&fields))
    })?;
    Ok(Verdict::of(sound))
}

fn answer_unknown(
    length: usize,
    tried: &[(String, String)],
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let rows: Vec<Fields> = tried
        .iter()
        .map(|(what, why)| Fields::new().with("what", what.as_str()).with("why", why.as_str()))
        .collect();
    let document =
        Fields::new().with("kind", tree::Tree::Null).with("length", length).with("tried", rows);
    output.answer(&document, || {
        let width = tried.iter().map(|(what, _)| what.chars().count()).max().unwrap_or_default();
        let mut text = format!("not recognised: {length} bytes\n\ntried, and why not:\n");
        for (what, why) in tried {
            text.push_str(&format!("  {what:width$}  {}\n", tree::printable(why)));
        }
        text
    })?;
    Ok(Verdict::No)
}
