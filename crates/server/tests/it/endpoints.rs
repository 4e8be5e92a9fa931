//! The table of endpoints, walked row by row: what it says is what the service does.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use avouch_server::auth::{Role, VaultRole};
use avouch_server::route::{Needs, Plane, Row, TABLE, Verb, Version};
use avouch_store::{AuditOutcome, PageRequest, Store};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::log::log;
use crate::support::tokens::{Token, access};
use crate::support::{Running, Setup, VAULT_HOST};

/// Who asks: name, role, and at which providers.
const CALLERS: [(&str, &str, &[&str]); 8] = [
    ("root", "Owner", &[]),
    ("reader", "Reader", &["contoso"]),
    ("contributor", "Contributor", &["contoso"]),
    ("owner", "Owner", &["contoso"]),
    ("stranger", "Owner", &["fabrikam"]),
    ("vault-reader", "KeyVaultReader", &[]),
    ("vault-officer", "KeyVaultCryptoOfficer", &[]),
    ("vault-release", "KeyVaultCryptoServiceReleaseUser", &[]),
];
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

struct Fixture {
    service: Running,
    store: Store,
}

fn token(name: &str) -> String {
    name.repeat(32 / name.len() + 1)
}

/// The path of a row at provider `contoso`, without a query.
fn path(row: &Row) -> String {
    let mut path = row.path.to_owned();
    for (variable, value) in [
        ("{type}", "SgxEnclave"),
        ("{revision}", "1"),
        ("{subscription}", "prod"),
        ("{group}", "team"),
        ("{provider}", "contoso"),
        ("{connection}", "pec"),
        ("{location}", "westus"),
        ("{version}", "v4"),
        ("{product}", "Milan"),
        ("{chip}", "ab"),
        ("{machine}", "ab"),
        ("{key}", "disk"),
        ("{key-version}", "0123456789abcdef0123456789abcdef"),
    ] {
        path = path.replace(variable, value);
    }
    assert!(!path.contains('{'), "{path} has a variable that this test does not know");
    match row.plane() {
        Plane::Data => format!("/providers/contoso{path}"),
        Plane::Service | Plane::Collateral | Plane::Control | Plane::Vault => path,
    }
}

fn version(row: &Row) -> &'static str {
    match row.plane() {
        Plane::Service | Plane::Collateral | Plane::Data => "api-version=2022-08-01",
        Plane::Control => "api-version=2021-06-01",
        Plane::Vault => "api-version=2025-07-01",
    }
}

fn method(verb: Verb) -> Method {
    verb.as_str().parse().unwrap()
}

/// Whether a caller has what a row says; nobody for an empty name.
fn may(caller: &str, row: &Row) -> bool {
    let at_contoso = match caller {
        "reader" => Some(Role::Reader),
        "contributor" => Some(Role::Contributor),
        "owner" | "root" => Some(Role::Owner),
        _ => None,
    };
    let names_a_provider = row.plane() == Plane::Data || row.path.contains("{provider}");
    match row.needs {
        Needs::Nothing => true,
        Needs::Caller => !caller.is_empty(),
        Needs::MayAttest => at_contoso.is_some(),
        // Everybody may read the default provider.
        Needs::Role(Role::Reader) if !names_a_provider => !caller.is_empty(),
        Needs::Role(role) => at_contoso >= Some(role),
        Needs::Vault(VaultRole::Reader) => matches!(caller, "vault-reader" | "vault-officer"),
        Needs::Vault(VaultRole::CryptoOfficer) => caller == "vault-officer",
        Needs::Vault(VaultRole::ReleaseUser) => caller == "vault-release",
    }
}

/// Who may send what a row is for.
fn owner(row: &Row) -> &'static str {
    match row.needs {
        Needs::Vault(VaultRole::ReleaseUser) => "vault-release",
        Needs::Vault(_) => "vault-officer",
        _ => "owner",
    }
}

