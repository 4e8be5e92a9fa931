//! `POST /attest/{type}`, and `POST /avouch/ear/{type}`: the same verdict in another format.

mod form;
mod guest;
mod lacking;
mod tpm;

use std::sync::Arc;

use avouch_endorsements::{Asked, EndorsementName};
use avouch_engine::{
    Appraisal, Decision, EndorsementSource, Finding, Judged, Nonce, Permitted, PolicyInForce,
    Refused, is_eat_nonce,
};
use avouch_policy::Limits;
use avouch_token::TokenFormat;
use avouch_wire::{EvidenceKind, UnixTime};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use form::{AttestForm, Issue, Message, Reply, Step, form_of};
use lacking::Lacking;

use super::access::Authorized;
use super::policies;
use crate::api_version::ApiVersion;
use crate::attest_request::AttestRequest;
use crate::http::{ReadBody, UnreadBody};
use crate::monitoring::Attestation;
use crate::state::AppState;
use crate::{ApiError, Provider, respond};

/// How often evidence is appraised for which endorsements had to be fetched.
const ROUNDS_MAX: usize = 3;

/// Answers a message to the attest route of a kind: in most forms it holds all evidence, and the
/// answer is a token.
pub(super) async fn attest(
    request: &Authorized<'_>,
    kind: EvidenceKind,
    format: TokenFormat,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    // No kind without a form waits for its body.
    form(kind)?;
    let body = Arc::new(Sent::as_it_came(body.read().await?));
    attest_sent(request, kind, format, &body).await
}

/// The same for a body that is here.
pub(super) async fn attest_sent(
    request: &Authorized<'_>,
    kind: EvidenceKind,
    format: TokenFormat,
    body: &Arc<Sent>,
) -> Result<Response<Body>, ApiError> {
    let wanted = (form(kind)?, format);
    let (at_hand, sender) = (&request.state.at_hand, request.work.sender());
    let rounds = if at_hand.is_fetching() { ROUNDS_MAX } else { 1 };
    for _ in 1..rounds {
        let lacking = match round(request, wanted, kind, body, Round::MayComeAgain).await {
            Ok(answer) => return Ok(answer),
            Err(lacking) => lacking,
        };
        if !lacking.wait(at_hand, sender).await? {
            break;
        }
    }
    round(request, wanted, kind, body, Round::Last).await.map_err(Lacking::into_error)
}

fn form(kind: EvidenceKind) -> Result<&'static dyn AttestForm, ApiError> {
    form_of(kind).ok_or_else(|| policies::unserved(kind.policy_name()))
}

/// The body of an attest request, with its share of the memory.
pub(super) struct Sent {
    body: ReadBody,
    decoded: Option<Vec<u8>>,
}

impl Sent {
    const fn as_it_came(body: ReadBody) -> Self {
        Self { body, decoded: None }
    }

    /// One that came within another body.
    pub(super) const fn decoded(body: ReadBody, decoded: Vec<u8>) -> Self {
        Self { body, decoded: Some(decoded) }
    }

    fn bytes(&self) -> &[u8] {
        self.decoded.as_deref().unwrap_or(&self.body)
    }
}

/// Whether evidence that lacks endorsements may be appraised anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    MayComeAgain,
    Last,
}

/// Appraises once, on a thread for such work.
async fn round(
    request: &Authorized<'_>,
    (form, format): (&'static dyn AttestForm, TokenFormat),
    kind: EvidenceKind,
    body: &Arc<Sent>,
    round: Round,
) -> Result<Response<Body>, Lacking> {
    let version = request.version;
    let (state, provider) = (Arc::clone(request.state), Arc::clone(request.provider));
    let body = Arc::clone(body);
    let answer = move || {
        let now = state.clock.now();
        let message =
            Message { state: &state, provider: &provider, now, kind, version, body: body.bytes() };
        match form.read(&message)? {
            Step::Appraise(request, reply) => {
                if format == TokenFormat::AttestationResult {
                    check_result_can_be_given(&request)?;
                }
                let answering = Answering { form, reply: &reply, format };
                appraise(&state, &provider, answering, (version, round), &request)
            }
            Step::Converse(next) => Ok(respond::json(StatusCode::OK, next.to_string())),
        }
    };
    request.work.run(answer).await
}

/// Refuses what an attestation result cannot say: a draft's verdict, which nobody signs, and nonces that are none
/// of the IETF's.
fn check_result_can_be_given(request: &AttestRequest) -> Result<(), ApiError> {
    if request.draft_policy.is_some() {
        return Err(ApiError::invalid_parameter(
            "draftPolicyForAttestation: attestation results are signed, and a draft's verdict is not; try \
             drafts on the attest route",
        ));
    }
    match &request.appraisal.nonce {
        None => Ok(()),
        Some(Nonce::Text(text)) if is_eat_nonce(text) => Ok(()),
        Some(_) => Err(ApiError::invalid_parameter(
            "nonce: in an attestation result it is 8 to 64 bytes as base64url without padding",
        )),
    }
}

/// How an answer is written.
#[derive(Clone, Copy)]
struct Answering<'a> {
    form: &'a dyn AttestForm,
    reply: &'a Reply,
    format: TokenFormat,
}

