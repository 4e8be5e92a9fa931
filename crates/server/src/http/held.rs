//! An answer's bytes, counted until the client has taken them.

use axum::body::Bytes;
use hyper::body::Buf;

use super::activity::UnderWay;
use super::addresses::InFlight;
use super::memory::Share;

/// What a request holds: dropped when the last byte of its answer was handed to the connection.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) share: Share,
    pub(super) _in_flight: InFlight,
    pub(super) under_way: UnderWay,
}

/// The bytes of an answer and the ticket of its request.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Bytes,
    _ticket: Ticket,
}

impl Held {
    pub(super) const fn new(bytes: Bytes, ticket: Ticket) -> Self {
        Self { bytes, _ticket: ticket }
    }
}

impl Buf for Held {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}
