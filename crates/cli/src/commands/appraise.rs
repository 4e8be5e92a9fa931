//! `avouch appraise`

mod tpm;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_engine::{
    Appraisal, AppraisalRequest, Capsule, Challenged, DataType, Decision, Engine, Finding,
    HeldData, Judged, Nonce, PolicyInForce,
};
use avouch_server::ApiError;
use avouch_server::api_version::ApiVersion;
use avouch_server::config::EndorsementsConfig;
use avouch_wire::EvidenceKind;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use self::tpm::TpmFiles;
use super::inspect;
use crate::checks;
use crate::evidence_file::{self, Unreadable, is_text};
use crate::failure::{Failure, Verdict, read as read_file, read_text};
use crate::output::{OutputOptions, printable};
use crate::rules::{AcceptanceArgs, TrustArgs};
use crate::setup;

/// Judge one piece of evidence offline: the same steps as the service, up to the signature.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch appraise sgx quote.bin --endorsements endorsements.json --at 2025-06-20T10:00:00Z\n  \
    avouch mint tdx --out m && avouch appraise tdx m/quote.bin --endorsements m/endorsements.json \
    --trust-root m/root.pem --runtime-data m/runtime-data.json")]
pub(crate) struct AppraiseArgs {
    #[arg(help = setup::kinds())]
    kind: EvidenceKind,
    /// The evidence: raw bytes; text in hex, base64, as a list of bytes or a dump; or the JSON body of
    /// an attest request, which is read as the service reads it. Options go over what is in a body.
    file: PathBuf,
    /// The api-version that a body is for [default: the newest form, or 2018-09-01-preview for a body
    /// with EnclaveHeldData].
    #[arg(long, value_name = "VERSION", value_parser = api_version)]
    api_version: Option<ApiVersion>,
    #[command(flatten)]
    held: HeldDataArgs,
    /// TDX: the domain's event log (CCEL), which its quote explains. TPM: the firmware's (TCG), beside a
    /// quote in a file.
    #[arg(long, value_name = "FILE")]
    event_log: Option<PathBuf>,
    /// Copied to the token's `nonce`.
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
    /// Policy text, or a policy JWS (default: the default policy of the kind).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    tpm: TpmFiles,
    #[command(flatten)]
    judgement: JudgementArgs,
    /// Write the claims that the policy could read to this file, as `policy eval` and `policy test`
    /// take them.
    #[arg(long, value_name = "FILE")]
    claims_out: Option<PathBuf>,
    /// Write the appraisal to this file as an evidence capsule, which `replay` and `endorsements
    /// forecast` take. It holds the evidence and all data sent along.
    #[arg(long, value_name = "FILE")]
    capsule_out: Option<PathBuf>,
    /// Also print why each rule of the policy fired or did not.
    #[arg(long)]
    explain: bool,
}

