//! `avouch release-policy`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use avouch_release::{
    EnvelopeError, Lint, Operators, POLICY_BYTES_MAX, PolicyEnvelope, PolicyError, ReleasePolicy,
};
use avouch_wire::FailedCheck as _;
use avouch_wire::json::parse_object;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::{Failure, Verdict, read};
use crate::output::{OutputOptions, printable};

/// Check release policies: what a token must say for a key to be released.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  avouch release-policy check policy.json\n  \
    avouch release-policy check policy.json --strict --output json")]
pub(crate) struct ReleasePolicyArgs {
    #[command(subcommand)]
    command: ReleasePolicyCommand,
}

#[derive(Debug, Subcommand)]
enum ReleasePolicyCommand {
    /// Say what is wrong with release policies, and what their author hardly meant.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Policies as JSON, bare or in the envelope {"contentType","data","immutable"}; `-` reads
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Take all operators of the grammar, not `equals` alone.
    #[arg(long)]
    all_operators: bool,
    /// Also refuse policies that have warnings.
    #[arg(long)]
    strict: bool,
}

pub(crate) fn run(args: &ReleasePolicyArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let ReleasePolicyCommand::Check(args) = &args.command;
    let operators = if args.all_operators { Operators::All } else { Operators::EqualsOnly };
    let files: Vec<Checked> =
        args.files.iter().map(|file| check(file, operators)).collect::<Result<_, _>>()?;
    let fine = |file: &Checked| file.valid && (file.warnings.is_empty() || !args.strict);
    let verdict = Verdict::of(files.iter().all(fine));
    output.answer(&files, || files.iter().map(Checked::text).collect())?;
    Ok(verdict)
}

/// What was found in one file.
#[derive(Serialize)]
struct Checked {
    file: PathBuf,
    valid: bool,
    /// The policy in the one form that it is printed in.
    policy: Option<Value>,
    errors: Vec<Value>,
    warnings: Vec<Lint>,
}

fn check(file: &Path, operators: Operators) -> Result<Checked, Failure> {
    let (policy, errors) = match policy(&read(file)?, operators) {
        Ok(policy) => (Some(policy), Vec::new()),
        Err(errors) => (None, errors),
    };
    Ok(Checked {
        file: file.to_owned(),
        valid: policy.is_some(),
        policy: policy.as_ref().and_then(|policy| serde_json::from_str(&policy.to_json()).ok()),
        errors,
        warnings: policy.map(|policy| policy.lint()).unwrap_or_default(),
    })
}

/// A policy, or what is wrong with it; one in its envelope is taken out of that.
fn policy(text: &[u8], operators: Operators) -> Result<ReleasePolicy, Vec<Value>> {
    let enveloped = parse_object(text, POLICY_BYTES_MAX.saturating_mul(2)).ok().filter(is_envelope);
    let Some(envelope) = enveloped else {
        let read = ReleasePolicy::parse(text, operators);
        return read.map_err(|errors| errors.all().iter().map(shown).collect());
    };
    match PolicyEnvelope::parse(&Value::Object(envelope), operators) {
        Ok(envelope) => Ok(envelope.policy().clone()),
        Err(EnvelopeError::Policy(errors)) => Err(errors.all().iter().map(shown).collect()),
        Err(other) => {
            let (check, message) = (other.check(), other.to_string());
            Err(vec![serde_json::json!({"check": check, "place": "envelope", "message": message})])
        }
    }
}

fn is_envelope(members: &Map<String, Value>) -> bool {
    members.contains_key("data")
}

fn shown(error: &PolicyError) -> Value {
    serde_json::to_value(error).unwrap_or_default()
}

impl Checked {
    fn text(&self) -> String {
        let name = self.file.display().to_string();
        let mut out = String::new();
        for error in &self.errors {
            let member = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            let (check, place, message) = (member("check"), member("place"), member("message"));
            let _ = writeln!(out, "{name}: error[{check}]: {place}: {message}");
        }
        for Lint { slug, place, message } in &self.warnings {
            let _ = writeln!(out, "{name}: warning[{}]: {place}: {message}", slug.name());
        }
        let (word, found) = match self.valid {
            true => ("valid", counted(self.warnings.len(), "warning")),
            false => ("refused", counted(self.errors.len(), "error")),
        };
        let _ = writeln!(out, "{name}: {word}, {found}");
        out.lines().map(|line| printable(line) + "\n").collect()
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}
