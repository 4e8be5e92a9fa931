//! Collateral put together from several mints, whose keys are the same: one part differs at a time.

use avouch_dcap::{
    Collateral, CollateralRequirements, Quote, TrustAnchors, verify_platform, verify_quote,
};
use avouch_mint::{Options, Seed, breaks, mint};
use avouch_pki::{digest::sha256, pem};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, decode_hex};
use serde_json::Value;

use crate::{anchors, at, collateral, minted};

const DAY: i64 = 86_400;

fn parts(minted: &avouch_mint::Minted) -> Value {
    serde_json::from_slice(&minted.endorsements).expect("json")
}

fn read(parts: &Value) -> Collateral {
    Collateral::parse_json(parts.to_string().as_bytes()).expect("collateral")
}

/// Collateral of `at()` in which these parts are as minted some days before.
fn with_older(names: &[&str], days: i64) -> Value {
    let mut all = parts(&minted(EvidenceKind::Sgx, |_| {}));
    let older = parts(&minted(EvidenceKind::Sgx, |options| {
        options.at = at().saturating_add_seconds(-days * DAY);
    }));
    for name in names {
        all[*name] = older[*name].clone();
    }
    all
}

#[test]
fn remembered_collateral_is_asked_for_the_dates_of_each_of_its_parts() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    let later = |days: i64| at().saturating_add_seconds(days * DAY + 1);
    // Each part is in force for ten days more, all others for longer.
    for (names, lives_days, check) in [
        (&["pck_crl_issuer_chain"][..], 8 * 365, "pck-ca-certificate-expired"),
        (&["tcb_info_issuer_chain"], 6 * 365, "tcb-signing-certificate-expired"),
        (&["qe_identity_issuer_chain"], 6 * 365, "tcb-signing-certificate-expired"),
        (&["root_ca_crl"], 335, "root-ca-crl-expired"),
        (&["pck_crl"], 28, "pck-crl-expired"),
        (&["tcb_info", "tcb_info_signature"], 29, "tcb-info-expired"),
        (&["qe_identity", "qe_identity_signature"], 29, "qe-identity-expired"),
    ] {
        let set = read(&with_older(names, lives_days - 10));
        let verified =
            set.verify(&anchors, at()).unwrap_or_else(|error| panic!("{check}: {error}"));
        verify_quote(&quote, &platform, &verified, later(9)).expect("in force");
        let error = verify_quote(&quote, &platform, &verified, later(10)).expect_err(check);
        assert_eq!(error.check(), check);
        assert_eq!(verified.window().not_after, later(10).saturating_add_seconds(-1), "{check}");
    }
}

#[test]
fn collateral_whose_issuers_are_revoked_is_refused_before_any_platform_is_seen() {
    for (name, words) in [
        ("pck-ca-revoked", "is revoked by the root CA CRL"),
        ("tcb-signer-revoked", "is revoked by the root CA CRL"),
        ("qe-identity-signer-revoked", "is revoked by the root CA CRL"),
    ] {
        let one = breaks(EvidenceKind::Sgx).iter().find(|one| one.name == name).expect(name);
        let broken = mint(EvidenceKind::Sgx, &Options::new(at()).broken(name)).expect(name);
        let error = collateral(&broken).verify(&anchors(&broken), at()).expect_err(name);
        assert_eq!(error.check(), one.expected_check, "{name}");
        assert!(error.to_string().to_lowercase().contains(&words.to_lowercase()), "{error}");
    }
    let broken = mint(EvidenceKind::Sgx, &Options::new(at()).broken("pck-revoked")).expect("mints");
    let anchors = anchors(&broken);
    let verified = collateral(&broken).verify(&anchors, at()).expect("of no platform");
    let quote = Quote::parse(&broken.evidence).expect("quote");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    let error = verify_quote(&quote, &platform, &verified, at()).expect_err("revoked");
    assert!(error.to_string().contains("is revoked by the PCK CRL"), "{error}");
}

