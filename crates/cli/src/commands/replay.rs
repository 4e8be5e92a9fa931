//! `avouch replay`

use std::path::PathBuf;
use std::sync::Arc;

use avouch_engine::{Capsule, Engine, Outcome, Verdict as Said};
use clap::Args;
use serde_json::{Value, json};

use super::appraise::VerificationArgs;
use crate::failure::{Failure, Verdict, read};
use crate::output::{OutputOptions, printable};

/// Judge the evidence in a capsule again, at its own moment: is it the same verdict, with the same
/// claims to the byte?
///
/// That takes the endorsements that were used then. Exit status 1 if the verdict or the claims differ.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch replay case.json --endorsements endorsements.json")]
pub(crate) struct ReplayArgs {
    /// The evidence capsule.
    capsule: PathBuf,
    #[command(flatten)]
    verification: VerificationArgs,
}

pub(crate) fn run(args: &ReplayArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let path = args.capsule.display();
    let capsule = Capsule::read(&read(&args.capsule)?)
        .map_err(|error| Failure::Other(format!("{path}: {error}")))?;
    let anchors = args.verification.trust.anchors(Vec::new())?;
    let endorsements = args.verification.endorsements().map_err(Failure::other)?;
    let engine = Engine::new(anchors, Arc::new(endorsements));
    let said = capsule
        .again(&engine, capsule.at)
        .map_err(|error| Failure::Other(format!("{path}: its policy: {error}")))?;
    let now = Outcome::of(said.as_ref());
    let is_same = now.verdict == capsule.outcome.verdict;
    let report = json!({
        "capsule": capsule.id(),
        "kind": capsule.request.kind,
        "at": capsule.at,
        "same_verdict": is_same,
        "same_endorsements": now.endorsements == capsule.outcome.endorsements,
        "then": outcome(&capsule.outcome),
        "now": outcome(&now),
    });
    output.answer(&report, || {
        let same = if is_same { "the same verdict" } else { "another verdict" };
        format!("{same}\nthen: {}\nnow:  {}", line(&capsule.outcome), line(&now))
    })?;
    Ok(Verdict::of(is_same))
}

fn outcome(outcome: &Outcome) -> Value {
    let why = outcome.why();
    let claims = match &outcome.verdict {
        Said::Permitted { claims_sha256 } => Some(claims_sha256),
        Said::Refused(_) | Said::Unverified(_) => None,
    };
    json!({
        "verdict": outcome.verdict.name(),
        "check": why.map(|why| &why.check),
        "message": why.map(|why| &why.message),
        "claims_sha256": claims,
        "endorsements": outcome.endorsements,
    })
}

fn line(outcome: &Outcome) -> String {
    let name = outcome.verdict.name();
    let rest = match &outcome.verdict {
        Said::Permitted { claims_sha256 } => format!("claims {claims_sha256}"),
        Said::Refused(why) | Said::Unverified(why) => format!("{}: {}", why.check, why.message),
    };
    printable(&format!("{name}, {rest}"))
}
