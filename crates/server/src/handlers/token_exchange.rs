//! `POST /avouch/token-exchange`: a short token for one audience, for an attestation token or evidence.

mod trail;

use std::sync::Arc;

use avouch_token::{
    Expectations, Jwks, Payload, TokenFormat, TokenKind, VerifiedToken, VerifyError, verify_token,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, Hex, UnixTime, base64url};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use trail::Trail;

use super::access::Authorized;
use super::{attest, internal};
use crate::config::ProviderExchange;
use crate::error::Said;
use crate::http::{ReadBody, UnreadBody};
use crate::token_exchange::{
    Exchange, ExchangeRefused, ExchangeRequest, JWT, ShortToken, Subject, short_token,
};
use crate::{ApiError, Fault, Provider, respond};

pub(crate) use trail::ExchangeCounts;

/// How far the clocks of instances may differ, in seconds: what one issued just now another exchanges.
const CLOCKS_SECONDS: u32 = 60;

/// How the refusal of a token begins.
const REFUSED: &str = "the subject token is refused: ";

/// A short token as it goes out.
struct Issued {
    short: ShortToken,
    compact: String,
    /// Its `jti`.
    id: String,
}

/// Answers a request for a short token. Each one is in the audit trail before it goes out; so is the refusal of
/// a token that is the provider's own, if its sender shows who he is.
pub(super) async fn exchange(
    request: &Authorized<'_>,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    let provider_since = request.provider.tenant().provider.created_at;
    let exchange = request.state.token_exchange.of(request.provider.name()).ok_or_else(|| {
        Fault::not_found(
            "This attestation provider exchanges no tokens: its operator has not switched it on.",
        )
    })?;
    // Another one of that name was meant: whoever made this anew has other policies.
    if !exchange.means_one_made_at(provider_since) {
        return Err(Fault::not_found(
            "This attestation provider exchanges no tokens: its operator has switched it on for one of this \
             name that was made earlier.",
        )
        .into());
    }
    let body = body.read().await?;
    let read = move || Ok::<_, ApiError>((ExchangeRequest::parse(&body), body));
    let (asked, body) = request.work.run(read).await?;
    let asked = match asked {
        Ok(asked) => asked,
        Err(refused) => return Ok(refusal(&refused)),
    };
    let Some(rule) = exchange.rule(&asked.audience) else {
        let refused = ExchangeRefused::target("the operator has not allowed this audience");
        return Ok(refusal(&refused));
    };
    let is_evidence = matches!(asked.subject, Subject::Evidence { .. });
    let compact = match asked.subject {
        Subject::Token(compact) => compact,
        Subject::Evidence { kind, body: encoded } => {
            match attested(request, kind, body, encoded).await? {
                Ok(compact) => compact,
                Err(refused) => return Ok(refusal(&refused)),
            }
        }
    };
    let now = request.state.clock.now();
    let provider = Arc::clone(request.provider);
    let may_sign = request.state.providers.keys().unusable().is_none();
    let verified = move || {
        let keys = provider.identity().key_set(may_sign).map_err(|error| internal(&error))?;
        Ok::<_, ApiError>(verify(&compact, &provider, &keys, now))
    };
    let token = match request.work.run(verified).await? {
        Ok(token) => token,
        Err(refused) => return Ok(refusal(&refused)),
    };
    let asked = Exchange { token: &token, is_evidence, exchange, rule, provider_since, now };
    let trail = Trail { request, asked };
    match short_token(asked) {
        Err(refused) => {
            trail.refused(&refused).await?;
            Ok(refusal(&refused))
        }
        Ok(short) => {
            trail.admit(&short.subject)?;
            let issued = sign(request, short).await?;
            trail.given(&issued).await?;
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
    encoded: String,
) -> Result<Result<String, ExchangeRefused>, ApiError> {
    let decode = move || Ok::<_, ApiError>(base64url::decode(&encoded));
    let Ok(bytes) = request.work.run(decode).await? else {
        return Ok(Err(ExchangeRefused::request("subject_token is no base64url")));
    };
    let body = Arc::new(attest::Sent::decoded(form, bytes));
    let answer = match attest::attest_sent(request, kind, TokenFormat::Token, &body).await {
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
    keys: &Jwks,
    now: UnixTime,
) -> Result<VerifiedToken, ExchangeRefused> {
    let of_kind = |kind| {
        let issuer = Some(provider.issuer().issuer().to_owned());
        let slack_seconds = CLOCKS_SECONDS;
        let expectations = Expectations { issuer, kind, slack_seconds, ..Expectations::at(now) };
        verify_token(compact, keys, &expectations).into_verified()
    };
    let verified = match of_kind(TokenKind::Attestation) {
        Err(VerifyError::KeyForOtherKind { .. }) => of_kind(TokenKind::Report),
        other => other,
    };
    verified
        .map_err(|error| ExchangeRefused::request(format!("{REFUSED}{}: {error}", error.check())))
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
    let mut response = unstored(respond::json(StatusCode::BAD_REQUEST, body.to_string()));
    // The check first, if one is named.
    let why = refused.description.strip_prefix(REFUSED).unwrap_or(&refused.description);
    response.extensions_mut().insert(Said::new(refused.error, why));
    response
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
