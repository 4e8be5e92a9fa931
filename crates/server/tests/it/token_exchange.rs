//! Short tokens for attestation tokens and evidence: what they say, and who gets nothing.

use std::sync::Arc;

use avouch_mint::{HeldData, Minted, Options, TcbStatus, mint};
use avouch_server::Config;
use avouch_server::config::AudienceBinding;
use avouch_store::{AuditEntry, AuditOutcome, KeyPurpose, PageRequest, Store};
use avouch_token::{
    Expectations, Jwks, KeySpec, Payload, SigningKey, TokenIssuer, TokenTimes, VerifiedToken,
    verify_token,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, base64url};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::tokens::{Token, access};
use crate::support::{Running, Setup, now};

const STS: &str = "sts.example";
const NONCE: &str = "nonce.example";
const OPEN: &str = "open.example";
const KEYED: &str = "keyed.example";
const CONFIG: &str = r#"
[token_exchange.providers.Default]
lifetime_seconds = 900
token_age_seconds_max = 120

[[token_exchange.providers.Default.audiences]]
audience = "sts.example"
subject = "sgx/{x-ms-sgx-mrsigner}/{x-ms-sgx-product-id}"

[[token_exchange.providers.Default.audiences]]
audience = "nonce.example"
subject = "{x-ms-sgx-mrenclave}"
audience_bound_by = "nonce"

[[token_exchange.providers.Default.audiences]]
audience = "open.example"
subject = "{x-ms-attestation-type}:{x-ms-runtime/name}"
audience_bound_by = "nothing"

[[token_exchange.providers.Default.audiences]]
audience = "keyed.example"
subject = "{x-ms-sgx-mrenclave}"
audience_bound_by = "nothing"
key_must_be_bound = true
"#;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const EVIDENCE: &str = "urn:avouch:params:oauth:token-type:evidence";
const PATH: &str = "/avouch/token-exchange";

/// Runtime data of a workload that may be exchanged for a short token for `STS`, made at this moment.
fn runtime() -> String {
    runtime_for(&json!({ "audience": STS, "issued_at": now().seconds() }))
}

fn runtime_for(purpose: &Value) -> String {
    let key = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
        "use": "sig",
    });
    json!({ "name": "web/1", "keys": [key], "token-exchange": purpose }).to_string()
}

fn minted_with(change: impl FnOnce(&mut Options)) -> Minted {
    let mut options = Options::new(now());
    options.runtime_data = Some(HeldData::json(runtime()));
    change(&mut options);
    mint(EvidenceKind::Sgx, &options).unwrap()
}

async fn setup(minted: &Minted, config: &str) -> (Setup, Store) {
    let setup = Setup::for_minted(minted).await;
    let config = Config::parse(config, "test", []).unwrap();
    let store = setup.store.clone();
    (Setup { config, ..setup }, store)
}

async fn serve(minted: &Minted) -> (Running, Store) {
    let (setup, store) = setup(minted, CONFIG).await;
    (setup.serve().await, store)
}

/// The minted request with a nonce.
fn request(minted: &Minted, nonce: &str) -> String {
    let mut body: Value = serde_json::from_str(&minted.request).unwrap();
    body["nonce"] = json!(nonce);
    body.to_string()
}

async fn attest(service: &Running, minted: &Minted, nonce: &str) -> String {
    let (status, answer) = service.attest_sgx(&request(minted, nonce)).await;
    assert_eq!(status, 200, "{answer}");
    answer["token"].as_str().unwrap().to_owned()
}

async fn post(service: &Running, path: &str, parameters: &[(&str, &str)]) -> (StatusCode, Value) {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace('+', "%2B")))
        .collect();
    let answer = service
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(pairs.join("&"))
        .send()
        .await
        .unwrap();
    let status = answer.status();
    if status == 200 || status == 400 {
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    (status, answer.json().await.unwrap())
}

async fn exchange(service: &Running, token: &str, audience: &str) -> (StatusCode, Value) {
    let parameters = [
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", JWT),
        ("audience", audience),
    ];
    post(service, PATH, &parameters).await
}

/// The same for the body of an attest request.
async fn exchange_evidence(service: &Running, body: &str, audience: &str) -> (StatusCode, Value) {
    let encoded = base64url::encode(body);
    let parameters = [
        ("grant_type", GRANT),
        ("subject_token", encoded.as_str()),
        ("subject_token_type", EVIDENCE),
        ("evidence_type", "SgxEnclave"),
        ("audience", audience),
    ];
    post(service, PATH, &parameters).await
}

/// Nothing was given, for that reason.
fn nothing((status, answer): (StatusCode, Value), error: &str, why: &str) {
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"], error, "{answer}");
    assert!(answer["error_description"].as_str().unwrap().contains(why), "{why}: {answer}");
    assert!(answer.get("access_token").is_none(), "{answer}");
}

