//! `avouch appraise`, through the binary: recorded and minted evidence.
#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{AT, Folder, appraise_minted, avouch, avouch_json, manifest, text, vectors};

fn set(list: &Value) -> BTreeSet<&str> {
    list.as_array().expect("list").iter().map(text).collect()
}

/// The kind on the command line of a file of the Intel manifest.
fn kind(file: &str) -> &'static str {
    match file.split('/').next() {
        Some("tdx") => "tdx",
        Some("oe") if !file.contains("noheader") => "open-enclave",
        _ => "sgx",
    }
}

fn arguments(parts: &[&str], evidence: &Path, endorsements: &[PathBuf]) -> Vec<String> {
    let mut arguments: Vec<String> = vec!["appraise".into(), parts[0].into()];
    arguments.push(evidence.display().to_string());
    for path in endorsements {
        arguments.extend(["--endorsements".into(), path.display().to_string()]);
    }
    arguments.extend(parts[1..].iter().map(|part| (*part).to_owned()));
    arguments
}

fn intel_case(folder: &Path, file: &str, case: &Value, statuses: &str) -> support::Run {
    let collateral = folder.join(text(&case["collateral"]));
    let parts =
        [kind(file), "--at", text(&case["evaluation_time"]), "--accept-tcb-status", statuses];
    avouch_json(arguments(&parts, &folder.join(file), &[collateral]))
}

#[test]
fn every_recorded_intel_case_gives_its_listed_status_and_advisories() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel");
    let mut cases = 0;
    for entry in manifest(&folder) {
        let file = text(&entry["file"]);
        for case in entry["cases"].as_array().expect("list") {
            let run = intel_case(&folder, file, case, "any");
            let report = run.json();
            cases += 1;
            if !case["error"].is_null() {
                assert_eq!(report["error"]["check"], "tcb-level", "{file}: {report}");
                assert!(report.get("facts").is_none(), "{file}: facts without verification");
                assert_eq!(run.status, 1, "{file}");
                continue;
            }
            let facts = &report["facts"];
            assert_eq!(facts["tcb_status"], case["status"], "{file}: {report}");
            assert_eq!(set(&facts["advisory_ids"]), set(&case["advisory_ids"]), "{file}");
            let (identity, listed) = match entry["tee"].as_str() {
                Some("SGX") => ("mr_enclave", "mrenclave"),
                _ => ("mr_td", "mrtd"),
            };
            assert_eq!(facts[identity], entry["body"][listed], "{file}");
            assert_eq!(facts["report_data"], entry["body"]["reportdata"], "{file}");
            assert!(report["incoming"].is_object() && report["claims"].is_object(), "{file}");
            let permitted = report["decision"] == "permit";
            assert_eq!(run.status, i32::from(!permitted), "{file}: {report}");
        }
    }
    assert!(cases >= 36, "only {cases} cases");
}

#[test]
fn an_outdated_platform_is_refused_by_default_with_its_facts_and_permitted_if_its_status_is() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel");
    let file = "sgx/sgx-v3-release-00a067110000.bin";
    let entry = manifest(&folder).into_iter().find(|entry| entry["file"] == file).expect(file);
    let case = &entry["cases"][0];
    let default = intel_case(&folder, file, case, "UpToDate,SWHardeningNeeded").expect_status(1);
    let report = default.json();
    assert_eq!(report["error"]["check"], "accepted-tcb-status", "{report}");
    assert_eq!(report["facts"]["tcb_status"], "ConfigurationAndSWHardeningNeeded");
    assert_eq!(report["decision"], "deny");
    let listed =
        intel_case(&folder, file, case, "ConfigurationAndSWHardeningNeeded").expect_status(0);
    assert_eq!(listed.json()["decision"], "permit");
    intel_case(&folder, file, case, "any").expect_status(0);
}