/// What evidence is verified with.
#[derive(Debug, Args)]
pub(crate) struct VerificationArgs {
    /// Endorsements: a file or folder; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) endorsements: Vec<PathBuf>,
    /// Leave damaged files of endorsement folders out, with a warning, instead of refusing.
    #[arg(long)]
    pub(crate) skip_damaged_endorsements: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// What evidence is judged by.
#[derive(Debug, Args)]
pub(crate) struct JudgementArgs {
    #[command(flatten)]
    pub(crate) verification: VerificationArgs,
    #[command(flatten)]
    pub(crate) acceptance: AcceptanceArgs,
}

impl VerificationArgs {
    /// The endorsements in the files; nothing is fetched.
    pub(crate) fn endorsements(&self) -> Result<EndorsementSet, LoadError> {
        let config = EndorsementsConfig {
            paths: self.endorsements.clone(),
            skip_damaged: self.skip_damaged_endorsements,
            offline: true,
            ..EndorsementsConfig::default()
        };
        setup::endorsements(&config, self.trust.amd_crl)
    }
}

/// What evidence binds.
#[derive(Debug, Args)]
pub(crate) struct HeldDataArgs {
    /// Data that the evidence binds at run time.
    #[arg(long, value_name = "FILE")]
    runtime_data: Option<PathBuf>,
    /// How the runtime data is to be read.
    #[arg(long, value_name = "FORM", default_value = "binary")]
    runtime_data_type: HeldDataForm,
    /// Data that the evidence binds since its start.
    #[arg(long, value_name = "FILE")]
    init_time_data: Option<PathBuf>,
    /// How the init-time data is to be read.
    #[arg(long, value_name = "FORM", default_value = "binary")]
    init_time_data_type: HeldDataForm,
}

impl HeldDataArgs {
    /// A request with what these name in place of its own.
    pub(crate) fn over(&self, request: AppraisalRequest) -> Result<AppraisalRequest, Failure> {
        let held =
            |path: &Option<PathBuf>, form: HeldDataForm| -> Result<Option<HeldData>, Failure> {
                let Some(path) = path else { return Ok(None) };
                Ok(Some(HeldData { bytes: read_file(path)?, data_type: form.into() }))
            };
        let runtime_data = held(&self.runtime_data, self.runtime_data_type)?;
        let init_time_data = held(&self.init_time_data, self.init_time_data_type)?;
        Ok(AppraisalRequest {
            runtime_data: runtime_data.or(request.runtime_data),
            init_time_data: init_time_data.or(request.init_time_data),
            ..request
        })
    }
}

/// How held data is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HeldDataForm {
    /// A JSON object.
    Json,
    /// Any bytes.
    Binary,
}

impl From<HeldDataForm> for DataType {
    fn from(form: HeldDataForm) -> Self {
        match form {
            HeldDataForm::Json => Self::Json,
            HeldDataForm::Binary => Self::Binary,
        }
    }
}

/// Claims captured from evidence, to write policies and their tests with.
fn write_claims(path: &Path, kind: EvidenceKind, appraisal: &Appraisal) -> Result<(), Failure> {
    let claims = json!({
        "attestationType": kind.attestation_type(),
        "claims": appraisal.incoming,
    });
    let text = format!("{claims:#}\n");
    std::fs::write(path, text).map_err(|source| Failure::Write { path: path.to_owned(), source })
}

fn write_capsule(path: &Path, judged: &Judged<'_>) -> Result<(), Failure> {
    let text = format!("{}\n", Capsule::of(judged).to_json());
    std::fs::write(path, text).map_err(|source| Failure::Write { path: path.to_owned(), source })
}

/// Whoever kept a request can have it judged so again.
fn own_challenge() -> Finding {
    Finding {
        name: "own-challenge",
        message:
            "the challenge is the one that the request names itself, so nothing says when it was \
                  made; --challenge says which was given"
                .to_owned(),
    }
}

pub(crate) fn run(args: AppraiseArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    setup::check_event_log(args.kind, args.event_log.is_some())?;
    if args.tpm.is_given() && args.kind != EvidenceKind::Tpm {
        return Err(Failure::Other("options for TPM evidence go with tpm alone".to_owned()));
    }
    let bytes = read_file(&args.file)?;
    let event_log = args.event_log.as_deref().map(read_file).transpose()?;
    let made = args.tpm.attestation(&bytes, event_log.as_deref())?;
    // It is a part of the attestation then.
    let event_log = event_log.filter(|_| made.is_none());
    let bytes = made.unwrap_or(bytes);
    let judgement = &args.judgement;
    let at = judgement.acceptance.at();
    let (settings, trust_roots) = judgement.acceptance.settings()?;
    let anchors = judgement.verification.trust.anchors(trust_roots)?;
    // What is wrong with the call comes before what is wrong with the evidence.
    let endorsements = match judgement.verification.endorsements() {
        Err(error) if error.check().is_none() => return Err(Failure::other(error)),
        other => other,
    };
    let read = match evidence_file::read_evidence(args.kind, args.api_version, &bytes) {
        Ok(read) => read,
        Err(error) => return answer(&unreadable_report(args.kind, &bytes, &error), output),
    };
    let policy = match policy(&args, read.draft_policy.as_deref())? {
        Ok(policy) => policy,
        Err(error) => return answer(&refused_by_service("draft-policy", &error), output),
    };
    let says_itself = args.tpm.challenge.is_none() && read.appraisal.challenged.is_some();
    let request = request(&args, event_log, read.appraisal)?;
    let report = match endorsements {
        Ok(endorsements) => {
            let engine = Engine::new(anchors, Arc::new(endorsements));
            let said = engine.appraise(&request, &policy, &settings, at);
            if let Some(path) = &args.capsule_out {
                let (request, policy, settings) = (&request, &policy, &settings);
                let (api_version, outcome) =
                    (args.api_version.map(ApiVersion::name), said.as_ref());
                write_capsule(
                    path,
                    &Judged { request, api_version, policy, settings, at, outcome },
                )?;
            }
            match said {
                Ok(mut appraisal) => {
                    if says_itself {
                        appraisal.findings.push(own_challenge());
                    }
                    if let Some(path) = &args.claims_out {
                        write_claims(path, args.kind, &appraisal)?;
                    }
                    verified_report(&appraisal, &policy, args.explain)
                }
                Err(error) => {
                    unverified_report("InvalidParameter", error.check(), &error.to_string())
                }
            }
        }
        Err(error) => {
            let check = error.check().unwrap_or("endorsements");
            unverified_report("InvalidParameter", check, &error.to_string())
        }
    };
    answer(&report, output)
}

