//! Files of endorsements: what is taken, and by which check the others are refused.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::path::Path;

use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_mint::{Expected, Options, Stage, breaks, mint};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime};

fn options() -> Options {
    Options::new(UnixTime::from_rfc3339("2026-05-01T12:00:00Z").unwrap())
}

fn load(path: &Path) -> Result<EndorsementSet, LoadError> {
    EndorsementSet::load(&[path.to_owned()])
}

#[test]
fn minted_endorsements_load_and_broken_ones_that_do_not_name_the_check_of_their_break() {
    let mut refused = 0;
    for kind in EvidenceKind::appraised() {
        let good = mint(kind, &options()).unwrap();
        EndorsementSet::default().add(&good.endorsements).unwrap();
        // CAs of TPMs that load are judged where a key under them is.
        for one in breaks(kind).iter().filter(|one| one.stage != Stage::Enrolment) {
            let minted = mint(kind, &options().broken(one.name)).unwrap();
            let Err(error) = EndorsementSet::default().add(&minted.endorsements) else { continue };
            let Expected::Refused { check, .. } = minted.expected else {
                panic!("{kind:?} {}: expected a refusal", one.name);
            };
            assert_eq!(error.check(), check, "{kind:?} {}: {error}", one.name);
            refused += 1;
        }
    }
    // Intel documents that do not parse, of three kinds of evidence, and a few of AMD's files.
    assert!(refused >= 60, "only {refused}");
}

#[test]
fn a_file_is_refused_by_its_check_and_so_is_a_folder_with_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = mint(EvidenceKind::Sgx, &options()).unwrap();
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("cut.json", good.endorsements.split_at(300).0.to_vec(), "collateral-malformed"),
        ("other.json", b"{}".to_vec(), "collateral-malformed"),
        ("text.txt", b"no endorsement".to_vec(), "chain-pem"),
        ("der", vec![0x30, 0x03, 0x02, 0x01, 0x00], "chain-certificate"),
        ("large", vec![b' '; 8 * 1024 * 1024 + 1], "endorsements-size"),
    ];
    for (name, bytes, check) in &cases {
        std::fs::write(at(name), bytes).unwrap();
        let error = load(&at(name)).unwrap_err();
        assert_eq!(error.check(), Some(*check), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    // In a folder the first that is damaged is named; those that are skipped are all told.
    std::fs::write(at("good.json"), &good.endorsements).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert_eq!(error.check(), Some("collateral-malformed"), "{error}");
    let set = EndorsementSet::load_skipping_damaged(&[folder.path().to_owned()]).unwrap();
    let skipped: Vec<_> = set.skipped().iter().filter_map(LoadError::check).collect();
    assert_eq!(skipped, ["collateral-malformed", "endorsements-size"]);
    assert_eq!(load(&at("nonexistent")).unwrap_err().check(), None);
}

#[test]
fn a_folder_without_endorsements_is_an_error_without_a_check() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.txt"), "no endorsement").unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(error, LoadError::Empty { files: 1, .. }), "{error}");
    assert_eq!(error.check(), None);
}

/// AMD certificates and CRLs that are at hand.
fn amd_counts(set: &EndorsementSet) -> (u64, u64) {
    use avouch_engine::EndorsementSource as _;
    let summary = set.summary();
    let count = |member: &str| summary[member].as_u64().unwrap();
    (count("amd_certificates"), count("amd_crls"))
}

#[test]
fn the_shapes_in_which_hosts_hand_out_amd_certificates_are_taken() {
    let minted = mint(EvidenceKind::Snp, &options()).unwrap();
    let text = String::from_utf8(minted.endorsements.clone()).unwrap();
    let text = text.split("-----BEGIN X509 CRL").next().unwrap();
    let certificates = avouch_pki::pem::certificates(text.as_bytes(), 8).unwrap();
    let pem = |der: &[u8]| avouch_pki::pem::encode("CERTIFICATE", der);
    let [leaf, rest @ ..] = certificates.as_slice() else { panic!("no certificates") };
    let chain: String = rest.iter().map(|der| pem(der)).collect();
    let thim = serde_json::json!({"vcekCert": pem(leaf), "certificateChain": chain, "tcbm": "0"});
    let thim = thim.to_string();
    let count = u64::try_from(certificates.len()).unwrap();
    for shape in [thim.clone(), avouch_wire::base64url::encode_standard(&thim)] {
        let mut set = EndorsementSet::default();
        set.add(shape.as_bytes()).unwrap();
        assert_eq!(amd_counts(&set).0, count);
    }
    let guid = avouch_snp::ghcb::Guid::VCEK.0;
    let length = u32::try_from(leaf.len()).unwrap().to_le_bytes();
    let table = [&guid[..], &48_u32.to_le_bytes(), &length, &[0; 24], leaf].concat();
    let mut set = EndorsementSet::default();
    set.add(&table).unwrap();
    assert_eq!(amd_counts(&set), (1, 0));
    let broken = thim.replacen("MII", "M!I", 1);
    let cut = thim.replacen("-----END CERTIFICATE-----", "", 1);
    let cut_table = table[..table.len() - 9].to_vec();
    let folder = tempfile::tempdir().unwrap();
    for damaged in [broken.into_bytes(), cut.into_bytes(), cut_table] {
        EndorsementSet::default().add(&damaged).unwrap_err();
        // In a folder it is no stranger, whatever its name: it may have held a CRL.
        std::fs::write(folder.path().join("damaged"), &damaged).unwrap();
        assert!(matches!(load(folder.path()), Err(LoadError::Malformed { .. })));
    }
}

