//! What an appraisal wanted, and did not find in force.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use avouch_dcap::{Collateral, TcbEvaluation, TeeType};
use avouch_engine::{AmdWanted, EndorsementSource, IntelWanted, TcbBaseline, TpmCasWanted};
use avouch_pki::{Certificate, Crl};
use avouch_snp::{Chain, ChainError, CrlRule, Product, VekId, VekKind};
use avouch_wire::{Hex, UnixTime};
use serde_json::Value;

use crate::{EndorsementName, EndorsementSet, PckCa, VcekId};

/// What an appraisal needs and a vendor publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A set of Intel's collateral. FMSPC and CA come from a verified PCK certificate.
    Intel {
        /// SGX or TDX.
        tee: TeeType,
        /// FMSPC of the platform.
        fmspc: Hex<6>,
        /// PCEID of the platform.
        pce_id: Hex<2>,
        /// Who issued its PCK certificate; none if it is neither of Intel's two.
        pck_ca: Option<PckCa>,
        /// By which TCB recovery.
        evaluation: TcbEvaluation,
    },
    /// What endorses a SEV-SNP report. **Nothing of it is verified**: whoever sends a report chooses
    /// it.
    Amd {
        /// As the report says; where it does not say, one of those that it may be of.
        product: Product,
        /// Which kind of key signed it.
        kind: VekKind,
        /// The VCEK, if no certificates came along.
        vcek: Option<VcekId>,
    },
}

impl Wanted {
    /// What it is made of.
    #[must_use]
    pub fn names(&self) -> Vec<EndorsementName> {
        match *self {
            Self::Intel { tee, fmspc, pck_ca, evaluation, .. } => {
                let mut names = vec![
                    EndorsementName::TcbInfo { tee, fmspc, evaluation },
                    EndorsementName::QeIdentity { tee, evaluation },
                ];
                names.extend(pck_ca.map(EndorsementName::PckCrl));
                names.push(EndorsementName::RootCaCrl);
                names
            }
            Self::Amd { product, kind, vcek } => {
                let vcek = vcek.map(|id| EndorsementName::Vcek(product, id));
                let above = [
                    EndorsementName::VekChain(product, kind),
                    EndorsementName::AmdCrl(product, kind),
                ];
                vcek.into_iter().chain(above).collect()
            }
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.names().iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))
    }
}

/// A set of endorsements that remembers what it was asked for and did not have in force: for one
/// appraisal.
#[derive(Debug)]
pub struct Asked {
    set: Arc<EndorsementSet>,
    wanted: Mutex<Vec<Wanted>>,
}

impl Asked {
    /// Nothing asked so far.
    #[must_use]
    pub const fn new(set: Arc<EndorsementSet>) -> Self {
        Self { set, wanted: Mutex::new(Vec::new()) }
    }

    /// What was asked for and was not at hand, or not in force; each once.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The names of what was wanted that are not at hand, or not in force at `at`; each once.
    #[must_use]
    pub fn missing(&self, at: UnixTime) -> Vec<EndorsementName> {
        let wanted = self.wanted();
        let mut names: Vec<EndorsementName> = wanted.iter().flat_map(Wanted::names).collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.set.lacks(name, at));
        names
    }

    fn note(&self, wanted: Wanted) {
        let mut all = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&wanted) {
            all.push(wanted);
        }
    }

    fn note_amd(&self, wanted: &AmdWanted<'_>, asks_for_key: bool) {
        for product in products(wanted) {
            let id = VekId::wanted_by(wanted.report, product);
            let vcek = id.chip_id.filter(|_| asks_for_key);
            let vcek = vcek.map(|chip_id| VcekId { chip_id, tcb: Hex(id.tcb.0) });
            self.note(Wanted::Amd { product, kind: id.kind, vcek });
        }
    }
}

/// The products that a report may be of. Reports of version 2 do not say; there are none of Turin.
fn products(wanted: &AmdWanted<'_>) -> Vec<Product> {
    match wanted.report.untrusted_body().cpuid {
        Some(cpuid) => Product::from_cpuid(cpuid).into_iter().collect(),
        None => vec![Product::Milan, Product::Genoa],
    }
}

impl EndorsementSource for Asked {
    fn intel(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        let found = self.set.intel.best(wanted);
        if !found.is_some_and(|filed| filed.serves(wanted)) {
            self.note(Wanted::Intel {
                tee: wanted.tee,
                fmspc: wanted.fmspc,
                pce_id: wanted.pce_id,
                pck_ca: PckCa::from_common_name(wanted.pck_ca),
                evaluation: wanted.evaluation,
            });
        }
        found.map(|filed| Arc::clone(&filed.collateral))
    }

    fn tcb_baselines(&self, tee: TeeType) -> Vec<TcbBaseline> {
        self.set.tcb_baselines(tee)
    }

    fn amd(&self, wanted: &AmdWanted<'_>) -> Result<Chain, ChainError> {
        if !self.set.amd.has_key(wanted) {
            self.note_amd(wanted, true);
        }
        self.set.amd(wanted)
    }

    fn amd_crls(&self, wanted: &AmdWanted<'_>) -> Arc<Vec<Crl>> {
        let (crls, kind) = (self.set.amd.crls(), wanted.report.signing_key());
        if !products(wanted).iter().any(|product| crls.has(*product, kind, wanted.at)) {
            self.note_amd(wanted, false);
        }
        for product in crls.stale(kind, wanted.at) {
            self.note(Wanted::Amd { product, kind, vcek: None });
        }
        self.set.amd_crls(wanted)
    }

    fn amd_crl_rule(&self, wanted: &AmdWanted<'_>) -> CrlRule {
        self.set.amd_crl_rule(wanted)
    }

    fn tpm_cas(&self, wanted: &TpmCasWanted<'_>) -> Vec<Certificate> {
        self.set.tpm_cas(wanted)
    }

    fn summary(&self) -> Value {
        self.set.summary()
    }
}
