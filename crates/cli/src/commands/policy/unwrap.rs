//! `avouch policy unwrap`

use std::path::PathBuf;

use avouch_policy::Limits;
use avouch_token::policy_jws::{PolicyEncoding, PolicyJws, ResetJws, VerifiedSigner};
use avouch_wire::FailedCheck as _;
use clap::Args;
use serde_json::json;

use crate::commands::inspect::certificate_fields;
use crate::commands::inspect::tree::{Fields, Tree, render};
use crate::failure::{Failure, Verdict, read};
use crate::output::OutputOptions;

#[derive(Debug, Args)]
pub(super) struct UnwrapArgs {
    /// The JWS, bare or as a JSON string; `-` reads standard input.
    file: PathBuf,
    /// Print the policy text alone.
    #[arg(long)]
    text: bool,
}

pub(super) fn run(args: &UnwrapArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let bytes = read(&args.file)?;
    if let Ok(reset) = ResetJws::parse(&bytes) {
        let fields = Fields::new()
            .with("kind", "reset")
            .with("signed", reset.signer().is_some())
            .with("signer_certificates", signer(reset.signer()))
            .with("policy", Tree::Null);
        output.answer(&fields, || render(&fields))?;
        return Ok(Verdict::Yes);
    }
    let jws = match parse(&bytes) {
        Ok(jws) => jws,
        Err((check, message)) => {
            output.answer(&json!({"error": {"check": check, "message": message}}), || {
                format!("refused:  {check}\nreason:   {message}")
            })?;
            return Ok(Verdict::No);
        }
    };
    if args.text {
        output.answer(&json!({"policy": jws.text()}), || jws.text().to_owned())?;
        return Ok(Verdict::Yes);
    }
    let problem = avouch_policy::Policy::compile(jws.text(), &Limits::default()).err();
    let fields = Fields::new()
        .with("kind", "policy")
        .with("signed", jws.signer().is_some())
        .with("signature_verified", jws.signer().map(|_| true))
        .with("policy_hash", jws.policy_hash())
        .with("policy_token_hash", jws.token_hash())
        .with("policy_valid", problem.is_none())
        .with("policy_problem", problem.map(|errors| errors.to_string()))
        .with("signer_certificates", signer(jws.signer()))
        .with("policy", jws.text());
    output.answer(&fields, || render(&fields))?;
    Ok(Verdict::Yes)
}

/// In the current form, or in that of 2018 where the text stands in the claim as it is.
fn parse(bytes: &[u8]) -> Result<PolicyJws, (&'static str, String)> {
    PolicyJws::parse(bytes, PolicyEncoding::Base64Url).or_else(|error| {
        let plain = PolicyJws::parse(bytes, PolicyEncoding::PlainText).ok();
        // Base64url without a policy's punctuation is no text of 2018, but a broken one of today.
        plain
            .filter(|jws| jws.text().contains([';', '{']))
            .ok_or_else(|| (error.check(), error.to_string()))
    })
}

fn signer(signer: Option<&VerifiedSigner>) -> Vec<Fields> {
    let certificates = signer.map(VerifiedSigner::certificates).unwrap_or_default();
    certificates.iter().map(certificate_fields).collect()
}
