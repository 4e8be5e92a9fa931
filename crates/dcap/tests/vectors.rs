//! Every entry of the manifest of real evidence gives what it lists, at its own time.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test may stop the process")]

mod support;

use std::collections::BTreeSet;

use avouch_dcap::open_enclave::{Endorsements, Evidence, OpenEnclave};
use avouch_dcap::{
    Acceptance, Body, CertificationData, Collateral, ComponentStatus, Quote, Refusal, TcbStatus,
    TrustAnchors, VerifiedQuote, converge, verify, verify_platform,
};
use avouch_wire::{FailedCheck as _, Hex};
use serde_json::{Value, json};
use support::{json, read, text, time, unwrap_quote, vectors};

fn strings(value: &Value) -> BTreeSet<&str> {
    value.as_array().expect("list").iter().map(|one| one.as_str().expect("text")).collect()
}

fn check_verdict(name: &str, verified: &VerifiedQuote, case: &Value) {
    let tcb = verified.tcb();
    assert_eq!(tcb.status.as_str(), text(case, "status"), "{name}");
    // The manifest counts the TDX module to the platform.
    let listed = tcb.platform.as_ref().expect("a level fits the platform");
    let platform = match tcb.tdx_module.as_ref().map(|module| module.status) {
        Some(TcbStatus::OutOfDate) => converge(listed.status, ComponentStatus::OutOfDate),
        _ => listed.status,
    };
    assert_eq!(platform.as_str(), text(case, "platform_status"), "{name}");
    assert_eq!(tcb.quoting_enclave.status.as_str(), text(case, "qe_status"), "{name}");
    let found: BTreeSet<&str> = tcb.advisory_ids.iter().map(String::as_str).collect();
    assert_eq!(found, strings(&case["advisory_ids"]), "{name}");
    assert_eq!(tcb.advisory_ids.len(), found.len(), "{name} lists an advisory twice");
    assert_eq!(listed.tcb_date.to_rfc3339(), text(case, "tcb_date"), "{name}");
    assert!(verified.root().is_built_in);
    let short = tcb.shortfalls.iter().any(|shortfall| shortfall.status != tcb.status);
    assert_eq!(tcb.shortfalls.is_empty(), text(case, "status") == "UpToDate" && !short, "{name}");
}

#[test]
fn every_case_gives_its_listed_status_and_advisories() {
    let Some(folder) = vectors() else { return };
    let mut cases = 0;
    for entry in json(&folder, "manifest.json").as_array().expect("list") {
        let name = text(entry, "file");
        let bytes = read(&folder, name);
        let quote = unwrap_quote(name, &bytes);
        for case in entry["cases"].as_array().expect("list") {
            let at = time(&case["evaluation_time_unix"]);
            let collateral = Collateral::parse_json(&read(&folder, text(case, "collateral")))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let outcome = verify(&quote, &collateral, &TrustAnchors::intel(), at);
            match (case["error"].as_str(), outcome) {
                (None, Ok(verified)) => check_verdict(name, &verified, case),
                (Some("no matching TCB level"), Err(error)) => {
                    assert_eq!(error.check(), "tcb-level", "{name}: {error}");
                    assert!(error.to_string().contains("short by"), "{name}: {error}");
                }
                (expected, outcome) => panic!("{name}: expected {expected:?}, got {outcome:?}"),
            }
            cases += 1;
        }
    }
    assert!(cases >= 36, "only {cases} cases");
}

