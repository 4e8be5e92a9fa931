//! `avouch endorsements import --config`: into the database of a service, which takes it while it runs.
#![cfg(test)]

mod support;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use avouch_mint::{Minted, Options, mint};
use avouch_store::{PageRequest, Store};
use avouch_wire::{EvidenceKind, UnixTime};
use serde_json::Value;
use support::attester::Attester;
use support::service::{Installation, Service};
use support::{AT, Folder, Run, avouch_in, text};

const SECTIONS: &str = "[appraisal]\ntrust_roots = [\"intel=intel.pem\", \"amd=amd.pem\"]\n\n\
                        [endorsements]\namd_crl = \"required\"\n";

/// A service in production judges by the time on the wall.
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixTime::EPOCH.saturating_add_seconds(since.as_secs().try_into().unwrap())
}

fn minted(kind: EvidenceKind, at: UnixTime, change: impl FnOnce(&mut Options)) -> Minted {
    let mut options = Options::new(at);
    change(&mut options);
    mint(kind, &options).unwrap()
}

/// An installation without endorsements, a fleet, and bundles for it.
fn installation(name: &str) -> Installation {
    let installation = Installation::new(name, SECTIONS);
    let (site, at) = (&installation.folder, now());
    let (sgx, snp) = (minted(EvidenceKind::Sgx, at, |_| {}), minted(EvidenceKind::Snp, at, |_| {}));
    let recovery = minted(EvidenceKind::Sgx, at, |options| {
        options.platform.evaluation_data_number = 22;
        options.platform.tcb_status = avouch_mint::TcbStatus::OutOfDate;
    });
    let foreign =
        minted(EvidenceKind::Tdx, at, |options| options.seed = avouch_mint::Seed::from_number(5));
    for folder in ["fleet", "first", "recovery", "foreign"] {
        std::fs::create_dir(site.join(folder)).unwrap();
    }
    site.write("fleet/sgx.json", &sgx.request);
    site.write("fleet/snp.json", &snp.request);
    site.write("first/intel.json", &sgx.endorsements);
    site.write("first/amd.pem", &snp.endorsements);
    site.write("recovery/intel.json", &recovery.endorsements);
    site.write("foreign/intel.json", &foreign.endorsements);
    site.write("intel.pem", &sgx.root_pem);
    site.write("amd.pem", &snp.root_pem);
    for folder in ["first", "recovery", "foreign"] {
        let line = format!("endorsements bundle --out {folder}.bundle {folder}");
        avouch_in(site.path(), &line).expect_status(0);
    }
    installation
}

fn import(site: &Folder, line: &str) -> Run {
    let line = format!("--output json endorsements import {line} --config avouch.toml");
    avouch_in(site.path(), &line)
}

fn attest(service: &Service, site: &Folder, machine: &str) -> u16 {
    let route = if machine == "sgx" { "SgxEnclave" } else { "SevSnpVm" };
    let body = std::fs::read_to_string(site.join(&format!("fleet/{machine}.json"))).unwrap();
    Attester::of(service).attest(route, body)
}

/// Waits until an import is in force.
fn wait_for(service: &Service, revision: u64) {
    for _ in 0..600 {
        if Attester::of(service).readiness()["endorsements_imported"] == revision {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("import {revision} is not taken");
}

/// Details of imports in a database's audit trail.
fn audited(database: &Path) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entries = runtime.block_on(async {
        let at = UnixTime::from_rfc3339(AT).unwrap();
        let store = Store::open(&database.display().to_string(), at).await.unwrap();
        store.audit(None, PageRequest { after: 0, rows: 100 }).await.unwrap().items
    });
    let imports = entries.into_iter().filter(|entry| entry.action == "endorsements-import");
    imports
        .map(|entry| {
            assert_eq!(entry.actor.id(), "avouch endorsements import");
            Value::Object(entry.details)
        })
        .collect()
}

#[test]
fn a_running_service_takes_what_is_imported_and_has_it_after_a_restart() {
    let installation = installation("import-database");
    let site = &installation.folder;
    // There is a database when there was a service.
    let early = import(site, "first.bundle").expect_status(2).json();
    assert!(text(&early["error"]["message"]).contains("there is no database"), "{early}");

    let mut service = installation.start();
    assert_ne!(attest(&service, site, "sgx"), 200);
    assert_eq!(Attester::of(&service).readiness()["endorsements_imported"], 0);
    let answer = import(site, "first.bundle").expect_status(0).json();
    assert_eq!(answer["written"], true, "{answer}");
    assert!(answer["added"].as_array().unwrap().len() >= 7, "{answer}");
    wait_for(&service, 1);
    assert_eq!((attest(&service, site, "sgx"), attest(&service, site, "snp")), (200, 200));

    // A dry run tells who would fail by the recovery, and changes nothing.
    let dry = import(site, "recovery.bundle --dry-run --evidence fleet").expect_status(1).json();
    let failing: Vec<&str> = dry["machines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["old"]["decision"] == "permit" && row["new"]["decision"] == "deny")
        .map(|row| text(&row["file"]))
        .collect();
    assert_eq!((failing, dry["written"].clone()), (vec!["sgx.json"], Value::Bool(false)), "{dry}");
    assert_eq!(attest(&service, site, "sgx"), 200);
    // What does not verify leaves everything as it was.
    import(site, "foreign.bundle").expect_status(1);

    service.kill();
    service = installation.start();
    assert_eq!(Attester::of(&service).readiness()["endorsements_imported"], 1);
    assert_eq!((attest(&service, site, "sgx"), attest(&service, site, "snp")), (200, 200));

    import(site, "recovery.bundle").expect_status(0);
    wait_for(&service, 2);
    assert_ne!(attest(&service, site, "sgx"), 200);
    assert_eq!(attest(&service, site, "snp"), 200, "what was imported before stays");
    // An older bundle takes nothing newer away.
    let again = import(site, "first.bundle").expect_status(0).json();
    assert_eq!(again["added"].as_array().unwrap().len(), 0, "{again}");
    wait_for(&service, 3);
    assert_ne!(attest(&service, site, "sgx"), 200);
    // Each import is in the audit trail, and no dry run or refused one.
    let trail = audited(&site.join("data/avouch.db"));
    let numbers: Vec<&Value> = trail.iter().map(|details| &details["revision"]).collect();
    assert_eq!(numbers, [1, 2, 3], "{trail:?}");
    // A forecast knows what was imported.
    let line = "--output json endorsements forecast --config avouch.toml --evidence fleet";
    let report = avouch_in(site.path(), line).expect_status(1).json();
    assert_eq!(report["judged"], 2, "{report}");
}

#[test]
fn an_import_goes_to_one_place() {
    let installation = installation("import-place");
    let site = &installation.folder;
    for line in ["first.bundle --into inside", "first.bundle --data-dir elsewhere"] {
        let run = import(site, line);
        run.expect_status(2);
    }
    avouch_in(site.path(), "endorsements import first.bundle").expect_status(2);
    avouch_in(site.path(), "endorsements import first.bundle --data-dir data").expect_status(2);
    assert!(!site.join("inside").exists());
}