/// The root CRL of the mint in which one of two signers of the same key is revoked, beside chains
/// of which each names another one.
#[test]
fn each_of_two_signers_is_looked_for_on_the_list() {
    let broken = mint(EvidenceKind::Sgx, &Options::new(at()).broken("qe-identity-signer-revoked"))
        .expect("mints");
    let anchors = anchors(&broken);
    let mut set = parts(&broken);
    let (info, identity) =
        (set["tcb_info_issuer_chain"].clone(), set["qe_identity_issuer_chain"].clone());
    assert_ne!(info, identity);
    for (first, second, is_good) in [
        (&info, &info, true),
        (&info, &identity, false),
        (&identity, &info, false),
        (&identity, &identity, false),
    ] {
        set["tcb_info_issuer_chain"] = first.clone();
        set["qe_identity_issuer_chain"] = second.clone();
        let verified = read(&set).verify(&anchors, at());
        assert_eq!(verified.is_ok(), is_good);
        if let Err(error) = verified {
            assert_eq!(error.check(), "tcb-signing-certificate-revoked");
        }
    }
}

#[test]
fn chains_of_one_set_rest_on_one_anchor() {
    let one = minted(EvidenceKind::Sgx, |_| {});
    let other = minted(EvidenceKind::Sgx, |options| options.seed = Seed::from_number(7));
    let both = anchors(&one).with_pem(other.root_pem.as_bytes()).expect("two roots");
    for (name, words) in [
        ("tcb_info_issuer_chain", "TCB info issuer chain"),
        ("qe_identity_issuer_chain", "QE identity issuer chain"),
    ] {
        let mut mixed = parts(&one);
        mixed[name] = parts(&other)[name].clone();
        let error = read(&mixed).verify(&both, at()).expect_err(name);
        assert_eq!(error.check(), "mixed-trust-anchors");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn evaluation_data_numbers_are_told_apart_and_both_demanded() {
    let evidence = minted(EvidenceKind::Sgx, |options| {
        options.platform.evaluation_data_number = 17;
        options.platform.qe_evaluation_data_number = Some(16);
    });
    let set = collateral(&evidence);
    let verified = set.verify(&anchors(&evidence), at()).expect("a mix is accepted");
    let numbers = verified.evaluation_data_numbers();
    assert_eq!((numbers.tcb_info, numbers.qe_identity, numbers.lowest()), (17, 16, 16));
    assert_eq!(verified.pck_ca_name(), "Intel SGX PCK Platform CA");
    let demanded = |number: u32, set: &Collateral, anchors: &TrustAnchors| {
        let requirements = CollateralRequirements {
            evaluation_data_number: Some(number),
            ..CollateralRequirements::default()
        };
        set.verify_with(anchors, at(), &requirements).map(drop)
    };
    for number in [15, 16, 17, 18] {
        let error = demanded(number, &set, &anchors(&evidence)).expect_err("one differs");
        let words = error.to_string();
        assert!(words.contains("17") && words.contains("16"), "{words}");
    }
    let alike = minted(EvidenceKind::Sgx, |options| options.platform.evaluation_data_number = 17);
    demanded(17, &collateral(&alike), &anchors(&alike)).expect("both");
    demanded(16, &collateral(&alike), &anchors(&alike)).expect_err("neither");
}

#[test]
fn each_hash_is_of_its_part_and_a_nul() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let set = collateral(&evidence);
    let verified = set.verify(&anchors(&evidence), at()).expect("verifies");
    let all = parts(&evidence);
    let with_nul = |bytes: &[u8]| sha256(&[bytes, &[0]].concat());
    let text = |name: &str| with_nul(all[name].as_str().expect(name).as_bytes());
    let der = |name: &str| with_nul(&decode_hex(all[name].as_str().expect(name)).expect("hex"));
    let found = verified.hashes();
    assert_eq!(found.tcb_info_certs, text("tcb_info_issuer_chain"));
    assert_eq!(found.qe_identity_certs, text("qe_identity_issuer_chain"));
    assert_eq!(found.tcb_info, with_nul(set.tcb_info().body()));
    assert_eq!(found.qe_identity, with_nul(set.qe_identity().body()));
    assert_eq!(found.tcb_info_crl, der("root_ca_crl"));
    assert_eq!(found.qe_identity_crl, der("root_ca_crl"));
    assert_eq!(found.pck_crl, der("pck_crl"));
}

#[test]
fn archived_documents_alone_may_have_run_out() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    // Both documents are a month older than the rest.
    let names = ["tcb_info", "tcb_info_signature", "qe_identity", "qe_identity_signature"];
    let set = read(&with_older(&names, 40));
    assert_eq!(set.verify(&anchors, at()).expect_err("old").check(), "tcb-info-expired");
    let pinned = CollateralRequirements {
        archived_sha256: vec![set.tcb_info().text_sha256(), set.qe_identity().text_sha256()],
        ..CollateralRequirements::default()
    };
    let verified = set.verify_with(&anchors, at(), &pinned).expect("pinned");
    // The PCK CRL is the next to run out.
    let ends: UnixTime = at().saturating_add_seconds(28 * DAY);
    assert_eq!(verified.window().not_after, ends);
    let half = CollateralRequirements {
        archived_sha256: vec![set.tcb_info().text_sha256()],
        ..CollateralRequirements::default()
    };
    let error = set.verify_with(&anchors, at(), &half).expect_err("half pinned");
    assert_eq!(error.check(), "qe-identity-expired");
}