/// The manifest's names of body fields, as facts have them.
fn check_fields(name: &str, quote: &Quote<'_>, entry: &Value) {
    let listed = &entry["body"];
    let hex = |key: &str| json!(text(listed, key));
    match quote.body() {
        Body::Enclave(report) => {
            let facts = serde_json::to_value(report).expect("json");
            for (fact, key) in [
                ("mr_enclave", "mrenclave"),
                ("mr_signer", "mrsigner"),
                ("attributes", "attributes"),
                ("config_id", "configid"),
                ("isv_ext_prod_id", "isvextprodid"),
                ("isv_family_id", "isvfamilyid"),
                ("report_data", "reportdata"),
            ] {
                assert_eq!(facts[fact], hex(key), "{name}: {fact}");
            }
            for (fact, key) in
                [("isv_prod_id", "isvprodid"), ("isv_svn", "isvsvn"), ("config_svn", "configsvn")]
            {
                assert_eq!(facts[fact], listed[key], "{name}: {fact}");
            }
            let misc_select = u32::from_le_bytes(report.misc_select.0);
            assert_eq!(json!(misc_select), listed["miscselect"], "{name}");
            assert_eq!(json!(report.attributes.is_debuggable()), listed["debug"], "{name}");
            assert_eq!(json!(report.attributes.has_kss()), listed["kss"], "{name}");
        }
        Body::Td(report) => {
            let facts = serde_json::to_value(report).expect("json");
            for (fact, key) in [
                ("tee_tcb_svn", "teetcbsvn"),
                ("mr_seam", "mrseam"),
                ("mr_signer_seam", "mrsignerseam"),
                ("seam_attributes", "seamattributes"),
                ("td_attributes", "tdattributes"),
                ("xfam", "xfam"),
                ("mr_td", "mrtd"),
                ("mr_config_id", "mrconfigid"),
                ("mr_owner", "mrowner"),
                ("mr_owner_config", "mrownerconfig"),
                ("rtmr0", "rtmr0"),
                ("rtmr1", "rtmr1"),
                ("rtmr2", "rtmr2"),
                ("rtmr3", "rtmr3"),
                ("report_data", "reportdata"),
            ] {
                assert_eq!(facts[fact], hex(key), "{name}: {fact}");
            }
            assert_eq!(report.v15.is_some(), listed.get("teetcbsvn2").is_some(), "{name}");
            for (fact, key) in [("tee_tcb_svn2", "teetcbsvn2"), ("mr_service_td", "mrservicetd")] {
                assert_eq!(facts.get(fact), listed.get(key), "{name}: {fact}");
            }
            assert_eq!(json!(report.td_attributes.debug()), listed["debug"], "{name}");
        }
    }
}

#[test]
fn every_entry_parses_with_its_listed_fields() {
    let Some(folder) = vectors() else { return };
    let manifest = json(&folder, "manifest.json");
    let entries = manifest.as_array().expect("list");
    assert!(entries.len() >= 27);
    for entry in entries {
        let name = text(entry, "file");
        let bytes = read(&folder, name);
        let quote = unwrap_quote(name, &bytes);
        let code = quote.signature_data().certification_data.code();
        assert_eq!(json!(quote.header().version.code()), entry["quote_version"], "{name}");
        assert_eq!(quote.tee_type().name(), text(entry, "tee"), "{name}");
        assert_eq!(json!(code), entry["certification_data_type"], "{name}");
        assert_eq!(json!(quote.header().untrusted_qe_svn), entry["qe_svn"], "{name}");
        assert_eq!(json!(quote.header().untrusted_pce_svn), entry["pce_svn"], "{name}");
        let trailing = quote.untrusted_trailing();
        assert_eq!(json!(trailing.len()), entry["trailing_bytes"], "{name}");
        let nonzero = trailing.iter().any(|byte| *byte != 0);
        assert_eq!(json!(nonzero), entry["trailing_nonzero"], "{name}");
        check_fields(name, &quote, entry);
    }
}

#[test]
fn every_pck_certificate_gives_its_listed_platform() {
    let Some(folder) = vectors() else { return };
    let mut platforms = 0;
    for entry in json(&folder, "manifest.json").as_array().expect("list") {
        let name = text(entry, "file");
        let Some(case) = entry["cases"].as_array().expect("list").first() else { continue };
        let bytes = read(&folder, name);
        let quote = unwrap_quote(name, &bytes);
        let at = time(&case["evaluation_time_unix"]);
        let platform = verify_platform(&quote, &TrustAnchors::intel(), at)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let pck = platform.pck();
        assert_eq!(pck.fmspc.to_string(), text(entry, "fmspc"), "{name}");
        assert_eq!(pck.pce_id.to_string(), text(entry, "pceid"), "{name}");
        assert_eq!(json!(pck.tcb.components), entry["pck_tcb_components"], "{name}");
        assert_eq!(json!(pck.tcb.pce_svn), entry["pck_pcesvn"], "{name}");
        assert_eq!(pck.tcb.cpu_svn.to_string(), text(entry, "pck_cpusvn"), "{name}");
        assert_eq!(json!(pck.sgx_type as u8), entry["pck_sgx_type"], "{name}");
        assert_eq!(platform.pck_ca_name(), text(entry, "pck_issuer"), "{name}");
        platforms += 1;
    }
    assert!(platforms >= 20, "only {platforms}");
}

