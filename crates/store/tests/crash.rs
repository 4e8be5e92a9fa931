//! What was acknowledged survives `kill -9`.
//!
//! This program is the test and, when asked, the writer: a child sets policies one after another
//! and says which one was acknowledged; the test kills it at random points, opens the database
//! again and finds every acknowledged policy, whole and in order. At least one more may be there,
//! written and not yet acknowledged; none may be torn.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test stops at the first surprise and says what it saw"
)]

mod support;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use avouch_store::{PageRequest, Store};
use support::*;

const WRITES: usize = 1_000;
const WRITER: &str = "AVOUCH_CRASH_WRITER";

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(location) = std::env::var(WRITER) {
        runtime.block_on(write_until_killed(&location));
        return ExitCode::SUCCESS;
    }
    if std::env::args().any(|argument| argument == "--list") {
        println!("every_acknowledged_write_survives_kill: test");
        return ExitCode::SUCCESS;
    }
    runtime.block_on(survives("SQLite", &Database::sqlite(), 1));
    // Two processes on one file: each other's readers and writers, killed independently.
    runtime.block_on(survives("SQLite, two writers", &Database::sqlite(), 2));
    if let Some(database) = Database::postgres() {
        runtime.block_on(survives("PostgreSQL, two writers", &database, 2));
    }
    ExitCode::SUCCESS
}

/// The child: sets policies and tells each acknowledged one.
async fn write_until_killed(location: &str) {
    let store = Store::open(location, at(0)).await.unwrap();
    let contoso = store.provider("contoso").await.unwrap().unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        // A policy of changing size: some spread over several pages of the database.
        let filler = "x".repeat(usize::try_from(random(20_000)).unwrap());
        let jws = format!("{}:{}:{filler}", std::process::id(), random(u64::MAX));
        let policy = set(&store, &contoso, &jws).await.unwrap();
        writeln!(out, "{} {}", policy.revision, avouch_wire::encode_hex(&policy.token_hash))
            .unwrap();
        out.flush().unwrap();
    }
}

async fn survives(what: &str, database: &Database, writers: usize) {
    let store = database.open().await;
    let contoso = provider(&store, "contoso").await;
    store.close().await;
    let (mut acknowledged, mut kills) = (Vec::new(), 0_u32);
    while acknowledged.len() < WRITES {
        let children: Vec<_> = (0..writers).map(|_| Writer::start(&database.location)).collect();
        for mut child in children {
            // Counted and not timed, so that a slow machine kills no more often than a fast one.
            for _ in 0..=random(16) {
                acknowledged.extend(child.next_acknowledgement());
            }
            // Into the middle of a write, not between two.
            std::thread::sleep(Duration::from_micros(random(5_000)));
            acknowledged.extend(child.kill());
            kills += 1;
        }
        let store = database.open().await;
        check(&store, &contoso, &acknowledged).await;
        store.close().await;
    }
    println!(
        "{what}: {} acknowledged writes, {kills} kills, every write found",
        acknowledged.len()
    );
}

async fn check(store: &Store, contoso: &avouch_store::Provider, acknowledged: &[(u64, String)]) {
    let mut found = std::collections::HashMap::new();
    let mut page = PageRequest::first();
    loop {
        let entries = store.policy_history(contoso.id, SGX, page).await.unwrap();
        for entry in &entries.items {
            found.insert(entry.revision, avouch_wire::encode_hex(&entry.token_hash));
        }
        let Some(next) = entries.next_request(page) else { break };
        page = next;
    }
    // The limit on history may have taken the oldest; the rest must be there.
    let newest = found.keys().copied().max().unwrap_or(0);
    let oldest_kept = newest.saturating_sub(avouch_store::limits::POLICY_REVISIONS_KEPT);
    for (revision, token_hash) in acknowledged {
        if *revision > oldest_kept {
            assert_eq!(found.get(revision), Some(token_hash), "revision {revision} was lost");
        }
    }
    // All of them are in the audit trail, in any case.
    let mut trail = std::collections::HashSet::new();
    let mut page = PageRequest::first();
    loop {
        let entries = store.audit(Some("contoso"), page).await.unwrap();
        trail.extend(entries.items.iter().filter_map(|it| it.details.get("revision")?.as_u64()));
        let Some(next) = entries.next_request(page) else { break };
        page = next;
    }
    for (revision, _) in acknowledged {
        assert!(trail.contains(revision), "audit entry of revision {revision} was lost");
    }
    // The policy in force is the newest, and its bytes are those that were hashed.
    let policy = store.policy(contoso.id, SGX).await.unwrap().unwrap();
    assert_eq!(policy.revision, newest);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &policy.jws);
    assert_eq!(digest.as_ref(), policy.token_hash);
}

/// A child process that writes.
struct Writer {
    child: std::process::Child,
    told: BufReader<std::process::ChildStdout>,
}

impl Writer {
    fn start(location: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(WRITER, location)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap());
        Self { child, told }
    }

    /// Waits for an acknowledgement.
    fn next_acknowledgement(&mut self) -> Option<(u64, String)> {
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the writer stopped by itself");
        read(line.trim_end())
    }

    /// SIGKILL; returns what it had told until then.
    fn kill(mut self) -> Vec<(u64, String)> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.told.lines().map_while(Result::ok).filter_map(|line| read(&line)).collect()
    }
}

fn read(line: &str) -> Option<(u64, String)> {
    let (revision, token_hash) = line.split_once(' ')?;
    // A line cut off by the kill acknowledges nothing.
    (token_hash.len() == 64).then(|| (revision.parse().unwrap(), token_hash.to_owned()))
}

/// A number below `end`, different every time.
fn random(end: u64) -> u64 {
    RandomState::new().build_hasher().finish() % end
}
