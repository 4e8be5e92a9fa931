//! Intel's collateral, filed by what it says it is for: whole sets, and sets put together of parts.

mod assembly;
mod part;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use assembly::{Fitting, Key, choice};
use avouch_dcap::{
    Collateral, EnclaveIdentity, TcbEvaluation, TcbInfo, TeeType, UntrustedCollateralSummary,
    VerifyError,
};
use avouch_engine::{IntelWanted, TcbBaseline};
use avouch_pki::{Crl, Window};
use avouch_wire::{Hex, UnixTime};
use part::{Content, Part};
pub(crate) use part::{crl_name, qe_identity_name, tcb_info_name};
use serde_json::{Value, json};

use crate::Published;
use crate::by_name::{ByName, Bytes, Kept, Mismatch, Origin};

/// What a set is filed under.
type Label = (TeeType, Hex<6>, Hex<2>);

/// Sets of collateral by TEE, FMSPC and PCEID.
#[derive(Debug, Clone, Default)]
pub(crate) struct IntelShelf {
    parts: ByName<Part>,
    whole: Vec<Arc<Filed>>,
    assembled: HashMap<Key, Arc<Filed>>,
    sets: HashMap<Label, Vec<Arc<Filed>>>,
    incomplete: Vec<String>,
}

/// A set of collateral with what it says of itself.
#[derive(Debug)]
pub(crate) struct Filed {
    summary: UntrustedCollateralSummary,
    /// The only choice of TCB recovery that it serves; none: it serves every one.
    evaluation: Option<TcbEvaluation>,
    /// Of all documents and lists, as far as they can be read.
    window: Window,
    newest_tcb_date: Option<UnixTime>,
    /// Common name of who issued the PCK CRL.
    pck_ca: Option<String>,
    crl_issued: Option<UnixTime>,
    pub(crate) collateral: Arc<Collateral>,
}

impl Filed {
    fn new(collateral: Collateral, evaluation: Option<TcbEvaluation>) -> Result<Self, VerifyError> {
        let summary = collateral.untrusted_summary()?;
        let newest_tcb_date = TcbInfo::parse(collateral.tcb_info().text())
            .ok()
            .and_then(|info| info.levels.iter().map(|level| level.tcb_date).max());
        let identity = EnclaveIdentity::parse(collateral.qe_identity().text());
        let pck_crl = Crl::parse(collateral.pck_crl_der()).ok();
        let root_crl = Crl::parse(collateral.root_ca_crl_der()).ok();
        let lists = [&pck_crl, &root_crl].into_iter().flatten().filter_map(crl_window);
        let windows = identity.ok().map(|identity| identity.window).into_iter().chain(lists);
        Ok(Self {
            window: windows.fold(summary.window, Window::intersect),
            summary,
            evaluation,
            newest_tcb_date,
            pck_ca: pck_crl.as_ref().map(|crl| crl.issuer().label().to_owned()),
            crl_issued: pck_crl.as_ref().map(Crl::this_update),
            collateral: Arc::new(collateral),
        })
    }

    const fn label(&self) -> Label {
        (self.summary.tee, self.summary.fmspc, self.summary.pce_id)
    }

    fn is_of(&self, wanted: TcbEvaluation) -> bool {
        match wanted {
            TcbEvaluation::Number(number) => number == self.summary.evaluation_data_number,
            TcbEvaluation::Standard | TcbEvaluation::Early => {
                self.evaluation.is_none_or(|own| own == wanted)
            }
        }
    }

    fn is_under(&self, ca: &str) -> bool {
        self.pck_ca.as_deref() == Some(ca)
    }

    /// Whether it is what is wanted, and all of it in force.
    pub(crate) fn serves(&self, wanted: &IntelWanted<'_>) -> bool {
        self.is_under(wanted.pck_ca) && self.window.check(wanted.at).is_ok()
    }
}

fn crl_window(crl: &Crl) -> Option<Window> {
    Some(Window { not_before: crl.this_update(), not_after: crl.next_update()? })
}

impl IntelShelf {
    /// Files a whole set of a file. It counts once all is put together.
    pub(crate) fn add_set(
        &mut self,
        collateral: Collateral,
        source: &Arc<str>,
    ) -> Result<(), VerifyError> {
        let filed = Arc::new(Filed::new(collateral, None)?);
        for published in part::of_set(&filed.collateral, source) {
            // What cannot be filed by itself is said when the set is verified.
            drop(self.put(Arc::new(published), Origin::WholeSet));
        }
        self.whole.push(filed);
        Ok(())
    }

