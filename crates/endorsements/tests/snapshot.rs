//! Sets of endorsements: what is put together of single answers, and what takes the place of what.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use avouch_dcap::{Collateral, TcbEvaluation, TeeType};
use avouch_endorsements::{EndorsementName, EndorsementSet, PckCa, Published, VcekId};
use avouch_engine::{AmdWanted, AppraisalSettings, EndorsementSource as _, IntelWanted};
use avouch_mint::{PckCa as MintedCa, TcbStatus, mint};
use avouch_snp::{Product, Report, VekKind};
use avouch_wire::{EvidenceKind, Hex, UnixTime};
use support::{FMSPC, amd_parts, at, intel_parts, judge, judge_by, minted, thing, vcek_id};

const STANDARD: TcbEvaluation = TcbEvaluation::Standard;
const EARLY: TcbEvaluation = TcbEvaluation::Early;

fn wanted(tee: TeeType, evaluation: TcbEvaluation) -> IntelWanted<'static> {
    let pck_ca = PckCa::Platform.common_name();
    IntelWanted { tee, fmspc: FMSPC, pce_id: Hex([0, 0]), pck_ca, evaluation, at: at() }
}

fn found(set: &EndorsementSet, evaluation: TcbEvaluation) -> Option<Arc<Collateral>> {
    set.intel(&wanted(TeeType::Sgx, evaluation))
}

#[test]
fn four_answers_make_a_set_and_each_that_is_missing_is_told() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        let minted = minted(kind, |_| {});
        let parts = intel_parts(&minted, STANDARD);
        let whole = EndorsementSet::default().with(parts.to_vec());
        assert_eq!(judge(&whole, &minted).0, None, "{kind}");
        assert!(whole.incomplete().is_empty());
        let words = ["", "a QE identity", "a PCK CRL", "the CRL of the root CA"];
        for (without, words) in words.iter().enumerate().skip(1) {
            let mut parts = parts.to_vec();
            parts.remove(without);
            let set = EndorsementSet::default().with(parts);
            assert_eq!(judge(&set, &minted).0, Some("endorsements-missing"), "{kind} {words}");
            let [incomplete] = set.incomplete() else { panic!("{:?}", set.incomplete()) };
            assert!(incomplete.contains(words) && incomplete.contains("tcb-info"), "{incomplete}");
        }
        // Without its chain a document proves nothing.
        let mut parts = parts.to_vec();
        parts[0].issuer_chain = Arc::from([]);
        let set = EndorsementSet::default().with(parts);
        assert!(set.incomplete()[0].contains("its issuer chain"), "{:?}", set.incomplete());
    }
}

#[test]
fn parts_under_another_root_are_not_mixed_in() {
    let minted_by = |seed: u64| {
        minted(EvidenceKind::Sgx, |options| {
            options.seed = avouch_mint::Seed::from_number(seed);
        })
    };
    let (one, other) = (minted_by(1), minted_by(2));
    let [tcb_info, ..] = intel_parts(&one, STANDARD);
    let [_, others @ ..] = intel_parts(&other, STANDARD);
    let set = EndorsementSet::default().with([vec![tcb_info], others.to_vec()].concat());
    assert!(found(&set, STANDARD).is_none());
    assert!(set.incomplete()[0].contains("a QE identity of its number, a PCK CRL"));
}

#[test]
fn a_set_stays_the_same_value_until_one_of_its_parts_is_replaced() {
    let minted_of =
        |number| minted(EvidenceKind::Sgx, move |options| options.platform.crl_number = number);
    let (first, later) = (minted_of(7), minted_of(0x1_00));
    let parts = intel_parts(&first, STANDARD);
    let set = EndorsementSet::default().with(parts.to_vec());
    let before = found(&set, STANDARD).unwrap();
    let amd = minted(EvidenceKind::Snp, |_| {});
    let same = set.with(amd_parts(&amd).to_vec()).with(parts.to_vec());
    assert!(Arc::ptr_eq(&before, &found(&same, STANDARD).unwrap()));
    let [.., pck_crl, _] = intel_parts(&later, STANDARD);
    let name = pck_crl.name;
    let newer = same.with(vec![pck_crl.clone()]);
    let after = found(&newer, STANDARD).unwrap();
    assert_eq!(after.pck_crl_der(), &*pck_crl.body);
    assert!(!Arc::ptr_eq(&before, &after));
    // The snapshot before is as it was.
    assert!(Arc::ptr_eq(&before, &found(&same, STANDARD).unwrap()));
    // A list of a lower number does not come back.
    let rolled_back = newer.with(vec![parts[2].clone()]);
    assert_eq!(rolled_back.published(&name).unwrap().body, pck_crl.body);
    assert!(Arc::ptr_eq(&after, &found(&rolled_back, STANDARD).unwrap()));
}

