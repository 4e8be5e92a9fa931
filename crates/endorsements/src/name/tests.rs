#![cfg(test)]
//! Every name has one text, and other texts are none.

use std::collections::BTreeSet;

use super::*;

fn names() -> Vec<EndorsementName> {
    let fmspc = Hex([0, 0x60, 0x6a, 0, 0, 0]);
    let id = VcekId { chip_id: Hex([0xab; 64]), tcb: Hex([1, 2, 3, 4, 5, 6, 7, 8]) };
    let mut names = vec![EndorsementName::RootCaCrl];
    names.extend(PckCa::ALL.map(EndorsementName::PckCrl));
    for tee in [TeeType::Sgx, TeeType::Tdx] {
        for evaluation in [TcbEvaluation::Standard, TcbEvaluation::Early, TcbEvaluation::Number(17)]
        {
            names.push(EndorsementName::TcbInfo { tee, fmspc, evaluation });
            names.push(EndorsementName::QeIdentity { tee, evaluation });
        }
    }
    for product in Product::ALL {
        names.push(EndorsementName::Vcek(product, id));
        for kind in [VekKind::Vcek, VekKind::Vlek] {
            names.push(EndorsementName::VekChain(product, kind));
            names.push(EndorsementName::AmdCrl(product, kind));
        }
    }
    names.push(EndorsementName::TpmCa(Hex([0xcd; 32])));
    names
}

#[test]
fn a_name_is_read_back_from_its_text() {
    for name in names() {
        assert_eq!(name.to_string().parse(), Ok(name));
    }
    let texts: BTreeSet<String> = names().iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), names().len());
}

#[test]
fn names_are_paths_that_say_what_they_are_for() {
    let texts: Vec<String> = names().iter().map(ToString::to_string).collect();
    for text in [
        "intel/root-ca-crl",
        "intel/pck-crl/processor",
        "intel/pck-crl/platform",
        "intel/sgx/tcb-info/00606a000000/standard",
        "intel/tdx/tcb-info/00606a000000/17",
        "intel/tdx/qe-identity/early",
        "amd/milan/vcek-chain",
        "amd/genoa/vlek-chain",
        "amd/turin/vcek-crl",
    ] {
        assert!(texts.iter().any(|known| known == text), "{text}");
    }
}

#[test]
fn another_spelling_is_no_name() {
    for text in [
        "",
        "intel",
        "intel/",
        "Intel/root-ca-crl",
        "intel/root-ca-crl/",
        "intel/pck-crl/other",
        "intel/sgx/qe-identity/017",
        "intel/sgx/qe-identity/-1",
        "intel/sgx/qe-identity/latest",
        "intel/sgx/tcb-info/00606A000000/standard",
        "intel/sgx/tcb-info/00606a0000/standard",
        "intel/snp/qe-identity/standard",
        "amd/rome/vcek-chain",
        "amd/milan/asvk-chain",
        "amd/milan/vcek",
        "amd/milan/vcek/ab/01",
    ] {
        assert!(text.parse::<EndorsementName>().is_err(), "{text}");
    }
}
