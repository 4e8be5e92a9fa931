//! Tokens and key sets of the real service, through all four steps.
#![cfg(test)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use avouch_client::{
    EnclaveMeasurement, Measurement, Measurements, PublishedCode, RelyingParty, ServiceVerifier,
    TrustVerdict, WorkloadMeasurement,
};
use avouch_endorsements::EndorsementSet;
use avouch_token::{Expectations, Jwks, Outcome, check_key_binding};
use avouch_wire::{FailedCheck as _, UnixTime};
use serde_json::Value;
use support::{part, vectors};

/// `MRENCLAVE` of the service in May 2022.
const MR_ENCLAVE_2022: &str = "b3cdb7c6d8da25088334d8864c06794f0cd7f505708abe44cc074c1e6ae0e283";
/// `MRENCLAVE` of the service in July 2021.
const MR_ENCLAVE_2021: &str = "35e2364e39c5514e29a6189bbe9aeb7249e0c16245cdf1d4a7bd0fd65d259d52";
/// `MRSIGNER` in July 2021.
const MR_SIGNER_2021: &str = "5e5410aaf99a32e32df2a97d579e65f8310f274816ec4f34cedeeb1be410a526";
/// `MRSIGNER` in May 2022.
const MR_SIGNER_2022: &str = "74ba5fba208571cf99e1f7158e6536a05bbb6ce7807eef8f6a97f64a7af64b83";

/// Each recorded token with the scenario that it is in, in the order of files.
fn tokens(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "json")) {
        let scenario: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for exchange in scenario["exchanges"].as_array().into_iter().flatten() {
            let body = exchange["response"]["body"].as_str().unwrap_or_default();
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            if let Some(token) = body["token"].as_str() {
                let name = file.file_stem().unwrap().to_string_lossy().into_owned();
                found.push((name, token.to_owned()));
            }
        }
    }
    found
}