#[test]
fn one_changed_bit_of_recorded_evidence_is_refused_by_the_quote_signature() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel");
    let own = Folder::new("changed-bit");
    let entry = &manifest(&folder)[0];
    let file = text(&entry["file"]);
    let mut quote = std::fs::read(folder.join(file)).unwrap();
    // MRENCLAVE begins at 48 + 64.
    quote[112] ^= 1;
    let changed = own.write("quote.bin", &quote);
    let case = &entry["cases"][0];
    let collateral = folder.join(text(&case["collateral"]));
    let parts = ["sgx", "--at", text(&case["evaluation_time"]), "--accept-tcb-status", "any"];
    let run = avouch_json(arguments(&parts, &changed, &[collateral])).expect_status(1);
    let report = run.json();
    assert_eq!(report["error"]["check"], "quote-signature", "{report}");
    assert!(report.get("facts").is_none());
}

#[test]
fn every_recorded_report_of_amd_verifies_with_its_certificate_and_names_its_fields() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("snp");
    let mut cases = 0;
    for entry in manifest(&folder).iter().filter(|entry| entry["kind"] == "snp-report") {
        let files: Vec<PathBuf> =
            entry["files"].as_array().unwrap().iter().map(|file| folder.join(text(file))).collect();
        let id = text(&entry["id"]);
        let parts = ["snp", "--at", text(&entry["evaluate_at"])];
        let run = avouch_json(arguments(&parts, &files[0], &files[1..2]));
        let report = run.json();
        for field in ["measurement", "host_data", "report_data", "id_key_digest", "product"] {
            assert_eq!(report["facts"][field], entry[field], "{id}: {field} of {report}");
        }
        assert_eq!(report["facts"]["policy"]["debug_allowed"], entry["debug"], "{id}");
        let permitted = report["decision"] == "permit";
        assert_eq!(run.status, i32::from(!permitted), "{id}");
        cases += 1;
    }
    assert!(cases >= 6, "only {cases} reports");
}

#[test]
fn a_recorded_report_with_its_certificate_table_behind_it_needs_no_other_certificates() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("snp/raw/genoa-v3-tsm");
    let own = Folder::new("extended-report");
    let mut extended = std::fs::read(folder.join("report.bin")).unwrap();
    extended.extend(std::fs::read(folder.join("cert-table.bin")).unwrap());
    let file = own.write("extended.bin", &extended);
    let parts = ["snp", "--at", "2026-11-21T17:00:00Z"];
    let report = avouch_json(arguments(&parts, &file, &[])).json();
    assert_eq!(report["facts"]["product"], "Genoa", "{report}");
    extended.truncate(1184);
    let bare = own.write("bare.bin", &extended);
    let report = avouch_json(arguments(&parts, &bare, &[])).expect_status(1).json();
    assert_eq!(report["decision"], "deny");
    assert!(report["error"]["check"].is_string() && report.get("facts").is_none(), "{report}");
}

#[test]
fn recorded_requests_to_maa_verify_with_the_runtime_data_in_them_and_not_with_other_data() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("snp");
    for entry in manifest(&folder).iter().filter(|entry| entry["kind"] == "maa-sevsnpvm-request") {
        let id = text(&entry["id"]);
        let file = folder.join(text(&entry["files"][0]));
        let parts = ["snp", "--at", text(&entry["evaluate_at"])];
        let run = avouch_json(arguments(&parts, &file, &[])).expect_status(0);
        let report = run.json();
        assert_eq!(report["decision"], "permit", "{id}: {report}");
        assert_eq!(report["facts"]["measurement"], entry["measurement"], "{id}");
        assert_eq!(report["claims"]["x-ms-attestation-type"], "sevsnpvm", "{id}");
    }
    let mismatch = folder.join("negative/maa-request-runtime-mismatch.json");
    let parts = ["snp", "--at", "2026-11-21T17:00:00Z"];
    let report = avouch_json(arguments(&parts, &mismatch, &[])).expect_status(1).json();
    assert_eq!(report["error"]["check"], "runtime-data", "{report}");
}

