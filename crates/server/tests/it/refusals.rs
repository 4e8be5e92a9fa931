//! What a policy refused for: in the log always, to the client where the provider tells.

use avouch_mint::{Minted, Options, mint};
use avouch_server::Config;
use avouch_token::policy_jws::{JwsContent, UnsignedForm, create_unsigned};
use avouch_wire::EvidenceKind;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::log::log;
use crate::support::{Running, Setup, now};

const ATTEST: &str = "/attest/SgxEnclave?api-version=2022-08-01";
const POLICY: &str = "version=1.0;\nauthorizationrules {\n\
    [type==\"x-ms-sgx-is-debuggable\", value==true] => permit();\n};\nissuancerules { };";

async fn service(minted: &Minted, settings: &str) -> Running {
    service_with(minted, settings, POLICY).await
}

async fn service_with(minted: &Minted, settings: &str, policy: &str) -> Running {
    log();
    let mut setup = Setup::for_minted(minted).await;
    setup.config = Config::parse(settings, "test", []).unwrap();
    let service = setup.serve().await;
    let jws = create_unsigned(JwsContent::Policy(policy), UnsignedForm::default());
    let path = "/policies/SgxEnclave?api-version=2022-08-01";
    let answer = service.send(Method::PUT, path, "t", jws).await;
    assert_eq!(answer.0, StatusCode::OK, "{answer:?}");
    service
}

/// The message to the client, and the line of the log.
async fn refused(service: &Running, body: &str) -> (String, Value) {
    let answer = service.request(Method::POST, ATTEST).body(body.to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let id = answer.headers()["x-ms-request-id"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "PolicyEvaluationError");
    let line = log().of(&id).remove(0);
    (body["error"]["message"].as_str().unwrap().to_owned(), line)
}

const NO_PERMIT: &str = "Policy Evaluation Error has occurred Msg:[Policy Engine Exception: No \
    Permit claim was issued in the authorizationrules section, authorization failed.]";
const WHY: &str = "rule 1 of authorizationrules at 3:1 does not permit: \
    [type==\"x-ms-sgx-is-debuggable\", value==true] fails, found \
    x-ms-sgx-is-debuggable = false (Boolean, AttestationService) where value==true is demanded";

#[tokio::test]
async fn which_condition_failed_is_in_the_log_and_not_told_to_the_client() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let service = service(&minted, "").await;
    let (message, line) = refused(&service, &minted.request).await;
    assert_eq!(message, NO_PERMIT);
    assert_eq!(line["why"], WHY, "{line}");
}

#[tokio::test]
async fn a_provider_that_explains_tells_its_clients_and_no_other_provider_does() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let own = "[appraisal.providers.default]\nexplain_refusals = true";
    let (message, line) = refused(&service(&minted, own).await, &minted.request).await;
    assert!(message.ends_with(&format!("] Why: {WHY}")), "{message}");
    assert_eq!(line["why"], WHY);
    let other = "[appraisal]\nexplain_refusals = true\n\
        [appraisal.providers.default]\nexplain_refusals = false";
    let (message, _) = refused(&service(&minted, other).await, &minted.request).await;
    assert!(!message.contains("Why"), "{message}");
}

#[tokio::test]
async fn a_draft_of_anybody_is_explained_only_where_clients_are_told() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let mut body: Value = serde_json::from_str(&minted.request).unwrap();
    body["draftPolicyForAttestation"] = POLICY.replace("true", "7").into();
    let (_, line) = refused(&service(&minted, "").await, &body.to_string()).await;
    assert_eq!(line.get("why"), None, "{line}");
    let told = service(&minted, "[appraisal]\nexplain_refusals = true").await;
    let (message, _) = refused(&told, &body.to_string()).await;
    assert!(message.contains("value==7 is demanded"), "{message}");
}

#[tokio::test]
async fn a_refusal_is_explained_within_what_a_draft_may_cost() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    // Each rule looks at every claim beside every claim.
    let rule = "c1:[type!=\"q\"] && c2:[type!=\"q\", value==\"q\", value!=c1.value] => permit();\n";
    for (rules, is_told) in [(1, true), (1000, false)] {
        let policy = format!(
            "version=1.0;\nauthorizationrules {{\n{}}};\nissuancerules {{ }};",
            rule.repeat(rules)
        );
        let settings = "[appraisal]\nexplain_refusals = true";
        let service = service_with(&minted, settings, &policy).await;
        let (message, line) = refused(&service, &minted.request).await;
        assert!(message.starts_with(NO_PERMIT), "{message}");
        assert_eq!(message.contains("Why"), is_told, "{rules}: {message}");
        assert_eq!(line.get("why").is_some(), is_told, "{rules}: {line}");
    }
}
