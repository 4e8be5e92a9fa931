//! Files as vendors, caches and hosts hand them out: each is taken, or said to be damaged, unused or
//! incomplete.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use avouch_dcap::{Collateral, TcbEvaluation, TeeType};
use avouch_endorsements::{Bundle, EndorsementName, EndorsementSet, LoadError, Published};
use avouch_engine::{EndorsementSource as _, IntelWanted};
use avouch_mint::Minted;
use avouch_pki::pem;
use avouch_wire::{EvidenceKind, Hex, UnixTime, encode_hex};
use serde_json::json;
use support::{amd_parts, at, intel_parts, judge, minted};
use tempfile::TempDir;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn load(path: &Path) -> Result<EndorsementSet, LoadError> {
    EndorsementSet::load(&[path.to_owned()])
}

/// What Intel's service answers for a minted platform, and the chains of its headers.
struct Answers {
    tcb_info: Published,
    qe_identity: Published,
    pck_crl: Published,
    root_ca_crl: Published,
}

impl Answers {
    fn of(minted: &Minted) -> Self {
        let [tcb_info, qe_identity, pck_crl, root_ca_crl] =
            intel_parts(minted, TcbEvaluation::Standard);
        Self { tcb_info, qe_identity, pck_crl, root_ca_crl }
    }

    /// As files, named as people name them.
    fn files(&self) -> Vec<(&'static str, &[u8])> {
        vec![
            ("tcb-info.json", &self.tcb_info.body),
            ("qe-identity.json", &self.qe_identity.body),
            ("pck.crl", &self.pck_crl.body),
            ("root.crl", &self.root_ca_crl.body),
            ("tcb_signing_chain.pem", &self.tcb_info.issuer_chain),
            ("pck-crl-issuer-chain.pem", &self.pck_crl.issuer_chain),
        ]
    }
}

#[test]
fn the_answers_of_intels_service_are_taken_as_they_come() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        let minted = minted(kind, |_| {});
        let answers = Answers::of(&minted);
        let whole = folder(&answers.files());
        let set = load(whole.path()).unwrap();
        assert_eq!(judge(&set, &minted).0, None, "{kind}");
        assert!(set.incomplete().is_empty() && set.ignored().is_empty(), "{:?}", set.ignored());
        // Named one by one they are the same.
        let paths: Vec<_> =
            answers.files().iter().map(|(name, _)| whole.path().join(name)).collect();
        assert_eq!(judge(&EndorsementSet::load(&paths).unwrap(), &minted).0, None);
    }
}

#[test]
fn lists_are_taken_in_der_pem_and_hex() {
    let minted = minted(EvidenceKind::Sgx, |_| {});
    let answers = Answers::of(&minted);
    type Form = fn(&[u8]) -> Vec<u8>;
    let forms: [Form; 5] = [
        <[u8]>::to_vec,
        |der| pem::encode("X509 CRL", der).into_bytes(),
        |der| encode_hex(der).into_bytes(),
        |der| format!("{}\n", encode_hex(der).to_uppercase()).into_bytes(),
        |der| [der, &[0]].concat(),
    ];
    for form in forms {
        let lists = [form(&answers.pck_crl.body), form(&answers.root_ca_crl.body)];
        let mut files = answers.files();
        files[2].1 = &lists[0];
        files[3].1 = &lists[1];
        let set = load(folder(&files).path()).unwrap();
        assert_eq!(judge(&set, &minted).0, None);
    }
    // Both lists and all certificates in one text, AMD's among them.
    let amd = minted_snp();
    let text = [
        pem::encode("X509 CRL", &answers.pck_crl.body).into_bytes(),
        answers.tcb_info.issuer_chain.to_vec(),
        amd.endorsements.clone(),
        pem::encode("X509 CRL", &answers.root_ca_crl.body).into_bytes(),
        answers.pck_crl.issuer_chain.to_vec(),
    ]
    .concat();
    let mut files = answers.files();
    files.truncate(2);
    files.push(("all.pem", &text));
    let set = load(folder(&files).path()).unwrap();
    assert_eq!(judge(&set, &minted).0, None);
    assert_eq!(judge(&set, &amd).0, None);
}

