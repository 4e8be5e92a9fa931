#![cfg(test)]

use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalRequest, AppraisalSettings, Challenged, Engine, PolicyInForce,
    TokenForm, Vendor,
};
use avouch_mint::bootlog::Ground;
use avouch_mint::tpm::{TpmMachine, TpmOptions, mint};
use avouch_token::{
    KeySpec, Payload, PublishedKey, SigningKey, TokenIssuer, TokenTimes, jwks_document,
    provider_certificate,
};
use avouch_wire::EvidenceKind;
use serde_json::Map;

use super::*;

const ISSUER: &str = "https://attest.example";

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

/// Good evidence of a machine: it is of a platform, and of no workload in a TEE.
fn of_a_machine() -> Appraisal {
    let machine = TpmMachine { boot: Ground::Linux, measures_files: false };
    let measured = machine.measurements().unwrap();
    let options = TpmOptions { log: measured.log, pcrs: measured.pcrs, ..TpmOptions::new(at()) };
    let minted = mint(&options).unwrap();
    let root = minted.aik_root_pem.as_bytes();
    let anchors = Anchors::built_in().with_roots(Some(Vendor::Tpm), root).unwrap();
    let engine = Engine::new(anchors, Arc::new(EndorsementSet::default()));
    let challenge = minted.challenge.to_vec();
    let request = AppraisalRequest {
        kind: EvidenceKind::Tpm,
        evidence: minted.request.into_bytes(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: Some(Challenged { challenge, aik: None, enrolment: None }),
        nonce: None,
        token_form: TokenForm::Current,
    };
    let permit = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
    let permit = PolicyInForce::from_text(permit).unwrap();
    engine.appraise(&request, &permit, &AppraisalSettings::default(), at()).unwrap()
}

fn token() -> VerifiedToken {
    let key = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
    let certificate = provider_certificate(&*key, ISSUER, None).unwrap();
    let published = PublishedKey::new(&*key, &[certificate]);
    let keys = Jwks::parse(jwks_document([&published]).as_bytes()).unwrap();
    let claims = Map::new();
    let payload = Payload::new(&claims, TokenTimes::attestation(at())).unwrap();
    let token = TokenIssuer::new(key, ISSUER).unwrap().sign(&payload).unwrap();
    verify_token(&token, &keys, &Expectations::at(at())).into_verified().unwrap()
}

/// No kind of evidence that is read today gets here; the next one that does must not pass as a service in a TEE.
#[test]
fn evidence_of_no_workload_fails_whatever_is_demanded() {
    let service = VerifiedService::of(of_a_machine());
    assert!(service.workload().is_none());
    assert_eq!(service.measured_code().unwrap_err(), crate::CodeNotMeasured::NoWorkload);
    for demands_evidence in [false, true] {
        let party = RelyingParty { service: None, code: None, demands_evidence };
        let mut checks = Checks::default();
        let steps = party.judge_verified(&service, &token(), &Expectations::at(at()), &mut checks);
        let outcomes = steps.each_ref().map(|step| step.outcome);
        let expected = [Outcome::Failed, Outcome::NotChecked, Outcome::NotChecked];
        assert_eq!(outcomes, expected);
        let [check] = checks.0.as_slice() else { panic!("{:?}", checks.0) };
        assert_eq!((check.name, check.outcome), ("service-evidence", Outcome::Failed));
    }
}