/// The short token, verified as its consumer does.
async fn verified(service: &Running, token: &str, audience: &str) -> Result<VerifiedToken, String> {
    let keys = Jwks::parse(service.get_text("/certs").await.as_bytes()).unwrap();
    let expectations = Expectations {
        issuer: Some(service.url.clone()),
        audience: Some(audience.to_owned()),
        ..Expectations::at(now())
    };
    verify_token(token, &keys, &expectations)
        .into_verified()
        .map_err(|error| error.check().to_owned())
}

async fn trail(store: &Store) -> Vec<AuditEntry> {
    let all = store.audit(None, PageRequest::first()).await.unwrap().items;
    all.into_iter().filter(|entry| entry.action == "token-exchange").collect()
}

#[tokio::test]
async fn a_short_token_says_who_for_whom_and_by_which_key_and_is_in_the_audit_trail() {
    let minted = minted_with(|_| ());
    let (service, store) = serve(&minted).await;
    let token = attest(&service, &minted, STS).await;
    let attested = service.claims(&token).await;
    let (status, answer) = exchange(&service, &token, STS).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["issued_token_type"], JWT);
    assert_eq!(answer["token_type"], "N_A");
    assert_eq!(answer["expires_in"], 900);
    let short = answer["access_token"].as_str().unwrap();
    let short = verified(&service, short, STS).await.unwrap();
    let claims = short.claims();
    let signer = attested["x-ms-sgx-mrsigner"].as_str().unwrap();
    let subject = format!("sgx/{signer}/{}", attested["x-ms-sgx-product-id"]);
    assert_eq!(claims["sub"], subject.as_str());
    assert_eq!(claims["aud"], STS);
    assert_eq!(claims["iss"], service.url.as_str());
    let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!((lives, &claims["nbf"]), (900, &claims["iat"]));
    let runtime: Value = serde_json::from_str(&runtime()).unwrap();
    let jwk = &claims["cnf"]["jwk"];
    assert_eq!(jwk["x"], runtime["keys"][0]["x"]);
    assert!(jwk.get("d").is_none(), "the private part stays with the workload");
    // That a foreign root stands behind it is told on.
    assert_eq!(claims["avouch-trust-root"], attested["avouch-trust-root"]);
    let names: Vec<&str> = claims.keys().map(String::as_str).collect();
    let expected = ["aud", "avouch-trust-root", "cnf", "exp", "iat", "iss", "jti", "nbf", "sub"];
    assert_eq!(names, expected);

    let entries = trail(&store).await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.outcome, entry.actor.id()), (AuditOutcome::Succeeded, subject.as_str()));
    assert_eq!(entry.details["audience"], STS);
    assert_eq!(entry.details["tokenId"], claims["jti"]);
    assert_eq!(entry.details["attestationTokenId"], attested["jti"]);
    assert_eq!(entry.details["attestedType"], "sgx");
}

#[tokio::test]
async fn a_short_token_is_for_its_audience_alone_and_is_no_attestation_token() {
    let minted = minted_with(|_| ());
    let (service, _) = serve(&minted).await;
    let token = attest(&service, &minted, STS).await;
    let (_, answer) = exchange(&service, &token, STS).await;
    let short = answer["access_token"].as_str().unwrap();
    assert!(verified(&service, short, STS).await.is_ok());
    assert_eq!(verified(&service, short, OPEN).await.unwrap_err(), "token-audience");
    // Whoever takes attestation tokens takes none that is for somebody.
    let keys = Jwks::parse(service.get_text("/certs").await.as_bytes()).unwrap();
    let verdict = verify_token(short, &keys, &Expectations::at(now())).into_verified();
    assert_eq!(verdict.unwrap_err().check(), "token-audience");
    // Nor is it exchanged again.
    nothing(exchange(&service, short, OPEN).await, "invalid_request", "token-audience");
}