fn answer(report: &Value, output: OutputOptions) -> Result<Verdict, Failure> {
    let permitted = report.get("decision").is_some_and(|decision| decision == "permit");
    output.answer(report, || text(report))?;
    Ok(Verdict::of(permitted))
}

fn api_version(name: &str) -> Result<ApiVersion, String> {
    ApiVersion::named(name).ok_or_else(|| format!("versions are: {}", ApiVersion::names()))
}

/// The policy of the command line, of the body, or the default one; an error of the body's is the
/// service's answer to it.
fn policy(
    args: &AppraiseArgs,
    draft: Option<&str>,
) -> Result<Result<PolicyInForce, ApiError>, Failure> {
    let Some(path) = &args.policy else {
        return match draft {
            Some(draft) => Ok(PolicyInForce::draft(draft).map_err(ApiError::from)),
            None => PolicyInForce::default_for(args.kind)
                .map(Ok)
                .ok_or_else(|| Failure::Other(format!("{} has no default policy", args.kind))),
        };
    };
    policy_from_file(path).map(Ok)
}

/// A policy's text or JWS.
pub(crate) fn policy_from_file(path: &Path) -> Result<PolicyInForce, Failure> {
    let text = read_text(path)?;
    let compact = text.trim();
    let parts = compact.split('.').count();
    let is_jws = parts == 3 && !compact.contains(char::is_whitespace);
    let policy = if is_jws {
        PolicyInForce::from_jws(compact.as_bytes())
    } else {
        PolicyInForce::from_text(&text)
    };
    policy.map_err(|error| Failure::Other(format!("{}: {error}", path.display())))
}

/// What was read, under what the command line says.
fn request(
    args: &AppraiseArgs,
    event_log: Option<Vec<u8>>,
    read: AppraisalRequest,
) -> Result<AppraisalRequest, Failure> {
    let read = args.held.over(read)?;
    let challenged = args.tpm.challenge.clone().map(|challenge| Challenged {
        challenge: challenge.0,
        aik: None,
        enrolment: None,
    });
    Ok(AppraisalRequest {
        event_log: event_log.or(read.event_log),
        challenged: challenged.or(read.challenged),
        nonce: args.nonce.clone().map(Nonce::Text).or(read.nonce),
        ..read
    })
}

/// A file that is no evidence.
fn unreadable_report(kind: EvidenceKind, bytes: &[u8], error: &Unreadable) -> Value {
    match error {
        Unreadable::Body(error) => refused_by_service("request-body", error),
        Unreadable::Text => {
            let what = match inspect::title(bytes) {
                Some(title) => {
                    let form = if is_text(bytes) { "this is text" } else { "these are bytes" };
                    format!("{form}, recognised as: {title}; expected {}", kind.title())
                }
                None if !is_text(bytes) => {
                    format!("these are bytes of nothing that is known; expected {}", kind.title())
                }
                None => "this is text, and neither hex, base64, a list of bytes, a dump nor the \
                         JSON body of an attest request"
                    .to_owned(),
            };
            unverified_report("InvalidParameter", "evidence-form", &what)
        }
    }
}

