//! What extended PCR 7, event by event.

use avouch_wire::encode_hex;

use super::super::content::Content;
use super::{Authority, AuthoritySource, NotEnforced, SecureBoot, SecureBootKeys, Unproven};
use crate::facts::Shim;
use crate::facts::finding::{Finding, Findings};
use crate::replay::{ExplainedRegister, ReplayedEvent};
use crate::uefi::{Guid, Variable};
use crate::{EventType, Register};

/// What firmware measures first, in this order, each exactly once.
const VARIABLES: [(Guid, &str); 5] = [
    (Guid::GLOBAL, "SecureBoot"),
    (Guid::GLOBAL, "PK"),
    (Guid::GLOBAL, "KEK"),
    (Guid::IMAGE_SECURITY, "db"),
    (Guid::IMAGE_SECURITY, "dbx"),
];
/// What some firmware measures then, before the separator.
const MORE_VARIABLES: [(Guid, &str); 5] = [
    (Guid::IMAGE_SECURITY, "dbt"),
    (Guid::IMAGE_SECURITY, "dbr"),
    (Guid::GLOBAL, "AuditMode"),
    (Guid::GLOBAL, "DeployedMode"),
    (Guid::GLOBAL, "OsRecoveryOrder"),
];
const CUSTOM_POLICY: (Guid, &str) = (Guid::WINDOWS_POLICY, "CurrentPolicy");
/// Most authorities: firmware and shim measure each entry once, and use few.
const AUTHORITIES_MAX: usize = 128;
const DEVICES: &str = "devdb";
pub(in crate::facts) const DEBUG_MODE: &str = "UEFI Debug Mode";

/// What was found in PCR 7 so far.
#[derive(Debug, Default)]
pub(in crate::facts) struct Walk<'a> {
    /// Values of [`VARIABLES`], as far as they came.
    values: Vec<&'a [u8]>,
    after_separator: bool,
    custom_policies: usize,
    pub(in crate::facts) keys: Option<SecureBootKeys<'a>>,
    pub(in crate::facts) authorities: Vec<Authority<'a>>,
    pub(in crate::facts) shim: Shim<'a>,
}

impl<'a> Walk<'a> {
    /// Takes in all of PCR 7, and concludes.
    pub(in crate::facts) fn run(
        &mut self,
        register: &ExplainedRegister<'a>,
        findings: &mut Findings,
    ) -> Result<SecureBoot, Unproven> {
        for event in register.events() {
            self.event(&event, findings)?;
        }
        self.end(register.register())
    }

    /// Concludes.
    pub(in crate::facts) fn end(&mut self, register: Register) -> Result<SecureBoot, Unproven> {
        if !self.after_separator {
            return Err(Unproven::NoSeparator { register });
        }
        self.conclude()
    }

    fn conclude(&mut self) -> Result<SecureBoot, Unproven> {
        let [secure_boot, databases @ ..] = self.values.as_slice() else {
            return Err(Unproven::NoVariables);
        };
        let Ok(databases) = <[&[u8]; 4]>::try_from(databases) else {
            return Err(Unproven::NoVariables);
        };
        let on = match secure_boot {
            [1] => true,
            [] | [0] => false,
            other => return Err(Unproven::Value { found: encode_hex(other) }),
        };
        let keys = SecureBootKeys::parse(databases)?;
        if on {
            keys.check(&self.authorities)?;
        }
        self.keys = Some(keys);
        Ok(match (on, self.shim.verifies_nothing(), self.custom_policies) {
            (false, ..) => SecureBoot::Off,
            (true, true, _) => SecureBoot::NotEnforced(NotEnforced::MokSbState),
            (true, false, 1..) => SecureBoot::NotEnforced(NotEnforced::CustomPolicy),
            (true, false, 0) => SecureBoot::Enforced,
        })
    }

    /// Takes in one event.
    pub(in crate::facts) fn event(
        &mut self,
        event: &ReplayedEvent<'a>,
        findings: &mut Findings,
    ) -> Result<(), Unproven> {
        let sequence = event.untrusted_sequence();
        match Content::of(event) {
            Content::Uncovered => Err(Unproven::Digest { sequence }),
            Content::Separator => self.separator(event),
            Content::ErrorSeparator => {
                Err(Unproven::Separator { sequence, content: "the separator of a failure" })
            }
            Content::Action(text) => action(event, text, findings),
            Content::Variable(variable) if !self.after_separator => self.before(event, &variable),
            Content::Variable(variable) => self.after(event, &variable),
            Content::OldShimVariable(variable) if self.after_separator => {
                self.authority(event, &variable)
            }
            Content::OldShimVariable(variable) => Err(unknown(event, &variable)),
            Content::Other => {
                let register = event.register();
                Err(Unproven::Unknown {
                    register,
                    sequence,
                    content: "of no known form".to_owned(),
                })
            }
        }
    }

