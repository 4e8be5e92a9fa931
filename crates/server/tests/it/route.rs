//! Paths that a client library would tidy up before they reach the wire.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use avouch_server::route::{Endpoint, Probe, Target, resolve};
use axum::http::{Method, StatusCode};

fn endpoint(path: &str) -> Result<(Option<String>, Endpoint), StatusCode> {
    match resolve(&Method::GET, path) {
        Ok(Target::Provider { name, endpoint }) => Ok((name, endpoint)),
        Ok(Target::Service(probe)) => unreachable!("{path}: {probe:?}"),
        Err(error) => Err(error.status()),
    }
}

#[test]
fn health_is_asked_of_the_service_and_of_no_provider() {
    let target = |path| resolve(&Method::GET, path).map_err(|error| error.status());
    assert_eq!(target("/healthz"), Ok(Target::Service(Probe::Alive)));
    assert_eq!(target("/ReadyZ/"), Ok(Target::Service(Probe::Ready)));
    assert_eq!(target("/providers/acme/healthz"), Err(StatusCode::NOT_FOUND));
    let posted = resolve(&Method::POST, "/readyz").map_err(|error| error.status());
    assert_eq!(posted, Err(StatusCode::METHOD_NOT_ALLOWED));
}

#[test]
fn one_trailing_slash_any_case_and_encoded_letters_are_accepted() {
    for path in ["/certs", "/certs/", "/CERTS", "/c%65rts"] {
        assert_eq!(endpoint(path).unwrap(), (None, Endpoint::SigningCertificates), "{path}");
    }
    let prefixed = (Some("acme".to_owned()), Endpoint::SigningCertificates);
    for path in ["/providers/acme/certs", "/Providers/ACME/certs/"] {
        assert_eq!(endpoint(path).unwrap(), prefixed, "{path}");
    }
}

#[test]
fn no_path_can_climb_split_or_smuggle_a_segment() {
    let paths = [
        "",
        "certs",
        "//certs",
        "/certs//",
        "/./certs",
        "/../certs",
        "/%2e%2e/certs",
        "/providers/../certs",
        "/providers/%2e%2e/certs",
        "/providers/a%2fb/certs",
        "/providers/a%5cb/certs",
        "/providers/a%252fb/certs",
        "/providers/a%00/certs",
        "/providers/%ff/certs",
        "/providers/\u{e4}/certs",
        "/providers//certs",
        "/providers/a b/certs",
    ];
    for path in paths {
        assert_eq!(endpoint(path), Err(StatusCode::NOT_FOUND), "{path}");
    }
}
