//! What is worth telling of a log and decides nothing by itself.

use std::fmt;

use crate::{EventType, Register};

/// What is worth telling of a log and decides nothing by itself. Events are named by their place in
/// the log, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The firmware says in PCR 7 what it did.
    Action {
        /// The event.
        sequence: usize,
        /// What it says.
        text: String,
    },
    /// An event has a type that no event of such content has in this register.
    UnexpectedType {
        /// The register.
        register: Register,
        /// The event.
        sequence: usize,
        /// The type.
        found: EventType,
    },
    /// Text in PCR 8 is not what its digest covers, so no command line of GRUB's is known.
    CommandLineUnproven,
    /// A partition table in PCR 5 cannot be read.
    PartitionTable {
        /// The event.
        sequence: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action { sequence, text } => {
                write!(f, "event {sequence}: the firmware says {text:?} in PCR 7")
            }
            Self::UnexpectedType { register, sequence, found } => {
                write!(
                    f,
                    "event {sequence} of {register} has type {found}, which such events do not have"
                )
            }
            Self::CommandLineUnproven => f.write_str(
                "text in PCR 8 is not what its digest covers: no command line of GRUB's is known",
            ),
            Self::PartitionTable { sequence } => {
                write!(f, "event {sequence} of PCR 5 is a partition table that cannot be read")
            }
        }
    }
}
