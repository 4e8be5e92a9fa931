//! What the tests share: where the recorded evidence lies, and how it is read.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use std::path::PathBuf;

use avouch_pki::Crl;
use avouch_snp::{
    Chain, Crls, Report, TrustAnchors, VerifiedReport, VerifyError, verify_chain, verify_report,
};
use avouch_wire::{UnixTime, base64url};
use serde_json::Value;

/// The folder of recorded evidence, unless it is absent and need not be there.
pub fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    let folder = root.join("snp");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "recorded evidence is required and absent"
    );
    eprintln!("skipped: no recorded evidence (set AVOUCH_VECTORS)");
    None
}

pub fn read(path: &str) -> Vec<u8> {
    let folder = vectors().expect("recorded evidence");
    std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn json(path: &str) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub fn manifest() -> Vec<Value> {
    json("manifest.json").as_array().unwrap().clone()
}

pub fn case(id: &str) -> Value {
    let mut cases = manifest().into_iter();
    cases.find(|case| case["id"] == id).unwrap_or_else(|| panic!("no case {id}"))
}

pub fn at(case: &Value) -> UnixTime {
    UnixTime::from_rfc3339(text(&case["evaluate_at"])).unwrap()
}

pub fn moment(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

/// Standard base64 with white space.
pub fn base64(text: &[u8]) -> Vec<u8> {
    let compact: String = String::from_utf8_lossy(text).split_whitespace().collect();
    base64url::decode_standard(&compact).unwrap()
}

/// Parses and verifies with AMD's roots and no CRLs.
pub fn appraise(
    report: &[u8],
    chain: &[Vec<u8>],
    at: UnixTime,
) -> Result<VerifiedReport, VerifyError> {
    let (report, chain) = (Report::parse(report)?, Chain::parse(chain)?);
    let key = verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), at)?;
    verify_report(&report, &key, &Crls::none(), at)
}

pub fn crl(der: &[u8]) -> Crl {
    Crl::parse(der).unwrap()
}

/// Report, certificates and UVM endorsement of a case, out of its files in whatever form.
pub struct Evidence {
    pub report: Vec<u8>,
    pub chain: Vec<Vec<u8>>,
    pub uvm: Option<Vec<u8>>,
}

pub fn evidence(case: &Value) -> Evidence {
    let files: Vec<&str> = case["files"].as_array().unwrap().iter().map(text).collect();
    match files.as_slice() {
        ["aci/cleanroom-encryption/attestation.json"] => aci_attestation(files[0]),
        ["aci/sidecar-2022/snp_report.bin", thim, uvm, _] => Evidence {
            report: read(files[0]),
            chain: thim_certificates(&json(thim)),
            uvm: Some(read(uvm)),
        },
        [report, chain, ..] => {
            Evidence { report: read(report), chain: vec![read(chain)], uvm: None }
        }
        other => panic!("unexpected files {other:?}"),
    }
}

pub fn thim_certificates(thim: &Value) -> Vec<Vec<u8>> {
    let part = |name: &str| text(&thim[name]).as_bytes().to_vec();
    vec![part("vcekCert"), part("certificateChain")]
}

fn aci_attestation(path: &str) -> Evidence {
    let document = json(path);
    let caci = &document["report"]["snpCACI"];
    let part = |name: &str| base64(text(&caci[name]).as_bytes());
    let certificates = part("platformCertificates");
    let chain = match serde_json::from_slice::<Value>(&certificates) {
        Ok(thim) => thim_certificates(&thim),
        Err(_) => vec![certificates],
    };
    Evidence { report: part("attestation"), chain, uvm: Some(part("uvmEndorsements")) }
}
