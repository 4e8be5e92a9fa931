//! Signing keys that a PKCS#11 token makes and keeps: SoftHSM's, which the tests install.
#![cfg(test)]

mod support;

use std::sync::Arc;

use avouch_store::testing::PostgresServer;
use avouch_store::{
    Actor, ActorKind, Edit, KeyPurpose, KeyRecord, KeyScope, NewKey, Store, StoreError,
};
use avouch_token::{Jwks, TokenKind};
use reqwest::StatusCode;
use serde_json::{Value, json};
use support::schema::{Schema, rows};
use support::service::{Installation, OWNER, Service};
use support::signed::{client, eventually, files, holds, key_set, kids, now, token, verified};
use support::softhsm::{CONFIGURATION, PIN, Tokens};
use support::text;
use tokio::task::JoinSet;

/// What writes down each call of a module: OpenSC's.
const SPIES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/pkcs11-spy.so", "/usr/lib/pkcs11/pkcs11-spy.so"];

/// A token with a master key, and a service that has all its keys there.
struct InToken {
    tokens: Tokens,
    installation: Installation,
}

impl InToken {
    /// `None` where there is no SoftHSM, and it is not demanded.
    fn new(name: &str, signing: &str) -> Option<Self> {
        let tokens = Tokens::new(name)?;
        tokens.token("avouch");
        tokens.key("avouch", "master", &["--sensitive"]);
        let installation = tokens.installation(&format!("{name}-service"), "avouch", "master");
        let config = std::fs::read_to_string(installation.config()).unwrap();
        let config = config.replace("key_file = \"signing.pem\"\n", signing);
        let config = config.replace("pin_file = ", "signing_keys = true\npin_file = ");
        installation.folder.write("avouch.toml", config);
        Some(Self { tokens, installation })
    }

    fn start(&self) -> Service {
        let place = self.tokens.configuration();
        self.installation.start_with(CONFIGURATION, place.as_os_str())
    }

    fn start_another(&self) -> Service {
        let place = self.tokens.configuration();
        self.installation.start_another_with([(CONFIGURATION, place.as_os_str())])
    }

    fn key(&self, line: &str) -> support::Run {
        self.tokens.run(&self.installation, line)
    }

    fn list(&self) -> Vec<Value> {
        self.key("list").expect_status(0).json()["keys"].as_array().unwrap().clone()
    }

    fn listed(&self, purpose: &str, state: &str) -> Vec<String> {
        let all = self.list().into_iter();
        let wanted = all.filter(|key| key["purpose"] == purpose && key["state"] == state);
        wanted.map(|key| text(&key["kid"]).to_owned()).collect()
    }

    async fn store(&self) -> Store {
        let path = self.installation.folder.join("data/avouch.db");
        Store::open(path.to_str().unwrap(), now()).await.unwrap()
    }
}

