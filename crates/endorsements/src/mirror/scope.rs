//! What may be fetched because somebody asked for it.

use std::fmt;
use std::str::FromStr;

use avouch_dcap::TcbEvaluation;
use serde::Deserialize;
use thiserror::Error;

use crate::EndorsementName;

/// A name, or the beginning of one up to a slash: `intel/sgx/tcb-info/00606a000000/`,
/// `amd/genoa/vcek/`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct NameRule(String);

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{text:?} is neither the name of an endorsement nor the beginning of one with a slash at its end, \
     such as intel/sgx/tcb-info/00606a000000/"
)]
pub struct NameRuleError {
    text: String,
}

impl NameRule {
    fn fits(&self, name: &str) -> bool {
        if self.0.ends_with('/') { name.starts_with(&self.0) } else { name == self.0 }
    }
}

/// With one of these every beginning of a name becomes a name.
const ENDS: [&str; 9] = [
    "root-ca-crl",
    "platform",
    "standard",
    "qe-identity/standard",
    "000000000000/standard",
    "vcek-crl",
    "milan/vcek-crl",
    ZERO_TCB,
    ZERO_CHIP_AND_TCB,
];
const ZERO_TCB: &str = "0000000000000000";
const ZERO_CHIP_AND_TCB: &str = "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000/0000000000000000";

impl FromStr for NameRule {
    type Err = NameRuleError;

    fn from_str(text: &str) -> Result<Self, NameRuleError> {
        let is_name = |rest: &str| format!("{text}{rest}").parse::<EndorsementName>().is_ok();
        let is_beginning = || text.ends_with('/') && ENDS.iter().any(|end| is_name(end));
        if is_name("") || is_beginning() {
            return Ok(Self(text.to_owned()));
        }
        Err(NameRuleError { text: avouch_wire::excerpt(text).to_string() })
    }
}

impl TryFrom<String> for NameRule {
    type Error = NameRuleError;

    fn try_from(text: String) -> Result<Self, NameRuleError> {
        text.parse()
    }
}

impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What may be fetched for whoever asks: what there is a fixed number of, and what the rules name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MirrorScope {
    rules: Vec<NameRule>,
}

impl MirrorScope {
    /// By these rules.
    #[must_use]
    pub const fn new(rules: Vec<NameRule>) -> Self {
        Self { rules }
    }

    /// Whether a name may be fetched.
    #[must_use]
    pub fn allows(&self, name: &EndorsementName) -> bool {
        if !is_made_up_freely(name) {
            return true;
        }
        let name = name.to_string();
        self.rules.iter().any(|rule| rule.fits(&name))
    }
}

/// Whether whoever asks chooses a part of the name at will: a platform, a chip or a number.
const fn is_made_up_freely(name: &EndorsementName) -> bool {
    matches!(
        name,
        EndorsementName::TcbInfo { .. }
            | EndorsementName::QeIdentity { evaluation: TcbEvaluation::Number(_), .. }
            | EndorsementName::Vcek(..)
            | EndorsementName::TpmCa(_)
    )
}
