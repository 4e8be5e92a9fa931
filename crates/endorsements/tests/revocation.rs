//! Revocation cannot be switched off by accident: a CRL that is damaged, of somebody else, expired or
//! missing never turns the refusal of a revoked intermediate into a permit unseen.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, EndorsementSource as _, Engine, PolicyInForce,
    TokenForm,
};
use avouch_mint::snp::SnpProduct;
use avouch_mint::{Minted, Options, mint};
use avouch_snp::CrlRule;
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use serde_json::Value;
use tempfile::TempDir;

const CRL_BEGIN: &str = "-----BEGIN X509 CRL-----";

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-05-01T12:00:00Z").unwrap()
}

fn minted(break_name: &str) -> Minted {
    mint(EvidenceKind::Snp, &Options::new(at()).broken(break_name)).unwrap()
}

/// Evidence of a product whose root has no CRL.
fn minted_without_crl(product: SnpProduct) -> Minted {
    let mut options = Options::new(at());
    options.snp.product = product;
    options.snp.with_crl = false;
    mint(EvidenceKind::Snp, &options).unwrap()
}

/// The certificates of minted endorsements, and the CRL as PEM and as DER.
fn parts(minted: &Minted) -> (String, String, Vec<u8>) {
    let text = std::str::from_utf8(&minted.endorsements).unwrap();
    let (certificates, crl) = text.split_at(text.find(CRL_BEGIN).unwrap());
    let body: String = crl.lines().filter(|line| !line.starts_with('-')).collect();
    (certificates.to_owned(), crl.to_owned(), base64url::decode_standard(&body).unwrap())
}

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

fn error(path: &Path) -> LoadError {
    load(path).err().unwrap_or_else(|| panic!("{} loads", path.display()))
}

fn load_skipping_damaged(path: &Path) -> EndorsementSet {
    EndorsementSet::load_skipping_damaged(&[path.to_owned()]).unwrap()
}

/// The check that refuses the evidence as an MAA client sends it, or nothing if it is permitted.
fn refusal(set: EndorsementSet, minted: &Minted) -> Option<&'static str> {
    let anchors = Anchors::built_in().with_pem(minted.root_pem.as_bytes()).unwrap();
    refusal_under(anchors, set, &minted.request)
}

fn refusal_under(anchors: Anchors, set: EndorsementSet, request: &str) -> Option<&'static str> {
    let body: Value = serde_json::from_str(request).unwrap();
    let report = body.get("report").and_then(Value::as_str).unwrap();
    let request = AppraisalRequest {
        kind: EvidenceKind::Snp,
        evidence: base64url::decode(report).unwrap(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    };
    let policy = PolicyInForce::default_for(EvidenceKind::Snp).unwrap();
    let engine = Engine::new(anchors, Arc::new(set));
    match engine.appraise(&request, &policy, &AppraisalSettings::default(), at()) {
        Ok(appraisal) => {
            appraisal.permitted().unwrap();
            None
        }
        Err(error) => Some(error.check()),
    }
}

#[test]
fn a_crl_that_was_cut_is_an_error_that_names_it_whether_file_or_part_of_a_folder() {
    let revoked = minted("intermediate-revoked");
    let (certificates, pem, der) = parts(&revoked);
    let whole = folder(&[("chain.pem", certificates.as_bytes()), ("root.crl", &der)]);
    assert_eq!(refusal(load(whole.path()).unwrap(), &revoked), Some("intermediate-revoked"));

    for bytes in [der.as_slice(), pem.as_bytes()] {
        for cut in [1, 2, 60, bytes.len() / 2, bytes.len() - 1, bytes.len()] {
            let cut = bytes.get(..bytes.len() - cut).unwrap();
            // Without its final line end a PEM text is whole.
            if bytes.first() == Some(&b'-') && cut.ends_with(b"-----") {
                continue;
            }
            let files: [(&str, &[u8]); 2] =
                [("chain.pem", certificates.as_bytes()), ("root.crl", cut)];
            let folder = folder(&files);
            for path in [folder.path().to_owned(), folder.path().join("root.crl")] {
                let error = error(&path);
                assert!(error.to_string().contains("root.crl"), "{} bytes: {error}", cut.len());
            }
        }
    }
}

