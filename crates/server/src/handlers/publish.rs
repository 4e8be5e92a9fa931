//! What anybody may read: signing certificates, metadata, health.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode, header};

use super::{collateral, internal};
use crate::provider::ProviderIdentity;
use crate::publication::Document;
use crate::readiness::{self, Abilities, Purpose};
use crate::route::Published;
use crate::state::AppState;
use crate::{ApiError, Fault, metrics, respond};

/// Media types of what the publisher says.
const JOSE: HeaderValue = HeaderValue::from_static("application/jose");
const COSE: HeaderValue = HeaderValue::from_static("application/cose; cose-type=\"cose-sign1\"");
/// So long caches give them without a question.
const FOR_A_MINUTE: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// What a provider publishes.
pub(super) async fn document(
    state: &AppState,
    head: &Parts,
    identity: &Arc<ProviderIdentity>,
    document: Published,
) -> Result<Response<Body>, ApiError> {
    match document {
        Published::SigningCertificates => {
            let published = state.providers.published_keys(identity).await?;
            Ok(respond::json(StatusCode::OK, published.document().clone()))
        }
        Published::OpenIdConfiguration => {
            Ok(respond::json(StatusCode::OK, identity.openid_configuration()))
        }
        Published::Measurements => {
            let documents = state.publication.get();
            of_publisher(head, documents.measurements(), JOSE, "list of measurements")
        }
        Published::Statement => {
            of_publisher(head, state.publication.get().statement(), COSE, "statement")
        }
    }
}

/// What the publisher of the service's code says, as it is: the same at every provider. Who has it already is not
/// sent it again.
fn of_publisher(
    head: &Parts,
    document: Option<&Document>,
    media_type: HeaderValue,
    what: &str,
) -> Result<Response<Body>, ApiError> {
    let Some(document) = document else {
        let text = format!("This service hands out no {what}: its operator has named no file.");
        return Err(Fault::not_found(text).into());
    };
    let etag = HeaderValue::try_from(document.etag()).map_err(|error| internal(&error))?;
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(header::ETAG, etag);
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_A_MINUTE);
    if collateral::knows(head, document.etag()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        *response.body_mut() = Body::from(document.bytes().clone());
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use axum::http::{Request, StatusCode, header};

    use super::{COSE, of_publisher};
    use crate::config::PublicationConfig;
    use crate::publication::Documents;

    #[test]
    fn who_has_a_document_is_not_sent_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statement");
        let read = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            let statement = Some(path.clone());
            Documents::read(&PublicationConfig { measurements: None, statement }).unwrap()
        };
        let asked = |documents: &Documents, known: Option<&str>| {
            let mut request = Request::new(());
            if let Some(known) = known {
                request.headers_mut().insert(header::IF_NONE_MATCH, known.parse().unwrap());
            }
            let head = request.into_parts().0;
            of_publisher(&head, documents.statement(), COSE, "statement").unwrap()
        };
        let (first, second) = (read(b"\xd2\x84"), read(b"\xd2\x85"));
        let whole = asked(&first, None);
        assert_eq!(whole.status(), StatusCode::OK);
        assert_eq!(whole.headers()[header::CACHE_CONTROL], "public, max-age=60");
        let etag = whole.headers()[header::ETAG].to_str().unwrap().to_owned();
        for (documents, known, expected) in [
            (&first, etag.clone(), StatusCode::NOT_MODIFIED),
            (&first, format!("\"x\", W/{etag}"), StatusCode::NOT_MODIFIED),
            (&first, "\"x\"".to_owned(), StatusCode::OK),
            (&second, etag, StatusCode::OK),
        ] {
            let answer = asked(documents, Some(&known));
            assert_eq!(answer.status(), expected, "{known}");
            let has_type = answer.headers().contains_key(header::CONTENT_TYPE);
            assert_eq!(has_type, expected == StatusCode::OK);
            assert!(answer.headers().contains_key(header::ETAG));
        }
    }
}
