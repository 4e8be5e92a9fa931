//! What all values of a setting say together.

use std::collections::BTreeMap;

use super::measured::{AUTHORITIES, MODULES, SETTINGS};
use super::tag::Kind;
use super::values::number;
use super::{Chain, TagId};
use crate::Register;

/// What all values of one tag say together. Settings come up several times, from each boot component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values {
    /// Whether one of them is not 0.
    pub(super) any: bool,
    /// Whether none of them is 0.
    pub(super) all: bool,
    /// Whether each of them is 1.
    pub(super) all_one: bool,
    /// The bits of all of them.
    pub(super) bits: u64,
}

impl Values {
    const fn of(value: u64) -> Self {
        Self { any: value != 0, all: value != 0, all_one: value == 1, bits: value }
    }

    const fn and(self, other: Self) -> Self {
        Self {
            any: self.any || other.any,
            all: self.all && other.all,
            all_one: self.all_one && other.all_one,
            bits: self.bits | other.bits,
        }
    }
}

/// Values that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MayBe(Option<Values>);

impl MayBe {
    /// Both together: of one that is missing nothing is said.
    pub(super) fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(two)) => Self(Some(one.and(two))),
            (one, two) => Self(one.or(two)),
        }
    }

    pub(super) fn map<T>(self, of: impl FnOnce(Values) -> T) -> Option<T> {
        self.0.map(of)
    }
}

/// What the logs of a chain say of each setting that is a number: all tags, looked at once.
pub(super) struct Said {
    values: BTreeMap<(Register, TagId), Values>,
    /// Whether the logs show how the system was loaded.
    pub(super) complete: bool,
}

impl Said {
    pub(super) fn of(chain: &Chain<'_>) -> Self {
        let mut values: BTreeMap<_, Values> = BTreeMap::new();
        let registers = [SETTINGS, MODULES, AUTHORITIES];
        for (register, tag) in
            chain.sessions().iter().flat_map(|session| session.measured().tags(&registers))
        {
            // Only tags of known numbers are these: there are few.
            if !matches!(tag.id.kind(), Kind::Flag | Kind::U32 | Kind::U64) {
                continue;
            }
            if let Some(value) = number(&tag).map(Values::of) {
                let all = values.entry((register, tag.id)).or_insert(value);
                *all = all.and(value);
            }
        }
        Self { values, complete: chain.is_complete() }
    }

    /// What one register says.
    pub(super) fn by(&self, register: Register, id: TagId) -> MayBe {
        MayBe(self.values.get(&(register, id)).copied())
    }

    /// What the registers with settings say.
    pub(super) fn in_settings(&self, id: TagId) -> MayBe {
        self.by(SETTINGS, id).and(self.by(MODULES, id))
    }

    /// A flag that weakens the system.
    pub(super) fn weakness(&self, id: TagId) -> Option<bool> {
        self.bad(self.in_settings(id).map(|values| values.any))
    }

    /// A flag that strengthens the system.
    pub(super) fn strength(&self, id: TagId) -> Option<bool> {
        self.good(self.in_settings(id).map(|values| values.all_one))
    }

    /// Whether something was launched each time that it is spoken of.
    pub(super) fn launched(&self, id: TagId) -> Option<bool> {
        self.good(self.in_settings(id).map(|values| values.all))
    }

    /// A result that speaks for the system if it is `true`: not proven while the logs are incomplete.
    pub(super) fn good(&self, result: Option<bool>) -> Option<bool> {
        result.filter(|good| self.complete || !good)
    }

    /// A result that speaks against the system if it is `true`: its absence is not proven while the
    /// logs are incomplete.
    pub(super) fn bad(&self, result: Option<bool>) -> Option<bool> {
        result.filter(|bad| self.complete || *bad)
    }
}
