//! The JSON form in which dstack gives the log of a domain, brought into the binary one.
//!
//! An array of objects with exactly these members: `imr` (0 to 3, the number of an `RTMR`), `event_type`,
//! `digest` (SHA-384 in hex), `event` (a name) and `event_payload` (the event's data in hex, which may be
//! left out of what firmware measured). The digest of an event of the running system may be empty: it is
//! computed, from type, name and payload.
//!
//! # Source
//! dstack, `cc-eventlog/src/lib.rs` and `cc-eventlog/src/runtime_events.rs`.

use std::borrow::Cow;
use std::fmt;

use avouch_wire::{decode_hex, excerpt};
use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::CcelError;
use crate::tcg::{EVENT_LIMIT, LOG_LIMIT, LogError};
use crate::{EventType, HashAlgorithm};

/// An event as dstack writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonEvent<'a> {
    imr: u32,
    event_type: u32,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    event_payload: Cow<'a, str>,
}

/// Type of what the running system measures.
const RUNTIME: u32 = 0x0800_0001;
/// Registers that events extend.
const RTMRS: u32 = 4;

/// Whether bytes begin as the JSON form does. No binary log does: it begins with a register below 5.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'[')
}

/// The log in binary form. It is no longer than the text, but for its header.
pub(super) fn to_binary(text: &[u8]) -> Result<Vec<u8>, CcelError> {
    if text.len() > LOG_LIMIT {
        return Err(LogError::TooLong { found: text.len(), limit: LOG_LIMIT }.into());
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let log = reader.deserialize_seq(Log { length: text.len() });
    let log = log.and_then(|log| reader.end().map(|()| log));
    log.map_err(|error| CcelError::Json { reason: excerpt(&error.to_string()).to_string() })
}

/// Reads events one by one into a log.
struct Log {
    /// Length of the text, in bytes.
    length: usize,
}

impl<'de> Visitor<'de> for Log {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<Vec<u8>, A::Error> {
        let mut log = header(self.length);
        let mut sequence = 0_usize;
        while let Some(raw) = events.next_element::<&RawValue>()? {
            sequence = sequence.saturating_add(1);
            let what = if sequence >= EVENT_LIMIT {
                Err(format!("more than {} events", EVENT_LIMIT.saturating_sub(1)))
            } else {
                add(&mut log, raw.get())
            };
            what.map_err(|what| {
                A::Error::custom(format_args!("event {}: {what}", sequence.saturating_sub(1)))
            })?;
        }
        Ok(log)
    }
}

/// `TCG_EfiSpecIdEvent` of a log in SHA-384, with room for `length` bytes behind it.
fn header(length: usize) -> Vec<u8> {
    let mut spec_id = b"Spec ID Event03\0".to_vec();
    // Class of the platform; version 2.0, errata 0, numbers of 64 bits.
    spec_id.extend([0, 0, 0, 0, 0, 2, 0, 2]);
    spec_id.extend(1_u32.to_le_bytes());
    let digest_length = u16::try_from(HashAlgorithm::Sha384.digest_length()).unwrap_or_default();
    spec_id.extend(HashAlgorithm::Sha384.tpm_id().to_le_bytes());
    spec_id.extend(digest_length.to_le_bytes());
    // No information of the vendor's.
    spec_id.push(0);
    let mut log = Vec::with_capacity(length.saturating_add(128));
    log.extend(1_u32.to_le_bytes());
    log.extend(EventType::NO_ACTION.0.to_le_bytes());
    log.extend([0; 20]);
    with_length(&mut log, &spec_id);
    log
}

fn with_length(log: &mut Vec<u8>, data: &[u8]) {
    // Data come from a text that is shorter than what a u32 counts.
    log.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    log.extend_from_slice(data);
}

/// Adds an event, or says what is wrong with it.
fn add(log: &mut Vec<u8>, raw: &str) -> Result<(), String> {
    // What reads members by name would take an array of values too.
    if !raw.starts_with('{') {
        return Err("no object".to_owned());
    }
    let event: JsonEvent<'_> = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    if event.imr >= RTMRS {
        return Err(format!("there is no RTMR {}", event.imr));
    }
    if event.event_type == EventType::NO_ACTION.0 {
        return Err("it says that it extends nothing".to_owned());
    }
    let payload = decode_hex(&event.event_payload).map_err(|error| error.to_string())?;
    // What the running system measures is more than the payload.
    let data = match event.event_type {
        RUNTIME => {
            [&RUNTIME.to_le_bytes()[..], b":", event.event.as_bytes(), b":", &payload].concat()
        }
        _ => payload,
    };
    let digest = if event.digest.is_empty() && event.event_type == RUNTIME {
        let computed = HashAlgorithm::Sha384.hash(&[&data]);
        computed.map(|digest| digest.as_bytes().to_vec()).unwrap_or_default()
    } else {
        decode_hex(&event.digest).map_err(|error| error.to_string())?
    };
    if digest.len() != HashAlgorithm::Sha384.digest_length() {
        return Err(format!("a digest of {} bytes, SHA-384 has 48", digest.len()));
    }
    log.extend(event.imr.saturating_add(1).to_le_bytes());
    log.extend(event.event_type.to_le_bytes());
    log.extend(1_u32.to_le_bytes());
    log.extend(HashAlgorithm::Sha384.tpm_id().to_le_bytes());
    log.extend_from_slice(&digest);
    with_length(log, &data);
    Ok(())
}
