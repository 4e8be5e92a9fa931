//! `avouch key`, and services whose keys are in the database.
#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use avouch_store::testing::PostgresServer;
use avouch_token::{Jwks, TokenKind};
use serde_json::json;
use support::schema::{Schema, rows};
use support::service::{Installation, OWNER, Service};
use support::signed::{client, eventually, files, holds, key_set, kids, token, verified};
use support::{Run, avouch_in, text};

const MASTER: &str = "6d61737465722d6b65792d6d61737465722d6b65792d6d61737465722d6b6579";
const OTHER: &str = "6d61737465722d6b65792d6d61737465722d6b65792d6d61737465722d6b657a";
/// Times of a test: a key may sign after twelve seconds in key sets.
const QUICK: &str = "publish_seconds = 12\npublished_ahead = 2\n\n\
                     [database]\nserved_without_seconds_max = 12\n";

/// An installation with a master key beside its key file, and further lines of `[signing]`.
fn installation(name: &str, signing: &str) -> Installation {
    let installation = Installation::new(name, &format!("master_key_file = \"master\"\n{signing}"));
    installation.folder.write("master", MASTER);
    installation
}

fn key(installation: &Installation, line: &str) -> Run {
    let line = format!("--output json key {line} --config avouch.toml");
    avouch_in(installation.folder.path(), &line)
}

/// The keys of a purpose and state, in the order of the list.
fn listed(installation: &Installation, purpose: &str, state: &str) -> Vec<String> {
    let list = key(installation, "list").expect_status(0).json();
    let keys = list["keys"].as_array().unwrap().iter();
    let wanted = keys.filter(|key| key["purpose"] == purpose && key["state"] == state);
    wanted.map(|key| text(&key["kid"]).to_owned()).collect()
}

/// Who keeps how many keys for tokens: a file, a master key.
async fn kept(service: &Service) -> [u64; 2] {
    let answer = client(service).get(format!("{}/readyz", service.url)).send().await.unwrap();
    let report: serde_json::Value = answer.json().await.unwrap();
    let kept = &report["signing_keys_kept"];
    assert_eq!((&kept["tee"], &kept["token"]), (&json!(0), &json!(0)), "{kept}");
    ["file", "master_key"].map(|keeper| kept[keeper].as_u64().unwrap())
}

#[tokio::test]
async fn a_key_file_goes_on_and_is_the_first_key_under_a_master_key() {
    let installation = Installation::new("keys-file", "");
    let service = installation.start();
    let before = key_set(&service).await;
    let first = kids(&before);
    assert_eq!(first.len(), 1, "one key signs for ever");
    let signed = token(&service).await.unwrap();
    assert_eq!(kept(&service).await, [1, 0]);
    drop(service);
    let refused = key(&installation, "rotate").expect_status(2);
    assert!(refused.stderr.contains("signing.master_key_file"), "{}", refused.stderr);

    // The same configuration with a master key.
    let config = std::fs::read_to_string(installation.config()).unwrap();
    installation.folder.write("avouch.toml", format!("{config}\nmaster_key_file = \"master\"\n"));
    installation.folder.write("master", MASTER);
    let service = installation.start();
    let after = key_set(&service).await;
    assert_eq!(kids(&after).first(), first.first(), "tokens keep their key");
    assert_eq!(kids(&after).len(), 2, "the next one stands ready");
    assert_eq!(verified(&signed, &after).as_ref(), Ok(&first[0]));
    assert_eq!(kept(&service).await, [1, 1]);
    drop(service);
    // The file can go now.
    std::fs::remove_file(installation.folder.join("signing.pem")).unwrap();
    let config = std::fs::read_to_string(installation.config()).unwrap();
    installation.folder.write("avouch.toml", config.replace("key_file = \"signing.pem\"\n", ""));
    let service = installation.start();
    assert_eq!(kids(&key_set(&service).await), kids(&after));
    assert_eq!(kept(&service).await, [0, 2]);
}

