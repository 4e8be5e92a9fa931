//! `docs/evidence/measured-boot.md` says what is so.

use avouch_bootlog::facts::{BootFacts, Unproven};
use avouch_bootlog::json::{Banks, BootReport, Verdicts};
use avouch_bootlog::replay::values;
use avouch_bootlog::tcg::LogError;
use avouch_mint::bootlog::Ground;
use avouch_wire::FailedCheck as _;
use serde_json::{Value, json};

use crate::support::{judged, minted, parse};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/measured-boot.md");

pub(crate) fn text() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

/// The one block of the page in this language.
pub(crate) fn block(page: &str, language: &str) -> String {
    let (_, rest) = page.split_once(&format!("```{language}\n")).expect(language);
    rest.split_once("\n```").expect("the end of a block").0.to_owned()
}

/// The first column of a table whose heading begins so.
fn column(page: &str, heading: &str) -> Vec<String> {
    let rows = page.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn the_page_names_every_fact_that_is_printed() {
    let (bytes, registers) = minted(&Ground::Linux.log().unwrap());
    let report = BootReport::from(&BootFacts::read(&judged(&parse(&bytes), &registers)));
    let printed = serde_json::to_value(report).unwrap();
    let mut told = column(&text(), "| fact |");
    told.sort_unstable();
    let mut facts: Vec<_> = printed.as_object().unwrap().keys().cloned().collect();
    facts.sort_unstable();
    assert_eq!(told, facts);
}

#[test]
fn the_page_names_every_check_of_logs_and_of_secure_boot() {
    let page = text();
    let names = [LogError::checks(), Unproven::checks()].concat();
    for name in names.iter().filter(|name| !name.is_empty()) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

/// The example is what is printed, but for values of registers and digests.
#[test]
fn the_example_of_the_page_is_what_is_printed() {
    let (bytes, registers) = minted(&Ground::Linux.log().unwrap());
    let log = parse(&bytes);
    let judged = judged(&log, &registers);
    let facts = BootFacts::read(&judged);
    let replayed = serde_json::to_value(Banks(&values(&log))).unwrap();
    let verdicts = serde_json::to_value(Verdicts(&judged)).unwrap();
    let report = serde_json::to_value(BootReport::from(&facts)).unwrap();
    let shown: Value = serde_json::from_str(&block(&text(), "json")).unwrap();
    let printed = json!({
        "pcrs": { "sha256": { "7": verdicts["sha256"]["7"], "10": verdicts["sha256"]["10"] } },
        "secure_boot": report["secure_boot"],
        "grub_command_lines": report["grub_command_lines"],
    });
    assert_eq!(verdicts["sha256"]["7"]["value"], replayed["sha256"]["7"]);
    assert_eq!(without_values(shown), without_values(printed));
}

/// With every value of a register replaced by its length.
fn without_values(mut value: Value) -> Value {
    for bank in value["pcrs"].as_object_mut().unwrap().values_mut() {
        for register in bank.as_object_mut().unwrap().values_mut() {
            register["value"] = json!(register["value"].as_str().unwrap().len());
        }
    }
    value
}