/// The recorded key sets that list a key of this name.
fn key_set(folder: &Path, kid: &str) -> Jwks {
    let mut files: Vec<_> = std::fs::read_dir(folder.join("certs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let sets = files.iter().map(|file| std::fs::read(file).unwrap());
    let lists = |body: &Vec<u8>| {
        let set: Value = serde_json::from_slice(body).unwrap();
        set["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid)
    };
    Jwks::parse(&sets.into_iter().find(lists).unwrap()).unwrap()
}

fn verifier(folder: &Path, accept_what_the_service_was: bool) -> ServiceVerifier {
    let collateral = folder.join("../intel/collateral/sgx-00906ed50000-e12-2022-04-26-v2.json");
    let set = EndorsementSet::load(&[collateral]).unwrap();
    let mut settings = ServiceVerifier::settings();
    if accept_what_the_service_was {
        settings.intel.refuse_debuggable = false;
        settings.intel.tcb_statuses = "any".parse().unwrap();
    }
    support::verifier("", set, settings)
}

fn measurements(mr_enclave: &str, mr_signer: &str) -> Measurements {
    let workload = WorkloadMeasurement::Sgx(EnclaveMeasurement {
        mr_enclave: Some(serde_json::from_value(mr_enclave.into()).unwrap()),
        mr_signer: Some(serde_json::from_value(mr_signer.into()).unwrap()),
        ..EnclaveMeasurement::default()
    });
    let name = "the service".to_owned();
    let start = UnixTime::EPOCH;
    Measurements::new(vec![Measurement {
        name,
        announced_at: start,
        in_force_from: start,
        replaces: None,
        withdrawn_at: None,
        workload,
    }])
    .unwrap()
}

fn at_issue(token: &str) -> Expectations {
    let claims = part(token, 1);
    let issued_at = UnixTime::from_seconds(claims["iat"].as_i64().unwrap()).unwrap();
    let issuer = Some(claims["iss"].as_str().unwrap().to_owned());
    Expectations { issuer, ..Expectations::at(issued_at) }
}

fn failed(verdict: &TrustVerdict) -> Option<&'static str> {
    verdict.failure().map(|check| check.name)
}

/// The steps that went so, of a token judged at the moment it was issued.
fn judge(folder: &Path, token: &str, party: &RelyingParty<'_>) -> TrustVerdict {
    let keys = key_set(folder, part(token, 0)["kid"].as_str().unwrap());
    party.verify(token, &keys, &at_issue(token))
}

/// A moment at which the collateral of April 2022 is in force.
fn in_may_2022() -> UnixTime {
    UnixTime::from_rfc3339("2022-05-11T23:00:00Z").unwrap()
}

#[test]
fn every_recorded_token_passes_the_first_step_and_needs_collateral_of_its_time_for_the_second() {
    let Some(folder) = vectors().map(|all| all.join("maa-wire")) else { return };
    let verifier = verifier(&folder, true);
    let party = RelyingParty { service: Some(&verifier), code: None, demands_evidence: true };
    let mut seen = BTreeMap::<(i64, &'static str, String), usize>::new();
    for (_, token) in tokens(&folder) {
        let verdict = judge(&folder, &token, &party);
        let year = 1970 + part(&token, 1)["iat"].as_i64().unwrap() / 31_556_952;
        let outcomes = format!("{:?}", verdict.steps().each_ref().map(|step| step.outcome));
        *seen.entry((year, failed(&verdict).unwrap(), outcomes)).or_default() += 1;
    }
    let first = "[Passed, Failed, NotChecked, NotChecked, NotChecked]";
    let none = "[Failed, NotChecked, NotChecked, NotChecked, NotChecked]";
    let expected = [
        // RSA-1024 is no proof any more.
        ((2020, "token-key", none), 2),
        ((2021, "root-ca-crl-not-yet-valid", first), 43),
        // Tokens for draft policies.
        ((2021, "token-algorithm", none), 2),
        ((2022, "pck-crl-expired", first), 12),
        ((2022, "token-algorithm", none), 1),
    ];
    let seen = seen
        .iter()
        .map(|((year, check, outcomes), count)| ((*year, *check, outcomes.as_str()), *count));
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[test]
fn the_service_of_2021_and_2022_was_a_genuine_enclave_that_could_be_debugged() {
    let Some(folder) = vectors().map(|all| all.join("maa-wire")) else { return };
    for (file, mr_enclave, mr_signer) in [
        ("cplarryoattestationaad-cpp-20220531", MR_ENCLAVE_2022, MR_SIGNER_2022),
        ("sharedwus-cpp-20220531", MR_ENCLAVE_2022, MR_SIGNER_2022),
        ("pylarryoattestationaad-py100", MR_ENCLAVE_2021, MR_SIGNER_2021),
        ("pylarryoattestationiso-py100", MR_ENCLAVE_2021, MR_SIGNER_2021),
        ("sharedwus-py100", MR_ENCLAVE_2021, MR_SIGNER_2021),
    ] {
        let body = std::fs::read(folder.join(format!("certs/{file}.json"))).unwrap();
        let keys = Jwks::parse(&body).unwrap();
        let key = &keys.keys()[0];
        let strict = verifier(&folder, false).verify(key, in_may_2022()).unwrap_err();
        assert_eq!(strict.check(), "debuggable", "{file}");
        let service = verifier(&folder, true).verify(key, in_may_2022()).unwrap();
        let workload = service.workload().unwrap();
        check_key_binding(key.key(), workload.report_data().as_bytes()).unwrap();
        let own = measurements(mr_enclave, mr_signer);
        own.judge(&workload, in_may_2022()).unwrap();
        for other in
            [measurements(&"11".repeat(32), mr_signer), measurements(mr_enclave, &"11".repeat(32))]
        {
            let error = other.judge(&workload, in_may_2022()).unwrap_err();
            assert_eq!(error.check(), "service-measurement", "{file}");
        }
        // Another key of the same set is not the enclave's, and has no evidence of its own.
        for other in &keys.keys()[1..] {
            assert!(check_key_binding(other.key(), workload.report_data().as_bytes()).is_err());
            let error = verifier(&folder, true).verify(other, in_may_2022()).unwrap_err();
            assert_eq!(error.check(), "service-evidence-absent", "{file}");
        }
    }
}

#[test]
fn a_token_of_2022_passes_all_four_steps_at_a_moment_that_its_collateral_covers() {
    let Some(folder) = vectors().map(|all| all.join("maa-wire")) else { return };
    let verifier = verifier(&folder, true);
    let (own, other) = (
        measurements(MR_ENCLAVE_2022, MR_SIGNER_2022),
        measurements(MR_ENCLAVE_2021, MR_SIGNER_2021),
    );
    let all = tokens(&folder);
    let (_, token) = all.iter().find(|(name, _)| name == "cpp-sgx-simple-shared").unwrap();
    let keys = key_set(&folder, part(token, 0)["kid"].as_str().unwrap());
    // The collateral at hand ended five days before the token began: so much difference of clocks is
    // forgiven here as lies between them, and nowhere else.
    let at = UnixTime::from_rfc3339("2022-05-26T22:00:00Z").unwrap();
    let expectations = Expectations { at, slack_seconds: 6 * 86_400, ..at_issue(token) };
    for (list, last, trusted) in [(&own, Outcome::Passed, true), (&other, Outcome::Failed, false)] {
        let party = RelyingParty {
            service: Some(&verifier),
            code: Some(PublishedCode::List(list)),
            demands_evidence: true,
        };
        let verdict = party.verify(token, &keys, &expectations);
        let outcomes = verdict.steps().each_ref().map(|step| step.outcome);
        let passed = Outcome::Passed;
        assert_eq!(outcomes, [passed, passed, passed, last, Outcome::NotChecked]);
        assert_eq!(verdict.is_fully_trusted(), trusted);
    }
}

#[test]
fn the_sample_of_2025_names_a_key_that_no_set_has_and_is_refused() {
    let Some(folder) = vectors().map(|all| all.join("maa-wire")) else { return };
    let token = std::fs::read_to_string(folder.join("sample-sevsnp-token-2025.jwt")).unwrap();
    let token = token.trim();
    let verifier = verifier(&folder, true);
    let party = RelyingParty { service: Some(&verifier), code: None, demands_evidence: false };
    for (file, check) in [
        ("certs/cplarryoattestationaad-cpp-20220531.json", "token-key"),
        ("certs/sharedwus-py100.json", "token-key"),
    ] {
        let keys = Jwks::parse(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let verdict = party.verify(token, &keys, &at_issue(token));
        let names: Vec<_> = verdict.checks().iter().map(|check| check.name).collect();
        assert_eq!(names, ["token-form", "token-algorithm", check], "nothing of it is believed");
        assert!(verdict.accepted().is_none());
    }
}

#[test]
fn keys_of_2020_are_too_short_whatever_their_certificates_say() {
    let Some(folder) = vectors().map(|all| all.join("maa-wire")) else { return };
    for file in ["sample-certs-2020-05.json", "certs/shareduks-py100b1.json"] {
        let keys = Jwks::parse(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        assert!(!keys.unusable().is_empty(), "{file}");
        for key in keys.keys() {
            let error = verifier(&folder, true).verify(key, in_may_2022()).unwrap_err();
            assert_eq!(
                error.check(),
                "service-evidence-absent",
                "{file}: the enclave's key is short"
            );
        }
    }
}
