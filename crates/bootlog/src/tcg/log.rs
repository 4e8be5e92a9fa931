//! A whole log.

use super::no_action::StartupLocality;
use super::reader::Reader;
use super::{Event, Events, LogError, SpecId};
use crate::{HashAlgorithm, Register, RegisterMap};

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

/// A log that was parsed: a claim about what extended which register. It holds no event: each is read
/// from the log's bytes when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log<'a> {
    reader: Reader<'a>,
    form: Form,
    count: u32,
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
        if fill == 0 {
            return Err(LogError::Empty);
        }
        let mut reader = Reader::of_first(bytes, registers);
        let mut cursor = reader.cursor();
        let mut locality = StartupLocality::default();
        let first = reader.event(&mut cursor, 0)?;
        let form = SpecId::of(&first)?.map_or(Form::Sha1, Form::CryptoAgile);
        locality.event(&first)?;
        reader = reader.of_others(&form);
        let mut count = 1;
        while cursor.offset() < fill {
            if count as usize == EVENT_LIMIT {
                let offset = cursor.offset();
                return Err(LogError::TooManyEvents { limit: EVENT_LIMIT, offset });
            }
            locality.event(&reader.event(&mut cursor, count)?)?;
            count = count.saturating_add(1);
        }
        Ok(Self { reader, form, count, startup_locality: locality.stated_or_implied() })
    }

    /// The form that it has.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// The algorithms that its events may have digests of.
    #[must_use]
    pub fn algorithms(&self) -> &[HashAlgorithm] {
        match &self.form {
            Form::Sha1 => &[HashAlgorithm::Sha1],
            Form::CryptoAgile(spec_id) => spec_id.algorithms(),
        }
    }

    /// Its events, in the order of the log.
    #[must_use]
    pub const fn events(&self) -> Events<'a> {
        Events::new(self.reader, self.count)
    }

    /// The events that extend `register`, in order.
    pub fn extending(&self, register: Register) -> impl Iterator<Item = Event<'a>> {
        self.events().filter(move |event| event.extends() == Some(register))
    }

    /// What reads its events.
    pub(crate) const fn reader(&self) -> Reader<'a> {
        self.reader
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
