//! Reference values: which trust domains an operator vouches for, under what name.

use std::collections::{BTreeMap, BTreeSet};

use avouch_wire::Hex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::quote::Body;
use crate::tcb_floor::{BelowFloor, TcbFloor};
use crate::verify::VerifiedQuote;

/// One kind of trust domain that an operator vouches for, and the compliance status that it stands
/// for.
///
/// A quote is of it if its `MRTD` is listed, its platform is not below the floor of its FMSPC where
/// floors are given, and nobody outside of the TD has a hand in it: no debugging, no migration, no
/// service TD. What `RTMR` 0 to 3 hold is for policies. Of a platform that runs now on other versions
/// than those at launch, both count.
///
/// # Source
/// Intel TDX module specification, `TDREPORT`; `docs/maa-divergences/intel.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceValues {
    /// What the operator calls it.
    pub name: String,
    /// The value of `x-ms-compliance-status` that it stands for, where it is not the general one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_status: Option<String>,
    /// Whether it is a paravisor, which gives the system below it a virtual TPM and alone may ask for
    /// evidence: then what such evidence binds speaks for that TPM. Of any other TD it would be
    /// whatever its administrator likes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paravisor: bool,
    /// `MRTD`, 48 bytes in hex.
    pub measurements: BTreeSet<Hex<48>>,
    /// Least TCB per FMSPC (6 bytes in hex). Without any, what is accepted of Intel's verdict counts;
    /// with some, only these platforms do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub minimum_tcb: BTreeMap<Hex<6>, TcbFloor>,
}

/// Why reference values would vouch for TDs that nobody meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceValuesError {
    /// There is no name, or no status.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Nothing says which TD it is.
    #[error("measurements are not listed, so every TD would match")]
    AnyTd,
    /// A floor for no TD.
    #[error("minimum_tcb.{0} has no tdx_components")]
    NoTdxComponents(Hex<6>),
}

/// One thing in which a quote differs from reference values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// It is no TD's.
    #[error("the quote is an enclave's")]
    NoTd,
    /// The TD was built from something else.
    #[error("MRTD {found} is none of the {listed} measurements listed")]
    Measurement {
        /// `MRTD`.
        found: Hex<48>,
        /// How many are listed.
        listed: usize,
    },
    /// The host may look into the TD.
    #[error("the TD is debuggable")]
    Debuggable,
    /// The TD may be moved.
    #[error("the TD is migratable")]
    Migratable,
    /// A service TD is or may be bound.
    #[error("a service TD is or may be bound")]
    ServiceTd,
    /// Its platform has no floor.
    #[error("FMSPC {found} has no floor in minimum_tcb")]
    Fmspc {
        /// Of the PCK certificate.
        found: Hex<6>,
    },
    /// Its platform is below the floor.
    #[error("the platform is below minimum_tcb: {0}")]
    Tcb(BelowFloor),
}

impl ReferenceValues {
    /// Those that a quote's TD and platform give: `MRTD`, and its TCB as a floor. None for an enclave.
    #[must_use]
    pub fn of(quote: &VerifiedQuote, name: &str) -> Option<Self> {
        let td = quote.td()?;
        let floor = TcbFloor::of(&quote.pck().tcb, Some(&td.tee_tcb_svn));
        Some(Self {
            name: name.to_owned(),
            compliance_status: None,
            paravisor: false,
            measurements: BTreeSet::from([td.mr_td]),
            minimum_tcb: BTreeMap::from([(quote.pck().fmspc, floor)]),
        })
    }

    /// That they vouch for nobody by accident.
    ///
    /// # Errors
    /// [`ReferenceValuesError`].
    pub fn check(&self) -> Result<(), ReferenceValuesError> {
        use ReferenceValuesError::{AnyTd, Empty, NoTdxComponents};
        if self.name.trim().is_empty() {
            return Err(Empty("name"));
        }
        if self.compliance_status.as_ref().is_some_and(|status| status.trim().is_empty()) {
            return Err(Empty("compliance_status"));
        }
        if self.measurements.is_empty() {
            return Err(AnyTd);
        }
        let without = self.minimum_tcb.iter().find(|(_, floor)| floor.tdx_components.is_none());
        without.map_or(Ok(()), |(fmspc, _)| Err(NoTdxComponents(*fmspc)))
    }

    /// Everything in which a quote differs from them; nothing if it is one of these TDs.
    #[must_use]
    pub fn mismatches(&self, quote: &VerifiedQuote) -> Vec<Mismatch> {
        let Body::Td(td) = quote.body() else { return vec![Mismatch::NoTd] };
        let found = td.mr_td;
        let attributes = td.td_attributes;
        let measurement = Mismatch::Measurement { found, listed: self.measurements.len() };
        let checks = [
            (!self.measurements.contains(&found), measurement),
            (quote.is_debuggable(), Mismatch::Debuggable),
            (attributes.migratable(), Mismatch::Migratable),
            (td.has_service_td(), Mismatch::ServiceTd),
        ];
        let differs = checks.into_iter().filter_map(|(differs, what)| differs.then_some(what));
        differs.chain(self.tcb_mismatch(quote)).collect()
    }

    fn tcb_mismatch(&self, quote: &VerifiedQuote) -> Option<Mismatch> {
        if self.minimum_tcb.is_empty() {
            return None;
        }
        let pck = quote.pck();
        let Some(floor) = self.minimum_tcb.get(&pck.fmspc) else {
            return Some(Mismatch::Fmspc { found: pck.fmspc });
        };
        let below = quote.td()?.tcb_svns().find_map(|svn| floor.below(&pck.tcb, Some(svn)));
        below.map(Mismatch::Tcb)
    }
}
