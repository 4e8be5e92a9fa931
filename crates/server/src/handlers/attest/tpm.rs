//! `POST /attest/Tpm`: a conversation of two rounds, and two more for a machine that must enrol first.

use avouch_endorsements::Asked;
use avouch_engine::{
    AppraisalError, AppraisalRequest, Challenged, EndorsementSource as _, TokenForm, TpmCasWanted,
};
use avouch_pki::Certificate;
use avouch_pki::digest::sha256;
use avouch_token::TokenTimes;
use avouch_tpm::protocol::{
    Activate, CHALLENGE_BYTES, ClientMessage, ContextKey, Enroll, Enrolment, Form, Init,
    OpenContext, PendingEnrolment, Received, ServiceContext, SignedRequest,
};
use avouch_tpm::{AkRules, trim_padding, verify_aik_certificate};
use avouch_wire::{FailedCheck, Hex};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::form::{AttestForm, Issue, Message, Reply, Step};
use crate::attest_request::AttestRequest;
use crate::body::JsonBody;
use crate::{ApiError, respond};

/// How long a report counts where the policy says nothing, in minutes: a day.
const VALIDITY_MINUTES: i64 = 1440;
const SECONDS_PER_DAY: i64 = 86_400;

/// MAA's TPM protocol. What the service must remember between two messages is sealed into the first
/// answer.
pub(super) struct TpmProtocol;

impl AttestForm for TpmProtocol {
    fn read(&self, message: &Message<'_>) -> Result<Step, ApiError> {
        // MAA gives no challenge where no policy would judge the answer.
        if message.provider.policy(message.kind)?.is_none() {
            return Err(super::no_policy(message.kind));
        }
        let Received { message: received, form } = received(message.body)?;
        let conversation = Conversation { message };
        let answer = match received {
            ClientMessage::Request(request) => return conversation.request(*request, form),
            ClientMessage::Init(init) => conversation.challenge(&init, form)?,
            ClientMessage::Enroll(enroll) => conversation.enroll(&enroll, form)?,
            ClientMessage::Activate(activate) => conversation.activate(&activate, form)?,
        };
        Ok(Step::Converse(json!({ "data": answer })))
    }

    /// A report: under a key of its own, whose certificates the header has, and which lives as long as
    /// the policy says.
    fn answer(&self, issue: &Issue<'_>) -> Result<Response<Body>, ApiError> {
        let Reply::Report { form, challenge, .. } = &issue.reply else {
            return Ok(respond::token(&issue.token()?));
        };
        let now = issue.state.clock.now();
        if !issue.state.tpm.answer(challenge, now) {
            return Err(used());
        }
        let minutes = issue.permitted.validity_minutes().unwrap_or(VALIDITY_MINUTES);
        let lifetime = u32::try_from(minutes.saturating_mul(60)).unwrap_or(u32::MAX);
        let times = TokenTimes { issued_at: now, lifetime_seconds: lifetime };
        let report = issue.report(times)?;
        let answer = json!({"data": Received::report_answer(*form, &report)});
        Ok(respond::json(StatusCode::OK, answer.to_string()))
    }
}

/// The message in a body.
fn received(body: &[u8]) -> Result<Received, ApiError> {
    let body = JsonBody::parse(body)?;
    let data = body.string("data")?.filter(|text| !text.is_empty());
    let data = data.ok_or_else(|| {
        ApiError::invalid_parameter("data: the message is missing from the request")
    })?;
    Received::read(data).map_err(refused)
}

/// One message of a conversation.
struct Conversation<'a> {
    message: &'a Message<'a>,
}

