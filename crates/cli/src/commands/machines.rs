//! `avouch machines`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::admin::{TenantArgs, table};
use crate::client::{Stop, conclude};
use crate::failure::{Failure, Verdict, read_text};
use crate::output::{OutputOptions, printable};

/// Tell how machines attested last, and what changed since the state that they are compared with.
///
/// A service knows machines where `monitoring.enabled` is on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch machines list --url https://attest.example --token-file token\n  \
    avouch machines show MACHINE --provider contoso --url https://attest.example --token-file token\n  \
    avouch machines baseline MACHINE --seen FACTS --url https://attest.example --token-file token")]
pub(crate) struct MachinesArgs {
    #[command(subcommand)]
    command: MachinesCommand,
}

/// What to do with machines.
#[derive(Debug, Subcommand)]
enum MachinesCommand {
    /// List them: when each attested last, with what result.
    List(ListArgs),
    /// Show one: what it booted, and what changed.
    Show(OneArgs),
    /// Confirm that one opened its answer, by the token that was sealed in it.
    Confirm(ConfirmArgs),
    /// Accept what one showed last: from now on it is compared with that.
    Baseline(BaselineArgs),
    /// Forget one that will not attest again.
    Forget(OneArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those that are refused, changed or silent, by proven evidence or by other.
    #[arg(long)]
    alerting: bool,
    #[command(flatten)]
    tenant: TenantArgs,
}

#[derive(Debug, Args)]
struct ConfirmArgs {
    /// The file with the token.
    token: PathBuf,
    #[command(flatten)]
    tenant: TenantArgs,
}

#[derive(Debug, Args)]
struct BaselineArgs {
    /// What `show` named as its facts: if it shows others by now, nothing is accepted.
    #[arg(long, value_name = "FACTS")]
    seen: String,
    #[command(flatten)]
    one: OneArgs,
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The machine, as `list` names it.
    machine: String,
    #[command(flatten)]
    tenant: TenantArgs,
}

pub(crate) fn run(args: &MachinesArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let result = match &args.command {
        MachinesCommand::List(args) => list(args, output),
        MachinesCommand::Show(args) => show(args, output),
        MachinesCommand::Confirm(args) => confirm(args, output),
        MachinesCommand::Baseline(args) => baseline(args, output),
        MachinesCommand::Forget(args) => forget(args, output),
    };
    conclude(result, output)
}

fn list(args: &ListArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let mut machines = session.list("/avouch/machines")?;
    machines.retain(|machine| !args.alerting || is_alerting(machine));
    let answer = json!({ "url": session.url().as_str(), "machines": machines });
    output.answer(&answer, || {
        if machines.is_empty() {
            return format!("{} knows no such machines", session.url());
        }
        let rows: Vec<[String; 4]> = machines
            .iter()
            .map(|one| [cell(one, "machine"), cell(one, "kind"), cell(one, "last_at"), state(one)])
            .collect();
        table(["machine", "kind", "attested last", "state"], &rows)
    })?;
    Ok(Verdict::Yes)
}

fn show(args: &OneArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let machine = session.get_json(&path(&args.machine, ""))?;
    output.answer(&machine, || text(&machine))?;
    Ok(Verdict::Yes)
}

fn confirm(args: &ConfirmArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let token = read_text(&args.token)?;
    let body = json!({ "token": token.trim() }).to_string();
    let path = "/avouch/machines:confirm";
    let answer = session.send(Method::POST, path, "application/json", Some(body))?;
    let noted: Value = crate::client::json_of(&answer)?;
    output.answer(&noted, || {
        format!("{} attested at {}", cell(&noted, "machine"), cell(&noted, "attested_at"))
    })?;
    Ok(Verdict::Yes)
}

fn baseline(args: &BaselineArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let BaselineArgs { seen, one: args } = args;
    let session = args.tenant.session()?;
    let path = path(&args.machine, ":baseline");
    let body = json!({ "seen": seen }).to_string();
    let answer = session.send(Method::POST, &path, "application/json", Some(body))?;
    let machine: Value = crate::client::json_of(&answer)?;
    output.answer(&machine, || format!("{} is compared with what it showed last", args.machine))?;
    Ok(Verdict::Yes)
}

fn forget(args: &OneArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    session.send(Method::DELETE, &path(&args.machine, ""), "application/json", None)?;
    let answer = json!({ "machine": args.machine, "forgotten": true });
    output.answer(&answer, || format!("{} is forgotten", args.machine))?;
    Ok(Verdict::Yes)
}

/// The path of a machine, whose name is of letters and digits; anything else names none.
fn path(machine: &str, verb: &str) -> String {
    let name: String = machine.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("/avouch/machines/{name}{verb}")
}

fn has_any(machine: &Value, member: &str) -> bool {
    machine.get(member).and_then(Value::as_array).is_some_and(|all| !all.is_empty())
}

fn is_silent(machine: &Value) -> bool {
    machine.get("silent").and_then(Value::as_bool).unwrap_or_default()
}

/// Whether anything is bad. Of a machine that nothing is proven of, nothing is.
fn is_alerting(machine: &Value) -> bool {
    let is_refused = machine.get("verdict").and_then(Value::as_str) == Some("refused");
    is_refused || has_any(machine, "changes") || unproven(machine).is_some() || is_silent(machine)
}

/// In one word or two how it is.
fn state(machine: &Value) -> String {
    let mut words = vec![match machine.get("verdict").and_then(Value::as_str) {
        Some("refused") => format!("refused ({})", cell(machine, "refused_by")),
        Some(verdict) => verdict.to_owned(),
        None => "not proven".to_owned(),
    }];
    words.extend(unproven(machine));
    words.extend(has_any(machine, "changes").then(|| "changed".to_owned()));
    words.extend(is_silent(machine).then(|| "silent".to_owned()));
    words.join(", ")
}

/// What unproven evidence says that is bad.
fn unproven(machine: &Value) -> Option<String> {
    match machine.get("unproven_verdict").and_then(Value::as_str) {
        Some("refused") => {
            Some(format!("unproven: refused ({})", cell(machine, "unproven_refused_by")))
        }
        Some(_) if has_any(machine, "unproven_changes") => Some("unproven: changed".to_owned()),
        _ => None,
    }
}

fn text(machine: &Value) -> String {
    let mut text =
        format!("machine:  {}\nstate:    {}\n", cell(machine, "machine"), state(machine));
    for (title, member) in [
        ("kind:", "kind"),
        ("first:", "first_at"),
        ("last:", "last_at"),
        ("facts:", "facts_sha256"),
        ("baseline:", "baseline_at"),
        ("unproven:", "unproven_at"),
    ] {
        text.push_str(&format!("{title:9} {}\n", cell(machine, member)));
    }
    for (title, member) in [
        ("changes since the baseline", "changes"),
        ("changes since the baseline by evidence that may be old", "unproven_changes"),
    ] {
        let changes = machine.get(member).and_then(Value::as_array);
        let changes = changes.map_or(&[][..], Vec::as_slice);
        if !changes.is_empty() {
            text.push_str(&format!("\n{title}:\n"));
        }
        for change in changes {
            let [name, before, now] = ["name", "before", "now"].map(|member| cell(change, member));
            text.push_str(&format!("  {name}\n    before  {before}\n    now     {now}\n"));
        }
    }
    text
}

/// A member in words.
fn cell(value: &Value, member: &str) -> String {
    match value.get(member) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => printable(text),
        Some(other) => printable(&other.to_string()),
    }
}
