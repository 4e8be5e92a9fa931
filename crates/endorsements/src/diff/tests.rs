#![cfg(test)]
//! What changed between two bundles is told: numbers, dates, levels, revocations.

use std::sync::Arc;

use avouch_mint::TcbStatus;

use super::*;
use crate::Published;
use crate::bundle::tests::{amd, intel};

fn bundle(things: Vec<Arc<Published>>) -> Bundle {
    Bundle::new(things).unwrap()
}

#[test]
fn two_bundles_of_the_same_things_do_not_differ() {
    let things = intel(|_| {});
    let diff = BundleDiff::of(&bundle(things.clone()), &bundle(things));
    assert!(diff.is_empty());
    assert_eq!(diff.to_string(), "no difference\n");
}

#[test]
fn what_is_only_in_one_of_them_is_added_or_removed() {
    let things = intel(|_| {});
    let (small, large) = (bundle(things.clone()), bundle([things, amd()].concat()));
    let names = |entries: &[BundleEntry]| {
        entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>()
    };
    let diff = BundleDiff::of(&small, &large);
    assert_eq!((diff.removed.len(), diff.replaced.len()), (0, 0));
    let added = names(&diff.added);
    assert_eq!(added.len(), 3);
    assert!(added[0] == "amd/milan/vcek-chain" && added.is_sorted(), "{added:?}");
    let back = BundleDiff::of(&large, &small);
    assert_eq!((names(&back.removed), back.added.len()), (added, 0));
    assert!(back.to_string().starts_with("- amd/milan/vcek-chain  20"), "{back}");
}

#[test]
fn a_tcb_recovery_shows_which_levels_judge_otherwise_by_which_number() {
    let old = bundle(intel(|_| {}));
    let new = bundle(intel(|options| {
        options.platform.evaluation_data_number = 22;
        options.platform.tcb_status = TcbStatus::OutOfDate;
        options.platform.advisory_ids = vec!["INTEL-SA-00837".to_owned()];
        options.platform.crl_number = 2;
    }));
    let diff = BundleDiff::of(&old, &new);
    assert_eq!((diff.added.len(), diff.removed.len()), (0, 0));
    let of = |name: &str| {
        diff.replaced.iter().find(|one| one.new.name.starts_with(name)).expect(name).clone()
    };
    let info = of("intel/sgx/tcb-info/");
    let numbers = (info.old.evaluation_data_number, info.new.evaluation_data_number);
    assert_eq!(numbers, (Some(21), Some(22)));
    let is_recovery = |change: &&LevelChange| {
        let status = |verdict: &Option<LevelVerdict>| verdict.clone().map(|one| one.status);
        status(&change.old).as_deref() == Some("UpToDate")
            && status(&change.new).as_deref() == Some("OutOfDate")
    };
    let change = info.levels.iter().find(is_recovery).expect("the level of the platform");
    let advisories = change.new.clone().unwrap().advisory_ids;
    assert_eq!(advisories.into_iter().collect::<Vec<_>>(), ["INTEL-SA-00837"]);
    let crl = of("intel/pck-crl/platform");
    assert_eq!(
        (crl.old.crl_number.as_deref(), crl.new.crl_number.as_deref()),
        (Some("01"), Some("02"))
    );
    let text = diff.to_string();
    assert!(text.contains("UpToDate -> OutOfDate (INTEL-SA-00837)"), "{text}");
    assert!(
        text.contains("old  evaluation 21, ") && text.contains("new  CRL number 02, "),
        "{text}"
    );
}

#[test]
fn a_crl_that_revokes_more_shows_the_serial_numbers() {
    let (old, new) = (
        bundle(intel(|_| {})),
        bundle(intel(|options| options.break_name = Some("pck-revoked".to_owned()))),
    );
    let diff = BundleDiff::of(&old, &new);
    let crl = diff.replaced.iter().find(|one| one.new.name == "intel/pck-crl/platform").unwrap();
    assert_eq!((crl.revoked.len(), crl.no_longer_revoked.len()), (1, 0), "{diff}");
    let back = BundleDiff::of(&new, &old);
    let crl = back.replaced.iter().find(|one| one.new.name == "intel/pck-crl/platform").unwrap();
    assert_eq!((crl.revoked.len(), crl.no_longer_revoked.len()), (0, 1), "{back}");
}

/// Things under their own TCB evaluation data numbers, as whole sets in files give them.
fn numbered(number: u32, status: TcbStatus) -> Vec<Arc<Published>> {
    let things = intel(|options| {
        options.platform.evaluation_data_number = number;
        options.platform.tcb_status = status;
    });
    let evaluation = TcbEvaluation::Number(number);
    let renamed = |thing: &Arc<Published>| {
        let name = match thing.name {
            EndorsementName::TcbInfo { tee, fmspc, .. } => {
                EndorsementName::TcbInfo { tee, fmspc, evaluation }
            }
            EndorsementName::QeIdentity { tee, .. } => {
                EndorsementName::QeIdentity { tee, evaluation }
            }
            other => other,
        };
        Arc::new(Published { name, ..(**thing).clone() })
    };
    things.iter().take(2).map(renamed).collect()
}

#[test]
fn a_document_of_a_higher_number_is_compared_with_the_one_that_it_succeeds() {
    let old = numbered(21, TcbStatus::UpToDate);
    let new = numbered(22, TcbStatus::OutOfDate);
    let both = [old.clone(), new.clone()].concat();
    for (new, stays) in [(new, false), (both, true)] {
        let diff = BundleDiff::of(&bundle(old.clone()), &bundle(new));
        assert_eq!((diff.added.len(), diff.removed.len(), diff.replaced.len()), (0, 0, 2));
        let info = diff.replaced.iter().find(|one| one.new.name.contains("tcb-info")).unwrap();
        assert!(info.old.name.ends_with("/21") && info.new.name.ends_with("/22"), "{diff}");
        assert_eq!(info.old_stays, stays);
        assert!(diff.to_string().contains("UpToDate -> OutOfDate"), "{diff}");
    }
}