fn minted_snp() -> Minted {
    minted(EvidenceKind::Snp, |_| {})
}

#[test]
fn an_answer_that_is_wrapped_with_its_header_needs_no_chain_beside() {
    let minted = minted(EvidenceKind::Tdx, |_| {});
    let answers = Answers::of(&minted);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let wrapped = |member: &str, one: &Published| {
        json!({member: text(&one.body), "issuer_chain": text(&one.issuer_chain)}).to_string()
    };
    let tcb_info = wrapped("tcb_info_json", &answers.tcb_info);
    let qe_identity = wrapped("enclave_identity_json", &answers.qe_identity);
    let mut files = answers.files();
    files[0].1 = tcb_info.as_bytes();
    files[1].1 = qe_identity.as_bytes();
    files.remove(4);
    let set = load(folder(&files).path()).unwrap();
    assert_eq!(judge(&set, &minted).0, None);
    // Cut within what is wrapped it is damaged, and no stranger.
    let cut = json!({"tcb_info_json": text(&answers.tcb_info.body[..200])}).to_string();
    files[0].1 = cut.as_bytes();
    let error = load(folder(&files).path()).err().unwrap();
    assert!(error.to_string().contains("tcb-info.json"), "{error}");
}

#[test]
fn each_file_that_is_missing_is_told_and_each_that_is_damaged_is_an_error() {
    let minted = minted(EvidenceKind::Sgx, |_| {});
    let answers = Answers::of(&minted);
    let files = answers.files();
    let words = [
        None,
        Some("a QE identity of its number"),
        Some("a PCK CRL with its issuer chain"),
        Some("the CRL of the root CA"),
        Some("its issuer chain"),
        Some("a PCK CRL with its issuer chain"),
    ];
    for (index, words) in words.iter().enumerate() {
        let mut without = files.clone();
        let (name, bytes) = without.remove(index);
        let set = load(folder(&without).path()).unwrap();
        assert_eq!(judge(&set, &minted).0, Some("endorsements-missing"), "{name}");
        let told = set.incomplete().join("; ");
        let told_as_expected = words.is_none_or(|words| told.contains(words));
        assert!(told_as_expected && told.is_empty() == words.is_none(), "{name}: {told}");
        let summary = set.summary();
        assert_eq!(summary["incomplete"].as_array().unwrap().len(), set.incomplete().len());
        // Cut, it is an error that names it, or is left out on request and told.
        let mut damaged = without.clone();
        damaged.push((name, &bytes[..bytes.len() * 2 / 3]));
        let damaged = folder(&damaged);
        let error = load(damaged.path()).err().unwrap();
        assert!(error.to_string().contains(name), "{name}: {error}");
        let set = EndorsementSet::load_skipping_damaged(&[damaged.path().to_owned()]).unwrap();
        let [skipped] = set.skipped() else { panic!("{name}: {:?}", set.skipped()) };
        assert!(skipped.to_string().contains(name), "{skipped}");
        assert_eq!(judge(&set, &minted).0, Some("endorsements-missing"), "{name}");
    }
}

#[test]
fn an_expired_or_foreign_list_among_single_answers_refuses_as_in_a_whole_set() {
    let good = minted(EvidenceKind::Sgx, |_| {});
    let answers = Answers::of(&good);
    for (name, file, check) in
        [("pck-crl-expired", 2, "pck-crl-expired"), ("root-crl-expired", 3, "root-ca-crl-expired")]
    {
        let options = avouch_mint::Options::new(at()).broken(name);
        let broken = Answers::of(&avouch_mint::mint(EvidenceKind::Sgx, &options).unwrap());
        let mut files = answers.files();
        files[file].1 = broken.files()[file].1;
        let set = load(folder(&files).path()).unwrap();
        assert_eq!(judge(&set, &good).0, Some(check), "{name}");
        // Beside a newer one it does no harm.
        files.push(("newer.crl", answers.files()[file].1));
        let set = load(folder(&files).path()).unwrap();
        assert_eq!(judge(&set, &good).0, None, "{name}");
    }
    // A list by a namesake of the CA: no chain beside it is of who signed it.
    let other = minted(EvidenceKind::Sgx, |options| {
        options.seed = avouch_mint::Seed::from_number(7);
    });
    let foreign = Answers::of(&other);
    let mut files = answers.files();
    files[2].1 = &foreign.pck_crl.body;
    let set = load(folder(&files).path()).unwrap();
    assert_eq!(judge(&set, &good).0, Some("endorsements-missing"));
    assert!(set.incomplete()[0].contains("a PCK CRL with its issuer chain"));
}