    /// Files a part. It counts once all is put together.
    pub(crate) fn put(
        &mut self,
        published: Arc<Published>,
        origin: Origin,
    ) -> Result<(), Mismatch> {
        let (part, age) = Part::read(&published)?;
        self.parts.put(Kept { published, origin, age, read: Arc::new(part) }, false);
        Ok(())
    }

    /// Puts together what belongs together. A set of the same parts stays the same value.
    pub(crate) fn assemble(&mut self) {
        let (tcb_infos, others): (Vec<_>, Vec<_>) = self
            .parts
            .iter()
            .partition(|kept| matches!(kept.read.content, Content::TcbInfo { .. }));
        let alone = tcb_infos.into_iter().filter(|kept| kept.origin != Origin::WholeSet);
        let mut assembled = HashMap::new();
        let mut incomplete = Vec::new();
        for tcb_info in alone {
            let fitting = Fitting::of(tcb_info, &others);
            let recipes = fitting.recipes();
            if recipes.is_empty() {
                incomplete.push(fitting.what_is_missing());
            }
            for recipe in recipes {
                let known = self.assembled.get(&recipe.key()).cloned();
                let made = || Filed::new(recipe.collateral()?, choice(tcb_info)).ok();
                let filed = known.or_else(|| made().map(Arc::new));
                assembled.extend(filed.map(|filed| (recipe.key(), filed)));
            }
        }
        self.sets = HashMap::new();
        for filed in self.whole.iter().chain(assembled.values()) {
            self.sets.entry(filed.label()).or_default().push(Arc::clone(filed));
        }
        (self.assembled, self.incomplete) = (assembled, incomplete);
    }

    /// The set to judge by: of those of the PCK CA and in force, the highest evaluation data number,
    /// then the newest. Where none is in force the same choice among all, so that verification says
    /// what expired.
    pub(crate) fn best(&self, wanted: &IntelWanted<'_>) -> Option<&Filed> {
        let filed = self.sets.get(&(wanted.tee, wanted.fmspc, wanted.pce_id))?;
        filed
            .iter()
            .filter(|one| one.is_of(wanted.evaluation))
            .min_by_key(|one| {
                let in_force = one.window.check(wanted.at).is_ok();
                let newest = (one.summary.window.not_before, one.crl_issued);
                let number = one.summary.evaluation_data_number;
                (!one.is_under(wanted.pck_ca), !in_force, Reverse(number), Reverse(newest))
            })
            .map(AsRef::as_ref)
    }

    /// Every evaluation data number at hand for a TEE, with the newest TCB date that it has.
    pub(crate) fn baselines(&self, tee: TeeType) -> Vec<TcbBaseline> {
        let mut found: BTreeMap<u32, UnixTime> = BTreeMap::new();
        for one in self.sets.values().flatten().filter(|one| one.summary.tee == tee) {
            let Some(date) = one.newest_tcb_date else { continue };
            let known = found.entry(one.summary.evaluation_data_number).or_insert(date);
            *known = date.max(*known);
        }
        found
            .into_iter()
            .map(|(evaluation_data_number, tcb_date)| TcbBaseline {
                evaluation_data_number,
                tcb_date,
            })
            .collect()
    }

    pub(crate) fn summary(&self) -> Value {
        let mut rows: Vec<&UntrustedCollateralSummary> =
            self.sets.values().flatten().map(|one| &one.summary).collect();
        rows.sort_by_key(|row| {
            (row.fmspc, row.tee.code(), row.evaluation_data_number, row.window.not_before)
        });
        json!(rows)
    }

    /// TCB infos that no set could be made of, and what each lacks.
    pub(crate) fn incomplete(&self) -> &[String] {
        &self.incomplete
    }

    pub(crate) const fn parts(&self) -> &ByName<Part> {
        &self.parts
    }

    pub(crate) fn count(&self, bytes: &mut Bytes) {
        for kept in self.parts.iter() {
            bytes.add_published(&kept.published);
            bytes.add(size_of::<Part>());
            bytes.add_shared(&kept.read.body);
            bytes.add_shared(&kept.read.issuer_chain);
            if let Some(document) = kept.read.document() {
                bytes.add_shared(&document.shared_body());
                bytes.add(document.text().len());
            }
        }
        for filed in self.sets.values().flatten() {
            bytes.add(size_of::<Filed>());
            let parts = filed.collateral.parts();
            for part in [
                &parts.tcb_info_issuer_chain,
                &parts.qe_identity_issuer_chain,
                &parts.root_ca_crl,
                &parts.pck_crl,
                &parts.pck_crl_issuer_chain,
                &parts.tcb_info.shared_body(),
                &parts.qe_identity.shared_body(),
            ] {
                bytes.add_shared(part);
            }
        }
    }
}