#[tokio::test]
async fn audiences_that_the_operator_did_not_allow_get_nothing_nor_tokens_made_for_another() {
    let minted = minted_with(|_| ());
    let (service, store) = serve(&minted).await;
    let token = attest(&service, &minted, STS).await;
    for audience in ["other.example", "STS.example", "sts.example/", "*"] {
        nothing(exchange(&service, &token, audience).await, "invalid_target", "not allowed");
    }
    // The nonce is whatever the sender of the evidence likes: it says nothing of what evidence is for.
    assert_eq!(exchange(&service, &token, STS).await.0, 200);
    let for_other = attest(&service, &minted, "other.example").await;
    assert_eq!(exchange(&service, &for_other, STS).await.0, 200);
    // Where the operator takes it, it must be the audience.
    nothing(exchange(&service, &for_other, NONCE).await, "invalid_request", "another purpose");
    let for_nonce = attest(&service, &minted, &format!("token-exchange:{NONCE}")).await;
    assert_eq!(exchange(&service, &for_nonce, NONCE).await.0, 200);
    // A relying party may have chosen that nonce; with the prefix it is the workload's own wish.
    let chosen = attest(&service, &minted, NONCE).await;
    nothing(exchange(&service, &chosen, NONCE).await, "invalid_request", "another purpose");
    let for_nobody = service.attest_sgx(&minted.request).await.1;
    let for_nobody = for_nobody["token"].as_str().unwrap();
    nothing(exchange(&service, for_nobody, NONCE).await, "invalid_request", "another purpose");
    // Where the operator asks for neither, any token will do.
    let (status, answer) = exchange(&service, for_nobody, OPEN).await;
    assert_eq!(status, 200, "{answer}");
    let short = answer["access_token"].as_str().unwrap();
    let short = verified(&service, short, OPEN).await.unwrap();
    assert_eq!(short.claims()["sub"], "sgx:web%2F1");
    // Of refusals of anonymous senders nothing is written; those of good tokens are counted.
    let outcomes: Vec<_> = trail(&store).await.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [AuditOutcome::Succeeded; 4]);
    assert_eq!(refused_count(&service).await, 3);
}

async fn refused_count(service: &Running) -> u64 {
    let report: Value = serde_json::from_str(&service.get_text("/readyz").await).unwrap();
    report["exchanges_refused"].as_u64().unwrap()
}

#[tokio::test]
async fn evidence_binds_for_whom_it_may_be_exchanged_and_when_it_was_made() {
    let at = now().seconds();
    for (purpose, why) in [
        (json!({ "audience": STS, "issued_at": at.saturating_sub(250) }), None),
        (json!({ "audience": STS, "issued_at": at.saturating_add(50) }), None),
        (json!({ "audience": STS, "issued_at": at, "more": 1 }), None),
        (json!({ "audience": OPEN, "issued_at": at }), Some("another audience")),
        (json!({ "audience": [STS], "issued_at": at }), Some("another audience")),
        (json!({ "issued_at": at }), Some("another audience")),
        (json!({ "audience": STS }), Some("issued_at")),
        (json!({ "audience": STS, "issued_at": at.to_string() }), Some("issued_at")),
        (json!({ "audience": STS, "issued_at": at.saturating_sub(302) }), Some("make new")),
        (json!({ "audience": STS, "issued_at": at.saturating_add(120) }), Some("make new")),
        (json!({ "audience": STS, "issued_at": i64::MIN }), Some("make new")),
        (json!(STS), Some("another audience")),
    ] {
        let data = HeldData::json(runtime_for(&purpose));
        let minted = minted_with(|options| options.runtime_data = Some(data));
        let (service, _) = serve(&minted).await;
        // Whatever nonce comes with it, and whichever way.
        let token = attest(&service, &minted, STS).await;
        let answers = [
            exchange(&service, &token, STS).await,
            exchange_evidence(&service, &request(&minted, STS), STS).await,
        ];
        for answer in answers {
            match why {
                None => assert_eq!(answer.0, 200, "{purpose}: {}", answer.1),
                Some(why) => nothing(answer, "invalid_request", why),
            }
        }
    }
    for data in [None, Some(HeldData::json("{}")), Some(HeldData::binary(runtime()))] {
        let minted = minted_with(|options| options.runtime_data = data.clone());
        let (service, _) = serve(&minted).await;
        let token = attest(&service, &minted, STS).await;
        let answer = exchange(&service, &token, STS).await;
        nothing(answer, "invalid_request", "binds no audience");
    }
}

/// Whoever sees evidence can send it with any nonce, so where evidence itself is sent, no nonce counts.
#[tokio::test]
async fn evidence_itself_must_bind_the_audience_even_where_the_nonce_of_tokens_counts() {
    let minted = minted_with(|_| ());
    let (service, _) = serve(&minted).await;
    let token = attest(&service, &minted, &format!("token-exchange:{NONCE}")).await;
    assert_eq!(exchange(&service, &token, NONCE).await.0, 200);
    let answer = exchange_evidence(&service, &request(&minted, NONCE), NONCE).await;
    nothing(answer, "invalid_request", "another audience");
    let purpose = json!({ "audience": NONCE, "issued_at": now().seconds() });
    let data = HeldData::json(runtime_for(&purpose));
    let minted = minted_with(|options| options.runtime_data = Some(data));
    let (service, _) = serve(&minted).await;
    let answer = exchange_evidence(&service, &minted.request, NONCE).await;
    assert_eq!(answer.0, 200, "{}", answer.1);
    // Only where the operator asks for nothing at all, evidence that was seen is good for ever.
    assert_eq!(exchange_evidence(&service, &minted.request, OPEN).await.0, 200);
}

