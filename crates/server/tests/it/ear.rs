//! Attestation results (EAR) over HTTP: the verdict of the attest route in another form, and no token.

use std::collections::BTreeSet;

use avouch_azure::SealedAnswer;
use avouch_mint::tpm::Isolation;
use avouch_mint::{Minted, Options, TcbStatus, mint};
use avouch_server::Config;
use avouch_token::{EAR_PROFILE, Expectations, Jwks, TokenFormat, TokenKind, verify_token};
use avouch_wire::{EvidenceKind, FailedCheck as _, base64url};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::policy::unsigned;
use crate::support::tokens::{Token, access};
use crate::support::{Running, Setup, now};

const NONCE: &str = "bm9uY2Utb2YtYS1jbGllbnQ";

fn minted(kind: EvidenceKind) -> Minted {
    mint(kind, &Options::new(now())).unwrap()
}

fn path(kind: EvidenceKind) -> String {
    format!("/avouch/ear/{}", kind.policy_name())
}

fn attest_path(kind: EvidenceKind) -> String {
    format!("/attest/{}?api-version=2025-06-01", kind.policy_name())
}

fn with(request: &str, member: &str, value: Value) -> String {
    let mut body: Value = serde_json::from_str(request).unwrap();
    body[member] = value;
    body.to_string()
}

/// The claims of a token without those of its issue.
fn without_issue(mut claims: Map<String, Value>) -> Map<String, Value> {
    for name in ["iss", "iat", "nbf", "exp", "jti"] {
        assert!(claims.remove(name).is_some(), "{name}");
    }
    claims
}

/// The claims of a result, verified as a relying party does; whoever expects a token is told what it is.
pub(crate) async fn verified(
    service: &Running,
    result: &str,
    kind: TokenKind,
) -> Map<String, Value> {
    let keys = Jwks::parse(service.get_text("/certs").await.as_bytes()).unwrap();
    let issuer = Some(service.url.clone());
    let mut expected = Expectations { issuer, kind, ..Expectations::at(now()) };
    let error = verify_token(result, &keys, &expected).into_verified().unwrap_err();
    assert_eq!(error.check(), "token-type");
    assert!(error.to_string().contains("attestation result (EAR)"), "{error}");
    expected.format = TokenFormat::AttestationResult;
    let verified = verify_token(result, &keys, &expected).into_verified().unwrap();
    assert_eq!(verified.header()["typ"], "eat+jwt");
    assert_eq!(verified.claims()["eat_profile"], EAR_PROFILE);
    verified.claims().clone()
}

async fn result(service: &Running, kind: EvidenceKind, request: &str) -> Map<String, Value> {
    let (status, answer) = service.post(&path(kind), request.to_owned()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    verified(service, answer["token"].as_str().unwrap(), TokenKind::Attestation).await
}

#[tokio::test]
async fn every_kind_gets_a_result_that_says_what_its_token_says() {
    for (kind, attester) in [
        (EvidenceKind::Sgx, "sgx"),
        (EvidenceKind::OpenEnclave, "sgx"),
        (EvidenceKind::Tdx, "tdx"),
        (EvidenceKind::Snp, "snp"),
    ] {
        let minted = minted(kind);
        let service = Running::start_for(&minted).await;
        let request = with(&minted.request, "nonce", json!(NONCE));
        let claims = result(&service, kind, &request).await;
        let (status, answer) = service.post(&attest_path(kind), request).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let token = service.claims(answer["token"].as_str().unwrap()).await;
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 28_800);
        let hash = token["x-ms-policy-hash"].clone();
        assert_eq!(claims["avouch-token-claims"], Value::Object(without_issue(token)), "{kind}");
        assert_eq!(claims["eat_nonce"], NONCE);
        let build = format!("avouch {}", env!("CARGO_PKG_VERSION"));
        assert_eq!(claims["ear_verifier_id"], json!({ "developer": "avouch", "build": build }));
        // Under a root of the operator's own nothing speaks for an attester.
        assert_eq!(claims["ear_status"], "none", "{kind}");
        let submods = claims["submods"].as_object().unwrap();
        assert_eq!(submods.keys().collect::<Vec<_>>(), [attester], "{kind}");
        let appraisal = &submods[attester];
        assert_eq!(appraisal["ear_appraisal_policy_ids"], json!([hash]));
        assert_eq!(appraisal["ear_status"], "none");
        let names: BTreeSet<&str> = claims.keys().map(String::as_str).collect();
        let expected = [
            "avouch-token-claims",
            "ear_status",
            "ear_verifier_id",
            "eat_nonce",
            "eat_profile",
            "exp",
            "iat",
            "iss",
            "jti",
            "nbf",
            "submods",
        ];
        assert_eq!(names, BTreeSet::from(expected), "{kind}");
    }
}

