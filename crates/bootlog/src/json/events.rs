//! The claim `events`.

use avouch_wire::{base64url, failed_check};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;

use crate::facts::{BootFacts, SecureBoot, Unproven};
use crate::replay::{JudgedBank, ReplayedEvent};
use crate::uefi::{PartitionTable, Variable};
use crate::{EventType, Register};

/// The events that policies of version 1.2 query.
///
/// In it stand the events of explained registers that are, by the bytes that their digest covers, what
/// their type says: variables, separators, and those that somebody else read so. All others are left
/// out, since their type is a claim of nobody's. They stand in the order of the log; between events of
/// different registers the order proves nothing.
///
/// Most firmware measures the value of a boot option alone. Such an event stands here too, with
/// `UntrustedName`: its value was measured, and under which name, no digest says.
#[derive(Debug, Default, Serialize)]
pub struct Events {
    #[serde(rename = "Events")]
    events: Vec<OneEvent>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OneEvent {
    event_seq: usize,
    event_type: u32,
    event_type_string: String,
    pcr_index: u8,
    processed_data: Box<RawValue>,
}

/// Why policies are shown no events. Those that query them cannot see digests, so a log that proves
/// nothing is not shown at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EventsRefused {
    /// PCR 7 is not what firmware and shim measure.
    #[error(transparent)]
    SecureBoot(#[from] Unproven),
    /// Type and content of an event disagree.
    #[error("event {sequence} has type {found}, and its content is {content}")]
    Type {
        /// Place of the event in the log, from 0.
        sequence: usize,
        /// The type.
        found: EventType,
        /// What it is by its content.
        content: &'static str,
    },
}

failed_check!(EventsRefused {
    Self::SecureBoot(why) => (avouch_wire::FailedCheck::check(why)),
    Self::Type { .. } => "log-event-type",
});

impl Events {
    /// The events of a bank that `facts` were read from. `more` gives the `ProcessedData` of other
    /// events, if their content is of their type.
    ///
    /// # Errors
    /// [`EventsRefused::SecureBoot`] if PCR 7 proves nothing, other than by having no variables;
    /// [`EventsRefused::Type`] if an event says that it is something else than its content.
    ///
    /// Where secure boot was on and not enforced, events of PCR 7 are left out: policies take a
    /// `SecureBoot` of 01 for its being enforced.
    pub fn of(
        bank: &JudgedBank<'_>,
        facts: &BootFacts<'_>,
        more: impl Fn(&ReplayedEvent<'_>) -> Option<Box<RawValue>>,
    ) -> Result<Self, EventsRefused> {
        match &facts.secure_boot {
            SecureBoot::Unproven(Unproven::NoVariables) => {}
            SecureBoot::Unproven(why) => return Err(why.clone().into()),
            SecureBoot::Enforced | SecureBoot::Off | SecureBoot::NotEnforced(_) => {}
        }
        let misleads = matches!(facts.secure_boot, SecureBoot::NotEnforced(_));
        let shown = |register: Register| !(misleads && register == Register::Pcr(7));
        let mut events = Vec::new();
        let registers = bank.all_explained().filter(|register| shown(register.register()));
        for event in registers.flat_map(|register| register.events()) {
            events.extend(one(event, &more)?);
        }
        events.sort_by_key(|event| event.event_seq);
        Ok(Self { events })
    }

    /// Adds an event of another log, behind all others.
    pub fn push(&mut self, pcr_index: u8, type_string: &str, processed_data: Box<RawValue>) {
        let last = self.events.last().map_or(0, |event| event.event_seq);
        self.events.push(OneEvent {
            event_seq: last.saturating_add(1),
            event_type: EventType::NO_ACTION.0,
            event_type_string: type_string.to_owned(),
            pcr_index,
            processed_data,
        });
    }

    /// The claim's value.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn one(
    event: &ReplayedEvent<'_>,
    more: impl Fn(&ReplayedEvent<'_>) -> Option<Box<RawValue>>,
) -> Result<Option<OneEvent>, EventsRefused> {
    let Register::Pcr(pcr_index) = event.register() else { return Ok(None) };
    let found = event.untrusted_type();
    let Some(data) = event.data() else {
        return Ok(boot_option(event).map(|data| OneEvent::new(event, pcr_index, data)));
    };
    let variable = Variable::parse(data).ok();
    agree(pcr_index, found, data, variable.as_ref()).map_err(|content| EventsRefused::Type {
        sequence: event.untrusted_sequence(),
        found,
        content,
    })?;
    let processed = match &variable {
        Some(variable) => to_raw_value(&ProcessedVariable::of(variable)).ok(),
        None if found == EventType::SEPARATOR => to_raw_value(&Nothing {}).ok(),
        None => more(event),
    };
    Ok(processed.map(|processed_data| OneEvent::new(event, pcr_index, processed_data)))
}

impl OneEvent {
    fn new(event: &ReplayedEvent<'_>, pcr_index: u8, processed_data: Box<RawValue>) -> Self {
        let found = event.untrusted_type();
        Self {
            event_seq: event.untrusted_sequence(),
            event_type: found.0,
            event_type_string: found.to_string(),
            pcr_index,
            processed_data,
        }
    }
}

/// A boot option of which the digest covers the value alone, outside of PCR 7.
fn boot_option(event: &ReplayedEvent<'_>) -> Option<Box<RawValue>> {
    let variable = Variable::parse(event.untrusted_data()).ok()?;
    let is_one = event.untrusted_type() == EventType::EFI_VARIABLE_BOOT
        && event.register() != Register::Pcr(7)
        && variable.is_boot_option();
    if !is_one || !event.covers(variable.data) {
        return None;
    }
    let processed = ProcessedVariable { untrusted_name: true, ..ProcessedVariable::of(&variable) };
    to_raw_value(&processed).ok()
}

/// Whether a type is that of the content. What firmware writes has its own types; the rest is for
/// those who read it.
fn agree(
    pcr: u8,
    found: EventType,
    data: &[u8],
    variable: Option<&Variable<'_>>,
) -> Result<(), &'static str> {
    let (content, fits) = if variable.is_some() {
        ("a variable", VARIABLES.contains(&found))
    } else if VARIABLES.contains(&found) {
        ("no variable", false)
    } else if PartitionTable::is(data) {
        ("a partition table", TABLES.contains(&found))
    } else if data == [0; 4] && pcr <= 7 {
        ("a separator", found == EventType::SEPARATOR)
    } else if found == EventType::SEPARATOR {
        ("no separator", SEPARATORS.contains(&data))
    } else {
        return Ok(());
    };
    if fits { Ok(()) } else { Err(content) }
}

const VARIABLES: [EventType; 6] = [
    EventType::EFI_VARIABLE_DRIVER_CONFIG,
    EventType::EFI_VARIABLE_BOOT,
    EventType::EFI_VARIABLE_BOOT2,
    EventType::EFI_VARIABLE_AUTHORITY,
    EventType::EFI_SPDM_DEVICE_POLICY,
    EventType::EFI_SPDM_DEVICE_AUTHORITY,
];
const TABLES: [EventType; 2] = [EventType::EFI_GPT_EVENT, EventType::EFI_GPT_EVENT2];
/// Of the firmware, of a firmware that failed, of Windows.
const SEPARATORS: [&[u8]; 3] = [&[0; 4], &[0xFF; 4], b"WBCL"];

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessedVariable<'a> {
    variable_guid: String,
    unicode_name: &'a str,
    variable_data: String,
    /// Whether the digest covers the value alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    untrusted_name: bool,
}

impl<'a> ProcessedVariable<'a> {
    fn of(variable: &'a Variable<'_>) -> Self {
        Self {
            variable_guid: variable.vendor.to_string(),
            unicode_name: &variable.name,
            variable_data: base64url::encode(variable.data),
            untrusted_name: false,
        }
    }
}

#[derive(Debug, Serialize)]
struct Nothing {}
