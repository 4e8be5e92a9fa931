//! Requests of the data plane as text, so that seeds can be read and written: a digit for the kind
//! of evidence and the version, a line with method and path, and the body.

#![no_main]

use avouch_server::api_version::{ApiVersion, ResourceVersion};
use avouch_server::attest_request::AttestRequest;
use avouch_server::route::control_plane::Operation;
use avouch_server::route::{self, Target};
use avouch_wire::EvidenceKind;
use axum::http::Method;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((line, body)) =
        bytes.iter().position(|&byte| byte == b'\n').map(|at| bytes.split_at(at))
    else {
        return;
    };
    let (Some((&first, line)), Some(body)) = (line.split_first(), body.get(1..)) else { return };
    let kinds: Vec<_> = EvidenceKind::appraised().collect();
    let kind = kinds[usize::from(first) % kinds.len()];
    let preview = usize::from(first) / kinds.len() % 2 == 1;
    let version = if preview { ApiVersion::V2018_09_01Preview } else { ApiVersion::V2025_06_01 };
    resolve(line);
    if let Ok(request) = AttestRequest::parse(kind, version, body) {
        // What was accepted has evidence that the body is longer than, and reads the same again.
        assert!(request.appraisal.evidence.len() < body.len());
        assert_eq!(Ok(request), AttestRequest::parse(kind, version, body));
    }
});

/// `METHOD PATH?QUERY`: a route or an error, and a provider's name never holds a separator.
fn resolve(line: &[u8]) {
    let Ok(line) = std::str::from_utf8(line) else { return };
    let Some((method, target)) = line.split_once(' ') else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let _ = ApiVersion::from_query(Some(query));
    let _ = ResourceVersion::from_query(Some(query));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let Ok(route) = route::resolve(&method, path) else { return };
    match route.target {
        Target::ControlPlane(Operation::Provider(at, _)) => {
            // Each is one segment of the path and cannot become two or lead elsewhere.
            for part in [at.subscription, at.resource_group, at.name] {
                assert!(!part.contains(['/', '\\', '%']) && !part.contains(char::is_control));
                assert!(!matches!(part.as_str(), "" | "." | ".."));
            }
        }
        Target::Provider { name: Some(provider), .. }
        | Target::Published { name: Some(provider), .. } => {
            assert!(!provider.is_empty() && !provider.contains(['/', '\\', '%', ' ', '\0']));
        }
        _ => {}
    }
}
