//! `POST /avouch/token-exchange`: a short token for one audience, for an attestation token or evidence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use avouch_store::{Actor, ActorKind, AuditOutcome, NewAuditEntry};
use avouch_token::{Expectations, Payload, TokenKind, VerifiedToken, VerifyError, verify_token};
use avouch_wire::{EvidenceKind, FailedCheck as _, Hex, UnixTime, base64url};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};

use super::access::Authorized;
use super::{attest, internal};
use crate::config::ProviderExchange;
use crate::http::{ReadBody, UnreadBody};
use crate::token_exchange::{
    ExchangeRefused, ExchangeRequest, JWT, ShortToken, Subject, short_token,
};
use crate::{ApiError, Fault, Provider, respond};

/// What the audit trail calls it.
const ACTION: &str = "token-exchange";
/// How long an answer waits for its entry in the audit trail.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

/// A short token as it goes out.
struct Issued {
    short: ShortToken,
    compact: String,
    /// Its `jti`.
    id: String,
}

/// Answers a request for a short token. Each one is in the audit trail before it goes out; so is the refusal of
/// a token that is the provider's own.
pub(super) async fn exchange(
    request: &Authorized<'_>,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    let exchange = request.state.token_exchange.of(request.provider.name()).ok_or_else(|| {
        Fault::not_found(
            "This attestation provider exchanges no tokens: its operator has not switched it on.",
        )
    })?;
    let body = body.read().await?;
    let asked = match ExchangeRequest::parse(&body) {
        Ok(asked) => asked,
        Err(refused) => return Ok(refusal(&refused)),
    };
    let Some(rule) = exchange.rule(&asked.audience) else {
        let refused = ExchangeRefused::target("the operator has not allowed this audience");
        return Ok(refusal(&refused));
    };
    let compact = match asked.subject {
        Subject::Token(compact) => compact,
        Subject::Evidence { kind, body: encoded } => {
            match attested(request, kind, body, &encoded).await? {
                Ok(compact) => compact,
                Err(refused) => return Ok(refusal(&refused)),
            }
        }
    };
    let now = request.state.clock.now();
    let provider = Arc::clone(request.provider);
    let verified =
        request.work.run(move || Ok::<_, ApiError>(verify(&compact, &provider, now))).await?;
    let token = match verified? {
        Ok(token) => token,
        Err(refused) => return Ok(refusal(&refused)),
    };
    let trail = Trail { request, token: &token, audience: &rule.audience, now };
    trail.admit()?;
    match short_token(&token, exchange, rule, now) {
        Err(refused) => {
            trail.write(AuditOutcome::Refused, &refused.description, None).await?;
            Ok(refusal(&refused))
        }
        Ok(short) => {
            let issued = sign(request, short).await?;
            trail.write(AuditOutcome::Succeeded, &issued.short.subject, Some(&issued)).await?;
            Ok(answer(&issued))
        }
    }
}

/// The attestation token that evidence gets, or why it gets none: its own refusal is told as the attest route
/// tells it.
async fn attested(
    request: &Authorized<'_>,
    kind: EvidenceKind,
    form: ReadBody,
    encoded: &str,
) -> Result<Result<String, ExchangeRefused>, ApiError> {
    let Ok(bytes) = base64url::decode(encoded) else {
        return Ok(Err(ExchangeRefused::request("subject_token is no base64url")));
    };
    let body = Arc::new(attest::Sent::decoded(form, bytes));
    let answer = match attest::attest_sent(request, kind, &body).await {
        Ok(answer) => answer,
        Err(error) if error.status() == StatusCode::BAD_REQUEST => {
            let text = format!("the evidence gets no token: {}", error.message());
            return Ok(Err(ExchangeRefused::request(text)));
        }
        Err(error) => return Err(error),
    };
    let answer = answer.into_body().collect().await.map_err(|error| internal(&error))?.to_bytes();
    let answer: Value = serde_json::from_slice(&answer).map_err(|error| internal(&error))?;
    let token = answer.get("token").and_then(Value::as_str).unwrap_or_default();
    Ok(Ok(token.to_owned()))
}

/// An attestation token or a report of this very provider, in force.
fn verify(
    compact: &str,
    provider: &Provider,
    now: UnixTime,
) -> Result<Result<VerifiedToken, ExchangeRefused>, ApiError> {
    let keys = provider.identity().key_set().map_err(|error| internal(&error))?;
    let of_kind = |kind| {
        let issuer = Some(provider.issuer().issuer().to_owned());
        let expectations = Expectations { issuer, kind, ..Expectations::at(now) };
        verify_token(compact, &keys, &expectations).into_verified()
    };
    let verified = match of_kind(TokenKind::Attestation) {
        Err(VerifyError::KeyForOtherKind { .. }) => of_kind(TokenKind::Report),
        other => other,
    };
    Ok(verified.map_err(|error| {
        ExchangeRefused::request(format!(
            "the subject token is refused: {}: {error}",
            error.check()
        ))
    }))
}