#[test]
fn a_list_of_intels_is_none_of_amds() {
    let (sgx, snp) = (minted(EvidenceKind::Sgx, |_| {}), minted_snp());
    let answers = Answers::of(&sgx);
    let mut files = answers.files();
    files.push(("amd.pem", &snp.endorsements));
    let set = load(folder(&files).path()).unwrap();
    assert_eq!(judge(&set, &snp).0, None);
    assert_eq!(judge(&set, &sgx).0, None);
    assert_eq!(set.summary()["amd_crls"], 1);
}

#[test]
fn certificates_that_are_named_must_be_of_use() {
    let minted = minted(EvidenceKind::Sgx, |_| {});
    let answers = Answers::of(&minted);
    let folder = folder(&answers.files());
    let at = |name: &str| folder.path().join(name);
    let chain = at("tcb_signing_chain.pem");
    let error = load(&chain).err().unwrap();
    assert!(error.to_string().contains("tcb_signing_chain.pem"), "{error}");
    let error = EndorsementSet::load(&[chain.clone(), at("root.crl")]).err().unwrap();
    assert!(error.to_string().contains("tcb_signing_chain.pem"), "{error}");
    let set = EndorsementSet::load(&[chain, at("tcb-info.json")]).unwrap();
    let [incomplete] = set.incomplete() else { panic!("{:?}", set.incomplete()) };
    assert!(!incomplete.contains("lacks its issuer chain"), "{incomplete}");
}

