//! Events whose register holds the value that a log with them replays to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tcg::{Event, Log, Place, Reader};
use crate::{Digest, EventType, HashAlgorithm, Register};

/// A register that the log explains, with its events in the proven order. Only a replay makes one.
///
/// Of an event its place in the log is kept, eight bytes: it is read anew when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedRegister<'a> {
    register: Register,
    algorithm: HashAlgorithm,
    reader: Reader<'a>,
    places: Arc<[Place]>,
}

/// The events of the registers in `explained`, each with room for as many as extended it.
pub(super) fn explained<'a>(
    log: &Log<'a>,
    algorithm: HashAlgorithm,
    mut explained: BTreeMap<Register, Vec<Place>>,
) -> BTreeMap<Register, ExplainedRegister<'a>> {
    for event in log.events() {
        let places = event.extends().and_then(|register| explained.get_mut(&register));
        if let Some(places) = places
            && event.digests().get(algorithm).is_some()
        {
            places.push(event.place());
        }
    }
    let reader = log.reader();
    let of = |(register, places): (Register, Vec<Place>)| {
        let places = places.into();
        (register, ExplainedRegister { register, algorithm, reader, places })
    };
    explained.into_iter().map(of).collect()
}

impl<'a> ExplainedRegister<'a> {
    /// Which register.
    #[must_use]
    pub const fn register(&self) -> Register {
        self.register
    }

    /// Algorithm of its bank.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Everything that extended it, in the order in which it did.
    #[must_use]
    pub fn events(&self) -> ReplayedEvents<'a> {
        ReplayedEvents { of: self.clone(), next: 0, end: self.places.len() }
    }

    fn event(&self, place: Place) -> Option<ReplayedEvent<'a>> {
        ReplayedEvent::new(self.register, self.algorithm, &self.reader.at(place)?)
    }
}

/// Events that extended an explained register, in the proven order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedEvents<'a> {
    of: ExplainedRegister<'a>,
    next: usize,
    end: usize,
}

impl<'a> ReplayedEvents<'a> {
    /// The one among them that stands at this place in the log.
    pub(crate) fn at_sequence(&self, sequence: usize) -> Option<ReplayedEvent<'a>> {
        let places = self.of.places.get(self.next..self.end)?;
        let at = places.binary_search_by_key(&sequence, |place| place.sequence()).ok()?;
        self.of.event(*places.get(at)?)
    }

    /// The first `count` of them.
    pub(crate) fn first(self, count: usize) -> Self {
        Self { end: self.end.min(self.next.saturating_add(count)), ..self }
    }
}

impl<'a> Iterator for ReplayedEvents<'a> {
    type Item = ReplayedEvent<'a>;

    fn next(&mut self) -> Option<ReplayedEvent<'a>> {
        if self.next == self.end {
            return None;
        }
        let place = *self.of.places.get(self.next)?;
        self.next = self.next.saturating_add(1);
        self.of.event(place)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for ReplayedEvents<'_> {}

/// One extension of an explained register. Only a replay makes one.
#[derive(Debug, Clone, Copy)]
pub struct ReplayedEvent<'a> {
    register: Register,
    sequence: usize,
    event_type: EventType,
    digest: Digest,
    data: &'a [u8],
}

impl<'a> ReplayedEvent<'a> {
    fn new(register: Register, algorithm: HashAlgorithm, event: &Event<'a>) -> Option<Self> {
        Some(Self {
            register,
            sequence: event.untrusted_sequence(),
            event_type: event.untrusted_type(),
            digest: Digest::new(algorithm, event.digests().get(algorithm)?)?,
            data: event.untrusted_data(),
        })
    }

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
