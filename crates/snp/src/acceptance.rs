//! Acceptance: what an operator wants of evidence that verified. A step of its own, after
//! verification.

use std::collections::{BTreeMap, BTreeSet};

use avouch_wire::{AcceptanceError, Hex, failed_check};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{ChipBinding, Product, Tcb, TcbShortfall, VMPL_HOST, VerifiedReport};

/// What an operator accepts. The default refuses what MAA's contract gives no meaning to (reports
/// that the host asked for, masked chip ids) and nothing else: MAA's own default policy permits
/// debuggable guests too.
///
/// Empty lists and absent floors mean *not checked*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acceptance {
    /// Refuse guests that the host may debug (`POLICY` bit 19).
    pub refuse_debuggable: bool,
    /// Refuse guests that may have a migration agent (`POLICY` bit 18).
    pub refuse_migratable: bool,
    /// Refuse reports that the host asked for (`VMPL` 0xFFFFFFFF): anybody on the host can have one
    /// made, with REPORT_DATA of their choice.
    pub refuse_host_requested: bool,
    /// Refuse reports of a VCEK whose host masked CHIP_ID.
    pub refuse_masked_chip_id: bool,
    /// Refuse platforms that did not check for memory aliasing (`PLATFORM_INFO` bit 5).
    pub refuse_unchecked_aliasing: bool,
    /// Accept only these products.
    pub products: BTreeSet<Product>,
    /// Least TCB per product, part by part.
    pub minimum_tcb: BTreeMap<Product, TcbFloor>,
    /// Least security version of the guest's ID block.
    pub minimum_guest_svn: Option<u32>,
    /// Accept only these launch digests, 48 bytes in hex.
    pub measurements: BTreeSet<Hex<48>>,
    /// Accept only these digests of ID keys, 48 bytes in hex.
    pub id_key_digests: BTreeSet<Hex<48>>,
    /// Accept only these digests of author keys, 48 bytes in hex.
    pub author_key_digests: BTreeSet<Hex<48>>,
    /// Refuse these chips, 64 bytes in hex, whether the report names the chip or the VCEK alone does
    /// since the host masked CHIP_ID. On Turin the id is 8 bytes, then zeros.
    pub refused_chip_ids: BTreeSet<Hex<64>>,
}

/// Least TCBs of one product. The reported TCB is what the signature proves; the committed one is
/// what the host cannot go back behind; the launch one is what the guest was started on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TcbFloor {
    /// Lowest REPORTED_TCB, part by part.
    pub reported: Option<Tcb>,
    /// Lowest COMMITTED_TCB, part by part.
    pub committed: Option<Tcb>,
    /// Lowest LAUNCH_TCB, part by part.
    pub launch: Option<Tcb>,
}

/// One thing about verified evidence that an operator does not accept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The host may debug the guest.
    #[error("guest policy {policy:#x} allows debugging (bit 19)")]
    Debuggable {
        /// `POLICY`.
        policy: u64,
    },
    /// The guest may have a migration agent.
    #[error("guest policy {policy:#x} allows a migration agent (bit 18)")]
    Migratable {
        /// `POLICY`.
        policy: u64,
    },
    /// The host asked for the report.
    #[error("VMPL is 0xffffffff: the host asked for the report, not the guest")]
    HostRequested,
    /// The host masked CHIP_ID.
    #[error("CHIP_ID is masked, so the report does not name its chip")]
    MaskedChipId,
    /// Memory aliasing was not checked for.
    #[error("platform information {platform_info:#x} lacks ALIAS_CHECK_COMPLETE (bit 5)")]
    AliasCheck {
        /// `PLATFORM_INFO`.
        platform_info: u64,
    },
    /// The product is not among those accepted.
    #[error("product is {found}, accepted are {accepted:?}")]
    Product {
        /// Product of the report.
        found: Product,
        /// Those accepted.
        accepted: Vec<Product>,
    },
    /// A part of a TCB is below its floor.
    #[error("{} of {tcb} is {}, at least {} is required", .shortfall.component, .shortfall.found, .shortfall.minimum)]
    Tcb {
        /// Which TCB.
        tcb: &'static str,
        /// Which part, and by how much.
        shortfall: TcbShortfall,
    },
    /// The guest's security version is below its floor.
    #[error("guest SVN is {found}, at least {minimum} is required")]
    GuestSvn {
        /// `GUEST_SVN`.
        found: u32,
        /// The floor.
        minimum: u32,
    },
    /// The launch digest is not among those accepted.
    #[error("measurement {found} is none of the {accepted} accepted")]
    Measurement {
        /// `MEASUREMENT`.
        found: Hex<48>,
        /// How many are accepted.
        accepted: usize,
    },
    /// The ID key is not among those accepted.
    #[error("ID key digest {found} is none of the {accepted} accepted")]
    IdKeyDigest {
        /// `ID_KEY_DIGEST`.
        found: Hex<48>,
        /// How many are accepted.
        accepted: usize,
    },
    /// The author key is not among those accepted.
    #[error("author key digest {found} is none of the {accepted} accepted")]
    AuthorKeyDigest {
        /// `AUTHOR_KEY_DIGEST`.
        found: Hex<48>,
        /// How many are accepted.
        accepted: usize,
    },
    /// The chip is refused.
    #[error("chip {chip_id} is refused")]
    ChipId {
        /// `CHIP_ID`, or what the VCEK's certificate has for it.
        chip_id: Hex<64>,
    },
}

