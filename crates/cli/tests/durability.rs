//! `avouch serve` as processes under load: killed at random points it loses nothing that it
//! answered 200, and two of them on one database neither lose nor hide each other's writes.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise and says what it saw"
)]

mod support;

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use avouch_store::testing::PostgresServer;
use avouch_store::{PageRequest, Store};
use avouch_token::policy_jws::{
    JwsContent, PolicyEncoding, PolicyJws, UnsignedForm, create_unsigned, policy_token_hash,
};
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use support::service::{Installation, OWNER, Service};

/// Writes that must be acknowledged in a test of kills.
const WRITES: usize = 1_000;
/// Types of the default provider, one for each writer.
const TYPES: [EvidenceKind; 4] =
    [EvidenceKind::Sgx, EvidenceKind::OpenEnclave, EvidenceKind::Tdx, EvidenceKind::Snp];

/// A policy that says which write it is; some of several pages of the database.
fn policy(writer: usize, number: usize) -> String {
    let filler = " ".repeat(random(8_000));
    let text = format!(
        "version=1.0; authorizationrules{{=> permit();}}; issuancerules{{{filler}\
         => issue(type=\"write\", value=\"{writer}:{number}\");}};"
    );
    create_unsigned(JwsContent::Policy(&text), UnsignedForm::Compact)
}

/// The write that a policy is of; none for the default policy.
fn write_of(jws: &str) -> Option<(usize, usize)> {
    let jws = PolicyJws::parse(jws.as_bytes(), PolicyEncoding::Base64Url).unwrap();
    let (_, rest) = jws.text().split_once("value=\"")?;
    let (writer, number) = rest.split_once('"')?.0.split_once(':')?;
    Some((writer.parse().ok()?, number.parse().ok()?))
}

/// A connection of its own to a service.
struct Connection {
    client: Client,
    url: String,
}

impl Connection {
    fn new(service: &Service) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = std::fs::read(&service.ca).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let client = Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        Self { client, url: service.url.clone() }
    }

    fn path(&self, attestation_type: EvidenceKind) -> String {
        format!("{}/policies/{}?api-version=2022-08-01", self.url, attestation_type.policy_name())
    }

    /// Sets a policy: whether it was answered 200, or none if the connection broke.
    async fn set(&self, attestation_type: EvidenceKind, jws: &str) -> Option<()> {
        let request = self.client.put(self.path(attestation_type)).bearer_auth(OWNER);
        let answer = request.body(jws.to_owned()).send().await.ok()?;
        assert_eq!(answer.status(), StatusCode::OK);
        Some(())
    }

    /// The policy in force.
    async fn get(&self, attestation_type: EvidenceKind) -> String {
        let request = self.client.get(self.path(attestation_type)).bearer_auth(OWNER);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        let claims = answer["token"].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&base64url::decode(claims).unwrap()).unwrap();
        claims["x-ms-policy"].as_str().unwrap().to_owned()
    }
}

/// One writer's own account of what it did.
struct Writer {
    id: usize,
    attestation_type: EvidenceKind,
    /// Number of its latest attempt, answered or not.
    attempted: usize,
    /// Number of its latest write that was answered 200.
    acknowledged: usize,
    /// Token hashes of all that were answered 200.
    hashes: Vec<String>,
}

impl Writer {
    fn new(id: usize, attestation_type: EvidenceKind) -> Self {
        Self { id, attestation_type, attempted: 0, acknowledged: 0, hashes: Vec::new() }
    }

    /// Writes until the connection breaks or `most` are done, counting what was answered.
    async fn write(mut self, connection: Connection, most: usize, count: Arc<AtomicUsize>) -> Self {
        for _ in 0..most {
            self.attempted += 1;
            let jws = policy(self.id, self.attempted);
            if connection.set(self.attestation_type, &jws).await.is_none() {
                break;
            }
            self.acknowledged = self.attempted;
            self.hashes.push(policy_token_hash(&jws));
            count.fetch_add(1, Ordering::SeqCst);
        }
        self
    }

    /// What is in force now is its latest acknowledged write, or the one it has no answer to.
    async fn check(&self, connection: &Connection) {
        let found = write_of(&connection.get(self.attestation_type).await);
        let number = match found {
            None => 0,
            Some((writer, number)) => {
                assert_eq!(writer, self.id, "each has a type of its own");
                number
            }
        };
        let (least, most) = (self.acknowledged, self.attempted);
        assert!((least..=most).contains(&number), "{number} is not in {least}..={most}");
    }
}

