//! Reference values: which guests an operator vouches for, under what name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use avouch_wire::Hex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Acceptance, Product, Refusal, TcbFloor, VerifiedReport};

/// One kind of guest that an operator vouches for, and the compliance status that it stands for.
///
/// A report is of it if its measurement and its ID key are listed, where such are listed at all; its
/// product is named and no TCB is below the floors; and nobody but the guest's most privileged level
/// speaks: no debugging, no migration agent, VMPL 0. Without that, whoever owns a genuine chip could
/// have a report of any content made.
///
/// # Source
/// AMD 56860, attestation report; `docs/maa-divergences/snp.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceValues {
    /// What the operator calls it.
    pub name: String,
    /// The value of `x-ms-compliance-status` that it stands for, where it is not the general one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_status: Option<String>,
    /// Whether it is a paravisor, which gives the system below it a virtual TPM and alone may ask for
    /// evidence: then what such evidence binds speaks for that TPM. Of any other guest it would be
    /// whatever its administrator likes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paravisor: bool,
    /// Launch digests, 48 bytes in hex.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub measurements: BTreeSet<Hex<48>>,
    /// Digests of ID keys, 48 bytes in hex.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub id_key_digests: BTreeSet<Hex<48>>,
    /// Least security version of the guest's ID block; needed where no measurements are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_guest_svn: Option<u32>,
    /// `FAMILY_ID`, 16 bytes in hex; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_id: Option<Hex<16>>,
    /// `IMAGE_ID`, 16 bytes in hex; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<Hex<16>>,
    /// Least TCBs of each product that it may run on. The reported TCB must have a floor.
    pub minimum_tcb: BTreeMap<Product, TcbFloor>,
}

/// Why reference values would vouch for guests that nobody meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceValuesError {
    /// There is no name, or no status.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Nothing says which guest it is.
    #[error("neither measurements nor id_key_digests are listed, so every guest would match")]
    AnyGuest,
    /// An ID key signs every version of a guest, also those with known faults.
    #[error("id_key_digests without measurements need minimum_guest_svn")]
    AnyVersion,
    /// Zeros stand for a guest without an ID block.
    #[error("an ID key digest of zeros stands for a guest that no key vouches for")]
    NoIdKey,
    /// No product is named.
    #[error("minimum_tcb names no product")]
    NoProduct,
    /// A product has no floor.
    #[error("minimum_tcb.{0} has no floor for the reported TCB")]
    NoFloor(Product),
}

/// One thing in which a report differs from reference values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// What an operator's settings could refuse, too.
    Refusal(Refusal),
    /// Another level than the most privileged one asked for the report.
    Vmpl(u32),
    /// The family or the image is another.
    Identity {
        /// `FAMILY_ID` or `IMAGE_ID`.
        field: &'static str,
        /// In the report.
        found: Hex<16>,
        /// In the reference values.
        expected: Hex<16>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(refusal) => refusal.fmt(f),
            Self::Vmpl(vmpl) => write!(f, "VMPL is {vmpl}, expected 0"),
            Self::Identity { field, found, expected } => {
                write!(f, "{field} is {found}, expected {expected}")
            }
        }
    }
}

impl ReferenceValues {
    /// Those that a report's guest and platform give: its measurement, its ID key if it has one, and
    /// its TCBs as floors.
    #[must_use]
    pub fn of(report: &VerifiedReport, name: &str) -> Self {
        let (body, product) = (report.body(), report.product());
        let has_id_key = body.id_key_digest != Hex([0; 48]);
        let floor = TcbFloor {
            reported: Some(body.reported_tcb.parts(product)),
            committed: None,
            launch: Some(body.launch_tcb.parts(product)),
        };
        Self {
            name: name.to_owned(),
            compliance_status: None,
            paravisor: false,
            measurements: BTreeSet::from([body.measurement]),
            id_key_digests: has_id_key.then_some(body.id_key_digest).into_iter().collect(),
            minimum_guest_svn: has_id_key.then_some(body.guest_svn),
            family_id: None,
            image_id: None,
            minimum_tcb: BTreeMap::from([(product, floor)]),
        }
    }

    /// That they vouch for nobody by accident.
    ///
    /// # Errors
    /// [`ReferenceValuesError`].
    pub fn check(&self) -> Result<(), ReferenceValuesError> {
        use ReferenceValuesError::{AnyGuest, AnyVersion, Empty, NoFloor, NoIdKey, NoProduct};
        if self.name.trim().is_empty() {
            return Err(Empty("name"));
        }
        if self.compliance_status.as_ref().is_some_and(|status| status.trim().is_empty()) {
            return Err(Empty("compliance_status"));
        }
        if self.id_key_digests.contains(&Hex([0; 48])) {
            return Err(NoIdKey);
        }
        match (self.measurements.is_empty(), self.id_key_digests.is_empty()) {
            (true, true) => return Err(AnyGuest),
            (true, false) if self.minimum_guest_svn.is_none() => return Err(AnyVersion),
            _ => {}
        }
        if self.minimum_tcb.is_empty() {
            return Err(NoProduct);
        }
        let without = self.minimum_tcb.iter().find(|(_, floor)| floor.reported.is_none());
        without.map_or(Ok(()), |(product, _)| Err(NoFloor(*product)))
    }

    /// Everything in which a report differs from them; nothing if it is one of these guests.
    #[must_use]
    pub fn mismatches(&self, report: &VerifiedReport) -> Vec<Mismatch> {
        let body = report.body();
        let refused = self.acceptance().check(report).err();
        let refusals = refused.iter().flat_map(|refused| refused.refusals().cloned());
        let identity = [
            ("FAMILY_ID", body.family_id, self.family_id),
            ("IMAGE_ID", body.image_id, self.image_id),
        ];
        let identity = identity.into_iter().filter_map(|(field, found, expected)| {
            let expected = expected.filter(|expected| *expected != found)?;
            Some(Mismatch::Identity { field, found, expected })
        });
        let vmpl = (body.vmpl != 0).then_some(Mismatch::Vmpl(body.vmpl));
        refusals.map(Mismatch::Refusal).chain(vmpl).chain(identity).collect()
    }

    /// What of them an operator's settings can demand, too.
    fn acceptance(&self) -> Acceptance {
        Acceptance {
            refuse_debuggable: true,
            refuse_migratable: true,
            products: self.minimum_tcb.keys().copied().collect(),
            minimum_tcb: self.minimum_tcb.clone(),
            minimum_guest_svn: self.minimum_guest_svn,
            measurements: self.measurements.clone(),
            id_key_digests: self.id_key_digests.clone(),
            ..Acceptance::everything()
        }
    }
}
