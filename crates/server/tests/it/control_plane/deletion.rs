//! Deletion takes everything but the audit trail, and what comes after starts anew.

use avouch_store::PageRequest;
use avouch_wire::EvidenceKind;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Fixture, below};
use crate::support::policy::{MINIMAL, PolicyKey, unsigned};

const POLICY: &str = "/providers/contoso/policies/SgxEnclave?api-version=2022-08-01";
const CERTIFICATES: &str = "/providers/contoso/certificates?api-version=2022-08-01";

async fn claim(fixture: &Fixture, path: &str, name: &str) -> Value {
    let body = fixture.send(Method::GET, path, "").await.done(200);
    fixture.service.claims_of("contoso", body["token"].as_str().unwrap()).await[name].clone()
}

#[tokio::test]
async fn a_deleted_provider_is_gone_at_once_and_its_name_starts_anew() {
    let fixture = Fixture::new().await;
    let aad = json!({"location": "westus", "properties": {}, "tags": {"a": "1"}});
    fixture.create("group", "contoso", &aad).await.done(201);
    let default = claim(&fixture, POLICY, "x-ms-policy").await;
    let jws = unsigned(MINIMAL);
    fixture.send(Method::PUT, POLICY, &jws).await.done(200);
    assert_eq!(claim(&fixture, POLICY, "x-ms-policy").await, jws.as_str());
    let connection = below("group", "contoso", "/privateEndpointConnections/pec");
    let state = json!({"properties": {"privateLinkServiceConnectionState": {}}});
    fixture.send(Method::PUT, &connection, &state).await.done(200);
    let old = fixture.store.provider("contoso").await.unwrap().unwrap().id;

    // Of another scope: not this one.
    assert_eq!(fixture.delete("other", "contoso").await.done(204), Value::Null);
    fixture.get("group", "contoso").await.done(200);

    assert_eq!(fixture.delete("Group", "CONTOSO").await.done(200), Value::Null);
    for path in [POLICY, CERTIFICATES, "/providers/contoso/certs"] {
        let answer = fixture.send(Method::GET, path, "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let attest = "/providers/contoso/attest/SgxEnclave?api-version=2022-08-01";
    assert_eq!(fixture.send(Method::POST, attest, "{}").await.status, 404);
    assert_eq!(fixture.send(Method::PUT, POLICY, &jws).await.status, 404);
    fixture.get("group", "contoso").await.refused(404, "ResourceNotFound", "contoso");
    assert_eq!(fixture.delete("group", "contoso").await.done(204), Value::Null);
    assert!(fixture.store.policy(old, EvidenceKind::Sgx).await.unwrap().is_none());
    assert!(fixture.store.private_endpoint_connections(old).await.unwrap().is_empty());

    // The name is free for another scope and trust model, and inherits nothing.
    let signer = PolicyKey::new("signer");
    let der = avouch_wire::base64url::encode_standard(signer.certificate.der());
    let isolated = json!({
        "location": "eastus",
        "properties": {"policySigningCertificates": {"keys": [{"kty": "EC", "x5c": [der]}]}},
    });
    let made = fixture.create("other", "Contoso", &isolated).await.done(201);
    assert_eq!(made["properties"]["trustModel"], "Isolated");
    assert!(made.get("tags").is_none());
    assert_eq!(claim(&fixture, POLICY, "x-ms-policy").await, default);
    let keys = claim(&fixture, CERTIFICATES, "x-ms-policy-certificates").await;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    let connections = below("other", "contoso", "/privateEndpointConnections");
    assert_eq!(fixture.send(Method::GET, &connections, "").await.done(200), json!({"value": []}));
    fixture.delete("other", "contoso").await.done(200);
    fixture.create("group", "contoso", &aad).await.done(201);
    let keys = claim(&fixture, CERTIFICATES, "x-ms-policy-certificates").await;
    assert_eq!(keys["keys"], json!([]));
    assert_eq!(claim(&fixture, POLICY, "x-ms-policy").await, default);
}

#[tokio::test]
async fn the_audit_trail_of_a_deleted_provider_stays() {
    let fixture = Fixture::new().await;
    let body = json!({"location": "westus", "properties": {}});
    for _ in 0..2 {
        fixture.create("group", "contoso", &body).await.done(201);
        fixture.send(Method::PUT, POLICY, unsigned(MINIMAL)).await.done(200);
        fixture.delete("group", "contoso").await.done(200);
    }
    let trail = fixture.store.audit(Some("contoso"), PageRequest::first()).await.unwrap().items;
    let actions: Vec<&str> = trail.iter().map(|entry| entry.action.as_str()).collect();
    let once = ["provider-create", "policy-set", "provider-delete"];
    assert_eq!(actions, [once, once].concat());
    let ids: Vec<u64> =
        trail.iter().map(|entry| entry.provider.as_ref().unwrap().0.get()).collect();
    assert_eq!((ids[0], ids[3]), (ids[2], ids[5]));
    assert_ne!(ids[0], ids[3]);
    assert!(trail.iter().all(|entry| entry.actor.id() == "developer"));
}