impl Fixture {
    /// Provider `contoso`; nobody attests without a token.
    async fn new() -> Self {
        log();
        let secrets = CALLERS.map(|(name, ..)| token(name));
        let tokens: Vec<Token<'_>> = CALLERS
            .iter()
            .zip(&secrets)
            .map(|(&(name, role, providers), secret)| Token { name, secret, role, providers })
            .collect();
        let mut setup = Setup::new().await;
        setup.access = access(&tokens, "anonymous_attest = false\n");
        setup.config.vault.host = Some(VAULT_HOST.to_owned());
        let store = setup.store.clone();
        let fixture = Self { service: setup.serve().await, store };
        fixture.create().await;
        fixture
    }

    /// Makes the provider again where a row has deleted it.
    async fn create(&self) {
        let path = "/subscriptions/prod/resourceGroups/team/providers/Microsoft.Attestation/\
                    attestationProviders/contoso?api-version=2021-06-01";
        let body = json!({"location": "here", "properties": {}}).to_string();
        let (status, answer) = self.service.send(Method::PUT, path, &token("root"), body).await;
        assert!(status.is_success(), "{answer}");
    }

    async fn ask(&self, caller: &str, method: Method, path: &str) -> Response {
        self.send(caller, self.service.request(method, path)).await
    }

    /// Under the host that a row is answered at.
    async fn ask_row(&self, row: &Row, caller: &str, method: Method, path: &str) -> Response {
        if row.plane() != Plane::Vault {
            return self.ask(caller, method, path).await;
        }
        let (url, client) = self.service.vault();
        self.send(caller, client.request(method, format!("{url}{path}"))).await
    }

    async fn send(&self, caller: &str, request: RequestBuilder) -> Response {
        let mut request = request.body("{}");
        if !caller.is_empty() {
            request = request.bearer_auth(token(caller));
        }
        request.send().await.unwrap()
    }

    async fn refused_in_trail(&self, caller: &str) -> Vec<String> {
        let trail = self.store.audit(None, PageRequest::first()).await.unwrap().items;
        let of_caller = trail
            .into_iter()
            .filter(|entry| entry.actor.id() == caller && entry.outcome == AuditOutcome::Refused);
        of_caller.map(|entry| entry.action).collect()
    }
}

/// The route of a request and the level of its line, as the log has them.
fn logged(answer: &Response) -> (String, String) {
    let id = answer.headers()["x-ms-request-id"].to_str().unwrap();
    let line = log().of(id).remove(0);
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("route"), text("level"))
}

