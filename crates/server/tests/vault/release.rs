//! Keys for whoever the policy means.

use avouch_release::KeyMaterial;
use avouch_store::AuditOutcome;
use avouch_wire::base64url;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::{Setup, VAULT_HOST};
use crate::{Fixture, RELEASE, envelope, jwk, open, part};

const SECRET: [u8; 32] = *b"0123456789 a secret of 32 bytes!";

/// An import as the confidential sidecar's tool sends it.
fn import(policy: &Value) -> Value {
    json!({
        "key": {"kty": "oct-HSM", "key_ops": ["encrypt", "decrypt"], "k": base64url::encode(SECRET)},
        "hsm": true,
        "attributes": {"exportable": true},
        "release_policy": policy,
    })
}

#[tokio::test]
async fn an_attested_guest_gets_its_key_with_each_algorithm_and_its_nonce() {
    let fixture = Fixture::new().await;
    let policy = fixture.policy(&fixture.conditions());
    let made = fixture.done(Method::PUT, "/keys/disk", &import(&policy)).await;
    let (token, kid) = (fixture.token().await, made["key"]["kid"].as_str().unwrap().to_owned());
    for (enc, effective) in [
        (None, "CKM_RSA_AES_KEY_WRAP"),
        (Some("CKM_RSA_AES_KEY_WRAP"), "CKM_RSA_AES_KEY_WRAP"),
        (Some("RSA_AES_KEY_WRAP_256"), "RSA_AES_KEY_WRAP_256"),
        (Some("RSA_AES_KEY_WRAP_384"), "RSA_AES_KEY_WRAP_384"),
    ] {
        let mut body = json!({"target": token, "nonce": "once"});
        if let Some(enc) = enc {
            body["enc"] = enc.into();
        }
        let (status, answer) = fixture.release("disk", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let (key, shown) = open(&answer);
        assert_eq!(key, SECRET);
        let request = json!({"api-version": "7.4", "enc": effective, "kid": kid, "nonce": "once"});
        assert_eq!(shown["request"], request);
    }
}

#[tokio::test]
async fn every_kind_of_key_is_made_and_released_and_opens_to_what_it_is() {
    let fixture = Fixture::new().await;
    let token = fixture.token().await;
    for (name, body) in [
        ("rsa", json!({"kty": "RSA", "key_size": 2048})),
        ("p256", json!({"kty": "EC-HSM", "crv": "P-256"})),
        ("p384", json!({"kty": "EC", "crv": "P-384"})),
        ("p521", json!({"kty": "EC", "crv": "P-521"})),
        ("oct", json!({"kty": "oct-HSM", "key_size": 256})),
    ] {
        let mut body = body;
        body["attributes"] = json!({"exportable": true});
        body["release_policy"] = fixture.policy(&fixture.conditions());
        let made = fixture.done(Method::POST, &format!("/keys/{name}/create"), &body).await;
        assert_eq!(made["key"]["kty"], body["kty"], "{name}");
        let (status, answer) = fixture.release(name, &json!({ "target": token })).await;
        assert_eq!(status, StatusCode::OK, "{name}: {answer}");
        let (key, shown) = open(&answer);
        let shown = &shown["response"]["key"]["key"];
        if name == "oct" {
            assert_eq!((key.len(), shown.get("k")), (32, None));
            continue;
        }
        let material = KeyMaterial::from_pkcs8_der(key.into()).unwrap();
        let public = avouch_token::public_jwk_members(material.public_key().unwrap());
        for (member, value) in public {
            assert!(member == "kty" || made["key"][member] == value, "{name} {member}");
            assert!(member == "kty" || shown[member] == value, "{name} {member}");
        }
    }
}

/// The sidecar puts all of its `kid` between `keys/` and `/release`.
#[tokio::test]
async fn a_version_is_named_left_out_or_left_empty() {
    let fixture = Fixture::new().await;
    let first = fixture.create("disk", &fixture.conditions()).await;
    let second = fixture.create("disk", &fixture.conditions()).await;
    let body = json!({ "target": fixture.token().await });
    let kid = |made: &Value| made["key"]["kid"].as_str().unwrap().to_owned();
    let version = kid(&first).rsplit('/').next().unwrap().to_owned();
    for (path, expected) in [
        ("/keys/disk/release".to_owned(), &second),
        ("/keys/disk//release".to_owned(), &second),
        ("/keys/DISK//release".to_owned(), &second),
        (format!("/keys/disk/{version}/release"), &first),
    ] {
        let (status, answer) = fixture.call(RELEASE, Method::POST, &path, &body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        assert_eq!(open(&answer).1["request"]["kid"], kid(expected), "{path}");
    }
}

#[tokio::test]
async fn an_answer_is_signed_under_a_certificate_chain_that_ends_in_its_root() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let (_, answer) = fixture.release("disk", &json!({ "target": fixture.token().await })).await;
    let jws = answer["value"].as_str().unwrap();
    let header = part(jws, 0);
    let chain: Vec<avouch_pki::Certificate> = header["x5c"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| base64url::decode_standard(one.as_str().unwrap()).unwrap())
        .map(|der| avouch_pki::Certificate::parse(&der).unwrap())
        .collect();
    let [leaf, root] = chain.as_slice() else { panic!("{header}") };
    assert!(leaf.is_signed_by(root.public_key()) && root.is_signed_by(root.public_key()));
    assert_eq!(leaf.subject().common_name(), Some(VAULT_HOST));
    let (message, signature) = jws.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature).unwrap();
    let scheme = avouch_pki::SignatureScheme::RsaPkcs1Sha256;
    leaf.public_key().verify(scheme, message.as_bytes(), &signature).unwrap();
    assert_eq!(header["alg"], "RS256");
}

