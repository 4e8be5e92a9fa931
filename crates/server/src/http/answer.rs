//! One request: its body read within the limits, its handler called, its answer named.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;

use super::Limits;
use super::body::Budget;
use crate::state::AppState;
use crate::{ApiError, handlers};

/// Reads the body within its limits and hands the request to its handler; a panic becomes 500.
pub(super) async fn answer(
    state: &AppState,
    limits: Limits,
    bodies: &Budget,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let (body, _share) = match super::body::read(body, limits, bodies).await {
        Ok(read) => (Ok(read.bytes.clone()), Some(read)),
        Err(error) => (Err(error), None),
    };
    let task = AssertUnwindSafe(handlers::handle(state, &head, body));
    let response = futures_util::FutureExt::catch_unwind(task).await.unwrap_or_else(|_| {
        tracing::error!(path = head.uri.path(), "a handler panicked");
        ApiError::internal().into_response()
    });
    Ok(handlers::finish(state, &head, response))
}
