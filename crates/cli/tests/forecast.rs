//! `avouch endorsements forecast` and `avouch replay`: evidence judged again, from files, from capsules
//! and from what a service has kept.
#![cfg(test)]

mod support;

use std::path::PathBuf;

use avouch_mint::{Minted, Options, mint};
use avouch_wire::{EvidenceKind, UnixTime};
use serde_json::Value;
use support::attester::Attester;
use support::schema::{Schema, rows};
use support::service::Service;
use support::{AT, Folder, Run, avouch_in, avouch_json, text};

const MACHINES: u32 = 22;
/// The machines whose first TCB component is one version behind.
const BEHIND: [u32; 7] = [2, 3, 5, 8, 13, 17, 21];
const OLD_SVN: u8 = 12;
const NEW_SVN: u8 = 13;
/// Minted documents are in force for so long after [`AT`].
const LAST_DAY: &str = "2026-02-28T12:00:00Z";

fn at(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

/// A machine's evidence, with collateral whose UpToDate level asks for `level`.
fn machine(kind: EvidenceKind, number: u32, level: u8) -> Minted {
    let mut options = Options::new(at(AT));
    options.platform.machine = number;
    options.platform.svn = if BEHIND.contains(&number) { OLD_SVN } else { NEW_SVN };
    options.platform.level_svn = Some(level);
    if level == NEW_SVN {
        options.platform.evaluation_data_number = 22;
    }
    mint(kind, &options).unwrap()
}

/// Twenty-two machines: `fleet/machine-NN/…`, the collateral of today and that of a TCB recovery, and
/// the root of all.
fn fleet(name: &str, kind: EvidenceKind) -> Folder {
    let own = Folder::new(name);
    for number in 1..=MACHINES {
        let minted = machine(kind, number, OLD_SVN);
        let folder = own.join(&format!("fleet/machine-{number:02}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("quote.bin"), &minted.evidence).unwrap();
        std::fs::write(folder.join("request.json"), &minted.request).unwrap();
        std::fs::write(folder.join("notes.txt"), "bought in 2024\n").unwrap();
    }
    let today = machine(kind, 1, OLD_SVN);
    std::fs::write(own.join("today.json"), &today.endorsements).unwrap();
    std::fs::write(own.join("root.pem"), &today.root_pem).unwrap();
    let recovery = machine(kind, 1, NEW_SVN);
    std::fs::write(own.join("recovery.json"), &recovery.endorsements).unwrap();
    own
}

fn forecast(own: &Folder, rest: &str) -> Run {
    let mut words = vec!["--output", "json", "endorsements", "forecast"];
    words.extend("--trust-root root.pem".split(' '));
    words.extend(rest.split(' '));
    avouch_in(&own.join("."), &words.join(" "))
}

fn failing(report: &Value) -> Vec<&Value> {
    let rows = report["evidence"].as_array().unwrap().iter();
    rows.filter(|row| row["verdict"] != "permitted").collect()
}

#[test]
fn a_tcb_recovery_names_the_seven_of_twenty_two_machines_that_fail_and_the_component() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        let own = fleet(&format!("forecast-recovery-{kind}"), kind);
        let rest = format!("--evidence fleet --endorsements today.json --at {AT}");
        let today = forecast(&own, &rest).expect_status(0).json();
        assert_eq!((&today["judged"], &today["failing"]), (&22.into(), &0.into()), "{today}");
        // Evidence that also came in a request counts once; what is none is named.
        assert_eq!(today["passed_over"].as_array().unwrap().len(), 22);

        let rest = format!("--evidence fleet --endorsements recovery.json --at {AT}");
        let report = forecast(&own, &rest).expect_status(1).json();
        assert_eq!((&report["judged"], &report["failing"]), (&22.into(), &7.into()), "{report}");
        let failing = failing(&report);
        let names: Vec<&str> = failing.iter().map(|row| text(&row["name"])).collect();
        let expected = BEHIND.map(|number| format!("fleet/machine-{number:02}/request.json"));
        assert_eq!(names, expected);
        let mut ppids = Vec::new();
        for row in failing {
            assert_eq!(
                (&row["verdict"], &row["check"]),
                (&"refused".into(), &"accepted-tcb-status".into())
            );
            let component = &row["components"][0];
            assert!(text(&component["component"]).starts_with("SGX component 1"), "{component}");
            assert_eq!((&component["found"], &component["minimum"]), (&12.into(), &13.into()));
            assert_eq!(row["components"].as_array().unwrap().len(), 1);
            assert_eq!(row["machine"]["fmspc"], "a0c06d000000");
            ppids.push(text(&row["machine"]["ppid"]));
        }
        ppids.sort_unstable();
        ppids.dedup();
        assert_eq!(ppids.len(), 7, "each machine is told from the others");
    }
}

#[test]
fn people_read_who_fails_and_what_to_update() {
    let own = fleet("forecast-text", EvidenceKind::Sgx);
    let rest =
        format!("--trust-root root.pem --evidence fleet --endorsements recovery.json --at {AT}");
    let run = avouch_in(&own.join("."), &format!("endorsements forecast {rest}")).expect_status(1);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("evidence"), "{}", run.stdout);
    assert!(lines[1].starts_with("fleet/machine-02/request.json"), "{}", run.stdout);
    assert!(lines[1].ends_with("SGX component 1: 12, needs 13"), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("\n7 of 22 would fail at {AT}\n")), "{}", run.stdout);
    assert!(run.stderr.contains("passed over, no evidence: fleet/machine-01/notes.txt"));
}