#[tokio::test]
async fn what_somebody_can_debug_gets_nothing_unless_the_rule_says_so() {
    for (kind, attested, broken) in [
        (EvidenceKind::Sgx, "SgxEnclave", "debug"),
        (EvidenceKind::OpenEnclave, "OpenEnclave", "debug"),
        (EvidenceKind::Tdx, "TdxVm", "debug"),
        (EvidenceKind::Snp, "SevSnpVm", "debuggable"),
    ] {
        for debuggable in [false, true] {
            let mut options = Options::new(now());
            options.runtime_data = Some(HeldData::json(runtime()));
            options.break_name = debuggable.then(|| broken.to_owned());
            let minted = mint(kind, &options).unwrap();
            for refused in [false, true] {
                let rule = format!(
                    "[[token_exchange.providers.default.audiences]]\naudience = \"{STS}\"\n\
                     subject = \"{{x-ms-attestation-type}}\"\nrefuse_debuggable = {refused}\n"
                );
                let (setup, _) = setup(&minted, &rule).await;
                let service = setup.serve().await;
                let encoded = base64url::encode(&minted.request);
                let parameters = [
                    ("grant_type", GRANT),
                    ("subject_token", encoded.as_str()),
                    ("subject_token_type", EVIDENCE),
                    ("evidence_type", attested),
                    ("audience", STS),
                ];
                let answer = post(&service, PATH, &parameters).await;
                if debuggable && refused {
                    nothing(answer, "invalid_request", "can be debugged");
                } else {
                    assert_eq!(answer.0, 200, "{kind} {debuggable}: {}", answer.1);
                }
            }
        }
    }
}

#[tokio::test]
async fn no_policy_says_for_whom_an_attestation_token_is_nor_whom_it_names() {
    let minted = minted_with(|_| ());
    let (service, _) = serve(&minted).await;
    let names = ["aud", "sub", "azp", "act", "may_act", "client_id", "scope", "scp"];
    let issues: String =
        names.iter().map(|name| format!("=> issue(type=\"{name}\", value=\"{STS}\");")).collect();
    let policy = format!(
        "version=1.0; authorizationrules{{=> permit();}}; issuancerules{{{issues}=> \
         issue(type=\"level\", value=1);}};"
    );
    let path = "/policies/SgxEnclave?api-version=2020-10-01";
    let (status, answer) =
        service.send(Method::PUT, path, "admin", crate::support::policy::unsigned(&policy)).await;
    assert_eq!(status, 200, "{answer}");
    let token = attest(&service, &minted, STS).await;
    let claims = service.claims(&token).await;
    assert_eq!(claims["level"], 1);
    for name in names {
        assert!(claims.get(name).is_none(), "{name}");
    }
    assert_eq!(exchange(&service, &token, STS).await.0, 200);
}

/// The rules for a provider of that name that was made by then.
fn contoso(made_before: &str) -> String {
    let made_before = format!("lifetime_seconds = 900\nmade_before = \"{made_before}\"");
    CONFIG
        .replace("providers.Default", "providers.contoso")
        .replace("lifetime_seconds = 900", &made_before)
}

