//! Stands before the HTTP/1.1 library: it gets whole and unambiguous heads only.
//!
//! What is refused here reaches the service all the same, as a request for `*`, which no head that
//! passes can ask for. So it is answered, named and logged as every other, behind the answers to
//! the requests before it; the library has no errors of its own left to answer.

mod chunked;
mod request_head;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use self::chunked::Chunked;
use self::request_head::{Framing, Scan, framing};
use super::Limits;
use super::activity::Activity;
use super::memory::{Account, Share, Use};
use crate::{ApiError, Fault};

/// Stands for a head that was refused.
const REFUSED: &[u8] = b"GET * HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;
/// How much of a head a connection may have without asking: it is set aside for each.
const HEAD_FREE_BYTES: usize = 4096;
/// After the answer to a request that was not read whole: how long the rest is read and dropped, so
/// that the client is not cut off before it has the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 4 << 20;

/// Why a head was refused, for who answers it.
pub(super) type Refusal = Arc<OnceLock<ApiError>>;

/// A stream that passes good heads on, and the bodies that they announce.
pub(super) struct Guard<S> {
    inner: S,
    limits: Limits,
    activity: Arc<Activity>,
    state: State,
    /// What was read and not passed on.
    buffer: BytesMut,
    /// Of the budget, for a long head.
    share: Share,
    /// When a head that began must be whole, or when lingering ends.
    deadline: Option<Pin<Box<Sleep>>>,
    refusal: Refusal,
    ended: bool,
    lingered: Option<usize>,
}

#[derive(Debug)]
enum State {
    Head(Scan),
    /// So many bytes of the head are left to pass on.
    Pass(usize, Framing),
    Length(u64),
    Chunked(Chunked),
    /// So many bytes are left of the request that stands for a refused one.
    Refused(usize),
}

impl<S> Guard<S> {
    pub(super) fn new(
        inner: S,
        limits: Limits,
        account: &Account,
        activity: Arc<Activity>,
        refusal: Refusal,
    ) -> Self {
        Self {
            inner,
            limits,
            activity,
            state: State::Head(Scan::default()),
            buffer: BytesMut::new(),
            share: account.open(Use::Work),
            deadline: None,
            refusal,
            ended: false,
            lingered: None,
        }
    }

    fn refuse(&mut self, error: ApiError) {
        let _ = self.refusal.set(error);
        self.buffer = BytesMut::from(REFUSED);
        self.deadline = None;
        self.state = State::Refused(REFUSED.len());
    }

    /// Looks at what is there of a head; whether there is enough.
    fn head(&mut self) -> bool {
        let State::Head(scan) = &mut self.state else { return true };
        if scan.is_new() {
            // A client may end the body before with an empty line (RFC 9112, section 2.2).
            while self.buffer.starts_with(b"\r\n") {
                self.buffer.advance(2);
            }
        }
        if self.buffer.is_empty() || *self.buffer == b"\r"[..] {
            return false;
        }
        let found = scan.look(&self.buffer, self.limits).and_then(|found| match found {
            Some(length) => {
                let head = self.buffer.get(..length).unwrap_or_default();
                framing(head, self.limits).map(|framing| Some((length, framing)))
            }
            None => Ok(None),
        });
        match found {
            Ok(Some((length, framing))) => {
                self.state = State::Pass(length, framing);
                self.deadline = None;
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.refuse(error);
                true
            }
        }
    }

    /// What comes after so many bytes more were passed on.
    fn passed(&mut self, count: usize) {
        let next = match self.state {
            State::Pass(left, framing) if left == count => match framing {
                Framing::Length(0) => State::Head(Scan::default()),
                Framing::Length(length) => State::Length(length),
                Framing::Chunked => State::Chunked(Chunked::new()),
            },
            State::Pass(left, framing) => State::Pass(left.saturating_sub(count), framing),
            State::Length(left) => match left.saturating_sub(count as u64) {
                0 => State::Head(Scan::default()),
                left => State::Length(left),
            },
            State::Refused(left) => State::Refused(left.saturating_sub(count)),
            State::Chunked(ref chunked) if chunked.is_over() => State::Head(Scan::default()),
            State::Head(_) | State::Chunked(_) => return,
        };
        self.state = next;
        if self.buffer.is_empty() {
            // Most connections wait for their next request with nothing in hand.
            self.buffer = BytesMut::new();
            let _ = self.share.resize(0);
        }
    }

