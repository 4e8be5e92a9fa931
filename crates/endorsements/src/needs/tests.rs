#![cfg(test)]
//! What machines need is found, and what is missing is named.

use avouch_mint::{Options, mint};

use super::*;
use crate::bundle::tests::{amd, at, intel};

fn evidence(kind: EvidenceKind) -> Vec<u8> {
    mint(kind, &Options::new(at())).unwrap().evidence
}

fn texts(needs: &[Need]) -> Vec<String> {
    needs.iter().map(ToString::to_string).collect()
}

#[test]
fn evidence_says_what_it_needs_and_other_bytes_do_not() {
    let of = |kind| Need::of_evidence(kind, &evidence(kind)).unwrap();
    for (kind, tee) in
        [(EvidenceKind::Sgx, "SGX"), (EvidenceKind::OpenEnclave, "SGX"), (EvidenceKind::Tdx, "TDX")]
    {
        let found = texts(&of(kind));
        assert_eq!(found[0], format!("TCB info of {tee} a0c06d000000"));
        assert_eq!(found[1], format!("QE identity of {tee}"));
        assert_eq!(found[2..], ["CRL of \"Intel SGX PCK Platform CA\"", "CRL of Intel's root CA"]);
        assert!(Need::of_evidence(kind, &[0; 64]).is_err());
    }
    let found = texts(&of(EvidenceKind::Snp));
    assert_eq!(found[..2], ["chain above the VCEK of Milan", "CRL for the VCEK of Milan"]);
    assert!(found[2].starts_with("VCEK of chip ") && found.len() == 3, "{found:?}");
    assert!(Need::of_evidence(EvidenceKind::Snp, &[0; 64]).is_err());
    assert!(Need::of_evidence(EvidenceKind::Snp, b"{}").is_err());
}

#[test]
fn of_what_is_at_hand_exactly_what_is_needed_is_picked() {
    let (intel, amd) = (intel(|_| {}), amd());
    let all = [intel.clone(), amd.clone()].concat();
    let needs = Need::of_evidence(EvidenceKind::Sgx, &evidence(EvidenceKind::Sgx)).unwrap();
    let (found, missing) = select(&all, needs);
    assert_eq!((found.len(), missing), (intel.len(), vec![]));
    let needs = Need::of_evidence(EvidenceKind::Snp, &evidence(EvidenceKind::Snp)).unwrap();
    let (found, missing) = select(&all, needs);
    assert_eq!((found.len(), missing), (amd.len(), vec![]));
    assert_eq!(select(&all, []), (vec![], vec![]));
}

#[test]
fn what_is_missing_is_named_one_by_one() {
    let things = intel(|_| {});
    let needs = || Need::of_evidence(EvidenceKind::Sgx, &evidence(EvidenceKind::Sgx)).unwrap();
    for left_out in 0..things.len() {
        let mut left = things.clone();
        let name = left.remove(left_out).name;
        let (_, missing) = select(&left, needs());
        assert_eq!(missing.len(), 1, "{name}: {missing:?}");
        assert!(missing[0].is_met_by(&name), "{name}: {missing:?}");
    }
    let other = Need::of_evidence(EvidenceKind::Tdx, &evidence(EvidenceKind::Tdx)).unwrap();
    let (_, missing) = select(&things, other);
    assert_eq!(texts(&missing), ["TCB info of TDX a0c06d000000", "QE identity of TDX"]);
}

#[test]
fn an_fmspc_alone_needs_the_crls_of_both_cas_and_a_chip_its_chain_and_crl() {
    let things = intel(|_| {});
    let fmspc = Hex([0xa0, 0xc0, 0x6d, 0, 0, 0]);
    let (found, missing) = select(&things, Need::of_fmspc(fmspc));
    assert_eq!(found.len(), things.len(), "the QE identity and the root CA's CRL go with it");
    assert_eq!(texts(&missing), ["CRL of \"Intel SGX PCK Processor CA\""]);
    let (_, missing) = select(&things, Need::of_fmspc(Hex([1; 6])));
    assert!(texts(&missing).contains(&"TCB info of 010101010101".to_owned()), "{missing:?}");

    let chip = amd();
    let EndorsementName::Vcek(_, id) = chip[0].name else { panic!("{}", chip[0].name) };
    let need = Need::Vcek { product: None, chip_id: id.chip_id, tcb: None };
    let (found, missing) = select(&chip, [need]);
    assert_eq!((found.len(), missing), (3, vec![]));
    let (_, missing) = select(&chip[..1], [need]);
    assert_eq!(missing.len(), 2, "{missing:?}");
    let elsewhere = Need::Vcek { product: None, chip_id: id.chip_id, tcb: Some(Hex([9; 8])) };
    assert_eq!(select(&chip, [elsewhere]), (vec![], vec![elsewhere]));
}

#[test]
fn what_is_needed_has_names_to_ask_for() {
    let texts = |needs: &[Need], evaluations: &[TcbEvaluation]| {
        let names = Need::names(needs, evaluations);
        names.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let standard = [TcbEvaluation::Standard];
    let of = |kind| Need::of_evidence(kind, &evidence(kind)).unwrap();
    let found = texts(&of(EvidenceKind::Sgx), &[TcbEvaluation::Standard, TcbEvaluation::Early]);
    assert_eq!(
        found,
        [
            "intel/sgx/tcb-info/a0c06d000000/standard",
            "intel/sgx/tcb-info/a0c06d000000/early",
            "intel/sgx/qe-identity/standard",
            "intel/sgx/qe-identity/early",
            "intel/pck-crl/platform",
            "intel/root-ca-crl",
        ]
    );
    let found = texts(&of(EvidenceKind::Snp), &standard);
    assert_eq!(found[..2], ["amd/milan/vcek-chain", "amd/milan/vcek-crl"]);
    assert!(found[2].starts_with("amd/milan/vcek/") && found.len() == 3, "{found:?}");
    let found = texts(&Need::of_fmspc(Hex([1; 6])), &standard);
    assert_eq!(found.len(), 7, "TCB infos and identities of both TEEs, three CRLs: {found:?}");

    // A report that does not say its product may be of any; a chip without a TCB has no VCEK.
    let chip_id = Hex([7; 64]);
    let at_tcb = |tcb| texts(&[Need::Vcek { product: None, chip_id, tcb }], &standard);
    assert_eq!(at_tcb(Some(Hex([1; 8]))).len(), 9);
    assert_eq!(at_tcb(None), [""; 0]);
}