#[test]
fn an_older_document_does_not_take_the_place_of_a_newer_one() {
    let minted_at = |days: i64| {
        minted(EvidenceKind::Sgx, move |options| {
            options.at = at().saturating_add_seconds(days * 86_400);
        })
    };
    let (older, newer) = (minted_at(-2), minted_at(0));
    let [old_info, ..] = intel_parts(&older, STANDARD);
    let parts = intel_parts(&newer, STANDARD);
    let name = old_info.name;
    assert_ne!(old_info.body, parts[0].body);
    for order in [[&old_info, &parts[0]], [&parts[0], &old_info]] {
        let mut set = EndorsementSet::default();
        for one in order {
            set = set.with(vec![one.clone()]);
        }
        assert_eq!(set.published(&name).unwrap().body, parts[0].body);
        assert_eq!(set.iter().count(), 1);
    }
}

#[test]
fn standard_and_early_stand_beside_each_other_and_what_files_hold_serves_both() {
    let minted_of = |number, status| {
        minted(EvidenceKind::Sgx, move |options| {
            options.platform.evaluation_data_number = number;
            options.platform.tcb_status = status;
        })
    };
    let standard = minted_of(19, TcbStatus::UpToDate);
    let early = minted_of(21, TcbStatus::OutOfDate);
    let set = EndorsementSet::default()
        .with(intel_parts(&standard, STANDARD).to_vec())
        .with(intel_parts(&early, EARLY).to_vec());
    let number = |set: &EndorsementSet, evaluation| {
        found(set, evaluation).map(|one| one.untrusted_summary().unwrap().evaluation_data_number)
    };
    assert_eq!(number(&set, STANDARD), Some(19));
    assert_eq!(number(&set, EARLY), Some(21));
    assert_eq!(number(&set, TcbEvaluation::Number(19)), Some(19));
    assert_eq!(number(&set, TcbEvaluation::Number(21)), Some(21));
    assert_eq!(number(&set, TcbEvaluation::Number(20)), None);
    let mut settings = AppraisalSettings::default();
    assert_eq!(judge_by(&set, &early, &settings, at()).0, None);
    settings.tcb_evaluation = EARLY;
    assert_eq!(judge_by(&set, &early, &settings, at()).0, Some("accepted-tcb-status"));
    // What a policy once asked for by its number serves nobody else.
    let old = intel_parts(&standard, TcbEvaluation::Number(19));
    let set = EndorsementSet::default().with(old.to_vec());
    assert_eq!(number(&set, TcbEvaluation::Number(19)), Some(19));
    assert_eq!((number(&set, STANDARD), number(&set, EARLY)), (None, None));
    let mut file = EndorsementSet::default();
    file.add(&standard.endorsements).unwrap();
    for evaluation in [STANDARD, EARLY, TcbEvaluation::Number(19)] {
        assert_eq!(number(&file, evaluation), Some(19));
    }
}

#[test]
fn a_set_with_the_crl_of_the_platforms_own_ca_is_the_one_that_counts() {
    let of_ca = |ca, number| {
        minted(EvidenceKind::Sgx, move |options| {
            options.platform.ca = ca;
            options.platform.evaluation_data_number = number;
        })
    };
    // The one of the other CA is newer.
    let platform = of_ca(MintedCa::Platform, 19);
    let processor = of_ca(MintedCa::Processor, 21);
    let mut set = EndorsementSet::default();
    set.add(&processor.endorsements).unwrap();
    assert_eq!(judge(&set, &processor).0, None);
    // Where there is no other, the refusal says what does not fit.
    assert_eq!(judge(&set, &platform).0, Some("pck-crl-of-other-ca"));
    set.add(&platform.endorsements).unwrap();
    assert_eq!(judge(&set, &platform).0, None);
    assert_eq!(judge(&set, &processor).0, None);
    let parts = [intel_parts(&platform, STANDARD), intel_parts(&processor, STANDARD)].concat();
    let set = EndorsementSet::default().with(parts);
    assert_eq!(judge(&set, &platform).0, None);
    assert_eq!(judge(&set, &processor).0, None);
}

#[test]
fn a_set_of_which_a_crl_has_expired_is_not_taken_before_one_that_is_in_force() {
    let expired = mint(EvidenceKind::Sgx, &{
        let mut options = avouch_mint::Options::new(at()).broken("pck-crl-expired");
        options.platform.evaluation_data_number = 22;
        options
    })
    .unwrap();
    let good = minted(EvidenceKind::Sgx, |_| {});
    let mut set = EndorsementSet::default();
    set.add(&expired.endorsements).unwrap();
    assert_eq!(judge(&set, &good).0, Some("pck-crl-expired"));
    set.add(&good.endorsements).unwrap();
    assert_eq!(judge(&set, &good).0, None);
}

