//! A request body: read within its limits, and not before somebody asks for it.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::ApiError;

/// What all bodies together may take of memory, a permit a byte.
pub(super) type Budget = Semaphore;

/// A body that has not been read: who sends it may not have the right to be listened to.
pub(crate) struct UnreadBody {
    incoming: Option<Incoming>,
    limits: Limits,
    budget: Arc<Budget>,
}

/// A body and its share of the budget, given back when it is dropped.
pub(crate) struct ReadBody {
    bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl Deref for ReadBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl UnreadBody {
    pub(super) const fn new(incoming: Incoming, limits: Limits, budget: Arc<Budget>) -> Self {
        Self { incoming: Some(incoming), limits, budget }
    }

    /// Reads the whole body.
    ///
    /// A declared length over the limit is refused before anything is read.
    ///
    /// # Errors
    /// 413 over the limit, 408 if it does not arrive in time, 400 if it breaks off, 429 while
    /// other bodies take all the memory there is for them.
    pub(crate) async fn read(mut self) -> Result<ReadBody, ApiError> {
        let incoming = self.incoming.take().ok_or_else(ApiError::internal)?;
        let limit = self.limits.body_bytes_max;
        if is_declared_over(&incoming, limit) {
            return Err(ApiError::too_large(limit));
        }
        let reading = collect(incoming, limit, &self.budget);
        match tokio::time::timeout(self.limits.request_timeout(), reading).await {
            Ok(read) => read,
            Err(_) => Err(ApiError::request_timeout()),
        }
    }
}

impl Drop for UnreadBody {
    /// Takes from the connection what was not asked for, and keeps none of it: who is still sending
    /// would otherwise see the connection break instead of the answer.
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take() else { return };
        if incoming.is_end_stream() || is_declared_over(&incoming, self.limits.body_bytes_max) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(discard(incoming, self.limits));
        }
    }
}

fn is_declared_over(incoming: &Incoming, limit: usize) -> bool {
    let declared = incoming.size_hint().lower();
    usize::try_from(declared).map_or(true, |declared| declared > limit)
}

async fn discard(mut incoming: Incoming, limits: Limits) {
    let discarding = async {
        let mut length = 0_usize;
        while let Some(Ok(frame)) = incoming.frame().await {
            length = length.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if length > limits.body_bytes_max {
                return;
            }
        }
    };
    // Whoever is not done by then sees the connection end.
    let _ = tokio::time::timeout(limits.request_timeout(), discarding).await;
}

async fn collect(
    mut body: Incoming,
    limit: usize,
    budget: &Arc<Budget>,
) -> Result<ReadBody, ApiError> {
    let mut chunks: Vec<Bytes> = Vec::new();
    let (mut length, mut share) = (0_usize, None::<OwnedSemaphorePermit>);
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
        let permits = u32::try_from(chunk.len()).ok();
        let more = permits.and_then(|n| Arc::clone(budget).try_acquire_many_owned(n).ok());
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
    Ok(ReadBody { bytes, _share: share })
}
