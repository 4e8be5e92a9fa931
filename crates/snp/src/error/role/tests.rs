//! Names of checks, which operators and tests rely on.

use avouch_pki::{KeyKind, OutsideWindow, PathErrorKind};
use avouch_wire::UnixTime;

use super::*;

#[test]
fn a_failed_link_is_named_by_its_certificate_and_what_did_not_hold() {
    let at = UnixTime::EPOCH;
    let text = String::new;
    for (kind, name) in [
        (PathErrorKind::IssuerName { expected: text(), found: text() }, "issuer-name"),
        (PathErrorKind::Signature { key: KeyKind::P384, issuer: text() }, "signature"),
        (OutsideWindow::NotYetValid { at, not_before: at }.into(), "not-yet-valid"),
        (OutsideWindow::Expired { at, not_after: at }.into(), "expired"),
        (PathErrorKind::IssuerNotCa { issuer: text() }, "issuer-not-ca"),
        (PathErrorKind::NotCa, "not-ca"),
        (PathErrorKind::CaAsLeaf, "is-ca"),
        (PathErrorKind::KeyUsage { needed: "any" }, "key-usage"),
        (PathErrorKind::PathLength, "path-length"),
        (PathErrorKind::UnknownCriticalExtension(text()), "critical-extension"),
        (PathErrorKind::UnsupportedConstraint(text()), "critical-extension"),
        (PathErrorKind::AnchorMismatch { anchor: text(), what: "key" }, "foreign"),
    ] {
        for (role, place, words) in [
            (CertificateRole::Vek, "vek", "endorsement key"),
            (CertificateRole::Intermediate, "intermediate", "intermediate"),
            (CertificateRole::Root, "root", "root"),
        ] {
            assert_eq!(role.to_string(), words);
            assert_eq!(role.checks().path.of(&kind), format!("{place}-{name}"));
        }
    }
}
