//! `avouch policy-reset`

use avouch_token::policy_jws::{JwsContent, NO_POLICY_JWS};
use avouch_wire::EvidenceKind;
use clap::Args;
use reqwest::Method;
use serde_json::json;

use super::policy_type::policy_type;
use super::{DATA_PLANE, TenantArgs};
use crate::client::{Stop, conclude};
use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;
use crate::policy_signer::SignerFiles;

/// Go back to the default policy at a running service.
#[derive(Debug, Args)]
#[command(
    after_help = "An Isolated provider takes only a reset that one of its signers signed.\n\n\
    Examples:\n  \
    avouch policy-reset sgx --url https://attest.example --token-file token\n  \
    avouch policy-reset snp --provider contoso --key key.pem --certificate signer.pem"
)]
pub(crate) struct PolicyResetArgs {
    /// Attestation type: sgx, open-enclave, tdx, snp, azure-guest, tpm, or as routes name it.
    #[arg(value_name = "TYPE", value_parser = policy_type)]
    attestation_type: EvidenceKind,
    #[command(flatten)]
    signer: SignerFiles,
    #[command(flatten)]
    tenant: TenantArgs,
}

pub(crate) fn run(args: &PolicyResetArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    conclude(reset(args, output), output)
}

fn reset(args: &PolicyResetArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let signed = args.signer.sign(JwsContent::Reset)?;
    let is_signed = signed.is_some();
    let session = args.tenant.session()?;
    let issuer = session.issuer()?;
    let route = args.attestation_type.policy_name();
    let path = format!("/policies/{route}:reset?{DATA_PLANE}");
    let body = Some(signed.unwrap_or_else(|| NO_POLICY_JWS.to_owned()));
    let verified = session
        .send_for_token(&issuer, Method::POST, &path, "text/plain", body)?
        .expect("policy-result", "x-ms-policy-result", "Removed")?;
    let steps = &verified.steps;
    let answer = json!({
        "result": "Removed",
        "url": session.url().as_str(),
        "type": route,
        "signed": is_signed,
        "steps": steps,
    });
    output.answer(&answer, || {
        format!("{steps}\nthe {route} policy of {} is the default one again", session.url())
    })?;
    Ok(Verdict::Yes)
}
