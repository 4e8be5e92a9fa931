//! Minted evidence through the whole appraisal: the good is permitted, each break is refused by the
//! check that it names.
#![cfg(test)]

mod support;

use avouch_engine::{
    Appraisal, AppraisalSettings, DataType, Decision, HeldData, Nonce, PolicyInForce, Refused,
};
use avouch_mint::snp::uvm_publisher;
use avouch_mint::{Expected, Kss, Options, Stage, breaks, mint};
use avouch_snp::uvm::{UvmTrust, UvmTrustEntry};
use avouch_wire::EvidenceKind;
use serde_json::json;
use support::{at, engine_for, engine_under, request};

const AT: &str = "2026-05-01T12:00:00Z";

fn strict() -> AppraisalSettings {
    let mut settings = AppraisalSettings::default();
    settings.intel.refuse_debuggable = true;
    settings.snp.refuse_debuggable = true;
    settings.snp.refuse_migratable = true;
    // The publisher whose endorsements the mint makes.
    let publisher = uvm_publisher(&Options::new(at(AT))).unwrap();
    settings.uvm = UvmTrust {
        entries: vec![UvmTrustEntry {
            issuer: publisher.issuer,
            feed: publisher.feed,
            minimum_svn: publisher.minimum_svn,
            compliance_status: Some("minted".to_owned()),
        }],
    };
    settings
}

/// Genuine endorsements of a publisher or version that does not count are as if not sent.
fn is_permitted_without_compliance(appraisal: &Appraisal) -> bool {
    match &appraisal.decision {
        Decision::Permit(permitted) => !permitted.claims().contains_key("x-ms-compliance-status"),
        Decision::Deny(_) => false,
    }
}

fn default_policy(kind: EvidenceKind) -> PolicyInForce {
    support::policy_of(kind)
}

#[test]
fn good_evidence_of_every_kind_is_permitted_and_marked_as_resting_on_a_foreign_root() {
    for kind in EvidenceKind::appraised() {
        let minted = mint(kind, &Options::new(at(AT))).unwrap();
        let policy = default_policy(kind);
        let settings = AppraisalSettings::default();
        let appraisal =
            engine_for(&minted).appraise(&request(&minted), &policy, &settings, at(AT)).unwrap();
        let claims = appraisal.permitted().unwrap();
        let claims = claims.claims();
        // A minted virtual TPM is not Azure's.
        let guest = (kind == EvidenceKind::AzureGuest).then_some("vtpm");
        assert_eq!(claims["x-ms-attestation-type"], guest.unwrap_or(kind.attestation_type()));
        assert_eq!(claims["x-ms-policy-hash"], policy.hash());
        assert_eq!(claims["x-ms-ver"], "1.0");
        assert!(claims.contains_key("avouch-trust-root"), "{kind:?}");
        let binds_data = !kind.answers_challenge();
        assert_eq!(claims.contains_key("x-ms-runtime"), binds_data, "{kind:?}");
    }
}

#[test]
fn every_break_is_refused_by_the_check_that_it_names() {
    for kind in EvidenceKind::appraised() {
        let policy = default_policy(kind);
        for one in breaks(kind) {
            let minted = mint(kind, &Options::new(at(AT)).broken(one.name)).unwrap();
            let Expected::Refused { stage, check } = minted.expected else {
                panic!("{kind:?} {}: expected a refusal", one.name);
            };
            // Before there is evidence.
            if stage == Stage::Enrolment {
                continue;
            }
            // Endorsements that do not even parse are refused where they are loaded.
            let endorsements = minted.endorsements.as_slice();
            let Ok(engine) = engine_under(&minted, &[endorsements]) else { continue };
            let outcome = engine.appraise(&request(&minted), &policy, &strict(), at(AT));
            let found = match (&outcome, stage) {
                (Ok(appraisal), Stage::Verification)
                    if check.starts_with("uvm-") && is_permitted_without_compliance(appraisal) =>
                {
                    continue;
                }
                (Err(error), Stage::Verification | Stage::Binding) => error.check(),
                (Ok(appraisal), Stage::Acceptance) => match &appraisal.decision {
                    Decision::Deny(refused @ Refused::NotAccepted { .. }) => refused.check(),
                    other => panic!("{kind:?} {}: {other:?}", one.name),
                },
                (other, stage) => {
                    panic!("{kind:?} {}: {stage:?} expected, got {:?}", one.name, other.is_ok())
                }
            };
            // Endorsements for another platform are not found, which comes before their check.
            let missing = found == "endorsements-missing";
            assert!(found == check || missing, "{kind:?} {}: {found}, not {check}", one.name);
        }
    }
}

#[test]
fn facts_are_told_also_when_settings_or_policy_refuse() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let engine = engine_for(&minted);
    let mut settings = AppraisalSettings::default();
    settings.intel.tcb_statuses = "OutOfDate".parse().unwrap();
    let refused = engine
        .appraise(&request(&minted), &default_policy(EvidenceKind::Sgx), &settings, at(AT))
        .unwrap();
    assert!(matches!(refused.decision, Decision::Deny(Refused::NotAccepted { .. })));
    assert_eq!(refused.facts.to_json()["tcb_status"], "UpToDate");
    assert!(refused.facts.to_json()["mr_enclave"].is_string());

    let deny = PolicyInForce::from_text("version=1.0; authorizationrules{=> deny();};").unwrap();
    let settings = AppraisalSettings::default();
    let refused = engine.appraise(&request(&minted), &deny, &settings, at(AT)).unwrap();
    let Decision::Deny(Refused::Policy { check, message }) = &refused.decision else {
        panic!("{:?}", refused.decision);
    };
    assert_eq!(*check, "deny-issued");
    assert_eq!(message, "A Deny claim was issued, authorization failed.");
}