async fn sign(request: &Authorized<'_>, short: ShortToken) -> Result<Issued, ApiError> {
    let id = Hex(request.state.random::<32>()?);
    let provider = Arc::clone(request.provider);
    let sign = move || {
        let payload = Payload::new(&short.claims, short.times).map_err(|error| internal(&error))?;
        let compact = provider.issuer().sign(&payload.with_id(id));
        let compact = compact.map_err(|error| internal(&error))?;
        Ok::<_, ApiError>(Issued { compact, id: id.to_string(), short })
    };
    request.work.run(sign).await
}

/// What the audit trail is told of an exchange.
struct Trail<'a> {
    request: &'a Authorized<'a>,
    token: &'a VerifiedToken,
    audience: &'a str,
    now: UnixTime,
}

impl Trail<'_> {
    /// The `jti` of the token that is exchanged; every token of ours has one.
    fn token_id(&self) -> &str {
        self.token.claims().get("jti").and_then(Value::as_str).unwrap_or("absent")
    }

    /// One token is exchanged some times at once, and then one time in a while: each time is an entry.
    fn admit(&self) -> Result<(), ApiError> {
        let actor = self.actor(self.token_id())?;
        match self.request.state.exchanges.admit(&actor, Instant::now()) {
            Some(_) => Ok(()),
            None => Err(Fault::too_many_requests(10).into()),
        }
    }

    fn actor(&self, name: &str) -> Result<Actor, ApiError> {
        Ok(Actor::new(ActorKind::ManagedIdentity, name)?)
    }

    async fn write(
        &self,
        outcome: AuditOutcome,
        said: &str,
        issued: Option<&Issued>,
    ) -> Result<(), ApiError> {
        let mut details = Map::new();
        let mut tell = |name: &str, value: Value| {
            details.insert(name.to_owned(), value);
        };
        tell("audience", self.audience.into());
        tell("attestationTokenId", self.token_id().into());
        let attested = self.token.claims().get("x-ms-attestation-type");
        tell("attestedType", attested.cloned().unwrap_or_default());
        let actor = match issued {
            Some(issued) => {
                tell("tokenId", issued.id.as_str().into());
                tell("expiresAt", issued.short.times.expires_at().to_rfc3339().into());
                self.actor(said)?
            }
            None => {
                tell("message", said.into());
                self.actor(self.token_id())?
            }
        };
        let provider = &self.request.provider.tenant().provider;
        let entry = NewAuditEntry {
            at: self.now,
            actor,
            action: ACTION.to_owned(),
            outcome,
            provider: Some((provider.id, provider.name.clone())),
            details,
        };
        let entries = [entry];
        let store = self.request.state.providers.store();
        match tokio::time::timeout(WRITTEN_WITHIN, store.append_audit(&entries)).await {
            Ok(written) => Ok(written.map(drop)?),
            Err(_) => Err(Fault::unavailable("The audit trail does not answer in time.").into()),
        }
    }
}

/// RFC 8693, section 2.2.1. The token is none for access to this service.
fn answer(issued: &Issued) -> Response<Body> {
    let body = json!({
        "access_token": issued.compact,
        "issued_token_type": JWT,
        "token_type": "N_A",
        "expires_in": issued.short.times.lifetime_seconds,
    });
    unstored(respond::json(StatusCode::OK, body.to_string()))
}

/// RFC 6749, section 5.2.
fn refusal(refused: &ExchangeRefused) -> Response<Body> {
    // Characters that an error_description may have.
    let allowed = |one: char| match one {
        '"' | '\\' => '\'',
        ' '..='~' => one,
        _ => '?',
    };
    let description: String = refused.description.chars().take(1000).map(allowed).collect();
    let body = json!({ "error": refused.error, "error_description": description });
    unstored(respond::json(StatusCode::BAD_REQUEST, body.to_string()))
}

fn unstored(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Which providers exchange tokens.
#[derive(Debug, Clone, Default)]
pub struct TokenExchanges(crate::config::TokenExchangeConfig);

impl TokenExchanges {
    /// Those of a configuration that was loaded.
    #[must_use]
    pub const fn new(config: crate::config::TokenExchangeConfig) -> Self {
        Self(config)
    }

    fn of(&self, provider: &str) -> Option<&ProviderExchange> {
        self.0.providers.get(provider)
    }
}
