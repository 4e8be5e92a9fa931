//! What is worth telling of a log and decides nothing by itself.

use std::fmt;

use crate::{EventType, Register};

/// What is worth telling of a log and decides nothing by itself. Events are named by their place in
/// the log, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The firmware says what it did, in the register of secure boot.
    Action {
        /// The register: PCR 7, or `RTMR` 0 of a trust domain.
        register: Register,
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
    /// More of something stands in a register than any machine has, so that none of it counts.
    TooMany {
        /// The register.
        register: Register,
        /// What there is too much of.
        what: &'static str,
        /// The most that count.
        limit: usize,
    },
    /// There is more to tell.
    More {
        /// How many findings are not told.
        count: usize,
    },
    /// Command lines stand in the register of one boot loader, and something else than nothing is or may
    /// be in that of the other: whose kernel runs is not known, so no command line is.
    OtherLoader {
        /// The register of the other one: PCR 8 of GRUB, PCR 12 of systemd-boot and systemd-stub.
        register: Register,
    },
    /// A partition table cannot be read.
    PartitionTable {
        /// The register: PCR 5, or `RTMR` 1 of a trust domain.
        register: Register,
        /// The event.
        sequence: usize,
    },
}

/// Most findings that are told.
const FINDINGS_MAX: usize = 64;

/// Collects findings, of which there are as many as whoever writes the log likes.
#[derive(Debug, Default)]
pub(super) struct Findings {
    told: Vec<Finding>,
    more: usize,
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        if self.told.len() < FINDINGS_MAX {
            self.told.push(finding);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        let mut told = self.told;
        if self.more > 0 {
            told.push(Finding::More { count: self.more });
        }
        told
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action { register, sequence, text } => {
                write!(f, "event {sequence}: the firmware says {text:?} in {register}")
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
            Self::TooMany { register, what, limit } => {
                write!(f, "{register} has more than {limit} {what}: none of them counts")
            }
            Self::More { count } => write!(f, "{count} findings more, which are not shown"),
            Self::OtherLoader { register } => {
                write!(
                    f,
                    "another boot loader may have given the kernel its command line ({register})"
                )
            }
            Self::PartitionTable { register, sequence } => {
                write!(f, "event {sequence} of {register} is a partition table that cannot be read")
            }
        }
    }
}
