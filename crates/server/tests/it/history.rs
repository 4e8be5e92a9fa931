//! History of policies, and the audit trail with what was refused.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use avouch_store::{AuditOutcome, PageRequest, Store};
use avouch_token::policy_jws::{
    JwsContent, NO_POLICY_JWS, SignedForm, policy_hash, policy_token_hash,
};
use avouch_wire::{UnixTime, encode_hex};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::policy::{MINIMAL, PolicyKey, unsigned};
use crate::support::tokens::{Token, access};
use crate::support::{Running, Setup};

const VERSION: &str = "api-version=2022-08-01";

struct Fixture {
    service: Running,
    store: Store,
}

fn token(name: &str) -> String {
    name.repeat(32 / name.len() + 1)
}

impl Fixture {
    /// Provider `contoso`, and tokens of an owner, a contributor and a reader of it, an owner of
    /// something else, and of one without any role.
    async fn new() -> Self {
        let rows: [(&str, &str, &[&str]); 5] = [
            ("root", "Owner", &[]),
            ("owner", "Owner", &["contoso"]),
            ("contributor", "Contributor", &["contoso"]),
            ("reader", "Reader", &["contoso"]),
            ("stranger", "Owner", &["fabrikam"]),
        ];
        let secrets = rows.map(|(name, ..)| token(name));
        let tokens: Vec<Token<'_>> = rows
            .iter()
            .zip(&secrets)
            .map(|(&(name, role, providers), secret)| Token { name, secret, role, providers })
            .collect();
        let mut setup = Setup::new().await;
        setup.access = access(&tokens, "");
        let store = setup.store.clone();
        let fixture = Self { service: setup.serve().await, store };
        let body = json!({"location": "here", "properties": {}}).to_string();
        let (status, _) = fixture.send("root", Method::PUT, &resource("contoso"), &body).await;
        assert_eq!(status, StatusCode::CREATED);
        fixture
    }