    fn separator(&mut self, event: &ReplayedEvent<'a>) -> Result<(), Unproven> {
        let sequence = event.untrusted_sequence();
        typed(event, EventType::SEPARATOR, || "a separator".to_owned())?;
        if self.after_separator {
            return Err(Unproven::Separator { sequence, content: "a second separator" });
        }
        if !self.values.is_empty() && self.values.len() < VARIABLES.len() {
            let expected = self.next_variable().map_or("", |(_, name)| name);
            return Err(Unproven::Order { sequence, content: "a separator".to_owned(), expected });
        }
        self.after_separator = true;
        Ok(())
    }

    /// A variable before the separator: configuration, then authorities of option ROMs.
    fn before(
        &mut self,
        event: &ReplayedEvent<'a>,
        variable: &Variable<'a>,
    ) -> Result<(), Unproven> {
        if let Some((vendor, name)) = self.next_variable() {
            if !variable.is(vendor, name) {
                let (sequence, content) = (event.untrusted_sequence(), described(variable));
                return Err(Unproven::Order { sequence, content, expected: name });
            }
            configures(event, variable)?;
            self.values.push(variable.data);
            return Ok(());
        }
        if MORE_VARIABLES.iter().any(|(vendor, name)| variable.is(*vendor, name)) {
            return configures(event, variable);
        }
        match (variable.vendor, variable.name.as_str()) {
            CUSTOM_POLICY => self.custom_policy(event, variable),
            (Guid::IMAGE_SECURITY, "db") => self.authority(event, variable),
            (_, DEVICES) => typed(event, EventType::EFI_SPDM_DEVICE_POLICY, || described(variable)),
            _ => Err(unknown(event, variable)),
        }
    }

    /// A variable after the separator: what let images run, and the state of shim.
    fn after(
        &mut self,
        event: &ReplayedEvent<'a>,
        variable: &Variable<'a>,
    ) -> Result<(), Unproven> {
        match (variable.vendor, variable.name.as_str()) {
            CUSTOM_POLICY => self.custom_policy(event, variable),
            (_, DEVICES) => {
                typed(event, EventType::EFI_SPDM_DEVICE_AUTHORITY, || described(variable))
            }
            _ => self.authority(event, variable),
        }
    }

    fn authority(
        &mut self,
        event: &ReplayedEvent<'a>,
        variable: &Variable<'a>,
    ) -> Result<(), Unproven> {
        let sequence = event.untrusted_sequence();
        let source = AuthoritySource::of(variable);
        if source.is_none() && !self.shim.take(variable) {
            return Err(unknown(event, variable));
        }
        typed(event, EventType::EFI_VARIABLE_AUTHORITY, || described(variable))?;
        let Some(source) = source else { return Ok(()) };
        if self.authorities.len() == AUTHORITIES_MAX {
            return Err(Unproven::TooManyAuthorities { sequence, limit: AUTHORITIES_MAX });
        }
        let authority = Authority::new(source, variable.data, self.after_separator, sequence);
        self.authorities.push(authority);
        Ok(())
    }

    fn custom_policy(
        &mut self,
        event: &ReplayedEvent<'a>,
        variable: &Variable<'a>,
    ) -> Result<(), Unproven> {
        configures(event, variable)?;
        self.custom_policies = self.custom_policies.saturating_add(1);
        if self.custom_policies > 1 {
            return Err(unknown(event, variable));
        }
        Ok(())
    }

    /// What firmware must measure next before all else; `None` once all came.
    fn next_variable(&self) -> Option<(Guid, &'static str)> {
        VARIABLES.get(self.values.len()).copied()
    }
}

/// What the firmware says that it did. Nothing follows from it, unless it says that nothing counts.
fn action(event: &ReplayedEvent<'_>, text: &str, findings: &mut Findings) -> Result<(), Unproven> {
    let (register, sequence) = (event.register(), event.untrusted_sequence());
    typed(event, EventType::EFI_ACTION, || format!("the action {text:?}"))?;
    if text == DEBUG_MODE {
        return Err(Unproven::DebugMode { sequence });
    }
    findings.push(Finding::Action { register, sequence, text: text.to_owned() });
    Ok(())
}

fn configures(event: &ReplayedEvent<'_>, variable: &Variable<'_>) -> Result<(), Unproven> {
    typed(event, EventType::EFI_VARIABLE_DRIVER_CONFIG, || described(variable))
}

/// The type of an event must be that of its content.
fn typed(
    event: &ReplayedEvent<'_>,
    expected: EventType,
    content: impl FnOnce() -> String,
) -> Result<(), Unproven> {
    let found = event.untrusted_type();
    if found == expected {
        return Ok(());
    }
    let (sequence, content) = (event.untrusted_sequence(), content());
    Err(Unproven::Type { sequence, content, expected, found })
}

fn described(variable: &Variable<'_>) -> String {
    format!("the variable {:?} of {}", variable.name, variable.vendor)
}

fn unknown(event: &ReplayedEvent<'_>, variable: &Variable<'_>) -> Unproven {
    let (register, sequence) = (event.register(), event.untrusted_sequence());
    Unproven::Unknown { register, sequence, content: described(variable) }
}
