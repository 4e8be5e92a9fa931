//! What was published is proven to be what its name says, and nothing else.

use std::path::Path;

use avouch_dcap::{SignedDocument, TcbInfo, TeeType};
use avouch_endorsements::{
    EndorsementName, PckCa, Proven, Published, TcbEvaluation, VcekId, prove,
};
use avouch_engine::Anchors;
use avouch_mint::snp::{SnpKey, SnpProduct};
use avouch_mint::{Options, mint};
use avouch_pki::Crl;
use avouch_snp::{Product, VekKind};
use avouch_wire::{EvidenceKind, FailedCheck as _, Hex, UnixTime};
use serde_json::Value;

use crate::minted::{
    amd, amd_of, anchors, at, days, intel, product_of, published, sgx, snp_options, tcb_info,
};

/// One thing of each sort, of several platforms; a VCEK after the chain above it.
fn things() -> Vec<Published> {
    let mut other = Options::new(at());
    other.platform.ca = avouch_mint::PckCa::Processor;
    other.platform.fmspc = [0, 0x90, 0x6e, 0xd5, 0, 0];
    let mut all = sgx();
    all.extend(intel(TeeType::Tdx, &Options::new(at()), TcbEvaluation::Early));
    all.extend(intel(
        TeeType::Sgx,
        &other,
        TcbEvaluation::Number(other.platform.evaluation_data_number),
    ));
    for product in SnpProduct::ALL {
        all.extend(amd(product));
        let mut options = snp_options(product, at());
        options.snp.key = SnpKey::Vlek;
        let minted = mint(EvidenceKind::Snp, &options).unwrap();
        all.extend(amd_of(&minted, product_of(product)));
    }
    all
}

/// Proves something with the chain of its product at hand, if it needs one.
fn prove_among(
    one: &Published,
    all: &[Published],
    anchors: &Anchors,
    at: UnixTime,
) -> Result<Proven, String> {
    let issuer = match one.name {
        EndorsementName::Vcek(product, _) => {
            let name = EndorsementName::VekChain(product, VekKind::Vcek);
            all.iter().find(|other| other.name == name)
        }
        _ => None,
    };
    prove(one, issuer.as_slice(), anchors, at).map_err(|error| error.to_string())
}

fn proven(one: &Published, at: UnixTime) -> Proven {
    prove(one, &[], &anchors(), at).unwrap()
}

#[test]
fn everything_is_proven_under_its_own_name_and_in_force() {
    let (all, anchors) = (things(), anchors());
    for one in &all {
        let proven = prove_among(one, &all, &anchors, at());
        let proven = proven.unwrap_or_else(|error| panic!("{}: {error}", one.name));
        assert!(proven.window().check(at()).is_ok(), "{}", one.name);
        let is_document = one.name.to_string().contains("tcb-info")
            || one.name.to_string().contains("qe-identity");
        assert_eq!(proven.evaluation_data_number().is_some(), is_document, "{}", one.name);
    }
}

/// CRLs for VCEKs and for VLEKs have one signer, and which number is the standard one is Intel's to say.
fn is_alike(one: EndorsementName, other: EndorsementName) -> bool {
    use EndorsementName::{AmdCrl, QeIdentity, TcbInfo};
    match (one, other) {
        (AmdCrl(one, _), AmdCrl(other, _)) => one == other,
        (QeIdentity { tee: one, .. }, QeIdentity { tee: other, .. }) => one == other,
        (TcbInfo { tee, fmspc, .. }, TcbInfo { tee: other_tee, fmspc: other_fmspc, .. }) => {
            (tee, fmspc) == (other_tee, other_fmspc)
        }
        _ => false,
    }
}

