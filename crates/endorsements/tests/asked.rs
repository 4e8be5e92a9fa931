//! What an appraisal asks for in vain is known by name, so that it can be fetched.
#![cfg(test)]

mod support;

use avouch_dcap::{TcbEvaluation, TeeType};
use avouch_endorsements::{EndorsementName, EndorsementSet, PckCa, Published, Wanted};
use avouch_engine::AppraisalSettings;
use avouch_mint::snp::{SnpKey, SnpProduct};
use avouch_snp::{CrlRule, Product, VekKind};
use avouch_wire::{EvidenceKind, Hex};
use support::{
    FMSPC, STANDARD, amd_parts, at, intel_parts, judge, judge_at, judge_by, minted, vcek_id,
};

fn wanted_of_intel(tee: TeeType, evaluation: TcbEvaluation) -> Wanted {
    let pck_ca = Some(PckCa::Platform);
    Wanted::Intel { tee, fmspc: FMSPC, pce_id: Hex([0, 0]), pck_ca, evaluation }
}

#[test]
fn nothing_is_wanted_when_all_is_at_hand_and_in_force() {
    for kind in EvidenceKind::appraised().filter(|kind| !kind.answers_challenge()) {
        let minted = minted(kind, |_| {});
        let mut set = EndorsementSet::default();
        set.add(&minted.endorsements).unwrap();
        let (check, asked) = judge(&set, &minted);
        assert_eq!(check, None, "{kind}");
        assert_eq!(asked.wanted(), [], "{kind}");
    }
    let sgx = minted(EvidenceKind::Sgx, |_| {});
    let set = EndorsementSet::default().with(intel_parts(&sgx, STANDARD).to_vec());
    assert_eq!(judge(&set, &sgx).1.wanted(), []);
    let snp = minted(EvidenceKind::Snp, |_| {});
    let set = EndorsementSet::default().with(amd_parts(&snp).to_vec());
    assert_eq!(judge(&set, &snp).1.wanted(), []);
}

#[test]
fn a_platform_without_collateral_wants_all_four_and_then_only_what_it_lacks() {
    for (kind, tee) in [(EvidenceKind::Sgx, TeeType::Sgx), (EvidenceKind::Tdx, TeeType::Tdx)] {
        let minted = minted(kind, |_| {});
        let parts = intel_parts(&minted, STANDARD);
        let mut names: Vec<EndorsementName> = parts.iter().map(|part| part.name).collect();
        names.sort();
        let (check, asked) = judge(&EndorsementSet::default(), &minted);
        assert_eq!(check, Some("endorsements-missing"));
        assert_eq!(asked.wanted(), [wanted_of_intel(tee, STANDARD)]);
        assert_eq!(asked.missing(at()), names);
        for part in &parts {
            let others = parts.iter().filter(|other| other.name != part.name).cloned();
            let set = EndorsementSet::default().with(others.collect());
            let (check, asked) = judge(&set, &minted);
            assert_eq!(check, Some("endorsements-missing"));
            assert_eq!(asked.missing(at()), [part.name]);
            // What was fetched serves.
            assert_eq!(judge(&set.with(vec![part.clone()]), &minted).0, None);
        }
    }
}

#[test]
fn the_choice_of_the_provider_is_what_is_wanted() {
    let minted = minted(EvidenceKind::Sgx, |_| {});
    let set = EndorsementSet::default().with(intel_parts(&minted, STANDARD).to_vec());
    let settings =
        AppraisalSettings { tcb_evaluation: TcbEvaluation::Early, ..AppraisalSettings::default() };
    let (check, asked) = judge_by(&set, &minted, &settings, at());
    assert_eq!(check, Some("endorsements-missing"));
    assert_eq!(asked.wanted(), [wanted_of_intel(TeeType::Sgx, TcbEvaluation::Early)]);
    let documents = asked.missing(at());
    assert_eq!(documents.len(), 2, "{documents:?}");
    assert!(documents.iter().all(|name| name.to_string().ends_with("/early")), "{documents:?}");
}

#[test]
fn what_has_expired_is_wanted_again() {
    let sgx = minted(EvidenceKind::Sgx, |_| {});
    let snp = minted(EvidenceKind::Snp, |_| {});
    let (sgx_parts, snp_parts) = (intel_parts(&sgx, STANDARD), amd_parts(&snp));
    let all = [sgx_parts.to_vec(), snp_parts.to_vec()].concat();
    let set = EndorsementSet::default().with(all);
    for (minted, part) in
        [(&sgx, &sgx_parts[0]), (&sgx, &sgx_parts[1]), (&sgx, &sgx_parts[2]), (&snp, &snp_parts[2])]
    {
        let end = part.window().unwrap().not_after;
        let (_, asked) = judge_at(&set, minted, end);
        assert!(!asked.missing(end).contains(&part.name), "{}", part.name);
        let late = end.saturating_add_seconds(1);
        let (check, asked) = judge_at(&set, minted, late);
        assert!(check.is_some(), "{}", part.name);
        assert!(asked.missing(late).contains(&part.name), "{}", part.name);
    }
}