#[test]
fn quotes_without_a_chain_say_what_they_need() {
    let Some(folder) = vectors() else { return };
    let at = "2025-07-04T10:00:00Z".parse().expect("time");
    for (name, wanted) in [
        ("sgx/sgx-v3-certtype3-ppid3072.bin", "encrypted PPID"),
        ("sgx/sgx-v3-release-qvl-sample-type1.bin", "PPID"),
    ] {
        let bytes = read(&folder, name);
        let quote = Quote::parse(&bytes).expect(name);
        let data = quote.signature_data().certification_data;
        assert!(!matches!(data, CertificationData::PckChain(_)));
        let error = verify_platform(&quote, &TrustAnchors::intel(), at).expect_err(name);
        assert_eq!(error.check(), "certification-data-type");
        let message = error.to_string();
        assert!(message.contains("needs") && message.contains(wanted), "{message}");
    }
}

#[test]
fn damaged_chains_and_signatures_of_old_quotes_are_refused() {
    let Some(folder) = vectors() else { return };
    let at = "2020-06-01T00:00:00Z".parse().expect("time");
    let anchors = TrustAnchors::intel();
    // Leaf, root, intermediate: an order that a real platform writes.
    let name = "sgx/sgx-v3-debug-00906ea10000.bin";
    let bytes = read(&folder, name);
    verify_platform(&Quote::parse(&bytes).expect(name), &anchors, at).expect(name);

    let bytes = read(&folder, "oe/oe-report-bad-chain.bin");
    let quote = OpenEnclave::parse(&bytes).expect("report");
    let error = verify_platform(quote.quote(), &anchors, at).expect_err("bad chain");
    assert!(error.check().starts_with("pck-"), "{}: {error}", error.check());
}

#[test]
fn open_enclave_evidence_binds_its_custom_claims() {
    let Some(folder) = vectors() else { return };
    let collateral = "collateral/sgx-00906ed50000-e12-2022-04-26-v2.json";
    let collateral = Collateral::parse_json(&read(&folder, collateral)).expect("collateral");
    let at = "2022-05-11T23:00:00Z".parse().expect("time");
    let with_header = read(&folder, "oe/oe-evidence-sgx-ecdsa-header-v3.derived.bin");
    let without = read(&folder, "oe/oe-evidence-sgx-ecdsa-noheader.bin");
    for evidence in [
        Evidence::parse(&with_header).expect("with header"),
        Evidence::parse_without_header(&without).expect("without header"),
    ] {
        let verified =
            verify(evidence.quote(), &collateral, &TrustAnchors::intel(), at).expect("verifies");
        assert_eq!(verified.tcb().status.as_str(), "SWHardeningNeeded");
        let claims = evidence.bind_custom_claims(&verified).expect("binds the hash of nothing");
        assert!(claims.as_bytes().is_empty());
    }
    let mut padded = without;
    padded.push(0);
    let evidence = Evidence::parse_without_header(&padded).expect("one byte of claims");
    let verified =
        verify(evidence.quote(), &collateral, &TrustAnchors::intel(), at).expect("verifies");
    let error = evidence.bind_custom_claims(&verified).expect_err("other claims");
    assert_eq!(error.check(), "custom-claims");
}