#[test]
fn an_anchor_names_and_signs_itself() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let der = pem::certificates(evidence.root_pem.as_bytes(), 1).expect("root").remove(0);
    let mut unsigned = der.clone();
    *unsigned.last_mut().expect("bytes") ^= 1;
    let add = |text: &str| TrustAnchors::none().with_pem(text.as_bytes()).map(drop);
    add(&pem::encode("CERTIFICATE", &der)).expect("a root");
    let error = add(&pem::encode("CERTIFICATE", &unsigned)).expect_err("not by its own key");
    assert!(error.to_string().contains("self-signed"), "{error}");
    // Made for this test: signed by its own key, and by its name issued by another.
    let error = add(include_str!("../data/named-otherwise.pem")).expect_err("not by its own name");
    assert!(error.to_string().contains("self-signed"), "{error}");
}

#[test]
fn anchors_are_few_and_each_counts_once() {
    let root = |number: u64| {
        minted(EvidenceKind::Sgx, |options| options.seed = Seed::from_number(number)).root_pem
    };
    let add = |anchors: TrustAnchors, number| anchors.with_pem(root(number).as_bytes());
    let mut anchors = add(add(TrustAnchors::none(), 1).expect("one"), 2).expect("two");
    // Known already, beside another.
    anchors = add(anchors, 1).expect("again");
    assert_eq!(anchors.roots().count(), 2);
    for number in 3..=64 {
        anchors = add(anchors, number).expect("room");
    }
    assert_eq!(anchors.roots().count(), 64);
    let error = add(anchors, 65).expect_err("no room");
    assert_eq!(error.to_string(), "more than 64 trust roots");
}

#[test]
fn a_chain_of_another_length_is_refused_by_its_own_name() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    for (name, check) in [
        ("pck_crl_issuer_chain", "pck-crl-issuer-chain"),
        ("tcb_info_issuer_chain", "tcb-info-issuer-chain"),
        ("qe_identity_issuer_chain", "qe-identity-issuer-chain"),
    ] {
        let chain = parts(&evidence)[name].as_str().expect(name).to_owned();
        for wrong in [
            String::new(),
            evidence.root_pem.clone(),
            format!("{chain}{}", evidence.root_pem),
            chain.repeat(2),
        ] {
            let mut changed = parts(&evidence);
            changed[name] = Value::from(wrong);
            let error = read(&changed).verify(&anchors, at()).expect_err(name);
            assert_eq!(error.check(), check, "{error}");
        }
    }
}

#[test]
fn a_set_is_as_large_as_its_parts() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let mut all = parts(&evidence);
    // No two parts are of one length.
    for (name, lines) in [("tcb_info_issuer_chain", 100), ("pck_crl_issuer_chain", 10_000)] {
        let longer = format!("{}{}", all[name].as_str().expect(name), "\n".repeat(lines));
        all[name] = Value::from(longer);
    }
    let set = read(&all);
    let chains = ["tcb_info_issuer_chain", "qe_identity_issuer_chain", "pck_crl_issuer_chain"];
    let chains: usize = chains.iter().filter_map(|name| all[*name].as_str().map(str::len)).sum();
    let documents = set.tcb_info().body().len() + set.qe_identity().body().len();
    let crls = set.root_ca_crl_der().len() + set.pck_crl_der().len();
    assert_eq!(set.bytes(), chains + documents + crls);
}
