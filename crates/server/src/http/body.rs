//! A request body, read within its limits while its request is being answered.

use std::ops::Deref;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::oneshot;

use super::Limits;
use super::memory::Share;
use crate::error::Fault;
use crate::route::vault::VaultOperation;
use crate::route::{Endpoint, Target};

/// Pieces that a body may come in: chunks of HTTP/1.1, frames of HTTP/2. Each costs some
/// instructions however small it is; clients send some thousand bytes in each.
const PIECES_MAX: usize = 16 * 1024;
/// What is set aside for a body when its first byte arrives.
const BEGINNING_BYTES: usize = 4096;
/// What is made of a body beside itself, in times its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct MadeOfIt(usize);

impl MadeOfIt {
    /// Its JSON values, and the evidence in them decoded.
    pub(super) const JSON: Self = Self(2);
    /// JSON in JSON in JSON, each in base64: texts and values of two of them, and the logs in the innermost.
    pub(super) const NESTED: Self = Self(4);

    /// What is made of the bodies of requests to an endpoint.
    pub(super) const fn by(target: Option<&Target>) -> Self {
        match target {
            Some(Target::Provider {
                endpoint: Endpoint::Attest(kind) | Endpoint::AttestResult(kind),
                ..
            }) if kind.has_nested_evidence() => Self::NESTED,
            // A token is JSON in base64 in JSON, and is read several times.
            Some(Target::Vault(VaultOperation::Release(_))) => Self::NESTED,
            // A form around a token or evidence, which is decoded once more.
            Some(Target::Provider { endpoint: Endpoint::TokenExchange, .. }) => Self::NESTED,
            _ => Self::JSON,
        }
    }
}
/// How long an answer waits for the end of a body that nobody asked for, so that the connection is
/// ready for the next request.
const DISCARD: Duration = Duration::from_secs(1);

/// A body that is on its way. Dropped, the rest of it is thrown away as it comes.
pub(crate) struct UnreadBody(oneshot::Receiver<Result<ReadBody, Fault>>);

/// A body and its share of the memory, given back when it is dropped.
pub(crate) struct ReadBody {
    bytes: Vec<u8>,
    _share: Share,
}

impl Deref for ReadBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl UnreadBody {
    /// The whole body, when it is there.
    ///
    /// # Errors
    /// 413 over the limit, also where only the declared length is; 408 if it does not arrive in
    /// time, 400 if it breaks off or comes in too many pieces, 429 where there is no memory for it.
    pub(crate) async fn read(self) -> Result<ReadBody, Fault> {
        self.0.await.unwrap_or_else(|_| Err(Fault::internal()))
    }
}

/// Answers a request while its body is read into memory of the share.
///
/// It is read as it comes, whatever the request waits for: what is left to the HTTP library is kept
/// as it came, where a piece of one byte takes some 300 and may hold the buffer that it was read
/// into.
pub(super) async fn beside<T>(
    incoming: Incoming,
    limits: Limits,
    (bytes_max, made): (usize, MadeOfIt),
    share: Share,
    answer: impl AsyncFnOnce(UnreadBody) -> T,
) -> T {
    let (to, unread) = oneshot::channel();
    let mut reading = std::pin::pin!(read(incoming, limits, (bytes_max, made), share, to));
    let mut answering = std::pin::pin!(answer(UnreadBody(unread)));
    tokio::select! {
        biased;
        answer = answering.as_mut() => {
            let _ = tokio::time::timeout(DISCARD, reading).await;
            answer
        }
        () = reading.as_mut() => answering.await,
    }
}

async fn read(
    incoming: Incoming,
    limits: Limits,
    (bytes_max, made): (usize, MadeOfIt),
    share: Share,
    mut to: oneshot::Sender<Result<ReadBody, Fault>>,
) {
    let declared = usize::try_from(incoming.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > bytes_max {
        let _ = to.send(Err(Fault::too_large(bytes_max)));
        return;
    }
    let reading = Reading { bytes: Vec::new(), declared, bytes_max, made, share };
    let outcome =
        tokio::time::timeout(limits.request_timeout(), reading.collect(incoming, &mut to));
    let outcome = outcome.await.unwrap_or_else(|_| Err(Fault::request_timeout()));
    let _ = to.send(outcome);
}

struct Reading {
    bytes: Vec<u8>,
    declared: usize,
    bytes_max: usize,
    made: MadeOfIt,
    share: Share,
}

impl Reading {
    async fn collect(
        mut self,
        mut body: Incoming,
        to: &mut oneshot::Sender<Result<ReadBody, Fault>>,
    ) -> Result<ReadBody, Fault> {
        let mut pieces = 0_usize;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                tracing::debug!(%error, "request body broke off");
                Fault::unreadable_body("request-body: the body broke off".to_owned())
            })?;
            pieces = pieces.saturating_add(1);
            if pieces > PIECES_MAX {
                let text = format!("request-body: the body comes in more than {PIECES_MAX} pieces");
                return Err(Fault::unreadable_body(text));
            }
            let Ok(piece) = frame.into_data() else { continue };
            if to.is_closed() {
                // Nobody asks for it any more.
                self.discard(piece.len())?;
                continue;
            }
            self.make_room(piece.len())?;
            self.bytes.extend_from_slice(&piece);
        }
        let made = self.bytes.len().saturating_mul(self.made.0);
        self.hold(self.bytes.capacity().saturating_add(made))?;
        Ok(ReadBody { bytes: self.bytes, _share: self.share })
    }

    /// Grows to twice the room, or the declared length, before there is too little.
    fn make_room(&mut self, more: usize) -> Result<(), Fault> {
        let length = self.bytes.len().saturating_add(more);
        if length > self.bytes_max {
            return Err(Fault::too_large(self.bytes_max));
        }
        let room = self.bytes.capacity();
        if length <= room {
            return Ok(());
        }
        let most = if self.declared > 0 { self.declared } else { self.bytes_max };
        let room = room.saturating_mul(2).max(BEGINNING_BYTES).min(most).max(length);
        self.hold(room)?;
        self.bytes.reserve_exact(room.saturating_sub(self.bytes.len()));
        Ok(())
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Fault> {
        self.share.resize(bytes).map_err(|_| Fault::too_many_requests(1))
    }

    /// Counts what is thrown away, against the same limit.
    fn discard(&mut self, more: usize) -> Result<(), Fault> {
        self.bytes = Vec::new();
        self.hold(0)?;
        self.bytes_max = self.bytes_max.checked_sub(more).ok_or_else(Fault::internal)?;
        Ok(())
    }
}