#[test]
fn what_is_not_for_its_name_is_left_out_and_told() {
    let sgx = minted(EvidenceKind::Sgx, |_| {});
    let snp = minted(EvidenceKind::Snp, |_| {});
    let [tcb_info, qe_identity, pck_crl, root_ca_crl] = intel_parts(&sgx, STANDARD);
    let [vcek, chain, crl] = amd_parts(&snp);
    let under = |one: &Published, name| Published { name, ..one.clone() };
    let EndorsementName::Vcek(product, id) = vcek.name else { panic!("{}", vcek.name) };
    let (other_chip, mut other_tcb) = (VcekId { chip_id: Hex([1; 64]), ..id }, id);
    other_tcb.tcb.0[7] ^= 1;
    let other_fmspc =
        EndorsementName::TcbInfo { tee: TeeType::Sgx, fmspc: Hex([1; 6]), evaluation: STANDARD };
    let tdx = EndorsementName::QeIdentity { tee: TeeType::Tdx, evaluation: STANDARD };
    let other_number =
        EndorsementName::QeIdentity { tee: TeeType::Sgx, evaluation: TcbEvaluation::Number(3) };
    for swapped in [
        under(&tcb_info, other_fmspc),
        under(&tcb_info, qe_identity.name),
        under(&qe_identity, tdx),
        under(&qe_identity, other_number),
        under(&pck_crl, EndorsementName::PckCrl(PckCa::Processor)),
        under(&pck_crl, root_ca_crl.name),
        under(&root_ca_crl, crl.name),
        under(&crl, root_ca_crl.name),
        under(&crl, EndorsementName::AmdCrl(Product::Genoa, VekKind::Vcek)),
        under(&vcek, EndorsementName::Vcek(product, other_chip)),
        under(&vcek, EndorsementName::Vcek(product, other_tcb)),
        under(&vcek, EndorsementName::Vcek(Product::Genoa, id)),
        under(&vcek, chain.name),
        under(&chain, vcek.name),
        under(&chain, EndorsementName::VekChain(Product::Milan, VekKind::Vlek)),
        thing(tcb_info.name, &tcb_info.body[..100], &tcb_info.issuer_chain),
        thing(crl.name, &crl.body[..100], b""),
    ] {
        let name = swapped.name;
        let set = EndorsementSet::default().with(vec![swapped]);
        assert_eq!(set.iter().count(), 0, "{name}");
        assert!(set.published(&name).is_none(), "{name}");
        let [told] = set.ignored() else { panic!("{name}: {:?}", set.ignored()) };
        assert!(told.starts_with(&format!("{name} from test is not taken: ")), "{told}");
    }
}

#[test]
fn everything_is_found_by_its_name_whether_it_came_alone_or_in_a_file() {
    let (sgx, snp) = (minted(EvidenceKind::Sgx, |_| {}), minted(EvidenceKind::Snp, |_| {}));
    let all = [intel_parts(&sgx, STANDARD).to_vec(), amd_parts(&snp).to_vec()].concat();
    let fetched = EndorsementSet::default().with(all.clone());
    for one in &all {
        assert_eq!(**fetched.published(&one.name).unwrap(), *one);
        assert!(!fetched.lacks(&one.name, at()));
        let late = at().saturating_add_seconds(9_000 * 86_400);
        assert!(fetched.lacks(&one.name, late), "{}", one.name);
    }
    let mut files = EndorsementSet::default();
    files.add(&sgx.endorsements).unwrap();
    files.add(&snp.endorsements).unwrap();
    // Of a file's documents nobody said which recovery is the default.
    let number = TcbEvaluation::Number(21);
    let by_number = [intel_parts(&sgx, number).to_vec(), amd_parts(&snp).to_vec()].concat();
    for one in &by_number {
        let found = files.published(&one.name).unwrap_or_else(|| panic!("{}", one.name));
        assert_eq!(found.body, one.body, "{}", one.name);
        assert_eq!(found.issuer_chain, one.issuer_chain, "{}", one.name);
    }
    let names = |set: &EndorsementSet| set.iter().map(|one| one.name).collect::<BTreeSet<_>>();
    // Nor for which kind of key a list is.
    let other_kind = EndorsementName::AmdCrl(Product::Milan, VekKind::Vlek);
    let in_files = by_number.iter().map(|one| one.name).chain([other_kind]);
    assert_eq!(names(&files), in_files.collect());
    assert_eq!(names(&fetched), all.iter().map(|one| one.name).collect());
}

/// A VCEK certificate for another chip: no signature fits it any more, it is only found.
fn of_chip(vcek: &Published, number: u32) -> Published {
    let EndorsementName::Vcek(product, id) = vcek.name else { panic!("{}", vcek.name) };
    let mut chip_id = id.chip_id;
    chip_id.0[..4].copy_from_slice(&number.to_be_bytes());
    let mut der = vcek.body.to_vec();
    let place = der.windows(64).position(|window| window == id.chip_id.0).unwrap();
    der[place..place + 64].copy_from_slice(&chip_id.0);
    thing(EndorsementName::Vcek(product, VcekId { chip_id, ..id }), &der, b"")
}

