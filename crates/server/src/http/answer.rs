//! One request: its handler called, who reads the body if it wants it, and its answer named.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;

use super::Limits;
use super::body::{Budget, UnreadBody};
use crate::state::AppState;
use crate::{ApiError, handlers};

/// Hands a request to its handler; a panic becomes 500.
pub(super) async fn answer(
    state: &Arc<AppState>,
    limits: Limits,
    bodies: &Arc<Budget>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = UnreadBody::new(body, limits, Arc::clone(bodies));
    let task = AssertUnwindSafe(handlers::handle(state, &head, body));
    let response = futures_util::FutureExt::catch_unwind(task).await.unwrap_or_else(|_| {
        tracing::error!(path = head.uri.path(), "a handler panicked");
        ApiError::internal().into_response()
    });
    Ok(handlers::finish(state, &head, response))
}
