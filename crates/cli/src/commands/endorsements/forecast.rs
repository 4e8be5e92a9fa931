//! `avouch endorsements forecast`

mod case;
mod gather;
mod horizon;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use avouch_dcap::TcbEvaluation;
use avouch_engine::{AppraisalSettings, Engine, PolicyInForce};
use avouch_server::Config;
use avouch_server::config::TrustRoot;
use avouch_wire::UnixTime;
use case::Case;
use clap::Args;
use horizon::{Seen, first_refusal};
use report::{Report, Row};

use super::service::{self, Database};
use crate::commands::appraise::{JudgementArgs, policy_from_file};
use crate::failure::{Failure, Verdict};
use crate::output::{self, OutputOptions};
use crate::setup;

/// How far a forecast looks ahead.
const HORIZON_SECONDS: i64 = 10 * 365 * 86_400;
/// After how many judged pieces of evidence progress is told.
const PROGRESS_EACH: usize = 1_000;

/// Say which machines would be refused under other endorsements or at a later date.
///
/// Evidence is judged again: files of evidence, bodies of attest requests and evidence capsules, and
/// capsules that a service kept (audit.keep_evidence). Listed is who would be refused, since when, why,
/// and which component is too old. Exit status 1 if anybody would be.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch endorsements forecast --evidence fleet --endorsements early.json\n  \
    avouch endorsements forecast --config avouch.toml --at 2026-12-01T00:00:00Z\n\n\
    A capsule is judged by the policy and the settings that it was judged by, unless others are given\n\
    here; other evidence by the default policy of its kind.")]
pub(crate) struct ForecastArgs {
    /// Evidence: a file, or a folder with all below it; may be repeated.
    #[arg(long, value_name = "PATH")]
    evidence: Vec<PathBuf>,
    /// A service's configuration: the capsules in its database, its trust roots, and if no others are given
    /// its endorsements, those in files and those in its database, imported or fetched.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A service's data folder: the capsules in its database.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Policy text or JWS that judges instead of those in capsules and the default ones.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// By which of Intel's TCB recoveries everything is judged: standard, early, or a TCB evaluation data
    /// number [default: as before].
    #[arg(long, value_name = "WHICH")]
    tcb_evaluation: Option<TcbEvaluation>,
    #[command(flatten)]
    judgement: JudgementArgs,
}

/// What goes over what evidence brings along.
struct Given {
    policy: Option<PolicyInForce>,
    settings: Option<AppraisalSettings>,
    tcb_evaluation: Option<TcbEvaluation>,
    /// For evidence that brings no settings along.
    otherwise: AppraisalSettings,
}

pub(crate) fn run(args: &ForecastArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    if args.evidence.is_empty() && args.config.is_none() && args.data_dir.is_none() {
        let text = "nothing to judge: give --evidence, --config or --data-dir";
        return Err(Failure::Other(text.to_owned()));
    }
    let config = args.config.as_deref().map(service::configuration).transpose()?;
    let now = setup::present();
    let at = args.judgement.acceptance.at.unwrap_or(now);
    let (given, trust_roots) = given(args, config.as_ref())?;
    let engine = engine(args, config.as_ref(), &trust_roots)?;

    let mut found = gather::from_paths(&args.evidence)?;
    if config.is_some() || args.data_dir.is_some() {
        let database = Database::of(config.as_ref(), args.data_dir.as_deref())?;
        gather::from_store(&mut found, &database)?;
    }
    for name in &found.passed_over {
        output::note(&format!("passed over, no evidence: {name}"));
    }
    if found.cases.is_empty() {
        return Err(Failure::Other("no evidence was found".to_owned()));
    }

    let mut rows = Vec::new();
    for (index, case) in found.cases.iter().enumerate() {
        if index > 0 && index.is_multiple_of(PROGRESS_EACH) {
            output::note(&format!("judged {index} of {}", found.cases.len()));
        }
        rows.push(judge(&engine, case, &given, at, now)?);
    }
    let report = Report::new(at, rows, found.passed_over);
    output.answer(&report, || report.text())?;
    Ok(Verdict::of(report.failing() == 0))
}

fn given(args: &ForecastArgs, config: Option<&Config>) -> Result<(Given, Vec<TrustRoot>), Failure> {
    let JudgementArgs { verification, acceptance } = &args.judgement;
    let (settings, mut trust_roots) = acceptance.settings()?;
    trust_roots.extend(verification.trust.trust_root.iter().cloned());
    trust_roots.extend(config.iter().flat_map(|config| config.appraisal.trust_roots.0.clone()));
    let otherwise = match config {
        Some(config) if !acceptance.names_settings() => {
            config.appraisal.settings_for(avouch_store::ProviderName::DEFAULT).appraisal
        }
        _ => settings.clone(),
    };
    let policy = args.policy.as_deref().map(policy_from_file).transpose()?;
    let settings = acceptance.names_settings().then_some(settings);
    let tcb_evaluation = args.tcb_evaluation;
    Ok((Given { policy, settings, tcb_evaluation, otherwise }, trust_roots))
}

/// What everything is judged with.
fn engine(
    args: &ForecastArgs,
    config: Option<&Config>,
    trust_roots: &[TrustRoot],
) -> Result<Engine, Failure> {
    let verification = &args.judgement.verification;
    let endorsements = match config.filter(|_| verification.endorsements.is_empty()) {
        Some(config) => {
            let section = &config.endorsements;
            let files = setup::endorsements(section, section.amd_crl_rule(false));
            let database = Database::of(Some(config), args.data_dir.as_deref())?;
            database.endorsements(files.map_err(Failure::other)?)?
        }
        None => verification.endorsements().map_err(Failure::other)?,
    };
    Ok(Engine::new(setup::anchors(trust_roots)?, Arc::new(endorsements)))
}

/// One piece of evidence at the moment of the forecast; if it is permitted then, until when; if not,
/// since when.
fn judge(
    engine: &Engine,
    case: &Case,
    given: &Given,
    at: UnixTime,
    now: UnixTime,
) -> Result<Row, Failure> {
    let policy = case.policy(given.policy.as_ref())?;
    let settings = given.settings.as_ref().or(case.settings.as_ref()).unwrap_or(&given.otherwise);
    let tcb_evaluation = given.tcb_evaluation.unwrap_or(settings.tcb_evaluation);
    let settings = &AppraisalSettings { tcb_evaluation, ..settings.clone() };
    let mut seen = |moment| Seen::of(&engine.appraise(&case.request, &policy, settings, moment));
    let then = seen(at);
    if then.is_permitted() {
        let until = at.saturating_add_seconds(HORIZON_SECONDS);
        let refused = first_refusal((at, then.clone()), until, &mut seen);
        return Ok(Row::permitted(case, then, refused));
    }
    let begin = case.judged_at.unwrap_or(now).min(at);
    let earlier = seen(begin);
    let refused = earlier
        .is_permitted()
        .then(|| first_refusal((begin, earlier.clone()), at, &mut seen))
        .flatten();
    Ok(Row::refused(case, then, &earlier, refused.map(|(moment, _)| moment)))
}