#[tokio::test]
async fn a_provider_that_is_made_anew_under_an_old_name_is_under_no_rule_of_the_old_one() {
    let minted = minted_with(|_| ());
    let made_before = now().saturating_add_seconds(3);
    let (setup, _) = setup(&minted, &contoso(&made_before.to_rfc3339())).await;
    let service = setup.serve().await;
    let resource = "/subscriptions/prod/resourceGroups/team/providers/Microsoft.Attestation/\
                    attestationProviders/contoso?api-version=2021-06-01";
    let body = json!({"location": "here", "properties": {}}).to_string();
    let make = || service.send(Method::PUT, resource, "admin", body.clone());
    assert!(make().await.0.is_success());
    let request = base64url::encode(request(&minted, STS));
    let parameters = [
        ("grant_type", GRANT),
        ("subject_token", request.as_str()),
        ("subject_token_type", EVIDENCE),
        ("evidence_type", "SgxEnclave"),
        ("audience", STS),
    ];
    let path = format!("/providers/contoso{PATH}");
    let (status, answer) = post(&service, &path, &parameters).await;
    assert_eq!(status, 200, "{answer}");
    let gone = service.request(Method::DELETE, resource).bearer_auth("admin").send().await;
    assert!(gone.unwrap().status().is_success());
    while now() < made_before {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(make().await.0.is_success());
    let (status, answer) = post(&service, &path, &parameters).await;
    assert_eq!(status, 404, "{answer}");
    assert!(answer.to_string().contains("of this name that was made earlier"), "{answer}");
    // It attests all the same.
    let attest = "/providers/contoso/attest/SgxEnclave?api-version=2020-10-01";
    assert_eq!(service.post(attest, self::request(&minted, STS)).await.0, 200);
}

#[tokio::test]
async fn a_token_of_a_provider_of_the_same_name_that_was_deleted_gets_nothing() {
    let minted = minted_with(|_| ());
    let (setup, _) = setup(&minted, &contoso("2100-01-01T00:00:00Z")).await;
    let service = setup.serve().await;
    let resource = "/subscriptions/prod/resourceGroups/team/providers/Microsoft.Attestation/\
                    attestationProviders/contoso?api-version=2021-06-01";
    let body = json!({"location": "here", "properties": {}}).to_string();
    let make = || service.send(Method::PUT, resource, "admin", body.clone());
    assert!(make().await.0.is_success());
    let attest = "/providers/contoso/attest/SgxEnclave?api-version=2020-10-01";
    let (status, answer) = service.post(attest, request(&minted, STS)).await;
    assert_eq!(status, 200, "{answer}");
    let token = answer["token"].as_str().unwrap();
    let parameters = [
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", JWT),
        ("audience", STS),
    ];
    let path = format!("/providers/contoso{PATH}");
    assert_eq!(post(&service, &path, &parameters).await.0, 200);
    let gone = service.request(Method::DELETE, resource).bearer_auth("admin").send().await;
    assert!(gone.unwrap().status().is_success());
    // Moments have seconds here: the new one is made in a later one.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(make().await.0.is_success());
    nothing(post(&service, &path, &parameters).await, "invalid_request", "older than the provider");
}

#[tokio::test]
async fn a_draft_a_foreign_an_altered_and_a_policy_token_get_nothing() {
    let minted = minted_with(|_| ());
    let (service, store) = serve(&minted).await;
    let mut draft: Value = serde_json::from_str(&request(&minted, STS)).unwrap();
    let text = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
    draft["draftPolicyForAttestation"] = text.into();
    let (status, answer) = service.attest_sgx(&draft.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let draft = answer["token"].as_str().unwrap();
    nothing(exchange(&service, draft, STS).await, "invalid_request", "token-algorithm");

    let token = attest(&service, &minted, STS).await;
    let mut altered: Vec<String> = token.split('.').map(str::to_owned).collect();
    let claims = base64url::decode(&altered[1]).unwrap();
    let claims = String::from_utf8(claims).unwrap().replace("\"sgx\"", "\"tdx\"");
    altered[1] = base64url::encode(claims);
    nothing(
        exchange(&service, &altered.join("."), STS).await,
        "invalid_request",
        "token-signature",
    );

    // One that somebody else signed in this provider's name.
    let key = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
    let foreign = TokenIssuer::new(key, &service.url).unwrap();
    let claims = Map::from_iter([("nonce".to_owned(), json!(STS))]);
    let payload = Payload::new(&claims, TokenTimes::attestation(now())).unwrap();
    let foreign = foreign.sign(&payload).unwrap();
    nothing(exchange(&service, &foreign, STS).await, "invalid_request", "token-key");

    // The answer to a request for a policy is signed by the same key, and attests nothing.
    let policy = service
        .request(Method::GET, "/policies/SgxEnclave?api-version=2020-10-01")
        .bearer_auth("admin")
        .send();
    let policy: Value = policy.await.unwrap().json().await.unwrap();
    let policy = policy["token"].as_str().unwrap();
    nothing(exchange(&service, policy, OPEN).await, "invalid_request", "no attestation token");
    for rubbish in ["", "a.b.c", "x"] {
        let (status, answer) = exchange(&service, rubbish, STS).await;
        assert_eq!(
            (status, &answer["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_request"))
        );
    }
    assert!(trail(&store).await.is_empty());
    assert_eq!(refused_count(&service).await, 1, "the policy token is the provider's own");
}

#[tokio::test]
async fn a_token_of_another_provider_gets_nothing_and_providers_that_are_not_named_exchange_nothing()
 {
    let minted = minted_with(|_| ());
    let (service, _) = serve(&minted).await;
    let path = "/subscriptions/prod/resourceGroups/team/providers/Microsoft.Attestation/\
                attestationProviders/contoso?api-version=2021-06-01";
    let body = json!({"location": "here", "properties": {}}).to_string();
    let (status, answer) = service.send(Method::PUT, path, "admin", body).await;
    assert!(status.is_success(), "{answer}");
    let attest = "/providers/contoso/attest/SgxEnclave?api-version=2020-10-01";
    let (status, answer) = service.post(attest, request(&minted, STS)).await;
    assert_eq!(status, 200, "{answer}");
    let theirs = answer["token"].as_str().unwrap();
    nothing(exchange(&service, theirs, STS).await, "invalid_request", "token-issuer");
    let parameters = [
        ("grant_type", GRANT),
        ("subject_token", theirs),
        ("subject_token_type", JWT),
        ("audience", STS),
    ];
    let path = format!("/providers/contoso{PATH}");
    let (status, answer) = post(&service, &path, &parameters).await;
    assert_eq!(status, 404, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("exchanges no tokens"));
}

#[tokio::test]
async fn an_expired_token_and_one_that_is_too_old_get_nothing_and_none_outlives_its_token() {
    let minted = minted_with(|_| ());
    let (service, _) = serve(&minted).await;
    // By the very key of the service.
    let keys = service.state.providers.keys().set();
    let key = keys.keys().iter().find(|key| key.purpose == KeyPurpose::Token).unwrap();
    let issuer = TokenIssuer::new(Arc::clone(&key.signer), &service.url).unwrap();
    let sign = |issued: i64, lives: u32| {
        let claims = json!({
            "x-ms-runtime": { "token-exchange": { "audience": STS, "issued_at": now().seconds() } },
            "x-ms-sgx-is-debuggable": false,
            "x-ms-attestation-type": "sgx",
            "x-ms-sgx-mrsigner": "ab",
            "x-ms-sgx-product-id": 1,
        });
        let times =
            TokenTimes { issued_at: now().saturating_add_seconds(issued), lifetime_seconds: lives };
        let payload = Payload::new(claims.as_object().unwrap(), times).unwrap();
        issuer.sign(&payload).unwrap()
    };
    nothing(exchange(&service, &sign(-100, 90), STS).await, "invalid_request", "token-expiry");
    nothing(
        exchange(&service, &sign(120, 28_800), STS).await,
        "invalid_request",
        "token-not-before",
    );
    // The clock of the instance that issued it may be ahead.
    assert_eq!(exchange(&service, &sign(30, 28_800), STS).await.0, 200);
    let (status, answer) = exchange(&service, &sign(0, 300), STS).await;
    assert_eq!(status, 200, "{answer}");
    let lives = answer["expires_in"].as_i64().unwrap();
    assert!((200..=300).contains(&lives), "no longer than what is left: {lives}");

    let young = CONFIG.replace("token_age_seconds_max = 120", "token_age_seconds_max = 1");
    let (setup, _) = setup(&minted, &young).await;
    let service = setup.serve().await;
    let token = attest(&service, &minted, STS).await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    nothing(exchange(&service, &token, STS).await, "invalid_request", "attest anew");
}

#[tokio::test]
async fn evidence_is_exchanged_as_its_token_would_be_and_refused_evidence_gets_nothing() {
    let good = minted_with(|_| ());
    let (service, store) = serve(&good).await;
    let with = |body: &str| {
        let (body, service) = (body.to_owned(), &service);
        async move { exchange_evidence(service, &body, STS).await }
    };
    let (status, answer) = with(&request(&good, STS)).await;
    assert_eq!(status, 200, "{answer}");
    let short = answer["access_token"].as_str().unwrap();
    assert!(verified(&service, short, STS).await.is_ok());
    assert_eq!(with(&request(&good, "else")).await.0, 200, "the nonce is the sender's");
    nothing(with("{}").await, "invalid_request", "the evidence gets no token");
    let mut draft: Value = serde_json::from_str(&request(&good, STS)).unwrap();
    let text = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
    draft["draftPolicyForAttestation"] = text.into();
    nothing(with(&draft.to_string()).await, "invalid_request", "token-algorithm");
    assert_eq!(trail(&store).await.len(), 2);
    let parameters = [
        ("grant_type", GRANT),
        ("subject_token", "*"),
        ("subject_token_type", EVIDENCE),
        ("evidence_type", "SgxEnclave"),
        ("audience", STS),
    ];
    nothing(post(&service, PATH, &parameters).await, "invalid_request", "base64url");

    // A platform whose TCB is not accepted, and a quote that does not verify.
    for (broken, why) in [
        (minted_with(|options| options.platform.tcb_status = TcbStatus::OutOfDate), "accepted"),
        (
            minted_with(|options| options.break_name = Some("quote-signature".into())),
            "quote-signature",
        ),
    ] {
        let (service, store) = serve(&broken).await;
        let answer = exchange_evidence(&service, &request(&broken, STS), STS).await;
        nothing(answer, "invalid_request", why);
        assert!(trail(&store).await.is_empty());
    }
}

#[tokio::test]
async fn where_a_key_must_be_bound_evidence_without_one_gets_nothing() {
    let keyed = minted_with(|_| ());
    let (service, _) = serve(&keyed).await;
    let token = attest(&service, &keyed, "any").await;
    assert_eq!(exchange(&service, &token, KEYED).await.0, 200);
    let bare =
        minted_with(|options| options.runtime_data = Some(HeldData::json("{\"name\":\"web\"}")));
    let (service, _) = serve(&bare).await;
    let token = attest(&service, &bare, "any").await;
    nothing(exchange(&service, &token, KEYED).await, "invalid_request", "binds no key");
    let (status, answer) = exchange(&service, &token, OPEN).await;
    assert_eq!(status, 200, "{answer}");
    let short = answer["access_token"].as_str().unwrap();
    assert!(!verified(&service, short, OPEN).await.unwrap().claims().contains_key("cnf"));
    // A subject that the token does not give is none.
    let nameless = minted_with(|options| options.runtime_data = Some(HeldData::json("{}")));
    let (service, _) = serve(&nameless).await;
    let token = attest(&service, &nameless, "any").await;
    nothing(exchange(&service, &token, OPEN).await, "invalid_request", "gives no subject");
}

#[tokio::test]
async fn a_sender_causes_so_many_entries_at_a_provider_and_no_more_whatever_he_attests() {
    let minted = minted_with(|_| ());
    let few = CONFIG.replace("lifetime_seconds = 900", "exchanges_per_minute = 32");
    let (setup, store) = setup(&minted, &few).await;
    let service = setup.serve().await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        // A new token each time, as whoever has good evidence can have it.
        let token = attest(&service, &minted, STS).await;
        statuses.push(exchange(&service, &token, STS).await.0.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429], "an eighth of what all have");
    assert_eq!(exchange_evidence(&service, &minted.request, STS).await.0, 429);
    assert_eq!(trail(&store).await.len(), 4);
    let report: Value = serde_json::from_str(&service.get_text("/readyz").await).unwrap();
    assert_eq!(report["exchanges_put_off"], 2);
    // However many refusals an anonymous sender causes, none is written.
    let token = attest(&service, &minted, "else").await;
    for _ in 0..30 {
        nothing(exchange(&service, &token, NONCE).await, "invalid_request", "another purpose");
    }
    assert_eq!(trail(&store).await.len(), 4);
    assert_eq!(refused_count(&service).await, 30);
}

#[tokio::test]
async fn where_nobody_attests_without_a_token_nobody_exchanges_one() {
    let minted = minted_with(|_| ());
    let few = CONFIG.replace("lifetime_seconds = 900", "exchanges_per_minute = 4");
    let (mut setup, store) = setup(&minted, &few).await;
    let secret = "reader".repeat(8);
    let reader = Token { name: "reader", secret: &secret, role: "Reader", providers: &["default"] };
    setup.access = access(&[reader], "anonymous_attest = false\n");
    let service = setup.serve().await;
    assert_eq!(exchange(&service, "a.b.c", STS).await.0, 401);
    let (status, answer) = service.send(Method::POST, PATH, &secret, "").await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));

    // The refusals of whoever shows who he is are in the trail, within his bound.
    let attest = "/attest/SgxEnclave?api-version=2020-10-01";
    let (status, answer) =
        service.send(Method::POST, attest, &secret, request(&minted, "else")).await;
    assert_eq!(status, 200, "{answer}");
    let form = format!(
        "grant_type={GRANT}&subject_token={}&subject_token_type={JWT}&audience={NONCE}",
        answer["token"].as_str().unwrap()
    );
    for expected in [400, 400, 400, 400, 429] {
        let (status, answer) = service.send(Method::POST, PATH, &secret, form.clone()).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
    }
    let outcomes: Vec<_> = trail(&store).await.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [AuditOutcome::Refused; 4]);
}

