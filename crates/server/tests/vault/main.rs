//! The vault as clients of Azure Key Vault see it.
//!
//! A program of its own: what it proves of the log it proves of all of it.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod freshness;
mod issuers;
mod keys;
mod meanwhile;
mod protocol;
mod refusals;
mod release;
mod secrets;
#[path = "../support/mod.rs"]
mod support;

use std::sync::{Arc, LazyLock};

use avouch_mint::{HeldData, Minted, Options, mint};
use avouch_release::{UnwrappingKey, WrapAlgorithm, unwrap};
use avouch_server::keys::HeldKey;
use avouch_store::{AuditEntry, KeyPurpose, KeyState, PageRequest, Store};
use avouch_token::{
    KeySpec, Payload, Signer as _, SigningKey, TokenIssuer, TokenTimes, public_jwk_members,
};
use avouch_wire::{EvidenceKind, base64url};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::oidc::Issuer;
use crate::support::tokens::{Token, access};
use crate::support::{Running, Setup, VAULT_HOST, now};

const OFFICER: &str = "officer-officer-officer-officer-officer";
const READER: &str = "reader-reader-reader-reader-reader-reader";
const RELEASE: &str = "release-release-release-release-release";
/// Whom the issuer of access tokens says to own keys: he may read their policies, and have them released.
const KEY_OWNERS: &str = "key-owners";
const AUDIENCE: &str = "https://attest.localhost";
/// Has a role at every provider, and none at the vault.
const OWNER: &str = "owner-owner-owner-owner-owner-owner-owner";
const VERSION: &str = "api-version=7.4";

/// The key that the workload's evidence binds.
static WORKLOAD: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeySpec::Rsa2048).unwrap());

/// A service with a vault, and evidence of a guest that it accepts.
struct Fixture {
    service: Running,
    store: Store,
    client: Client,
    url: String,
    minted: Minted,
    issuer: Issuer,
}

/// A public key as runtime claims have it, with these members beside.
fn jwk(key: &SigningKey, members: &Value) -> Value {
    let mut jwk: Map<String, Value> = public_jwk_members(key.public_key())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    jwk.extend(members.as_object().unwrap().clone());
    Value::Object(jwk)
}

fn workload_jwk() -> Value {
    jwk(&WORKLOAD, &json!({"kid": "workload", "key_ops": ["encrypt"]}))
}

/// A guest that binds the workload's key.
fn options() -> Options {
    let runtime = json!({"keys": [workload_jwk()]}).to_string();
    Options { runtime_data: Some(HeldData::json(runtime)), ..Options::new(now()) }
}

