//! Bodies of attest requests, and the paths they come on.
#![no_main]

use avouch_engine::EvidenceKind;
use avouch_server::api_version::ApiVersion;
use avouch_server::attest_request::AttestRequest;
use avouch_server::route;
use axum::http::Method;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, bool, &str, &[u8])| {
    let (kind, preview, path, body) = data;
    let kind = EvidenceKind::ALL[usize::from(kind) % EvidenceKind::ALL.len()];
    let version =
        if preview { ApiVersion::V2018_09_01Preview } else { ApiVersion::V2025_06_01 };
    let _ = route::resolve(&Method::POST, path);
    let _ = ApiVersion::from_query(Some(path));
    if let Ok(request) = AttestRequest::parse(kind, version, body) {
        // What was accepted has evidence, and is the same when it is read again.
        assert_eq!(Ok(request), AttestRequest::parse(kind, version, body));
    }
});
