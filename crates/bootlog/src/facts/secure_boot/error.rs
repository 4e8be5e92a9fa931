//! Why a log proves nothing about secure boot.

use avouch_wire::{ParseError, failed_check};
use thiserror::Error;

use crate::{EventType, Register};

/// Why a log proves nothing about secure boot. Events are named by their place in the log, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unproven {
    /// No bank with a strong algorithm was quoted and logged.
    #[error("no bank of SHA-256 or better is both quoted and logged")]
    NoStrongBank,
    /// The log does not explain the register that the variables are measured into.
    #[error("the log does not explain {register} ({verdict})")]
    Register {
        /// The register.
        register: Register,
        /// The verdict on it, or that it was not quoted.
        verdict: &'static str,
    },
    /// A digest is of other bytes than the event's data.
    #[error("the digest of event {sequence} does not cover its data")]
    Digest {
        /// The event.
        sequence: usize,
    },
    /// Type and content of an event disagree.
    #[error("event {sequence} is {content} and says that it is {found}, expected {expected}")]
    Type {
        /// The event.
        sequence: usize,
        /// What it is by its content.
        content: String,
        /// The type that such an event has.
        expected: EventType,
        /// The type that it has.
        found: EventType,
    },
    /// An event that no firmware measures beside the secure boot variables.
    #[error("event {sequence} is {content}, which nothing measures into {register} at this place")]
    Unknown {
        /// The register.
        register: Register,
        /// The event.
        sequence: usize,
        /// What it is by its content.
        content: String,
    },
    /// Variables in another order, or another number of times, than firmware measures them.
    #[error("event {sequence} is {content}, expected {expected}")]
    Order {
        /// The event.
        sequence: usize,
        /// What it is by its content.
        content: String,
        /// What firmware measures there.
        expected: &'static str,
    },
    /// The firmware measured no secure boot variables at all.
    #[error("no secure boot variable was measured")]
    NoVariables,
    /// The firmware says that it failed, or that phases end that do not.
    #[error("event {sequence} is {content}")]
    Separator {
        /// The event.
        sequence: usize,
        /// What it is.
        content: &'static str,
    },
    /// The register that the variables are measured into has no separator.
    #[error("{register} has no separator")]
    NoSeparator {
        /// The register.
        register: Register,
    },
    /// The firmware was in a mode in which nothing that it says counts.
    #[error("event {sequence}: the firmware says \"UEFI Debug Mode\"")]
    DebugMode {
        /// The event.
        sequence: usize,
    },
    /// `SecureBoot` is neither on nor off.
    #[error("the SecureBoot variable is {found}, expected 00 or 01")]
    Value {
        /// Its value in hex.
        found: String,
    },
    /// A database is no list of signatures.
    #[error("{variable}: {source}")]
    Database {
        /// Which.
        variable: &'static str,
        /// What is wrong.
        source: ParseError,
    },
    /// Secure boot is on and a database without which it cannot work is empty.
    #[error("secure boot is on and {variable} is empty")]
    Empty {
        /// Which.
        variable: &'static str,
    },
    /// Secure boot is on and nothing was verified.
    #[error("secure boot is on and no entry of db let anything run")]
    NoAuthority,
    /// More entries let images run than any machine uses.
    #[error("event {sequence} is one more than the {limit} entries by which images may have run")]
    TooManyAuthorities {
        /// The event.
        sequence: usize,
        /// The most that are read.
        limit: usize,
    },
    /// An image ran by an entry that `db` does not have.
    #[error("event {sequence} names an entry that db does not have")]
    Authority {
        /// The event.
        sequence: usize,
    },
}

failed_check!(Unproven {
    Self::NoStrongBank => "secure-boot-bank",
    Self::Register { .. } => "secure-boot-register",
    Self::Digest { .. } => "secure-boot-digest",
    Self::Type { .. } => "secure-boot-type",
    Self::Unknown { .. } | Self::Order { .. } => "secure-boot-order",
    Self::NoVariables => "secure-boot-variables",
    Self::Separator { .. } | Self::NoSeparator { .. } => "secure-boot-separator",
    Self::DebugMode { .. } => "secure-boot-debug-mode",
    Self::Value { .. } => "secure-boot-value",
    Self::Database { .. } | Self::Empty { .. } => "secure-boot-databases",
    Self::NoAuthority | Self::TooManyAuthorities { .. } | Self::Authority { .. } =>
        "secure-boot-authority",
});
