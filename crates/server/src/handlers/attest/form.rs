//! What the attest route of a kind reads and answers: one form a kind.

use avouch_engine::{ClaimValue, Permitted, TokenClaims, VerifiedFacts, VerifierId};
use avouch_token::{Payload, PayloadValue, ShownCertificate, TokenFormat, TokenTimes};
use avouch_tpm::protocol::Form;
use avouch_wire::{EvidenceKind, Hex, UnixTime};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Map, Value};

use super::super::internal;
use super::guest::SealedToken;
use super::tpm::TpmProtocol;
use crate::api_version::ApiVersion;
use crate::attest_request::AttestRequest;
use crate::state::AppState;
use crate::{ApiError, Fault, Provider, respond};

/// A message that a client sends to an attest route.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) state: &'a AppState,
    pub(super) provider: &'a Provider,
    /// When it came.
    pub(super) now: UnixTime,
    pub(super) kind: EvidenceKind,
    pub(super) version: ApiVersion,
    pub(super) body: &'a [u8],
}

/// What a message asks for.
pub(super) enum Step {
    /// The evidence is whole: it is appraised, and answered so.
    Appraise(Box<AttestRequest>, Reply),
    /// More messages are to come: this is the service's next one. What it must remember is for the
    /// message to carry: an instance keeps nothing of a conversation.
    Converse(Value),
}

/// How evidence that is permitted is answered.
pub(super) enum Reply {
    /// With a token.
    Token,
    /// With a report of the TPM protocol, in the form of the request, once for each challenge.
    Report { form: Form, challenge: Vec<u8>, given_at: UnixTime },
}

impl Reply {
    /// When the challenge was given that the evidence answers: the evidence was made after that.
    pub(super) const fn challenged_at(&self) -> Option<UnixTime> {
        match self {
            Self::Token => None,
            Self::Report { given_at, .. } => Some(*given_at),
        }
    }
}

/// Evidence that was permitted.
pub(super) struct Issue<'a> {
    pub(super) state: &'a AppState,
    pub(super) provider: &'a Provider,
    pub(super) permitted: &'a Permitted,
    /// What was proven: an answer may be sealed to a key in it.
    pub(super) facts: &'a dyn VerifiedFacts,
    pub(super) reply: &'a Reply,
    /// In which format it is to be said.
    pub(super) format: TokenFormat,
    pub(super) kind: EvidenceKind,
    /// When it was appraised.
    pub(super) at: UnixTime,
    /// Whether a draft policy permitted it: then nothing is signed.
    pub(super) is_draft: bool,
}

impl Issue<'_> {
    /// An attestation token, signed or unsecured, or an attestation result.
    ///
    /// # Errors
    /// 500.
    pub(super) fn token(&self) -> Result<String, ApiError> {
        self.token_of(self.permitted.token_claims())
    }

    /// The same of these claims of a token.
    ///
    /// # Errors
    /// 500.
    pub(super) fn token_of(&self, claims: &TokenClaims) -> Result<String, ApiError> {
        let &Issue { state, provider, permitted, format, is_draft, .. } = self;
        let times = TokenTimes::attestation(state.clock.now());
        let id = Hex(state.random::<32>()?);
        let result = self.result_of(claims);
        let payload = payload(claims, result.as_ref(), times)?.with_id(id);
        let payload = match permitted.integer_nonce() {
            Some(nonce) => payload.with_integer_nonce(nonce),
            None => payload,
        };
        if is_draft {
            return Ok(provider.issuer().unsecured(&payload));
        }
        Ok(provider.issuer().sign_as(format, &payload).map_err(|error| internal(&error))?)
    }

    /// A report of a TPM or an enclave: signed by the key for reports, with that key's certificates in
    /// the header, or with the hash of its own if the policy wants it short.
    ///
    /// # Errors
    /// 500.
    pub(super) fn report(&self, times: TokenTimes) -> Result<String, ApiError> {
        let &Issue { state, provider, permitted, format, .. } = self;
        let claims = permitted.token_claims();
        let result = self.result_of(claims);
        let payload = payload(claims, result.as_ref(), times)?.with_id(Hex(state.random::<20>()?));
        let certificates =
            provider.identity().report_certificates().map_err(|error| internal(&error))?;
        let shown = match permitted.omits_x5c() {
            true => ShownCertificate::Thumbprint,
            false => ShownCertificate::Whole,
        };
        let issuer = provider.report_issuer();
        let report = issuer.sign_with_certificates(format, &payload, certificates, shown);
        Ok(report.map_err(|error| internal(&error))?)
    }

    /// The attestation result of these claims, if that is asked for.
    fn result_of(&self, claims: &TokenClaims) -> Option<Map<String, Value>> {
        let is_asked = self.format == TokenFormat::AttestationResult;
        is_asked.then(|| self.permitted.attestation_result(VERIFIER, claims.to_object()))
    }
}

/// What is signed: the result, or the claims themselves.
fn payload<'a>(
    claims: &'a TokenClaims,
    result: Option<&'a Map<String, Value>>,
    times: TokenTimes,
) -> Result<Payload<'a>, Fault> {
    let payload = match result {
        Some(result) => Payload::new(result, times),
        None => Payload::of(claims.iter().map(|(name, value)| (name, written(value))), times),
    };
    payload.map_err(|error| internal(&error))
}

fn written(value: &ClaimValue) -> PayloadValue<'_> {
    match value {
        ClaimValue::String(text) => PayloadValue::Text(text),
        ClaimValue::Integer(integer) => PayloadValue::Integer(*integer),
        ClaimValue::Boolean(boolean) => PayloadValue::Boolean(*boolean),
        ClaimValue::Json(json) => PayloadValue::Canonical(json.as_str()),
    }
}

/// This program.
const VERIFIER: VerifierId<'_> =
    VerifierId { developer: "avouch", build: concat!("avouch ", env!("CARGO_PKG_VERSION")) };

/// How a kind's route speaks.
pub(super) trait AttestForm: Sync {
    /// Reads a message.
    ///
    /// # Errors
    /// 400 naming what is wrong with it.
    fn read(&self, message: &Message<'_>) -> Result<Step, ApiError>;

    /// Writes the answer to evidence that was permitted.
    ///
    /// # Errors
    /// 500.
    fn answer(&self, issue: &Issue<'_>) -> Result<Response<Body>, ApiError>;
}

/// The form of a kind, if this build appraises it.
pub(super) fn form_of(kind: EvidenceKind) -> Option<&'static dyn AttestForm> {
    match kind {
        EvidenceKind::Sgx | EvidenceKind::OpenEnclave | EvidenceKind::Tdx | EvidenceKind::Snp => {
            Some(&OneMessage)
        }
        EvidenceKind::Tpm => Some(&TpmProtocol),
        EvidenceKind::AzureGuest => Some(&SealedToken),
        _ => None,
    }
}

/// One message with all evidence; the answer is an attestation token: signed, or unsecured where a
/// draft policy was sent along.
pub(super) struct OneMessage;

impl AttestForm for OneMessage {
    fn read(&self, message: &Message<'_>) -> Result<Step, ApiError> {
        let &Message { kind, version, body, .. } = message;
        let request = AttestRequest::parse(kind, version, body)?;
        Ok(Step::Appraise(Box::new(request), Reply::Token))
    }

    fn answer(&self, issue: &Issue<'_>) -> Result<Response<Body>, ApiError> {
        Ok(respond::token(&issue.token()?))
    }
}