#[tokio::test]
async fn a_key_is_published_long_enough_then_signs_and_the_one_before_stays() {
    let installation = installation("keys-rotate", QUICK);
    let service = installation.start();
    let first = listed(&installation, "token", "active");
    let ready = listed(&installation, "token", "published");
    assert_eq!((first.len(), ready.len()), (1, 2));
    let cached = key_set(&service).await;
    let old_token = token(&service).await.unwrap();

    let early = key(&installation, &format!("activate {}", ready[0])).expect_status(2);
    assert!(early.stderr.contains("may sign from"), "{}", early.stderr);
    assert_eq!(key(&installation, "rotate").expect_status(1).json()["done"], "nothing");
    eventually("the time of the next key", async || {
        key(&installation, "rotate").json()["done"] == "activated"
    })
    .await;
    let active = listed(&installation, "token", "active");
    assert!(ready.contains(&active[0]));
    eventually("the new key signs", async || {
        let fresh = token(&service).await.unwrap();
        // Who read the keys before the change knows the new one.
        verified(&fresh, &cached).unwrap() == active[0]
    })
    .await;
    let set = key_set(&service).await;
    assert_eq!(kids(&set).first(), active.first(), "the key that signs comes first");
    assert_eq!(verified(&old_token, &set).as_ref(), Ok(&first[0]), "old tokens still count");
    assert_eq!(listed(&installation, "token", "retired"), first);
    let back = key(&installation, &format!("activate {}", first[0])).expect_status(2);
    assert!(back.stderr.contains("retired"), "{}", back.stderr);

    // A key that others have: another signs at once, and it goes.
    let lost = active[0].clone();
    let kept = key(&installation, &format!("remove {lost}")).expect_status(2);
    assert!(kept.stderr.contains("retired"), "only a retired key goes: {}", kept.stderr);
    let made = key(&installation, "rotate --now").expect_status(0).json();
    assert_eq!(made["done"], "activated");
    let start: String = lost.chars().take(12).collect();
    key(&installation, &format!("remove {start}")).expect_status(0);
    eventually("the lost key is gone", async || !kids(&key_set(&service).await).contains(&lost))
        .await;
    // Reports have keys of their own, which change by themselves.
    let report = listed(&installation, "report", "active");
    key(&installation, "rotate --now --purpose report").expect_status(0);
    assert_eq!(listed(&installation, "report", "retired"), report);
    assert_eq!(listed(&installation, "report-ca", "active").len(), 1);
}

#[tokio::test]
async fn every_kind_of_key_signs_and_a_provider_may_have_others() {
    let signing = "keys = [\"rsa-3072\"]\n\n[signing.providers.contoso]\n\
                   keys = [\"p-384\", \"p-256\"]\n";
    let installation = Installation::new("keys-kinds", "");
    let config = std::fs::read_to_string(installation.config()).unwrap();
    let config = config.replace("key_file = \"signing.pem\"", "master_key_file = \"master\"");
    installation.folder.write("avouch.toml", format!("{config}{signing}"));
    installation.folder.write("master", MASTER);
    let service = installation.start();
    let list = key(&installation, "list").expect_status(0).json();
    let active = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["state"] == "active" && key["purpose"] == "token");
    let mut algorithms: Vec<&str> = active.map(|key| text(&key["algorithm"])).collect();
    algorithms.sort_unstable();
    assert_eq!(algorithms, ["ES256", "ES384", "RS256"]);
    let keys = Jwks::parse(key_set(&service).await.as_bytes()).unwrap();
    let kinds: Vec<String> = keys.keys().iter().map(|key| key.key().kind().to_string()).collect();
    assert!(kinds[0].contains("3072"), "{kinds:?}");
    assert!(kinds.iter().all(|kind| kind.contains("RSA")), "no other kind in that set: {kinds:?}");

    let url = format!(
        "{}/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/avouch/providers/\
         Microsoft.Attestation/attestationProviders/contoso?api-version=2021-06-01",
        service.url
    );
    let body = json!({"location": "default", "properties": {}}).to_string();
    let put =
        client(&service).put(url).bearer_auth(OWNER).header("content-type", "application/json");
    let made = put.body(body).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    let certs = format!("{}/providers/contoso/certs", service.url);
    let set = client(&service).get(certs).send().await.unwrap().text().await.unwrap();
    let keys = Jwks::parse(set.as_bytes()).unwrap();
    let names: Vec<&str> = keys
        .keys()
        .iter()
        .filter(|key| key.signs() == TokenKind::Attestation)
        .map(|key| key.algorithm().unwrap().name())
        .collect();
    assert_eq!(names.first(), Some(&"ES384"));
    assert!(names.contains(&"ES256") && !names.contains(&"RS256"), "{names:?}");

    // A key of its own signs for it alone.
    let own = key(&installation, "rotate --now --provider contoso").expect_status(0).json();
    let own = text(&own["key"]["kid"]).to_owned();
    let certs = format!("{}/providers/contoso/certs", service.url);
    eventually("its own key comes first", async || {
        let set = client(&service).get(&certs).send().await.unwrap().text().await.unwrap();
        kids(&set).first() == Some(&own)
    })
    .await;
    assert!(!kids(&key_set(&service).await).contains(&own));
}

