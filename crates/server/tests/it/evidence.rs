//! Evidence is kept where the operator says so, within bounds, and no request depends on it.

use std::time::Duration;

use avouch_engine::Capsule;
use avouch_mint::{Minted, Options, mint};
use avouch_server::Config;
use avouch_store::{CapsuleVerdict, KeptCapsule, PageRequest, Store};
use avouch_wire::EvidenceKind;
use serde_json::{Value, json};

use crate::support::{Running, Setup, now};

const UNREADABLE: &str = r#"{"quote":"AAAA"}"#;

async fn keeping(audit: &str, minted: &Minted) -> (Running, Store) {
    let setup = Setup::for_minted(minted).await;
    let config = Config::parse(&format!("[audit]\n{audit}\n"), "test", []).unwrap();
    let store = setup.store.clone();
    (Setup { config, ..setup }.serve().await, store)
}

fn sgx() -> Minted {
    mint(EvidenceKind::Sgx, &Options::new(now())).unwrap()
}

/// Another machine under the same collateral.
fn machine(number: u32) -> Minted {
    let mut options = Options::new(now());
    options.platform.machine = number;
    mint(EvidenceKind::Sgx, &options).unwrap()
}

/// Waits until as many are written, or lost.
async fn wait_until(service: &Running, member: &str, expected: u64) {
    for _ in 0..1200 {
        if service.get("/readyz").await[member] == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{member} does not become {expected}");
}

async fn kept(store: &Store) -> Vec<KeptCapsule> {
    store.capsules(PageRequest::first()).await.unwrap().items
}

#[tokio::test]
async fn what_is_kept_is_the_appraisal_as_it_was() {
    let minted = sgx();
    let (service, store) = keeping("keep_evidence = \"all\"", &minted).await;
    let mut body: Value = serde_json::from_str(&minted.request).unwrap();
    body["nonce"] = json!(7);
    assert_eq!(service.attest_sgx(&body.to_string()).await.0, 200);
    assert_eq!(service.attest_sgx(UNREADABLE).await.0, 400);
    wait_until(&service, "evidence_kept", 2).await;

    let kept = kept(&store).await;
    let verdicts: Vec<_> = kept.iter().map(|one| (one.provider.as_str(), one.verdict)).collect();
    assert_eq!(
        verdicts,
        [("default", CapsuleVerdict::Permitted), ("default", CapsuleVerdict::Unverified)]
    );
    let capsule = Capsule::read(&kept[0].capsule).unwrap();
    assert_eq!(capsule.request.evidence, minted.evidence);
    assert_eq!(capsule.request.nonce, Some(avouch_engine::Nonce::Number(7.into())));
    assert_eq!(capsule.api_version.as_deref(), Some("2020-10-01"));
    assert_eq!(kept[0].at, capsule.at);
    // The engine of the service says the same again.
    let again = capsule.again(&service.state.engine, capsule.at).unwrap();
    assert_eq!(avouch_engine::Outcome::of(again.as_ref()), capsule.outcome);
}

#[tokio::test]
async fn nothing_is_kept_unless_asked_for_nor_what_a_draft_judged() {
    let minted = sgx();
    let (service, store) = keeping("", &minted).await;
    assert_eq!(service.attest_sgx(&minted.request).await.0, 200);
    assert_eq!(service.attest_sgx(UNREADABLE).await.0, 400);

    let (refused_only, store_of_refused) = keeping("keep_evidence = \"refused\"", &minted).await;
    let mut draft: Value = serde_json::from_str(UNREADABLE).unwrap();
    draft["draftPolicyForAttestation"] =
        "version=1.0; authorizationrules { => permit(); }; issuancerules { };".into();
    assert_eq!(refused_only.attest_sgx(&minted.request).await.0, 200);
    assert_eq!(refused_only.attest_sgx(&draft.to_string()).await.0, 400);
    // What is written in turn comes after what was not.
    assert_eq!(refused_only.attest_sgx(UNREADABLE).await.0, 400);
    wait_until(&refused_only, "evidence_kept", 1).await;
    assert_eq!(kept(&store_of_refused).await.len(), 1);

    assert!(kept(&store).await.is_empty());
    let ready = service.get("/readyz").await;
    assert_eq!((&ready["evidence_kept"], &ready["evidence_lost"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_database_that_is_away_fails_no_request_and_the_loss_is_counted() {
    let minted = sgx();
    let (service, store) = keeping("keep_evidence = \"all\"", &minted).await;
    assert_eq!(service.attest_sgx(&minted.request).await.0, 200);
    wait_until(&service, "evidence_kept", 1).await;
    store.close().await;
    for number in 1..=3 {
        assert_eq!(service.attest_sgx(&machine(number).request).await.0, 200);
    }
    wait_until(&service, "evidence_lost", 3).await;
    assert_eq!(service.get("/readyz").await["evidence_kept"], 1);
}

#[tokio::test]
async fn nonsense_of_strangers_is_bounded_and_displaces_nonsense_only() {
    let minted = sgx();
    let (service, store) =
        keeping("keep_evidence = \"all\"\nevidence_number_max = 5", &minted).await;
    assert_eq!(service.attest_sgx(&minted.request).await.0, 200);
    for number in 0..40_u64 {
        assert_eq!(
            service.attest_sgx(&json!({"quote": format!("AA{number:02}")}).to_string()).await.0,
            400
        );
        wait_until(&service, "evidence_kept", number + 2).await;
    }
    let kept = kept(&store).await;
    assert_eq!(kept.len(), 6);
    assert_eq!(kept[0].verdict, CapsuleVerdict::Permitted);
}

#[tokio::test]
async fn a_machine_that_attests_over_and_over_displaces_no_other() {
    let minted = sgx();
    let (service, store) =
        keeping("keep_evidence = \"all\"\nevidence_number_max = 5", &minted).await;
    for number in 1..=4 {
        assert_eq!(service.attest_sgx(&machine(number).request).await.0, 200);
    }
    let mut body: Value = serde_json::from_str(&minted.request).unwrap();
    for nonce in 0..40 {
        body["nonce"] = json!(nonce);
        assert_eq!(service.attest_sgx(&body.to_string()).await.0, 200);
    }
    // What does not verify is of no machine; it is written after all that came before.
    for _ in 0..2 {
        assert_eq!(service.attest_sgx(UNREADABLE).await.0, 400);
    }
    wait_until(&service, "evidence_kept", 7).await;
    let kept = kept(&store).await;
    let machines: std::collections::BTreeSet<_> = kept
        .iter()
        .filter(|one| one.verdict == CapsuleVerdict::Permitted)
        .map(|one| Capsule::read(&one.capsule).unwrap().outcome.machine)
        .collect();
    assert_eq!((kept.len(), machines.len()), (7, 5));
}

#[test]
fn settings_of_the_audit_have_their_range_and_their_words() {
    for wrong in [
        "keep_evidence = \"some\"",
        "keep_evidence = true",
        "evidence_number_max = 0",
        "evidence_bytes_max = 1000",
        "evidence_days_max = 100000",
        "evidence_count = 1",
    ] {
        let refused = Config::parse(&format!("[audit]\n{wrong}\n"), "test", []);
        let refused = refused.expect_err(wrong).to_string();
        assert!(refused.contains("audit"), "{refused}");
    }
}