#[tokio::test]
async fn every_row_is_reached_by_who_has_its_role_and_by_nobody_else() {
    let fixture = Fixture::new().await;
    for row in &TABLE {
        let path = format!("{}?{}", path(row), version(row));
        let others = ["", "stranger", "reader", "contributor", "owner"];
        for caller in others.into_iter().chain(["vault-reader", "vault-officer", "vault-release"]) {
            fixture.create().await;
            let answer = fixture.ask_row(row, caller, method(row.verb), &path).await;
            let told = format!("{caller:?} {} {path}: {}", row.verb.as_str(), answer.status());
            // Whom the vault knows it refuses by another status.
            let is_known = row.plane() == Plane::Vault && !caller.is_empty();
            let refused = if is_known { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
            let is_refused = answer.status() == refused;
            assert_eq!(!is_refused, may(caller, row), "{told}");
            assert_ne!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{told}");
            let (route, level) = logged(&answer);
            assert_eq!(route, row.name, "{told}");
            let is_quiet = row.is_published && answer.status().is_success();
            assert_eq!(level == "DEBUG", is_quiet, "{told}");
        }
    }
}

#[tokio::test]
async fn every_row_asks_for_the_api_version_that_it_says_and_for_no_other() {
    let fixture = Fixture::new().await;
    for row in &TABLE {
        let code = match row.plane() {
            Plane::Service | Plane::Collateral | Plane::Data => ["UnsupportedApiVersion"; 2],
            Plane::Control => ["MissingApiVersionParameter", "InvalidApiVersionParameter"],
            Plane::Vault => ["BadParameter"; 2],
        };
        let [missing, unknown] = code;
        for (query, refused) in [
            ("", (row.version != Version::None).then_some(missing)),
            (version(row), None),
            ("api-version=1999-12-31", (row.version == Version::Known).then_some(unknown)),
            ("api-version=%20", (row.version != Version::None).then_some(unknown)),
        ] {
            fixture.create().await;
            let path = format!("{}?{query}", path(row));
            let answer = fixture.ask_row(row, owner(row), method(row.verb), &path).await;
            let found = answer.headers().get("x-ms-error-code");
            let found = found.map(|code| code.to_str().unwrap().to_owned());
            let told = answer.text().await.unwrap();
            let is_about_version = |code: &String| {
                code.contains("ApiVersion") || told.contains("\"message\":\"api-version: ")
            };
            let about_version = found.filter(is_about_version);
            assert_eq!(about_version.as_deref(), refused, "{} {path}", row.verb.as_str());
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_has_no_row_for_is_405_and_told_which_ones_it_has() {
    let fixture = Fixture::new().await;
    for row in &TABLE {
        let path = format!("{}?{}", path(row), version(row));
        let rows = TABLE.iter().filter(|one| one.plane() == row.plane() && one.path == row.path);
        let mut allowed: Vec<&str> = rows.map(|row| row.verb.as_str()).collect();
        assert_eq!(row.allowed(), allowed.join(", "));
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        for method in METHODS {
            if allowed.contains(&method.as_str()) {
                continue;
            }
            let answer = fixture.ask_row(row, owner(row), method.clone(), &path).await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.headers()["allow"], row.allowed().as_str(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_refused_change_is_in_the_audit_trail_under_the_name_of_its_row() {
    let fixture = Fixture::new().await;
    for row in &TABLE {
        let before = fixture.refused_in_trail("stranger").await.len();
        let path = format!("{}?{}", path(row), version(row));
        fixture.ask_row(row, "stranger", method(row.verb), &path).await;
        let after = fixture.refused_in_trail("stranger").await;
        let new: Vec<&str> = after[before..].iter().map(String::as_str).collect();
        assert_eq!(new, Vec::from_iter(row.audit), "{} {path}", row.verb.as_str());
    }
}

/// What changes a provider needs a role and an entry; what only shows it makes none.
#[test]
fn every_row_that_changes_a_provider_needs_a_role_and_has_a_name_in_the_audit_trail() {
    for row in &TABLE {
        let shows = matches!(row.verb, Verb::Get | Verb::Head);
        if row.plane() == Plane::Vault {
            // Random bytes change nothing.
            assert_eq!(row.audit.is_some(), !shows && row.path != "/rng", "{}", row.path);
            continue;
        }
        let of_provider = row.plane() == Plane::Data || row.path.contains("{provider}");
        let attests = row.needs == Needs::MayAttest;
        let changes = !shows && of_provider && !attests;
        assert_eq!(row.audit.is_some(), changes, "{} {}", row.verb.as_str(), row.path);
        let needs_more = matches!(row.needs, Needs::Role(Role::Contributor | Role::Owner));
        assert!(!changes || needs_more, "{} {}", row.verb.as_str(), row.path);
        assert!(!row.about.is_empty() && !row.name.is_empty(), "{}", row.path);
    }
    let rows: BTreeSet<(&str, &str)> =
        TABLE.iter().map(|row| (row.verb.as_str(), row.path)).collect();
    assert_eq!(rows.len(), TABLE.len(), "two rows are the same");
}

/// The rights that the control plane lists are those that rows give.
#[tokio::test]
async fn the_listed_rights_are_those_of_the_table() {
    let fixture = Fixture::new().await;
    let path = "/providers/Microsoft.Attestation/operations?api-version=2021-06-01";
    let listed: Value = fixture.ask("reader", Method::GET, path).await.json().await.unwrap();
    let listed: BTreeSet<String> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    let rights = TABLE.iter().filter_map(Row::right);
    let of_table: BTreeSet<String> =
        rights.map(|right| format!("Microsoft.Attestation/{right}")).collect();
    assert_eq!(listed, of_table);
}