    /// How much of the buffer may be passed on, at most `room`.
    fn ready(&mut self, room: usize) -> io::Result<usize> {
        let most = room.min(self.buffer.len());
        match &mut self.state {
            State::Head(_) => Ok(0),
            State::Pass(left, _) | State::Refused(left) => Ok(most.min(*left)),
            State::Length(left) => Ok(most.min(usize::try_from(*left).unwrap_or(usize::MAX))),
            State::Chunked(chunked) => {
                let bytes = self.buffer.get(..most).unwrap_or_default();
                chunked
                    .advance(bytes)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no chunked body"))
            }
        }
    }

    fn is_between_requests(&self) -> bool {
        matches!(self.state, State::Head(_)) && self.buffer.is_empty()
    }
}

impl<S: AsyncRead + Unpin> Guard<S> {
    /// Reads more into the buffer; whether anything came.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let in_head = matches!(self.state, State::Head(_));
        let length = self.buffer.len();
        let most =
            if in_head { self.limits.head_bytes_max.saturating_sub(length) } else { READ_BYTES };
        // As much again as is there: a short head takes little.
        let room = length.max(1024).min(most.max(1)).min(READ_BYTES);
        let held = length.saturating_add(room);
        if in_head && held > HEAD_FREE_BYTES && self.share.resize(held).is_err() {
            self.refuse(Fault::too_many_requests(1).into());
            return Poll::Ready(Ok(true));
        }
        self.buffer.resize(held, 0);
        let mut into = ReadBuf::new(self.buffer.get_mut(length..).unwrap_or_default());
        let outcome = Pin::new(&mut self.inner).poll_read(context, &mut into);
        let read = into.filled().len();
        self.buffer.truncate(length.saturating_add(read));
        ready!(outcome)?;
        self.ended = read == 0;
        Poll::Ready(Ok(read > 0))
    }

    /// Reads a body straight to where it goes.
    fn read_through(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
        left: u64,
    ) -> Poll<io::Result<()>> {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let room = left.min(READ_BYTES).min(into.remaining());
        let mut part = ReadBuf::new(into.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.inner).poll_read(context, &mut part))?;
        let read = part.filled().len();
        into.advance(read);
        self.passed(read);
        Poll::Ready(Ok(()))
    }

    /// Whether a head that began took too long.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if self.buffer.is_empty() || !matches!(self.state, State::Head(_)) {
            return false;
        }
        let (activity, limit) = (&self.activity, self.limits.request_timeout());
        let deadline = self.deadline.get_or_insert_with(|| {
            activity.head_begins();
            Box::pin(sleep(limit))
        });
        deadline.as_mut().poll(context).is_ready()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.head() {
                if let (State::Length(left), true) = (&this.state, this.buffer.is_empty()) {
                    let left = *left;
                    return this.read_through(context, into, left);
                }
                let count = this.ready(into.remaining().min(READ_BYTES))?;
                if count > 0 {
                    into.put_slice(this.buffer.get(..count).unwrap_or_default());
                    this.buffer.advance(count);
                    this.passed(count);
                    return Poll::Ready(Ok(()));
                }
                if matches!(this.state, State::Refused(_)) {
                    // Its answer ends the connection.
                    return Poll::Pending;
                }
                if !this.buffer.is_empty() && !matches!(this.state, State::Head(_)) {
                    // No room to pass anything on.
                    return Poll::Ready(Ok(()));
                }
            } else if this.is_late(context) {
                this.refuse(Fault::request_timeout().into());
                continue;
            }
            if !ready!(this.fill(context))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingered.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
            this.lingered = Some(0);
            this.deadline = Some(Box::pin(sleep(LINGER)));
        }
        this.linger(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

impl<S: AsyncRead + Unpin> Guard<S> {
    /// Reads and drops what the client still sends, for a while.
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended || self.is_between_requests() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let late =
                self.deadline.as_mut().is_none_or(|end| end.as_mut().poll(context).is_ready());
            if late || self.lingered.is_none_or(|dropped| dropped > LINGER_BYTES_MAX) {
                return Poll::Ready(Ok(()));
            }
            let mut scratch = [0; READ_BYTES];
            let mut into = ReadBuf::new(&mut scratch);
            let read = match ready!(Pin::new(&mut self.inner).poll_read(context, &mut into)) {
                Ok(()) => into.filled().len(),
                Err(_) => 0,
            };
            if read == 0 {
                return Poll::Ready(Ok(()));
            }
            self.lingered = self.lingered.map(|dropped| dropped.saturating_add(read));
        }
    }
}