/// What the service would answer to a body.
fn refused_by_service(check: &str, error: &ApiError) -> Value {
    let message = error.message();
    let message = message.strip_prefix(&format!("{check}: ")).unwrap_or(message);
    unverified_report(error.code(), check, message)
}

/// Evidence that does not verify: the check, and no facts.
fn unverified_report(code: &str, check: &str, message: &str) -> Value {
    json!({
        "decision": "deny",
        "findings": [],
        "error": {"code": code, "check": check, "message": message},
    })
}

fn verified_report(appraisal: &Appraisal, policy: &PolicyInForce, explain: bool) -> Value {
    let mut incoming = Map::new();
    for claim in &appraisal.incoming {
        incoming.insert(claim.claim_type.to_string(), claim.value.to_json());
    }
    let mut report = json!({
        "decision": "permit",
        "claims": {},
        "incoming": incoming,
        "facts": appraisal.facts.to_json(),
        "findings": appraisal.findings,
    });
    let Some(members) = report.as_object_mut() else { return report };
    match &appraisal.decision {
        Decision::Permit(permitted) => {
            let mut claims = permitted.claims();
            if let Some(nonce) = permitted.integer_nonce() {
                // A number in the token; here its digits, as no value holds so many.
                claims.insert("nonce".to_owned(), nonce.as_str().into());
            }
            members.insert("claims".to_owned(), Value::Object(claims));
        }
        Decision::Deny(refused) => {
            let code = match refused {
                avouch_engine::Refused::NotAccepted { .. } => "InvalidParameter",
                avouch_engine::Refused::Policy { .. }
                | avouch_engine::Refused::PolicyFailed { .. } => "PolicyEvaluationError",
            };
            members.insert("decision".to_owned(), json!("deny"));
            members.insert(
                "error".to_owned(),
                json!({"code": code, "check": refused.check(), "message": refused.to_string()}),
            );
        }
    }
    if explain {
        let limits = avouch_policy::Limits::default();
        let explanation = policy.policy().evaluate_explained(&appraisal.incoming, &limits);
        members.insert("explanation".to_owned(), json!(explanation));
        members.insert("explanation_text".to_owned(), json!(explanation.to_string()));
    }
    report
}

/// The report for people: the decision first, then why, then what was proven. Much of it is foreign:
/// what a terminal would obey is shown instead.
fn text(report: &Value) -> String {
    let mut text = format!("decision: {}\n", plain(report.get("decision")));
    if let Some(error) = report.get("error") {
        let check = plain(error.get("check"));
        text.push_str(&format!("check:    {check}\nreason:   {}\n", plain(error.get("message"))));
        if checks::is_known(&check) {
            text.push_str(&format!("help:     avouch explain {check}\n"));
        }
    }
    if let Some(Value::Array(findings)) = report.get("findings")
        && !findings.is_empty()
    {
        text.push_str("\nfindings:\n");
        for finding in findings {
            let (name, message) = (plain(finding.get("name")), plain(finding.get("message")));
            text.push_str(&format!("  {name}  {message}\n"));
        }
    }
    for (title, member) in [("facts", "facts"), ("claims of the token", "claims")] {
        if let Some(Value::Object(members)) = report.get(member)
            && !members.is_empty()
        {
            text.push_str(&format!("\n{title}:\n"));
            let width = members
                .keys()
                .map(|name| printable(name).chars().count())
                .max()
                .unwrap_or_default();
            for (name, value) in members {
                let name = printable(name);
                text.push_str(&format!("  {name:width$}  {}\n", plain(Some(value))));
            }
        }
    }
    if let Some(Value::String(explanation)) = report.get("explanation_text") {
        let lines: Vec<String> = explanation.lines().map(printable).collect();
        text.push_str(&format!("\npolicy:\n{}\n", lines.join("\n")));
    }
    text
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => printable(text),
        Some(other) => printable(&other.to_string()),
    }
}
