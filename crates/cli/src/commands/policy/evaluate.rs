//! `avouch policy eval` and `avouch policy explain`

use std::path::PathBuf;

use avouch_policy::corpus::claims_from_json;
use avouch_policy::token::contribution;
use avouch_policy::{Claim, Decision, Limits, Outcome, Policy, PolicyErrors};
use clap::Args;
use serde_json::{Value, json};

use crate::failure::{Failure, Verdict, read_text};
use crate::output::{OutputOptions, printable};

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// The policy text; `-` reads standard input.
    file: PathBuf,
    /// The incoming claims: `{"claims":[{"type","value",…}]}` or the array alone.
    #[arg(long, value_name = "FILE")]
    claims: PathBuf,
}

/// A policy and claims, or why the policy is none.
struct Loaded {
    policy: Result<Policy, PolicyErrors>,
    claims: Vec<Claim>,
}

impl Loaded {
    fn of(args: &EvalArgs) -> Result<Self, Failure> {
        let policy = super::compile(&args.file)?;
        let (_, claims) = claims_from_json(&read_text(&args.claims)?)
            .map_err(|error| Failure::Other(format!("{}: {error}", args.claims.display())))?;
        Ok(Self { policy, claims })
    }
}

/// MAA's codes for the two ways in which a policy fails a request.
const PARSING: &str = "PolicyParsingError";
const EVALUATION: &str = "PolicyEvaluationError";

fn refuse_text(
    args: &EvalArgs,
    errors: &PolicyErrors,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let check = errors.first().map(|first| first.slug.name()).unwrap_or_default();
    let answer = json!({
        "decision": "deny",
        "error": {"code": PARSING, "check": check, "message": errors.to_string()},
        "errors": errors.diagnostics(),
    });
    output.answer(&answer, || errors.render(&args.file.display().to_string()))?;
    Ok(Verdict::No)
}

pub(super) fn evaluate(args: &EvalArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let loaded = Loaded::of(args)?;
    let policy = match &loaded.policy {
        Ok(policy) => policy,
        Err(errors) => return refuse_text(args, errors, output),
    };
    let (answer, text) = match policy.evaluate(&loaded.claims, &Limits::default()) {
        Ok(outcome) => (outcome_json(&outcome), outcome_text(&outcome)),
        Err(error) => {
            let (check, message) = (error.slug.name(), error.to_string());
            let text =
                format!("decision: deny\ncheck:    {check}\nreason:   {}", printable(&message));
            (error_json(check, &message), text)
        }
    };
    let permitted = answer.get("decision").is_some_and(|decision| decision == "permit");
    output.answer(&answer, || text)?;
    Ok(Verdict::of(permitted))
}

pub(super) fn explain(args: &EvalArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let loaded = Loaded::of(args)?;
    let policy = match &loaded.policy {
        Ok(policy) => policy,
        Err(errors) => return refuse_text(args, errors, output),
    };
    let explanation = policy.evaluate_explained(&loaded.claims, &Limits::default());
    let mut answer = match &explanation.outcome {
        Ok(outcome) => outcome_json(outcome),
        Err(error) => error_json(error.slug.name(), &error.to_string()),
    };
    let permitted = answer.get("decision").is_some_and(|decision| decision == "permit");
    if let Some(members) = answer.as_object_mut() {
        members.insert("explanation".to_owned(), json!(explanation));
    }
    output.answer(&answer, || explanation.to_string())?;
    Ok(Verdict::of(permitted))
}

fn error_json(check: &str, message: &str) -> Value {
    let error = json!({"code": EVALUATION, "check": check, "message": message});
    json!({"decision": "deny", "error": error})
}

fn outcome_json(outcome: &Outcome) -> Value {
    let mut answer = json!({
        "decision": outcome.decision,
        "claims": contribution(&outcome.outgoing).to_json(),
        "outgoing": outcome.outgoing,
        "added": outcome.added,
        "configuration": outcome.configuration,
        "properties": outcome.properties,
    });
    if let (Decision::Deny(reason), Some(members)) = (outcome.decision, answer.as_object_mut()) {
        let (check, message) = (reason.name(), reason.maa_message());
        let error = json!({"code": EVALUATION, "check": check, "message": message});
        members.insert("error".to_owned(), error);
    }
    answer
}

fn outcome_text(outcome: &Outcome) -> String {
    let mut text = format!("decision: {}\n", outcome.decision.name());
    if let Decision::Deny(reason) = outcome.decision {
        let (check, message) = (reason.name(), reason.maa_message());
        text.push_str(&format!("check:    {check}\nreason:   {message}\n"));
    }
    let claims = contribution(&outcome.outgoing);
    let claims: Vec<(String, String)> = claims
        .iter()
        .map(|(name, value)| (printable(name), printable(&value.to_string())))
        .collect();
    let settings = |properties: &avouch_policy::Properties| {
        properties
            .iter()
            .map(|(name, value)| (printable(name), printable(&value.to_string())))
            .collect()
    };
    for (title, rows) in [
        ("claims for the token", claims),
        ("configuration", settings(&outcome.configuration)),
        ("properties", settings(&outcome.properties)),
    ] {
        if rows.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{title}:\n"));
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in rows {
            text.push_str(&format!("  {name:width$}  {value}\n"));
        }
    }
    text
}