#[test]
fn a_policy_cannot_say_what_only_the_service_may() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let text = r#"version=1.0; authorizationrules{=> permit();}; issuancerules{
        => issue(type="iss", value="https://elsewhere");
        => issue(type="x-ms-sgx-mrenclave", value="00");
        => issue(type="x-ms-sevsnpvm-vmpl", value=0);
        => issue(type="avouch-trust-root", value="none");
        => issue(type="mine", value=1);
    };"#;
    let policy = PolicyInForce::from_text(text).unwrap();
    let settings = AppraisalSettings::default();
    let appraisal =
        engine_for(&minted).appraise(&request(&minted), &policy, &settings, at(AT)).unwrap();
    assert_eq!(appraisal.findings.len(), 4);
    let permitted = appraisal.permitted().unwrap();
    let claims = permitted.claims();
    assert_eq!(claims["mine"], 1);
    assert_eq!(claims["x-ms-policy"], json!({"mine": 1}));
    assert!(!claims.contains_key("iss") && !claims.contains_key("x-ms-sevsnpvm-vmpl"));
    assert_ne!(claims["x-ms-sgx-mrenclave"], "00");
    assert_ne!(claims["avouch-trust-root"], "none");
}

#[test]
fn a_nonce_comes_back_as_it_was() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let engine = engine_for(&minted);
    let number: serde_json::Number = serde_json::from_str("18446744073709551615").unwrap();
    let nonces = [
        (Nonce::Text("12 \u{e9}".into()), json!("12 \u{e9}")),
        (Nonce::Number(number.clone()), json!(number)),
    ];
    for (nonce, expected) in nonces {
        let mut request = request(&minted);
        request.nonce = Some(nonce);
        let settings = AppraisalSettings::default();
        let policy = default_policy(EvidenceKind::Sgx);
        let appraisal = engine.appraise(&request, &policy, &settings, at(AT)).unwrap();
        assert_eq!(appraisal.permitted().unwrap().claims()["nonce"], expected);
    }
}

#[test]
fn runtime_data_that_is_bound_but_no_exact_json_object_is_refused() {
    let texts = [
        ("[1]", "expected an object"),
        ("{\"a\":1,\"a\":2}", "named twice"),
        ("{\"a\":", "EOF"),
        ("{\"n\":123456789012345678901234567890}", "cannot be carried exactly"),
    ];
    for (text, reason) in texts {
        let mut options = Options::new(at(AT));
        options.runtime_data = Some(avouch_mint::HeldData::json(text));
        let minted = mint(EvidenceKind::Sgx, &options).unwrap();
        let engine = engine_for(&minted);
        let (policy, settings) = (default_policy(EvidenceKind::Sgx), AppraisalSettings::default());
        let error = engine.appraise(&request(&minted), &policy, &settings, at(AT)).unwrap_err();
        assert_eq!(error.check(), "runtime-data-json");
        assert!(error.to_string().contains(reason), "{text}: {error}");
        // The same bytes as binary data are nobody's JSON.
        let mut binary = request(&minted);
        binary.runtime_data =
            Some(HeldData { bytes: text.as_bytes().to_vec(), data_type: DataType::Binary });
        engine.appraise(&binary, &policy, &settings, at(AT)).unwrap().permitted().unwrap();
    }
}

#[test]
fn kss_claims_appear_only_for_enclaves_with_kss() {
    let names = [
        "x-ms-sgx-config-id",
        "x-ms-sgx-config-svn",
        "x-ms-sgx-isv-extended-product-id",
        "x-ms-sgx-isv-family-id",
    ];
    for kss in [false, true] {
        let mut options = Options::new(at(AT));
        options.enclave.kss = kss.then(Kss::default);
        let minted = mint(EvidenceKind::Sgx, &options).unwrap();
        let (policy, settings) = (default_policy(EvidenceKind::Sgx), AppraisalSettings::default());
        let appraisal =
            engine_for(&minted).appraise(&request(&minted), &policy, &settings, at(AT)).unwrap();
        let permitted = appraisal.permitted().unwrap();
        for name in names {
            assert_eq!(permitted.claims().contains_key(name), kss, "{name}");
        }
    }
}

/// Nothing remembered may change a verdict: good evidence first, then its broken siblings, then
/// the good one again, on one engine.
#[test]
fn what_the_engine_remembers_changes_no_verdict() {
    let good = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let engine = engine_for(&good);
    let (policy, settings) = (default_policy(EvidenceKind::Sgx), AppraisalSettings::default());
    let claims = |request: &_| {
        let appraisal = engine.appraise(request, &policy, &settings, at(AT)).ok()?;
        let mut claims = appraisal.permitted().ok()?.claims();
        for name in ["x-ms-sgx-collateral", "maa-attestationcollateral"] {
            claims[name].as_object_mut().unwrap().remove("quotehash");
        }
        Some(claims)
    };
    let expected = claims(&request(&good));
    assert!(expected.is_some());
    let evidence = request(&good).evidence;
    let mut accepted = 0;
    for index in 0..evidence.len() {
        let mut flipped = request(&good);
        flipped.evidence[index] ^= 1;
        if let Some(claims) = claims(&flipped) {
            // White space around the certificates is nobody's word; all else is.
            accepted += 1;
            assert_eq!(Some(claims), expected, "bit flipped in byte {index}");
        }
    }
    assert!(accepted < 16, "{accepted} of {} flipped bits were accepted", evidence.len());
    assert_eq!(claims(&request(&good)), expected);
    // And time moves on: what was remembered expires.
    let later = at("2036-05-01T12:00:00Z");
    let error = engine.appraise(&request(&good), &policy, &settings, later).unwrap_err();
    assert!(error.check().contains("expired"), "{}", error.check());
}
