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

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/avouch-unlock.service");

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
            // The unit that the tests of `avouch unlock` run.
            "systemd" => assert_eq!(text, std::fs::read_to_string(UNIT).unwrap()),
            other => panic!("a block that no test runs: {other}"),
        }
        run.push(info);
    }
    for (info, least) in [("policy", 3), ("met", 2), ("not-met", 2), ("errors", 1), ("lint", 1)] {
        assert!(run.iter().filter(|one| *one == info).count() >= least, "{info}");
    }
}

/// The page's list of cases names tests that there are.
#[test]
fn every_case_of_the_assurance_page_has_its_tests() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let page = std::fs::read_to_string(format!("{root}/docs/assurance.md")).unwrap();
    let section = page.split("## Release of keys, case by case\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.contains(".rs` |")).collect();
    assert!(rows.len() > 30, "{}", rows.len());
    for row in rows {
        let mut columns = row.trim_matches('|').split(" | ").skip(1);
        let file = columns.next().unwrap().trim().trim_matches('`');
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        for name in columns.next().unwrap().split(',').map(|name| name.trim().trim_matches('`')) {
            let is_test = |attribute: &str, keyword: &str| {
                text.contains(&format!("{attribute}\n{keyword}fn {name}()"))
            };
            let found = is_test("#[test]", "") || is_test("#[tokio::test]", "async ");
            assert!(found, "{file} has no test {name}");
        }
    }
}
