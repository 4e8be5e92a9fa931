//! A request body, read within its limits.

use axum::body::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use super::Limits;
use crate::ApiError;

/// Reads the whole body.
///
/// A declared length over the limit is refused before anything is read.
///
/// # Errors
/// 413 over the limit, 408 if it does not arrive in time, 400 if it breaks off.
pub(super) async fn read(body: Incoming, limits: Limits) -> Result<Bytes, ApiError> {
    let limit = limits.body_bytes_max;
    let declared = body.size_hint().lower();
    if usize::try_from(declared).is_ok_and(|declared| declared > limit) {
        return Err(ApiError::too_large(limit));
    }
    let collecting = Limited::new(body, limit).collect();
    match tokio::time::timeout(limits.request_timeout(), collecting).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large(limit)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "request body broke off");
            Err(ApiError::invalid_parameter("request-body: the body broke off"))
        }
        Err(_) => Err(ApiError::request_timeout()),
    }
}
