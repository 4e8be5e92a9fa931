//! Secure boot, by what extended PCR 7.
//!
//! The type of an event is covered by nothing, so each event is classified by its content, its type
//! must agree, and the order must be one that firmware and shim produce. Anything else proves nothing:
//! whoever is root on the machine can extend PCR 7 with whole sets of perfect variables after the boot.

mod error;
mod keys;
mod reason;
mod walk;

pub use error::Unproven;
pub use keys::{Authority, AuthoritySource, SecureBootKeys};
pub use reason::Reason;
pub(super) use walk::{DEBUG_MODE, Walk};

/// Whether only signed code ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecureBoot {
    /// Firmware, and shim if it booted, verified all that they ran, by the keys in the facts. Whose
    /// keys these are is another question.
    Enforced,
    /// The firmware verified nothing.
    Off,
    /// The firmware verified what it ran, and what it ran verified nothing further.
    NotEnforced(NotEnforced),
    /// The log proves neither.
    Unproven(Unproven),
}

/// Why verification stopped although the firmware began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEnforced {
    /// shim was told to verify nothing: `MokSBState` is, or was at some time, other than 00.
    MokSbState,
    /// A custom policy of Windows is in force, which can allow anything.
    CustomPolicy,
}

impl SecureBoot {
    /// Whether it was enforced for what booted; `None` if the log proves neither.
    #[must_use]
    pub const fn enforced(&self) -> Option<bool> {
        match self {
            Self::Enforced => Some(true),
            Self::Off | Self::NotEnforced(_) => Some(false),
            Self::Unproven(_) => None,
        }
    }
}
