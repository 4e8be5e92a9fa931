//! `docs/evidence/tpm.md` says what is so.

use std::collections::BTreeSet;

use avouch_tpm::{AkError, QuoteError, Standing};
use avouch_wire::FailedCheck as _;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/tpm.md");

/// The words in backquotes in the last cells of the tables' rows, and in the first.
fn quoted(cell: fn(&str) -> Option<&str>) -> BTreeSet<String> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    // What comes after is about messages.
    let (judged, _) = page.split_once("## Whose certificates are trusted").unwrap();
    let rows = judged.lines().filter(|line| line.starts_with('|')).filter_map(|line| {
        let cells = line.trim_matches('|').trim();
        cell(cells).map(str::to_owned)
    });
    rows.flat_map(|cell| {
        let words: Vec<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        words
    })
    .collect()
}

#[test]
fn every_check_on_the_page_is_one_and_every_check_of_quotes_is_on_it() {
    let shown = quoted(|row| row.rsplit('|').next());
    let quotes: BTreeSet<&str> = QuoteError::checks().into_iter().collect();
    let keys: BTreeSet<&str> = AkError::checks().into_iter().collect();
    for check in &shown {
        let is_known = quotes.contains(check.as_str()) || keys.contains(check.as_str());
        assert!(is_known, "{check}");
    }
    for check in quotes.iter().filter(|check| !check.starts_with("tpm-signature-algorithm")) {
        assert!(shown.contains(*check), "{check} is not on the page");
    }
}

#[test]
fn every_standing_is_on_the_page() {
    let shown = quoted(|row| row.split('|').next());
    let standings =
        [Standing::Certified, Standing::Activated, Standing::Reported, Standing::SelfAsserted];
    let names = standings.map(|standing| serde_json::to_string(&standing).unwrap());
    let names: BTreeSet<String> = names.iter().map(|name| name.replace('"', "")).collect();
    assert_eq!(shown, names);
}
