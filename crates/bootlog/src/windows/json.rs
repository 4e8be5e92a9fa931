//! Tagged events as MAA's policies see them.

use avouch_wire::base64url;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::tag::Kind;
use super::values::{number, text};
use super::{Measured, Tag, TagId};
use crate::replay::ReplayedEvent;

/// Bits of `BITLOCKER_UNLOCK`.
const BITLOCKER: [(u64, &str); 9] = [
    (0x001, "CACHED"),
    (0x002, "MEDIA"),
    (0x004, "TPM"),
    (0x010, "PIN"),
    (0x020, "EXTERNAL"),
    (0x040, "RECOVERY"),
    (0x080, "PASSPHRASE"),
    (0x100, "NETWORK"),
    (0x200, "AUK"),
];

impl Measured<'_> {
    /// The member `ProcessedData` of a tagged event, for the claim `events`: each tag by its name,
    /// `EVENT_…`. `None` for events that do not stand here, such as those behind the separator.
    ///
    /// Flags are booleans, counters and versions integers. Settings that have names are objects with
    /// `String` and `Value`, texts are strings, and other data `{"RawData": base64url}`. What Windows may
    /// measure several of in one container is always a list.
    #[must_use]
    pub fn processed_data(&self, event: &ReplayedEvent<'_>) -> Option<Box<RawValue>> {
        to_raw_value(&object(self.event(event)?.tags())).ok()
    }
}

fn object<'a>(tags: impl Iterator<Item = Tag<'a>>) -> Value {
    let mut members = Map::new();
    for tag in tags {
        let name = match tag.id.name() {
            Some(name) => format!("EVENT_{name}"),
            None => format!("EVENT_{:#010X}", tag.id.0),
        };
        let value = value(&tag);
        match members.get_mut(&name) {
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None if is_list(tag.id) => drop(members.insert(name, Value::Array(vec![value]))),
            None => drop(members.insert(name, value)),
        }
    }
    Value::Object(members)
}

/// Whether there may be several in one container.
const fn is_list(id: TagId) -> bool {
    matches!(
        id,
        TagId::LOADEDMODULE_AGGREGATION
            | TagId::ELAM_AGGREGATION
            | TagId::KSR_SIGNED_MEASUREMENT_AGGREGATION
            | TagId::SI_POLICY
            | TagId::AUTHORITYPUBKEY
    )
}

fn value(tag: &Tag<'_>) -> Value {
    let Some(bytes) = tag.bytes() else { return object(tag.members()) };
    let raw = || json!({ "RawData": base64url::encode(bytes) });
    match (tag.id.kind(), number(tag)) {
        (Kind::Flag, Some(flag)) => Value::Bool(flag != 0),
        (Kind::U32 | Kind::U64, Some(number)) => match named(tag.id, number) {
            Some(name) => json!({ "String": name, "Value": integer(number) }),
            None => integer(number),
        },
        (Kind::Text, _) => text(bytes).map_or_else(raw, Value::String),
        _ => raw(),
    }
}

/// An integer that policies can hold, else its decimal digits.
fn integer(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::String(number.to_string()), Value::from)
}

/// The name of a setting's value; `None` for tags that are plain numbers.
fn named(id: TagId, number: u64) -> Option<String> {
    let name = match (id, number) {
        (TagId::BITLOCKER_UNLOCK, _) => return Some(bitlocker(number)),
        (TagId::TRANSFER_CONTROL, 0) => "NONE",
        (TagId::TRANSFER_CONTROL, 1) => "OSLOADER",
        (TagId::TRANSFER_CONTROL, 2) => "RESUME",
        (TagId::TRANSFER_CONTROL, 3) => "MSUTILITY",
        (TagId::TRANSFER_CONTROL, 4) => "NOSIGCHECK",
        (TagId::TRANSFER_CONTROL, 5) => "HYPERVISOR",
        (TagId::DATAEXECUTIONPREVENTION, 0) => "OptIn",
        (TagId::DATAEXECUTIONPREVENTION, 1) => "OptOut",
        (TagId::DATAEXECUTIONPREVENTION, 2) => "AlwaysOff",
        (TagId::DATAEXECUTIONPREVENTION, 3) => "AlwaysOn",
        (TagId::VBS_HVCI_POLICY, 0) => "HypervisorEnforcedCodeIntegrityDisable",
        (TagId::VBS_HVCI_POLICY, 1) => "HypervisorEnforcedCodeIntegrityEnable",
        (
            TagId::TRANSFER_CONTROL
            | TagId::DATAEXECUTIONPREVENTION
            | TagId::VBS_HVCI_POLICY
            | TagId::DRIVER_LOAD_POLICY,
            _,
        ) => return Some(number.to_string()),
        _ => return None,
    };
    Some(name.to_owned())
}

/// The names of all bits, and the bits that have none as a number.
fn bitlocker(flags: u64) -> String {
    let names = BITLOCKER.iter().filter(|(bit, _)| flags & bit != 0);
    let unknown = BITLOCKER.iter().fold(flags, |left, (bit, _)| left & !bit);
    let mut names: Vec<String> = names.map(|(_, name)| (*name).to_owned()).collect();
    if unknown != 0 {
        names.push(format!("{unknown:#x}"));
    }
    if names.is_empty() { "NONE".to_owned() } else { names.join("|") }
}
