//! The settings that `issueproperty` knows (`docs/policy.md#settings`).

use std::ops::RangeInclusive;

use serde::Serialize;

use crate::ast::SectionKind;
use crate::type_name::TypeName;
use crate::value::{Value, ValueKind};

/// A documented setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The type in `issueproperty`.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: ValueKind,
    /// The least and largest Integer it takes.
    pub range: Option<RangeInclusive<i64>>,
}

/// Settings of `configurationrules`.
pub const CONFIGURATION: [Setting; 3] = [
    Setting { name: "require_valid_aik_cert", kind: ValueKind::Boolean, range: None },
    Setting { name: "required_pcr_mask", kind: ValueKind::Integer, range: Some(0..=0x00ff_ffff) },
    Setting { name: "x-ms-sgx-tcbidentifier", kind: ValueKind::String, range: None },
];

/// Settings of `issuancerules`.
pub const ISSUANCE: [Setting; 2] = [
    Setting {
        name: "report_validity_in_minutes",
        kind: ValueKind::Integer,
        range: Some(1..=525_600),
    },
    Setting { name: "omit_x5c", kind: ValueKind::Boolean, range: None },
];

/// The known settings of a section.
#[must_use]
pub fn known(section: SectionKind) -> &'static [Setting] {
    match section {
        SectionKind::Configuration => &CONFIGURATION,
        SectionKind::Issuance => &ISSUANCE,
        SectionKind::Authorization => &[],
    }
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingError {
    #[error("`configurationrules` has no property {}", crate::print::printable(.0))]
    Unknown(String),
    #[error("`{name}` is {}, not {}", article(*expected), article(*found))]
    Kind { name: &'static str, expected: ValueKind, found: ValueKind },
    #[error("`{name}` must be from {least} to {most}, not {found}")]
    Range { name: &'static str, least: i64, most: i64, found: i64 },
}

fn article(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Boolean => "a Boolean",
        ValueKind::Integer => "an Integer",
        ValueKind::String => "a String",
    }
}

/// Checks one setting; an unknown one is an error in `configurationrules` only.
pub(crate) fn check(section: SectionKind, name: &str, value: &Value) -> Result<(), SettingError> {
    let Some(setting) = known(section).iter().find(|setting| setting.name == name) else {
        return match section {
            SectionKind::Configuration => Err(SettingError::Unknown(name.to_owned())),
            SectionKind::Authorization | SectionKind::Issuance => Ok(()),
        };
    };
    let name = setting.name;
    if setting.kind != value.kind() {
        return Err(SettingError::Kind { name, expected: setting.kind, found: value.kind() });
    }
    match (value, &setting.range) {
        (Value::Integer(found), Some(range)) if !range.contains(found) => {
            let (least, most) = (*range.start(), *range.end());
            Err(SettingError::Range { name, least, most, found: *found })
        }
        _ => Ok(()),
    }
}

/// Settings with their values, each once, the last setting of a name counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    entries: Vec<(TypeName, Value)>,
}

impl Properties {
    pub(crate) fn set(&mut self, name: &TypeName, value: Value) {
        match self.entries.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value,
            None => self.entries.push((name.clone(), value)),
        }
    }

    /// The value of a setting, if the policy sets it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    /// All settings in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// `require_valid_aik_cert`: whether the AIK certificate must be valid; true by default.
    #[must_use]
    pub fn require_valid_aik_cert(&self) -> bool {
        self.boolean("require_valid_aik_cert").unwrap_or(true)
    }

    /// `required_pcr_mask`: the PCRs a quote must include, bit n for PCR n; all 24 by default.
    #[must_use]
    pub fn required_pcr_mask(&self) -> u32 {
        let mask = self.integer("required_pcr_mask").and_then(|mask| u32::try_from(mask).ok());
        mask.unwrap_or(0x00ff_ffff)
    }

    /// `x-ms-sgx-tcbidentifier`: the TCB baseline; `azuredefault` by default.
    #[must_use]
    pub fn sgx_tcb_identifier(&self) -> &str {
        match self.get("x-ms-sgx-tcbidentifier") {
            Some(Value::String(text)) => text.as_str(),
            _ => "azuredefault",
        }
    }

    /// `report_validity_in_minutes`: the token's lifetime, if the policy sets it.
    #[must_use]
    pub fn report_validity_in_minutes(&self) -> Option<i64> {
        self.integer("report_validity_in_minutes")
    }

    /// `omit_x5c`: whether the token's header carries `x5t` instead of `x5c`; false by default.
    #[must_use]
    pub fn omit_x5c(&self) -> bool {
        self.boolean("omit_x5c").unwrap_or(false)
    }
}

impl Serialize for Properties {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