failed_check!(Refusal {
    Self::Debuggable { .. } => "debuggable",
    Self::Migratable { .. } => "migratable",
    Self::HostRequested => "host-requested",
    Self::MaskedChipId => "chip-id-masked",
    Self::AliasCheck { .. } => "alias-check",
    Self::Product { .. } => "product-not-accepted",
    Self::Tcb { .. } => "tcb-below-minimum",
    Self::GuestSvn { .. } => "guest-svn-below-minimum",
    Self::Measurement { .. } => "measurement-not-accepted",
    Self::IdKeyDigest { .. } => "id-key-not-accepted",
    Self::AuthorKeyDigest { .. } => "author-key-not-accepted",
    Self::ChipId { .. } => "chip-refused",
});

impl Default for Acceptance {
    fn default() -> Self {
        Self { refuse_host_requested: true, refuse_masked_chip_id: true, ..Self::everything() }
    }
}

impl Acceptance {
    /// Accepts every report that verifies, also one that the host asked for.
    #[must_use]
    pub const fn everything() -> Self {
        Self {
            refuse_debuggable: false,
            refuse_migratable: false,
            refuse_host_requested: false,
            refuse_masked_chip_id: false,
            refuse_unchecked_aliasing: false,
            products: BTreeSet::new(),
            minimum_tcb: BTreeMap::new(),
            minimum_guest_svn: None,
            measurements: BTreeSet::new(),
            id_key_digests: BTreeSet::new(),
            author_key_digests: BTreeSet::new(),
            refused_chip_ids: BTreeSet::new(),
        }
    }

    /// Judges a verified report; names all that is not accepted at once.
    ///
    /// # Errors
    /// [`AcceptanceError`] with each [`Refusal`].
    pub fn check(&self, report: &VerifiedReport) -> Result<(), AcceptanceError<Refusal>> {
        let mut refusals = self.setting_refusals(report);
        refusals.extend(self.tcb_refusals(report));
        refusals.extend(self.reference_value_refusals(report));
        AcceptanceError::unless_accepted(refusals)
    }

    fn setting_refusals(&self, report: &VerifiedReport) -> Vec<Refusal> {
        let body = report.body();
        let policy = body.policy.0;
        let masked = report.chip_binding() == ChipBinding::Masked;
        let checks = [
            (self.refuse_host_requested && body.vmpl == VMPL_HOST, Refusal::HostRequested),
            (self.refuse_masked_chip_id && masked, Refusal::MaskedChipId),
            (self.refuse_debuggable && body.policy.debug_allowed(), Refusal::Debuggable { policy }),
            (
                self.refuse_migratable && body.policy.migrate_ma_allowed(),
                Refusal::Migratable { policy },
            ),
            (
                self.refuse_unchecked_aliasing && !body.platform_info.alias_check_complete(),
                Refusal::AliasCheck { platform_info: body.platform_info.0 },
            ),
        ];
        checks.into_iter().filter_map(|(refused, why)| refused.then_some(why)).collect()
    }

    fn tcb_refusals(&self, report: &VerifiedReport) -> Vec<Refusal> {
        let product = report.product();
        let Some(floor) = self.minimum_tcb.get(&product) else {
            return Vec::new();
        };
        let body = report.body();
        let levels = [
            ("REPORTED_TCB", body.reported_tcb, floor.reported),
            ("COMMITTED_TCB", body.committed_tcb, floor.committed),
            ("LAUNCH_TCB", body.launch_tcb, floor.launch),
        ];
        let below = levels.into_iter().filter_map(|(tcb, found, floor)| {
            Some((tcb, found.parts(product).shortfalls(&floor?)))
        });
        below
            .flat_map(|(tcb, shortfalls)| {
                shortfalls.into_iter().map(move |shortfall| Refusal::Tcb { tcb, shortfall })
            })
            .collect()
    }

    fn reference_value_refusals(&self, report: &VerifiedReport) -> Vec<Refusal> {
        let body = report.body();
        let mut refusals = Vec::new();
        if !self.products.is_empty() && !self.products.contains(&report.product()) {
            let accepted = self.products.iter().copied().collect();
            refusals.push(Refusal::Product { found: report.product(), accepted });
        }
        if let Some(minimum) = self.minimum_guest_svn.filter(|least| body.guest_svn < *least) {
            refusals.push(Refusal::GuestSvn { found: body.guest_svn, minimum });
        }
        if let Some(accepted) = missing_from(&self.measurements, &body.measurement) {
            refusals.push(Refusal::Measurement { found: body.measurement, accepted });
        }
        if let Some(accepted) = missing_from(&self.id_key_digests, &body.id_key_digest) {
            refusals.push(Refusal::IdKeyDigest { found: body.id_key_digest, accepted });
        }
        if let Some(accepted) = missing_from(&self.author_key_digests, &body.author_key_digest) {
            refusals.push(Refusal::AuthorKeyDigest { found: body.author_key_digest, accepted });
        }
        let chips = [Some(body.chip_id), report.certified_chip_id()];
        if let Some(chip_id) =
            chips.into_iter().flatten().find(|id| self.refused_chip_ids.contains(id))
        {
            refusals.push(Refusal::ChipId { chip_id });
        }
        refusals
    }
}

/// The number of accepted values if there are any and `found` is none of them.
fn missing_from(accepted: &BTreeSet<Hex<48>>, found: &Hex<48>) -> Option<usize> {
    (!accepted.is_empty() && !accepted.contains(found)).then_some(accepted.len())
}
