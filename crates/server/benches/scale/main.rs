//! What 100,000 providers, each with a policy of its own, cost a service: start, memory, attest
//! requests spread over all of them beside requests to one, and setting and getting policies, on
//! both databases.
//!
//! The service runs as a child process with default limits, so that fewer providers are held ready
//! than there are and most spread requests find theirs not ready. Its CPU time is the kernel's own
//! count; rounds are interleaved. `cargo bench -p avouch-server --bench scale` runs it;
//! `AVOUCH_BENCH_PROVIDERS` sets the number of providers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a benchmark is a program for people"
)]

#[path = "../support/children.rs"]
mod children;
#[path = "../support/primitives.rs"]
mod primitives;
mod seed;

use std::path::Path;
use std::time::{Duration, Instant};

use avouch_mint::{Options, mint};
use avouch_server::Clock;
use avouch_store::testing::{Durability, PostgresServer};
use avouch_wire::EvidenceKind;
use children::{Child, Role};
use reqwest::Method;

/// Many short rounds: what disturbs a machine for a second must not count for one side only.
/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u32 = 31;
const REQUESTS: u32 = 100;
const SAMPLES: u32 = 200;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(role) = words.get(1).and_then(|word| Role::from_word(word)) {
        children::run(role, &words[2..]);
        return;
    }
    // `cargo test --benches` only wants to know that it starts.
    if words.iter().any(|word| word == "--test") {
        return;
    }
    let providers = std::env::var("AVOUCH_BENCH_PROVIDERS")
        .map_or(100_000, |text| text.parse().expect("a number of providers"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    println!("SQLite");
    let file = folder.path().join("avouch.db");
    runtime.block_on(measure(file.to_str().unwrap(), providers));
    match PostgresServer::start(Durability::Synced) {
        Ok(server) => {
            println!("PostgreSQL, on a Unix socket");
            runtime.block_on(measure(&server.create_database().unwrap(), providers));
        }
        Err(error) => println!("PostgreSQL: not measured: {error}"),
    }
}

async fn measure(database: &str, providers: u32) {
    let folder = tempfile::tempdir().unwrap();
    let minted = mint(EvidenceKind::Sgx, &Options::new(Clock::system().now())).unwrap();
    minted.write_to(folder.path()).unwrap();
    seed::seed(database, providers).await;
    let service = start(folder.path(), database).await;
    println!("  {}", service.said);
    attest(&service, &minted.request, providers).await;
    policies(&service, providers).await;
}

async fn start(folder: &Path, database: &str) -> Child {
    Child::start(Role::Attest, folder, &[database.to_owned()]).await
}

fn attest_path(provider: u32) -> String {
    format!("/providers/{}/attest/SgxEnclave?api-version=2020-10-01", seed::name(provider))
}

/// Attest requests to one provider, and to ever new ones.
async fn attest(service: &Child, request: &str, providers: u32) {
    let (mut one, mut spread) = (Vec::new(), Vec::new());
    // Neighbours in the order of requests are far apart among the providers.
    let stride = providers / 3 + 1;
    service.cpu_us_at(request, REQUESTS, |_| attest_path(0)).await;
    for round in 0..ROUNDS {
        one.push(service.cpu_us_at(request, REQUESTS, |_| attest_path(0)).await);
        let nth = |n: u32| u64::from(round * REQUESTS + n) * u64::from(stride);
        let path = |n: u32| attest_path(u32::try_from(nth(n) % u64::from(providers)).unwrap());
        spread.push(service.cpu_us_at(request, REQUESTS, path).await);
    }
    let (one, spread) = (median(&mut one), median(&mut spread));
    println!("  attest, one provider: {one:.0} us of server CPU");
    println!("  attest, a provider not asked for before each time: {spread:.0} us");
    println!("  ratio {:.3} (at most 1.10)", spread / one);
}

/// Time from request to answer of policy writes and reads, each to another provider.
async fn policies(service: &Child, providers: u32) {
    let (mut sets, mut gets) = (Vec::new(), Vec::new());
    for n in 0..SAMPLES {
        let name = seed::name(n * 7 % providers);
        let path = format!("/providers/{name}/policies/SgxEnclave?api-version=2020-10-01");
        let started = Instant::now();
        service.send(Method::PUT, &path, &seed::jws(providers + n)).await;
        sets.push(started.elapsed());
        let started = Instant::now();
        service.send(Method::GET, &path, "").await;
        gets.push(started.elapsed());
    }
    report("policy set", &mut sets);
    report("policy get", &mut gets);
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(what: &str, samples: &mut [Duration]) {
    samples.sort();
    let at = |per_cent: usize| samples[(samples.len() - 1) * per_cent / 100];
    println!("  {what}: median {:?}, p99 {:?}, max {:?}", at(50), at(99), at(100));
}
