//! Published policies for Windows, over what logs of real machines prove.

use std::path::PathBuf;

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::json::Events;
use avouch_bootlog::replay::{Judged, judge, values};
use avouch_bootlog::windows::{Session, WindowsAuthorities};
use avouch_mint::bootlog::{WindowsBoot, windows};
use avouch_policy::{Claim, Limits, Policy};
use serde_json::{Value, json};

use super::{bank, minted_ca};
use crate::support::{Machine, judged, minted, parse, read, vectors};

/// The policy of Windows' documentation for health attestation, which reads all that there is.
const HEALTH: &str = "wild-healthattestation-csp";
/// The sample of the documentation of MAA.
const SAMPLE: &str = "doc-tpmsample-v12";

fn corpus() -> Option<PathBuf> {
    vectors("tpm").and(vectors("policy"))
}

/// What a policy issues for a log, with the tags of Windows if they are believed.
fn issued(policy: &str, judged: &Judged<'_>, windows: &WindowsAuthorities) -> Value {
    let (bank, facts) = (bank(judged), BootFacts::read(judged));
    let session = Session::read(bank, windows);
    let events = Events::of(bank, &facts, |event| {
        session.as_ref().ok().and_then(|session| session.measured().processed_data(event))
    });
    let mut claims = vec![Claim::service("aikValidated", true)];
    claims.extend(events.map(|events| Claim::service("events", events.to_json())).ok());
    let limits = Limits::default();
    let policy = Policy::compile(policy, &limits).unwrap();
    let outcome = policy.evaluate(&claims, &limits).unwrap();
    assert!(outcome.decision.is_permit());
    avouch_policy::token::contribution(&outcome.outgoing).to_json()
}

fn of_log(policy: &str, path: &str) -> Value {
    let policy =
        std::fs::read_to_string(corpus().unwrap().join(format!("{policy}.policy.txt"))).unwrap();
    let bytes = read(path);
    let log = parse(&bytes);
    issued(&policy, &judge(&log, &values(&log)), &WindowsAuthorities::default())
}

fn assert_issued(found: &Value, expected: &Value, path: &str) {
    for (claim, value) in expected.as_object().unwrap() {
        let shown = found.get(claim).cloned().unwrap_or_default();
        assert_eq!(shown, *value, "{path}: {claim} of {found}");
    }
}

#[test]
fn health_attestation_of_a_trusted_launch_machine() {
    if corpus().is_none() {
        return;
    }
    let path = "azure/trusted-launch-windows/eventlog.bin";
    let found = of_log(HEALTH, path);
    let expected = json!({
        "secureBootEnabled": true,
        "codeIntegrityEnabled": true,
        "bitlockerEnabled": false,
        "WindowsDefenderElamDriverLoaded": true,
        "bootDebuggingDisabled": true,
        "osKernelDebuggingDisabled": true,
        "depPolicy": 1,
        "testSigningDisabled": true,
        "flightSigningNotEnabled": true,
        "vbsEnabled": false,
        "hvciEnabled": false,
        "iommuEnabled": false,
        "bootMgrSvn": 1,
        "notSafeMode": true,
        "notWinPE": true,
    });
    assert_issued(&found, &expected, path);
    assert!(found["bootRevListInfo"].is_string(), "{found}");
}

#[test]
fn health_attestation_of_a_notebook_with_virtual_secure_mode() {
    if corpus().is_none() {
        return;
    }
    let path = "windows/guardoss-x1carbon-vsm-keys.bin";
    let expected = json!({
        "secureBootEnabled": true,
        "codeIntegrityEnabled": true,
        "bitlockerEnabled": true,
        "bitlockerEnabledValue": 4,
        "WindowsDefenderElamDriverLoaded": true,
        "bootDebuggingDisabled": true,
        "osKernelDebuggingDisabled": true,
        "testSigningDisabled": true,
        "vbsEnabled": true,
        "hvciEnabled": true,
        "iommuEnabled": false,
        "bootMgrSvn": 1,
    });
    let found = of_log(HEALTH, path);
    assert_issued(&found, &expected, path);
    assert!(found.get("codeIntegrityPolicy").is_some(), "{found}");
}

#[test]
fn the_sample_of_the_documentation_over_real_machines() {
    if corpus().is_none() {
        return;
    }
    for (path, bitlocker) in [
        ("azure/trusted-launch-windows/eventlog.bin", false),
        ("windows/guardoss-r340/eventlog.bin", false),
        ("windows/guardoss-t480s/eventlog.bin", false),
        ("windows/guardoss-x1carbon-vsm-keys.bin", true),
    ] {
        let expected = json!({
            "aikValidated": true,
            "SecureBootEnabled": true,
            "CodeIntegrityEnabled": true,
            "BitlockerStatus": bitlocker,
            "ELAMDriverLoaded": true,
        });
        assert_issued(&of_log(SAMPLE, path), &expected, path);
    }
}

#[test]
fn policies_see_nothing_good_in_attacks() {
    let Some(corpus) = corpus() else { return };
    let policy = std::fs::read_to_string(corpus.join(format!("{HEALTH}.policy.txt"))).unwrap();
    for (attack, test_signing_disabled) in [
        ("34-windows-log-with-vbs-extended-under-linux", false),
        ("36-vbs-tags-after-wbcl-separator", true),
        ("37-control-windows-testsigning-on", false),
        ("38-windows-testsigning-data-cleared-digest-kept", false),
    ] {
        let machine = Machine::recorded(&format!("attacks/{attack}"));
        let found = issued(&policy, &machine.judged(), &WindowsAuthorities::default());
        let expected = json!({
            "testSigningDisabled": test_signing_disabled,
            "vbsEnabled": false,
            "hvciEnabled": false,
        });
        assert_issued(&found, &expected, attack);
    }
}

/// The policy that `docs/evidence/windows-boot.md` shows.
#[test]
fn the_policy_of_the_page_issues_what_it_says() {
    let page = std::fs::read_to_string(super::page::PAGE).unwrap();
    let policy = crate::page::block(&page, "policy");
    let clean = WindowsBoot::default;
    for (boot, expected) in [
        (clean(), true),
        (WindowsBoot { test_signing: true, ..clean() }, false),
        (WindowsBoot { vbs: None, ..clean() }, true),
    ] {
        let (bytes, registers) = minted(&windows(&boot).unwrap());
        let log = parse(&bytes);
        let found = issued(&policy, &judged(&log, &registers), &minted_ca());
        assert_eq!(found["testSigningDisabled"], expected, "{found}");
        assert_eq!(found["vbsRequired"], boot.vbs.is_some(), "{found}");
    }
}
