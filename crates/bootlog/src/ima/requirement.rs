//! What an operator can require of a list, and why it is not met.

use std::fmt;

use avouch_wire::{excerpt, failed_check};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Appraisal, BootAggregate, Offenders, References};

/// What an operator can require of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Only what the operator's keys signed.
    OnlySigned,
    /// Only what the reference values list.
    OnlyListed,
    /// Only what is signed or listed.
    OnlySignedOrListed,
    /// Every volume that the reference values name runs, with a root digest that they list, and no
    /// volume of verity runs that they do not.
    ListedVolumes,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnlySigned => "only signed files",
            Self::OnlyListed => "only listed files",
            Self::OnlySignedOrListed => "only files that are signed or listed",
            Self::ListedVolumes => "the listed volumes",
        })
    }
}

/// Why a requirement is not met.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotMet {
    /// The list did not begin in this boot, as far as the quote shows.
    #[error("{requirement} are required, and the boot aggregate of the measurement list {}",
            said(*.found))]
    Boot {
        /// What is required.
        requirement: Requirement,
        /// What was found.
        found: BootAggregate,
    },
    /// No file was measured at all.
    #[error(
        "{requirement} are required, and the kernel measured none: it has no policy that says so"
    )]
    NothingMeasured {
        /// What is required.
        requirement: Requirement,
    },
    /// Entries that are not what is required.
    #[error("{requirement} are required, and there is {offenders}")]
    Entries {
        /// What is required.
        requirement: Requirement,
        /// The entries.
        offenders: Offenders,
    },
    /// A volume is not what is required, or missing.
    #[error("the listed volumes are required, and {what}")]
    Volume {
        /// Which, and what is wrong.
        what: String,
    },
}

const fn said(found: BootAggregate) -> &'static str {
    match found {
        BootAggregate::Matches { .. } => "matches",
        BootAggregate::Differs => "is not that of the quoted registers",
        BootAggregate::NotQuoted => "is over registers that the quote has not",
        BootAggregate::Absent => "is missing",
    }
}

failed_check!(NotMet {
    Self::Boot { .. } => "ima-boot-aggregate",
    Self::NothingMeasured { .. } => "ima-nothing-measured",
    Self::Entries { requirement: Requirement::OnlySigned, .. } => "ima-only-signed",
    Self::Entries { requirement: Requirement::OnlyListed, .. } => "ima-only-listed",
    Self::Entries { .. } => "ima-only-signed-or-listed",
    Self::Volume { .. } => "verity-volumes",
});

impl Appraisal {
    /// Whether a requirement is met.
    ///
    /// # Errors
    /// [`NotMet`] with the first entries or the volume for which it is not.
    pub fn require(&self, requirement: Requirement, references: &References) -> Result<(), NotMet> {
        let facts = self.facts();
        if !facts.boot_aggregate.matches() {
            return Err(NotMet::Boot { requirement, found: facts.boot_aggregate });
        }
        let offenders = match requirement {
            Requirement::OnlySigned => &self.unsigned,
            Requirement::OnlyListed => &self.unlisted,
            Requirement::OnlySignedOrListed => &self.neither,
            Requirement::ListedVolumes => return self.listed_volumes(references),
        };
        if offenders.count() > 0 {
            return Err(NotMet::Entries { requirement, offenders: offenders.clone() });
        }
        if facts.files == 0 {
            return Err(NotMet::NothingMeasured { requirement });
        }
        Ok(())
    }

    fn listed_volumes(&self, references: &References) -> Result<(), NotMet> {
        let volumes = &self.facts().volumes;
        if volumes.malformed > 0 {
            let what = format!("{} events of the device mapper are malformed", volumes.malformed);
            return Err(NotMet::Volume { what });
        }
        for volume in &volumes.running {
            let name = excerpt(&volume.name);
            let what = if !volume.is_listed(references) {
                format!("{name} runs with root digest {}", excerpt(&volume.root_digest))
            } else if !volume.enforced {
                format!("{name} runs and gives blocks that do not fit")
            } else {
                continue;
            };
            return Err(NotMet::Volume { what });
        }
        let runs = |wanted: &[u8]| volumes.running.iter().any(|volume| volume.is_called(wanted));
        match references.volume_names().find(|name| !runs(name)) {
            Some(missing) => {
                let name = String::from_utf8_lossy(missing);
                Err(NotMet::Volume { what: format!("{} does not run", excerpt(&name)) })
            }
            None if references.name_volumes() => Ok(()),
            None => Err(NotMet::Volume { what: "none are listed".to_owned() }),
        }
    }
}