#[test]
fn of_many_vceks_the_one_of_the_report_is_found_and_memory_is_counted() {
    let minted = minted(EvidenceKind::Snp, |_| {});
    let [vcek, chain, crl] = amd_parts(&minted);
    let base = EndorsementSet::default().with(vec![chain, crl]);
    let many = |count: u32| (0..count).map(|number| of_chip(&vcek, number)).collect::<Vec<_>>();
    let thousand = base.with(many(1_000));
    let two = thousand.with(many(2_000));
    assert_eq!(two.iter().count(), 2_002);
    let (base_bytes, one_bytes, two_bytes) = (base.bytes(), thousand.bytes(), two.bytes());
    let each = (one_bytes - base_bytes) / 1_000;
    assert!((vcek.body.len()..8 * vcek.body.len()).contains(&each), "{each} bytes a VCEK");
    assert_eq!(two_bytes - one_bytes, one_bytes - base_bytes);
    // None is of the report's chip: that is what is said.
    assert_eq!(judge(&two, &minted).0, Some("chain-leaf-count"));
    let with_own = two.with(vec![vcek.clone()]);
    assert_eq!(judge(&with_own, &minted).0, None);
    let report = Report::parse(&minted.evidence).unwrap();
    let chain = with_own.amd(&AmdWanted { report: &report, at: at() }).unwrap();
    assert_eq!(chain.leaf().unwrap().1.der(), &*vcek.body);
    assert_eq!((chain.intermediates().len(), chain.roots().len()), (1, 1));
}

#[test]
fn any_certificate_of_a_key_that_verifies_serves() {
    let minted_at = |seconds: i64| {
        minted(EvidenceKind::Snp, move |options| {
            options.at = at().saturating_add_seconds(seconds);
        })
    };
    let (older, newer) = (minted_at(-86_400), minted_at(0));
    let [old_vcek, chain, crl] = amd_parts(&older);
    let [new_vcek, ..] = amd_parts(&newer);
    assert_eq!(old_vcek.name, new_vcek.name);
    let broken = |vcek: &Published| {
        let mut der = vcek.body.to_vec();
        *der.last_mut().unwrap() ^= 1;
        thing(vcek.name, &der, b"")
    };
    let set = |vceks: [Published; 2]| {
        EndorsementSet::default().with([vceks.to_vec(), vec![chain.clone(), crl.clone()]].concat())
    };
    let both = set([old_vcek.clone(), new_vcek.clone()]);
    assert_eq!(both.iter().filter(|one| one.name == old_vcek.name).count(), 2);
    assert_eq!(both.published(&old_vcek.name).unwrap().body, new_vcek.body);
    for vceks in [
        [old_vcek.clone(), new_vcek.clone()],
        [old_vcek.clone(), broken(&new_vcek)],
        [broken(&old_vcek), new_vcek.clone()],
    ] {
        assert_eq!(judge(&set(vceks), &older).0, None);
    }
    let none = set([broken(&old_vcek), broken(&new_vcek)]);
    assert_eq!(judge(&none, &older).0, Some("vek-signature"));
}

#[test]
fn a_crl_that_ran_out_beside_its_successor_refuses_nothing_and_alone_everything() {
    let older = minted(EvidenceKind::Snp, |options| {
        options.at = at().saturating_add_seconds(-500 * 86_400);
    });
    let minted = minted(EvidenceKind::Snp, |_| {});
    let ([.., old_crl], [vcek, chain, crl]) = (amd_parts(&older), amd_parts(&minted));
    let moment = UnixTime::from_rfc3339("2026-05-02T12:00:00Z").unwrap();
    assert!(old_crl.window().unwrap().check(moment).is_err(), "not out of date");
    let text = |der: &[u8]| avouch_pki::pem::encode("X509 CRL", der);
    let of_files = |lists: &[&Published]| {
        let mut set = EndorsementSet::default().with(vec![vcek.clone(), chain.clone()]);
        for list in lists {
            set.add(text(&list.body).as_bytes()).unwrap();
        }
        set
    };
    assert_eq!(judge(&of_files(&[&old_crl]), &minted).0, Some("crl-expired"));
    assert_eq!(judge(&of_files(&[&old_crl, &crl]), &minted).0, None);
    assert_eq!(judge(&of_files(&[&crl, &old_crl]), &minted).0, None);
    // Fetched, the newer one takes its place.
    let set = of_files(&[&old_crl]).with(vec![crl.clone()]);
    assert_eq!(judge(&set, &minted).0, None);
    assert_eq!(vcek_id(&minted), vcek_id(&older));
}
