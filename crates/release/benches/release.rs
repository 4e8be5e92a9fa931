//! A release beside the cryptography that it cannot do without.
//!
//! Compare within one run: `bare` is RSA-OAEP to the workload's key and an RS256 signature over as many
//! bytes as an answer has; `answer_alone` is what follows the verified token; `whole` is everything from
//! the request's body on but database and master key, the verification of the token under RS256 included,
//! beside `bare_whole`, which has that verification bare. The service's own share is measured beside the
//! service (`avouch-server`, `release`).

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark over values of its own")]

use std::sync::{Arc, LazyLock};

use avouch_pki::{Certificate, SignatureScheme};
use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, FirstUse, KeyAttributes, KeyEncryptionKey,
    KeyMaterial, KeyVersion, Operators, PolicyEnvelope, ReleasePolicy, ReleaseRequest,
    ReleaseSigner, TokenRules, judge,
};
use avouch_token::{
    Jwks, KeySpec, Payload, PublishedKey, Signer as _, SigningKey, TokenIssuer, TokenTimes,
    jwks_document, provider_certificate, public_jwk_members,
};
use avouch_wire::{Hex, UnixTime, base64url};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use divan::Bencher;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

const ISSUER: &str = "https://tenant.attest.example";

static AUTHORITY: LazyLock<Arc<SigningKey>> = LazyLock::new(generate);
static WORKLOAD: LazyLock<Arc<SigningKey>> = LazyLock::new(generate);
static VAULT: LazyLock<Arc<SigningKey>> = LazyLock::new(generate);
static KEYS: LazyLock<Jwks> = LazyLock::new(|| {
    let none: [Vec<u8>; 0] = [];
    Jwks::parse(jwks_document([&PublishedKey::new(&**AUTHORITY, &none)]).as_bytes()).unwrap()
});
static MATERIAL: LazyLock<KeyMaterial> = LazyLock::new(|| {
    let pkcs8 = generate().to_pkcs8_der().unwrap();
    KeyMaterial::from_pkcs8_der(Zeroizing::new(pkcs8.to_vec())).unwrap()
});
static KEY: LazyLock<KeyVersion> = LazyLock::new(key);
static SIGNER: LazyLock<ReleaseSigner> = LazyLock::new(|| {
    let certificate = provider_certificate(&**VAULT, "https://vault.example", None).unwrap();
    let certificate = Certificate::parse(&certificate).unwrap();
    ReleaseSigner::new(Arc::<SigningKey>::clone(&VAULT), &[certificate]).unwrap()
});
static BODY: LazyLock<String> = LazyLock::new(|| {
    json!({"target": token(), "enc": "RSA_AES_KEY_WRAP_256", "nonce": "n"}).to_string()
});

fn main() {
    divan::main();
}

fn generate() -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(KeySpec::Rsa2048).unwrap())
}

fn at() -> UnixTime {
    UnixTime::from_seconds(1_800_000_000).unwrap()
}

fn token() -> String {
    let mut jwk: Map<String, Value> = public_jwk_members(WORKLOAD.public_key())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    jwk.insert("key_ops".to_owned(), json!(["encrypt"]));
    let mut claims: Map<String, Value> = (0..30)
        .map(|index| (format!("x-ms-claim-name-{index}"), "9f86d081".repeat(8).into()))
        .collect();
    claims.insert("x-ms-compliance-status".to_owned(), "azure-compliant-uvm".into());
    claims.insert("x-ms-runtime".to_owned(), json!({"keys": [jwk]}));
    let issuer = TokenIssuer::new(Arc::<SigningKey>::clone(&AUTHORITY), ISSUER).unwrap();
    let payload = Payload::new(&claims, TokenTimes::attestation(at())).unwrap();
    issuer.sign(&payload.with_id(Hex([7; 32]))).unwrap()
}

