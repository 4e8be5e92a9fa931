//! Whose word is taken: of authorities that the policy names and the operator knows, and of the providers
//! that the policy was given for.

use std::net::TcpListener;

use avouch_server::config::AuthorityConfig;
use avouch_store::ProviderName;
use avouch_token::TokenTimes;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, now};
use crate::{Fixture, OWNER, envelope, part};

const NO_TOKEN: &str = "the attestation token is not accepted";
const NO_POLICY: &str = "the attestation token does not meet the key's release policy";

/// A provider as clients address it.
const PROVIDER: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/\
                        attestationProviders/contoso?api-version=2021-06-01";

impl Fixture {
    async fn provider(&self, method: Method) {
        let body = json!({"location": "here", "properties": {}}).to_string();
        let request = self.service.request(method, PROVIDER).bearer_auth(OWNER);
        let answer = request.body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// A token of the provider.
    async fn token_of_provider(&self) -> String {
        let path = "/providers/contoso/attest/SevSnpVm?api-version=2022-08-01";
        let (status, answer) = self.service.post(path, self.minted.request.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    /// A key that is released by the word of this authority.
    async fn create_by(&self, name: &str, authority: &str) {
        let policy = self.policy_by(authority);
        let body = json!({
            "kty": "oct", "attributes": {"exportable": true}, "release_policy": policy,
        });
        self.done(Method::POST, &format!("/keys/{name}/create"), &body).await;
    }

    fn policy_by(&self, authority: &str) -> Value {
        envelope(&json!({"anyOf": [{"authority": authority, "allOf": self.conditions()}]}))
    }

    fn url_of_provider(&self) -> String {
        format!("{}/providers/contoso", self.service.url)
    }

    async fn is_released(&self, name: &str, token: &str) {
        let (status, answer) = self.release(name, &json!({ "target": token })).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// What a stranger is answered: status and body.
    async fn told(&self, name: &str, token: &str) -> (StatusCode, Value) {
        let (status, mut answer) = self.release(name, &json!({ "target": token })).await;
        answer["error"]["requestId"].take();
        (status, answer)
    }
}

/// Nobody is asked for the keys of an authority that the operator did not name, and no token makes the
/// service ask.
#[tokio::test]
async fn an_issuer_that_nobody_named_is_refused_whatever_its_token_says() {
    let fixture = Fixture::new().await;
    let other = Fixture::new().await;
    fixture.create("ours", &fixture.conditions()).await;
    fixture.create_by("theirs", &other.service.url).await;
    let token = other.token().await;
    fixture.refused("ours", &token, NO_TOKEN, "token-issuer", "no rule of the release").await;
    fixture.refused("theirs", &token, NO_TOKEN, "token-issuer", "vault.authorities").await;
}

/// A genuine token's claims, signed by somebody else whose keys are at hand, and under the right name by a
/// key that is not its.
#[tokio::test]
async fn a_foreign_issuer_with_equal_claims_gets_nothing() {
    let other = Fixture::new().await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, other.service.ca()).unwrap();
    let fixture = Fixture::with(|setup: &mut Setup| {
        let issuer = other.service.url.clone();
        let ca_file = Some(ca_file.clone());
        setup.config.vault.authorities = vec![AuthorityConfig { issuer, ca_file }];
    })
    .await;
    fixture.create("disk", &fixture.conditions()).await;
    let genuine = fixture.token().await;
    let claims = crate::part(&genuine, 1);
    let times = TokenTimes::attestation(now());
    let theirs = other.signed(&claims, times);
    assert_eq!(crate::part(&theirs, 1)["iss"], other.service.url);
    let said = format!("token is of {}, which no rule of the release policy", other.service.url);
    fixture.refused("disk", &theirs, NO_POLICY, "token-issuer", &said).await;
    let forged = other.signed_as(&fixture.service.url, &claims, times);
    assert_eq!(crate::part(&forged, 1)["iss"], fixture.service.url);
    fixture.refused("disk", &forged, NO_TOKEN, "token-key", "").await;
    fixture.is_released("disk", &genuine).await;
}

/// Two keys, of which one names an authority and the other does not: whoever has the right to ask and no
/// more is answered alike, be the token good, changed or of a stranger, be the authority up or down.
#[tokio::test]
async fn strangers_do_not_learn_which_authorities_a_policy_names() {
    let other = Fixture::new().await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, other.service.ca()).unwrap();
    // One that is never there: its port was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let down = format!("https://localhost:{port}");
    let named = |setup: &mut Setup| {
        let authority = |issuer: &str| AuthorityConfig {
            issuer: issuer.to_owned(),
            ca_file: Some(ca_file.clone()),
        };
        setup.config.vault.authorities = vec![authority(&other.service.url), authority(&down)];
    };
    let fixture = Fixture::with(named).await;
    fixture.provider(Method::PUT).await;
    fixture.create_by("ours", &fixture.service.url).await;
    fixture.create_by("other", &other.service.url).await;
    fixture.create_by("down", &down).await;
    fixture.create_by("provider", &fixture.url_of_provider()).await;
    fixture.create_by("unknown", "https://unknown.example").await;

    // Claims that meet no policy here: a good token of an authority that is named then fails by them.
    let claims = json!({"a": "b"});
    let times = TokenTimes::attestation(now());
    let good = other.signed(&claims, times);
    let (head, _) = good.rsplit_once('.').unwrap();
    for (what, token) in [
        ("good, of another service", good.clone()),
        ("changed, of another service", format!("{head}.{}", "A".repeat(342))),
        ("of one that is down", fixture.signed_as(&down, &claims, times)),
        ("of a provider", fixture.token_of_provider().await.replacen('.', ".e", 1)),
        ("of nobody known", fixture.signed_as("https://unknown.example", &claims, times)),
        ("of this service", fixture.signed(&claims, times)),
        ("of a provider that is none", {
            fixture.signed_as(&format!("{}/providers/none", fixture.service.url), &claims, times)
        }),
    ] {
        let first = fixture.told("ours", &token).await;
        for name in ["other", "down", "provider", "unknown"] {
            assert_eq!(fixture.told(name, &token).await, first, "{what}, key {name}");
        }
        let is_down = what.contains("down");
        let expected =
            if is_down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::FORBIDDEN };
        assert_eq!(first.0, expected, "{what}");
    }
}

/// Another who takes the name of a provider that is gone is not who was trusted.
#[tokio::test]
async fn a_provider_made_anew_under_an_old_name_inherits_no_trust() {
    let fixture = Fixture::new().await;
    fixture.provider(Method::PUT).await;
    fixture.create_by("before", &fixture.url_of_provider()).await;
    let mut immutable = fixture.policy_by(&fixture.url_of_provider());
    immutable["immutable"] = true.into();
    let body = json!({
        "kty": "oct", "attributes": {"exportable": true}, "release_policy": immutable,
    });
    fixture.done(Method::POST, "/keys/immutable/create", &body).await;
    let token = fixture.token_of_provider().await;
    fixture.is_released("before", &token).await;
    fixture.is_released("immutable", &token).await;

    fixture.provider(Method::DELETE).await;
    let gone = "vault.authorities does not name it";
    fixture.refused("before", &token, NO_TOKEN, "token-issuer", gone).await;
    // A policy that names a provider that is not there trusts nobody who comes.
    fixture.create_by("between", &fixture.url_of_provider()).await;
    fixture.provider(Method::PUT).await;
    fixture.create_by("after", &fixture.url_of_provider()).await;
    let token = fixture.token_of_provider().await;
    let said = "made after the release policy was set";
    for name in ["before", "between", "immutable"] {
        fixture.refused(name, &token, NO_POLICY, "token-issuer", said).await;
    }
    fixture.is_released("after", &token).await;

    // Whoever may change the key can trust the new one, but not against an immutable policy.
    let same = json!({ "release_policy": fixture.policy_by(&fixture.url_of_provider()) });
    let shown = fixture.done(Method::PATCH, "/keys/before/", &same).await;
    assert_eq!(shown["release_policy"]["data"], same["release_policy"]["data"]);
    assert_eq!(shown["release_policy"].as_object().unwrap().len(), 3, "{shown}");
    fixture.is_released("before", &token).await;
    let same = json!({ "release_policy": immutable });
    fixture.done(Method::PATCH, "/keys/immutable/", &same).await;
    fixture.refused("immutable", &token, NO_POLICY, "token-issuer", said).await;
    // What is changed beside the policy moves no trust.
    fixture.done(Method::PATCH, "/keys/between/", &json!({"tags": {"a": "b"}})).await;
    fixture.refused("between", &token, NO_POLICY, "token-issuer", said).await;
}

#[tokio::test]
async fn a_token_that_was_issued_before_its_provider_was_made_is_refused() {
    let fixture = Fixture::new().await;
    fixture.provider(Method::PUT).await;
    fixture.create_by("disk", &fixture.url_of_provider()).await;
    let claims = part(&fixture.token_of_provider().await, 1);
    let signed = |seconds| {
        let issued_at = now().saturating_add_seconds(seconds);
        fixture.signed_as(&fixture.url_of_provider(), &claims, TokenTimes::attestation(issued_at))
    };
    fixture.is_released("disk", &signed(0)).await;
    let said = "issued before provider contoso was made";
    fixture.refused("disk", &signed(-60), NO_TOKEN, "token-issuer", said).await;
    // The provider that has its name for ever had no other before it.
    fixture.create("root", &fixture.conditions()).await;
    let at = now().saturating_add_seconds(-60);
    let claims = part(&fixture.token().await, 1);
    fixture.is_released("root", &fixture.signed(&claims, TokenTimes::attestation(at))).await;
    let default = fixture.service.state.providers.tenant(ProviderName::DEFAULT).unwrap();
    assert!(default.provider.created_at.seconds() > at.seconds());
}

/// What else a provider's key signs attests nothing.
#[tokio::test]
async fn another_kind_of_token_of_a_providers_key_is_refused() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &json!([{"claim": "a", "equals": "b"}])).await;
    let keys = json!({"keys": [crate::workload_jwk()]});
    let times = TokenTimes::attestation(now());
    for (claims, check, said) in [
        (json!({"aud": "https://relying.example"}), "token-audience", ""),
        (json!({"x-ms-attestation-type": null}), "token-issuer", "it attests nothing"),
    ] {
        let mut claims = claims;
        claims["a"] = "b".into();
        claims["x-ms-runtime"] = keys.clone();
        let token = fixture.signed(&claims, times);
        fixture.refused("disk", &token, NO_TOKEN, check, said).await;
    }
    fixture
        .is_released("disk", &fixture.signed(&json!({"a": "b", "x-ms-runtime": keys}), times))
        .await;
}
