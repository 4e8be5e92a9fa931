//! Conversations with TPMs: challenge, attestation, enrolment; and who is refused.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod attacks;
mod enclaves;
mod enrolment;
mod exchange;
mod machines;
mod recorded;
mod refusals;
mod results;

use avouch_engine::{Anchors, Vendor};
use avouch_mint::bootlog::Ground;
use avouch_mint::tpm::{KeyBinding, MintedTpm, TpmMachine, TpmOptions, mint};
use avouch_pki::Certificate;
use avouch_server::config::TpmConfig;
use avouch_server::{SigningKeys, TpmConversations, signing_key};
use avouch_store::{KeyPurpose, ProviderName, Store};
use avouch_token::{Expectations, Jwk, Jwks, TokenKind, VerifyError, verify_token};
use avouch_tpm::protocol::{ContextKey, Form, ServiceMessage, init_message, request_message};
use avouch_wire::base64url;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::policy::unsigned;
use crate::support::{Running, SHARED_SECRET, Setup, now};

const ROUTE: &str = "/attest/Tpm?api-version=2020-10-01";
const POLICY: &str = "/policies/Tpm?api-version=2020-10-01";

/// A policy that shows what it read.
fn policy(configuration: &str, properties: &str) -> String {
    format!(
        "version=1.2; configurationrules{{{configuration}}}; authorizationrules{{=> permit();}};
         issuancerules{{
            c:[type==\"secureBootEnabled\", issuer==\"AttestationService\"] => issue(claim=c);
            d:[type==\"aikValidated\", issuer==\"AttestationService\"] => issue(claim=d);
            e:[type==\"urn:avouch:custom-claim:site\", issuer==\"CustomClaim\"] =>
                issue(type=\"site\", value=e.value);
            {properties}
         }};"
    )
}

/// A machine that booted Linux with Secure Boot on.
fn machine() -> TpmOptions {
    booted(Ground::Linux)
}

fn booted(boot: Ground) -> TpmOptions {
    let measured = TpmMachine { boot, measures_files: false }.measurements().unwrap();
    TpmOptions { log: measured.log, pcrs: measured.pcrs, ..TpmOptions::new(now()) }
}

/// Trusts the CAs of minted TPMs.
async fn setup() -> Setup {
    let minted = mint(&machine()).unwrap();
    let roots = format!("{}{}", minted.aik_root_pem, minted.ek_root_pem);
    let anchors = Anchors::built_in().with_roots(Some(Vendor::Tpm), roots.as_bytes()).unwrap();
    Setup { anchors, ..Setup::new().await }
}

/// A service with a policy for TPMs.
async fn service() -> Running {
    let service = setup().await.serve().await;
    set_policy(&service, "", &policy("", "")).await;
    service
}

async fn set_policy(service: &Running, provider: &str, text: &str) {
    let path = format!("{provider}{POLICY}");
    let (status, answer) = service.send(Method::PUT, &path, "t", unsigned(text)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// Sends the `data` of a message to a provider's route.
async fn say(service: &Running, provider: &str, data: &str) -> (StatusCode, Value) {
    let body = json!({"data": data}).to_string();
    service.send(Method::POST, &format!("{provider}{ROUTE}"), "t", body).await
}

/// What the service gives to be answered.
#[derive(Clone)]
struct Given {
    challenge: [u8; 16],
    context: String,
}

fn given(answer: &Value) -> Given {
    let data = answer["data"].as_str().unwrap();
    let read = ServiceMessage::read(data).unwrap();
    let ServiceMessage::Challenge { challenge, service_context } = read else { panic!("{read:?}") };
    Given { challenge: challenge.try_into().unwrap(), context: service_context }
}

async fn challenge(service: &Running, aik_certificate: Option<&[u8]>) -> Given {
    let init = init_message(Form::Wrapped, aik_certificate);
    let (status, answer) = say(service, "", &init).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    given(&answer)
}

/// The machine's answer.
fn answer(options: &TpmOptions, given: &Given) -> MintedTpm {
    let (challenge, service_context) = (given.challenge, given.context.clone());
    mint(&TpmOptions { challenge, service_context, ..options.clone() }).unwrap()
}

async fn attest(service: &Running, minted: &MintedTpm) -> (StatusCode, Value) {
    say(service, "", &request_message(Form::Wrapped, &minted.request)).await
}

/// The whole conversation.
async fn converse(service: &Running, options: &TpmOptions) -> (StatusCode, Value) {
    let given = challenge(service, None).await;
    attest(service, &answer(options, &given)).await
}

/// The check that refuses; the service's sentences begin with it.
fn check(status: StatusCode, answer: &Value) -> String {
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    message.split(':').next().unwrap().to_owned()
}

fn report(answer: &Value) -> String {
    match ServiceMessage::read(answer["data"].as_str().unwrap()).unwrap() {
        ServiceMessage::Report(report) => report,
        other => panic!("{other:?}"),
    }
}

/// The claims of a report, verified as a relying party does.
async fn verified(service: &Running, report: &str) -> Map<String, Value> {
    let keys = Jwks::parse(service.get_text("/certs").await.as_bytes()).unwrap();
    let mut expectations = Expectations::at(now());
    expectations.issuer = Some(service.url.clone());
    expectations.kind = TokenKind::Report;
    verify_token(report, &keys, &expectations).into_verified().unwrap().claims().clone()
}

/// The key for reports as relying parties find it: the one whose certificate says so.
async fn report_key(service: &Running) -> Value {
    let text = service.get_text("/certs").await;
    let keys = Jwks::parse(text.as_bytes()).unwrap();
    let of_kind = |kind| move |key: &&Jwk| key.signs() == kind;
    let mut reports = keys.keys().iter().filter(of_kind(TokenKind::Report));
    let kid = reports.next().unwrap().kid().unwrap().to_owned();
    assert_eq!(reports.count(), 0, "{text}");
    assert_eq!(keys.keys().iter().filter(of_kind(TokenKind::Attestation)).count(), 1, "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    document["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap().clone()
}

fn header(report: &str) -> Value {
    serde_json::from_slice(&base64url::decode(report.split('.').next().unwrap()).unwrap()).unwrap()
}

/// The key that all instances derive; a test plays one of them.
fn key() -> ContextKey {
    TpmConversations::derived(SHARED_SECRET, TpmConfig::default()).into_key().unwrap()
}

/// What the default provider is to conversations.
async fn default_provider(service: &Running) -> String {
    let store = service.state.providers.store();
    let provider = store.provider(ProviderName::DEFAULT).await.unwrap().unwrap();
    format!("{}/{}", provider.name.key(), provider.id.get())
}

#[tokio::test]
async fn a_challenge_is_answered_and_becomes_a_report_that_verifies() {
    let service = service().await;
    for binding in [KeyBinding::Certified, KeyBinding::Quoted] {
        let options = TpmOptions { binding, ..machine() };
        let (status, answer) = converse(&service, &options).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let report = report(&answer);
        let claims = verified(&service, &report).await;
        assert_eq!(claims["secureBootEnabled"], true);
        assert_eq!(claims["aikValidated"], true);
        assert_eq!(claims["x-ms-attestation-type"], "tpm");
        assert_eq!((&claims["ver"], &claims["x-ms-ver"]), (&json!("1.0"), &json!("1.0")));
        assert_eq!(
            (&claims["rp_data"], &claims["nonce"]),
            (&json!("bWludGVk"), &json!("bWludGVk"))
        );
        assert_eq!(
            claims["site"], "lab",
            "what the client says of itself has an issuer of its own"
        );
        assert_eq!(claims["cnf"]["jwk"]["kty"], "RSA");
        let info = claims["x-ms-tpm-request-key"]["info"].as_object().unwrap();
        let expected = match binding {
            KeyBinding::Certified => "tpm_certify",
            KeyBinding::Quoted => "tpm_quote",
        };
        assert_eq!(info.keys().collect::<Vec<_>>(), [expected]);
        // A day, where the policy says nothing; `jti` as MAA's reports have it.
        let seconds = |name: &str| claims[name].as_i64().unwrap();
        assert_eq!(seconds("exp") - seconds("iat"), 86_400);
        assert_eq!(claims["jti"].as_str().unwrap().len(), 40);
        let header = header(&report);
        let published = report_key(&service).await;
        assert_eq!((&header["x5c"], &header["kid"]), (&published["x5c"], &published["kid"]));
        assert_eq!((header["typ"].as_str(), header.get("x5t")), (Some("JWT"), None));
    }
}

#[tokio::test]
async fn the_policy_says_how_long_a_report_counts_and_how_it_shows_the_certificate() {
    let service = service().await;
    let properties = "=> issueproperty(type=\"report_validity_in_minutes\", value=10);
                      => issueproperty(type=\"omit_x5c\", value=true);";
    set_policy(&service, "", &policy("", properties)).await;
    let (_, answer) = converse(&service, &machine()).await;
    let report = report(&answer);
    let claims = verified(&service, &report).await;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    let header = header(&report);
    assert_eq!(header.get("x5c"), None);
    let published = report_key(&service).await;
    let der = base64url::decode_standard(published["x5c"][0].as_str().unwrap()).unwrap();
    Certificate::parse(&der).unwrap();
    let thumbprint = base64url::encode(avouch_pki::digest::sha1(&der).as_bytes());
    assert_eq!(header["x5t"], thumbprint);
}

#[tokio::test]
async fn a_message_is_answered_in_the_form_that_it_came_in() {
    let service = service().await;
    for form in [Form::Wrapped, Form::Bare] {
        let (_, first) = say(&service, "", &init_message(form, None)).await;
        let given = given(&first);
        let minted = answer(&machine(), &given);
        let (status, second) = say(&service, "", &request_message(form, &minted.request)).await;
        assert_eq!(status, StatusCode::OK, "{second}");
        for answer in [first, second] {
            let data = base64url::decode(answer["data"].as_str().unwrap()).unwrap();
            let data: Value = serde_json::from_slice(&data).unwrap();
            assert_eq!(data.get("payload").is_some(), form == Form::Wrapped, "{data}");
        }
    }
}

#[tokio::test]
async fn any_instance_takes_the_answer_to_a_challenge_of_another() {
    let first = setup().await;
    let store = first.store.clone();
    let first = first.serve().await;
    set_policy(&first, "", &policy("", "")).await;
    let second = Setup { store, ..setup().await }.serve().await;
    let given = challenge(&first, None).await;
    let minted = answer(&machine(), &given);
    let (status, answer) = attest(&second, &minted).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn tpm_evidence_needs_a_token_unless_the_provider_says_otherwise() {
    use crate::support::tokens::{Token, access};
    let secret = "s".repeat(40);
    let token = Token { name: "owner", secret: &secret, role: "Owner", providers: &[] };
    let service = Setup { access: access(&[token], ""), ..setup().await }.serve().await;
    let (status, _) = service.send(Method::PUT, POLICY, &secret, unsigned(&policy("", ""))).await;
    assert_eq!(status, StatusCode::OK);
    let body = json!({"data": init_message(Form::Wrapped, None)}).to_string();
    let (status, _) = service.post(ROUTE, body.clone()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = service.send(Method::POST, ROUTE, &secret, body).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_report_is_no_token_and_a_token_no_report() {
    let service = service().await;
    let keys = Jwks::parse(service.get_text("/certs").await.as_bytes()).unwrap();
    let (_, answer) = converse(&service, &machine()).await;
    let report = report(&answer);
    let text = unsigned("version=1.0; authorizationrules{=>permit();}; issuancerules{};");
    let (status, answer) = service
        .send(Method::PUT, "/policies/SgxEnclave?api-version=2020-10-01", "administrator", text)
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let token = answer["token"].as_str().unwrap().to_owned();
    for (text, kind) in [(&report, TokenKind::Report), (&token, TokenKind::Attestation)] {
        for expected in [TokenKind::Report, TokenKind::Attestation] {
            let mut expectations = Expectations::at(now());
            expectations.kind = expected;
            let verified = verify_token(text, &keys, &expectations).into_verified();
            if kind == expected {
                verified.unwrap();
                continue;
            }
            let error = verified.unwrap_err();
            let refused = matches!(
                error,
                VerifyError::KeyForOtherKind { signs, expected: wanted, .. }
                    if (signs, wanted) == (kind, expected)
            );
            assert!(refused, "{error}");
        }
    }
    assert_ne!(header(&report)["kid"], header(&token)["kid"]);
}

#[tokio::test]
async fn instances_with_one_key_file_and_database_publish_one_report_key() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("avouch.db");
    let store = || async { Store::open(database.to_str().unwrap(), now()).await.unwrap() };
    let key = || signing_key::open(&folder.path().join("keys")).unwrap();
    let kids = |keys: &SigningKeys| -> Vec<(KeyPurpose, String)> {
        let set = keys.set();
        set.keys().iter().map(|key| (key.purpose, key.signer.kid().to_owned())).collect()
    };
    let first = SigningKeys::of_file(key(), &store().await).await.unwrap();
    let second = SigningKeys::of_file(key(), &store().await).await.unwrap();
    assert_eq!(kids(&first), kids(&second));
    assert_eq!(kids(&first).len(), 3);
    // Whoever replaces the file has new keys for reports: the old ones are sealed under the old file.
    std::fs::remove_file(folder.path().join("keys/signing-key.pem")).unwrap();
    let third = SigningKeys::of_file(key(), &store().await).await.unwrap();
    assert_eq!(kids(&third).len(), 3);
    assert!(kids(&third).iter().all(|kid| !kids(&first).contains(kid)));
}