/// Open Enclave's blob with the parts of a set of collateral.
fn open_enclave_blob(collateral: &[u8]) -> Vec<u8> {
    let set: serde_json::Value = serde_json::from_slice(collateral).unwrap();
    let text = |member: &str| set[member].as_str().unwrap().to_owned();
    let document = |name: &str, member: &str| {
        let (body, signature) = (text(member), text(&format!("{member}_signature")));
        format!("{{\"{name}\":{body},\"signature\":\"{signature}\"}}")
    };
    let elements = [
        "\u{1}\0\0\0".to_owned(),
        document("tcbInfo", "tcb_info"),
        text("tcb_info_issuer_chain"),
        text("pck_crl"),
        text("root_ca_crl"),
        text("pck_crl_issuer_chain"),
        document("enclaveIdentity", "qe_identity"),
        text("qe_identity_issuer_chain"),
        "2026-05-01T12:00:00Z\0".to_owned(),
    ];
    let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let starts = elements.iter().scan(0, |at, element| {
        let start = *at;
        *at += element.len();
        Some(number(start))
    });
    let starts: Vec<u8> = starts.flatten().collect();
    let body = elements.concat();
    let size = starts.len() + body.len();
    let head = [number(1), number(2), number(size), number(9)].concat();
    [head, starts, body.into_bytes()].concat()
}

#[test]
fn the_endorsements_of_open_enclave_are_filed_like_the_set_that_they_hold() {
    use avouch_engine::EndorsementSource as _;
    let minted = mint(EvidenceKind::OpenEnclave, &options()).unwrap();
    let blob = open_enclave_blob(&minted.endorsements);
    let mut plain = EndorsementSet::default();
    plain.add(&minted.endorsements).unwrap();
    let mut set = EndorsementSet::default();
    set.add(&blob).unwrap();
    assert_eq!(set.summary(), plain.summary());
    let error = EndorsementSet::default().add(&blob[..blob.len() - 1]).unwrap_err();
    assert_eq!(error.check(), "collateral-malformed");
    assert!(error.to_string().starts_with("Open Enclave endorsements: "), "{error}");
}

#[test]
fn what_is_no_endorsement_is_called_what_it_is() {
    let quote = mint(EvidenceKind::Sgx, &options()).unwrap();
    for (bytes, words) in [
        (&b"{\"tcbInfo\":{},\"signature\":\"\"}"[..], "Intel TCB info"),
        (b"{\"enclaveIdentity\":{}}", "an Intel enclave identity"),
        (b"apiVersion: v1\nkind: Secret\n", "text in YAML"),
        (b"\xd2\x84\x43\xa1\x01\x38", "COSE_Sign1"),
        (quote.request.as_bytes(), "the body of an attest request"),
        (b"{\"hello\":1}", "JSON of another kind"),
    ] {
        let error = EndorsementSet::default().add(bytes).unwrap_err().to_string();
        assert!(error.starts_with("this is ") && error.contains(words), "{error}");
    }
}

#[test]
fn what_has_no_effect_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let minted = mint(EvidenceKind::Sgx, &options()).unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&minted.endorsements).unwrap();
    document["pck_certificate_chain"] = "x".into();
    let path = folder.path().join("set.json");
    std::fs::write(&path, &minted.endorsements).unwrap();
    assert!(load(&path).unwrap().ignored().is_empty());
    std::fs::write(&path, document.to_string()).unwrap();
    let numbers = "{\"tcbEvaluationDataNumbers\":{}}";
    std::fs::write(folder.path().join("numbers.json"), numbers).unwrap();
    let set = load(folder.path()).unwrap();
    let [file, member] = set.ignored() else { panic!("{:?}", set.ignored()) };
    assert!(member.contains("\"pck_certificate_chain\" is not used"), "{member}");
    assert!(file.contains("numbers.json is passed over: this is Intel's list of TCB"), "{file}");
    // A document that counts is none that is passed over: what cannot be read of it is damage.
    std::fs::write(folder.path().join("tcb.json"), "{\"tcbInfo\":{}}").unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("tcb.json"), "{error}");
}