#[tokio::test]
async fn the_json_of_keys_is_as_documented_and_the_list_has_one_order() {
    let installation = installation("keys-schema", "");
    drop(installation.start());
    let page = |heading| Schema::new(rows("docs/schemas/keys.md", heading));
    let (mut list, mut change, mut rewrap) = (page("List"), page("Change"), page("Rewrap"));
    let rotated = key(&installation, "rotate --now").expect_status(0).json();
    change.check(&rotated);
    let listed = key(&installation, "list").expect_status(0).json();
    list.check(&listed);
    let keys = listed["keys"].as_array().unwrap();
    let order: Vec<_> = keys
        .iter()
        .map(|key| format!("{} {}", text(&key["purpose"]), text(&key["state"])))
        .collect();
    let expected = [
        "token active",
        "token published",
        "token retired",
        "report active",
        "report published",
        "report-ca active",
    ];
    assert_eq!(order, expected);
    let retired = text(&keys[2]["kid"]);
    assert!(keys[2]["retired_at"].is_string() && keys[2]["gone_at"].is_string());
    let removed = key(&installation, &format!("remove {retired}")).expect_status(0).json();
    change.check(&removed);
    rewrap.check(&key(&installation, "rewrap").expect_status(0).json());
    assert!(change.unseen().is_empty(), "{:?}", change.unseen());
    // No key is for one provider alone here, and none is under another master key.
    assert_eq!(list.unseen().into_iter().collect::<Vec<_>>(), ["keys[].provider"]);
    assert_eq!(rewrap.unseen().into_iter().collect::<Vec<_>>(), ["rewrapped[]", "unopened[]"]);
}

#[tokio::test]
async fn another_master_key_takes_over_and_without_it_nothing_starts() {
    let installation = installation("keys-master", "");
    drop(installation.start());
    let active = |installation: &Installation| listed(installation, "token", "active");
    let names = |installation: &Installation| -> BTreeSet<String> {
        let list = key(installation, "list").expect_status(0).json();
        let keys = list["keys"].as_array().unwrap().iter();
        keys.map(|key| text(&key["wrapping_key"]).to_owned()).collect()
    };
    let config = std::fs::read_to_string(installation.config()).unwrap();
    // Another one alone opens nothing.
    installation.folder.write("master", OTHER);
    let refused = support::run(&mut installation.command()).expect_status(2);
    assert!(refused.stderr.contains("wrapped under master key"), "{}", refused.stderr);
    assert!(key(&installation, "list").json()["keys"][0]["opens"] == false);
    key(&installation, "rewrap").expect_status(1);

    let both = config.replace(
        "master_key_file = \"master\"",
        "master_key_file = \"master\"\nformer_master_key_files = [\"former\"]",
    );
    // First round: it can be opened with, and nothing is wrapped under it yet.
    installation.folder.write("master", MASTER);
    installation.folder.write("former", OTHER);
    installation.folder.write("avouch.toml", both);
    drop(installation.start());
    key(&installation, "rotate --now").expect_status(0);
    let wrapped = names(&installation);
    assert_eq!(wrapped.len(), 1, "{wrapped:?}");
    // Second round: new keys are wrapped under it, and old ones open.
    installation.folder.write("master", OTHER);
    installation.folder.write("former", MASTER);
    drop(installation.start());
    key(&installation, "rotate --now").expect_status(0);
    assert_eq!(names(&installation).len(), 2);
    // An instance of the first round opens all of them.
    installation.folder.write("master", MASTER);
    installation.folder.write("former", OTHER);
    let before = {
        let service = installation.start();
        assert_eq!(kids(&key_set(&service).await).first(), active(&installation).first());
        active(&installation)
    };
    installation.folder.write("master", OTHER);
    installation.folder.write("former", MASTER);
    let rewrapped = key(&installation, "rewrap").expect_status(0).json();
    assert!(rewrapped["rewrapped"].as_array().unwrap().len() >= 4, "{rewrapped}");
    installation.folder.write("avouch.toml", config);
    let service = installation.start();
    assert_eq!(kids(&key_set(&service).await).first(), before.first());
}

