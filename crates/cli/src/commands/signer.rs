//! `avouch signer`

use std::path::PathBuf;

use avouch_pki::Certificate;
use avouch_token::policy_certificates;
use avouch_token::policy_jws::{JwsContent, SignedForm, certificate_thumbprint};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::admin::{DATA_PLANE, TenantArgs};
use crate::client::{Refusal, Stop, conclude};
use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, printable};
use crate::policy_signer::{SignedId, certificates, signed};

/// Add, remove and list the certificates whose policies a provider takes.
#[derive(Debug, Args)]
#[command(
    after_help = "A provider has signers (trust model Isolated) or none (AAD); that is decided \
    when it is created.\n\nExamples:\n  \
    avouch signer list --provider contoso --url https://attest.example --token-file token\n  \
    avouch signer add new.pem --key key.pem --certificate signer.pem --provider contoso"
)]
pub(crate) struct SignerArgs {
    #[command(subcommand)]
    command: SignerCommand,
}

/// What to do with signers.
#[derive(Debug, Subcommand)]
enum SignerCommand {
    /// Take policies of one more signer; an existing one must sign this.
    #[command(after_help = "Example:\n  avouch signer add new.pem --key key.pem --certificate \
        signer.pem --provider contoso --url https://attest.example --token-file token")]
    Add(ChangeArgs),
    /// Take no more policies of a signer; an existing one must sign this, and the last one stays.
    #[command(after_help = "Example:\n  avouch signer remove old.pem --key key.pem --certificate \
        signer.pem --provider contoso --url https://attest.example --token-file token")]
    Remove(ChangeArgs),
    /// Name the signers: subject, thumbprints and validity.
    #[command(after_help = "Example:\n  avouch signer list --provider contoso --url \
        https://attest.example --token-file token")]
    List(ListArgs),
}

#[derive(Debug, Args)]
struct ChangeArgs {
    /// The certificate to add or remove: PEM, the first one in the file.
    certificate_file: PathBuf,
    /// Private key of an existing signer: PEM, PKCS#8.
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// Certificate for the key, and its issuers if there are any: PEM.
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
    #[command(flatten)]
    id: SignedId,
    #[command(flatten)]
    tenant: TenantArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    tenant: TenantArgs,
}

/// A change of the list.
#[derive(Clone, Copy)]
struct Change {
    route: &'static str,
    result: &'static str,
    sentence: &'static str,
}

const ADD: Change =
    Change { route: "certificates:add", result: "IsPresent", sentence: "is a signer of" };
const REMOVE: Change =
    Change { route: "certificates:remove", result: "IsAbsent", sentence: "is no signer of" };

pub(crate) fn run(args: &SignerArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let result = match &args.command {
        SignerCommand::Add(args) => change(args, ADD, output),
        SignerCommand::Remove(args) => change(args, REMOVE, output),
        SignerCommand::List(args) => list(args, output),
    };
    conclude(result, output)
}

fn change(args: &ChangeArgs, change: Change, output: OutputOptions) -> Result<Verdict, Stop> {
    let found = certificates(&args.certificate_file)?;
    let certificate = found.first().ok_or_else(|| Failure::other("no certificate"))?;
    let content = JwsContent::Certificate(certificate);
    let jws = signed(content, SignedForm::Compact, &args.key, &args.certificate, &args.id)?;
    let session = args.tenant.session()?;
    let issuer = session.issuer()?;
    let path = format!("/{}?{DATA_PLANE}", change.route);
    let body = Some(Value::String(jws).to_string());
    let thumbprint = certificate_thumbprint(certificate);
    let verified = session
        .send_for_token(&issuer, Method::POST, &path, "application/json", body)?
        .expect("certificates-result", "x-ms-policycertificates-result", change.result)?
        .expect("certificate-thumbprint", "x-ms-certificate-thumbprint", &thumbprint)?;
    let steps = &verified.steps;
    let answer = json!({
        "result": change.result,
        "url": session.url().as_str(),
        "certificate": described(certificate),
        "steps": steps,
    });
    output.answer(&answer, || {
        let subject = printable(&certificate.subject().to_string());
        format!("{steps}\n{subject} {} {}", change.sentence, session.url())
    })?;
    Ok(Verdict::Yes)
}

fn list(args: &ListArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.tenant.session()?;
    let issuer = session.issuer()?;
    let path = format!("/certificates?{DATA_PLANE}");
    let verified = session.send_for_token(&issuer, Method::GET, &path, "application/json", None)?;
    let set = verified.claims.get("x-ms-policy-certificates").unwrap_or(&Value::Null);
    let signers = policy_certificates(set).map_err(|error| {
        Refusal::invalid_answer("answer-claims", format!("x-ms-policy-certificates: {error}"))
    })?;
    let rows: Vec<Value> = signers.iter().map(described).collect();
    let answer = json!({
        "url": session.url().as_str(),
        "signers": rows,
        "steps": verified.steps,
    });
    output.answer(&answer, || {
        if signers.is_empty() {
            return format!("{} has no signers: it takes policies of anybody", session.url())
                + " who may set them, unsigned or signed by any key";
        }
        signers.iter().map(text).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Verdict::Yes)
}

fn described(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "sha1": certificate_thumbprint(certificate).to_ascii_lowercase(),
        "sha256": certificate.fingerprint_sha256().to_string(),
        "public_key": certificate.public_key().kind().to_string(),
        "ca": certificate.is_ca(),
        "not_before": certificate.not_before().to_string(),
        "not_after": certificate.not_after().to_string(),
    })
}

fn text(certificate: &Certificate) -> String {
    let (subject, issuer) = (certificate.subject().to_string(), certificate.issuer().to_string());
    format!(
        "{}\n  issuer  {}\n  sha1    {}\n  sha256  {}\n  valid   {} to {}\n",
        printable(&subject),
        printable(&issuer),
        certificate_thumbprint(certificate).to_ascii_lowercase(),
        certificate.fingerprint_sha256(),
        certificate.not_before(),
        certificate.not_after(),
    )
}