/// From evidence to the answer, without waiting for anything.
fn appraise(
    state: &AppState,
    provider: &Provider,
    answering: Answering<'_>,
    (version, round): (ApiVersion, Round),
    request: &AttestRequest,
) -> Result<Response<Body>, Lacking> {
    let kind = request.appraisal.kind;
    let draft = request.draft_policy.as_deref().map(PolicyInForce::draft);
    let draft = draft.transpose().map_err(ApiError::from)?;
    let policy = match &draft {
        Some(draft) => draft,
        None => provider.policy(kind)?.ok_or_else(|| no_policy(kind))?,
    };
    let at = state.clock.appraisal_time();
    let asked = Arc::new(Asked::new(state.at_hand.snapshot()));
    let endorsements: Arc<dyn EndorsementSource> = Arc::clone(&asked) as _;
    let (evidence, settings) = (&request.appraisal, provider.settings());
    let said = state.engine.appraise_by(evidence, policy, settings, &endorsements, at);
    let is_draft = draft.is_some();
    let missing = if round == Round::Last { Vec::new() } else { wanted(&asked, is_draft, at) };
    // A draft is its sender's, and so is its verdict. What lacks endorsements comes again.
    if !is_draft && (said.is_ok() || missing.is_empty()) {
        let (request, outcome) = (evidence, said.as_ref());
        let api_version = Some(version.name());
        let judged = Judged { request, api_version, policy, settings, at, outcome };
        state.evidence.offer(provider.tenant().provider.id, &judged);
    }
    let appraisal = said.map_err(|error| Lacking::from(ApiError::from(error)).these(missing))?;
    tell_findings(&appraisal, provider, kind);
    let challenged_at = answering.reply.challenged_at();
    let watched = Watched { state, provider, kind, at, challenged_at, is_draft };
    watched.refused(&appraisal);
    let permitted = permitted(&appraisal, policy, provider, is_draft)?;
    let facts = &*appraisal.facts;
    let Answering { form, reply, format } = answering;
    let issue = Issue { state, provider, permitted, facts, reply, format, kind, at, is_draft };
    let answer = form.answer(&issue)?;
    watched.answered(&appraisal);
    Ok(answer)
}

/// An appraisal for those who watch machines.
#[derive(Clone, Copy)]
struct Watched<'a> {
    state: &'a AppState,
    provider: &'a Provider,
    kind: EvidenceKind,
    at: UnixTime,
    /// When the challenge was given that the evidence answers, if it answers one.
    challenged_at: Option<UnixTime>,
    is_draft: bool,
}

impl Watched<'_> {
    fn refused(&self, appraisal: &Appraisal) {
        if let Decision::Deny(refused) = &appraisal.decision {
            self.offer(appraisal, Some(refused.check()));
        }
    }

    /// Only once there is an answer: each challenge has one.
    fn answered(&self, appraisal: &Appraisal) {
        self.offer(appraisal, None);
    }

    /// A draft is its sender's, and so is its verdict.
    fn offer(&self, appraisal: &Appraisal, refused_by: Option<&str>) {
        let &Self { state, provider, kind, at, challenged_at, is_draft } = self;
        let Some(machine) = appraisal.facts.machine_state().filter(|_| !is_draft) else { return };
        state.monitoring.offer(Attestation {
            provider: provider.tenant().provider.id,
            kind,
            // A message that is sent again is as old as its challenge, at every instance.
            at: challenged_at.unwrap_or(at),
            state: machine,
            refused_by,
            is_fresh: challenged_at.is_some(),
        });
    }
}

/// What an operator should know, whatever was decided: loudly, that its own word stood in for Intel's.
fn tell_findings(appraisal: &Appraisal, provider: &Provider, kind: EvidenceKind) {
    let provider = provider.tenant().provider.name.as_str();
    for Finding { name, message } in &appraisal.findings {
        if *name == "platform-exception" {
            tracing::warn!(finding = name, provider, %kind, "{message}");
        } else {
            tracing::info!(finding = name, provider, %kind, "{message}");
        }
    }
}

/// What was not at hand, and is worth fetching. Which TCB recovery a draft asks for is anybody's choice.
fn wanted(asked: &Asked, is_draft: bool, at: UnixTime) -> Vec<EndorsementName> {
    let mut names = asked.missing(at);
    names.retain(|name| !is_draft || !name.is_of_numbered_recovery());
    names
}

/// The claims to sign, or the refusal with what the policy refused for.
///
/// To tell, the policy runs a second time, within what a draft may cost: of one that costs more it is
/// not told. For a draft, which anybody may send, that is only done where the provider tells its
/// clients.
fn permitted<'a>(
    appraisal: &'a Appraisal,
    policy: &PolicyInForce,
    provider: &Provider,
    is_draft: bool,
) -> Result<&'a Permitted, ApiError> {
    let refused = match &appraisal.decision {
        Decision::Permit(permitted) => return Ok(permitted),
        Decision::Deny(refused) => refused,
    };
    let is_told = provider.explains_refusals();
    let by_policy = matches!(refused, Refused::Policy { .. });
    let why = (by_policy && (is_told || !is_draft))
        .then(|| policy.policy().explain_refusal(&appraisal.incoming, &Limits::draft()))
        .flatten();
    Err(ApiError::from(refused.clone()).explained(why, is_told))
}

fn no_policy(kind: EvidenceKind) -> ApiError {
    // So MAA calls the policy for TPMs and the enclaves on them.
    let name = if kind == EvidenceKind::Tpm { "VBS" } else { kind.policy_name() };
    ApiError::bad_request(format!(
        "A {name} attestation policy has not been set on the attestation provider."
    ))
}
