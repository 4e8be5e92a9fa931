//! Events whose register holds the value that a log with them replays to.

use super::Chain;
use crate::{Algorithm, Digest, EventType, Register};

/// A register that the log explains, with its events in the proven order. Only a replay makes one.
#[derive(Debug, Clone)]
pub struct ExplainedRegister<'a> {
    register: Register,
    algorithm: Algorithm,
    events: Vec<ReplayedEvent<'a>>,
}

impl<'a> ExplainedRegister<'a> {
    pub(super) fn new(register: Register, algorithm: Algorithm, chain: &Chain<'_, 'a>) -> Self {
        let events = chain.events.iter().map(|(event, digest)| ReplayedEvent {
            register,
            sequence: event.untrusted_sequence(),
            event_type: event.untrusted_type(),
            digest: *digest,
            data: event.untrusted_data(),
        });
        Self { register, algorithm, events: events.collect() }
    }

    /// Which register.
    #[must_use]
    pub const fn register(&self) -> Register {
        self.register
    }

    /// Algorithm of its bank.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Everything that extended it, in the order in which it did.
    #[must_use]
    pub fn events(&self) -> &[ReplayedEvent<'a>] {
        &self.events
    }
}

/// One extension of an explained register. Only a replay makes one.
#[derive(Debug, Clone)]
pub struct ReplayedEvent<'a> {
    register: Register,
    sequence: usize,
    event_type: EventType,
    digest: Digest,
    data: &'a [u8],
}

impl<'a> ReplayedEvent<'a> {
    /// The register that it extended.
    #[must_use]
    pub const fn register(&self) -> Register {
        self.register
    }

    /// Its place in the log. Between events of different registers the order proves nothing.
    #[must_use]
    pub const fn untrusted_sequence(&self) -> usize {
        self.sequence
    }

    /// What it says that it is; no digest covers that.
    #[must_use]
    pub const fn untrusted_type(&self) -> EventType {
        self.event_type
    }

    /// The digest that extended the register.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its data, if the digest is that of exactly them. Each call hashes them.
    #[must_use]
    pub fn data(&self) -> Option<&'a [u8]> {
        self.covers(self.data).then_some(self.data)
    }

    /// Its data, whether or not the digest covers them.
    #[must_use]
    pub const fn untrusted_data(&self) -> &'a [u8] {
        self.data
    }

    /// Whether the digest is that of exactly `bytes`: for events whose digest covers a part of the data.
    #[must_use]
    pub fn covers(&self, bytes: &[u8]) -> bool {
        self.digest.algorithm().hash(&[bytes]) == Some(self.digest)
    }
}