#[test]
fn a_report_without_certificates_wants_the_vcek_of_its_chip_and_tcb() {
    for (product, expected) in [
        (SnpProduct::Milan, Product::Milan),
        (SnpProduct::Genoa, Product::Genoa),
        (SnpProduct::Turin, Product::Turin),
    ] {
        let minted = minted(EvidenceKind::Snp, |options| options.snp.product = product);
        let (check, asked) = judge(&EndorsementSet::default(), &minted);
        assert_eq!(check, Some("chain-leaf-count"));
        let vcek = EndorsementName::Vcek(expected, vcek_id(&minted));
        assert!(asked.missing(at()).contains(&vcek), "{:?}", asked.missing(at()));
        let of_amd = |vcek| Wanted::Amd { product: expected, kind: VekKind::Vcek, vcek };
        assert_eq!(asked.wanted(), [of_amd(None), of_amd(Some(vcek_id(&minted)))]);
    }
    // A VLEK is not published: what is above it is.
    let minted = minted(EvidenceKind::Snp, |options| options.snp.key = SnpKey::Vlek);
    let (_, asked) = judge(&EndorsementSet::default(), &minted);
    let (product, kind) = (Product::Milan, VekKind::Vlek);
    assert_eq!(asked.wanted(), [Wanted::Amd { product, kind, vcek: None }]);
    assert_eq!(
        asked.missing(at()),
        [EndorsementName::VekChain(product, kind), EndorsementName::AmdCrl(product, kind)]
    );
}

#[test]
fn a_vcek_of_another_tcb_does_not_still_the_want() {
    let minted_of =
        |microcode| minted(EvidenceKind::Snp, move |options| options.snp.tcb.microcode = microcode);
    let (own, other) = (minted_of(9), minted_of(8));
    let set = EndorsementSet::default().with(amd_parts(&other).to_vec());
    let (check, asked) = judge(&set, &own);
    assert!(check.is_some());
    assert_eq!(asked.missing(at()), [EndorsementName::Vcek(Product::Milan, vcek_id(&own))]);
    let [vcek, ..] = amd_parts(&own);
    assert_eq!(judge(&set.with(vec![vcek]), &own).0, None);
}

#[test]
fn a_report_that_does_not_say_its_product_may_be_of_two() {
    let minted = minted(EvidenceKind::Snp, |options| options.snp.report_version = 2);
    let (_, asked) = judge(&EndorsementSet::default(), &minted);
    let missing = asked.missing(at());
    for product in [Product::Milan, Product::Genoa] {
        assert!(missing.contains(&EndorsementName::Vcek(product, vcek_id(&minted))));
    }
    let set = EndorsementSet::default().with(amd_parts(&minted).to_vec());
    let (check, asked) = judge(&set, &minted);
    assert_eq!((check, asked.wanted()), (None, Vec::new()));
}

#[test]
fn a_list_that_was_fetched_for_vleks_is_none_for_vceks_and_the_other_way_round() {
    let of_vcek = minted(EvidenceKind::Snp, |_| {});
    let [vcek, chain, crl] = amd_parts(&of_vcek);
    let other_kind = EndorsementName::AmdCrl(Product::Milan, VekKind::Vlek);
    let for_vleks = Published { name: other_kind, ..crl.clone() };
    for rule in [CrlRule::Required, CrlRule::WhereKept] {
        let set = EndorsementSet::default().with_amd_crl_rule(rule);
        let set = set.with(vec![vcek.clone(), chain.clone(), for_vleks.clone()]);
        let (check, asked) = judge(&set, &of_vcek);
        assert_eq!(check, Some("crl-missing"), "{rule}");
        assert_eq!(asked.missing(at()), [crl.name], "{rule}");
        let (check, asked) = judge(&set.with(vec![crl.clone()]), &of_vcek);
        assert_eq!((check, asked.missing(at())), (None, Vec::new()), "{rule}");
    }

    let of_vlek = minted(EvidenceKind::Snp, |options| options.snp.key = SnpKey::Vlek);
    let [vlek, above, _] = amd_parts(&of_vlek);
    let set = EndorsementSet::default().with_amd_crl_rule(CrlRule::Required);
    let mut set = set.with(vec![vcek, chain, crl.clone()]);
    set.add(&vlek.body).unwrap();
    set.add(&above.body).unwrap();
    let (check, asked) = judge(&set, &of_vlek);
    assert_eq!(check, Some("crl-missing"));
    assert!(asked.missing(at()).contains(&other_kind), "{:?}", asked.missing(at()));
    // A file does not say which it is: it counts for both.
    set.add(&crl.body).unwrap();
    for minted in [&of_vcek, &of_vlek] {
        let (check, asked) = judge(&set, minted);
        assert_eq!((check, asked.missing(at())), (None, Vec::new()));
    }
}