#[test]
fn what_vendors_publish_and_nothing_uses_is_told() {
    let good = minted_snp();
    let identity = json!({"enclaveIdentity": {"id": "QVE"}, "signature": ""}).to_string();
    let wrapped = json!({"enclave_identity_json": &identity, "issuer_chain": ""}).to_string();
    let numbers = json!({"tcbEvaluationDataNumbers": {}, "signature": ""}).to_string();
    let cose = b"\xd2\x84\x43\xa1\x01\x38\x22\xa0\x40\x40".as_slice();
    let cose_text = avouch_wire::base64url::encode_standard(cose);
    for (name, bytes, words) in [
        ("qve.json", identity.as_bytes(), "an Intel enclave identity"),
        ("wrapped.json", wrapped.as_bytes(), "an Intel enclave identity"),
        ("numbers.json", numbers.as_bytes(), "list of TCB evaluation data numbers"),
        ("uvm.cose", cose, "COSE_Sign1"),
        ("reference-info-base64", cose_text.as_bytes(), "COSE_Sign1"),
    ] {
        let folder = folder(&[("good.pem", &good.endorsements), (name, bytes)]);
        let set = load(folder.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let [told] = set.ignored() else { panic!("{name}: {:?}", set.ignored()) };
        assert!(told.contains(name) && told.contains(words), "{told}");
        // Named, it is refused.
        let error = load(&folder.path().join(name)).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn what_is_recognised_can_be_taken_apart_by_its_names() {
    let snp = minted_snp();
    let mut set = EndorsementSet::default();
    set.add(&snp.endorsements).unwrap();
    for part in amd_parts(&snp) {
        assert_eq!(set.published(&part.name).unwrap().body, part.body, "{}", part.name);
    }
}

#[test]
fn the_recorded_answers_of_intels_service_are_taken() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let vectors = std::env::var_os("AVOUCH_VECTORS").unwrap_or_else(|| beside.into());
    let intel = Path::new(&vectors).join("intel");
    if !intel.is_dir() {
        assert!(std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(), "vectors are required");
        eprintln!("skipped: no test vectors at {}", intel.display());
        return;
    }
    let pcs = load(&intel.join("pcs")).unwrap();
    // The folder has no certificate of a PCK CA.
    assert!(pcs.incomplete().iter().all(|told| told.contains("a PCK CRL with its issuer chain")));
    let told = pcs.ignored().join("; ");
    for name in ["qve_identity", "tcb_eval_nums", "tcbevaluationdatanumbers-sgx", "wrapped-fmspcs"]
    {
        assert!(told.contains(name), "{name}: {told}");
    }
    let names: Vec<String> = pcs.iter().map(|one| one.name.to_string()).collect();
    for name in [
        "intel/sgx/tcb-info/00606a000000/17",
        "intel/sgx/tcb-info/00906ed50000/17",
        "intel/sgx/tcb-info/00906ed50000/19",
        "intel/tdx/tcb-info/50806f000000/18",
        "intel/sgx/qe-identity/17",
        "intel/tdx/qe-identity/18",
        "intel/pck-crl/platform",
        "intel/root-ca-crl",
    ] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    // With one from a whole set of another platform the recorded answers verify.
    let whole = intel.join("collateral/tdx-90c06f000000-e18-2026-02-18.json");
    let set = EndorsementSet::load(&[intel.join("pcs"), whole]).unwrap();
    let at = UnixTime::from_rfc3339("2026-03-31T22:00:00Z").unwrap();
    let wanted = IntelWanted {
        tee: TeeType::Tdx,
        fmspc: Hex([0x50, 0x80, 0x6f, 0, 0, 0]),
        pce_id: Hex([0, 0]),
        pck_ca: "Intel SGX PCK Platform CA",
        evaluation: TcbEvaluation::Standard,
        at,
    };
    let found = set.intel(&wanted).unwrap();
    found.verify(&avouch_dcap::TrustAnchors::intel(), at).unwrap();
    let recorded = intel.join("collateral/tdx-50806f000000-e18-2026-03-16.json");
    let recorded = Collateral::parse_json(&std::fs::read(recorded).unwrap()).unwrap();
    assert_eq!(found.tcb_info().text(), recorded.tcb_info().text());
    assert_eq!(found.pck_crl_der(), recorded.pck_crl_der());
}

#[test]
fn a_bundle_is_a_file_like_others_and_a_damaged_one_is_no_stranger() {
    let (sgx, snp) = (minted(EvidenceKind::Sgx, |_| {}), minted_snp());
    let answers = intel_parts(&sgx, TcbEvaluation::Standard).to_vec();
    let all = [answers, amd_parts(&snp).to_vec()].concat();
    let set = EndorsementSet::default().with(all);
    let bundle = Bundle::new(set.iter().cloned()).unwrap().write().unwrap();
    let whole = folder(&[("site", &bundle)]);
    for path in [whole.path().to_owned(), whole.path().join("site")] {
        let set = load(&path).unwrap();
        assert_eq!((judge(&set, &sgx).0, judge(&set, &snp).0), (None, None));
        assert_eq!(Bundle::new(set.iter().cloned()).unwrap().write().unwrap(), bundle);
    }
    let cut = folder(&[("site", &bundle[..bundle.len() / 2])]);
    for path in [cut.path().to_owned(), cut.path().join("site")] {
        let error = load(&path).err().unwrap();
        assert_eq!(error.check(), Some("bundle-truncated"), "{error}");
        assert!(error.to_string().contains("site"), "{error}");
    }
}

#[test]
fn names_of_documents_in_files_carry_their_own_numbers() {
    let minted = minted(EvidenceKind::Sgx, |options| {
        options.platform.evaluation_data_number = 19;
    });
    let set = load(folder(&Answers::of(&minted).files()).path()).unwrap();
    let evaluation = TcbEvaluation::Number(19);
    let name = EndorsementName::QeIdentity { tee: TeeType::Sgx, evaluation };
    assert!(set.published(&name).is_some());
    // Such a document serves both choices.
    assert_eq!(judge(&set, &minted).0, None);
}
