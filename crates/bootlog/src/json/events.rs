//! The claim `events`.

use avouch_wire::{base64url, failed_check};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;

use crate::facts::{BootFacts, SecureBoot, Unproven};
use crate::replay::{ExplainedRegister, JudgedBank, ReplayedEvent, in_log_order};
use crate::uefi::{Guid, PartitionTable, Variable};
use crate::{EventType, Register};

/// The events that policies of version 1.2 query.
///
/// In it stand the events of explained registers that are, by the bytes that their digest covers, what
/// their type says: variables, separators, and those that somebody else read so. All others are left
/// out, since their type is a claim of nobody's. They stand in the order of the log; between events of
/// different registers the order proves nothing.
///
/// Most firmware measures the value of a boot option alone. Such an event stands here too, with
/// `UntrustedName`: its value was measured, and under which name, no digest says. Variables of secure
/// boot stand here where firmware measures them, in PCR 7, and nowhere else.
#[derive(Debug, Default)]
pub struct Events {
    /// The events, with commas between them.
    json: String,
    /// Place of the last event, from 0; `None` if there is none.
    last: Option<usize>,
}

/// Longest claim `events`, in bytes. Those of real machines have some hundred thousand.
pub const EVENTS_BYTES_MAX: usize = 1 << 20;
/// How the claim begins, and how it ends.
const AROUND: (&str, &str) = ("{\"Events\":[", "]}");

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OneEvent<'e> {
    event_seq: usize,
    event_type: u32,
    event_type_string: &'e str,
    pcr_index: u8,
    processed_data: &'e RawValue,
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
    /// The claim would be longer than policies are given.
    #[error("the claim `events` would have more than {limit} bytes")]
    TooLong {
        /// The longest that is given.
        limit: usize,
    },
}

failed_check!(EventsRefused {
    Self::SecureBoot(why) => (avouch_wire::FailedCheck::check(why)),
    Self::Type { .. } => "log-event-type",
    Self::TooLong { .. } => "log-events-length",
});

impl Events {
    /// The events of a bank that `facts` were read from. `more` gives the `ProcessedData` of other
    /// events, if their content is of their type.
    ///
    /// # Errors
    /// [`EventsRefused::SecureBoot`] if PCR 7 proves nothing, other than by having no variables;
    /// [`EventsRefused::Type`] if an event says that it is something else than its content;
    /// [`EventsRefused::TooLong`] if there are too many, or too long ones.
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
        let registers = bank.all_explained().filter(|register| shown(register.register()));
        let mut events = Self::default();
        for event in in_log_order(registers.map(ExplainedRegister::events).collect()) {
            if let Some((pcr_index, processed)) = one(&event, &more)? {
                let name = event.untrusted_type().to_string();
                events.add(&OneEvent {
                    event_seq: event.untrusted_sequence(),
                    event_type: event.untrusted_type().0,
                    event_type_string: &name,
                    pcr_index,
                    processed_data: &processed,
                });
            }
            if events.json.len() > EVENTS_BYTES_MAX {
                return Err(EventsRefused::TooLong { limit: EVENTS_BYTES_MAX });
            }
        }
        Ok(events)
    }

    /// Adds an event of another log, behind all others.
    #[expect(clippy::needless_pass_by_value, reason = "the caller made it for this")]
    pub fn push(&mut self, pcr_index: u8, type_string: &str, processed_data: Box<RawValue>) {
        self.add(&OneEvent {
            event_seq: self.last.unwrap_or_default().saturating_add(1),
            event_type: EventType::NO_ACTION.0,
            event_type_string: type_string,
            pcr_index,
            processed_data: &processed_data,
        });
    }

    fn add(&mut self, event: &OneEvent<'_>) {
        if self.last.is_some() {
            self.json.push(',');
        }
        self.json.push_str(&serde_json::to_string(event).unwrap_or_default());
        self.last = Some(event.event_seq);
    }

    /// The claim's value.
    #[must_use]
    pub fn to_json(&self) -> String {
        [AROUND.0, &self.json, AROUND.1].concat()
    }
}

/// The index of its register, and its `ProcessedData`.
type Shown = (u8, Box<RawValue>);

fn one(
    event: &ReplayedEvent<'_>,
    more: impl Fn(&ReplayedEvent<'_>) -> Option<Box<RawValue>>,
) -> Result<Option<Shown>, EventsRefused> {
    let Register::Pcr(pcr_index) = event.register() else { return Ok(None) };
    if event.untrusted_data().len() > EVENTS_BYTES_MAX / 2 {
        return Err(EventsRefused::TooLong { limit: EVENTS_BYTES_MAX });
    }
    let found = event.untrusted_type();
    let Some(data) = event.data() else {
        return Ok(boot_option(event).map(|data| (pcr_index, data)));
    };
    let variable = Variable::parse(data).ok();
    agree(pcr_index, found, data, variable.as_ref()).map_err(|content| EventsRefused::Type {
        sequence: event.untrusted_sequence(),
        found,
        content,
    })?;
    let processed = match &variable {
        Some(variable) if !belongs(pcr_index, variable) => None,
        Some(variable) => to_raw_value(&ProcessedVariable::of(variable)).ok(),
        None if found == EventType::SEPARATOR => to_raw_value(&Nothing {}).ok(),
        None => more(event),
    };
    Ok(processed.map(|processed| (pcr_index, processed)))
}

/// Whether firmware measures a variable into this register. What says of secure boot how it is, stands in
/// PCR 7 alone. Policies that ask for it need not name the register, and whoever is root can extend any
/// other one by it.
fn belongs(pcr_index: u8, variable: &Variable<'_>) -> bool {
    let of_secure_boot = VENDORS.contains(&variable.vendor)
        || NAMES.iter().any(|name| variable.name.eq_ignore_ascii_case(name));
    pcr_index == 7 || variable.is_boot_option() || !of_secure_boot
}

/// Who defines the variables that firmware and shim verify by.
const VENDORS: [Guid; 4] = [Guid::GLOBAL, Guid::IMAGE_SECURITY, Guid::SHIM, Guid::WINDOWS_POLICY];
/// What they are called, whoever defines them.
const NAMES: [&str; 12] = [
    "SecureBoot",
    "SetupMode",
    "PK",
    "KEK",
    "db",
    "dbx",
    "dbt",
    "dbr",
    "MokSBState",
    "MokList",
    "MokListRT",
    "Shim",
];

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