#[tokio::test]
async fn a_key_file_that_no_provider_would_sign_with_is_not_taken_over() {
    for (keys, name) in [
        ("keys = [\"p-256\"]\n", "signing.keys"),
        (
            "keys = [\"rsa-2048\"]\n[signing.providers.contoso]\nkeys = [\"p-256\"]\n",
            "signing.providers.contoso.keys",
        ),
    ] {
        let installation = installation("keys-other-kind", keys);
        let refused = support::run(&mut installation.command()).expect_status(2);
        let said = format!("signing.key_file has a key for RS256, and {name} lists none for it");
        assert!(refused.stderr.contains(&said), "{}", refused.stderr);
        // Nothing was begun.
        assert_eq!(listed(&installation, "token", "active"), Vec::<String>::new());
    }
    let installation = installation("keys-both-kinds", "keys = [\"p-256\", \"rsa-2048\"]\n");
    let service = installation.start();
    assert_eq!(listed(&installation, "token", "active").len(), 2);
    // Once it has been one of them it may go the way of all keys.
    drop(service);
    let config = std::fs::read_to_string(installation.config()).unwrap();
    installation.folder.write("avouch.toml", config.replace(", \"rsa-2048\"", ""));
    drop(installation.start());
}

#[tokio::test]
async fn a_database_that_takes_no_writes_keeps_nobody_from_signing_though_a_key_is_due() {
    let Some(server) = PostgresServer::start_or_skip() else { return };
    let url = server.create_database().unwrap();
    let times = |ahead: u32| {
        format!(
            "publish_seconds = 2\npublished_ahead = {ahead}\n\n\
             [database]\nserved_without_seconds_max = 2\nurl = \"{url}\"\n"
        )
    };
    let installation = installation("keys-read-only", &times(1));
    drop(installation.start());
    let ready = listed(&installation, "token", "published");
    let name = url.split('?').next().unwrap().rsplit('/').next().unwrap();
    let read_only = |is_so: &str| {
        server
            .sql(&format!("alter database {name} set default_transaction_read_only = {is_so}"))
            .unwrap();
        let connected = format!("from pg_stat_activity where datname = '{name}'");
        server.sql(&format!("select count(pg_terminate_backend(pid)) {connected}")).unwrap();
    };
    read_only("on");
    let config = std::fs::read_to_string(installation.config()).unwrap();
    installation.folder.write("avouch.toml", config.replace(&times(1), &times(3)));
    let service = installation.start();
    token(&service).await.unwrap();
    // Longer than it may go on without having read the records.
    tokio::time::sleep(Duration::from_secs(4)).await;
    token(&service).await.unwrap();
    assert_eq!(listed(&installation, "token", "published"), ready);
    read_only("off");
    eventually("what is due is done", async || {
        listed(&installation, "token", "published").len() == 3
    })
    .await;
}

