//! `avouch policy format`

use std::path::PathBuf;

use avouch_policy::{Limits, format};
use clap::Args;
use serde_json::json;

use crate::failure::{Failure, Verdict, read_text};
use crate::output::{self, OutputOptions};

#[derive(Debug, Args)]
pub(super) struct FormatArgs {
    /// The policy text; `-` reads standard input.
    file: PathBuf,
    /// Write the layout back to the file.
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Only say whether the file is laid out like that; exit status 1 if not.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &FormatArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let name = args.file.display().to_string();
    let text = read_text(&args.file)?;
    let formatted = match format(&text, &Limits::default()) {
        Ok(formatted) => formatted,
        Err(errors) => {
            let answer = json!({"file": name, "errors": errors.diagnostics()});
            output.answer(&answer, || errors.render(&name))?;
            return Ok(Verdict::No);
        }
    };
    let changed = formatted != text;
    if args.check {
        let answer = json!({"file": name, "formatted": !changed});
        let verdict = if changed { "not formatted" } else { "formatted" };
        output.answer(&answer, || format!("{name}: {verdict}"))?;
        return Ok(Verdict::of(!changed));
    }
    if args.write {
        if changed {
            std::fs::write(&args.file, &formatted)
                .map_err(|source| Failure::Write { path: args.file.clone(), source })?;
            // The hash that tokens show is over the text.
            output::note("note: the policy hash of a formatted policy is another one");
        }
        let answer = json!({"file": name, "changed": changed});
        let verdict = if changed { "formatted" } else { "unchanged" };
        output.answer(&answer, || format!("{name}: {verdict}"))?;
        return Ok(Verdict::Yes);
    }
    output.answer(&json!({"file": name, "changed": changed, "policy": formatted}), || {
        formatted.clone()
    })?;
    Ok(Verdict::Yes)
}
