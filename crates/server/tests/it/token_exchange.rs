//! Short tokens for attestation tokens and evidence: what they say, and who gets nothing.

use std::sync::Arc;

use avouch_mint::{HeldData, Minted, Options, TcbStatus, mint};
use avouch_server::Config;
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
audience = "open.example"
subject = "{x-ms-attestation-type}:{x-ms-runtime/name}"
nonce_must_be_audience = false

[[token_exchange.providers.Default.audiences]]
audience = "keyed.example"
subject = "{x-ms-sgx-mrenclave}"
nonce_must_be_audience = false
key_must_be_bound = true
"#;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const EVIDENCE: &str = "urn:avouch:params:oauth:token-type:evidence";
const PATH: &str = "/avouch/token-exchange";

fn runtime() -> String {
    let key = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
        "use": "sig",
    });
    json!({ "name": "web/1", "keys": [key] }).to_string()
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
    let for_other = attest(&service, &minted, "other.example").await;
    nothing(exchange(&service, &for_other, STS).await, "invalid_request", "another purpose");
    let for_nobody = service.attest_sgx(&minted.request).await.1;
    let for_nobody = for_nobody["token"].as_str().unwrap();
    nothing(exchange(&service, for_nobody, STS).await, "invalid_request", "another purpose");
    // Where the operator does not ask for the nonce, any token will do.
    let (status, answer) = exchange(&service, for_nobody, OPEN).await;
    assert_eq!(status, 200, "{answer}");
    let short = answer["access_token"].as_str().unwrap();
    let short = verified(&service, short, OPEN).await.unwrap();
    assert_eq!(short.claims()["sub"], "sgx:web%2F1");
    // Refusals of good tokens are in the trail, those of unknown audiences are nobody's.
    let outcomes: Vec<_> = trail(&store).await.iter().map(|entry| entry.outcome).collect();
    use AuditOutcome::{Refused, Succeeded};
    assert_eq!(outcomes, [Refused, Refused, Succeeded]);
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
    // Of tokens that are not the provider's own nothing is written.
    assert_eq!(trail(&store).await.len(), 1, "the policy token is its own");
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
            "nonce": STS,
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
    nothing(exchange(&service, &sign(-130, 28_800), STS).await, "invalid_request", "attest anew");
    nothing(
        exchange(&service, &sign(60, 28_800), STS).await,
        "invalid_request",
        "token-not-before",
    );
    let (status, answer) = exchange(&service, &sign(-60, 360), STS).await;
    assert_eq!(status, 200, "{answer}");
    let lives = answer["expires_in"].as_i64().unwrap();
    assert!((290..=300).contains(&lives), "no longer than what is left: {lives}");
}

#[tokio::test]
async fn evidence_is_exchanged_as_its_token_would_be_and_refused_evidence_gets_nothing() {
    let good = minted_with(|_| ());
    let (service, store) = serve(&good).await;
    let with = |body: &str| {
        let encoded = base64url::encode(body);
        let service = &service;
        async move {
            let parameters = [
                ("grant_type", GRANT),
                ("subject_token", encoded.as_str()),
                ("subject_token_type", EVIDENCE),
                ("evidence_type", "SgxEnclave"),
                ("audience", STS),
            ];
            post(service, PATH, &parameters).await
        }
    };
    let (status, answer) = with(&request(&good, STS)).await;
    assert_eq!(status, 200, "{answer}");
    let short = answer["access_token"].as_str().unwrap();
    assert!(verified(&service, short, STS).await.is_ok());
    nothing(with(&request(&good, "else")).await, "invalid_request", "another purpose");
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
        let encoded = base64url::encode(request(&broken, STS));
        let parameters = [
            ("grant_type", GRANT),
            ("subject_token", encoded.as_str()),
            ("subject_token_type", EVIDENCE),
            ("evidence_type", "SgxEnclave"),
            ("audience", STS),
        ];
        nothing(post(&service, PATH, &parameters).await, "invalid_request", why);
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
async fn a_token_is_exchanged_so_often_at_once_and_no_oftener() {
    let minted = minted_with(|_| ());
    let (service, store) = serve(&minted).await;
    let token = attest(&service, &minted, STS).await;
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(exchange(&service, &token, STS).await.0.as_u16());
    }
    assert_eq!(statuses[..20], [200; 20]);
    assert_eq!(statuses[20], 429);
    assert_eq!(trail(&store).await.len(), 20);
    // Another token is another's.
    let other = attest(&service, &minted, STS).await;
    assert_eq!(exchange(&service, &other, STS).await.0, 200);
}

#[tokio::test]
async fn where_nobody_attests_without_a_token_nobody_exchanges_one() {
    let minted = minted_with(|_| ());
    let (mut setup, _) = setup(&minted, CONFIG).await;
    let secret = "reader".repeat(8);
    let reader = Token { name: "reader", secret: &secret, role: "Reader", providers: &["default"] };
    setup.access = access(&[reader], "anonymous_attest = false\n");
    let service = setup.serve().await;
    assert_eq!(exchange(&service, "a.b.c", STS).await.0, 401);
    let (status, answer) = service.send(Method::POST, PATH, &secret, "").await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
}

/// The TOML of the page is a configuration, and the schema has the details of every entry and no others.
#[tokio::test]
async fn the_pages_are_as_they_say() {
    let page = include_str!("../../../../docs/token-exchange.md");
    let toml = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let config = Config::parse(toml, "page", []).unwrap();
    let contoso = &config.token_exchange.providers["contoso"];
    assert_eq!(contoso.audiences[1].audience, "vault");
    assert!(contoso.audiences[0].nonce_must_be_audience && contoso.audiences[1].key_must_be_bound);

    let minted = minted_with(|_| ());
    let (service, store) = serve(&minted).await;
    let token = attest(&service, &minted, STS).await;
    assert_eq!(exchange(&service, &token, STS).await.0, 200);
    let token = attest(&service, &minted, "else").await;
    assert_eq!(exchange(&service, &token, STS).await.0, 400);
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
    let with = |members: &str, audiences: &str| {
        let text = format!("[token_exchange.providers.ppp]\n{members}\n{audiences}");
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
        ("audiences = []", String::new(), "names nobody"),
        ("", format!("{good}{good}"), "twice"),
        ("", audience("subject = \"everybody\""), "no claim is named"),
        ("", audience(""), "subject"),
        ("", audience("subject = \"{c}\"\nany = 1"), "any"),
        ("", good.replace("\"a\"", "\"a b\""), "printable"),
        ("", good.replace("\"a\"", "\"\""), "printable"),
    ] {
        let error = with(members, &audiences).unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
    }
    let twice = format!("[token_exchange.providers.PPP]\n{}", good.replace(".ppp.", ".PPP."));
    let error = with("", &format!("{good}{twice}")).unwrap_err();
    assert!(error.contains("twice, in other case"), "{error}");
}
