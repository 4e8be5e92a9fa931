//! One concept has one word in every crate of evidence.

use super::{shown, sources};

/// What each crate of evidence calls the roots it trusts, the operator's step and its judgement, what
/// binds data, and under what verified things may be remembered.
const WORDS: [&str; 9] = [
    "pub struct TrustAnchors",
    "pub struct Root {",
    "pub struct Acceptance {",
    "pub enum BindingError",
    "pub fn with_root(",
    "pub fn roots(",
    "CacheKey(Hex<32>);",
    "pub fn bind_runtime_data(",
    "sha256: Hex<32>) -> Result<(), BindingError>",
];

/// The crates of evidence that a vendor's roots stand behind.
const CRATES: [&str; 2] = ["dcap", "snp"];

#[test]
fn crates_of_evidence_use_the_same_words() {
    for name in CRATES {
        let sources = sources(&[&format!("crates/{name}/src")]);
        for word in WORDS {
            let known = sources.iter().any(|(_, text)| text.contains(word));
            assert!(known, "crates/{name} has no `{word}`");
        }
    }
}

/// A switch of an operator says what it refuses; what is accepted is a list.
#[test]
fn switches_of_acceptance_say_what_they_refuse() {
    for (path, text) in sources(&["crates/dcap/src", "crates/snp/src", "crates/server/src/config"])
    {
        for line in text.lines().map(str::trim) {
            let is_switch = line.ends_with(": bool,") || line.ends_with(": Option<bool>,");
            let other = ["pub accept_", "pub allow_", "pub require_"];
            let says_other = other.iter().any(|word| line.starts_with(word));
            assert!(!(is_switch && says_other), "{}: {line}", shown(&path));
        }
    }
}
