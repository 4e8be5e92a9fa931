//! `[tpm]`: conversations with TPMs.

use serde::Deserialize;

use super::ConfigError;

/// `[tpm]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TpmConfig {
    /// How long a challenge can be answered, in seconds; 10 to 3600.
    pub challenge_seconds: u32,
    /// How many answered challenges an instance remembers: of more, the oldest could be answered again.
    pub answered_challenges_max: u32,
    /// Whether machines without an AIK certificate can enrol by their endorsement key.
    pub enrolment: bool,
    /// How long an enrolment counts, in days; 1 to 3650.
    pub enrolment_days: u32,
}

impl Default for TpmConfig {
    fn default() -> Self {
        Self {
            challenge_seconds: 300,
            answered_challenges_max: 65_536,
            enrolment: false,
            enrolment_days: 30,
        }
    }
}

impl TpmConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("tpm.challenge_seconds", self.challenge_seconds, 10..=3600),
            ("tpm.answered_challenges_max", self.answered_challenges_max, 1..=16_777_216),
            ("tpm.enrolment_days", self.enrolment_days, 1..=3650),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let text = format!("{value} is not in {} to {}", range.start(), range.end());
                return Err(ConfigError::value(key, text));
            }
        }
        Ok(())
    }
}
