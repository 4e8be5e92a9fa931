//! A site without a network: what was bundled outside is imported inside, a fleet is judged by it, and a
//! TCB recovery names who would fail. Inside there is no interface but loopback.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use avouch_mint::{Minted, Options, mint};
use avouch_wire::{EvidenceKind, UnixTime};
use serde_json::Value;
use support::air_gap::{self, beyond_loopback, sockets_beyond_loopback};
use support::attester::Attester;
use support::keys::PolicyKey;
use support::service::Installation;
use support::{Folder, avouch_in, text};

/// The machines: the last is a SEV-SNP guest, the others run SGX.
const MACHINES: u32 = 22;
/// Those whose first TCB component is one version behind the recovery.
const BEHIND: [u32; 7] = [2, 3, 5, 8, 13, 17, 21];
const OLD_SVN: u8 = 12;
const NEW_SVN: u8 = 13;

/// A service in production judges by the time on the wall.
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixTime::EPOCH.saturating_add_seconds(since.as_secs().try_into().unwrap())
}

/// A machine's evidence, with collateral whose UpToDate level asks for `level`.
fn machine(number: u32, level: u8, at: UnixTime) -> Minted {
    let mut options = Options::new(at);
    options.platform.machine = number;
    options.platform.svn = if BEHIND.contains(&number) { OLD_SVN } else { NEW_SVN };
    options.platform.level_svn = Some(level);
    if level == NEW_SVN {
        options.platform.evaluation_data_number = 22;
    }
    let kind = if number == MACHINES { EvidenceKind::Snp } else { EvidenceKind::Sgx };
    mint(kind, &options).unwrap()
}

/// What is carried in: two signed bundles. What is inside already: the fleet, the roots to trust, and
/// the certificate of who signs bundles.
fn carry_in(site: &Folder) {
    let at = now();
    for folder in ["fleet", "collected", "recovery"] {
        std::fs::create_dir(site.join(folder)).unwrap();
    }
    for number in 1..=MACHINES {
        let minted = machine(number, OLD_SVN, at);
        site.write(&format!("fleet/machine-{number:02}.json"), &minted.request);
    }
    let (intel, amd) = (machine(1, OLD_SVN, at), machine(MACHINES, OLD_SVN, at));
    site.write("collected/intel.json", &intel.endorsements);
    site.write("collected/amd.pem", &amd.endorsements);
    site.write("recovery/intel.json", machine(1, NEW_SVN, at).endorsements);
    site.write("intel.pem", &intel.root_pem);
    site.write("amd.pem", &amd.root_pem);
    PolicyKey::p256(site, "operator");
    for (out, more) in [("site.json", "--evidence fleet collected"), ("newer.json", "recovery")] {
        let line = format!(
            "endorsements bundle --out {out} --key operator.key.pem --certificate \
             operator.pem {more}"
        );
        avouch_in(site.path(), &line).expect_status(0);
    }
}

const ROOTS: &str = "--trust-root intel=intel.pem --trust-root amd=amd.pem";