async fn readiness(service: &Service) -> (StatusCode, Value) {
    let answer = client(service).get(format!("{}/readyz", service.url)).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn keys_of_every_kind_are_made_in_the_token_sign_there_and_never_leave_it() {
    let kinds = "keys = [\"rsa-4096\"]\n\n[signing.providers.contoso]\n\
                 keys = [\"p-384\", \"p-256\"]\n\n";
    let Some(here) = InToken::new("in-token-kinds", kinds) else { return };
    let log = here.installation.folder.join("log");
    let config = std::fs::read_to_string(here.installation.config()).unwrap();
    let traced = format!("{config}\n[telemetry]\nlog_filter = \"trace\"\n");
    here.installation.folder.write("avouch.toml", traced);
    let mut command = here.installation.command();
    command.env(CONFIGURATION, here.tokens.configuration());
    let log_file = std::fs::File::create(&log).unwrap();
    let service = here.installation.start_by(command, log_file);

    let signed = token(&service).await.unwrap();
    let set = key_set(&service).await;
    let active = here.listed("token", "active");
    assert_eq!(active.len(), 3, "one of each algorithm");
    assert!(active.contains(&verified(&signed, &set).unwrap()));
    let keys = Jwks::parse(set.as_bytes()).unwrap();
    assert!(keys.unusable().is_empty());
    let kinds: Vec<_> = keys.keys().iter().map(|key| key.key().kind().to_string()).collect();
    assert!(kinds[0].contains("4096"), "{kinds:?}");
    // Keys for reports are certified by their CA, in the token too.
    assert!(keys.keys().iter().any(|key| key.signs() == TokenKind::Report), "{set}");

    let url = format!(
        "{}/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/avouch/providers/\
         Microsoft.Attestation/attestationProviders/contoso?api-version=2021-06-01",
        service.url
    );
    let put = client(&service).put(url).bearer_auth(OWNER);
    let put = put.header("content-type", "application/json");
    let made = put.body(json!({"location": "here", "properties": {}}).to_string()).send();
    assert!(made.await.unwrap().status().is_success());
    for (line, algorithm) in [
        ("rotate --now --provider contoso", "ES384"),
        ("rotate --now --provider contoso --kind p-256", "ES256"),
        ("rotate --now --kind rsa-3072", "RS256"),
        ("rotate --now --kind rsa-2048", "RS256"),
    ] {
        let made = here.key(line).expect_status(0).json();
        assert_eq!(made["key"]["algorithm"], algorithm, "{line}");
        assert_eq!(made["key"]["wrapping_key"], "pkcs11 avouch");
        let kid = text(&made["key"]["kid"]).to_owned();
        if !line.contains("contoso") {
            eventually("the new key signs", async || {
                let set = key_set(&service).await;
                verified(&token(&service).await.unwrap(), &set).as_ref() == Ok(&kid)
            })
            .await;
        } else if algorithm == "ES384" {
            let at = format!("{}/providers/contoso", service.url);
            eventually("the provider's own key signs", async || {
                let policy = format!("{at}/policies/SgxEnclave?api-version=2022-08-01");
                let answer = client(&service).get(policy).bearer_auth(OWNER).send().await.unwrap();
                let answer: Value = answer.json().await.unwrap();
                let header = text(&answer["token"]).split('.').next().unwrap();
                let header = avouch_wire::base64url::decode(header).unwrap();
                let header: Value = serde_json::from_slice(&header).unwrap();
                header["kid"] == kid.as_str() && header["alg"] == "ES384"
            })
            .await;
        }
    }

    let listed = here.list();
    let private = here.tokens.private_keys("avouch");
    assert_eq!(private.len(), listed.len(), "{private:?}");
    for key in &private {
        let stays = "sensitive, always sensitive, never extractable, local";
        assert!(key.contains(stays), "{key}");
    }
    assert!(listed.iter().all(|key| key["opens"] == true), "{listed:?}");
    // What the database has instead of a private key is a name of 16 bytes.
    for record in here.store().await.all_keys().await.unwrap() {
        assert_eq!(record.wrapped_private_key.len(), 16, "{record:?}");
    }
    let id = avouch_wire::encode_hex(&reference(&here, &active[0]).await);
    let read = |kind| here.tokens.tool("avouch", &["--read-object", "--type", kind, "--id", &id]);
    assert!(read("privkey").stdout.is_empty(), "a private key was read");
    assert!(!read("pubkey").stdout.is_empty(), "that is how one is read");

    drop(service);
    let mut places = files(&here.installation.folder.join("data"));
    places.push(("log".to_owned(), std::fs::read(log).unwrap()));
    assert!(places.iter().any(|(name, bytes)| name == "log" && bytes.len() > 1000));
    for (name, bytes) in &places {
        for secret in [PIN.as_bytes(), b"PRIVATE KEY"] {
            assert!(!holds(bytes, secret), "{name}");
        }
    }
}

async fn reference(here: &InToken, kid: &str) -> Vec<u8> {
    let all = here.store().await.all_keys().await.unwrap();
    all.into_iter().find(|record| record.kid == kid).unwrap().wrapped_private_key
}

#[tokio::test]
async fn a_key_that_is_removed_is_destroyed_and_the_others_stay() {
    let Some(here) = InToken::new("in-token-removed", "keys = [\"p-256\"]\n\n") else { return };
    let service = here.start();
    let first = here.listed("token", "active");
    let count = here.tokens.private_keys("avouch").len();
    here.key("rotate --now").expect_status(0);
    assert_eq!(here.tokens.private_keys("avouch").len(), count + 1);
    let id = avouch_wire::encode_hex(&reference(&here, &first[0]).await);
    here.key(&format!("remove {}", first[0])).expect_status(0);
    let left = here.tokens.private_keys("avouch");
    assert_eq!(left.len(), count);
    assert!(!left.iter().any(|key| key.contains(&id)), "{left:?}");
    eventually("the removed key is gone", async || {
        !kids(&key_set(&service).await).contains(&first[0])
    })
    .await;
    token(&service).await.unwrap();
}

#[tokio::test]
async fn while_the_token_is_away_nothing_is_signed_and_then_all_goes_on() {
    let Some(here) = InToken::new("in-token-away", "keys = [\"p-256\"]\n\n") else { return };
    let service = here.start();
    token(&service).await.unwrap();
    let (status, report) = readiness(&service).await;
    assert_eq!((status, &report["signing_keys_usable"]), (StatusCode::OK, &json!(true)));
    let kept = &report["signing_keys_kept"];
    assert!(kept["token"].as_u64().unwrap() > 0, "{kept}");
    assert_eq!((&kept["tee"], &kept["master_key"]), (&json!(0), &json!(0)), "{kept}");
    let (place, away) = (here.tokens.folder.join("tokens"), here.tokens.folder.join("away"));
    for round in 0..2 {
        std::fs::rename(&place, &away).unwrap();
        std::fs::create_dir(&place).unwrap();
        eventually("the service says that its keys are away", async || {
            let (status, report) = readiness(&service).await;
            status == StatusCode::SERVICE_UNAVAILABLE && report["signing_keys_usable"] == false
        })
        .await;
        let refused = token(&service).await.unwrap_err();
        assert!(refused.contains("ServiceUnavailable"), "{round}: {refused}");
        std::fs::remove_dir(&place).unwrap();
        std::fs::rename(&away, &place).unwrap();
        eventually("the token is back", async || {
            readiness(&service).await.0 == StatusCode::OK && token(&service).await.is_ok()
        })
        .await;
    }
    let signed = token(&service).await.unwrap();
    verified(&signed, &key_set(&service).await).unwrap();
}

/// What was signed before is verified by whoever comes then, and nobody has to wait for the token.
#[tokio::test]
async fn key_sets_are_published_while_the_token_is_away_and_asked_for_by_many() {
    let Some(here) = InToken::new("in-token-certs", "keys = [\"p-256\"]\n\n") else { return };
    let service = Arc::new(here.start());
    let signed = token(&service).await.unwrap();
    let before = key_set(&service).await;
    let kid = verified(&signed, &before).unwrap();
    // A key is published that has no certificate yet, as nobody has asked; an evidence would do the same.
    let made = here.key("rotate --now").expect_status(0).json();
    let new = text(&made["key"]["kid"]).to_owned();
    eventually("the new key signs", async || {
        let header = token(&service).await.unwrap().split('.').next().unwrap().to_owned();
        let header = avouch_wire::base64url::decode(&header).unwrap();
        String::from_utf8(header).unwrap().contains(&new)
    })
    .await;
    let (place, away) = (here.tokens.folder.join("tokens"), here.tokens.folder.join("away"));
    std::fs::rename(&place, &away).unwrap();
    std::fs::create_dir(&place).unwrap();
    eventually("the service says that its keys are away", async || {
        readiness(&service).await.0 == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let mut asked = JoinSet::new();
    for _ in 0..16 {
        let service = Arc::clone(&service);
        asked.spawn(async move {
            let url = format!("{}/certs", service.url);
            let answer = client(&service).get(url).send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        });
    }
    for (status, set) in asked.join_all().await {
        assert_eq!(status, StatusCode::OK, "{set}");
        assert_eq!(verified(&signed, &set).as_ref(), Ok(&kid));
        assert!(!kids(&set).contains(&new), "there is no certificate for it");
    }
    std::fs::remove_dir(&place).unwrap();
    std::fs::rename(&away, &place).unwrap();
    eventually("the new key is published", async || kids(&key_set(&service).await).contains(&new))
        .await;
    let set = key_set(&service).await;
    verified(&signed, &set).unwrap();
    // What stayed has the certificate that it had.
    let of_key = |set: &str| {
        let set: Value = serde_json::from_str(set).unwrap();
        let key = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str());
        key.unwrap()["x5c"].clone()
    };
    assert_eq!(of_key(&set), of_key(&before));
}

#[tokio::test]
async fn a_pin_that_the_token_refuses_is_shown_once_although_keys_are_due() {
    let signing = "keys = [\"p-256\"]\npublish_seconds = 2\n\n\
                   [database]\nserved_without_seconds_max = 2\n\n";
    let Some(here) = InToken::new("in-token-pin", signing) else { return };
    let spy = SPIES.into_iter().find(|spy| std::path::Path::new(spy).exists());
    let spy = spy.expect("pkcs11-spy.so comes with pkcs11-tool");
    let config = std::fs::read_to_string(here.installation.config()).unwrap();
    here.installation.folder.write("avouch.toml", config.replace(here.tokens.module, spy));
    let calls = here.tokens.folder.join("calls");
    let mut command = here.installation.command();
    command.env(CONFIGURATION, here.tokens.configuration());
    command.env("PKCS11SPY", here.tokens.module).env("PKCS11SPY_OUTPUT", &calls);
    let service = here.installation.start_by(command, std::process::Stdio::null());
    here.installation.folder.write("avouch.toml", &config);
    let calls = || String::from_utf8_lossy(&std::fs::read(&calls).unwrap()).into_owned();
    let logins = || calls().matches(" C_Login\n").count();
    token(&service).await.unwrap();
    assert_eq!(kids(&key_set(&service).await).len(), 2);
    assert!(logins() >= 2, "at the start, and for the first session");
    assert_eq!(here.listed("token", "published").len(), 1);

    // The service has the old PIN; its sessions end as the token goes and comes back.
    let changed = here.tokens.tool("avouch", &["--change-pin", "--new-pin", "pin-12345678"]);
    assert!(changed.status.success(), "{changed:?}");
    here.installation.folder.write("pin", "pin-12345678\n");
    let (place, away) = (here.tokens.folder.join("tokens"), here.tokens.folder.join("away"));
    std::fs::rename(&place, &away).unwrap();
    std::fs::create_dir(&place).unwrap();
    eventually("the service says that its keys are away", async || {
        readiness(&service).await.0 == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    std::fs::remove_dir(&place).unwrap();
    std::fs::rename(&away, &place).unwrap();
    eventually("the PIN is refused", async || calls().contains("CKR_PIN_INCORRECT")).await;
    let shown = logins();
    // A key is made to be due by somebody who has the new PIN.
    eventually("the next key", async || here.key("rotate").json()["done"] == "activated").await;
    assert!(here.listed("token", "published").is_empty());
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    assert!(token(&service).await.unwrap_err().contains("ServiceUnavailable"));
    assert_eq!(readiness(&service).await.1["signing_keys_usable"], false);
    assert_eq!(calls().matches("CKR_PIN_INCORRECT").count(), 1);
    assert_eq!(logins(), shown, "it is shown no more");
    // What was published stays so.
    assert_eq!(kids(&key_set(&service).await).len(), 2);
}

#[tokio::test]
async fn a_database_that_takes_no_writes_fills_no_token() {
    let Some(server) = PostgresServer::start_or_skip() else { return };
    let url = server.create_database().unwrap();
    let signing = "keys = [\"p-256\"]\npublish_seconds = 2\npublished_ahead = 1\n\n";
    let Some(here) = InToken::new("in-token-read-only", signing) else { return };
    let config = std::fs::read_to_string(here.installation.config()).unwrap();
    let database = format!("\n[database]\nserved_without_seconds_max = 2\nurl = \"{url}\"\n");
    let config = format!("{config}{database}");
    here.installation.folder.write("avouch.toml", &config);
    drop(here.start());
    let before = here.tokens.private_keys("avouch").len();
    assert_eq!(before, here.list().len());
    let name = url.split('?').next().unwrap().rsplit('/').next().unwrap();
    let read_only = |is_so: &str| {
        server
            .sql(&format!("alter database {name} set default_transaction_read_only = {is_so}"))
            .unwrap();
        let connected = format!("from pg_stat_activity where datname = '{name}'");
        server.sql(&format!("select count(pg_terminate_backend(pid)) {connected}")).unwrap();
    };
    read_only("on");
    let more = config.replace("published_ahead = 1", "published_ahead = 3");
    here.installation.folder.write("avouch.toml", more);
    let service = here.start();
    token(&service).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    assert_eq!(here.tokens.private_keys("avouch").len(), before);
    read_only("off");
    eventually("what is due is done", async || here.listed("token", "published").len() == 3).await;
    assert_eq!(here.tokens.private_keys("avouch").len(), here.list().len());
}

#[tokio::test]
async fn a_database_with_all_the_keys_that_it_takes_fills_no_token() {
    let signing = "keys = [\"p-256\"]\npublish_seconds = 2\n\n\
                   [database]\nserved_without_seconds_max = 2\n\n";
    let Some(here) = InToken::new("in-token-full", signing) else { return };
    let service = here.start();
    let store = here.store().await;
    let actor = Actor::new(ActorKind::Application, "test").unwrap();
    let edit = Edit::new(&actor, now());
    let mut filled = Vec::new();
    // Of another purpose than what becomes due, and of no key that could be opened.
    for number in 0.. {
        let kid = format!("filler-{number}");
        let new = NewKey {
            kid: &kid,
            scope: KeyScope { purpose: KeyPurpose::ReportCa, provider: None, algorithm: "ES384" },
            public_key: b"none",
            wrapped_private_key: b"none",
            wrapping_key: "none",
            not_before: now(),
        };
        match store.publish_key(&new, &edit).await {
            Ok(_) => filled.push(kid),
            Err(StoreError::Limit { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(filled.len() > 100);
    let keys = || here.tokens.private_keys("avouch").len();
    let before = keys();
    eventually("the next key", async || here.key("rotate").json()["done"] == "activated").await;
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    assert!(keys() <= before + 1, "one that is kept for the next attempt: {}", keys());
    assert!(here.listed("token", "published").is_empty());
    // A key that is made by hand leaves nothing behind either.
    let refused = here.key("publish").expect_status(2);
    assert!(refused.stderr.contains("limit"), "{}", refused.stderr);
    assert!(keys() <= before + 1, "{}", keys());

    let freed = filled.pop().unwrap();
    store.retire_key(&freed, &edit).await.unwrap();
    store.delete_key(&freed, &edit).await.unwrap();
    eventually("there is room", async || here.listed("token", "published").len() == 1).await;
    assert_eq!(keys(), before + 1, "it is the one that was kept");
    token(&service).await.unwrap();
}

/// The keys of a provider that is deleted are nobody's.
#[tokio::test]
async fn what_no_record_names_is_found_and_destroyed_by_hand() {
    let Some(here) = InToken::new("in-token-sweep", "keys = [\"p-256\"]\n\n") else { return };
    let service = here.start();
    let url = format!(
        "{}/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/avouch/providers/\
         Microsoft.Attestation/attestationProviders/contoso?api-version=2021-06-01",
        service.url
    );
    let put = client(&service).put(&url).bearer_auth(OWNER);
    let put = put.header("content-type", "application/json");
    let made = put.body(json!({"location": "here", "properties": {}}).to_string()).send();
    assert!(made.await.unwrap().status().is_success());
    here.key("rotate --now --provider contoso").expect_status(0);
    // The service makes one more, to stand ready.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let mut schema = Schema::new(rows("docs/schemas/keys.md", "Sweep"));
    let nothing = here.key("sweep").expect_status(0).json();
    assert_eq!(nothing, json!({"unrecorded": [], "destroyed": false}));
    schema.check(&nothing);
    let deleted = client(&service).delete(&url).bearer_auth(OWNER).send().await.unwrap();
    assert!(deleted.status().is_success(), "{deleted:?}");
    let (recorded, keys) = (here.list().len(), here.tokens.private_keys("avouch").len());
    let found = here.key("sweep").expect_status(1).json();
    assert!(keys > recorded);
    assert_eq!(found["unrecorded"].as_array().unwrap().len(), keys - recorded, "{found}");
    schema.check(&found);
    assert!(schema.unseen().is_empty(), "{:?}", schema.unseen());
    assert!(text(&found["unrecorded"][0]["label"]).starts_with("avouch token "), "{found}");
    assert_eq!(here.tokens.private_keys("avouch").len(), keys, "it was only told");
    let destroyed = here.key("sweep --destroy").expect_status(0).json();
    assert_eq!(
        (&destroyed["unrecorded"], &destroyed["destroyed"]),
        (&found["unrecorded"], &json!(true))
    );
    assert_eq!(here.tokens.private_keys("avouch").len(), recorded);
    assert!(here.list().iter().all(|key| key["opens"] == true));
    token(&service).await.unwrap();
}

#[tokio::test]
async fn a_record_makes_no_key_of_another_ones_reference() {
    let Some(here) = InToken::new("in-token-records", "keys = [\"p-256\"]\n\n") else { return };
    drop(here.start());
    let store = here.store().await;
    let all = store.all_keys().await.unwrap();
    let of = |purpose: &str, state: &str| -> KeyRecord {
        let fits = |record: &&KeyRecord| {
            (record.purpose.as_str(), record.state.as_str()) == (purpose, state)
        };
        all.iter().find(fits).unwrap().clone()
    };
    let (active, published) = (of("token", "active"), of("token", "published"));
    let report = of("report", "active");
    let actor = Actor::new(ActorKind::Application, "test").unwrap();
    let mut revision = active.revision;
    // Another key of the same scope, one for reports, one that is not there; and another token's.
    let token_name = active.wrapping_key.as_str();
    for (reference, name) in [
        (published.wrapped_private_key.as_slice(), token_name),
        (&report.wrapped_private_key, token_name),
        (&[7; 16], token_name),
        (&active.wrapped_private_key, "pkcs11 other"),
    ] {
        let edit = Edit::new(&actor, now());
        let changed = store.rewrap_key(&active.kid, revision, reference, name, &edit).await;
        revision = changed.unwrap().revision;
        let listed = here.list();
        let row = listed.iter().find(|key| key["kid"] == active.kid.as_str()).unwrap();
        assert_eq!(row["opens"], false, "{row}");
        let mut command = here.installation.command();
        command.env(CONFIGURATION, here.tokens.configuration());
        let refused = support::run(&mut command).expect_status(2);
        let said = ["not the one of the record", "0 private keys", "does not name"];
        assert!(said.iter().any(|said| refused.stderr.contains(said)), "{}", refused.stderr);
        assert!(!refused.stderr.contains(PIN));
    }
    let edit = Edit::new(&actor, now());
    let own = active.wrapped_private_key.as_slice();
    store.rewrap_key(&active.kid, revision, own, token_name, &edit).await.unwrap();
    store.close().await;
    token(&here.start()).await.unwrap();
}

/// Keys that were in the database stay there and serve; the next are made in the token, and back.
#[tokio::test]
async fn a_service_goes_over_to_the_token_by_rotation_and_back() {
    let Some(here) = InToken::new("in-token-over", "keys = [\"p-256\"]\n\n") else { return };
    let inside = std::fs::read_to_string(here.installation.config()).unwrap();
    let outside = inside.replace("signing_keys = true", "signing_keys = false");
    here.installation.folder.write("avouch.toml", &outside);
    let service = here.start();
    let old = here.listed("token", "active");
    assert!(here.tokens.private_keys("avouch").is_empty());
    let old_token = token(&service).await.unwrap();
    drop(service);
    for (config, name) in [(&inside, "pkcs11 avouch"), (&outside, "")] {
        here.installation.folder.write("avouch.toml", config);
        let service = here.start();
        let made = here.key("rotate --now").expect_status(0).json();
        let kid = text(&made["key"]["kid"]).to_owned();
        assert_eq!(made["key"]["wrapping_key"] == "pkcs11 avouch", !name.is_empty(), "{made}");
        eventually("the new key signs", async || {
            let set = key_set(&service).await;
            verified(&token(&service).await.unwrap(), &set).as_ref() == Ok(&kid)
        })
        .await;
        let set = key_set(&service).await;
        assert_eq!(verified(&old_token, &set).as_ref(), Ok(&old[0]), "what was signed counts on");
    }
    assert_eq!(here.tokens.private_keys("avouch").len(), 1);
    let rewrapped = here.key("rewrap").expect_status(0).json();
    assert_eq!(rewrapped["rewrapped"], json!([]), "what the token keeps is under no master key");
}

#[tokio::test]
async fn two_instances_share_the_keys_of_one_token_on_one_postgresql() {
    let Some(server) = PostgresServer::start_or_skip() else { return };
    let url = server.create_database().unwrap();
    let signing = "keys = [\"p-256\"]\npublish_seconds = 12\npublished_ahead = 2\n\n";
    let Some(here) = InToken::new("in-token-shared", signing) else { return };
    let config = std::fs::read_to_string(here.installation.config()).unwrap();
    let database = format!("\n[database]\nserved_without_seconds_max = 12\nurl = \"{url}\"\n");
    here.installation.folder.write("avouch.toml", format!("{config}{database}"));
    let first = here.start();
    let mut second = here.start_another();
    let cached = key_set(&first).await;
    assert_eq!(kids(&cached), kids(&key_set(&second).await));
    // Each key is there once, although both wanted to make it.
    assert_eq!(here.tokens.private_keys("avouch").len(), here.list().len());
    for round in 0..2 {
        eventually("the next key", async || here.key("rotate").json()["done"] == "activated").await;
        let active = here.listed("token", "active");
        if round == 1 {
            second.kill();
            second = here.start_another();
        }
        for service in [&first, &second] {
            eventually("each instance signs by it", async || {
                let fresh = token(service).await.unwrap();
                let kid = verified(&fresh, &cached).unwrap();
                for set in [key_set(&first).await, key_set(&second).await] {
                    assert_eq!(verified(&fresh, &set), Ok(kid.clone()));
                }
                kid == active[0]
            })
            .await;
        }
    }
}

/// Signatures are asked for at once, in as many sessions as there may be, and none is lost.
#[tokio::test]
async fn many_tokens_at_once_are_all_signed() {
    let Some(here) = InToken::new("in-token-many", "keys = [\"p-256\"]\n\n") else { return };
    let config = std::fs::read_to_string(here.installation.config()).unwrap();
    for sessions in [1, 8] {
        let most = format!("signing_keys = true\nsessions_max = {sessions}");
        here.installation.folder.write("avouch.toml", config.replace("signing_keys = true", &most));
        let service = Arc::new(here.start());
        let set = key_set(&service).await;
        let mut asked = JoinSet::new();
        for _ in 0..40 {
            let service = Arc::clone(&service);
            asked.spawn(async move { token(&service).await });
        }
        let mut count = 0;
        while let Some(signed) = asked.join_next().await {
            verified(&signed.unwrap().unwrap(), &set).unwrap();
            count += 1;
        }
        assert_eq!(count, 40);
    }
}
