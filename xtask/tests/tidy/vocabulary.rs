//! One concept has one word in every crate of evidence.

use super::{folders_of, shown, sources};

/// What crates of evidence call the roots they trust, the operator's judgement, what binds data, and
/// under what verified things may be remembered. A crate that has one type of a concept has all its words.
const CONCEPTS: [&[&str]; 4] = [
    &["pub struct TrustAnchors {", "pub enum AnchorError {", "pub fn with_root(", "pub fn roots("],
    &["pub struct Acceptance {", "pub enum Refusal {", "AcceptanceError<Refusal>>"],
    &[
        "pub enum BindingError",
        "pub fn bind_runtime_data(",
        "sha256: Hex<32>) -> Result<(), BindingError>",
    ],
    &["CacheKey {"],
];

/// Words for what is called otherwise, or stands in layer 0.
const OTHER_WORDS: [&str; 10] = [
    "pub struct Root ",
    "pub struct Roots",
    "pub struct RootStore",
    "pub struct TrustStore",
    "pub struct TrustRoots",
    "pub enum RootError",
    "pub enum AcceptanceError",
    "pub struct AcceptanceError",
    "pub built_in: bool",
    "pub fn with_trusted(",
];

/// What facts call a type of layer 0.
const MEMBERS: [(&str, &str); 2] = [("Window", "window"), ("Root", "root")];

/// MAA's own word for a property of policies.
const OF_MAA: &str = "pub require_valid_aik_cert: bool,";

/// The source folders of the crates of evidence: these, and those that come.
fn folders() -> Vec<String> {
    let folders = folders_of(&[1]);
    assert!(folders.len() > 4, "{folders:?}");
    folders
}

#[test]
fn crates_of_evidence_use_the_same_words() {
    let mut having = [0; CONCEPTS.len()];
    for folder in folders() {
        let sources = sources(&[&folder]);
        let has = |word: &&&str| sources.iter().any(|(_, text)| text.contains(**word));
        for (concept, having) in CONCEPTS.iter().zip(&mut having) {
            let missing: Vec<_> = concept.iter().filter(|word| !has(word)).collect();
            let is_known = concept.iter().any(|word| !word.starts_with("pub fn") && has(&word));
            assert!(missing.is_empty() || !is_known, "{folder}: {missing:?}");
            *having += usize::from(missing.is_empty());
        }
        for word in &OTHER_WORDS {
            assert!(!has(&word), "{folder} has `{word}`");
        }
    }
    assert!(having.iter().all(|crates| *crates > 1), "{having:?}");
}

#[test]
fn facts_call_windows_and_roots_alike() {
    let mut found = [0; MEMBERS.len()];
    for (path, text) in folders().iter().flat_map(|folder| sources(&[folder])) {
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("pub ")) {
            let Some((name, kind)) = line.split_once(": ") else { continue };
            for ((wanted, member), found) in MEMBERS.iter().zip(&mut found) {
                if kind.trim_end_matches(',') == *wanted {
                    assert_eq!(name, *member, "{}", shown(&path));
                    *found += 1;
                }
            }
        }
    }
    assert!(found.iter().all(|members| *members > 1), "{found:?}");
}

/// A switch of an operator says what it refuses; what is accepted is a list.
#[test]
fn switches_of_acceptance_say_what_they_refuse() {
    let mut folders = folders();
    folders.push("crates/server/src/config".to_owned());
    for (path, text) in folders.iter().flat_map(|folder| sources(&[folder])) {
        for line in text.lines().map(str::trim).filter(|line| *line != OF_MAA) {
            let is_switch = line.ends_with(": bool,") || line.ends_with(": Option<bool>,");
            let other = ["pub accept_", "pub allow_", "pub require_"];
            let says_other = other.iter().any(|word| line.starts_with(word));
            assert!(!(is_switch && says_other), "{}: {line}", shown(&path));
        }
    }
}