#[tokio::test]
async fn what_speaks_against_an_attester_is_told_and_what_is_not_accepted_gets_nothing() {
    let mut options = Options::new(now());
    options.enclave.debug = true;
    let debuggable = mint(EvidenceKind::Sgx, &options).unwrap();
    let service = Running::start_for(&debuggable).await;
    let claims = result(&service, EvidenceKind::Sgx, &debuggable.request).await;
    assert_eq!(claims["ear_status"], "contraindicated");
    let vector = &claims["submods"]["sgx"]["ear_trustworthiness_vector"];
    assert_eq!((&vector["configuration"], &vector["runtime-opaque"]), (&json!(96), &json!(96)));

    let mut options = Options::new(now());
    options.platform.tcb_status = TcbStatus::OutOfDate;
    let outdated = mint(EvidenceKind::Sgx, &options).unwrap();
    let mut setup = Setup::for_minted(&outdated).await;
    setup.config =
        Config::parse("[appraisal]\naccepted_tcb_statuses = [\"OutOfDate\"]", "test", []).unwrap();
    let service = setup.serve().await;
    let claims = result(&service, EvidenceKind::Sgx, &outdated.request).await;
    assert_eq!(claims["ear_status"], "warning", "accepted, and still told");
    assert_eq!(claims["submods"]["sgx"]["ear_trustworthiness_vector"]["hardware"], 32);

    // Where the operator takes no such platform, both routes say so in the same words.
    let service = Running::start_for(&outdated).await;
    let refused = service.post(&path(EvidenceKind::Sgx), outdated.request.clone()).await;
    let by_token = service.post(&attest_path(EvidenceKind::Sgx), outdated.request.clone()).await;
    assert_eq!((refused.0, &refused.1["error"]), (StatusCode::BAD_REQUEST, &by_token.1["error"]));
    let message = refused.1["error"]["message"].as_str().unwrap();
    assert!(message.contains("accepted-tcb-status"), "{message}");
}

#[tokio::test]
async fn a_policy_that_does_not_permit_and_evidence_that_does_not_hold_are_refused_as_for_a_token()
{
    let minted = minted(EvidenceKind::Sgx);
    let service = Running::start_for(&minted).await;
    for policy in [
        "version=1.0; authorizationrules{=> deny();}; issuancerules{};",
        "version=1.0; authorizationrules{[type==\"absent\"] => permit();}; issuancerules{};",
    ] {
        let put = "/policies/SgxEnclave?api-version=2025-06-01";
        let (status, answer) = service.send(Method::PUT, put, "t", unsigned(policy)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let refused = service.post(&path(EvidenceKind::Sgx), minted.request.clone()).await;
        let token = service.post(&attest_path(EvidenceKind::Sgx), minted.request.clone()).await;
        assert_eq!((refused.0, &refused.1), (token.0, &token.1), "{policy}");
        assert_eq!(refused.1["error"]["code"], "PolicyEvaluationError", "{}", refused.1);
        assert!(refused.1.get("token").is_none());
    }
    let broken = Options::new(now()).broken("quote-signature");
    let broken = mint(EvidenceKind::Sgx, &broken).unwrap();
    let service = Running::start_for(&minted).await;
    let refused = service.post(&path(EvidenceKind::Sgx), broken.request.clone()).await;
    let token = service.post(&attest_path(EvidenceKind::Sgx), broken.request).await;
    assert_eq!((refused.0, &refused.1), (StatusCode::BAD_REQUEST, &token.1));
}

#[tokio::test]
async fn drafts_and_nonces_that_a_result_cannot_say_are_refused() {
    let minted = minted(EvidenceKind::Sgx);
    let service = Running::start_for(&minted).await;
    let draft = json!("version=1.0; authorizationrules{=> permit();}; issuancerules{};");
    let longest = base64url::encode([7; 64]);
    let rows = [
        ("draftPolicyForAttestation", draft, Some("draftPolicyForAttestation: ")),
        ("nonce", json!("short"), Some("nonce: ")),
        ("nonce", json!("not base64url at all"), Some("nonce: ")),
        ("nonce", json!(format!("{NONCE}=")), Some("nonce: ")),
        ("nonce", json!(base64url::encode([7; 65])), Some("nonce: ")),
        ("nonce", json!(1_234_567_890), Some("nonce: ")),
        ("nonce", json!(base64url::encode([7; 8])), None),
        ("nonce", json!(longest), None),
    ];
    for (member, value, refused) in rows {
        let request = with(&minted.request, member, value.clone());
        let (status, answer) = service.post(&path(EvidenceKind::Sgx), request).await;
        match refused {
            None => assert_eq!(status, StatusCode::OK, "{value}: {answer}"),
            Some(why) => {
                assert_eq!(status, StatusCode::BAD_REQUEST, "{value}");
                let message = answer["error"]["message"].as_str().unwrap();
                assert!(message.starts_with(why), "{message}");
            }
        }
    }
    // Without any there is none.
    let claims = result(&service, EvidenceKind::Sgx, &minted.request).await;
    assert!(claims.get("eat_nonce").is_none());
}

/// A machine's result is sealed to it as its token is.
#[tokio::test]
async fn a_guest_gets_a_result_that_only_its_own_key_opens() {
    for isolation in Isolation::ALL {
        let mut options = Options::new(now());
        options.guest.isolation = isolation;
        let minted = mint(EvidenceKind::AzureGuest, &options).unwrap();
        let other = |name: &str| &minted.others.iter().find(|(found, _)| *found == name).unwrap().1;
        let service = Running::start_for(&minted).await;
        let put = "/policies/AzureGuest?api-version=2025-06-01";
        let policy = unsigned(std::str::from_utf8(other("policy.txt")).unwrap());
        let (status, answer) = service.send(Method::PUT, put, "t", policy).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let route = path(EvidenceKind::AzureGuest);
        let (status, answer) = service.post(&route, minted.request.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let sealed = SealedAnswer::from_text(answer["token"].as_str().unwrap()).unwrap();
        let opened = sealed.open_with(other("sealing-key.pk8")).unwrap();
        let claims = verified(&service, &opened, TokenKind::Attestation).await;
        let attesters: Vec<&String> = claims["submods"].as_object().unwrap().keys().collect();
        let expected: &[&str] = match isolation {
            Isolation::TrustedLaunch => &["vtpm"],
            Isolation::Snp => &["snp", "vtpm"],
            Isolation::Tdx => &["tdx", "vtpm"],
        };
        assert_eq!(attesters, expected);
        assert_eq!(claims["avouch-token-claims"]["x-ms-attestation-type"], "vtpm");
    }
}

/// Nobody takes a result where a token is asked for.
#[tokio::test]
async fn a_result_is_neither_exchanged_nor_taken_as_a_bearer_token() {
    let minted = minted(EvidenceKind::Sgx);
    let mut setup = Setup::for_minted(&minted).await;
    setup.config = Config::parse(
        "[[token_exchange.providers.default.audiences]]\naudience = \"sts.example\"\n\
         subject = \"{x-ms-attestation-type}\"\naudience_bound_by = \"nothing\"\n",
        "test",
        [],
    )
    .unwrap();
    let service = setup.serve().await;
    let (_, answer) = service.post(&path(EvidenceKind::Sgx), minted.request.clone()).await;
    let result = answer["token"].as_str().unwrap().to_owned();
    let (_, answer) = service.post(&attest_path(EvidenceKind::Sgx), minted.request).await;
    let token = answer["token"].as_str().unwrap().to_owned();
    for (subject, expected) in [(token, StatusCode::OK), (result, StatusCode::BAD_REQUEST)] {
        let form = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={subject}&\
             subject_token_type=urn:ietf:params:oauth:token-type:jwt&audience=sts.example"
        );
        let answer = service.request(Method::POST, "/avouch/token-exchange").body(form).send();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), expected);
        if expected == StatusCode::BAD_REQUEST {
            let answer: Value = answer.json().await.unwrap();
            assert_eq!(answer["error"], "invalid_request");
            let said = answer["error_description"].as_str().unwrap();
            assert!(said.contains("token-type") && said.contains("(EAR)"), "{said}");
        }
    }
}

