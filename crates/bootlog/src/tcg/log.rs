//! A whole log.

use avouch_wire::Cursor;

use super::event::RawDigests;
use super::no_action::startup_locality;
use super::{Digests, Event, LogError, SpecId};
use crate::{Algorithm, EventType, Register, RegisterMap};

/// Longest log accepted, in bytes. Firmware reserves some hundred kilobytes for its log.
pub const LOG_LIMIT: usize = 4 << 20;
/// Most events accepted in a log. Logs of real machines have some hundred.
pub const EVENT_LIMIT: usize = 1 << 14;
/// Longest data of one event accepted, in bytes. The largest in real logs are lists of revoked images.
pub const DATA_LIMIT: u32 = 1 << 20;

/// The form of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// One SHA-1 digest per event.
    Sha1,
    /// Digests of several algorithms per event, announced by a `Spec ID Event03`.
    CryptoAgile(SpecId),
}

/// A log that was parsed: a claim about what extended which register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log<'a> {
    form: Form,
    events: Vec<Event<'a>>,
    startup_locality: u8,
}

impl<'a> Log<'a> {
    /// Reads `bytes`, of which each must belong to an event; only fill of one value, 00 or FF, may
    /// follow the last one.
    ///
    /// The form follows from the first event. `registers` says what the indices stand for.
    ///
    /// # Errors
    /// [`LogError`], with the structure, field and offset or the event.
    ///
    /// # Source
    /// TCG PC Client Platform Firmware Profile Specification 1.06, section 10 (event logging).
    pub fn parse(bytes: &'a [u8], registers: RegisterMap) -> Result<Self, LogError> {
        if bytes.len() > LOG_LIMIT {
            return Err(LogError::TooLong { found: bytes.len(), limit: LOG_LIMIT });
        }
        let fill = start_of_fill(bytes);
        let mut cursor = Cursor::new("TCG_PCClientPCREvent", bytes);
        let mut reader = Reader { registers, algorithms: &[Algorithm::Sha1], agile: false };
        let mut events = Vec::new();
        let mut form = Form::Sha1;
        if cursor.offset() < fill {
            let first = reader.event(&mut cursor, 0)?;
            if let Some(spec_id) = SpecId::of(&first)? {
                form = Form::CryptoAgile(spec_id);
            }
            events.push(first);
        }
        if let Form::CryptoAgile(spec_id) = &form {
            reader.algorithms = spec_id.algorithms();
            reader.agile = true;
        }
        while cursor.offset() < fill {
            if events.len() == EVENT_LIMIT {
                let offset = cursor.offset();
                return Err(LogError::TooManyEvents { limit: EVENT_LIMIT, offset });
            }
            events.push(reader.event(&mut cursor, events.len())?);
        }
        if events.is_empty() {
            return Err(LogError::Empty);
        }
        let startup_locality = startup_locality(&events)?;
        Ok(Self { form, events, startup_locality })
    }

    /// The form that it has.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// The algorithms that its events may have digests of.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        match &self.form {
            Form::Sha1 => &[Algorithm::Sha1],
            Form::CryptoAgile(spec_id) => spec_id.algorithms(),
        }
    }

    /// Its events, in the order of the log.
    #[must_use]
    pub fn events(&self) -> &[Event<'a>] {
        &self.events
    }

    /// The locality that PCR 0 starts at by what the log says: 0, 3 or 4.
    #[must_use]
    pub const fn untrusted_startup_locality(&self) -> u8 {
        self.startup_locality
    }
}

/// Where the run of one byte, 00 or FF, starts that the log ends in.
fn start_of_fill(bytes: &[u8]) -> usize {
    match bytes.last() {
        Some(fill @ (0x00 | 0xFF)) => bytes
            .iter()
            .rposition(|byte| byte != fill)
            .map_or(0, |last_of_events| last_of_events.saturating_add(1)),
        _ => bytes.len(),
    }
}

/// Reads events of one form.
struct Reader<'s> {
    registers: RegisterMap,
    algorithms: &'s [Algorithm],
    agile: bool,
}

impl Reader<'_> {
    fn event<'a>(&self, cursor: &mut Cursor<'a>, sequence: usize) -> Result<Event<'a>, LogError> {
        let offset = cursor.offset();
        let index = cursor.u32_le("pcrIndex")?;
        let event_type = EventType(cursor.u32_le("eventType")?);
        let register = self.registers.register(index);
        if register.is_none() && event_type != EventType::NO_ACTION {
            return Err(LogError::Register { sequence, offset, index });
        }
        let raw = if self.agile {
            self.digests(cursor, sequence, offset)?
        } else {
            RawDigests::Sha1(cursor.array("digest")?)
        };
        let length = cursor.length_u32_le("eventSize", DATA_LIMIT)?;
        let data = cursor.take("event", length)?;
        let event =
            Event { sequence, offset, register, event_type, digests: Digests { raw }, data };
        match event.extends() {
            Some(register) if event.digests.iter().next().is_none() => {
                Err(LogError::NoDigest { sequence, offset, register })
            }
            _ => Ok(event),
        }
    }

    /// Pairs of algorithm and digest: each algorithm announced, and none twice.
    fn digests<'a>(
        &self,
        cursor: &mut Cursor<'a>,
        sequence: usize,
        offset: usize,
    ) -> Result<RawDigests<'a>, LogError> {
        let limit = u32::try_from(self.algorithms.len()).unwrap_or(u32::MAX);
        let count = cursor.length_u32_le("digestCount", limit)?;
        let mut ahead = cursor.clone();
        let mut seen = Vec::with_capacity(count);
        for _ in 0..count {
            let id = ahead.u16_le("algorithmId")?;
            let algorithm = Algorithm::from_tpm_id(id)
                .filter(|algorithm| self.algorithms.contains(algorithm))
                .ok_or(LogError::DigestNotAnnounced { sequence, offset, id })?;
            if seen.contains(&algorithm) {
                return Err(LogError::DigestTwice { sequence, offset, algorithm });
            }
            seen.push(algorithm);
            ahead.take("digest", algorithm.digest_length())?;
        }
        let length = ahead.offset().saturating_sub(cursor.offset());
        Ok(RawDigests::Agile(cursor.take("digests", length)?))
    }
}

impl<'a> Log<'a> {
    /// The events that extend `register`, in order.
    pub fn extending(&self, register: Register) -> impl Iterator<Item = &Event<'a>> {
        self.events.iter().filter(move |event| event.extends() == Some(register))
    }
}