#[tokio::test]
async fn no_key_material_is_in_the_database_the_log_or_an_error() {
    let installation = installation("keys-grep", "");
    let pem = std::fs::read_to_string(installation.folder.join("signing.pem")).unwrap();
    let log = std::fs::File::create(installation.folder.join("log")).unwrap();
    let config = std::fs::read_to_string(installation.config()).unwrap();
    let telemetry = "\n[telemetry]\nlog_filter = \"trace\"\n";
    installation.folder.write("avouch.toml", format!("{config}{telemetry}"));
    let (service, _) = installation.start_logging_to(log);
    token(&service).await.unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", service.process())).unwrap();
    // Nor does the system show its memory to others, or hand it to a collector of dumps.
    let own = std::fs::metadata(format!("/proc/{}/environ", service.process())).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&own), 0, "of a process that is not dumpable");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    let mut said = key(&installation, "rotate --now").expect_status(0).stdout;
    said += &key(&installation, "list").expect_status(0).stdout;
    said += &key(&installation, "rotate --kind rsa-1024").expect_status(2).stderr;
    drop(service);
    installation.folder.write("master", OTHER);
    said += &support::run(&mut installation.command()).expect_status(2).stderr;
    installation.folder.write("master", format!("{MASTER}00"));
    said += &support::run(&mut installation.command()).expect_status(2).stderr;

    // What a private RSA key is told by: the PKCS#8 in DER from its secret part on, in each form.
    let der = avouch_wire::base64url::decode_standard(
        &pem.lines().filter(|line| !line.starts_with("---")).collect::<String>(),
    )
    .unwrap();
    let middle = der.len() / 2;
    let secret = der.get(middle..middle + 48).unwrap();
    let base64 = pem.lines().nth(12).unwrap().as_bytes().to_vec();
    let hex = avouch_wire::encode_hex(secret).into_bytes();
    let master = avouch_wire::decode_hex(MASTER).unwrap();
    let needles: [&[u8]; 5] = [secret, &base64, &hex, MASTER.as_bytes(), &master];
    let mut places = files(&installation.folder.join("data"));
    places.push(("log".to_owned(), std::fs::read(installation.folder.join("log")).unwrap()));
    places.push(("said".to_owned(), said.into_bytes()));
    assert!(places.iter().any(|(name, _)| name.ends_with("avouch.db")));
    assert!(places.iter().any(|(name, bytes)| name == "log" && bytes.len() > 1000));
    for (name, bytes) in &places {
        for (index, needle) in needles.iter().enumerate() {
            assert!(!holds(bytes, needle), "{name} has secret {index}");
        }
    }
    // The search finds what is there.
    let pem_file = std::fs::read(installation.folder.join("signing.pem")).unwrap();
    assert!(holds(&pem_file, &base64));
}

#[tokio::test]
async fn two_instances_on_one_postgresql_agree_on_every_key_while_one_restarts() {
    let Some(server) = PostgresServer::start_or_skip() else { return };
    let url = server.create_database().unwrap();
    let installation = installation("keys-postgresql", &format!("{QUICK}url = \"{url}\"\n"));
    let first = installation.start();
    let mut second = installation.start_another();
    assert_eq!(kids(&key_set(&first).await), kids(&key_set(&second).await));
    let cached = key_set(&first).await;
    for round in 0..2 {
        eventually("the next key", async || {
            key(&installation, "rotate").json()["done"] == "activated"
        })
        .await;
        let active = listed(&installation, "token", "active");
        if round == 1 {
            second.kill();
            second = installation.start_another();
        }
        for service in [&first, &second] {
            eventually("each instance signs by it", async || {
                let fresh = token(service).await.unwrap();
                // Before and after the change, everybody who knows the keys takes the token.
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

/// The blocks of `docs/keys.md` in a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md");
    let page = std::fs::read_to_string(page).expect("docs/keys.md");
    let start = format!("```{language}\n");
    let found = page.split(&start).skip(1);
    found.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_handbook_of_keys_can_be_followed() {
    let installation = Installation::new("keys-handbook", "");
    let folder = &installation.folder;
    let made = blocks("sh");
    assert_eq!(made.len(), 1);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-e", "-c", &made[0]]).current_dir(folder.path());
    assert!(shell.status().unwrap().success(), "{}", made[0]);
    std::fs::create_dir(folder.join("secrets")).unwrap();
    std::fs::copy(folder.join("signing.pem"), folder.join("secrets/signing-key.pem")).unwrap();

    let config = std::fs::read_to_string(installation.config()).unwrap();
    let (rest, _) = config.split_once("[signing]").unwrap();
    let sections = blocks("toml");
    assert_eq!(sections.len(), 3);
    for section in &sections {
        // Each is a service of its own.
        let _ = std::fs::remove_dir_all(folder.join("data"));
        folder.write("avouch.toml", format!("{rest}{section}"));
        let service = installation.start();
        token(&service).await.unwrap();
        drop(service);
        key(&installation, "list").expect_status(0);
    }
    let commands = blocks("console");
    let commands = commands.iter().flat_map(|block| block.lines());
    let mut ran = 0;
    for line in commands.map(|line| line.strip_prefix("$ avouch ").expect("a command")) {
        let retired = listed(&installation, "token", "retired");
        let line = retired.first().map_or(line.to_owned(), |kid| line.replace("KID", kid));
        let run = avouch_in(folder.path(), &line);
        // It says when it is too early for the next step.
        let expected = i32::from(line.starts_with("key rotate --config"));
        run.expect_status(expected);
        ran += 1;
    }
    assert_eq!(ran, 5);
}
