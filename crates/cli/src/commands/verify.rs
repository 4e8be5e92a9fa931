//! `avouch verify`

mod published;
mod state;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_client::{RelyingParty, ServiceVerifier, StepReport, TrustVerdict};
use avouch_dcap::AcceptedTcbStatuses;
use avouch_token::{Accepted, Algorithm, Expectations, Jwks, Outcome, TokenFormat, TokenKind};
use avouch_wire::UnixTime;
use clap::Args;
use published::PublishedArgs;
use serde_json::json;

use super::appraise::VerificationArgs;
use super::inspect::tree::{Fields, Tree, render};
use crate::client::{Http, Published, ServiceUrl, Step, Steps, Stop};
use crate::failure::{Failure, Verdict, read, read_text};
use crate::output::{OutputOptions, printable};
use crate::setup;

/// Check a token as a relying party must, step by step: the token, the service that signed it, whether its
/// key is the service's, whether the service is code that was published, and whether that stands in a ledger.
///
/// Without `--provider` or `--jwks` there is no key to check the signature with, and only an
/// unsecured token can be looked at (`--allow-unsecured`).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch verify token.jwt --provider https://attest.example\n  \
    avouch verify - --jwks keys.json --issuer https://attest.example < token.jwt\n  \
    avouch verify token.jwt --provider https://attest.example --nonce \"$NONCE\" \
    --endorsements endorsements.json --measurements measurements.json\n  \
    avouch verify token.jwt --provider https://attest.example --endorsements endorsements.json \
    --statement code.cose --statement-issuer did:x509:0:sha256:… --statement-subject NAME --ledger-key ledger.json")]
pub(crate) struct VerifyArgs {
    /// The token itself, or a file that holds it; `-` reads standard input.
    token: String,
    /// The service to fetch keys from; its URL must also be the token's issuer.
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    provider: Option<String>,
    /// CA certificates to trust for the connection instead of the system's, PEM.
    #[arg(long, value_name = "FILE", requires = "provider")]
    ca: Option<PathBuf>,
    /// The issuer's key set, a file.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The moment to judge at (default: now).
    #[arg(long, value_name = "RFC3339")]
    at: Option<UnixTime>,
    /// The issuer to expect; with --provider the name that its metadata must have, too (default: the URL).
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The nonce that was sent with the evidence.
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
    /// The audience to expect; without it, a token that names any is refused.
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// Signature algorithms to accept, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = algorithm,
        default_value = "RS256,ES256,ES384")]
    algorithms: Vec<Algorithm>,
    /// Difference of clocks to forgive, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    slack_seconds: u32,
    /// Expect a report of a TPM or VBS enclave, which other keys sign than attestation tokens.
    #[arg(long)]
    report: bool,
    /// Expect an attestation result (EAR), in the form of the IETF.
    #[arg(long)]
    ear: bool,
    /// Accept a token without a signature, such as one for a draft policy; nothing in it is proven.
    #[arg(long)]
    allow_unsecured: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

/// What is demanded of the service that signed.
#[derive(Debug, Args)]
struct ServiceArgs {
    #[command(flatten)]
    published: PublishedArgs,
    /// Refuse a service that does not prove to run in a TEE. Implied by --measurements,
    /// --publisher-key and --statement-issuer.
    #[arg(long)]
    demand_service_evidence: bool,
    /// Intel TCB statuses to accept of the service's platform, separated by commas, or `any`
    /// [default: UpToDate,SWHardeningNeeded].
    #[arg(long, value_name = "LIST")]
    accept_tcb_status: Option<AcceptedTcbStatuses>,
    /// Accept a service that its host may debug, which proves nothing.
    #[arg(long)]
    accept_debuggable_service: bool,
    #[command(flatten)]
    verification: VerificationArgs,
}

impl ServiceArgs {
    fn verifier(&self) -> Result<ServiceVerifier, Failure> {
        let mut settings = ServiceVerifier::settings();
        if let Some(statuses) = &self.accept_tcb_status {
            settings.intel.tcb_statuses = statuses.clone();
        }
        settings.intel.refuse_debuggable &= !self.accept_debuggable_service;
        settings.snp.refuse_debuggable &= !self.accept_debuggable_service;
        let anchors = self.verification.trust.anchors(Vec::new())?;
        let endorsements = self.verification.endorsements().map_err(Failure::other)?;
        ServiceVerifier::new(anchors, Arc::new(endorsements), settings).map_err(Failure::other)
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(name).ok_or_else(|| format!("{name:?} is no algorithm that is known"))
}

pub(crate) fn run(args: VerifyArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let token = token(&args.token)?;
    let mut steps = Steps::default();
    let mut service = None;
    let (keys, issuer) = match (&args.provider, &args.jwks) {
        (Some(url), _) => {
            let url = ServiceUrl::parse("--provider", url)?;
            let http = Http::new(args.ca.as_deref())?;
            let published = Published::fetch(&http, &url).map_err(Stop::into_failure)?;
            let issuer = args.issuer.clone().unwrap_or_else(|| url.to_string());
            // Under another address too, the service is the one that was named.
            let keys = published.judge(&issuer, &mut steps);
            service = Some((http, url));
            (keys, Some(issuer))
        }
        (None, Some(path)) => (Some(key_set(path)?), args.issuer.clone()),
        (None, None) => (Some(no_keys(&args)?), args.issuer.clone()),
    };
    let Some(keys) = keys else { return answer(&steps, None, false, output) };
    let issuer_checked = issuer.is_some();
    let expectations = Expectations {
        issuer,
        nonce: args.nonce.clone(),
        audience: args.audience.clone(),
        algorithms: args.algorithms.clone(),
        slack_seconds: args.slack_seconds,
        allow_unsecured: args.allow_unsecured,
        kind: if args.report { TokenKind::Report } else { TokenKind::Attestation },
        format: if args.ear { TokenFormat::AttestationResult } else { TokenFormat::Token },
        ..Expectations::at(args.at.unwrap_or_else(setup::present))
    };
    let verifier = args.service.verifier()?;
    let service = service.as_ref().map(|(http, url)| (http, url));
    let asked = &args.service.published;
    let published = asked.read(service, &keys, expectations.at, &mut steps)?;
    let party = RelyingParty {
        service: Some(&verifier),
        code: published.code(),
        demands_evidence: args.service.demand_service_evidence || asked.is_given(),
    };
    let verdict = party.verify(&token, &keys, &expectations);
    steps.extend(verdict.checks().iter().map(Step::of_check));
    answer(&steps, Some(&verdict), issuer_checked, output)
}

/// An argument that is no file, or the content of one.
fn token(argument: &str) -> Result<String, Failure> {
    let path = Path::new(argument);
    let looks_like_token = argument.split('.').count() == 3 && argument.starts_with("eyJ");
    if argument != "-" && looks_like_token && !path.exists() {
        return Ok(argument.to_owned());
    }
    let text = read_text(path)?;
    let text = text.trim();
    // The body of an attest response.
    let member = serde_json::from_str::<serde_json::Value>(text).ok();
    let member = member.as_ref().and_then(|body| body.get("token")?.as_str());
    Ok(member.unwrap_or(text).to_owned())
}

fn key_set(path: &Path) -> Result<Jwks, Failure> {
    Jwks::parse(&read(path)?)
        .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))
}

