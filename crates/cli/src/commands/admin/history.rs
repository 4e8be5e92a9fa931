//! `avouch policy-history`

use avouch_token::policy_jws::{PolicyJws, policy_token_hash};
use avouch_wire::EvidenceKind;
use clap::Args;
use serde_json::{Value, json};

use super::get::{parsed, show};
use super::policy_type::policy_type;
use super::{TenantArgs, table};
use crate::client::{Refusal, Stop, conclude};
use crate::failure::{Failure, Verdict};
use crate::output::{self, OutputForm, OutputOptions};

/// Tell who set which policy when at a running service.
///
/// The newest revision comes first. Who signed a policy is told by the SHA-256 of the certificate.
/// With `--revision` the policy of that revision is printed, as `policy-get` prints the one in
/// force.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch policy-history sgx --url https://attest.example --token-file token\n  \
    avouch policy-history snp --provider contoso --output json\n\n\
    Back to the third policy:\n  \
    avouch policy-history sgx --revision 3 --jws > third.jws && avouch policy-set sgx third.jws")]
pub(crate) struct PolicyHistoryArgs {
    /// Attestation type: sgx, open-enclave, tdx, snp, azure-guest, tpm, or as routes name it.
    #[arg(value_name = "TYPE", value_parser = policy_type)]
    attestation_type: EvidenceKind,
    /// Print the policy of this revision.
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Print the JWS by which it was set instead of its text.
    #[arg(long, requires = "revision")]
    jws: bool,
    #[command(flatten)]
    tenant: TenantArgs,
}

pub(crate) fn run(args: &PolicyHistoryArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let result = match args.revision {
        Some(number) => revision(args, number, output),
        None => history(args, output),
    };
    conclude(result, output)
}

fn history(args: &PolicyHistoryArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let route = args.attestation_type.policy_name();
    let revisions = session.list(&format!("/avouch/policies/{route}/history"))?;
    let answer = json!({"url": session.url().as_str(), "type": route, "revisions": revisions});
    output.answer(&answer, || {
        if revisions.is_empty() {
            return format!("the {route} policy of {} was never changed", session.url());
        }
        let titles = ["revision", "at", "action", "by", "policy hash", "signer"];
        let rows: Vec<[String; 6]> = revisions
            .iter()
            .map(|one| {
                ["revision", "at", "action", "actor", "policy_hash", "signer"]
                    .map(|name| cell(one.get(name)))
            })
            .collect();
        table(titles, &rows)
    })?;
    Ok(Verdict::Yes)
}

/// One revision with its policy, whose hash must be the one that the history names.
fn revision(args: &PolicyHistoryArgs, number: u64, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let route = args.attestation_type.policy_name();
    let path = format!("/avouch/policies/{route}/history/{number}");
    let answer = session.get_json(&path)?;
    let member = |name: &str| answer.get(name).and_then(Value::as_str);
    let raw = member("jws").ok_or_else(|| {
        Refusal::invalid_answer("answer-form", "the service answered without a JWS")
    })?;
    let hash = policy_token_hash(raw);
    if member("token_hash") != Some(hash.as_str()) {
        let found = member("token_hash").unwrap_or_default();
        let text = format!("token_hash is {found:?}, that of the JWS is {hash:?}");
        return Err(Refusal::invalid_answer("policy-token-hash", text).into());
    }
    let policy = parsed(raw)?;
    let text = policy.as_ref().map(PolicyJws::text);
    if output.form == OutputForm::Json {
        let document = json!({
            "url": session.url().as_str(),
            "type": route,
            "policy": text,
            "revision": answer,
        });
        output.answer(&document, String::new)?;
        return Ok(Verdict::Yes);
    }
    if policy.is_none() {
        output::note("that revision went back to the default policy");
    }
    show(if args.jws { raw } else { text.unwrap_or_default() })?;
    Ok(Verdict::Yes)
}

/// A member of a revision in one cell: of a signer the thumbprint.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(members)) => {
            let thumbprint = members.get("thumbprint").and_then(Value::as_str);
            thumbprint.map_or_else(|| "-".to_owned(), str::to_owned)
        }
        Some(other) => other.to_string(),
    }
}