#[test]
fn every_recorded_negative_report_of_amd_is_refused_with_a_check() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("snp");
    let mut cases = 0;
    for entry in manifest(&folder) {
        let files = entry["files"].as_array().unwrap();
        let is_report = entry["kind"] == "negative"
            && files.len() == 2
            && text(&files[1]).starts_with("raw/")
            && entry["expect"] == "invalid";
        if !is_report {
            continue;
        }
        let id = text(&entry["id"]);
        let parts = ["snp", "--at", text(&entry["evaluate_at"])];
        let certificate = folder.join(text(&files[1]));
        let run = avouch_json(arguments(&parts, &folder.join(text(&files[0])), &[certificate]));
        let report = run.expect_status(1).json();
        let check = report["error"]["check"].as_str();
        assert!(check.is_some_and(|check| !check.is_empty()), "{id}: {report}");
        assert!(report.get("facts").is_none(), "{id}: {report}");
        cases += 1;
    }
    assert!(cases >= 14, "only {cases} negatives");
}

#[test]
fn minted_evidence_of_every_kind_is_permitted_under_its_root_and_refused_without() {
    let own = Folder::new("minted");
    for kind in ["sgx", "open-enclave", "tdx", "snp"] {
        let folder = own.mint(kind);
        let report = appraise_minted(&folder, "").expect_status(0).json();
        assert_eq!(report["decision"], "permit", "{kind}: {report}");
        for member in ["claims", "incoming", "facts"] {
            assert!(!report[member].as_object().unwrap().is_empty(), "{kind}: {member}");
        }
        assert!(report.get("error").is_none() && report["findings"].is_array(), "{kind}");

        let name = ["quote.bin", "report.json", "report.bin"];
        let evidence = name.map(|name| folder.join(name)).into_iter().find(|path| path.exists());
        let endorsements: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_stem().is_some_and(|stem| stem == "endorsements"))
            .collect();
        let parts = [kind, "--at", AT];
        let run = avouch_json(arguments(&parts, &evidence.unwrap(), &endorsements));
        let report = run.expect_status(1).json();
        assert!(report["error"]["check"].is_string(), "{kind}: {report}");
        assert!(report.get("facts").is_none(), "{kind}: {report}");
    }
}

#[test]
fn a_policy_of_the_caller_decides_and_can_be_explained() {
    let own = Folder::new("own-policy");
    let folder = own.mint("sgx");
    let policy = own.write(
        "policy.txt",
        "version=1.0; authorizationrules { [type==\"x-ms-sgx-is-debuggable\", value==true] => permit(); };",
    );
    let more = format!("--policy {} --explain", policy.display());
    let report = appraise_minted(&folder, &more).expect_status(1).json();
    assert_eq!(report["error"]["check"], "no-permit", "{report}");
    assert_eq!(report["error"]["code"], "PolicyEvaluationError", "{report}");
    assert_eq!(report["facts"]["tcb_status"], "UpToDate");
    let rules = report["explanation"]["rules"].as_array().unwrap();
    assert_eq!(rules[0]["fired"], 0, "{report}");
    let debuggable = own.mint("sgx --debug");
    appraise_minted(&debuggable, &more).expect_status(0);
}

#[test]
fn data_that_the_evidence_does_not_bind_is_refused() {
    let own = Folder::new("held-data");
    let folder = own.mint("tdx");
    let other = own.write("other.json", "{\"other\": true}");
    let quote = folder.join("quote.bin");
    let root = folder.join("root.pem").display().to_string();
    let (other, endorsements) = (other.display().to_string(), folder.join("endorsements.json"));
    let parts = ["tdx", "--at", AT, "--trust-root", &root, "--runtime-data", &other];
    let run = avouch_json(arguments(&parts, &quote, &[endorsements])).expect_status(1);
    assert_eq!(run.json()["error"]["check"], "runtime-data", "{}", run.stdout);
}