fn no_keys(args: &VerifyArgs) -> Result<Jwks, Failure> {
    if args.allow_unsecured {
        return Ok(Jwks::default());
    }
    Err(Failure::Other(
        "nothing to check the signature with: give --provider URL or --jwks FILE, or \
         --allow-unsecured for a token without a signature"
            .to_owned(),
    ))
}

/// The claim of tokens whose evidence rests on a root that is not the vendor's own.
const FOREIGN_ROOT: &str = "avouch-trust-root";
/// The claim of attestation results that holds those of the token.
const TOKEN_CLAIMS: &str = "avouch-token-claims";

fn answer(
    steps: &Steps,
    trust: Option<&TrustVerdict>,
    issuer_checked: bool,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let accepted = trust.and_then(TrustVerdict::accepted);
    let trust = trust.map(|trust| trust.steps().as_slice()).unwrap_or_default();
    let good = steps.failure().is_none() && accepted.is_some();
    let foreign_root = match accepted {
        Some(Accepted::Signed(token)) if good => {
            let within =
                token.claims().get(TOKEN_CLAIMS).and_then(|claims| claims.get(FOREIGN_ROOT));
            token.claims().get(FOREIGN_ROOT).or(within)
        }
        _ => None,
    };
    let (verdict, claims) = match accepted {
        Some(Accepted::Signed(token)) if good && !issuer_checked => {
            ("issuer-not-checked", Tree::of(token.claims()))
        }
        Some(Accepted::Signed(token)) if good => ("valid", Tree::of(token.claims())),
        Some(Accepted::Unsecured(token)) if good => {
            ("unsecured", Tree::of(token.untrusted_claims()))
        }
        _ => ("refused", Tree::Fields(Fields::new())),
    };
    let failure = steps.failure();
    let answer = json!({
        "verdict": verdict,
        "steps": steps,
        "trust": trust,
        "claims": claims,
        "foreign_root": foreign_root,
        "error": failure.map(|step| json!({"check": step.name, "message": step.detail})),
    });
    output.answer(&answer, || {
        let mut text = steps.to_string();
        text.push_str(&trust_text(trust));
        text.push_str(&match (verdict, failure) {
            ("valid", _) => "\nvalid\n".to_owned(),
            ("issuer-not-checked", _) => {
                "\nsigned by a key of the set, but by whom is not checked: \
                give --issuer URL\n"
                    .to_owned()
            }
            ("unsecured", _) => "\nunsecured: nothing in it is proven\n".to_owned(),
            (_, Some(step)) => format!("\nrefused by the check {}\n", step.name),
            (_, None) => "\nrefused\n".to_owned(),
        });
        if let Some(root) = foreign_root {
            let root = printable(&root.to_string());
            text.push_str(&format!(
                "\nThe evidence rests on a root that is not the vendor's own, but one that the \
                 service's operator added: {root}. It proves no more than that root does; of \
                 `avouch mint` it proves nothing.\n"
            ));
        }
        if let Tree::Fields(claims) = &claims
            && !claims.0.is_empty()
        {
            text.push_str(&format!("\nclaims:\n{}", render(claims)));
        }
        text
    })?;
    Ok(Verdict::of(good && verdict != "issuer-not-checked"))
}

/// The five steps of trust, a line each.
fn trust_text(trust: &[StepReport]) -> String {
    let mut text = String::new();
    for (report, number) in trust.iter().zip(1..) {
        let outcome = match report.outcome {
            Outcome::Passed => "proven",
            Outcome::Failed => "REFUSED",
            Outcome::NotChecked => "not proven",
        };
        let (name, reason) = (report.step.name(), printable(&report.reason));
        // Writing to a text does not fail.
        let _ = write!(text, "\n{number}  {name:16}  {outcome:10}  {reason}");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