impl Fixture {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let minted = mint(EvidenceKind::Snp, &options()).unwrap();
        let mut setup = Setup::for_minted(&minted).await;
        let issuer = Issuer::start().await;
        let row = |name, secret, role| Token { name, secret, role, providers: &[] };
        setup.access = access(
            &[
                row("officer", OFFICER, "KeyVaultCryptoOfficer"),
                row("reader", READER, "KeyVaultReader"),
                row("release", RELEASE, "KeyVaultCryptoServiceReleaseUser"),
                row("owner", OWNER, "Owner"),
            ],
            &key_owners(&issuer),
        );
        setup.config.vault.host = Some(VAULT_HOST.to_owned());
        change(&mut setup);
        let store = setup.store.clone();
        let service = setup.serve().await;
        let (url, client) = service.vault();
        Self { service, store, client, url, minted, issuer }
    }

    /// A bearer token of somebody who owns keys.
    fn key_owner(&self) -> String {
        let at = now().seconds();
        self.issuer.token(&json!({
            "iss": self.issuer.url, "sub": "alice", "aud": AUDIENCE,
            "iat": at, "nbf": at, "exp": at + 600, "groups": [KEY_OWNERS],
        }))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("https://") { path.to_owned() } else { self.url_of(path) };
        self.client.request(method, url)
    }

    fn url_of(&self, path: &str) -> String {
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{}{path}{sign}{VERSION}", self.url)
    }

    async fn call(
        &self,
        who: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let request = self.request(method, path).bearer_auth(who).body(body.to_string());
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// What must succeed, by the officer.
    async fn done(&self, method: Method, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(OFFICER, method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// A secret key that is released to whom these conditions fit.
    async fn create(&self, name: &str, conditions: &Value) -> Value {
        let body = json!({
            "kty": "oct-HSM",
            "attributes": {"exportable": true},
            "release_policy": self.policy(conditions),
        });
        self.done(Method::POST, &format!("/keys/{name}/create"), &body).await
    }

    /// A policy that takes this service's own word.
    fn policy(&self, conditions: &Value) -> Value {
        envelope(&json!({"version": "1.0.0", "anyOf": [
            {"authority": self.service.url, "allOf": conditions},
        ]}))
    }

    /// What the guest's token must say to be given a key.
    fn conditions(&self) -> Value {
        json!([
            {"claim": "x-ms-attestation-type", "equals": "sevsnpvm"},
            {"claim": "x-ms-sevsnpvm-is-debuggable", "equals": "false"},
            {"claim": "x-ms-sevsnpvm-launchmeasurement", "equals": self.measurement()},
            {"claim": "avouch-trust-root", "equals": self.root()},
        ])
    }

    /// The root of minted evidence as tokens name it: it is not the vendor's, so policies must name it.
    fn root(&self) -> String {
        let root = avouch_pki::pem::certificates(self.minted.root_pem.as_bytes(), 1).unwrap();
        let root = avouch_pki::Certificate::parse(&root[0]).unwrap();
        format!("{} {}", root.subject().label(), root.fingerprint_sha256())
    }

    /// The guest's measurement, as the token has it: 48 bytes at 0x90 of the report.
    fn measurement(&self) -> String {
        avouch_wire::encode_hex(&self.minted.evidence[0x90..0x90 + 48])
    }

    /// The token of minted evidence.
    async fn attest(&self, minted: &Minted) -> String {
        let path = "/attest/SevSnpVm?api-version=2022-08-01";
        let (status, answer) = self.service.post(path, minted.request.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn token(&self) -> String {
        self.attest(&self.minted).await
    }

    async fn release(&self, name: &str, body: &Value) -> (StatusCode, Value) {
        self.call(RELEASE, Method::POST, &format!("/keys/{name}//release"), body).await
    }

    /// What a release must be refused with: for whoever has only the right to ask, and for the owner.
    async fn refused(&self, name: &str, target: &str, stranger: &str, check: &str, owner: &str) {
        let before = self.trail().await.len();
        let (status, answer) = self.release(name, &json!({ "target": target })).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
        assert_eq!(answer["error"]["code"], "Forbidden");
        assert_eq!(answer["error"]["innererror"]["code"], "ForbiddenByPolicy");
        assert_eq!(answer["error"]["message"], format!("Not released: {stranger}."));
        let trail = self.trail().await;
        let [entry] = &trail[before..] else { panic!("{trail:?}") };
        assert_eq!(
            (entry.action.as_str(), entry.outcome.as_str()),
            ("vault-key-release", "refused")
        );
        assert_eq!(entry.details["check"], check, "{:?}", entry.details);
        let why = entry.details["why"].as_str().unwrap();
        assert!(why.contains(owner), "{why}");
        assert!(!Value::Object(entry.details.clone()).to_string().contains(target));
        // The owner is told check and reason.
        let (body, path) = (json!({ "target": target }), format!("/keys/{name}//release"));
        let (status, answer) = self.call(&self.key_owner(), Method::POST, &path, &body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{check}: ")), "{message}");
        assert!(message.contains(owner) && !message.contains("Not released"), "{message}");
    }

    async fn trail(&self) -> Vec<AuditEntry> {
        self.store.audit(None, PageRequest::first()).await.unwrap().items
    }

    /// A token that this service's own key signs over any claims at any time.
    fn signed(&self, claims: &Value, times: TokenTimes) -> String {
        self.signed_as(&self.service.url, claims, times)
    }

    fn signed_as(&self, issuer: &str, claims: &Value, times: TokenTimes) -> String {
        let set = self.service.state.providers.keys().set();
        let is_it =
            |key: &&HeldKey| key.purpose == KeyPurpose::Token && key.state == KeyState::Active;
        let key = set.keys().iter().find(is_it).unwrap();
        let issuer = TokenIssuer::new(Arc::clone(&key.signer), issuer).unwrap();
        let Value::Object(mut claims) = claims.clone() else { panic!() };
        // Those that every token has are made anew.
        claims
            .retain(|name, _| !["iss", "iat", "nbf", "exp", "jti", "jku"].contains(&name.as_str()));
        claims.entry("x-ms-attestation-type").or_insert_with(|| "sevsnpvm".into());
        issuer.sign(&Payload::new(&claims, times).unwrap()).unwrap()
    }
}

/// Roles by the word of an issuer.
fn key_owners(issuer: &Issuer) -> String {
    let rule = |role| {
        format!(
            "[[auth.issuers.roles]]\nrole = \"{role}\"\nclaim = \"groups\"\nvalue = \"{KEY_OWNERS}\"\n"
        )
    };
    format!(
        "[[auth.issuers]]\nissuer = \"{}\"\naudiences = [\"{AUDIENCE}\"]\nalgorithms = [\"ES256\"]\n{}{}",
        issuer.url,
        rule("KeyVaultReader"),
        rule("KeyVaultCryptoServiceReleaseUser")
    )
}

fn envelope(policy: &Value) -> Value {
    json!({
        "contentType": "application/json; charset=utf-8",
        "data": base64url::encode(policy.to_string()),
    })
}

/// A part of a JWS as JSON.
fn part(jws: &str, index: usize) -> Value {
    let bytes = base64url::decode(jws.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The key in an answer, opened as a workload does, and what the answer shows.
fn open(answer: &Value) -> (Vec<u8>, Value) {
    let shown = part(answer["value"].as_str().unwrap(), 1);
    let key_hsm = shown["response"]["key"]["key"]["key_hsm"].as_str().unwrap();
    let key_hsm: Value = serde_json::from_slice(&base64url::decode(key_hsm).unwrap()).unwrap();
    let ciphertext = base64url::decode(key_hsm["ciphertext"].as_str().unwrap()).unwrap();
    let private = UnwrappingKey::from_pkcs8_der(&WORKLOAD.to_pkcs8_der().unwrap()).unwrap();
    let enc = WrapAlgorithm::from_name(shown["request"]["enc"].as_str().unwrap()).unwrap();
    (unwrap(&private, enc, &ciphertext).unwrap().to_vec(), shown)
}