#[test]
fn evidence_is_read_as_hex_as_base64_and_from_a_request_body() {
    let own = Folder::new("forms");
    let folder = own.mint("sgx");
    let quote = std::fs::read(folder.join("quote.bin")).unwrap();
    let root = folder.join("root.pem").display().to_string();
    let endorsements = [folder.join("endorsements.json")];
    let hex: String = quote.iter().map(|byte| format!("{byte:02x}")).collect();
    let files = [
        own.write("quote.hex", hex),
        own.write("quote.b64", avouch_wire::base64url::encode_standard(&quote)),
        folder.join("request.json"),
    ];
    for file in files {
        let parts = ["sgx", "--at", AT, "--trust-root", &root];
        let report = avouch_json(arguments(&parts, &file, &endorsements)).expect_status(0).json();
        assert_eq!(report["facts"]["tcb_status"], "UpToDate", "{}", file.display());
    }
}

#[test]
fn text_for_people_says_the_decision_first_and_then_why() {
    let own = Folder::new("text");
    let folder = own.mint("sgx --tcb-status OutOfDate");
    let root = folder.join("root.pem").display().to_string();
    let parts = ["sgx", "--at", AT, "--trust-root", &root];
    let endorsements = [folder.join("endorsements.json")];
    let run = avouch(arguments(&parts, &folder.join("quote.bin"), &endorsements)).expect_status(1);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "decision: deny", "{}", run.stdout);
    assert!(lines[1].starts_with("check:    accepted-tcb-status"), "{}", run.stdout);
    assert!(run.stdout.contains("mr_enclave"), "{}", run.stdout);
}

#[test]
fn a_wrong_call_is_no_verdict() {
    for call in [
        "appraise sgx /nonexistent/quote.bin",
        "appraise floppy quote.bin",
        "appraise sgx",
        "appraise sgx Cargo.toml --at yesterday",
        "appraise sgx Cargo.toml --accept-tcb-status Splendid",
        "appraise sgx Cargo.toml --endorsements /nonexistent",
    ] {
        let run = avouch(call.split_whitespace());
        assert_eq!(run.status, 2, "{call}: {}", run.stdout);
        assert!(run.stdout.is_empty() && run.stderr.contains("error:"), "{call}: {}", run.stderr);
    }
}

