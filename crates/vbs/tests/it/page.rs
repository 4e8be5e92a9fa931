//! `docs/evidence/vbs.md` says what is so.

use avouch_bootlog::windows::NoIdentityKey;
use avouch_vbs::{Acceptance, Refusal, ReportError, SigningKeyError, VerifyError};
use avouch_wire::FailedCheck as _;

use crate::support::{judged, minted, options};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/vbs.md");

fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

#[test]
fn the_page_names_every_check_of_reports_and_of_their_key() {
    let page = page();
    let names = [
        ReportError::checks(),
        SigningKeyError::checks(),
        VerifyError::checks(),
        Refusal::checks(),
        NoIdentityKey::checks(),
    ];
    for name in names.concat() {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_page_names_every_field_of_a_report() {
    let page = page();
    let facts = serde_json::to_value(judged(&minted(&options())).unwrap()).unwrap();
    let fields: Vec<_> = facts.as_object().unwrap().keys().collect();
    assert!(fields.len() >= 14, "{fields:?}");
    for field in fields {
        assert!(page.contains(&format!("`{field}`")), "{field}");
    }
}

#[test]
fn the_page_names_every_setting() {
    let page = page();
    let settings = serde_json::to_value(Acceptance::default()).unwrap();
    for setting in settings.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{setting}`")), "{setting}");
    }
}
