//! `avouch provider delete`

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::OneArgs;
use crate::client::Stop;
use crate::failure::{Failure, Verdict};
use crate::output::{self, OutputOptions};

#[derive(Debug, Args)]
#[command(after_help = "Its policies and signers are gone with it; the audit trail stays.\n\n\
    Example:\n  \
    avouch provider delete contoso --yes --url https://attest.example --token-file token")]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &DeleteArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.one.service.session()?;
    let name = &args.one.name;
    if !args.yes {
        confirm(name, session.url().as_str())?;
    }
    let answer = session.send(Method::DELETE, &args.one.path(), "application/json", None)?;
    let deleted = answer.status != StatusCode::NO_CONTENT;
    output.answer(&json!({"name": name, "deleted": deleted}), || {
        if deleted { format!("{name} is deleted") } else { format!("there was no {name}") }
    })?;
    Ok(Verdict::Yes)
}

/// Asks on a terminal; without one nobody is there to be asked.
fn confirm(name: &str, url: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        let text = format!("{name} is not deleted: there is nobody to ask; say --yes to mean it");
        return Err(Failure::Other(text));
    }
    output::note(&format!(
        "Provider {name} of {url} will be deleted with its policies and signers.\n\
         Type its name to go on:"
    ));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Failure::other)?;
    if line.trim() == name {
        return Ok(());
    }
    Err(Failure::Other(format!("{name} is not deleted: its name was not typed")))
}