#[test]
fn a_crl_that_was_cut_within_a_file_of_certificates_is_an_error() {
    let revoked = minted("intermediate-revoked");
    let length = revoked.endorsements.len();
    let crl_begins = length - parts(&revoked).1.len();
    for end in [
        crl_begins + 1,
        crl_begins + 10,
        crl_begins + 11,
        crl_begins + CRL_BEGIN.len(),
        length - 60,
        length - 3,
    ] {
        let cut = revoked.endorsements.get(..end).unwrap();
        for name in ["amd.pem", "amd"] {
            let folder = folder(&[(name, cut)]);
            for path in [folder.path().to_owned(), folder.path().join(name)] {
                let error = error(&path);
                assert!(error.to_string().contains(name), "{end} of {length}: {error}");
            }
        }
    }
}

#[test]
fn what_is_left_out_on_request_is_told_and_where_a_crl_is_required_nothing_passes() {
    let revoked = minted("intermediate-revoked");
    let (certificates, _, der) = parts(&revoked);
    let cut = der.get(..der.len() - 60).unwrap();
    let folder = folder(&[("chain.pem", certificates.as_bytes()), ("root.crl", cut)]);

    let set = load_skipping_damaged(folder.path());
    let [skipped] = set.skipped() else { panic!("{:?}", set.skipped()) };
    assert!(skipped.to_string().contains("root.crl"), "{skipped}");
    assert_eq!(skipped.check(), Some("chain-certificate"));
    assert_eq!(set.summary().get("damaged_files"), Some(&Value::from(1)));
    let set = set.with_amd_crl_rule(CrlRule::Required);
    assert_eq!(set.summary().get("amd_crl_rule"), Some(&Value::from("required")));
    assert_eq!(refusal(set, &revoked), Some("crl-missing"));
    // Only who left it out, and requires none, is served without.
    assert_eq!(refusal(load_skipping_damaged(folder.path()), &revoked), None);
    // A file that was named is never left out.
    assert!(EndorsementSet::load_skipping_damaged(&[folder.path().join("root.crl")]).is_err());
}

#[test]
fn a_crl_of_somebody_else_or_out_of_date_refuses_everything() {
    for (name, check) in [
        ("crl-issuer", "crl-issuer-name"),
        ("crl-foreign", "crl-signature"),
        ("crl-signature", "crl-signature"),
        ("crl-expired", "crl-expired"),
        ("crl-not-yet-valid", "crl-not-yet-valid"),
    ] {
        for rule in [CrlRule::Required, CrlRule::WhereKept, CrlRule::Optional] {
            let minted = minted(name);
            let folder = folder(&[("amd.pem", &minted.endorsements)]);
            let set = load(folder.path()).unwrap().with_amd_crl_rule(rule);
            assert_eq!(refusal(set, &minted), Some(check), "{name}, {rule}");
        }
    }
}

#[test]
fn without_any_crl_evidence_is_refused_where_one_is_required() {
    let minted = minted_without_crl(SnpProduct::Milan);
    for (rule, expected) in [
        (CrlRule::Required, Some("crl-missing")),
        (CrlRule::WhereKept, None),
        (CrlRule::Optional, None),
    ] {
        let set = EndorsementSet::default().with_amd_crl_rule(rule);
        assert_eq!(refusal(set, &minted), expected, "{rule}");
    }
}

#[test]
fn a_crl_that_is_lost_beside_another_is_missed() {
    let milan = minted("intermediate-revoked");
    let genoa = minted_without_crl(SnpProduct::Genoa);
    for (rule, expected) in [
        (CrlRule::Required, Some("crl-missing")),
        (CrlRule::WhereKept, Some("crl-missing")),
        (CrlRule::Optional, None),
    ] {
        let folder = folder(&[("milan.pem", &milan.endorsements)]);
        let set = load(folder.path()).unwrap().with_amd_crl_rule(rule);
        let mut anchors = Anchors::built_in();
        for minted in [&milan, &genoa] {
            anchors = anchors.with_pem(minted.root_pem.as_bytes()).unwrap();
        }
        assert_eq!(refusal_under(anchors, set, &genoa.request), expected, "{rule}");
    }
}

