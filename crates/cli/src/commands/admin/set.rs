//! `avouch policy-set`

use std::path::PathBuf;

use avouch_engine::policy_vocabulary;
use avouch_policy::lint;
use avouch_policy::{Limits, Policy};
use avouch_token::policy_jws::{
    JwsContent, PolicyEncoding, PolicyJws, UnsignedForm, create_unsigned,
};
use avouch_wire::{EvidenceKind, FailedCheck as _};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::policy_type::policy_type;
use super::{DATA_PLANE, TenantArgs};
use crate::client::{Refusal, Stop, conclude};
use crate::failure::{Failure, Verdict, read};
use crate::output::{self, OutputOptions};
use crate::policy_signer::SignerFiles;

/// Put a policy in force at a running service.
///
/// The policy is checked here first, and nothing is sent if it has mistakes. What the service
/// answers is verified: the signature of its token, its name, and that the hash it gives is that
/// of what was sent.
#[derive(Debug, Args)]
#[command(
    after_help = "A provider of trust model AAD takes unsigned policies, and signed ones of \
    any key; an Isolated one only\nwhat one of its signers signed.\n\nExamples:\n  \
    avouch policy-set sgx policy.txt --url https://attest.example --token-file token\n  \
    avouch policy-set snp policy.txt --provider contoso --key key.pem --certificate signer.pem\n  \
    avouch policy sign policy.txt --unsigned compact | avouch policy-set SgxEnclave -"
)]
pub(crate) struct PolicySetArgs {
    /// Attestation type: sgx, open-enclave, tdx, snp, azure-guest, tpm, or as routes name it.
    #[arg(value_name = "TYPE", value_parser = policy_type)]
    attestation_type: EvidenceKind,
    /// The policy text, or a policy JWS that is ready to be sent; `-` reads standard input.
    file: PathBuf,
    #[command(flatten)]
    signer: SignerFiles,
    #[command(flatten)]
    tenant: TenantArgs,
}

pub(crate) fn run(args: &PolicySetArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let bytes = read(&args.file)?;
    let name = args.file.display().to_string();
    let ready = looks_like_jws(&bytes);
    if ready && args.signer.key.is_some() {
        let text = format!("{name} is a JWS already; --key and --certificate sign policy texts");
        return Err(Failure::Other(text));
    }
    let jws = if ready {
        PolicyJws::parse(&bytes, PolicyEncoding::Base64Url)
    } else {
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::Other(format!("{name} is not UTF-8 text")))?;
        if let Some(verdict) = refused(&text, &name, output)? {
            return Ok(verdict);
        }
        let content = JwsContent::Policy(&text);
        let signed = args.signer.sign(content)?;
        let jws = signed.unwrap_or_else(|| create_unsigned(content, UnsignedForm::Compact));
        PolicyJws::parse(jws.as_bytes(), PolicyEncoding::Base64Url)
    };
    let jws = match jws {
        Ok(jws) => jws,
        Err(error) => {
            let (check, message) = (Some(error.check()), error.to_string());
            let code = "InvalidOperation".to_owned();
            let refusal = Refusal { code, message, check, status: None };
            return conclude(Err(refusal.into()), output);
        }
    };
    if ready && let Some(verdict) = refused(jws.text(), &name, output)? {
        return Ok(verdict);
    }
    warn(args.attestation_type, jws.text(), &name);
    conclude(set(args, &jws, output), output)
}

/// Says what is wrong with a policy's text, if anything is.
fn refused(text: &str, name: &str, output: OutputOptions) -> Result<Option<Verdict>, Failure> {
    let Err(errors) = Policy::compile(text, &Limits::default()) else { return Ok(None) };
    let answer = json!({
        "error": {
            "code": "PolicyParsingError",
            "check": "policy-text",
            "message": errors.to_string(),
            "status": Value::Null,
        },
        "diagnostics": errors.diagnostics(),
    });
    output.answer(&answer, || format!("{}nothing was sent", errors.render(name)))?;
    Ok(Some(Verdict::No))
}

/// Says on standard error what the author hardly meant.
fn warn(attestation_type: EvidenceKind, text: &str, name: &str) {
    if let Ok(policy) = Policy::compile(text, &Limits::default()) {
        let warnings = lint::lint(&policy, &policy_vocabulary(Some(attestation_type)));
        if !warnings.is_empty() {
            output::note(&lint::render(&policy, &warnings, name));
        }
    }
}

fn set(args: &PolicySetArgs, jws: &PolicyJws, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let issuer = session.issuer()?;
    let route = args.attestation_type.policy_name();
    let path = format!("/policies/{route}?{DATA_PLANE}");
    let body = Some(jws.raw().to_owned());
    let hash = jws.token_hash();
    let mut verified = session
        .send_for_token(&issuer, Method::PUT, &path, "text/plain", body)?
        .expect("policy-result", "x-ms-policy-result", "Updated")?
        .expect("policy-token-hash", "x-ms-policy-token-hash", &hash)?;
    if let Some(signer) = jws.signer() {
        if verified.claims.get("x-ms-policy-signer") != Some(&signer.jwk()) {
            let text = "x-ms-policy-signer is not the signer of what was sent";
            return Err(Refusal::invalid_answer("policy-signer", text).into());
        }
        verified.steps.passed("policy-signer", "the signer of what was sent");
    }
    let steps = &verified.steps;
    let answer = json!({
        "result": "Updated",
        "url": session.url().as_str(),
        "type": route,
        "signed": jws.signer().is_some(),
        "policy_hash": jws.policy_hash(),
        "policy_token_hash": hash,
        "steps": steps,
    });
    output.answer(&answer, || {
        let (url, hash) = (session.url(), jws.policy_hash());
        format!("{steps}\nthe {route} policy of {url} is set; its hash in tokens is {hash}")
    })?;
    Ok(Verdict::Yes)
}

/// Whether this is a JWS and no policy text: three words between dots, or a JSON string.
fn looks_like_jws(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=');
    text.starts_with('"') || (text.split('.').count() == 3 && text.chars().all(word))
}
