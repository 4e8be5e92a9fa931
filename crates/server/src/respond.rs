//! Answers in MAA's form.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

/// The content type of everything that MAA answers, `/certs` included.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer with a JSON body.
#[must_use]
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// `200` with `{"token": "..."}`. A compact token needs no escaping.
#[must_use]
pub fn token(compact: &str) -> Response<Body> {
    json(StatusCode::OK, ["{\"token\":\"", compact, "\"}"].concat())
}

/// `200` with metrics in OpenMetrics' text form.
#[must_use]
pub fn open_metrics(body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(form));
    response
}

/// `200` with plain text.
#[must_use]
pub fn text(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
