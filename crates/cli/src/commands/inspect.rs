//! `avouch inspect`

mod certificate;
mod collateral;
mod endorsements;
mod event_log;
mod hcl;
mod ima;
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
mod tpm;
pub(crate) mod tree;
mod uvm;
mod vbs;

use std::path::PathBuf;

use avouch_engine::Resemblance;
use clap::Args;
use input::Input;
use recogniser::{Inspection, Recognition, recognise};
use tree::{Fields, render};

use crate::failure::{Failure, Verdict, read};
use crate::output::{OutputOptions, printable};

pub(super) use certificate::certificate_fields;
pub(crate) use recogniser::title;

/// Recognise a file and print every field of it; nothing is verified.
///
/// Quotes, reports, HCL reports, event logs, endorsements, certificates, CRLs, collateral, key sets, tokens, policies, the
/// bodies of attest requests and IMA measurement lists are recognised, as raw bytes or as text: hex, base64,
/// JSON lists of bytes, and what `xxd`, `hexdump` and `od` print.
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
    let said = Said::of(&read(&args.file)?);
    output.answer(&said.document, || said.text)?;
    Ok(said.verdict)
}

/// What is said of a file.
pub(crate) struct Said {
    pub(crate) document: Fields,
    pub(crate) text: String,
    verdict: Verdict,
}

impl Said {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let forms = Input::forms(bytes);
        match recognise(&forms) {
            Recognition::Found { encoding, inspection } => found(&encoding, inspection),
            Recognition::Unknown(tried) => {
                // What a text stands for says more than that it is text.
                let resemblance = forms.iter().rev().find_map(|form| Resemblance::of(&form.bytes));
                unknown(bytes.len(), resemblance.as_ref(), &tried)
            }
        }
    }
}

fn found(encoding: &str, inspection: Inspection) -> Said {
    let Inspection { kind, title, fields, sound } = inspection;
    let form = if encoding == "raw" { String::new() } else { format!(" (as {encoding})") };
    let text = format!("{title}{form}\n{NOTICE}\n\n{}", render(&fields));
    let document = Fields::new()
        .with("kind", kind)
        .with("encoding", encoding)
        .with("verified", false)
        .with("notice", NOTICE)
        .and(fields);
    Said { document, text, verdict: Verdict::of(sound) }
}

fn unknown(length: usize, resemblance: Option<&Resemblance>, tried: &[(String, String)]) -> Said {
    let rows: Vec<Fields> = tried
        .iter()
        .map(|(what, why)| Fields::new().with("what", what.as_str()).with("why", why.as_str()))
        .collect();
    let looks_like = resemblance.map(ToString::to_string);
    let document = Fields::new()
        .with("kind", tree::Tree::Null)
        .with("length", length)
        .with("looks_like", looks_like.clone())
        .with("tried", rows);
    let width = tried.iter().map(|(what, _)| what.chars().count()).max().unwrap_or_default();
    let looks_like = looks_like.map_or_else(String::new, |what| format!("; this is {what}"));
    let mut text = format!("not recognised: {length} bytes{looks_like}\n\ntried, and why not:\n");
    for (what, why) in tried {
        text.push_str(&format!("  {what:width$}  {}\n", printable(why)));
    }
    Said { document, text, verdict: Verdict::No }
}