/// The folder of test vectors, if it is at hand.
fn vectors() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let folder =
        std::env::var_os("AVOUCH_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if !folder.is_dir() {
        assert!(std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(), "vectors are required");
        eprintln!("skipped: no test vectors at {}", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn a_list_of_an_operators_own_root_asks_for_none_of_amds() {
    let Some(vectors) = vectors() else { return };
    let request = vectors.join("snp/maa/sevsnp-sample-request.json");
    let request = std::fs::read_to_string(request).unwrap();
    let minted = mint(EvidenceKind::Snp, &Options::new(at())).unwrap();
    for (rule, expected) in [(CrlRule::WhereKept, None), (CrlRule::Required, Some("crl-missing"))] {
        let mut set = EndorsementSet::default().with_amd_crl_rule(rule);
        set.add(&minted.endorsements).unwrap();
        let anchors = Anchors::built_in().with_pem(minted.root_pem.as_bytes()).unwrap();
        assert_eq!(refusal_under(anchors, set, &request), expected, "{rule}");
    }
}

/// Pushes `body` until the text is as long as asked for.
fn filled(body: &str, length: usize) -> Vec<u8> {
    let mut text = body.to_owned();
    text.push_str(&" ".repeat(length - text.len()));
    text.into_bytes()
}

#[test]
fn a_folder_with_one_damaged_file_is_an_error_and_with_a_strangers_file_it_is_none() {
    let good = mint(EvidenceKind::Snp, &Options::new(at())).unwrap();
    let sgx = mint(EvidenceKind::Sgx, &Options::new(at())).unwrap();
    let (_, pem, der) = parts(&good);
    let root_and_cut_crl = format!("{}{CRL_BEGIN}\nAAAA", sgx.root_pem);
    let cut_json = sgx.endorsements.split_at(300).0;
    let half = &der.split_at(der.len() / 2).0;
    let damaged: [(&str, &[u8]); 9] = [
        ("empty.crl", b""),
        ("spaces.PEM", b" \n"),
        ("text.crl", b"not found"),
        ("cut.json", cut_json),
        ("cut", cut_json),
        ("cut-der", half),
        ("cut-pem", pem.split_at(100).0.as_bytes()),
        ("root-and-cut-crl", root_and_cut_crl.as_bytes()),
        ("large", &filled(&pem, 8 * 1024 * 1024 + 1)),
    ];
    for (name, bytes) in damaged {
        let folder = folder(&[("good.pem", &good.endorsements), (name, bytes)]);
        let error = error(folder.path());
        assert!(error.to_string().contains(name), "{name}: {error}");
        let set = load_skipping_damaged(folder.path());
        assert_eq!(set.skipped().len(), 1, "{name}");
    }
    let strangers: [(&str, &[u8]); 8] = [
        ("README.txt", b"where these come from"),
        ("README.md", b"0. first"),
        ("empty", b""),
        ("quote.bin", &sgx.evidence),
        ("quote.hex", b"0300020000000000"),
        ("request.json", sgx.request.as_bytes()),
        ("root.pem", sgx.root_pem.as_bytes()),
        ("vendors.json", b"{\"tcb\":1}"),
    ];
    for (name, bytes) in strangers {
        let folder = folder(&[("good.pem", &good.endorsements), (name, bytes)]);
        let set = load(folder.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(set.skipped().is_empty(), "{name}");
        // Alone it leaves the folder without endorsements, and named it is refused.
        std::fs::remove_file(folder.path().join("good.pem")).unwrap();
        let error = error(folder.path());
        assert!(matches!(error, LoadError::Empty { files: 1, .. }), "{name}: {error}");
        assert!(load(&folder.path().join(name)).is_err(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_crl_that_is_gone_is_an_error() {
    let good = mint(EvidenceKind::Snp, &Options::new(at())).unwrap();
    let folder = folder(&[("good.pem", &good.endorsements)]);
    std::os::unix::fs::symlink("/nonexistent/root.crl", folder.path().join("root.crl")).unwrap();
    let error = error(folder.path());
    assert!(error.to_string().contains("root.crl"), "{error}");
    assert_eq!(load_skipping_damaged(folder.path()).skipped().len(), 1);
}

#[test]
fn a_folder_that_the_mint_wrote_loads_as_it_is() {
    for kind in EvidenceKind::appraised() {
        let folder = tempfile::tempdir().unwrap();
        mint(kind, &Options::new(at())).unwrap().write_to(folder.path()).unwrap();
        let set = load(folder.path()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(set.skipped().is_empty(), "{kind}");
    }
}