impl Conversation<'_> {
    fn provider(&self) -> String {
        self.message.provider.conversation_name()
    }

    fn rules(&self) -> AkRules {
        self.message.provider.settings().tpm.keys
    }

    fn keys(&self) -> &[ContextKey] {
        self.message.state.tpm.keys()
    }

    /// The key that seals, and bytes that it was never given.
    fn sealing(&self) -> Result<(&ContextKey, [u8; 12]), ApiError> {
        let key = self.keys().first().ok_or_else(unsealed)?;
        Ok((key, self.message.state.random::<12>()?))
    }

    const fn expected<'p>(&self, provider: &'p str, life_seconds: i64) -> OpenContext<'p> {
        OpenContext { provider, at: self.message.now, life_seconds }
    }

    fn challenge_seconds(&self) -> i64 {
        self.message.state.tpm.config().challenge_seconds.into()
    }

    fn enrolment_seconds(&self) -> i64 {
        let days: i64 = self.message.state.tpm.config().enrolment_days.into();
        days.saturating_mul(SECONDS_PER_DAY)
    }

    /// Gives a challenge: for one attestation key, if the client says for which.
    fn challenge(&self, init: &Init, form: Form) -> Result<String, ApiError> {
        let aik = match (&init.aik_certificate, &init.enrolment) {
            (Some(der), _) => Some(self.aik_of_certificate(der)?),
            (None, Some(sealed)) => Some(self.enrolment(sealed)?.aik_sha256()),
            (None, None) => None,
        };
        let challenge = self.message.state.random::<CHALLENGE_BYTES>()?;
        let context = ServiceContext::new(challenge, &self.provider(), self.message.now, aik);
        let (key, nonce) = self.sealing()?;
        let sealed = context.seal(key, nonce).ok_or_else(unsealed)?;
        Ok(Received::challenge_answer(form, &challenge, &sealed))
    }

    fn aik_of_certificate(&self, der: &[u8]) -> Result<Hex<32>, ApiError> {
        let (state, at) = (self.message.state, self.message.state.clock.appraisal_time());
        let cas = self.cas(der);
        let cas: Vec<&[u8]> = cas.iter().map(Certificate::der).collect();
        let verified = verify_aik_certificate(der, &cas, state.engine.tpm_anchors(), at);
        Ok(sha256(verified.map_err(refused)?.public_key().spki_der()))
    }

    /// CAs at hand that may stand above a certificate.
    fn cas(&self, der: &[u8]) -> Vec<Certificate> {
        let state = self.message.state;
        let at = state.clock.appraisal_time();
        let certificate = Certificate::parse_for_its_key(trim_padding(der)).ok();
        certificate.map_or_else(Vec::new, |certificate| {
            let asked = Asked::new(state.at_hand.snapshot());
            asked.tpm_cas(&TpmCasWanted { certificate: &certificate, at })
        })
    }

    /// Opens an enrolment; none counts where the operator switched enrolment off again.
    fn enrolment(&self, sealed: &str) -> Result<Enrolment, ApiError> {
        self.check_enrolment_is_on()?;
        let provider = self.provider();
        let expected = self.expected(&provider, self.enrolment_seconds());
        let enrolment = Enrolment::open(sealed, self.keys(), self.rules(), expected);
        let enrolment = enrolment.map_err(refused)?;
        enrolment.check_root(self.message.state.engine.tpm_anchors()).map_err(refused)?;
        Ok(enrolment)
    }

    /// Takes the answer to a challenge: it is appraised.
    fn request(&self, request: SignedRequest, form: Form) -> Result<Step, ApiError> {
        let provider = self.provider();
        let expected = self.expected(&provider, self.challenge_seconds());
        let context = ServiceContext::open(request.service_context(), self.keys(), expected);
        let context = context.map_err(refused)?;
        if self.message.state.tpm.is_answered(&context.challenge) {
            return Err(used());
        }
        let enrolment = request.enrolment().map(|sealed| self.enrolment(sealed)).transpose()?;
        let challenge = context.challenge.to_vec();
        let given_at = context.issued_at;
        let reply = Reply::Report { form, challenge: challenge.clone(), given_at };
        let appraisal = AppraisalRequest {
            kind: self.message.kind,
            evidence: request.into_text().into_bytes(),
            runtime_data: None,
            init_time_data: None,
            event_log: None,
            challenged: Some(Challenged { challenge, aik: context.aik, enrolment }),
            nonce: None,
            token_form: TokenForm::Current,
        };
        let request = AttestRequest { appraisal, draft_policy: None };
        Ok(Step::Appraise(Box::new(request), reply))
    }

    fn check_enrolment_is_on(&self) -> Result<(), ApiError> {
        if self.message.state.tpm.config().enrolment {
            return Ok(());
        }
        Err(ApiError::invalid_parameter(
            "tpm-enrolment-off: this service does not enrol machines; an AIK certificate is needed",
        ))
    }

    /// Gives a credential that only the TPM of the certificate opens, and only for that key.
    fn enroll(&self, enroll: &Enroll, form: Form) -> Result<String, ApiError> {
        self.check_enrolment_is_on()?;
        let state = self.message.state;
        let at = state.clock.appraisal_time();
        let cas = self.cas(&enroll.ek_certificate);
        let cas: Vec<&[u8]> = cas.iter().map(Certificate::der).collect();
        let mut fill = |bytes: &mut [u8]| state.fill_random(bytes).is_ok();
        let (rules, provider) = (self.rules(), self.provider());
        let anchors = state.engine.tpm_anchors();
        let offered = enroll.offer(anchors, &cas, rules, &provider, at, &mut fill);
        let (credential, pending) = offered.map_err(refused)?;
        let (key, nonce) = self.sealing()?;
        let pending = pending.issued_at(self.message.now);
        let context = pending.seal(key, nonce).ok_or_else(unsealed)?;
        Ok(Received::credential_answer(form, &credential, &context))
    }

    /// Takes what the credential held, and gives the enrolment.
    fn activate(&self, activate: &Activate, form: Form) -> Result<String, ApiError> {
        self.check_enrolment_is_on()?;
        let provider = self.provider();
        let expected = self.expected(&provider, self.challenge_seconds());
        let context = &activate.service_context;
        let pending = PendingEnrolment::open(context, self.keys(), self.rules(), expected);
        let pending = pending.map_err(refused)?;
        let now = self.message.now;
        let enrolment = pending.activate(&activate.secret, now).map_err(refused)?;
        let (key, nonce) = self.sealing()?;
        let sealed = enrolment.seal(key, nonce).ok_or_else(unsealed)?;
        let valid_until = now.saturating_add_seconds(self.enrolment_seconds());
        Ok(Received::enrolment_answer(form, &sealed, valid_until))
    }
}

/// A message that a check refused.
fn refused(error: impl FailedCheck) -> ApiError {
    AppraisalError::from(error).into()
}

fn used() -> ApiError {
    ApiError::invalid_parameter("tpm-context-used: this challenge was answered already")
}

fn unsealed() -> ApiError {
    tracing::error!("what a client is to keep cannot be sealed");
    crate::Fault::internal().into()
}
