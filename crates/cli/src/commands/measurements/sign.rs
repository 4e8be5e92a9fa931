//! `avouch measurements sign`, `statement`, `attach`: what others can check of an issue.

use std::path::{Path, PathBuf};

use avouch_client::{Publication, StatementHead, with_receipts, write_statement};
use avouch_pki::digest;
use avouch_wire::{FailedCheck as _, UnixTime};
use clap::Args;
use serde_json::json;

use crate::commands::endorsements::write_whole;
use crate::failure::{Failure, Verdict, read};
use crate::output::OutputOptions;
use crate::policy_signer::{bare_private_key, certificates};
use crate::setup;

/// Sign an issue.
///
/// The key is the publisher's own, kept away from the service: what a service signs of itself proves nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch measurements sign measurements.json --key publisher-key.pem --out measurements.jws")]
pub(super) struct SignArgs {
    /// The issue.
    file: PathBuf,
    /// The publisher's private key: PEM, PKCS#8; Ed25519, P-256, P-384 or RSA.
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// Where to write the signed issue (a compact JWS).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Make a signed statement over an issue.
///
/// It is a COSE_Sign1 as SCITT has it: algorithm, content type, key id, claims (issuer, subject, time) and, if given,
/// certificates in its protected headers, the issue as its payload. Any transparency service can register it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch measurements statement measurements.json --key publisher-key.pem \
    --issuer https://attest.example --out measurements.cose")]
pub(super) struct StatementArgs {
    /// The issue.
    file: PathBuf,
    /// The publisher's private key: PEM, PKCS#8; Ed25519, P-256 or P-384.
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// Certificate for the key, and its issuers if there are any, for ledgers that want them: PEM.
    #[arg(long, value_name = "PEM")]
    certificate: Option<PathBuf>,
    /// Who makes the statement: a URL, or a did:x509 identifier that fits the certificates.
    #[arg(long, value_name = "TEXT")]
    issuer: String,
    /// What the statement is about (default: the publisher's name in the issue).
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// The moment of the statement (default: now).
    #[arg(long, value_name = "RFC3339")]
    at: Option<UnixTime>,
    /// Where to write it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Put receipts into a statement.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch measurements attach measurements.cose --receipt receipt.cose --out transparent.cose")]
pub(super) struct AttachArgs {
    /// The signed statement; receipts that it has are left out.
    statement: PathBuf,
    /// A receipt; may be repeated. Nothing is verified here: `verify` does that.
    #[arg(long, value_name = "FILE", required = true)]
    receipt: Vec<PathBuf>,
    /// Where to write the transparent statement.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn sign(args: &SignArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let (issue, key) = (issue(&args.file)?, bare_private_key(&args.key)?);
    let jws = issue.sign(&key).map_err(Failure::other)?;
    let id = key.public_key().id();
    written(&args.out, format!("{jws}\n").as_bytes(), ("signed_by", id.to_string()), output)
}

pub(super) fn statement(args: &StatementArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let (issue, key) = (issue(&args.file)?, bare_private_key(&args.key)?);
    let document = issue.to_document().map_err(Failure::other)?;
    let certificates = match &args.certificate {
        Some(path) => certificates(path)?,
        None => Vec::new(),
    };
    let head = StatementHead {
        issuer: &args.issuer,
        subject: args.subject.as_ref().unwrap_or(&issue.issue().publisher),
        issued_at: args.at.unwrap_or_else(setup::present),
        certificates: &certificates,
    };
    let statement = write_statement(document.as_bytes(), &head, &key)
        .map_err(|error| Failure::Other(format!("{}: {error}", error.check())))?;
    let payload = digest::sha256(document.as_bytes());
    written(&args.out, &statement, ("payload_sha256", payload.to_string()), output)
}

pub(super) fn attach(args: &AttachArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let receipts = args.receipt.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let statement = with_receipts(&read(&args.statement)?, &receipts)
        .map_err(|error| Failure::Other(format!("{}: {error}", args.statement.display())))?;
    written(&args.out, &statement, ("receipts", receipts.len().to_string()), output)
}

fn issue(path: &Path) -> Result<Publication, Failure> {
    Publication::parse(&read(path)?)
        .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))
}

/// Writes a file and says so, with one thing more.
fn written(
    out: &Path,
    bytes: &[u8],
    (name, value): (&str, String),
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    write_whole(out, bytes)?;
    let sha256 = digest::sha256(bytes);
    let answer = json!({"out": out, "bytes": bytes.len(), "sha256": sha256, name: value});
    output.answer(&answer, || {
        format!("{} ({} bytes, SHA-256 {sha256})\n{name} {value}\n", out.display(), bytes.len())
    })?;
    Ok(Verdict::Yes)
}
