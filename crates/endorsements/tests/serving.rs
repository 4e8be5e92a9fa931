//! What is handed to whoever asks for an endorsement by its name.
#![cfg(test)]

mod support;

use avouch_dcap::{TcbEvaluation, TeeType};
use avouch_endorsements::{EndorsementName, EndorsementSet, PckCa};
use avouch_wire::{EvidenceKind, UnixTime};
use support::{FMSPC, at, intel_parts, minted};

fn tcb_info(evaluation: TcbEvaluation) -> EndorsementName {
    EndorsementName::TcbInfo { tee: TeeType::Sgx, fmspc: FMSPC, evaluation }
}

/// The number of what is handed out.
fn number(set: &EndorsementSet, evaluation: TcbEvaluation) -> Option<u32> {
    let found = set.to_serve(&tcb_info(evaluation), at())?;
    found.stated().unwrap().version.unwrap().evaluation_data_number()
}

fn files(numbers: &[u32]) -> EndorsementSet {
    let mut set = EndorsementSet::default();
    for number in numbers {
        let minted =
            minted(EvidenceKind::Sgx, |options| options.platform.evaluation_data_number = *number);
        set.add(&minted.endorsements).unwrap();
    }
    set
}

#[test]
fn whole_sets_of_files_serve_by_their_numbers_and_the_highest_as_standard() {
    let set = files(&[17, 19, 18]);
    assert_eq!(number(&set, TcbEvaluation::Number(18)), Some(18));
    assert_eq!(number(&set, TcbEvaluation::Standard), Some(19));
    assert_eq!(number(&set, TcbEvaluation::Early), None);
    assert_eq!(number(&set, TcbEvaluation::Number(20)), None);
    assert_eq!(number(&EndorsementSet::default(), TcbEvaluation::Standard), None);
    for name in [EndorsementName::PckCrl(PckCa::Platform), EndorsementName::RootCaCrl] {
        assert!(set.to_serve(&name, at()).is_some(), "{name}");
    }
    let processor = EndorsementName::PckCrl(PckCa::Processor);
    assert!(set.to_serve(&processor, at()).is_none());
}

#[test]
fn each_pck_ca_has_its_own_list_also_among_platforms_of_one_family() {
    let mut set = EndorsementSet::default();
    for ca in [avouch_mint::PckCa::Processor, avouch_mint::PckCa::Platform] {
        let minted = minted(EvidenceKind::Sgx, |options| options.platform.ca = ca);
        set.add(&minted.endorsements).unwrap();
    }
    for ca in PckCa::ALL {
        let list = set.to_serve(&EndorsementName::PckCrl(ca), at()).expect("a list");
        let crl = avouch_pki::Crl::parse(&list.body).unwrap();
        assert_eq!(crl.issuer().label(), ca.common_name());
    }
}

#[test]
fn what_was_fetched_by_a_choice_serves_that_choice_first_and_its_number_too() {
    let of = |number: u32, evaluation| {
        let minted =
            minted(EvidenceKind::Sgx, |options| options.platform.evaluation_data_number = number);
        intel_parts(&minted, evaluation).to_vec()
    };
    let set = files(&[19]).with(of(17, TcbEvaluation::Standard)).with(of(20, TcbEvaluation::Early));
    assert_eq!(number(&set, TcbEvaluation::Standard), Some(17));
    assert_eq!(number(&set, TcbEvaluation::Early), Some(20));
    assert_eq!(number(&set, TcbEvaluation::Number(17)), Some(17));
    assert_eq!(number(&set, TcbEvaluation::Number(20)), Some(20));
    assert_eq!(number(&set, TcbEvaluation::Number(18)), None);
}

#[test]
fn what_is_not_in_force_is_not_handed_out() {
    let set = files(&[19]);
    let later = UnixTime::from_rfc3339("2030-01-01T00:00:00Z").unwrap();
    for evaluation in [TcbEvaluation::Standard, TcbEvaluation::Number(19)] {
        assert!(set.to_serve(&tcb_info(evaluation), later).is_none());
    }
}