#[test]
fn who_is_permitted_fails_when_the_first_document_expires_and_from_then_on() {
    let own = fleet("forecast-date", EvidenceKind::Sgx);
    let one = "--evidence fleet/machine-01/quote.bin --endorsements today.json";
    let report = forecast(&own, &format!("{one} --at {AT}")).expect_status(0).json();
    let row = &report["evidence"][0];
    // The PCK CRL is the first to end.
    assert_eq!(row["fails_from"], "2026-02-28T12:00:01Z", "{row}");
    assert_eq!(row["check"], "pck-crl-expired", "{row}");

    forecast(&own, &format!("{one} --at {LAST_DAY}")).expect_status(0);
    let late = forecast(&own, &format!("{one} --at 2026-02-28T12:00:01Z")).expect_status(1).json();
    assert_eq!(late["evidence"][0]["verdict"], "unverified");
    // It was not valid yet in the past either, so no moment is known at which it began to fail.
    let early = forecast(&own, &format!("{one} --at 2001-01-01T00:00:00Z")).expect_status(1).json();
    assert_eq!(early["evidence"][0]["fails_from"], Value::Null);
}

/// A capsule of each machine, as `appraise` writes it.
fn capsules(own: &Folder) -> Vec<PathBuf> {
    let each = 1..=MACHINES;
    let made = each.map(|number| {
        let file = format!("capsules/machine-{number:02}.json");
        std::fs::create_dir_all(own.join("capsules")).unwrap();
        let line = format!(
            "appraise sgx fleet/machine-{number:02}/request.json --endorsements today.json \
             --trust-root root.pem --at {AT} --nonce n-{number} --capsule-out {file}"
        );
        avouch_in(&own.join("."), &line).expect_status(0);
        own.join(&file)
    });
    made.collect()
}

#[test]
fn capsules_are_judged_by_their_own_settings_since_their_own_moment() {
    let own = fleet("forecast-capsules", EvidenceKind::Sgx);
    capsules(&own);
    let rest = format!("--evidence capsules --endorsements recovery.json --at {AT}");
    let report = forecast(&own, &rest).expect_status(1).json();
    assert_eq!((&report["judged"], &report["failing"]), (&22.into(), &7.into()), "{report}");
    // What is given goes over what they bring along.
    forecast(&own, &format!("{rest} --accept-tcb-status any")).expect_status(0);
    own.write("deny.txt", "version=1.0; authorizationrules { => deny(); }; issuancerules { };");
    let all = forecast(&own, &format!("{rest} --accept-tcb-status any --policy deny.txt"));
    assert_eq!(all.expect_status(1).json()["failing"], 22);
    // Since when: from the moment of the capsule on, at which it was permitted.
    let rest = "--evidence capsules --endorsements today.json --at 2026-06-01T00:00:00Z";
    let report = forecast(&own, rest).expect_status(1).json();
    assert_eq!(report["failing"], 22);
    assert_eq!(report["evidence"][0]["fails_from"], "2026-02-28T12:00:01Z", "{report}");
    assert_eq!(report["evidence"][0]["machine"]["fmspc"], "a0c06d000000");
    Schema::new(rows("docs/schemas/forecast.md", "Answer")).check(&report);
}

