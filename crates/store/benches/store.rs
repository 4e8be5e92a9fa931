//! Latency and scale of the store on both databases.
//!
//! Own harness, because what matters here is a distribution over awaited calls and the memory of
//! the process, neither of which a per-iteration timer gives. Commits are synced as in
//! production; the cost of one bare synced append is measured in the same run for comparison.
//!
//! `cargo bench -p avouch-store` runs it; `AVOUCH_BENCH_PROVIDERS` sets the number of providers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use avouch_store::testing::{Durability, PostgresServer, resident_bytes, run_script};
use avouch_store::{
    Actor, ActorKind, Directory, Edit, NewPolicy, NewProvider, ProviderId, ProviderName,
    ResourceScope, Sequence, Store,
};
use avouch_wire::{EvidenceKind, UnixTime};

const SGX: EvidenceKind = EvidenceKind::Sgx;
const SAMPLES: usize = 500;
/// Creations measured, each a commit for the provider and one for its policy.
const CREATIONS: usize = 200;
/// Creations at once, as a control plane under load has them.
const CREATORS: usize = 8;
const DATABASE: &str = "AVOUCH_BENCH_DATABASE";

fn main() {
    let providers = std::env::var("AVOUCH_BENCH_PROVIDERS")
        .map_or(100_000, |text| text.parse().expect("a number of providers"));
    // A process each: memory that one database used would hide what the other uses.
    let Ok(database) = std::env::var(DATABASE) else {
        for database in ["sqlite", "postgres"] {
            let this = std::env::current_exe().unwrap();
            let status = std::process::Command::new(this).env(DATABASE, database).status();
            assert!(status.unwrap().success());
        }
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if database == "sqlite" {
        let directory = tempfile::tempdir().unwrap();
        println!("SQLite");
        report("one synced append of 4 KiB, no database", &mut synced_appends(directory.path()));
        let file = directory.path().join("avouch.db");
        runtime.block_on(measure(file.to_str().unwrap(), providers));
        println!("  database file: {} MB", std::fs::metadata(&file).unwrap().len() / 1_000_000);
        return;
    }
    match PostgresServer::start(Durability::Synced) {
        Ok(server) => {
            println!("PostgreSQL, on a Unix socket");
            runtime.block_on(measure(&server.create_database().unwrap(), providers));
        }
        Err(error) => println!("PostgreSQL: not measured: {error}"),
    }
}

fn synced_appends(directory: &std::path::Path) -> Vec<Duration> {
    let mut file = std::fs::File::create(directory.join("append")).unwrap();
    (0..SAMPLES)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
            started.elapsed()
        })
        .collect()
}

async fn measure(location: &str, providers: usize) {
    let store = Store::open(location, at()).await.unwrap();
    let first = create(&store, "first").await;
    latencies(&store, first, "1 provider").await;
    drop(store);

    // One transaction for the bulk; creations through the store are measured at both ends.
    let store = Store::open(location, at()).await.unwrap();
    creations(&store, "few").await;
    store.close().await;
    let started = Instant::now();
    run_script(location, &seed(providers, location.starts_with("postgres"))).await.unwrap();
    println!(
        "  {providers} providers, each with a policy of its own, in one script: {:.1} s",
        started.elapsed().as_secs_f64()
    );
    let store = Store::open(location, at()).await.unwrap();
    creations(&store, "many").await;
    store.close().await;

    let (before, started) = (resident_bytes().unwrap(), Instant::now());
    let store = Store::open(location, at()).await.unwrap();
    let (opened, cpu) = (started.elapsed(), cpu_seconds());
    let directory = Directory::load(&store, 1 << 30).await.unwrap();
    println!(
        "  start: open {:.1} ms, load directory of {} providers {:.2} s (CPU {:.2} s)",
        opened.as_secs_f64() * 1e3,
        directory.len(),
        (started.elapsed() - opened).as_secs_f64(),
        cpu_seconds() - cpu
    );
    let resident = resident_bytes().unwrap().saturating_sub(before);
    println!(
        "  memory of the directory: {} MB resident, of which {} MB policies; {} bytes a provider",
        resident / 1_000_000,
        directory.policy_bytes() / 1_000_000,
        resident / directory.len() as u64
    );
    lookups(&directory, providers);
    latencies(&store, first, "all providers").await;

    let mut waits = Vec::new();
    for n in 0..100 {
        let policy = set(&store, first, n).await;
        let started = Instant::now();
        directory.wait_for(Sequence(policy)).await;
        waits.push(started.elapsed());
    }
    report("directory knows a write after its commit", &mut waits);
    let other = Store::open(location, at()).await.unwrap();
    let mut waits = Vec::new();
    for n in 0..30 {
        let policy = set(&other, first, n).await;
        let started = Instant::now();
        while directory.version() < Sequence(policy) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        waits.push(started.elapsed());
    }
    report("directory knows a write of another instance", &mut waits);
    drop(directory);
    store.close().await;
    other.close().await;
}

