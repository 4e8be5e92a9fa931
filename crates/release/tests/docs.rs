//! Runs every example of `docs/key-release.md`. A block is what its first line says:
//!
//! - `policy`: a policy, as it is imported; that of what follows;
//! - `claims`: those of a token of its authority;
//! - `met`, `not-met`: whether they meet it, and what is explained if they do not;
//! - `refused`: a policy that is refused, with the `errors` that follow;
//! - `lint`: what is remarked on the policy.
#![cfg(test)]

mod support;

use avouch_release::{Operators, ReleasePolicy};
use serde_json::Value;
use support::attested;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/key-release.md");

/// The blocks of a page: what each is, and its text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.to_owned(), String::new())),
            (None, None) => {}
            (Some(block), Some("")) => blocks.push(block),
            (Some((info, text)), _) => open = Some((info, text + line + "\n")),
        }
    }
    assert!(open.is_none());
    blocks
}

fn import(text: &str) -> Result<ReleasePolicy, avouch_release::PolicyErrors> {
    ReleasePolicy::parse(text.as_bytes(), Operators::EqualsOnly)
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.map(|item| item + "\n").collect()
}

#[test]
fn every_example_of_the_page_does_what_it_says() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (mut policy, mut claims, mut errors) = (None, Value::Null, String::new());
    let mut run = Vec::new();
    for (info, text) in blocks(&page) {
        let current = || policy.as_ref().unwrap();
        match info.as_str() {
            "policy" => policy = Some(import(&text).unwrap()),
            "claims" => claims = serde_json::from_str(&text).unwrap(),
            "met" | "not-met" => {
                let token = attested(claims.as_object().unwrap());
                let policy: &ReleasePolicy = current();
                assert_eq!(policy.is_met_by(&token), info == "met", "{claims}");
                let explained = policy.explain(&token).to_string() + "\n";
                assert!(info == "met" || explained == text, "{explained}");
            }
            "refused" => {
                errors = lines(import(&text).unwrap_err().all().iter().map(ToString::to_string))
            }
            "errors" => assert_eq!(errors, text),
            "lint" => assert_eq!(lines(current().lint().iter().map(ToString::to_string)), text),
            // Read by the tests of the service.
            "toml" => {}
            // Its command is that of the tests of `avouch unlock`.
            "systemd" => assert!(text.contains("avouch unlock")),
            other => panic!("a block that no test runs: {other}"),
        }
        run.push(info);
    }
    for (info, least) in [("policy", 3), ("met", 2), ("not-met", 2), ("errors", 1), ("lint", 1)] {
        assert!(run.iter().filter(|one| *one == info).count() >= least, "{info}");
    }
}