#[test]
fn a_capsule_replayed_under_the_same_endorsements_has_the_same_claims_to_the_byte() {
    let own = fleet("replay", EvidenceKind::Sgx);
    let capsule = capsules(&own).remove(1);
    let replay = |endorsements: &str| {
        let line = format!(
            "--output json replay {} --endorsements {endorsements} --trust-root root.pem",
            capsule.display()
        );
        avouch_in(&own.join("."), &line)
    };
    let same = replay("today.json").expect_status(0).json();
    assert_eq!((&same["same_verdict"], &same["same_endorsements"]), (&true.into(), &true.into()));
    assert_eq!(same["then"], same["now"]);
    assert_eq!(text(&same["now"]["claims_sha256"]).len(), 64);
    let mut schema = Schema::new(rows("docs/schemas/forecast.md", "Replay"));
    schema.check(&same);
    let other = replay("recovery.json").expect_status(1).json();
    assert_eq!(other["now"]["check"], "accepted-tcb-status");
    assert_eq!(other["same_endorsements"], false);
    schema.check(&other);
    assert_eq!(schema.unseen().len(), 0, "{:?}", schema.unseen());

    // The capsule itself, and no other text for it.
    let written = std::fs::read_to_string(&capsule).unwrap();
    Schema::new(rows("docs/schemas/capsule.md", "Members"))
        .check(&serde_json::from_str(&written).unwrap());
    std::fs::write(&capsule, written.replacen("\"permitted\"", " \"permitted\"", 1)).unwrap();
    let changed = replay("today.json").expect_status(2);
    assert!(changed.only_error().contains("canonical"), "{}", changed.stderr);
}

#[test]
fn what_cannot_be_judged_is_an_error_and_never_passed_in_silence() {
    let own = fleet("forecast-errors", EvidenceKind::Sgx);
    let at = format!("--endorsements today.json --at {AT}");
    let told = |run: Run| run.expect_status(2).only_error();
    assert!(told(avouch_json(["endorsements", "forecast"])).contains("nothing to judge"));
    assert!(told(forecast(&own, &format!("--evidence absent {at}"))).contains("absent"));
    assert!(
        told(forecast(&own, &format!("--evidence today.json {at}"))).contains("neither evidence")
    );
    std::fs::create_dir(own.join("empty")).unwrap();
    assert!(
        told(forecast(&own, &format!("--evidence empty {at}"))).contains("no evidence was found")
    );
    assert!(told(forecast(&own, &format!("--data-dir empty {at}"))).contains("no database"));
    let text = forecast(&own, "--evidence fleet --endorsements root.pem");
    assert_eq!(text.status, 2, "a root is no collateral");
    // A capsule that was cut, among good evidence.
    capsules(&own);
    let capsule = own.join("capsules/machine-03.json");
    let text = std::fs::read_to_string(&capsule).unwrap();
    std::fs::write(&capsule, text.replacen("\"kind\":\"sgx\",", "", 1)).unwrap();
    assert!(told(forecast(&own, &format!("--evidence capsules {at}"))).contains("machine-03.json"));
    // Evidence that was cut is judged and fails.
    let quote = own.join("fleet/machine-04/quote.bin");
    let bytes = std::fs::read(&quote).unwrap();
    std::fs::write(&quote, &bytes[..1000]).unwrap();
    let report = forecast(&own, &format!("--evidence fleet {at}")).expect_status(1).json();
    assert_eq!(failing(&report).len(), 1);
    assert_eq!(report["judged"], 23);
}