#[test]
fn nothing_is_proven_under_the_name_of_anything_else() {
    let (all, anchors) = (things(), anchors());
    for one in &all {
        for other in all.iter().filter(|other| other.name != one.name) {
            if is_alike(one.name, other.name) {
                continue;
            }
            // The body of one, with the chain of either.
            for issuer_chain in [&one.issuer_chain, &other.issuer_chain] {
                let swapped = Published {
                    name: other.name,
                    issuer_chain: issuer_chain.clone(),
                    ..one.clone()
                };
                let outcome = prove_among(&swapped, &all, &anchors, at());
                assert!(outcome.is_err(), "{} passed as {}", one.name, other.name);
            }
        }
    }
}

#[test]
fn a_document_of_another_tee_fmspc_or_number_is_named_for_what_it_is() {
    let (anchors, all) = (anchors(), sgx());
    let fmspc = Options::new(at()).platform.fmspc;
    let number = Options::new(at()).platform.evaluation_data_number;
    let name =
        |tee, fmspc, evaluation| EndorsementName::TcbInfo { tee, fmspc: Hex(fmspc), evaluation };
    let mut other_fmspc = fmspc;
    other_fmspc[0] ^= 1;
    for wrong in [
        name(TeeType::Tdx, fmspc, TcbEvaluation::Standard),
        name(TeeType::Sgx, other_fmspc, TcbEvaluation::Standard),
        name(TeeType::Sgx, fmspc, TcbEvaluation::Number(number + 1)),
    ] {
        let error = prove(&Published { name: wrong, ..all[0].clone() }, &[], &anchors, at());
        let error = error.unwrap_err();
        assert_eq!(error.check(), "published-name", "{wrong}");
        assert!(error.to_string().contains(&format!("number {number}")), "{error}");
    }
    for right in [TcbEvaluation::Early, TcbEvaluation::Number(number)] {
        let one = Published { name: name(TeeType::Sgx, fmspc, right), ..all[0].clone() };
        let proven = prove(&one, &[], &anchors, at()).unwrap();
        assert_eq!(proven.evaluation_data_number(), Some(number));
    }
}

#[test]
fn a_vcek_of_another_chip_or_tcb_is_not_the_one_asked_for() {
    let anchors = anchors();
    for product in SnpProduct::ALL {
        let all = amd(product);
        let EndorsementName::Vcek(named, id) = all[2].name else { panic!() };
        let (mut chip, mut tcb) = (id, id);
        chip.chip_id.0[0] ^= 1;
        tcb.tcb.0[7] ^= 1;
        let mut longer = id;
        longer.chip_id.0[63] ^= 1;
        for id in [chip, tcb, longer] {
            let one = Published { name: EndorsementName::Vcek(named, id), ..all[2].clone() };
            let error = prove(&one, &[&all[0]], &anchors, at()).unwrap_err();
            assert_eq!(error.check(), "published-name", "{error}");
        }
        assert!(prove(&all[2], &[&all[0]], &anchors, at()).is_ok());
    }
}

#[test]
fn a_vcek_needs_the_chain_above_it_and_no_other_serves() {
    let anchors = anchors();
    let (milan, genoa) = (amd(SnpProduct::Milan), amd(SnpProduct::Genoa));
    for issuer in [None, Some(&genoa[0]), Some(&milan[1])] {
        let error = prove(&milan[2], issuer.as_slice(), &anchors, at()).unwrap_err();
        assert_eq!(error.check(), "intermediate-missing", "{issuer:?}");
    }
}

#[test]
fn a_chain_with_anything_beside_issuer_and_root_is_refused() {
    let (anchors, milan, genoa) = (anchors(), amd(SnpProduct::Milan), amd(SnpProduct::Genoa));
    let leaf = avouch_pki::pem::encode("CERTIFICATE", &milan[2].body);
    let root_alone = mint(EvidenceKind::Snp, &snp_options(SnpProduct::Milan, at())).unwrap();
    for body in [
        [&milan[0].body, leaf.as_bytes()].concat(),
        [&*milan[0].body, &*genoa[0].body].concat(),
        root_alone.root_pem.into_bytes(),
        Vec::new(),
    ] {
        assert!(prove(&published(milan[0].name, &body, b""), &[], &anchors, at()).is_err());
    }
}

