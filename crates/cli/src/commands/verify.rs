//! `avouch verify`

mod service;

use std::path::{Path, PathBuf};

use avouch_token::{Accepted, Expectations, Jwks, TokenKind, verify_token};
use avouch_wire::UnixTime;
use clap::Args;
use serde_json::json;

use super::inspect::tree::{Fields, Tree, render};
use crate::client::{Http, Published, ServiceUrl, Step, Steps, Stop};
use crate::failure::{Failure, Verdict, read, read_text};
use crate::output::{OutputOptions, printable};
use crate::setup;

/// Check a token as a relying party must, step by step.
///
/// Without `--provider` or `--jwks` there is no key to check the signature with, and only an
/// unsecured token can be looked at (`--allow-unsecured`).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch verify token.jwt --provider https://attest.example\n  \
    avouch verify - --jwks keys.json --issuer https://attest.example < token.jwt")]
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
    /// The issuer to expect (with --provider: the URL).
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Difference of clocks to forgive, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    slack_seconds: u32,
    /// Expect a report of a TPM or VBS enclave, which other keys sign than attestation tokens.
    #[arg(long)]
    report: bool,
    /// Accept a token without a signature, such as one for a draft policy; nothing in it is proven.
    #[arg(long)]
    allow_unsecured: bool,
}

pub(crate) fn run(args: VerifyArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let token = token(&args.token)?;
    let mut steps = Steps::default();
    let (keys, issuer) = match (&args.provider, &args.jwks) {
        (Some(url), _) => {
            let url = ServiceUrl::parse("--provider", url)?;
            let published = Published::fetch(&Http::new(args.ca.as_deref())?, &url)
                .map_err(Stop::into_failure)?;
            let keys = published.judge(url.as_str(), &mut steps);
            (keys, args.issuer.clone().or(Some(url.to_string())))
        }
        (None, Some(path)) => (Some(key_set(path)?), args.issuer.clone()),
        (None, None) => (Some(no_keys(&args)?), args.issuer.clone()),
    };
    let Some(keys) = keys else { return answer(&steps, None, false, output) };
    let issuer_checked = issuer.is_some();
    let expectations = Expectations {
        issuer,
        slack_seconds: args.slack_seconds,
        allow_unsecured: args.allow_unsecured,
        kind: if args.report { TokenKind::Report } else { TokenKind::Attestation },
        ..Expectations::at(args.at.unwrap_or_else(setup::present))
    };
    let verification = verify_token(&token, &keys, &expectations);
    steps.extend(verification.checks().iter().map(Step::of_check));
    let accepted = verification.result().as_ref().ok();
    if let Some(Accepted::Signed(verified)) = accepted {
        service::judge(verified, &mut steps);
    }
    answer(&steps, accepted, issuer_checked, output)
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

fn answer(
    steps: &Steps,
    accepted: Option<&Accepted>,
    issuer_checked: bool,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let good = steps.failure().is_none() && accepted.is_some();
    let foreign_root = match accepted {
        Some(Accepted::Signed(token)) if good => token.claims().get(FOREIGN_ROOT),
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
        "claims": claims,
        "foreign_root": foreign_root,
        "error": failure.map(|step| json!({"check": step.name, "message": step.detail})),
    });
    output.answer(&answer, || {
        let mut text = steps.to_string();
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