async fn survives_kills(what: &str, installation: &Installation, location: &str) {
    let started = Instant::now();
    let mut writers: Vec<Writer> =
        TYPES.into_iter().enumerate().map(|(id, it)| Writer::new(id, it)).collect();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut kills = 0;
    while acknowledged.load(Ordering::SeqCst) < WRITES {
        let mut service = installation.start();
        let connection = Connection::new(&service);
        for writer in &writers {
            writer.check(&connection).await;
        }
        let writing: Vec<_> = writers
            .drain(..)
            .map(|writer| {
                let connection = Connection::new(&service);
                tokio::spawn(writer.write(connection, usize::MAX, Arc::clone(&acknowledged)))
            })
            .collect();
        // Counted and not timed, so that a slow machine kills no more often than a fast one.
        let enough = acknowledged.load(Ordering::SeqCst) + random(80);
        while acknowledged.load(Ordering::SeqCst) < enough {
            assert!(writing.iter().all(|it| !it.is_finished()), "a writer stopped by itself");
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        // Into the middle of a write, not between two.
        tokio::time::sleep(Duration::from_micros(random(5_000) as u64)).await;
        service.kill();
        kills += 1;
        for one in writing {
            writers.push(one.await.unwrap());
        }
    }
    let service = installation.start();
    let connection = Connection::new(&service);
    for writer in &writers {
        writer.check(&connection).await;
    }
    drop(service);
    for writer in &writers {
        let history = history(location, writer.attestation_type).await;
        for hash in &writer.hashes {
            assert!(history.contains(hash), "{what}: an acknowledged write was lost");
        }
    }
    let (count, seconds) = (acknowledged.load(Ordering::SeqCst), started.elapsed().as_secs_f32());
    println!("{what}: {count} writes answered 200, {kills} kills, all found, {seconds:.1} s");
}

/// Token hashes of every revision of a policy of the default provider, from the database itself.
async fn history(location: &str, attestation_type: EvidenceKind) -> HashSet<String> {
    let now = UnixTime::from_seconds(1_800_000_000).unwrap();
    let store = Store::open(location, now).await.unwrap();
    let provider = store.provider("default").await.unwrap().unwrap();
    let mut found = HashSet::new();
    let mut page = PageRequest::first();
    loop {
        let entries = store.policy_history(provider.id, attestation_type, page).await.unwrap();
        found.extend(entries.items.iter().map(|one| base64url::encode(one.token_hash)));
        let Some(next) = entries.next_request(page) else { break };
        page = next;
    }
    store.close().await;
    found
}

fn random(end: usize) -> usize {
    usize::try_from(RandomState::new().build_hasher().finish() % end as u64).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_200_is_there_after_kills_on_sqlite() {
    let installation = Installation::new("kills-sqlite", "");
    let location = installation.folder.join("data/avouch.db").display().to_string();
    survives_kills("SQLite", &installation, &location).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_200_is_there_after_kills_on_postgresql() {
    let Some(server) = PostgresServer::start_or_skip() else { return };
    let location = server.create_database().unwrap();
    let installation = Installation::new("kills-postgresql", &database(&location));
    survives_kills("PostgreSQL", &installation, &location).await;
}

fn database(location: &str) -> String {
    format!("[database]\nurl = \"{location}\"\n")
}

/// Longest that a change may take to be seen at the other instance. The aim is a second; the rest
/// is for machines that have no time for us.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// Writes of each of the writers at two instances.
const WRITES_EACH: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_on_one_postgresql_lose_nothing_and_see_each_others_changes() {
    let Some(server) = PostgresServer::start_or_skip() else { return };
    let location = server.create_database().unwrap();
    let installation = Installation::new("two-instances", &database(&location));
    let instances = [installation.start(), installation.start_another()];

    // Two types, each written through both instances at once.
    let count = Arc::new(AtomicUsize::new(0));
    let writing: Vec<_> = (0..4)
        .map(|id| {
            let writer = Writer::new(id, TYPES[id / 2]);
            let connection = Connection::new(&instances[id % 2]);
            tokio::spawn(writer.write(connection, WRITES_EACH, Arc::clone(&count)))
        })
        .collect();
    let mut written = Vec::new();
    for one in writing {
        written.push(one.await.unwrap());
    }
    assert_eq!(count.load(Ordering::SeqCst), 4 * WRITES_EACH, "all were answered 200");
    for attestation_type in &TYPES[..2] {
        let history = history(&location, *attestation_type).await;
        assert_eq!(history.len(), 2 * WRITES_EACH);
        let of_type = written.iter().filter(|it| it.attestation_type == *attestation_type);
        for hash in of_type.flat_map(|writer| &writer.hashes) {
            assert!(history.contains(hash), "an acknowledged write was lost");
        }
    }

    // What is answered 200 at one is in force at the other a moment later, either way round.
    let connections = [Connection::new(&instances[0]), Connection::new(&instances[1])];
    let mut taken = Vec::new();
    for number in 0..20 {
        let (here, there) = (&connections[number % 2], &connections[(number + 1) % 2]);
        let jws = policy(9, number);
        here.set(EvidenceKind::Tdx, &jws).await.unwrap();
        let started = Instant::now();
        while there.get(EvidenceKind::Tdx).await != jws {
            assert!(started.elapsed() < SEEN_WITHIN, "not seen after {SEEN_WITHIN:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        taken.push(started.elapsed());
    }
    taken.sort_unstable();
    println!(
        "seen at the other instance: median {:?}, longest {:?}",
        taken[taken.len() / 2],
        taken[taken.len() - 1]
    );
}
