//! Paths that a client library would tidy up before they reach the wire.

use avouch_server::route::{Probe, Published, Target, resolve};
use axum::http::{Method, StatusCode};

fn target(method: &Method, path: &str) -> Result<Target, StatusCode> {
    resolve(method, path).map(|route| route.target).map_err(|error| error.fault().status())
}

#[test]
fn health_is_asked_of_the_service_and_of_no_provider() {
    assert_eq!(target(&Method::GET, "/healthz"), Ok(Target::Service(Probe::Alive)));
    assert_eq!(target(&Method::GET, "/ReadyZ/"), Ok(Target::Service(Probe::Ready)));
    assert_eq!(target(&Method::GET, "/providers/acme/healthz"), Err(StatusCode::NOT_FOUND));
    assert_eq!(target(&Method::POST, "/readyz"), Err(StatusCode::METHOD_NOT_ALLOWED));
}

#[test]
fn one_trailing_slash_any_case_and_encoded_letters_are_accepted() {
    let published = |name: Option<&str>| {
        let name = name.map(str::to_owned);
        Ok(Target::Published { name, document: Published::SigningCertificates })
    };
    for path in ["/certs", "/certs/", "/CERTS", "/c%65rts"] {
        assert_eq!(target(&Method::GET, path), published(None), "{path}");
    }
    for path in ["/providers/acme/certs", "/Providers/ACME/certs/"] {
        assert_eq!(target(&Method::GET, path), published(Some("acme")), "{path}");
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
        assert_eq!(target(&Method::GET, path), Err(StatusCode::NOT_FOUND), "{path}");
    }
}
