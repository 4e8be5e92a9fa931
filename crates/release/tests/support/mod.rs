//! An authority that issues tokens, a workload with a key, and a key with a policy.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::sync::{Arc, LazyLock};

use avouch_pki::Certificate;
use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, KeyAttributes, KeyMaterial, KeyVersion, Operators,
    PolicyEnvelope, ReleasePolicy, ReleaseSigner, TokenRefusal, TokenRules,
};
use avouch_token::{
    Jwks, KeySpec, Payload, PublishedKey, SigningKey, TokenIssuer, TokenTimes, jwks_document,
    public_jwk_members,
};
use avouch_wire::{Hex, UnixTime, base64url};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

pub const ISSUER: &str = "https://tenant.attest.example";
pub const OTHER_ISSUER: &str = "https://other.attest.example";
pub const KID: &str = "https://vault.example/keys/disk/0123456789abcdef0123456789abcdef";
pub const API_VERSION: &str = "7.4";
pub const HOST_DATA: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// The authority's key, that of another authority, the workload's, and the one that signs answers.
pub static AUTHORITY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| generate(KeySpec::P256));
pub static OTHER_AUTHORITY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| generate(KeySpec::P256));
pub static WORKLOAD: LazyLock<Arc<SigningKey>> = LazyLock::new(|| generate(KeySpec::Rsa2048));
pub static VAULT: LazyLock<Arc<SigningKey>> = LazyLock::new(|| generate(KeySpec::Rsa2048));

fn generate(spec: KeySpec) -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(spec).unwrap())
}

/// The moment at which everything here is valid.
pub fn at() -> UnixTime {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// The public JWK of a key with these members beside.
pub fn jwk(key: &SigningKey, members: &Value) -> Value {
    use avouch_token::Signer as _;
    let mut jwk: Map<String, Value> = public_jwk_members(key.public_key())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    jwk.extend(members.as_object().unwrap().clone());
    Value::Object(jwk)
}

/// The workload's key as its token has it.
pub fn workload_jwk() -> Value {
    jwk(&WORKLOAD, &json!({"kid": "workload", "key_ops": ["encrypt"]}))
}

/// The claims of a container group of SEV-SNP with these keys.
pub fn claims_with_keys(keys: &[Value]) -> Map<String, Value> {
    let claims = json!({
        "x-ms-attestation-type": "sevsnpvm",
        "x-ms-compliance-status": "azure-compliant-uvm",
        "x-ms-sevsnpvm-hostdata": HOST_DATA,
        "x-ms-sevsnpvm-is-debuggable": false,
        "x-ms-sevsnpvm-vmpl": 0,
        "x-ms-isolation-tee": {"x-ms-attestation-type": "sevsnpvm", "level": {"value": 7}},
        "x-ms-runtime": {"keys": keys},
    });
    claims.as_object().unwrap().clone()
}

pub fn claims() -> Map<String, Value> {
    claims_with_keys(&[workload_jwk()])
}

/// A token of an authority with that key, under that name, over those claims.
pub fn token_of(
    key: &Arc<SigningKey>,
    issuer: &str,
    claims: &Map<String, Value>,
    times: TokenTimes,
) -> String {
    let issuer = TokenIssuer::new(Arc::<SigningKey>::clone(key), issuer).unwrap();
    issuer.sign(&payload(claims, times)).unwrap()
}

pub fn payload(claims: &Map<String, Value>, times: TokenTimes) -> Payload<'_> {
    Payload::new(claims, times).unwrap().with_id(Hex([0xab; 32]))
}

pub fn token(claims: &Map<String, Value>) -> String {
    token_of(&AUTHORITY, ISSUER, claims, TokenTimes::attestation(at()))
}

/// The key set that an authority publishes.
pub fn keys_of(key: &SigningKey) -> Jwks {
    let none: [Vec<u8>; 0] = [];
    Jwks::parse(jwks_document([&PublishedKey::new(key, &none)]).as_bytes()).unwrap()
}

