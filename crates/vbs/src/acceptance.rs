//! Acceptance: what an operator wants of reports that verified. A step of its own, after verification.

use std::collections::BTreeSet;

use avouch_wire::{AcceptanceError, Hex, failed_check};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::VerifiedReport;

/// What an operator accepts. The default accepts every report that verifies, as MAA does: flags and
/// versions are claims, and policies decide about them.
///
/// Empty lists and absent floors mean *not checked*.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acceptance {
    /// Refuse enclaves that the machine's owner may debug, or may allow to be debugged: any flag.
    pub refuse_debuggable: bool,
    /// Accept only images of these authors (`AuthorId`), 32 bytes in hex.
    pub author_ids: BTreeSet<Hex<32>>,
    /// Accept only these images (`UniqueId`), 32 bytes in hex.
    pub unique_ids: BTreeSet<Hex<32>>,
    /// Least security version of the image.
    pub minimum_enclave_svn: Option<u32>,
    /// Least security version of the secure kernel.
    pub minimum_secure_kernel_svn: Option<u32>,
    /// Least security version of the platform.
    pub minimum_platform_svn: Option<u32>,
}

/// One thing about a verified report that an operator does not accept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The enclave can be debugged.
    #[error("enclave flags {flags:#x} allow debugging, or mean something that is not known")]
    Debuggable {
        /// `Flags`.
        flags: u32,
    },
    /// The author is not among those accepted.
    #[error("author {found} is none of the {accepted} accepted")]
    AuthorId {
        /// `AuthorId`.
        found: Hex<32>,
        /// How many are accepted.
        accepted: usize,
    },
    /// The image is not among those accepted.
    #[error("image {found} is none of the {accepted} accepted")]
    UniqueId {
        /// `UniqueId`.
        found: Hex<32>,
        /// How many are accepted.
        accepted: usize,
    },
    /// A security version is below its floor.
    #[error("{component} SVN is {found}, at least {minimum} is required")]
    Svn {
        /// Of what.
        component: &'static str,
        /// The version in the report.
        found: u32,
        /// The floor.
        minimum: u32,
    },
}

failed_check!(Refusal {
    Self::Debuggable { .. } => "debuggable",
    Self::AuthorId { .. } => "enclave-author-not-accepted",
    Self::UniqueId { .. } => "enclave-image-not-accepted",
    Self::Svn { .. } => "enclave-svn-below-minimum",
});

impl Acceptance {
    /// Whether an enclave is of the images and authors that are listed; none where neither are.
    #[must_use]
    pub fn lists(&self, report: &VerifiedReport) -> Option<bool> {
        if self.author_ids.is_empty() && self.unique_ids.is_empty() {
            return None;
        }
        let author = missing_from(&self.author_ids, &report.author_id).is_none();
        Some(author && missing_from(&self.unique_ids, &report.unique_id).is_none())
    }

    /// Judges a verified report; names all that is not accepted at once.
    ///
    /// # Errors
    /// [`AcceptanceError`] with each [`Refusal`].
    pub fn check(&self, report: &VerifiedReport) -> Result<(), AcceptanceError<Refusal>> {
        AcceptanceError::unless_accepted(self.refusals(report))
    }

    /// All that is not accepted, in the order in which it is checked.
    fn refusals(&self, report: &VerifiedReport) -> Vec<Refusal> {
        let floors = [
            ("enclave", report.enclave_svn, self.minimum_enclave_svn),
            ("secure kernel", report.secure_kernel_svn, self.minimum_secure_kernel_svn),
            ("platform", report.platform_svn, self.minimum_platform_svn),
        ];
        let debuggable = self.refuse_debuggable && report.flags.debuggable();
        let mut refusals = Vec::new();
        refusals.extend(debuggable.then_some(Refusal::Debuggable { flags: report.flags.0 }));
        if let Some(accepted) = missing_from(&self.author_ids, &report.author_id) {
            refusals.push(Refusal::AuthorId { found: report.author_id, accepted });
        }
        if let Some(accepted) = missing_from(&self.unique_ids, &report.unique_id) {
            refusals.push(Refusal::UniqueId { found: report.unique_id, accepted });
        }
        refusals.extend(floors.into_iter().filter_map(|(component, found, minimum)| {
            let minimum = minimum.filter(|minimum| found < *minimum)?;
            Some(Refusal::Svn { component, found, minimum })
        }));
        refusals
    }
}

/// The number of accepted values if there are any and `found` is none of them.
fn missing_from(accepted: &BTreeSet<Hex<32>>, found: &Hex<32>) -> Option<usize> {
    (!accepted.is_empty() && !accepted.contains(found)).then_some(accepted.len())
}