#[tokio::test]
async fn a_release_is_in_the_audit_trail_without_token_and_key() {
    let fixture = Fixture::new().await;
    let policy = fixture.policy(&fixture.conditions());
    fixture.done(Method::PUT, "/keys/disk", &import(&policy)).await;
    let token = fixture.token().await;
    let (status, _) = fixture.release("disk", &json!({ "target": token })).await;
    assert_eq!(status, StatusCode::OK);
    let trail = fixture.trail().await;
    let entry = trail.last().unwrap();
    assert_eq!((entry.action.as_str(), entry.actor.id()), ("vault-key-release", "release"));
    assert_eq!(entry.outcome, AuditOutcome::Succeeded);
    let mut names: Vec<&String> = entry.details.keys().collect();
    names.sort_unstable();
    let expected = ["authority", "claimsSha256", "enc", "name", "releasePolicySha256", "version"];
    assert_eq!(names, expected);
    // The policy that was in force is the one that was set.
    let set = trail.iter().find(|entry| entry.action == "vault-key-add").unwrap();
    assert_eq!(entry.details["releasePolicySha256"], set.details["releasePolicySha256"]);
    assert_eq!(entry.details["releasePolicySha256"].as_str().unwrap().len(), 64);
    assert_eq!(entry.details["authority"], fixture.service.url);
    let claims = Value::Object(avouch_token_claims(&token));
    let digest = avouch_pki::digest::sha256(avouch_wire::json::to_canonical(&claims).as_bytes());
    assert_eq!(entry.details["claimsSha256"], digest.to_string());
}

fn avouch_token_claims(token: &str) -> Map<String, Value> {
    part(token, 1).as_object().unwrap().clone()
}

/// A policy may take the word of a provider of this service, and of an issuer that the operator names:
/// both by keys of their own.
#[tokio::test]
async fn the_word_of_another_issuer_is_taken_by_its_own_metadata() {
    let other = Fixture::new().await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, other.service.ca()).unwrap();
    let issuer = format!("{}/", other.service.url);
    let authority = avouch_server::config::AuthorityConfig { issuer, ca_file: Some(ca_file) };
    let named = |setup: &mut Setup| setup.config.vault.authorities = vec![authority];
    let fixture = Fixture::with(named).await;
    let policy = |authority: &str| {
        envelope(&json!({"anyOf": [{"authority": authority, "allOf": other.conditions()}]}))
    };
    let token = other.token().await;
    for (name, authority) in
        [("plain", other.service.url.clone()), ("slash", format!("{}/", other.service.url))]
    {
        fixture.done(Method::PUT, &format!("/keys/{name}"), &import(&policy(&authority))).await;
        let (status, answer) = fixture.release(name, &json!({ "target": token })).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(open(&answer).0, SECRET);
        // A token of this service says the same, and is of somebody else.
        let unmet = "the attestation token does not meet the key's release policy";
        fixture
            .refused(name, &fixture.token().await, unmet, "token-issuer", "no rule of the release")
            .await;
        // Signed by this service, in the other's name.
        let claims = Value::Object(avouch_token_claims(&token));
        let times = avouch_token::TokenTimes::attestation(crate::support::now());
        let forged = fixture.signed_as(&other.service.url, &claims, times);
        let stranger = "the attestation token is not accepted";
        fixture.refused(name, &forged, stranger, "token-key", "").await;
    }
}

#[tokio::test]
async fn the_word_of_a_provider_of_this_service_is_taken_without_a_request() {
    let fixture = Fixture::new().await;
    let path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/\
                attestationProviders/contoso?api-version=2021-06-01";
    let body = json!({"location": "here", "properties": {}}).to_string();
    let (status, answer) = fixture.service.send(Method::PUT, path, crate::OWNER, body).await;
    assert!(status.is_success(), "{answer}");
    let authority = format!("{}/providers/contoso", fixture.service.url);
    let policy =
        envelope(&json!({"anyOf": [{"authority": authority, "allOf": fixture.conditions()}]}));
    fixture.done(Method::PUT, "/keys/disk", &import(&policy)).await;
    let path = "/providers/contoso/attest/SevSnpVm?api-version=2022-08-01";
    let (_, answer) = fixture.service.post(path, fixture.minted.request.clone()).await;
    let (status, answer) = fixture.release("disk", &json!({ "target": answer["token"] })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let stranger = "the attestation token does not meet the key's release policy";
    let token = fixture.token().await;
    fixture.refused("disk", &token, stranger, "token-issuer", "no rule of the release").await;
}

/// Of keys that may encrypt the first wraps, and one that only signs is passed over.
#[tokio::test]
async fn the_first_key_that_may_encrypt_wraps() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &json!([{"claim": "a", "equals": "b"}])).await;
    let other = avouch_token::SigningKey::generate(avouch_token::KeySpec::Rsa2048).unwrap();
    let signing = jwk(&other, &json!({"kid": "signs", "use": "sig"}));
    let second = jwk(&other, &json!({"kid": "second", "use": "enc"}));
    let keys = [signing, crate::workload_jwk(), second];
    let claims = json!({"a": "b", "x-ms-runtime": {"keys": keys}});
    let times = avouch_token::TokenTimes::attestation(crate::support::now());
    let target = fixture.signed(&claims, times);
    let (status, answer) = fixture.release("disk", &json!({ "target": target })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(open(&answer).0.len(), 32);
}