/// The TOML of the page is a configuration, and the schema has the details of every entry and no others.
#[tokio::test]
async fn the_pages_are_as_they_say() {
    let page = include_str!("../../../../docs/token-exchange.md");
    let toml = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let config = Config::parse(toml, "page", []).unwrap();
    let contoso = &config.token_exchange.providers["contoso"];
    assert_eq!(contoso.audiences[1].audience, "vault");
    let bindings: Vec<_> = contoso.audiences.iter().map(|rule| rule.audience_bound_by).collect();
    assert_eq!(bindings, [AudienceBinding::Evidence, AudienceBinding::Nonce]);
    assert!(contoso.audiences[1].key_must_be_bound && contoso.audiences[0].refuse_debuggable);
    // The runtime data that it shows is for that audience.
    let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let shown: Value = serde_json::from_str(shown).unwrap();
    assert_eq!(shown["token-exchange"]["audience"], contoso.audiences[0].audience);
    assert!(shown["token-exchange"]["issued_at"].is_i64());

    let minted = minted_with(|_| ());
    let (mut setup, store) = setup(&minted, CONFIG).await;
    let secret = "reader".repeat(8);
    let reader = Token { name: "reader", secret: &secret, role: "Reader", providers: &["default"] };
    setup.access = access(&[reader], "anonymous_attest = false\n");
    let service = setup.serve().await;
    let attest = "/attest/SgxEnclave?api-version=2020-10-01";
    let sent = service.send(Method::POST, attest, &secret, request(&minted, STS)).await;
    let token = sent.1["token"].as_str().unwrap().to_owned();
    for (audience, expected) in [(STS, 200), (NONCE, 400)] {
        let form = format!(
            "grant_type={GRANT}&subject_token={token}&subject_token_type={JWT}&audience={audience}"
        );
        let (status, answer) = service.send(Method::POST, PATH, &secret, form).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
    }
    let schema = include_str!("../../../../docs/schemas/service.md");
    let schema = schema.split("## Details of token exchanges").nth(1).unwrap();
    let schema = schema.split("\n## ").next().unwrap();
    let rows = schema.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<(&str, &str)> = rows
        .map(|row| (row.split('`').next().unwrap(), row.split('|').nth(2).unwrap().trim()))
        .collect();
    for (entry, without) in trail(&store).await.iter().zip(["refused", "given"]) {
        let mut expected: Vec<&str> =
            rows.iter().filter(|(_, is_if)| *is_if != without).map(|(name, _)| *name).collect();
        expected.sort_unstable();
        let mut found: Vec<&str> = entry.details.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_configuration_that_would_give_too_much_is_refused() {
    const MADE: &str = "made_before = \"2026-01-01T00:00:00Z\"";
    let with = |members: &str, audiences: &str| {
        let text = format!("[token_exchange.providers.ppp]\n{MADE}\n{members}\n{audiences}");
        Config::parse(&text, "test", []).map(drop).map_err(|error| error.to_string())
    };
    let audience = |more: &str| {
        format!("[[token_exchange.providers.ppp.audiences]]\naudience = \"a\"\n{more}\n")
    };
    let good = audience("subject = \"{c}\"");
    assert_eq!(with("lifetime_seconds = 3600", &good), Ok(()));
    assert_eq!(with("lifetime_seconds = 60\ntoken_age_seconds_max = 28800", &good), Ok(()));
    for (members, audiences, said) in [
        ("lifetime_seconds = 3601", good.clone(), "lifetime_seconds"),
        ("lifetime_seconds = 59", good.clone(), "lifetime_seconds"),
        ("token_age_seconds_max = 0", good.clone(), "token_age_seconds_max"),
        ("token_age_seconds_max = 28801", good.clone(), "token_age_seconds_max"),
        ("evidence_age_seconds_max = 0", good.clone(), "evidence_age_seconds_max"),
        ("evidence_age_seconds_max = 28801", good.clone(), "evidence_age_seconds_max"),
        ("exchanges_per_minute = 1", good.clone(), "exchanges_per_minute"),
        ("exchanges_per_minute = 60001", good.clone(), "exchanges_per_minute"),
        ("audiences = []", String::new(), "names nobody"),
        ("", format!("{good}{good}"), "twice"),
        ("", audience("subject = \"everybody\""), "no claim is named"),
        ("", audience(""), "subject"),
        ("", audience("subject = \"{c}\"\nany = 1"), "any"),
        ("", audience("subject = \"{c}\"\naudience_bound_by = \"any\""), "any"),
        ("", good.replace("\"a\"", "\"a b\""), "printable"),
        ("", good.replace("\"a\"", "\"\""), "printable"),
    ] {
        let error = with(members, &audiences).unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
    }
    let others = good.replace(".ppp.", ".PPP.");
    let twice = format!("[token_exchange.providers.PPP]\n{MADE}\n{others}");
    let error = with("", &format!("{good}{twice}")).unwrap_err();
    assert!(error.contains("twice, in other case"), "{error}");
    // Which provider is meant, whoever makes another of its name: only that at the root is always the same.
    let parse = |text: &str| Config::parse(text, "test", []).map(drop).map_err(|it| it.to_string());
    let unnamed = |name: &str| good.replace(".ppp.", &format!(".{name}."));
    let error = parse(&unnamed("ppp")).unwrap_err();
    assert!(error.contains("token_exchange.providers.ppp.made_before: is not there"), "{error}");
    assert_eq!(parse(&unnamed("Default")), Ok(()));
    let undated = format!("[token_exchange.providers.ppp]\nmade_before = \"soon\"\n{good}");
    assert!(parse(&undated).unwrap_err().contains("made_before"));
}