const SECTIONS: &str = "\
[endorsements]
paths = [\"inside\"]
amd_crl = \"required\"

[appraisal]
trust_roots = [\"intel=intel.pem\", \"amd=amd.pem\"]

[audit]
keep_evidence = \"all\"
";

fn import(site: &Folder, bundle: &str, more: &str) -> support::Run {
    let line = format!(
        "--output json endorsements import {bundle} --into inside --certificate operator.pem \
         {ROOTS} {more}"
    );
    avouch_in(site.path(), &line)
}

/// The names of the machines that the recovery leaves behind, as a list of them has to have them.
fn behind(name: impl Fn(u32) -> String) -> Vec<String> {
    BEHIND.into_iter().map(name).collect()
}

#[test]
fn a_site_without_a_network_judges_its_fleet_and_foresees_who_fails_by_a_recovery() {
    const OWN: &str =
        "a_site_without_a_network_judges_its_fleet_and_foresees_who_fails_by_a_recovery";
    air_gap::run(OWN, || {
        let installation = Installation::new("air-gap", SECTIONS);
        let site = &installation.folder;
        carry_in(site);
        import(site, "site.json", "").expect_status(0);

        let mut service = installation.start();
        let client = Attester::of(&service);
        for number in 1..=MACHINES {
            let route = if number == MACHINES { "SevSnpVm" } else { "SgxEnclave" };
            let file = site.join(&format!("fleet/machine-{number:02}.json"));
            let status = client.attest(route, std::fs::read_to_string(file).unwrap());
            assert_eq!(status, 200, "machine {number}");
        }
        client.wait_until_kept(MACHINES.into());
        assert_eq!(client.readiness()["ready"], true);
        assert_eq!(sockets_beyond_loopback(service.process()), [""; 0]);
        service.signal("TERM");
        assert!(service.ends_well());

        // Before the recovery counts: by the files of the fleet, and by what the service has kept.
        let dry = import(site, "newer.json", "--dry-run --evidence fleet").expect_status(1).json();
        let machines = dry["machines"].as_array().unwrap();
        assert_eq!(machines.len(), MACHINES as usize);
        let changed =
            machines.iter().filter(|row| row["old"]["decision"] != row["new"]["decision"]);
        let changed: Vec<String> = changed.map(|row| text(&row["file"]).to_owned()).collect();
        assert_eq!(changed, behind(|number| format!("machine-{number:02}.json")));

        let line = format!(
            "--output json endorsements forecast --config avouch.toml --evidence fleet \
             --endorsements inside --endorsements newer.json {ROOTS}"
        );
        let report = avouch_in(site.path(), &line).expect_status(1).json();
        // Each machine twice: as a file, and as the service has kept it.
        assert_eq!(report["judged"], 2 * MACHINES, "{report}");
        let failing: Vec<&Value> = report["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["verdict"] != "permitted")
            .collect();
        let of_files = failing.iter().map(|row| text(&row["name"]).to_owned());
        let of_files: Vec<String> = of_files.filter(|name| name.starts_with("fleet/")).collect();
        assert_eq!(of_files, behind(|number| format!("fleet/machine-{number:02}.json")));
        assert_eq!(failing.len(), 2 * BEHIND.len());
        for row in failing {
            assert_eq!(row["check"], "accepted-tcb-status", "{row}");
            let components = row["components"].as_array().unwrap();
            assert_eq!(components.len(), 1, "{row}");
            assert!(text(&components[0]["component"]).starts_with("SGX component 1"), "{row}");
            assert_eq!(
                (&components[0]["found"], &components[0]["minimum"]),
                (&12.into(), &13.into())
            );
        }
    });
}

#[test]
fn what_was_carried_in_counts_only_whole_and_signed_by_the_operator() {
    const OWN: &str = "what_was_carried_in_counts_only_whole_and_signed_by_the_operator";
    air_gap::run(OWN, || {
        let site = Folder::new("air-gap-refused");
        carry_in(&site);
        let bundle = std::fs::read(site.join("site.json")).unwrap();
        site.write("site.json", &bundle[..bundle.len().saturating_sub(2)]);
        import(&site, "site.json", "").expect_status(1);
        site.write("site.json", bundle);
        std::fs::copy(site.join("newer.json.sig"), site.join("site.json.sig")).unwrap();
        import(&site, "site.json", "").expect_status(1);
        PolicyKey::p256(&site, "other");
        let line = "endorsements bundle --out site.json --key other.key.pem --certificate other.pem collected";
        avouch_in(site.path(), line).expect_status(0);
        import(&site, "site.json", "").expect_status(1);
        assert!(!site.join("inside").exists(), "nothing counts of it");
    });
}

#[test]
fn sockets_to_elsewhere_are_noticed() {
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
         0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 11 1\n\
         1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000 0 0 12 1\n\
         2: 0A00000A:9C40 0101A8C0:01BB 01 00000000:00000000 00:00000000 00000000 0 0 13 1\n\
         3: 0A00000A:9C40 0101A8C0:01BB 01 00000000:00000000 00:00000000 00000000 0 0 14 1\n\
         4: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 15 1\n";
    let inodes = ["11", "12", "13", "15"].map(str::to_owned);
    let found = beyond_loopback(table, &HashSet::from(inodes));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("0101A8C0") && found[1].contains("00000000:1F90"), "{found:?}");
}
