//! `avouch explain`: what the name of a check means.

use clap::Args;
use serde_json::json;

use crate::checks::{self, Page};
use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// What a check name means, why it fails, what to do.
///
/// Every refusal names the check that failed. Without a name all checks are listed.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The name, such as `tcb-mismatch`.
    #[arg(value_name = "CHECK")]
    check: Option<String>,
}

pub(crate) fn run(args: &ExplainArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let pages = checks::pages();
    let Some(name) = &args.check else {
        output.answer(&pages, || list(&pages))?;
        return Ok(Verdict::Yes);
    };
    if let Some(page) = pages.iter().find(|page| page.check.eq_ignore_ascii_case(name)) {
        output.answer(page, || text(page))?;
        return Ok(Verdict::Yes);
    }
    let nearest = checks::nearest(name);
    let message = unknown(name, &nearest);
    let error =
        json!({"error": {"check": "unknown-check", "message": message, "nearest": nearest}});
    output.answer(&error, || format!("{message}\n"))?;
    Ok(Verdict::No)
}

fn unknown(name: &str, nearest: &[String]) -> String {
    let name = avouch_wire::excerpt(name);
    if nearest.is_empty() {
        return format!("no check is named {name}; `avouch explain` lists all");
    }
    format!("no check is named {name}; did you mean {}?", nearest.join(", "))
}

fn text(page: &Page) -> String {
    let Page { check, subject, what, why, remedy } = page;
    format!(
        "{check} ({subject})\n\nchecked:      {what}\nwhy it fails: {why}\nwhat to do:   {remedy}\n"
    )
}

fn list(pages: &[Page]) -> String {
    let mut text = String::new();
    let mut subject = "";
    for page in pages {
        if page.subject != subject {
            subject = page.subject;
            text.push_str(&format!("{}{subject}\n", if text.is_empty() { "" } else { "\n" }));
        }
        text.push_str(&format!("  {:<34} {}\n", page.check, page.what));
    }
    text
}
