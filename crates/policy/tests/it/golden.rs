//! Diagnostics as text: each file `golden/NAME.policy.txt` has a `NAME.rendered.txt` beside it.
//! `UPDATE_GOLDEN=1` writes them; what they say is reviewed like code.

use std::collections::BTreeSet;
use std::path::PathBuf;

use avouch_policy::{Limits, Policy, Slug};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"))
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".policy.txt").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

#[test]
fn diagnostics_read_as_reviewed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for name in names() {
        let policy = std::fs::read(folder().join(format!("{name}.policy.txt"))).unwrap();
        let errors = Policy::compile_bytes(&policy, &Limits::default())
            .expect_err(&format!("{name} was accepted"));
        let first = errors.first().unwrap();
        assert!(
            name.starts_with(first.slug.name()) || GENERAL.contains(&name.as_str()),
            "{name}: {first}"
        );
        let rendered = format!("{}MAA: {}\n", errors.render("policy.txt"), first.maa_message());
        let golden = folder().join(format!("{name}.rendered.txt"));
        if update {
            std::fs::write(&golden, &rendered).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(rendered, expected, "{name}");
    }
}

/// Files that are about more than one slug.
const GENERAL: [&str; 4] =
    ["several-mistakes", "long-line", "tabs-and-controls", "unexpected-token-or"];

#[test]
fn every_slug_has_a_golden_file_with_advice() {
    let mut seen = BTreeSet::new();
    for name in names() {
        let policy = std::fs::read(folder().join(format!("{name}.policy.txt"))).unwrap();
        let errors = Policy::compile_bytes(&policy, &Limits::default()).unwrap_err();
        for diagnostic in errors.diagnostics() {
            seen.insert(diagnostic.slug);
            // These three say what to do in the message itself.
            let speaks_for_itself = matches!(
                diagnostic.slug,
                Slug::WrongPropertyType | Slug::PropertyOutOfRange | Slug::LimitExceeded
            );
            assert!(diagnostic.help.is_some() || speaks_for_itself, "{name}: {diagnostic}");
        }
    }
    let missing: Vec<_> = Slug::ALL.iter().filter(|slug| !seen.contains(slug)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn one_run_reports_several_mistakes_in_order() {
    let text = std::fs::read_to_string(folder().join("several-mistakes.policy.txt")).unwrap();
    let errors = Policy::compile(&text, &Limits::default()).unwrap_err();
    let found: Vec<_> = errors.diagnostics().iter().map(|d| (d.slug, d.position.line)).collect();
    let expected = [
        (Slug::UnexpectedToken, 3),
        (Slug::UnterminatedString, 4),
        (Slug::UnknownIdentifier, 5),
        (Slug::UnexpectedToken, 6),
        (Slug::MissingType, 9),
        (Slug::UnexpectedToken, 10),
    ];
    assert_eq!(found, expected);
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_place() {
    let mut bytes = b"version=1.0;\nauthorizationrules { => permit(); };\n// \xc3".to_vec();
    bytes.push(0x28);
    let errors = Policy::compile_bytes(&bytes, &Limits::default()).unwrap_err();
    let first = errors.first().unwrap();
    assert_eq!(
        (first.slug, first.position.line, first.position.column),
        (Slug::InvalidCharacter, 3, 4)
    );
}

#[test]
fn diagnostics_serialise_with_their_places() {
    let errors = Policy::compile("version=1.0;\n=> permit();", &Limits::default()).unwrap_err();
    let json = serde_json::to_value(&errors).unwrap();
    assert_eq!(json["diagnostics"][0]["slug"], "unexpected-token");
    assert_eq!(json["diagnostics"][0]["line"], 2);
    assert_eq!(json["diagnostics"][0]["column"], 1);
    assert_eq!(json["diagnostics"][0]["near"], "=>");
}
