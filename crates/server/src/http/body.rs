//! A request body, read within its limits.

use axum::body::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Limits;
use crate::ApiError;

/// What all bodies together may take of memory, a permit a byte.
pub(super) type Budget = Semaphore;

/// A body and its share of the budget, given back when it is dropped.
pub(super) struct Read<'a> {
    pub(super) bytes: Bytes,
    _share: Option<SemaphorePermit<'a>>,
}

/// Reads the whole body.
///
/// A declared length over the limit is refused before anything is read.
///
/// # Errors
/// 413 over the limit, 408 if it does not arrive in time, 400 if it breaks off, 429 while other
/// bodies take all the memory there is for them.
pub(super) async fn read(
    body: Incoming,
    limits: Limits,
    budget: &Budget,
) -> Result<Read<'_>, ApiError> {
    let limit = limits.body_bytes_max;
    let declared = body.size_hint().lower();
    if usize::try_from(declared).is_ok_and(|declared| declared > limit) {
        return Err(ApiError::too_large(limit));
    }
    let reading = collect(body, limit, budget);
    match tokio::time::timeout(limits.request_timeout(), reading).await {
        Ok(read) => read,
        Err(_) => Err(ApiError::request_timeout()),
    }
}

async fn collect(mut body: Incoming, limit: usize, budget: &Budget) -> Result<Read<'_>, ApiError> {
    let mut chunks: Vec<Bytes> = Vec::new();
    let (mut length, mut share) = (0_usize, None::<SemaphorePermit<'_>>);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "request body broke off");
            ApiError::invalid_parameter("request-body: the body broke off")
        })?;
        let Ok(chunk) = frame.into_data() else { continue };
        length = length.saturating_add(chunk.len());
        if length > limit {
            return Err(ApiError::too_large(limit));
        }
        let more = u32::try_from(chunk.len()).ok().and_then(|n| budget.try_acquire_many(n).ok());
        let more = more.ok_or_else(|| ApiError::too_many_requests(1))?;
        match &mut share {
            Some(share) => share.merge(more),
            None => share = Some(more),
        }
        chunks.push(chunk);
    }
    // Most bodies come in one piece, which is passed on as it is.
    let bytes = match chunks.as_slice() {
        [one] => one.clone(),
        many => Bytes::from(many.concat()),
    };
    Ok(Read { bytes, _share: share })
}