/// Who may send evidence for a token may for a result, and nobody else.
#[tokio::test]
async fn callers_need_what_they_need_for_a_token() {
    let minted = minted(EvidenceKind::Sgx);
    let secret = "reader-reader-reader-reader-reader-reader";
    let reader = Token { name: "reader", secret, role: "Reader", providers: &["default"] };
    let mut setup = Setup::for_minted(&minted).await;
    setup.access = access(&[reader], "anonymous_attest = false\n");
    let service = setup.serve().await;
    let route = path(EvidenceKind::Sgx);
    let (status, answer) = service.post(&route, minted.request.clone()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
    let (status, answer) = service.send(Method::POST, &route, secret, minted.request.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    // Methods, kinds without an attest route, and kinds that are not appraised.
    assert_eq!(service.status(&route).await, 405);
    for (kind, expected) in [("NoSuchKind", 404), ("AiHsm", 404), ("KeyGuard", 400)] {
        let route = format!("/avouch/ear/{kind}");
        let by_result = service.send(Method::POST, &route, secret, "{}").await;
        let by_token = format!("/attest/{kind}?api-version=2025-06-01");
        let by_token = service.send(Method::POST, &by_token, secret, "{}").await;
        assert_eq!(by_result.0, by_token.0, "{kind}: {}", by_result.1);
        assert_eq!(by_result.0.as_u16(), expected, "{kind}: {}", by_result.1);
    }
}

/// What a policy issues cannot make a token look like a result.
#[tokio::test]
async fn no_policy_makes_a_result_of_a_token() {
    let minted = minted(EvidenceKind::Sgx);
    let service = Running::start_for(&minted).await;
    let policy = "version=1.0; authorizationrules{=> permit();}; issuancerules{
        => issue(type=\"ear_status\", value=\"affirming\");
        => issue(type=\"ear_verifier_id\", value=\"me\");
        => issue(type=\"level\", value=1); };";
    let put = "/policies/SgxEnclave?api-version=2025-06-01";
    let (status, answer) = service.send(Method::PUT, put, "t", unsigned(policy)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (_, answer) = service.post(&attest_path(EvidenceKind::Sgx), minted.request).await;
    let claims = service.claims(answer["token"].as_str().unwrap()).await;
    assert_eq!(claims["level"], 1);
    for name in ["ear_status", "ear_verifier_id"] {
        assert!(claims.get(name).is_none(), "{name}");
    }
}