    async fn send(
        &self,
        name: &str,
        method: Method,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let mut request = self.service.request(method, path).body(body.to_owned());
        if !name.is_empty() {
            request = request.bearer_auth(token(name));
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    async fn get(&self, name: &str, path: &str) -> Value {
        let (status, body) = self.send(name, Method::GET, path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn set(&self, name: &str, jws: &str) -> u16 {
        let path = format!("/providers/contoso/policies/SgxEnclave?{VERSION}");
        self.send(name, Method::PUT, &path, jws).await.0.as_u16()
    }

    async fn refusals(&self) -> Vec<avouch_store::AuditEntry> {
        let trail = self.store.audit(None, PageRequest::first()).await.unwrap().items;
        trail.into_iter().filter(|entry| entry.outcome == AuditOutcome::Refused).collect()
    }
}

fn resource(name: &str) -> String {
    format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/\
         {name}?api-version=2021-06-01"
    )
}

const HISTORY: &str = "/providers/contoso/avouch/policies/SgxEnclave/history";

#[tokio::test]
async fn history_shows_who_set_what_newest_first_and_gives_each_policy_back() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.get("reader", HISTORY).await, json!({"value": []}));
    let key = PolicyKey::new("signer");
    let first = unsigned(MINIMAL);
    let second = key.sign(JwsContent::Policy(MINIMAL), SignedForm::Python);
    assert_eq!(fixture.set("contributor", &first).await, 200);
    assert_eq!(fixture.set("owner", &second).await, 200);
    let reset = format!("/providers/contoso/policies/SgxEnclave:reset?{VERSION}");
    fixture.send("root", Method::POST, &reset, NO_POLICY_JWS).await;

    let history = fixture.get("reader", HISTORY).await;
    assert!(history.get("nextLink").is_none());
    let rows = history["value"].as_array().unwrap();
    let told: Vec<(u64, &str, &str)> = rows
        .iter()
        .map(|row| {
            (
                row["revision"].as_u64().unwrap(),
                row["action"].as_str().unwrap(),
                row["actor"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(3, "reset", "root"), (2, "set", "owner"), (1, "set", "contributor")]);
    for row in rows {
        UnixTime::from_rfc3339(row["at"].as_str().unwrap()).unwrap();
        assert_eq!(row["actor_kind"], "Key");
    }
    assert_eq!(rows[2]["token_hash"], policy_token_hash(&first));
    assert_eq!(rows[2]["policy_hash"], policy_hash(MINIMAL));
    assert_eq!(rows[2]["signer"], Value::Null);
    assert_eq!(rows[2]["previous"], Value::Null);
    let previous = json!({"revision": 1, "token_hash": policy_token_hash(&first)});
    assert_eq!(rows[1]["previous"], previous);
    let digest = avouch_pki::digest::sha256(key.certificate.der());
    assert_eq!(rows[1]["signer"]["thumbprint"], encode_hex(digest.as_bytes()));
    assert_eq!(rows[1]["signer"]["jwk"]["kty"], "EC");
    assert_eq!(rows[0]["policy_hash"], Value::Null);

    for (revision, jws) in [(1, first.as_str()), (2, second.as_str()), (3, NO_POLICY_JWS)] {
        let mut one = fixture.get("reader", &format!("{HISTORY}/{revision}")).await;
        assert_eq!(one["jws"], jws);
        one.as_object_mut().unwrap().remove("jws");
        assert_eq!(one, rows[3 - revision]);
    }
    for revision in ["0", "4", "01", "+1", "-1", "x", "18446744073709551616"] {
        let path = format!("{HISTORY}/{revision}");
        let (status, body) = fixture.send("reader", Method::GET, &path, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{revision}: {body}");
    }
    let other = "/providers/contoso/avouch/policies/Tpm/history";
    assert_eq!(fixture.get("reader", other).await, json!({"value": []}));
}

#[tokio::test]
async fn history_comes_in_pages() {
    let fixture = Fixture::new().await;
    for n in 0..5 {
        let text = format!("version=1.0; authorizationrules{{=> permit();}}; // {n}");
        assert_eq!(fixture.set("owner", &unsigned(&text)).await, 200);
    }
    let (mut found, mut path) = (Vec::new(), format!("{HISTORY}?$top=2"));
    loop {
        let page = fixture.get("reader", &path).await;
        let rows = page["value"].as_array().unwrap();
        assert!(rows.len() <= 2);
        found.extend(rows.iter().map(|row| row["revision"].as_u64().unwrap()));
        let Some(next) = page.get("nextLink") else { break };
        path = next.as_str().unwrap().strip_prefix(&fixture.service.url).unwrap().to_owned();
    }
    assert_eq!(found, [5, 4, 3, 2, 1]);
    let (status, body) =
        fixture.send("reader", Method::GET, &format!("{HISTORY}?$top=0"), "").await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (400, &json!("InvalidParameter")));
}

#[tokio::test]
async fn history_is_for_readers_and_the_audit_trail_for_owners_of_the_provider() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.set("owner", &unsigned(MINIMAL)).await, 200);
    let audit = "/providers/contoso/avouch/audit";
    let one = format!("{HISTORY}/1");
    for (name, reads, audits) in [
        ("root", true, true),
        ("owner", true, true),
        ("contributor", true, false),
        ("reader", true, false),
        ("stranger", false, false),
        ("nobody", false, false),
        ("", false, false),
    ] {
        for (path, may) in [(HISTORY, reads), (&one, reads), (audit, audits)] {
            let (status, body) = fixture.send(name, Method::GET, path, "").await;
            assert_eq!(status.as_u16(), if may { 200 } else { 401 }, "{name} {path}: {body}");
        }
    }
    // Reading the default provider's policy is for everybody, its trail is not.
    let (status, _) = fixture.send("reader", Method::GET, "/avouch/audit", "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    for path in ["/avouch/policies/Nothing/history", "/avouch", "/avouch/policies/Tpm"] {
        assert_eq!(fixture.send("root", Method::GET, path, "").await.0, StatusCode::NOT_FOUND);
    }
    let (status, _) = fixture.send("root", Method::DELETE, "/avouch/audit", "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_trail_holds_what_was_done_and_what_was_refused_to_whom() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.set("owner", &unsigned(MINIMAL)).await, 200);
    assert_eq!(fixture.set("reader", &unsigned(MINIMAL)).await, 401);
    assert_eq!(fixture.set("contributor", &unsigned("nonsense")).await, 400);
    let changes = [
        ("owner", Method::POST, format!("/providers/contoso/certificates:add?{VERSION}"), 400),
        ("reader", Method::POST, format!("/providers/contoso/certificates:remove?{VERSION}"), 401),
        ("reader", Method::POST, format!("/providers/contoso/policies/Tpm:reset?{VERSION}"), 401),
        ("owner", Method::PUT, resource("contoso"), 400),
        ("contributor", Method::PATCH, resource("CONTOSO"), 401),
        ("stranger", Method::DELETE, resource("contoso"), 401),
    ];
    for (name, method, path, status) in &changes {
        let (found, body) = fixture.send(name, method.clone(), path, "[]").await;
        assert_eq!(found.as_u16(), *status, "{name} {method} {path}: {body}");
    }
    let trail = fixture.get("owner", "/providers/contoso/avouch/audit").await;
    let rows = trail["value"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = rows
        .iter()
        .map(|row| {
            let text = |member: &str| row[member].as_str().unwrap();
            (text("actor"), text("action"), text("outcome"))
        })
        .collect();
    let wanted = [
        ("root", "provider-create", "succeeded"),
        ("owner", "policy-set", "succeeded"),
        ("reader", "policy-set", "refused"),
        ("contributor", "policy-set", "refused"),
        ("owner", "certificate-add", "refused"),
        ("reader", "certificate-remove", "refused"),
        ("reader", "policy-reset", "refused"),
        // A PUT is meant to create, also where its body shows that it could not.
        ("owner", "provider-create", "refused"),
        ("contributor", "provider-update", "refused"),
        ("stranger", "provider-delete", "refused"),
    ];
    assert_eq!(told, wanted);
    let details = &rows[3]["details"];
    assert_eq!((&details["status"], &details["code"]), (&json!(400), &json!("PolicyParsingError")));
    assert_eq!(details["attestationType"], "sgxenclave");
    assert_eq!(rows[9]["details"]["name"], "contoso");

    let (mut found, mut path) = (0, "/providers/contoso/avouch/audit?$top=3".to_owned());
    loop {
        let page = fixture.get("root", &path).await;
        found += page["value"].as_array().unwrap().len();
        let Some(next) = page.get("nextLink") else { break };
        path = next.as_str().unwrap().strip_prefix(&fixture.service.url).unwrap().to_owned();
    }
    assert_eq!(found, rows.len());
}

#[tokio::test]
async fn what_outsiders_send_and_what_changes_nothing_is_not_written_down() {
    let fixture = Fixture::new().await;
    let before = fixture.store.sequence().await.unwrap();
    let policy = format!("/providers/contoso/policies/SgxEnclave?{VERSION}");
    for name in ["", "nobody"] {
        for (method, path) in [
            (Method::PUT, policy.clone()),
            (Method::POST, format!("/providers/contoso/certificates:add?{VERSION}")),
            (Method::DELETE, resource("contoso")),
            (Method::PUT, resource("new-one")),
            (Method::PUT, "/providers/unknown/policies/SgxEnclave".to_owned()),
        ] {
            let (status, _) = fixture.send(name, method.clone(), &path, "x").await;
            assert!(status.is_client_error(), "{method} {path}");
        }
    }
    for path in [policy.clone(), "/providers/contoso/avouch/audit".to_owned(), resource("contoso")]
    {
        let (status, _) = fixture.send("stranger", Method::GET, &path, "").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(fixture.store.sequence().await.unwrap(), before);
    assert!(fixture.refusals().await.is_empty());
}

#[tokio::test]
async fn one_caller_cannot_fill_the_trail() {
    let fixture = Fixture::new().await;
    for _ in 0..60 {
        assert_eq!(fixture.set("stranger", &unsigned(MINIMAL)).await, 401);
    }
    let written = fixture.refusals().await.len();
    assert!((20..30).contains(&written), "{written}");
    // Another one's refusals are written all the same.
    assert_eq!(fixture.set("reader", &unsigned(MINIMAL)).await, 401);
    let refusals = fixture.refusals().await;
    assert_eq!(refusals.last().unwrap().actor.id(), "reader");
}

#[tokio::test]
async fn a_provider_made_anew_does_not_show_the_trail_of_the_one_before() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.set("stranger", &unsigned(MINIMAL)).await, 401);
    assert_eq!(fixture.set("owner", &unsigned(MINIMAL)).await, 200);
    fixture.send("root", Method::DELETE, &resource("contoso"), "").await;
    let body = json!({"location": "here", "properties": {}}).to_string();
    fixture.send("root", Method::PUT, &resource("contoso"), &body).await;
    let trail = fixture.get("owner", "/providers/contoso/avouch/audit").await;
    let rows = trail["value"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["action"], "provider-create");
    assert_eq!(fixture.get("reader", HISTORY).await, json!({"value": []}));
    // In the database it stays.
    let all = fixture.store.audit(Some("contoso"), PageRequest::first()).await.unwrap().items;
    assert_eq!(all.len(), 5, "{all:?}");
}
