//! Any answer of any source to any question: no panic, the same each time, within bounds, and nothing
//! of it is proven without an anchor.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use avouch_endorsements::{Answer, EndorsementName, prove, read_answer};
use avouch_engine::Anchors;
use avouch_wire::UnixTime;
use libfuzzer_sys::fuzz_target;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// One name of each sort.
fn names() -> Vec<EndorsementName> {
    let vcek = format!("amd/turin/vcek/{}{}/0102030400000007", "ab".repeat(8), "00".repeat(56));
    let tpm_ca = format!("tpm/ca/{}", "ab".repeat(32));
    let texts = [
        "intel/sgx/tcb-info/00606a000000/standard",
        "intel/tdx/tcb-info/00606a000000/17",
        "intel/sgx/qe-identity/early",
        "intel/pck-crl/platform",
        "intel/root-ca-crl",
        "amd/milan/vcek-chain",
        "amd/genoa/vlek-crl",
        &vcek,
        &tpm_ca,
    ];
    texts.iter().map(|text| text.parse().expect("a name")).collect()
}

/// Lines of names and values up to an empty one, then the body.
fn headers_and_body(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let (mut headers, mut rest) = (HeaderMap::new(), bytes);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

fuzz_target!(|bytes: &[u8]| {
    let [choice, status, rest @ ..] = bytes else { return };
    let names = names();
    let name = names[usize::from(*choice) % names.len()];
    // Mostly what has a body to be read.
    let status = if *status < 200 { 200 } else { 2 * u16::from(*status) - 100 };
    let (headers, body) = headers_and_body(rest);
    let source: Arc<str> = "fuzz".into();
    let at = UnixTime::EPOCH.saturating_add_seconds(1_777_636_800);
    let answer = read_answer(&source, name, status, &headers, body, at);
    assert_eq!(answer, read_answer(&source, name, status, &headers, body, at));
    let day = Duration::from_secs(24 * 3600);
    match answer {
        Ok(Answer::Found(published, fresh_for)) => {
            assert!(status == 200 && fresh_for.is_none_or(|time| time <= day));
            assert_eq!((published.name, published.fetched_at), (name, at));
            assert!(!published.body.is_empty());
            let none = Anchors {
                intel: avouch_dcap::TrustAnchors::none(),
                amd: avouch_snp::TrustAnchors::none(),
                tpm: avouch_tpm::TrustAnchors::none(),
                ..Anchors::built_in()
            };
            assert!(prove(&published, &[], &none, at).is_err());
        }
        Ok(Answer::Unchanged(fresh_for)) => {
            assert!(status == 304 && fresh_for.is_none_or(|time| time <= day));
        }
        Err(failure) => assert!(!failure.to_string().is_empty()),
    }
});