#[test]
fn nothing_minted_is_proven_under_the_vendors_own_roots() {
    let all = things();
    let vendors = Anchors::built_in();
    for one in &all {
        assert!(prove_among(one, &all, &vendors, at()).is_err(), "{}", one.name);
    }
}

#[test]
fn one_changed_byte_or_a_cut_anywhere_is_noticed() {
    let (anchors, milan) = (anchors(), amd(SnpProduct::Milan));
    // PEM may differ where nobody reads, so the chain of AMD's is left out.
    let all: Vec<Published> = sgx().into_iter().chain(milan.clone()).collect();
    for one in all.iter().filter(|one| !matches!(one.name, EndorsementName::VekChain(..))) {
        let step = (one.body.len() / 12).max(1);
        for position in (0..one.body.len()).step_by(step) {
            let mut body = one.body.to_vec();
            body[position] ^= 0x20;
            // The case of hex digits of the signature does not matter.
            if body.eq_ignore_ascii_case(&one.body) {
                continue;
            }
            let changed = published(one.name, &body, &one.issuer_chain);
            let outcome = prove_among(&changed, &milan, &anchors, at());
            assert!(outcome.is_err(), "{} with byte {position} changed", one.name);
            let cut = published(one.name, &one.body[..position], &one.issuer_chain);
            let outcome = prove_among(&cut, &milan, &anchors, at());
            assert!(outcome.is_err(), "{} cut at {position}", one.name);
        }
    }
}

#[test]
fn everything_is_judged_at_both_ends_of_its_window() {
    let (all, anchors) = (things(), anchors());
    for one in &all {
        let window = prove_among(one, &all, &anchors, at()).unwrap().window();
        for end in [window.not_before, window.not_after] {
            assert!(prove_among(one, &all, &anchors, end).is_ok(), "{} at {end}", one.name);
        }
        for outside in [
            window.not_before.saturating_add_seconds(-1),
            window.not_after.saturating_add_seconds(1),
        ] {
            let outcome = prove_among(one, &all, &anchors, outside);
            assert!(outcome.is_err(), "{} at {outside}", one.name);
        }
    }
}

#[test]
fn an_older_document_takes_no_place_while_the_newer_one_is_in_force() {
    let fmspc = [1; 6];
    let moment = days(1);
    let edition = |days_later, number| proven(&tcb_info(fmspc, days_later, number), moment);
    let (old, new) = (edition(-3, 17), edition(0, 17));
    assert!(new.may_replace(&old, moment) && new.may_replace(&new, moment));
    assert!(!old.may_replace(&new, moment));
    // Of a lower number none is newer, whenever it was issued.
    let lower = edition(0, 16);
    assert!(!lower.may_replace(&old, moment) && old.may_replace(&lower, moment));
    let expired = new.window().not_after.saturating_add_seconds(1);
    assert!(lower.may_replace(&new, expired));
}

#[test]
fn a_crl_of_a_lower_number_never_takes_a_place() {
    let crl = |days_later: i64, number: u64| {
        let mut options = Options::new(days(days_later));
        options.platform.crl_number = number;
        proven(&intel(TeeType::Sgx, &options, TcbEvaluation::Standard)[2], days(1))
    };
    let numbered = [crl(0, 1), crl(-1, 255), crl(-1, 256), crl(-1, 70_000)];
    for (index, one) in numbered.iter().enumerate() {
        for (other_index, other) in numbered.iter().enumerate() {
            for moment in [at(), days(400)] {
                assert_eq!(one.may_replace(other, moment), index >= other_index);
            }
        }
    }
}

/// All of Intel's lists have the number 1.
#[test]
fn of_crls_of_one_number_the_older_never_takes_a_place() {
    let crl = |days_later: i64| {
        let options = Options::new(days(days_later));
        proven(&intel(TeeType::Sgx, &options, TcbEvaluation::Standard)[2], days(1))
    };
    let (old, new) = (crl(-3), crl(0));
    assert!(new.may_replace(&old, days(1)) && new.may_replace(&new, days(1)));
    assert!(!old.may_replace(&new, days(1)));
}

