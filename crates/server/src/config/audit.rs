//! `[audit]`: what is kept of what was appraised.

use avouch_store::CapsuleBounds;
use serde::Deserialize;

use super::ConfigError;

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Which evidence is kept, as capsules.
    pub keep_evidence: KeepEvidence,
    /// Capsules kept of each provider and verdict; the oldest go first.
    pub evidence_number_max: u64,
    /// Bytes of these.
    pub evidence_bytes_max: u64,
    /// Days for which they are kept.
    pub evidence_days_max: u64,
}

/// Which evidence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepEvidence {
    /// None: it may hold personal data.
    #[default]
    None,
    /// What got no token.
    Refused,
    /// All.
    All,
}

impl KeepEvidence {
    /// Whether evidence is kept that was permitted, or was not.
    #[must_use]
    pub const fn keeps(self, permitted: bool) -> bool {
        match self {
            Self::None => false,
            Self::Refused => !permitted,
            Self::All => true,
        }
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            keep_evidence: KeepEvidence::None,
            evidence_number_max: 10_000,
            evidence_bytes_max: 256 << 20,
            evidence_days_max: 30,
        }
    }
}

impl AuditConfig {
    /// How many the store keeps.
    #[must_use]
    pub const fn bounds(&self) -> CapsuleBounds {
        CapsuleBounds { number_max: self.evidence_number_max, bytes_max: self.evidence_bytes_max }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("evidence_number_max", self.evidence_number_max, 1, 1_000_000),
            ("evidence_bytes_max", self.evidence_bytes_max, 16 << 20, 1 << 40),
            ("evidence_days_max", self.evidence_days_max, 1, 3_660),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let message = format!("{value} is not between {least} and {most}");
                return Err(ConfigError::value(format!("audit.{key}"), message));
            }
        }
        Ok(())
    }
}
