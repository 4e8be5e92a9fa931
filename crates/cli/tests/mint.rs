//! `avouch mint`, through the binary: what each break is refused by.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Folder, appraise_minted, avouch, avouch_json, text};
use serde_json::Value;

fn breaks(kind: &str) -> Vec<Value> {
    let run = avouch_json(["mint", kind, "--break", "list"]).expect_status(0);
    run.json().as_array().unwrap().clone()
}

const KINDS: [(&str, usize); 4] = [("sgx", 30), ("open-enclave", 30), ("tdx", 30), ("snp", 40)];

#[test]
fn the_breaks_of_every_kind_are_listed_with_the_check_that_refuses_them() {
    for (kind, least) in KINDS {
        let breaks = breaks(kind);
        assert!(breaks.len() >= least, "{kind}: only {}", breaks.len());
        let mut names: Vec<&str> = breaks.iter().map(|one| text(&one["name"])).collect();
        for one in &breaks {
            assert!(!text(&one["what"]).is_empty() && !text(&one["expected_check"]).is_empty());
            let stage = text(&one["stage"]);
            assert!(["verification", "binding", "acceptance"].contains(&stage), "{stage}");
        }
        let people = avouch(["mint", kind, "--break", "list"]).expect_status(0);
        assert_eq!(people.stdout.lines().count(), breaks.len(), "{kind}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), breaks.len(), "{kind} names a break twice");
    }
}

/// How the command answers a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Refused by the check of the list.
    AsListed,
    /// Refused, by this check.
    OtherCheck(&'static str),
    /// Not refused: what would refuse it has no flag, or was not asked for.
    Permitted,
    /// The endorsements cannot be read, which is no verdict on the evidence.
    Unreadable,
}

/// Endorsements that are refused as files, before there is anything to judge.
const UNREADABLE: [&str; 29] = [
    "pck-crl-missing",
    "root-crl-missing",
    "pck-crl-empty",
    "root-crl-empty",
    "tcb-status-unknown",
    "tcb-type-1",
    "tcb-info-version-4",
    "tcb-info-id-unknown",
    "tcb-info-id-missing",
    "tcb-levels-empty",
    "tcb-levels-equal",
    "tcb-15-components",
    "tcb-17-components",
    "tcb-component-256",
    "tcb-component-negative",
    "tcb-component-float",
    "tcb-info-not-json",
    "tcb-info-deep",
    "tcb-info-duplicate-key",
    "tcb-info-duplicate-levels",
    "tcb-info-date",
    "tcb-info-v2-duplicate-key",
    "tdx-module-in-sgx",
    "tdx-module-missing",
    "tdx-15-components",
    "tdx-17-components",
    "tdx-components-missing",
    "module-levels-empty",
    "module-levels-equal",
];

/// What is wrong with UVM endorsements behind the question whose they are.
const UVM_NOT_COUNTED: [&str; 25] = [
    "uvm-signature",
    "uvm-payload-altered",
    "uvm-signed-by-other",
    "uvm-measurement",
    "uvm-svn",
    "uvm-feed",
    "uvm-issuer",
    "uvm-did-fingerprint",
    "uvm-no-usage",
    "uvm-other-usage",
    "uvm-signer-expired",
    "uvm-signer-not-yet-valid",
    "uvm-authority-expired",
    "uvm-signed-in-future",
    "uvm-signer-signature",
    "uvm-authority-foreign",
    "uvm-authority-not-ca",
    "uvm-signer-is-ca",
    "uvm-signer-issuer",
    "uvm-signer-of-other-kind",
    "uvm-chain-without-root",
    "uvm-payload-short",
    "uvm-svn-differs",
    "uvm-payload-key-twice",
    "uvm-payload-array",
];

/// Where the command answers otherwise than the list says, and why.
fn answer(kind: &str, name: &str, check: &str) -> Answer {
    const UNREADABLE_SNP: [&str; 4] =
        ["vek-pss-salt", "extension-twice", "chain-stranger", "crl-delta"];
    match (kind, name, check) {
        // Default settings permit them; refusing them is a setting without a flag.
        (_, _, "debuggable") | ("snp", _, "migratable") => Answer::Permitted,
        // Nobody named the minted publisher as one that counts: what is wrong before the publisher
        // is known is refused, all else is as if it had not been sent.
        ("snp", name, _) if UVM_NOT_COUNTED.contains(&name) => Answer::Permitted,
        // A report longer than a report is read as one with a certificate table behind it.
        ("snp", "report-extended", _) => Answer::OtherCheck("structure"),
        ("snp", name, _) if UNREADABLE_SNP.contains(&name) => Answer::Unreadable,
        // Collateral is filed by what it says it is for, and this is for another platform.
        (_, "fmspc" | "pce-id" | "tcb-info-of-tdx" | "tcb-info-of-sgx", _)
        | ("tdx", "tcb-info-v2", _) => Answer::OtherCheck("endorsements-missing"),
        (_, name, _) if UNREADABLE.contains(&name) => Answer::Unreadable,
        _ => Answer::AsListed,
    }
}

/// Every eighth break of a kind, and of those that are answered in another way every fourth.
/// Which check each of the others is refused by, the mint's own tests and those of the verifiers
/// try.
fn sample(kind: &str, breaks: Vec<Value>) -> Vec<(Value, Answer)> {
    let (mut listed, mut other) = (0, 0);
    let mut sample = Vec::new();
    for one in breaks {
        let answer = answer(kind, text(&one["name"]), text(&one["expected_check"]));
        let (count, step) =
            if answer == Answer::AsListed { (&mut listed, 8) } else { (&mut other, 4) };
        if *count % step == 0 {
            sample.push((one, answer));
        }
        *count += 1;
    }
    sample
}

/// Mints and judges a sample of a kind's breaks; at least `least` must be answered as listed.
fn try_breaks(kind: &str, least: usize) {
    let own = Folder::new("breaks");
    let mut as_listed = 0;
    for (one, answer) in sample(kind, breaks(kind)) {
        let (name, check) = (text(&one["name"]), text(&one["expected_check"]));
        let folder = own.mint(&format!("{kind} --break {name}"));
        let run = appraise_minted(&folder, "");
        let found = match answer {
            Answer::Permitted => {
                assert_eq!(run.status, 0, "{kind} {name}: {}", run.stdout);
                continue;
            }
            Answer::Unreadable => {
                assert_eq!(run.status, 2, "{kind} {name}: {}", run.stdout);
                assert!(run.stderr.contains("is no endorsement"), "{}", run.stderr);
                continue;
            }
            Answer::OtherCheck(check) => check,
            Answer::AsListed => check,
        };
        let report = run.expect_status(1).json();
        assert_eq!(report["error"]["check"], found, "{kind} {name}: {report}");
        let verified = one["stage"] == "acceptance";
        assert_eq!(report.get("facts").is_some(), verified, "{kind} {name}: {report}");
        as_listed += usize::from(answer == Answer::AsListed);
    }
    assert!(as_listed >= least, "only {as_listed} breaks of {kind}");
}

#[test]
fn broken_sgx_evidence_is_refused_by_the_check_that_the_list_names() {
    try_breaks("sgx", 14);
}

#[test]
fn broken_open_enclave_evidence_is_refused_by_the_check_that_the_list_names() {
    try_breaks("open-enclave", 14);
}

#[test]
fn broken_tdx_evidence_is_refused_by_the_check_that_the_list_names() {
    try_breaks("tdx", 18);
}

#[test]
fn broken_snp_evidence_is_refused_by_the_check_that_the_list_names() {
    try_breaks("snp", 14);
}

#[test]
fn what_was_asked_for_is_minted() {
    let own = Folder::new("options");
    let enclave = "11".repeat(32);
    let signer = "ab".repeat(32);
    let folder = own.mint(&format!(
        "sgx --mr-enclave {enclave} --mr-signer {signer} --kss --tcb-status SWHardeningNeeded \
         --tcb-evaluation-data-number 21"
    ));
    let facts = appraise_minted(&folder, "").expect_status(0).json()["facts"].clone();
    assert_eq!(facts["mr_enclave"], enclave);
    assert_eq!(facts["mr_signer"], signer);
    assert_eq!(facts["tcb_status"], "SWHardeningNeeded");
    assert!(facts.to_string().contains("21"), "{facts}");
}

#[test]
fn the_same_seed_gives_the_same_evidence_and_another_seed_other_evidence() {
    let own = Folder::new("seeds");
    // Header and report; the signatures behind them are made anew each time.
    let signed = |folder: std::path::PathBuf| {
        std::fs::read(folder.join("quote.bin")).unwrap()[..432].to_vec()
    };
    let mint = |line: &str| signed(own.mint(line));
    let one = mint("sgx --seed 7");
    let again = Folder::new("seeds-again");
    let same = signed(again.mint("sgx --seed 7"));
    assert_eq!(one, same);
    assert_ne!(one, mint("sgx --seed 8"));
}

#[test]
fn an_unknown_kind_or_break_is_a_usage_error() {
    let own = Folder::new("unknown-break");
    let out = own.join("out").display().to_string();
    for call in [vec!["mint", "floppy"], vec!["mint", "sgx", "--break", "nonsense", "--out", &out]]
    {
        let run = avouch(&call).expect_status(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{call:?}");
    }
    assert!(!own.join("out").exists());
}