pub fn authority() -> Authority {
    Authority::parse(ISSUER).unwrap()
}

pub fn verify(target: &str, rules: &TokenRules) -> Result<AttestedToken, TokenRefusal> {
    let authority = authority();
    AttestedToken::verify(target, AuthorityKeys::new(&authority, &keys_of(&AUTHORITY)), rules, at())
}

/// A verified token over those claims.
pub fn attested(claims: &Map<String, Value>) -> AttestedToken {
    verify(&token(claims), &TokenRules::default()).unwrap()
}

/// A policy for the authority with those conditions, which must all hold.
pub fn policy_of(conditions: &Value) -> ReleasePolicy {
    policy(&json!({"version": "1.0.0", "anyOf": [{"authority": ISSUER, "allOf": conditions}]}))
}

pub fn policy(policy: &Value) -> ReleasePolicy {
    ReleasePolicy::parse(policy.to_string().as_bytes(), Operators::All).unwrap()
}

/// The policy that is usual for container groups.
pub fn usual_policy() -> Value {
    json!({"version": "1.0.0", "anyOf": [{"authority": ISSUER, "allOf": [
        {"claim": "x-ms-sevsnpvm-hostdata", "equals": HOST_DATA},
        {"claim": "x-ms-compliance-status", "equals": "azure-compliant-uvm"},
        {"claim": "x-ms-sevsnpvm-is-debuggable", "equals": "false"},
        {"claim": "x-ms-sevsnpvm-vmpl", "equals": "0"},
    ]}]})
}

pub fn envelope_of(policy: &Value, is_immutable: bool) -> PolicyEnvelope {
    let envelope = json!({
        "contentType": "application/json; charset=utf-8",
        "data": base64url::encode(policy.to_string()),
        "immutable": is_immutable,
    });
    PolicyEnvelope::parse(&envelope, Operators::EqualsOnly).unwrap()
}

pub fn secret() -> Vec<u8> {
    (0..32).collect()
}

/// An exportable secret key with the usual policy.
pub fn key() -> KeyVersion {
    key_of(&secret_material())
}

pub fn secret_material() -> KeyMaterial {
    KeyMaterial::from_secret(Zeroizing::new(secret())).unwrap()
}

pub fn key_of(material: &KeyMaterial) -> KeyVersion {
    KeyVersion {
        kid: KID.to_owned(),
        is_hsm: true,
        operations: vec!["wrapKey".to_owned(), "unwrapKey".to_owned()],
        attributes: KeyAttributes {
            is_enabled: true,
            is_exportable: true,
            not_before: None,
            expires_at: None,
            created_at: at(),
            updated_at: at(),
        },
        release_policy: Some(envelope_of(&usual_policy(), false)),
        public_key: material.public_key().cloned(),
    }
}

/// A chain for the vault: its own certificate, a CA's, a root's.
pub fn chain() -> Vec<Certificate> {
    let root_key = KeyPair::generate().unwrap();
    let root_params = params("root", true);
    let root = root_params.self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(root_params, root_key);
    let ca_key = KeyPair::generate().unwrap();
    let ca_params = params("ca", true);
    let ca = ca_params.signed_by(&ca_key, &root_issuer).unwrap();
    let ca_issuer = Issuer::new(ca_params, ca_key);
    let own = KeyPair::try_from(VAULT.to_pkcs8_der().unwrap().as_slice()).unwrap();
    let leaf = params("vault.example", false).signed_by(&own, &ca_issuer).unwrap();
    [leaf, ca, root].iter().map(|one| Certificate::parse(one.der()).unwrap()).collect()
}

fn params(name: &str, is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca =
        if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    params
}

pub fn signer() -> ReleaseSigner {
    ReleaseSigner::new(Arc::<SigningKey>::clone(&VAULT), &chain()).unwrap()
}

/// A part of a JWS as JSON.
pub fn part(jws: &str, index: usize) -> Value {
    let bytes = base64url::decode(jws.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
