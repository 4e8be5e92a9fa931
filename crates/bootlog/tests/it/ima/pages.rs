//! `docs/evidence/ima.md` and `docs/evidence/dm-verity.md` say what is so.

use avouch_bootlog::ima::{
    Appraisal, FileKeys, List, NotMet, References, Requirement, Sha1, claimed_value, prove,
};
use avouch_bootlog::{Digest, HashAlgorithm, Register, RegisterValues};
use avouch_policy::{Claim, Limits, Policy};
use avouch_wire::FailedCheck as _;
use serde_json::Value;

use crate::page::block;

fn page(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence");
    std::fs::read_to_string(format!("{folder}/{name}.md")).unwrap()
}

/// The list in the page's example, as a machine whose firmware measured nothing would have it.
fn appraised(page: &str, references: &References) -> Appraisal {
    let console = block(page, "console");
    let lines = console.lines().filter(|line| line.starts_with("10 "));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let list = List::read(text.as_bytes()).unwrap();
    assert!(list.entries().all(|entry| entry.hash_is_of_data()));
    let mut proven: RegisterValues = (0..10)
        .map(|index| (Register::Pcr(index), Digest::new(HashAlgorithm::Sha256, &[0; 32]).unwrap()))
        .collect();
    let value = claimed_value(&list, HashAlgorithm::Sha256).unwrap();
    proven.insert(Register::Pcr(10), value);
    let entries = prove(&list, &proven, Sha1::Refused).unwrap();
    Appraisal::of(&entries, &proven, references, &FileKeys::none())
}

fn references(page: &str) -> References {
    References::local(block(page, "references").as_bytes()).unwrap()
}

/// What the page's policy issues for these facts, if it permits.
fn issued(page: &str, appraisal: &Appraisal) -> Option<Value> {
    let json = serde_json::to_string(appraisal.facts()).unwrap();
    let limits = Limits::default();
    let policy = Policy::compile(&block(page, "policy"), &limits).unwrap();
    let outcome = policy.evaluate(&[Claim::service("ima", json)], &limits).unwrap();
    let issued = || avouch_policy::token::contribution(&outcome.outgoing).to_json();
    outcome.decision.is_permit().then(issued)
}

#[test]
fn the_list_of_the_page_is_refused_in_the_words_of_the_page() {
    let page = page("ima");
    let values = references(&page);
    let appraisal = appraised(&page, &values);
    let refused = appraisal.require(Requirement::OnlyListed, &values).unwrap_err();
    assert_eq!(refused.to_string(), block(&page, "refusal"));
    assert_eq!(issued(&page, &appraisal), None);
    // With the file that is missing, it is permitted.
    let more = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa  /usr/bin/other\n";
    let values = format!("{}\n{more}", block(&page, "references"));
    let values = References::local(values.as_bytes()).unwrap();
    let appraisal = appraised(&page, &values);
    appraisal.require(Requirement::OnlyListed, &values).unwrap();
    assert_eq!(issued(&page, &appraisal).unwrap()["kernelVersion"], "6.1.0");
}

#[test]
fn the_volume_of_the_page_runs_and_another_root_digest_is_refused_in_its_words() {
    let page = page("dm-verity");
    let values = references(&page);
    let appraisal = appraised(&page, &values);
    appraisal.require(Requirement::ListedVolumes, &values).unwrap();
    assert!(issued(&page, &appraisal).is_some());
    let other =
        References::local(format!("volume {}  root\n", "00".repeat(32)).as_bytes()).unwrap();
    let refused = appraisal.require(Requirement::ListedVolumes, &other).unwrap_err();
    assert_eq!(refused.to_string(), block(&page, "refusal"));
    // The policy asks for the same digest.
    let root = &appraisal.facts().volumes.running[0].root_digest;
    let changed = page.replace(&format!("value==\"{root}\""), "value==\"00\"");
    assert_eq!(issued(&changed, &appraisal), None);
}

#[test]
fn the_pages_name_every_fact_that_is_printed_and_every_check_of_a_requirement() {
    let (ima, verity) = (page("ima"), page("dm-verity"));
    let facts = serde_json::to_value(appraised(&verity, &References::none()).facts()).unwrap();
    for name in facts.as_object().unwrap().keys() {
        assert!(ima.contains(&format!("`{name}`")), "{name}");
    }
    for name in facts["volumes"]["running"][0].as_object().unwrap().keys() {
        assert!(verity.contains(&format!("`{name}`")), "{name}");
    }
    let both = [ima, verity].concat();
    for check in NotMet::checks() {
        assert!(both.contains(&format!("`{check}`")), "{check}");
    }
}
