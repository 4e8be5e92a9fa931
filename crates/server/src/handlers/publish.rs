//! What anybody may read: signing certificates, metadata, health.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;

use super::internal;
use crate::provider::ProviderIdentity;
use crate::readiness::{self, Abilities, Purpose};
use crate::route::Published;
use crate::state::AppState;
use crate::{ApiError, Fault, metrics, respond};

/// Media types of what the publisher says.
const JOSE: HeaderValue = HeaderValue::from_static("application/jose");
const COSE: HeaderValue = HeaderValue::from_static("application/cose; cose-type=\"cose-sign1\"");

/// What a provider publishes.
pub(super) fn document(
    state: &AppState,
    identity: &ProviderIdentity,
    document: Published,
) -> Result<Response<Body>, ApiError> {
    let text = match document {
        Published::SigningCertificates => {
            identity.signing_certificates().map_err(|error| internal(&error))?.to_owned()
        }
        Published::OpenIdConfiguration => identity.openid_configuration(),
        Published::Measurements => {
            return of_publisher(
                state.publication.get().measurements(),
                JOSE,
                "list of measurements",
            );
        }
        Published::Statement => {
            return of_publisher(state.publication.get().statement(), COSE, "statement");
        }
    };
    Ok(respond::json(StatusCode::OK, text))
}

/// What the publisher of the service's code says, as it is: the same at every provider.
fn of_publisher(
    document: Option<&Bytes>,
    media_type: HeaderValue,
    what: &str,
) -> Result<Response<Body>, ApiError> {
    let Some(bytes) = document.cloned() else {
        let text = format!("This service hands out no {what}: its operator has named no file.");
        return Err(Fault::not_found(text).into());
    };
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

/// `GET /healthz`: the process answers.
pub(super) fn alive() -> Response<Body> {
    respond::text(StatusCode::OK, "ok\n")
}

/// `GET /readyz`: it may serve; the body says what is missing for which kind of evidence.
///
/// Missing endorsements are told but do not make it unready: other kinds are served. Without its
/// database it is unready, although attestation goes on with what is in memory; who wants it for one
/// of the two asks with `for=attest` or `for=administer`.
pub(super) fn ready(state: &AppState, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let purpose = Purpose::from_query(query)?;
    let abilities = Abilities::of(state);
    let status = if abilities.suffice_for(purpose) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok(respond::json(status, readiness::report(state, abilities).to_string()))
}

/// `GET /metrics`: the numbers of that report, for Prometheus.
pub(super) fn metrics(state: &AppState) -> Result<Response<Body>, ApiError> {
    let report = readiness::report(state, Abilities::of(state));
    let text = metrics::text(report).map_err(|error| internal(&error))?;
    Ok(respond::open_metrics(text))
}