#[test]
fn bytes_that_are_no_evidence_are_understood_and_refused() {
    let own = Folder::new("no-evidence");
    let file = own.write("zeros.bin", [0; 2048]);
    for kind in ["sgx", "open-enclave", "tdx", "snp"] {
        let report =
            avouch_json(arguments(&[kind, "--at", AT], &file, &[])).expect_status(1).json();
        assert_eq!(report["decision"], "deny", "{kind}");
        assert!(report["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[test]
fn a_trust_domains_event_log_gives_facts_and_what_is_not_of_its_boot_is_refused() {
    use avouch_mint::bootlog::Ground;
    let folder = Folder::new("event-log");
    let minted = folder.mint("tdx --event-log");
    let good = appraise_minted(&minted, "").expect_status(0).json();
    assert_eq!(good["facts"]["secure_boot"], true);
    assert_eq!(good["facts"]["event_log"]["registers"]["rtmr1"]["verdict"], "explained");
    assert_eq!(good["claims"]["avouch-secure-boot"], true);
    // The body of the request holds the log, too.
    let command = "--output json appraise tdx request.json --endorsements endorsements.json \
                   --trust-root root.pem --at";
    let body = support::avouch_in(&minted, &format!("{command} {AT}")).expect_status(0).json();
    assert_eq!(body["claims"], good["claims"]);

    let genuine = std::fs::read(minted.join("event-log.bin")).unwrap();
    let end = genuine.iter().rposition(|byte| *byte != 0xff).unwrap();
    // A letter of the last event, whose digest stays.
    let mut changed = genuine.clone();
    changed[end] ^= 1;
    let other = Ground::TrustDomainOff.log().unwrap().to_bytes().unwrap();
    for (log, check) in [
        (other, "ccel-replay"),
        (genuine[..end].to_vec(), "log-structure"),
        (Vec::new(), "log-empty"),
        (b"no log, and long enough for a header".to_vec(), "log-register"),
    ] {
        std::fs::write(minted.join("event-log.bin"), log).unwrap();
        let refused = appraise_minted(&minted, "").expect_status(1).json();
        assert_eq!(refused["error"]["check"], check, "{refused}");
        assert!(refused.get("facts").is_none());
    }
    // A changed byte under a kept digest replays. What it was then is unknown, so it may be an image.
    std::fs::write(minted.join("event-log.bin"), changed).unwrap();
    let replayed = appraise_minted(&minted, "").expect_status(0).json();
    let images =
        |report: &Value| report["facts"]["event_log"]["images"].as_array().unwrap().clone();
    let (shown, genuine) = (images(&replayed), images(&good));
    assert_eq!((shown.len(), &shown[..2]), (3, &genuine[..]));
}

#[test]
fn an_event_log_goes_with_tdx_alone() {
    let folder = Folder::new("event-log-kind");
    let minted = folder.mint("sgx");
    let log = folder.write("log.bin", [0xff]);
    let more = format!("--event-log {}", log.display());
    appraise_minted(&minted, &more).expect_status(2);
    let out = folder.join("out").display().to_string();
    avouch(["mint", "snp", "--event-log", "--out", &out]).expect_status(2);
}

#[test]
fn a_recorded_quote_explains_three_registers_of_its_log_and_refuses_another_boots() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel");
    let quote = "tdx/tdx-v4-dstack-near-b0c06f000000.bin";
    let entry = manifest(&folder).into_iter().find(|entry| entry["file"] == quote).unwrap();
    let case = &entry["cases"][0];
    let collateral = folder.join(text(&case["collateral"]));
    let run = |log: &str| {
        let log = folder.join("ccel").join(log).display().to_string();
        let at = text(&case["evaluation_time"]);
        let parts = ["tdx", "--at", at, "--accept-tcb-status", "any", "--event-log", &log];
        avouch_json(arguments(&parts, &folder.join(quote), std::slice::from_ref(&collateral)))
    };
    let facts = run("dstack-near.derived.bin").json()["facts"].clone();
    let verdicts = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"]
        .map(|name| facts["event_log"]["registers"][name]["verdict"].clone());
    assert_eq!(verdicts, ["explained", "explained", "explained", "unexplained"]);
    assert_eq!(facts["secure_boot"], false);
    let all = run("dstack-near-with-rtmr3.derived.bin").json()["facts"].clone();
    assert_eq!(all["event_log"]["registers"]["rtmr3"]["verdict"], "explained");
    for (log, check) in [
        ("dstack-near-neg-last-event-missing.bin", "ccel-replay"),
        ("attestation-rs-live.bin", "ccel-replay"),
        ("dstack-near-neg-cut.bin", "log-structure"),
        ("dstack-near-neg-event-without-digest.bin", "log-digests"),
        ("dstack-near-neg-garbage-after-padding.bin", "log-register"),
        ("dstack-near-neg-register-shifted.bin", "ccel-mrtd"),
        ("dstack-near-neg-tpm-pcr-numbers.bin", "log-register"),
        ("trustee-csv-sm3.bin", "ccel-algorithm"),
    ] {
        let refused = run(log).expect_status(1).json();
        assert_eq!(refused["error"]["check"], check, "{log}: {refused}");
    }
    for log in [
        "dstack-near-neg-secureboot-data-edited.bin",
        "dstack-near-neg-secureboot-in-no-action.bin",
    ] {
        assert_ne!(run(log).json()["facts"]["secure_boot"], true, "{log}");
    }
}