async fn latencies(store: &Store, provider: ProviderId, with: &str) {
    let cpu = cpu_seconds();
    let mut sets = Vec::with_capacity(SAMPLES);
    for n in 0..SAMPLES {
        let started = Instant::now();
        set(store, provider, n).await;
        sets.push(started.elapsed());
    }
    let each = (cpu_seconds() - cpu) * 1e6 / SAMPLES as f64;
    report(&format!("policy set, {with} (CPU {each:.0} µs)"), &mut sets);
    let cpu = cpu_seconds();
    let mut gets = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let started = Instant::now();
        assert!(store.policy(provider, SGX).await.unwrap().is_some());
        gets.push(started.elapsed());
    }
    let each = (cpu_seconds() - cpu) * 1e6 / SAMPLES as f64;
    report(&format!("policy get, {with} (CPU {each:.0} µs)"), &mut gets);
}

fn lookups(directory: &Directory, providers: usize) {
    let names: Vec<_> = (0..providers).step_by(97).map(|n| format!("Tenant-{n}")).collect();
    let started = Instant::now();
    let found = names.iter().filter(|name| directory.tenant(name).is_some()).count();
    let each = started.elapsed() / names.len() as u32;
    assert_eq!(found, names.len());
    println!("  look-up of a provider with its policy in the directory: {each:?}");
}

async fn creations(store: &Store, name: &'static str) {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> = (0..CREATORS)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in (worker..CREATIONS).step_by(CREATORS) {
                    let id = create(&store, &format!("made-{name}-{n}")).await;
                    set(&store, id, n).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let each = started.elapsed() / CREATIONS as u32;
    println!(
        "  creation with policy, {CREATORS} at once, among {name}: {each:?} each, CPU {:.2} ms",
        (cpu_seconds() - cpu) * 1e3 / CREATIONS as f64
    );
}

/// Rows as the store writes them; the history and the audit trail of creation left out.
fn seed(providers: usize, postgres: bool) -> String {
    let (jws, hash) = if postgres {
        (
            "convert_to('eyJhbGciOiJub25lIn0.' || lpad(i::text, 600, '0') || '.', 'UTF8')",
            "sha256(convert_to(i::text, 'UTF8'))",
        )
    } else {
        ("cast('eyJhbGciOiJub25lIn0.' || printf('%0600d', i) || '.' as blob)", "randomblob(32)")
    };
    let numbers = format!(
        "with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < {providers})"
    );
    // Beyond every sequence used so far.
    let first = 10_000_000;
    format!(
        "{numbers} insert into providers (id, name, name_key, subscription, subscription_key, \
         resource_group, resource_group_key, location, tags, trust_model, status, settings, \
         revision, signers_revision, version, created_at, created_by, created_by_kind, \
         updated_at, updated_by, updated_by_kind) \
         select {first} + i, 'Tenant-' || i, 'tenant-' || i, 's', 's', 'bench', 'bench', 'westus', \
         '{{}}', 'AAD', 'Ready', '{{}}', {first} + i, {first} + i, {first} + i, 1790000000, \
         'benchmark', 'Application', 1790000000, 'benchmark', 'Application' from n; \
         {numbers} insert into policy_revisions (provider_id, attestation_type, revision, \
         sequence, action, jws, token_hash, text_hash, at, actor, actor_kind) \
         select {first} + i, 'SgxEnclave', 1, {first} + i, 'set', {jws}, {hash}, {hash}, \
         1790000000, 'benchmark', 'Application' from n; \
         insert into policies (provider_id, attestation_type, revision) \
         select provider_id, attestation_type, revision from policy_revisions \
         where provider_id >= {first}; \
         update store_state set value = value + {providers} where name = 'providers'; \
         update store_state set value = {first} + {providers} where name = 'sequence'; analyze;"
    )
}

async fn create(store: &Store, name: &str) -> ProviderId {
    let actor = actor();
    let scope = ResourceScope::parse("00000000-0000-0000-0000-000000000001", "bench").unwrap();
    let new = NewProvider::new(ProviderName::parse(name).unwrap(), scope, "westus");
    store.create_provider(&new, &Edit::new(&actor, at())).await.unwrap().id
}

/// A policy of about 600 bytes, different for every `n`.
async fn set(store: &Store, provider: ProviderId, n: usize) -> u64 {
    let actor = actor();
    let jws = format!("eyJhbGciOiJub25lIn0.{n:0600}.");
    let new = NewPolicy { jws: jws.as_bytes(), text_hash: [1; 32], signer: None };
    store.set_policy(provider, SGX, &new, &Edit::new(&actor, at())).await.unwrap().sequence
}

fn actor() -> Actor {
    Actor::new(ActorKind::Application, "benchmark").unwrap()
}

fn at() -> UnixTime {
    UnixTime::from_seconds(1_790_000_000).unwrap()
}

/// CPU seconds of this process so far, all threads: unlike wall time it says the same on a busy
/// machine. With SQLite it includes the database; with PostgreSQL it does not.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Fields 14 and 15 (user and system time) in ticks of 1/100 s; the name before may hold spaces.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks: u64 =
        rest.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

fn report(what: &str, samples: &mut [Duration]) {
    samples.sort();
    let at = |per_mille: usize| samples[(samples.len() - 1) * per_mille / 1000];
    println!("  {what}: median {:?}, p99 {:?}, max {:?}", at(500), at(990), at(1000));
}
