//! Guests that started Windows: each fact that Windows measured has a claim of its own, and no other's.
#![cfg(test)]

mod support;

use std::sync::{Arc, LazyLock};

use avouch_endorsements::EndorsementSet;
use avouch_engine::{Anchors, AppraisalSettings, Engine, Vendor};
use avouch_mint::bootlog::windows::{Vbs, WindowsBoot, windows};
use avouch_mint::tpm::Measurements;
use avouch_mint::vbs::{self, VbsOptions};
use avouch_mint::{Options, mint};
use avouch_wire::EvidenceKind;
use serde_json::{Map, Value, json};
use support::{at, policy_of};

const AT: &str = "2026-05-01T12:00:00Z";

/// Who signs Windows here.
static WINDOWS_CA: LazyLock<String> =
    LazyLock::new(|| vbs::mint(&VbsOptions::new(at(AT))).unwrap().windows_ca_pem);

/// A boot of which nothing is to be said, but that it is Windows.
fn plain() -> WindowsBoot {
    let vbs = Vbs { vsm_required: true, mandatory: true, iommu_required: true, hvci: false };
    WindowsBoot { vbs: Some(vbs), elam: None, ..WindowsBoot::default() }
}

fn claims(boot: &WindowsBoot) -> Map<String, Value> {
    let mut options = Options::new(at(AT));
    let measured = Measurements::of(&windows(boot).unwrap(), None).unwrap();
    options.guest.measured = Some(measured);
    let minted = mint(EvidenceKind::AzureGuest, &options).unwrap();
    let mut anchors = Anchors::built_in();
    for (vendor, pem) in [(Vendor::Tpm, minted.root_pem.as_str()), (Vendor::Windows, &WINDOWS_CA)] {
        anchors = anchors.with_roots(Some(vendor), pem.as_bytes()).unwrap();
    }
    let mut endorsements = EndorsementSet::default();
    endorsements.add(&minted.endorsements).unwrap();
    let engine = Engine::new(anchors, Arc::new(endorsements));
    let (policy, settings) = (policy_of(EvidenceKind::AzureGuest), AppraisalSettings::default());
    let appraisal =
        engine.appraise(&support::request(&minted), &policy, &settings, at(AT)).unwrap();
    appraisal.permitted().unwrap().claims()
}

/// The facts about Windows that are claimed to be so.
fn held(claims: &Map<String, Value>) -> Vec<&str> {
    let about = [
        "bootdebug-enabled",
        "debuggersdisabled",
        "elam-enabled",
        "flightsigning-enabled",
        "hvci-policy",
        "hypervisordebug-enabled",
        "kerneldebug-enabled",
        "signingdisabled",
        "testsigning-enabled",
    ];
    let is_so = |name: &&str| {
        let value = &claims[&format!("avouch-vtpm-{name}")];
        assert!([json!(true), json!(false), json!(1), json!(0)].contains(value), "{name}: {value}");
        assert_eq!(value.is_u64(), *name == "hvci-policy", "{name}: {value}");
        *value == json!(true) || *value == json!(1)
    };
    about.into_iter().filter(is_so).collect()
}

#[test]
fn each_fact_of_windows_is_claimed_by_its_own_name() {
    type Change = fn(&mut WindowsBoot);
    let cases: [(Change, &[&str]); 8] = [
        (|_| {}, &["debuggersdisabled", "signingdisabled"]),
        (|boot| boot.boot_debugging = true, &["bootdebug-enabled", "signingdisabled"]),
        (|boot| boot.kernel_debugging = true, &["kerneldebug-enabled", "signingdisabled"]),
        (|boot| boot.hypervisor_debugging = true, &["hypervisordebug-enabled", "signingdisabled"]),
        (|boot| boot.test_signing = true, &["debuggersdisabled", "testsigning-enabled"]),
        (|boot| boot.flight_signing = true, &["debuggersdisabled", "flightsigning-enabled"]),
        (
            |boot| boot.elam = Some("driver".to_owned()),
            &["debuggersdisabled", "elam-enabled", "signingdisabled"],
        ),
        (
            |boot| boot.vbs.as_mut().unwrap().hvci = true,
            &["debuggersdisabled", "hvci-policy", "signingdisabled"],
        ),
    ];
    for (index, (change, expected)) in cases.into_iter().enumerate() {
        let mut boot = plain();
        change(&mut boot);
        let claims = claims(&boot);
        assert_eq!(claims["secureboot"], true, "case {index}");
        assert_eq!(held(&claims), expected, "case {index}");
    }
}

/// What the client says of its system, and what the log says, are told apart.
#[test]
fn what_a_client_says_of_its_system_stands_under_its_own_names() {
    let claims = claims(&plain());
    for (name, value) in [
        ("osbuild", json!("NotApplication")),
        ("osdistro", json!("Minted")),
        ("ostype", json!("Linux")),
        ("osversion-major", json!(24)),
        ("osversion-minor", json!(4)),
        ("attestation-protocol-ver", json!("2.0")),
    ] {
        assert_eq!(claims[&format!("avouch-vtpm-{name}")], value, "{name}");
    }
}
