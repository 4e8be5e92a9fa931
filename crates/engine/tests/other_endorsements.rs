//! An appraisal by other endorsements than those in force: it judges by these alone, and leaves no
//! trace in the appraisals after it.
#![cfg(test)]

mod support;

use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{AppraisalSettings, EndorsementSource, Engine};
use avouch_mint::{Minted, Options, TcbStatus, mint};
use avouch_wire::EvidenceKind;
use support::{at, engine_for, engine_under, request};

const AT: &str = "2026-05-01T12:00:00Z";

fn set(minted: &Minted) -> Arc<dyn EndorsementSource> {
    let mut set = EndorsementSet::default();
    set.add(&minted.endorsements).unwrap();
    Arc::new(set)
}

/// The check that refuses, by these endorsements or by those in force; none if it is permitted.
fn refusal(
    engine: &Engine,
    minted: &Minted,
    endorsements: Option<&Arc<dyn EndorsementSource>>,
) -> Option<&'static str> {
    let policy = support::policy_of(minted.kind);
    let (request, settings) = (request(minted), AppraisalSettings::default());
    let outcome = match endorsements {
        Some(other) => engine.appraise_by(&request, &policy, &settings, other, at(AT)),
        None => engine.appraise(&request, &policy, &settings, at(AT)),
    };
    match outcome {
        Ok(appraisal) => appraisal.permitted().err().map(|refused| refused.check()),
        Err(error) => Some(error.check()),
    }
}

#[test]
fn what_is_not_in_force_serves_the_appraisal_that_it_is_given_to_and_no_other() {
    for kind in EvidenceKind::appraised() {
        let minted = mint(kind, &Options::new(at(AT))).unwrap();
        let missing: Arc<dyn EndorsementSource> = Arc::new(EndorsementSet::default());
        let (with, without) = (engine_for(&minted), engine_under(&minted, &[]).unwrap());
        for _ in 0..2 {
            assert_eq!(refusal(&with, &minted, None), None, "{kind}");
            assert_eq!(refusal(&without, &minted, Some(&set(&minted))), None, "{kind}");
            // SEV-SNP evidence brings its own certificates, and a TPM's key stands right below its root.
            let brings_all = [EvidenceKind::Snp, EvidenceKind::Tpm].contains(&kind);
            let missing_check = match kind {
                EvidenceKind::AzureGuest => "aik-certificate-issuer-unknown",
                _ => "endorsements-missing",
            };
            let expected = (!brings_all).then_some(missing_check);
            assert_eq!(refusal(&with, &minted, Some(&missing)), expected, "{kind}");
            assert_eq!(refusal(&without, &minted, None), expected, "{kind}");
        }
    }
}

#[test]
fn a_later_recovery_is_tried_out_without_a_change_for_anybody_else() {
    let minted = |number, status| {
        let mut options = Options::new(at(AT));
        options.platform.evaluation_data_number = number;
        options.platform.tcb_status = status;
        mint(EvidenceKind::Tdx, &options).unwrap()
    };
    let (now, then) = (minted(19, TcbStatus::UpToDate), minted(21, TcbStatus::OutOfDate));
    let engine = engine_for(&now);
    let later = set(&then);
    for _ in 0..2 {
        assert_eq!(refusal(&engine, &then, None), None);
        assert_eq!(refusal(&engine, &then, Some(&later)), Some("accepted-tcb-status"));
    }
}

#[test]
fn a_list_in_other_endorsements_revokes_in_that_appraisal_alone() {
    let good = mint(EvidenceKind::Snp, &Options::new(at(AT))).unwrap();
    let options = Options::new(at(AT)).broken("intermediate-revoked");
    let revoked = mint(EvidenceKind::Snp, &options).unwrap();
    let (engine, other) = (engine_for(&good), set(&revoked));
    for _ in 0..2 {
        assert_eq!(refusal(&engine, &good, None), None);
        assert_eq!(refusal(&engine, &good, Some(&other)), Some("intermediate-revoked"));
    }
}
