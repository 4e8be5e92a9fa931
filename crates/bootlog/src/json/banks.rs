//! Values of registers, and verdicts on them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::replay::{Judged, JudgedBank};
use crate::{Register, RegisterValues};

/// Values as `{"sha256": {"0": "…"}}`: bank, index, value in lower-case hex.
#[derive(Debug, Clone, Copy)]
pub struct Banks<'a>(pub &'a RegisterValues);

impl Serialize for Banks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.algorithms().map(|algorithm| {
            let values = self.0.bank(algorithm);
            let values: BTreeMap<Key, String> =
                values.map(|(register, value)| (Key(register), value.to_string())).collect();
            (algorithm.name(), values)
        }))
    }
}

/// Verdicts as `{"sha256": {"0": {"value": "…", "verdict": "explained"}}}`.
#[derive(Debug, Clone, Copy)]
pub struct Verdicts<'l, 'a>(pub &'l Judged<'a>);

impl Serialize for Verdicts<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.0.banks().iter().map(|bank| (bank.algorithm().name(), of(bank))))
    }
}

fn of(bank: &JudgedBank<'_>) -> BTreeMap<Key, OneVerdict> {
    let verdicts = bank.verdicts().map(|(register, verdict)| {
        let value = verdict.proven().to_string();
        (Key(register), OneVerdict { value, verdict: verdict.name() })
    });
    verdicts.collect()
}

#[derive(Debug, Serialize)]
struct OneVerdict {
    value: String,
    verdict: &'static str,
}

/// A register as a key: the index of a PCR, else the register's name in lower case.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(Register);

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Register::Pcr(index) => serializer.collect_str(&index),
            Register::MrTd => serializer.serialize_str("mrtd"),
            Register::Rtmr(index) => serializer.collect_str(&format_args!("rtmr{index}")),
        }
    }
}
