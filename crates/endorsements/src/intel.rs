//! Sets of Intel collateral, filed by what they say they are for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use avouch_dcap::{Collateral, TcbInfo, TeeType, UntrustedCollateralSummary, VerifyError};
use avouch_engine::{IntelWanted, TcbBaseline};
use avouch_wire::{Hex, UnixTime};
use serde_json::{Value, json};

/// What a set is filed under.
type Label = (TeeType, Hex<6>, Hex<2>);

/// Sets of collateral by TEE, FMSPC and PCEID.
#[derive(Debug, Default)]
pub(crate) struct IntelShelf {
    sets: HashMap<Label, Vec<Filed>>,
}

#[derive(Debug)]
struct Filed {
    summary: UntrustedCollateralSummary,
    newest_tcb_date: Option<UnixTime>,
    collateral: Arc<Collateral>,
}

impl IntelShelf {
    pub(crate) fn add(&mut self, collateral: Collateral) -> Result<(), VerifyError> {
        let summary = collateral.untrusted_summary()?;
        let label = (summary.tee, summary.fmspc, summary.pce_id);
        let newest_tcb_date = TcbInfo::parse(collateral.tcb_info().text())
            .ok()
            .and_then(|info| info.levels.iter().map(|level| level.tcb_date).max());
        let filed = Filed { summary, newest_tcb_date, collateral: Arc::new(collateral) };
        self.sets.entry(label).or_default().push(filed);
        Ok(())
    }

    /// The set to judge by: of those in force, the highest evaluation data number, then the newest.
    /// Where none is in force the same choice among all, so that verification says what expired.
    pub(crate) fn best(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        let filed = self.sets.get(&(wanted.tee, wanted.fmspc, wanted.pce_id))?;
        let number = wanted.tcb_evaluation_data_number;
        filed
            .iter()
            .filter(|one| number.is_none_or(|n| n == one.summary.evaluation_data_number))
            .min_by_key(|one| {
                let in_force = one.summary.window.check(wanted.at).is_ok();
                let newest = one.summary.window.not_before;
                (!in_force, Reverse(one.summary.evaluation_data_number), Reverse(newest))
            })
            .map(|one| Arc::clone(&one.collateral))
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
        rows.sort_by_key(|row| (row.fmspc, row.tee.code(), row.evaluation_data_number));
        json!(rows)
    }
}