#[test]
fn an_endorsements_blob_is_the_same_collateral_as_its_bundle() {
    let Some(folder) = vectors() else { return };
    let at = "2022-05-11T23:00:00Z".parse().expect("time");
    let blob = read(&folder, "oe/oe-endorsements-sgx-2022-04.bin");
    let endorsements = Endorsements::parse(&blob).expect("blob");
    let from_blob = endorsements.collateral().expect("collateral");
    let verified = from_blob.verify(&TrustAnchors::intel(), at).expect("verifies");
    let bundle = read(&folder, "collateral/sgx-00906ed50000-e12-2022-04-26-v2.json");
    let from_bundle = Collateral::parse_json(&bundle).expect("bundle");
    let other = from_bundle.verify(&TrustAnchors::intel(), at).expect("verifies");
    assert_eq!(verified.hashes(), other.hashes());
    // The blob's elements end in the NUL that MAA's claim hashes.
    let sha256 = |bytes: &[u8]| avouch_pki::digest::sha256(bytes);
    assert_eq!(verified.hashes().tcb_info, sha256(endorsements.parts().tcb_info));
    assert_eq!(verified.hashes().qe_identity, sha256(endorsements.parts().qe_identity));
    assert_eq!(verified.hashes().tcb_info_crl, sha256(endorsements.parts().root_ca_crl));
    let chain = endorsements.parts().tcb_info_issuer_chain;
    assert_eq!(verified.hashes().tcb_info_certs, sha256(chain));
    for length in 0..blob.len() {
        assert!(Endorsements::parse(&blob[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn the_issuer_chain_hash_is_the_one_in_recorded_tokens() {
    let Some(folder) = vectors() else { return };
    let recorded = json(&folder, "maa/recorded-sgx-runtime-json-default-policy.json");
    let recorded = recorded.to_string();
    let at = "2025-05-20T00:00:00Z".parse().expect("time");
    let mut seen = BTreeSet::new();
    for file in std::fs::read_dir(folder.join("collateral")).expect("folder") {
        let bytes = std::fs::read(file.expect("file").path()).expect("bytes");
        let collateral = Collateral::parse_json(&bytes).expect("collateral");
        let window = collateral.untrusted_summary().expect("summary").window;
        let at = if window.check(at).is_ok() { at } else { window.not_before };
        // Some of the pieces of a bundle are younger than its TCB info.
        for days in 0..30 {
            let at = at.saturating_add_seconds(days * 86_400);
            if let Ok(verified) = collateral.verify(&TrustAnchors::intel(), at) {
                seen.insert(verified.hashes().tcb_info_certs.to_string());
                break;
            }
        }
    }
    assert!(seen.iter().any(|hash| recorded.contains(hash)), "{seen:?}");
}

#[test]
fn one_quote_has_another_status_under_another_evaluation_data_number() {
    let Some(folder) = vectors() else { return };
    let bytes = read(&folder, "sgx/sgx-v3-release-00606a000000-a.bin");
    let quote = Quote::parse(&bytes).expect("quote");
    let at = "2025-06-20T10:00:00Z".parse().expect("time");
    for (number, status) in [(17, "SWHardeningNeeded"), (18, "OutOfDate"), (19, "OutOfDate")] {
        let name = format!("collateral/sgx-00606a000000-e{number}-2025-06-06.json");
        let collateral = Collateral::parse_json(&read(&folder, &name)).expect("collateral");
        let requirements = avouch_dcap::CollateralRequirements {
            evaluation_data_number: Some(number),
            ..Default::default()
        };
        let anchors = TrustAnchors::intel();
        let verified = collateral.verify_with(&anchors, at, &requirements).expect("verifies");
        let platform = verify_platform(&quote, &anchors, at).expect("platform");
        let verified = avouch_dcap::verify_quote(&quote, &platform, &verified, at).expect("quote");
        assert_eq!(verified.tcb().status.as_str(), status);
        assert_eq!(verified.tcb().evaluation_data_numbers.lowest(), number);
        let outcome = Acceptance::default().check(&verified, at);
        assert_eq!(outcome.is_ok(), status == "SWHardeningNeeded");

        let other = avouch_dcap::CollateralRequirements {
            evaluation_data_number: Some(number + 1),
            ..Default::default()
        };
        let error = collateral.verify_with(&anchors, at, &other).expect_err("another number");
        assert_eq!(error.check(), "evaluation-data-number");
    }
}

#[test]
fn a_refusal_says_which_component_is_short_and_what_an_update_clears() {
    let Some(folder) = vectors() else { return };
    for entry in json(&folder, "manifest.json").as_array().expect("list") {
        let name = text(entry, "file");
        let bytes = read(&folder, name);
        let quote = unwrap_quote(name, &bytes);
        for case in entry["cases"].as_array().expect("list") {
            let collateral = text(case, "collateral");
            let collateral = Collateral::parse_json(&read(&folder, collateral)).expect(name);
            let at = time(&case["evaluation_time_unix"]);
            let Ok(verified) = verify(&quote, &collateral, &TrustAnchors::intel(), at) else {
                continue;
            };
            let Err(error) = Acceptance::default().check(&verified, at) else { continue };
            let Some(Refusal::TcbStatus { shortfalls, status, .. }) = error.refusals().next()
            else {
                continue;
            };
            assert!(!shortfalls.is_empty(), "{name}: {status}");
            for shortfall in shortfalls {
                println!("{name}: {shortfall}");
                let Some(better) = shortfall.better_status else { continue };
                assert!(better < shortfall.status);
                assert!(!shortfall.missing.is_empty(), "{name}: {shortfall}");
                for missing in &shortfall.missing {
                    assert_eq!(missing.has + missing.short_by, missing.needs);
                }
            }
        }
    }
}

#[test]
fn a_migratable_td_is_verified_and_only_accepted_on_request() {
    let Some(folder) = vectors() else { return };
    let bytes = read(&folder, "tdx/tdx-v5-migratable-00806f050000.bin");
    let quote = Quote::parse(&bytes).expect("quote");
    let collateral = read(&folder, "collateral/tdx-00806f050000-e17-2025-06-04.json");
    let collateral = Collateral::parse_json(&collateral).expect("collateral");
    let at = "2025-06-19T09:00:00Z".parse().expect("time");
    let verified = verify(&quote, &collateral, &TrustAnchors::intel(), at).expect("verifies");
    let mut acceptance =
        Acceptance { tcb_statuses: "any".parse().expect("any"), ..Default::default() };
    let error = acceptance.check(&verified, at).expect_err("migratable");
    assert_eq!(error.check(), "migratable");
    acceptance.refuse_migratable = false;
    if let Err(error) = acceptance.check(&verified, at) {
        assert_eq!(error.check(), "service-td");
        acceptance.refuse_service_td = false;
        acceptance.check(&verified, at).expect("accepted");
    }
}

#[test]
fn facts_have_the_names_that_checks_rely_on() {
    let Some(folder) = vectors() else { return };
    let bytes = read(&folder, "tdx/tdx-v5-relaunch-90c06f000000.bin");
    let collateral = read(&folder, "collateral/tdx-90c06f000000-e18-2025-02-26.json");
    let collateral = Collateral::parse_json(&collateral).expect("collateral");
    let at = "2025-03-10T11:00:00Z".parse().expect("time");
    let quote = Quote::parse(&bytes).expect("quote");
    let verified = verify(&quote, &collateral, &TrustAnchors::intel(), at).expect("verifies");
    let facts = serde_json::to_value(&verified).expect("json");
    assert_eq!(facts["tcb_status"], "TDRelaunchAdvised");
    assert_eq!(facts["advisory_ids"].as_array().map(Vec::len), Some(2));
    // The date of the whole verdict is the oldest of all parts: here the TDX module's.
    assert_eq!(facts["tcb_date"], "2024-03-13T00:00:00Z");
    assert_eq!(facts["fmspc"], "90c06f000000");
    assert_eq!(facts["tee"], "tdx");
    for key in ["mr_td", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mr_seam", "report_data"] {
        let value = facts[key].as_str().unwrap_or_else(|| panic!("{key} in {facts}"));
        assert!(value.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)), "{key}");
    }
    assert!(Hex::<48>::from_hex(text(&facts, "mr_td")).is_ok());
}
