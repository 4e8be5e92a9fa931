//! Endorsements of vendors, in the words of Intel's and AMD's services.

use std::sync::Arc;
use std::time::Duration;

use avouch_endorsements::{MirrorAnswer, MirrorPath, MirrorRefusal, MirrorRequest};
use avouch_wire::UnixTime;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::collateral_server::CollateralServer;
use crate::state::AppState;
use crate::work::Work;
use crate::{ApiError, Fault, route};

/// The longest that an answer may be kept: so soon a CRL of today is seen by everybody.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Marks an answer with an endorsement in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served;

/// `GET` of anything that a vendor publishes. It is at hand, or it is fetched where that is allowed.
pub(super) async fn get(
    state: &AppState,
    head: &Parts,
    path: &MirrorPath,
    work: Work<'_>,
) -> Result<Response<Body>, ApiError> {
    let server = state.collateral_server.as_ref();
    let server = server.ok_or_else(|| route::no_route(head.uri.path()))?;
    let request = path.request(head.uri.query()).map_err(|refusal| match refusal {
        MirrorRefusal::NotServed(_) => Fault::not_found(refusal.to_string()).into(),
        MirrorRefusal::Query(_) => ApiError::invalid_parameter(refusal.to_string()),
    })?;
    let at = state.clock.appraisal_time();
    if let Some(answer) = at_hand(server, request, at, work).await? {
        return response(head, answer);
    }
    server.fetch(request.name, state.clock.now()).await?;
    let answer = at_hand(server, request, at, work).await?.ok_or_else(|| {
        Fault::unavailable(format!("What is at hand of {} is not in force.", request.name))
    })?;
    response(head, answer)
}

/// What is at hand and in force.
async fn at_hand(
    server: &CollateralServer,
    request: MirrorRequest,
    at: UnixTime,
    work: Work<'_>,
) -> Result<Option<MirrorAnswer>, ApiError> {
    let source = Arc::clone(server.source());
    let answer = move || {
        let published = source.at_hand(&request.name, at)?;
        request.answer(&published, at, MAX_AGE)
    };
    work.run(move || Ok(answer())).await
}

fn response(head: &Parts, answer: MirrorAnswer) -> Result<Response<Body>, ApiError> {
    let is_known = knows(head, &answer.etag);
    let mut response = Response::new(Body::empty());
    let text = |text: String| HeaderValue::try_from(text).map_err(|error| super::internal(&error));
    let headers = response.headers_mut();
    let max_age = format!("public, max-age={}", answer.max_age.as_secs());
    headers.insert(header::CACHE_CONTROL, text(max_age)?);
    headers.insert(header::ETAG, text(answer.etag)?);
    if let Some((name, chain)) = answer.issuer_chain {
        let name = HeaderName::try_from(name).map_err(|error| super::internal(&error))?;
        headers.insert(name, text(chain)?);
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        *response.body_mut() = Body::from(Bytes::copy_from_slice(&answer.body));
    }
    response.extensions_mut().insert(Served);
    Ok(response)
}

/// Whether a client has this version already.
pub(super) fn knows(head: &Parts, etag: &str) -> bool {
    let known = head.headers.get_all(header::IF_NONE_MATCH).iter();
    let tags = known.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