/// The folder of recorded responses, or none with a notice.
pub(crate) fn recorded() -> Option<std::path::PathBuf> {
    let root = std::env::var("AVOUCH_VECTORS").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors").to_owned()
    });
    let folder = Path::new(&root).join("intel/pcs");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(), "no {}", folder.display());
    println!("skipped: no vectors at {}", folder.display());
    None
}

#[test]
fn responses_of_intels_service_are_proven_at_their_time_under_intels_root() {
    let Some(folder) = recorded() else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let intel = Anchors::built_in();
    let early: Value = serde_json::from_slice(&read("wrapped-sgx_tcb_info_early.json")).unwrap();
    let text = |name: &str| early[name].as_str().unwrap().as_bytes().to_vec();
    let chain = read("tcb_signing_chain.pem");
    let infos = [
        (read("sgx-tcbinfo-00606a000000-2025-08-15.json"), chain.clone(), TcbEvaluation::Standard),
        (read("tcb_info_50806f000000.json"), chain.clone(), TcbEvaluation::Number(18)),
        (text("tcb_info_json"), text("issuer_chain"), TcbEvaluation::Early),
    ];
    let mut tried = 0;
    for (body, chain, evaluation) in infos {
        let document = SignedDocument::from_tcb_info_body(&body).unwrap();
        let info = TcbInfo::parse(document.text()).unwrap();
        let issued = info.window.not_before;
        let name = |fmspc| EndorsementName::TcbInfo { tee: info.tee, fmspc, evaluation };
        let one = published(name(info.fmspc), &body, &chain);
        let proven = prove(&one, &[], &intel, issued).unwrap();
        assert_eq!(proven.evaluation_data_number(), Some(info.evaluation_data_number));
        let of_another = published(name(Hex([7; 6])), &body, &chain);
        let check = prove(&of_another, &[], &intel, issued).unwrap_err().check();
        assert_eq!(check, "published-name");
        let early = issued.saturating_add_seconds(-1);
        assert!(prove(&one, &[], &intel, early).is_err());
        tried += 1;
    }
    let identities = [
        (TeeType::Sgx, "sgx-qe-identity-2025-08-15.json", "2025-08-20T00:00:00Z"),
        (TeeType::Tdx, "td_qe_identity.json", "2026-03-20T00:00:00Z"),
    ];
    for (tee, file, moment) in identities {
        let evaluation = TcbEvaluation::Standard;
        let name = EndorsementName::QeIdentity { tee, evaluation };
        let moment = UnixTime::from_rfc3339(moment).unwrap();
        prove(&published(name, &read(file), &chain), &[], &intel, moment).unwrap();
        tried += 1;
    }
    let crl = read("root_ca_crl.der");
    let issued = Crl::parse(&crl).unwrap().this_update();
    let root = published(EndorsementName::RootCaCrl, &crl, b"");
    prove(&root, &[], &intel, issued).unwrap();
    let pck = published(EndorsementName::PckCrl(PckCa::Platform), &crl, &chain);
    assert!(prove(&pck, &[], &intel, issued).is_err());
    assert_eq!(tried, 5);
}

#[test]
fn a_masked_chip_has_no_vcek_to_be_proven() {
    let all = amd(SnpProduct::Milan);
    let EndorsementName::Vcek(product, id) = all[2].name else { panic!() };
    assert_eq!(product, Product::Milan);
    let masked = VcekId { chip_id: Hex([0; 64]), ..id };
    let one = Published { name: EndorsementName::Vcek(product, masked), ..all[2].clone() };
    let error = prove(&one, &[&all[0]], &anchors(), at()).unwrap_err();
    assert_eq!(error.check(), "published-name");
}