#[test]
fn a_service_keeps_what_it_is_told_to_and_a_forecast_reads_it() {
    let own = fleet("forecast-kept", EvidenceKind::Sgx);
    own.write("avouch.toml", "[audit]\nkeep_evidence = \"all\"\n");
    let path = |name: &str| own.join(name).display().to_string();
    let service = Service::dev(
        &own.join("data"),
        [
            "--config",
            &path("avouch.toml"),
            "--endorsements",
            &path("today.json"),
            "--trust-root",
            &path("root.pem"),
            "--appraise-at",
            AT,
        ],
    );
    let client = Attester::of(&service);
    for number in 1..=MACHINES {
        let file = own.join(&format!("fleet/machine-{number:02}/request.json"));
        assert_eq!(client.attest("SgxEnclave", std::fs::read_to_string(file).unwrap()), 200);
    }
    assert_eq!(client.attest("SgxEnclave", r#"{"quote":"AAAA"}"#.to_owned()), 400);
    client.wait_until_kept(23);

    let rest = format!("--data-dir data --endorsements recovery.json --at {AT}");
    let report = forecast(&own, &rest).expect_status(1).json();
    // The seven, and what never verified.
    assert_eq!((&report["judged"], &report["failing"]), (&23.into(), &8.into()), "{report}");
    let rows = failing(&report);
    assert!(text(&rows[0]["name"]).starts_with("default/"), "{}", rows[0]);
    assert_eq!(rows.iter().filter(|row| row["check"] == "accepted-tcb-status").count(), 7);
}

#[test]
#[cfg(unix)]
fn a_pipe_in_a_folder_is_passed_over_and_said_and_nobody_waits_for_it() {
    let own = fleet("forecast-pipe", EvidenceKind::Sgx);
    let made = std::process::Command::new("mkfifo").arg(own.join("fleet/a-pipe")).status();
    assert!(made.unwrap().success());
    let rest = format!("--evidence fleet --endorsements today.json --at {AT}");
    let report = forecast(&own, &rest).expect_status(0).json();
    let passed_over = report["passed_over"].as_array().unwrap();
    assert!(passed_over.contains(&"fleet/a-pipe".into()), "{passed_over:?}");
    assert_eq!(report["judged"], 22);
}

/// A service of minted endorsements in files that feeds others, in this folder.
fn feeder(own: &Folder) -> Service {
    own.write("feeder.toml", "[endorsements.server]\nenabled = true\n");
    let path = |name: &str| own.join(name).display().to_string();
    Service::dev(
        &own.join("feeder"),
        [
            "--config",
            &path("feeder.toml"),
            "--endorsements",
            &path("today.json"),
            "--trust-root",
            &path("root.pem"),
            "--appraise-at",
            AT,
        ],
    )
}

#[test]
fn a_forecast_by_a_services_configuration_judges_by_what_the_service_has_fetched() {
    let own = fleet("forecast-fetched", EvidenceKind::Sgx);
    let feeder = feeder(&own);
    let config = format!(
        "[[endorsements.sources]]\nkind = \"pccs\"\nurl = \"{}\"\nca_file = \"{}\"\n\n\
         [appraisal]\ntrust_roots = [\"intel=root.pem\"]\n",
        feeder.url,
        feeder.ca.display()
    );
    let config = own.write("fed.toml", config).display().to_string();
    let rest = format!("--evidence fleet/machine-01 --config fed.toml --data-dir fed --at {AT}");
    assert!(forecast(&own, &rest).expect_status(2).only_error().contains("no database"));

    let service = Service::dev(&own.join("fed"), ["--config", &config, "--appraise-at", AT]);
    // The database is there, and nothing in it yet.
    let report = forecast(&own, &rest).expect_status(1).json();
    assert_eq!(report["evidence"][0]["check"], "endorsements-missing", "{report}");
    let body = std::fs::read_to_string(own.join("fleet/machine-01/request.json")).unwrap();
    assert_eq!(Attester::of(&service).attest("SgxEnclave", body), 200);
    // What serves is put into the database soon after.
    let is_permitted = || forecast(&own, &rest).status == 0;
    assert!((0..100).any(|_| is_permitted()), "{:?}", forecast(&own, &rest));
}
