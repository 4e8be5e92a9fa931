//! `avouch policy-get`

use std::io::IsTerminal as _;

use avouch_token::policy_jws::{NO_POLICY_JWS, PolicyEncoding, PolicyJws, ResetJws};
use avouch_wire::{EvidenceKind, FailedCheck as _};
use clap::Args;
use reqwest::Method;
use serde_json::json;

use super::policy_type::policy_type;
use super::{DATA_PLANE, TenantArgs};
use crate::client::{Refusal, Stop, conclude};
use crate::failure::{Failure, Verdict};
use crate::output::{self, OutputForm, OutputOptions, printable};

/// Print the policy in force at a running service.
///
/// The text is printed as it was set, byte for byte, unless it goes to a terminal, where characters
/// that a terminal would obey are shown instead. The service's answer is verified first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch policy-get sgx --url https://attest.example --token-file token > policy.txt\n  \
    avouch policy-get snp --provider contoso --jws > policy.jws")]
pub(crate) struct PolicyGetArgs {
    /// Attestation type: sgx, open-enclave, tdx, snp, azure-guest, tpm, or as routes name it.
    #[arg(value_name = "TYPE", value_parser = policy_type)]
    attestation_type: EvidenceKind,
    /// Print the JWS by which it was set instead of its text.
    #[arg(long)]
    jws: bool,
    #[command(flatten)]
    tenant: TenantArgs,
}

pub(crate) fn run(args: &PolicyGetArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    conclude(get(args, output), output)
}

fn get(args: &PolicyGetArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let issuer = session.issuer()?;
    let path = format!("/policies/{}?{DATA_PLANE}", args.attestation_type.policy_name());
    let verified = session.send_for_token(&issuer, Method::GET, &path, "application/json", None)?;
    let raw = verified.text("x-ms-policy")?;
    let policy = parsed(raw)?;
    if output.form == OutputForm::Json {
        let answer = json!({
            "url": session.url().as_str(),
            "type": args.attestation_type.policy_name(),
            "jws": raw,
            "policy": policy.as_ref().map(PolicyJws::text),
            "signed": policy.as_ref().is_some_and(|policy| policy.signer().is_some()),
            "policy_hash": policy.as_ref().map(PolicyJws::policy_hash),
            "policy_token_hash": policy.as_ref().map(PolicyJws::token_hash),
            "steps": verified.steps,
        });
        output.answer(&answer, String::new)?;
        return Ok(Verdict::Yes);
    }
    if policy.is_none() {
        output::note("no policy is set, and this attestation type has no default policy");
    }
    let text = if args.jws { Some(raw) } else { policy.as_ref().map(PolicyJws::text) };
    show(text.unwrap_or_default())?;
    Ok(Verdict::Yes)
}

/// What the service shows as its policy; none where no policy is set.
pub(super) fn parsed(raw: &str) -> Result<Option<PolicyJws>, Stop> {
    if raw == NO_POLICY_JWS || ResetJws::parse(raw.as_bytes()).is_ok() {
        return Ok(None);
    }
    PolicyJws::parse(raw.as_bytes(), PolicyEncoding::Base64Url)
        .map(Some)
        .map_err(|error| Refusal::invalid_answer(error.check(), error.to_string()).into())
}

/// Writes a foreign text: exactly into files and pipes, harmlessly to a terminal.
pub(super) fn show(text: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        return output::line(&text.lines().map(printable).collect::<Vec<_>>().join("\n"));
    }
    output::exactly(text)
}