fn policy() -> Value {
    json!({"version": "1.0.0", "anyOf": [{"authority": ISSUER, "allOf": [
        {"claim": "x-ms-compliance-status", "equals": "azure-compliant-uvm"},
        {"claim": "x-ms-claim-name-7", "equals": "9f86d081".repeat(8)},
    ]}]})
}

/// An RSA-2048 key in PKCS#8, the largest that is usual.
fn key() -> KeyVersion {
    let envelope = json!({"data": base64url::encode(policy().to_string())});
    KeyVersion {
        kid: "https://vault.example/keys/disk/0123456789abcdef0123456789abcdef".to_owned(),
        is_hsm: true,
        operations: vec!["decrypt".to_owned()],
        attributes: KeyAttributes {
            is_enabled: true,
            is_exportable: true,
            not_before: None,
            expires_at: None,
            created_at: at(),
            updated_at: at(),
        },
        release_policy: Some(PolicyEnvelope::parse(&envelope, Operators::EqualsOnly).unwrap()),
        public_key: MATERIAL.public_key().cloned(),
    }
}

fn attested(request: &ReleaseRequest) -> AttestedToken {
    let authority = Authority::claimed_by(request.target()).unwrap();
    let keys = AuthorityKeys::new(&authority, &KEYS);
    AttestedToken::verify(request.target(), keys, &TokenRules::default(), at()).unwrap()
}

fn answer(token: &AttestedToken, request: &ReleaseRequest) -> String {
    let kek = KeyEncryptionKey::from_random(&mut [7; 32]);
    let judged = judge(&KEY, token, at()).unwrap();
    let sealed = judged.seal(&MATERIAL, request, "7.4", &kek, &SIGNER).unwrap();
    sealed.given(FirstUse::NotAsked).unwrap()
}

fn request() -> ReleaseRequest {
    ReleaseRequest::parse(BODY.as_bytes()).unwrap()
}

fn oaep_key() -> OaepPublicEncryptingKey {
    let key = PublicEncryptingKey::from_der(WORKLOAD.public_key().spki_der()).unwrap();
    OaepPublicEncryptingKey::new(key).unwrap()
}

fn bare_release(key: &OaepPublicEncryptingKey, message: &[u8]) -> Vec<u8> {
    let mut out = [0; 256];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut out, None).unwrap();
    divan::black_box(out);
    VAULT.sign(message).unwrap()
}

#[divan::bench]
fn bare(bencher: Bencher<'_, '_>) {
    let (key, message) = (oaep_key(), answer(&attested(&request()), &request()));
    bencher.bench_local(|| bare_release(&key, message.as_bytes()));
}

#[divan::bench]
fn answer_alone(bencher: Bencher<'_, '_>) {
    let request = request();
    let token = attested(&request);
    bencher.bench_local(|| answer(&token, &request));
}

#[divan::bench]
fn bare_whole(bencher: Bencher<'_, '_>) {
    let (key, message) = (oaep_key(), answer(&attested(&request()), &request()));
    let token = token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature).unwrap();
    let public = AUTHORITY.public_key();
    bencher.bench_local(|| {
        public.verify(SignatureScheme::RsaPkcs1Sha256, signed.as_bytes(), &signature).unwrap();
        bare_release(&key, message.as_bytes())
    });
}

#[divan::bench]
fn whole(bencher: Bencher<'_, '_>) {
    let _ = (&*KEY, &*SIGNER, &*KEYS, &*BODY);
    bencher.bench_local(|| {
        let request = request();
        answer(&attested(&request), &request)
    });
}

#[divan::bench]
fn policy_parse(bencher: Bencher<'_, '_>) {
    let text = policy().to_string();
    bencher.bench_local(|| ReleasePolicy::parse(text.as_bytes(), Operators::EqualsOnly).unwrap());
}

#[divan::bench]
fn policy_evaluate(bencher: Bencher<'_, '_>) {
    let token = attested(&request());
    let policy = KEY.policy_at(at()).unwrap().policy();
    bencher.bench_local(|| policy.is_met_by(&token));
}
