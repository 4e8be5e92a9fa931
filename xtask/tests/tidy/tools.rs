//! Small tools stand once: what gives each away occurs in its own file only.

use super::{shown, sources};

/// Text that only one file of the product may hold, and which.
const TOOLS: [(&str, &str, &str); 7] = [
    ("reading DER", "length is not in its shortest form", "crates/pki/src/der/read.rs"),
    ("writing DER", ".skip_while(|byte| *byte == 0)", "crates/pki/src/der/write.rs"),
    ("reading PEM", "-----BEGIN ", "crates/pki/src/pem.rs"),
    (
        "JSON without a member twice",
        "member {name} is named twice",
        "crates/wire/src/json/strict.rs",
    ),
    ("reading a query string", ".split('&')\n", "crates/server/src/query.rs"),
    ("dropping NULs", ".rposition(|byte| *byte != 0)", "crates/wire/src/nul.rs"),
    ("the beginning in hex", ").unwrap_or(bytes))", "crates/wire/src/hex.rs"),
];

#[test]
fn each_small_tool_is_written_once() {
    let sources = sources(&["crates"]);
    for (tool, text, home) in TOOLS {
        let found: Vec<String> = sources
            .iter()
            .filter(|(path, _)| is_product(&shown(path)))
            .filter(|(_, source)| without_tests(source).contains(text))
            .map(|(path, _)| shown(path))
            .collect();
        assert_eq!(found, [home], "{tool}");
    }
}

/// Edit distances come from a crate.
#[test]
fn nobody_counts_edits_by_hand() {
    for (path, source) in sources(&["crates"]) {
        let names_it = ["levenshtein", "osa_distance"].iter().any(|name| source.contains(name));
        assert!(!names_it || source.contains("strsim::"), "{} counts edits", shown(&path));
    }
}

fn is_product(path: &str) -> bool {
    path.contains("/src/") && !path.ends_with("tests.rs")
}

fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]").next().unwrap_or_default()
}
