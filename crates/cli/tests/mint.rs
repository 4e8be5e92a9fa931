//! `avouch mint`, through the binary: what each break is refused by.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use avouch_mint::Options;
use avouch_mint::snp::uvm_publisher;
use avouch_wire::UnixTime;
use serde_json::Value;
use support::{AT, Folder, appraise_minted, avouch, avouch_json, text};

fn breaks(kind: &str) -> Vec<Value> {
    let run = avouch_json(["mint", kind, "--break", "list"]).expect_status(0);
    run.json().as_array().unwrap().clone()
}

const KINDS: [(&str, usize); 5] =
    [("sgx", 30), ("open-enclave", 30), ("tdx", 30), ("snp", 40), ("tpm", 90)];

#[test]
fn the_breaks_of_every_kind_are_listed_with_the_check_that_refuses_them() {
    for (kind, least) in KINDS {
        let breaks = breaks(kind);
        assert!(breaks.len() >= least, "{kind}: only {}", breaks.len());
        let mut names: Vec<&str> = breaks.iter().map(|one| text(&one["name"])).collect();
        for one in &breaks {
            assert!(!text(&one["what"]).is_empty() && !text(&one["expected_check"]).is_empty());
            let stage = text(&one["stage"]);
            assert!(
                ["verification", "enrolment", "binding", "acceptance"].contains(&stage),
                "{stage}"
            );
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
    /// Permitted, without what the broken part would have added.
    WithoutCompliance,
}

/// Where the command answers otherwise than the list says, and why.
fn answer(kind: &str, name: &str) -> Answer {
    match (kind, name) {
        // Collateral is filed by what it says it is for, and this is for another platform: the
        // verifier that would name the difference is never given it.
        (_, "fmspc" | "pce-id" | "tcb-info-of-tdx" | "tcb-info-of-sgx")
        | ("tdx", "tcb-info-v2") => Answer::OtherCheck("endorsements-missing"),
        // A report longer than a report is read as one with a certificate table behind it.
        ("snp", "report-extended") => Answer::OtherCheck("structure"),
        // Genuine endorsements of a publisher, product or version that does not count are as if
        // they had not been sent: they are evidence of nothing, and of nothing wrong.
        ("snp", "uvm-svn" | "uvm-feed" | "uvm-issuer") => Answer::WithoutCompliance,
        _ => Answer::AsListed,
    }
}

/// Every eighth break of a kind, and all that are answered in another way. Which check each of the
/// others is refused by, the mint's own tests and those of the verifiers try.
fn sample(kind: &str, breaks: Vec<Value>) -> Vec<(Value, Answer)> {
    let mut listed = 0;
    let mut sample = Vec::new();
    // Evidence comes after an enrolment that went well.
    for one in breaks.into_iter().filter(|one| one["stage"] != "enrolment") {
        let answer = answer(kind, text(&one["name"]));
        if answer != Answer::AsListed || listed % 8 == 0 || text(&one["stage"]) == "acceptance" {
            sample.push((one, answer));
        }
        listed += usize::from(answer == Answer::AsListed);
    }
    sample
}

/// Settings under which every break of the list shows: the publisher of minted utility VM
/// endorsements counts, and nothing debuggable or migratable is accepted.
fn strict(own: &Folder) -> String {
    let publisher = uvm_publisher(&Options::new(UnixTime::from_rfc3339(AT).unwrap())).unwrap();
    let file = own.write(
        "appraisal.toml",
        format!(
            "[[appraisal.uvm]]\nissuer = \"{}\"\nfeed = \"{}\"\nminimum_svn = {}\n\
             compliance_status = \"minted\"\n",
            publisher.issuer, publisher.feed, publisher.minimum_svn
        ),
    );
    format!("--refuse-debuggable --refuse-migratable --appraisal {}", file.display())
}

/// Mints and judges a sample of a kind's breaks; at least `least` must be answered as listed.
fn try_breaks(kind: &str, least: usize) {
    let own = Folder::new("breaks");
    let strict = strict(&own);
    let mut as_listed = 0;
    for (one, answer) in sample(kind, breaks(kind)) {
        let (name, check) = (text(&one["name"]), text(&one["expected_check"]));
        let folder = own.mint(&format!("{kind} --break {name}"));
        let run = appraise_minted(&folder, &strict);
        let found = match answer {
            Answer::WithoutCompliance => {
                let report = run.expect_status(0).json();
                let claim = report["claims"].get("x-ms-compliance-status");
                assert_eq!(claim, None, "{kind} {name}: {report}");
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
fn good_evidence_is_permitted_by_the_settings_under_which_breaks_show() {
    let own = Folder::new("good");
    let strict = strict(&own);
    for (kind, _) in KINDS {
        let folder = own.mint(kind);
        appraise_minted(&folder, &strict).expect_status(0);
    }
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
fn broken_tpm_evidence_is_refused_by_the_check_that_the_list_names() {
    try_breaks("tpm", 9);
}

#[test]
fn evidence_of_an_enclave_on_a_tpm_is_judged_as_its_readme_says() {
    let own = Folder::new("enclave");
    appraise_minted(&own.mint("vbs"), "").expect_status(0);
    try_breaks("vbs", 9);
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
fn the_ca_of_the_pck_certificate_is_as_asked_for() {
    let own = Folder::new("pck-ca");
    for (words, has_instance_id) in
        [("", true), ("--pck-ca platform", true), ("--pck-ca processor", false)]
    {
        let folder = own.mint(&format!("sgx {words}"));
        let facts = appraise_minted(&folder, "").expect_status(0).json()["facts"].clone();
        let id = &facts["platform_instance_id"];
        assert_eq!(id.is_string(), has_instance_id, "{words}: {facts}");
        assert_eq!(facts["sgx_type"] == "scalable", has_instance_id, "{words}: {facts}");
    }
    let out = own.join("out").display().to_string();
    avouch(["mint", "sgx", "--pck-ca", "root", "--out", &out]).expect_status(2);
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
