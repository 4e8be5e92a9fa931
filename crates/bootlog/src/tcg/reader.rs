//! Reads events out of a log's bytes, one at a time.

use avouch_wire::Cursor;

use super::event::{Place, RawDigests};
use super::{DATA_LIMIT, Digests, Event, Form, LogError};
use crate::{EventType, HashAlgorithm, RegisterMap};

/// The bytes of a log up to the fill behind its last event, and how events stand in them. Events are
/// read anew each time that somebody asks: none is kept, however many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) registers: RegisterMap,
    /// The algorithms that events may have digests of, by [`bit`].
    pub(super) announced: u16,
    /// Whether events have as many digests as they say, or one of SHA-1.
    pub(super) agile: bool,
}

const STRUCTURE: &str = "TCG_PCClientPCREvent";

/// A bit of an algorithm's own.
const fn bit(algorithm: HashAlgorithm) -> u16 {
    1 << algorithm as u16
}

impl<'a> Reader<'a> {
    /// The reader of a log's first event, which has the old form whatever follows.
    pub(super) const fn of_first(bytes: &'a [u8], registers: RegisterMap) -> Self {
        Self { bytes, registers, announced: bit(HashAlgorithm::Sha1), agile: false }
    }

    /// The reader of the events behind the first.
    pub(super) fn of_others(self, form: &Form) -> Self {
        match form {
            Form::Sha1 => self,
            Form::CryptoAgile(spec_id) => {
                let announced = spec_id.algorithms().iter().fold(0, |all, one| all | bit(*one));
                Self { announced, agile: true, ..self }
            }
        }
    }

    /// A cursor at the start of the log.
    pub(super) const fn cursor(&self) -> Cursor<'a> {
        Cursor::new(STRUCTURE, self.bytes)
    }

    /// The event at a place that it was read from before.
    pub(crate) fn at(&self, place: Place) -> Option<Event<'a>> {
        self.again(place.offset, place.sequence).map(|(event, _)| event)
    }

    /// The event that starts here, and where the next one does. All that can be wrong with it was asked
    /// when the log was parsed, by [`Reader::event`]: what this reads over again, it does not ask anew.
    fn again(&self, offset: u32, sequence: u32) -> Option<(Event<'a>, u32)> {
        let rest = self.bytes.get(offset as usize..)?;
        let (index, rest) = rest.split_first_chunk::<4>()?;
        let (event_type, rest) = rest.split_first_chunk::<4>()?;
        // The first event has the old form.
        let (raw, rest) = if self.agile && offset > 0 {
            let (count, pairs) = rest.split_first_chunk::<4>()?;
            let mut length = 0_usize;
            for _ in 0..u32::from_le_bytes(*count) {
                let id = pairs.get(length..)?.first_chunk::<2>()?;
                let digest = HashAlgorithm::from_tpm_id(u16::from_le_bytes(*id))?.digest_length();
                length = length.checked_add(digest)?.checked_add(size_of::<u16>())?;
            }
            let (pairs, rest) = pairs.split_at_checked(length)?;
            (RawDigests::Agile(pairs), rest)
        } else {
            let (digest, rest) = rest.split_first_chunk::<20>()?;
            (RawDigests::Sha1(digest), rest)
        };
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (data, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let event = Event {
            sequence,
            offset,
            register: self.registers.register(u32::from_le_bytes(*index)),
            event_type: EventType(u32::from_le_bytes(*event_type)),
            digests: Digests { raw },
            data,
        };
        let next = self.bytes.len().checked_sub(rest.len())?;
        Some((event, u32::try_from(next).ok()?))
    }

    /// The next event.
    pub(super) fn event(
        &self,
        cursor: &mut Cursor<'a>,
        sequence: u32,
    ) -> Result<Event<'a>, LogError> {
        let start = cursor.offset();
        let offset = u32::try_from(start).unwrap_or(u32::MAX);
        let index = cursor.u32_le("pcrIndex")?;
        let event_type = EventType(cursor.u32_le("eventType")?);
        let register = self.registers.register(index);
        if register.is_none() && event_type != EventType::NO_ACTION {
            return Err(LogError::Register { sequence: sequence as usize, offset: start, index });
        }
        let raw = if self.agile {
            self.digests(cursor, sequence as usize, start)?
        } else {
            RawDigests::Sha1(cursor.array("digest")?)
        };
        let length = cursor.length_u32_le("eventSize", DATA_LIMIT)?;
        let data = cursor.take("event", length)?;
        let digests = Digests { raw };
        let event = Event { sequence, offset, register, event_type, digests, data };
        match event.extends() {
            Some(register) if raw == RawDigests::Agile(&[]) => {
                Err(LogError::NoDigest { sequence: sequence as usize, offset: start, register })
            }
            _ => Ok(event),
        }
    }

    /// Pairs of algorithm and digest: each algorithm announced, and none twice.
    fn digests(
        &self,
        cursor: &mut Cursor<'a>,
        sequence: usize,
        offset: usize,
    ) -> Result<RawDigests<'a>, LogError> {
        let count = cursor.length_u32_le("digestCount", self.announced.count_ones())?;
        let mut ahead = cursor.clone();
        let mut seen = 0;
        for _ in 0..count {
            let id = ahead.u16_le("algorithmId")?;
            let algorithm = HashAlgorithm::from_tpm_id(id)
                .filter(|algorithm| self.announced & bit(*algorithm) != 0)
                .ok_or(LogError::DigestNotAnnounced { sequence, offset, id })?;
            if seen & bit(algorithm) != 0 {
                return Err(LogError::DigestTwice { sequence, offset, algorithm });
            }
            seen |= bit(algorithm);
            ahead.take("digest", algorithm.digest_length())?;
        }
        let length = ahead.offset().saturating_sub(cursor.offset());
        Ok(RawDigests::Agile(cursor.take("digests", length)?))
    }
}

/// The events of a log, in its order.
#[derive(Debug, Clone)]
pub struct Events<'a> {
    reader: Reader<'a>,
    /// Where the next one starts.
    offset: u32,
    sequence: u32,
    count: u32,
}

impl<'a> Events<'a> {
    /// All `count` events of a log that was read to its end.
    pub(super) const fn new(reader: Reader<'a>, count: u32) -> Self {
        Self { reader, offset: 0, sequence: 0, count }
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if self.sequence == self.count {
            return None;
        }
        let (event, next) = self.reader.again(self.offset, self.sequence)?;
        self.offset = next;
        self.sequence = self.sequence.saturating_add(1);
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count.saturating_sub(self.sequence) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Events<'_> {}
