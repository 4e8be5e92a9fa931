//! What one warm attest request over TLS costs the server, beside what it cannot avoid: TLS and JSON of the
//! same sizes, one P-256 verification and one signature, RS256 or ES256, the quote decoded and hashed, since
//! its hash is a claim, the claims encoded, and all of that on another thread, since evidence may not
//! keep probes and published keys waiting.
//!
//! The service runs as a child process, and so does a server that does the unavoidable and nothing
//! else, so that their CPU time (user and system, from the scheduler's own count) excludes the
//! client's, and waking up after a millisecond of work costs both alike: for a bare echo, which is
//! asked again at once, it costs far less. A third server does the cryptography of keys alone, where it reads
//! and writes; echo and primitives are measured by themselves too, for the split. They take short turns,
//! and each ratio is the median of those of neighbouring turns, so that a busy machine disturbs all alike.
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

use std::hint::black_box;

use avouch_mint::{Options, mint};
use avouch_server::Clock;
use avouch_wire::EvidenceKind;
use children::{Child, IN_MEMORY, Role};
use primitives::{ES256, Signature, Verification, per_run_us};

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TURNS: usize = 25;
/// In a turn: enough that what other turns left in the caches does not matter.
const REQUESTS: u32 = 400;

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
    for (algorithm, at_most) in [("RS256", 1.10), (ES256, 1.25)] {
        measure(algorithm, at_most);
    }
}

fn measure(algorithm: &str, at_most: f64) {
    let minted = mint(EvidenceKind::Sgx, &Options::new(Clock::system().now())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    minted.write_to(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let words = [IN_MEMORY.to_owned(), algorithm.to_owned()];
        let attest = Child::start(Role::Attest, folder.path(), &words).await;
        let answer_bytes = attest.post(&minted.request).await.len();
        let words = [answer_bytes.to_string(), algorithm.to_owned()];
        let echo = Child::start(Role::Echo, folder.path(), &words).await;
        let cryptography = Child::start(Role::EchoWithCrypto, folder.path(), &words).await;
        let unavoidable = Child::start(Role::EchoWithThread, folder.path(), &words).await;
        let (verification, signature) = (Verification::new(), Signature::of(algorithm));
        for child in [&echo, &cryptography, &unavoidable] {
            child.post(&minted.request).await;
        }

        let mut rows = Rows::default();
        for _ in 0..TURNS {
            rows.attest.push(attest.cpu_us_per_request(&minted.request, REQUESTS).await);
            rows.unavoidable.push(unavoidable.cpu_us_per_request(&minted.request, REQUESTS).await);
            rows.cryptography
                .push(cryptography.cpu_us_per_request(&minted.request, REQUESTS).await);
            rows.echo.push(echo.cpu_us_per_request(&minted.request, REQUESTS).await);
            rows.verify.push(per_run_us(|| verification.run()));
            rows.sign.push(per_run_us(|| signature.run()));
        }
        println!("request {} bytes, answer {answer_bytes} bytes", minted.request.len());
        rows.print(algorithm, at_most);
    });
    black_box(());
}

#[derive(Default)]
struct Rows {
    attest: Vec<f64>,
    unavoidable: Vec<f64>,
    cryptography: Vec<f64>,
    echo: Vec<f64>,
    verify: Vec<f64>,
    sign: Vec<f64>,
}

impl Rows {
    fn print(&self, algorithm: &str, at_most: f64) {
        let (attest, unavoidable) = (median(&self.attest), median(&self.unavoidable));
        println!("| part | server CPU, microseconds |");
        println!("|---|---:|");
        println!("| attest request | {attest:.0} |");
        println!("| the unavoidable in one server | {unavoidable:.0} |");
        let cryptography = median(&self.cryptography);
        println!("| its cryptography alone, without a thread for it | {cryptography:.0} |");
        println!("| bare TLS JSON echo of the same sizes | {:.0} |", median(&self.echo));
        println!("| one P-256 verification, 432 bytes | {:.0} |", median(&self.verify));
        println!("| one {algorithm} signature | {:.0} |", median(&self.sign));
        println!("| parsing, comparison, claims, policy, token | {:.0} |", attest - unavoidable);
        let to_unavoidable = self.ratio(&self.unavoidable);
        println!("ratio to the unavoidable: {to_unavoidable:.2} (at most {at_most:.2})");
        println!("ratio to its cryptography alone: {:.2}", self.ratio(&self.cryptography));
    }

    /// The median of what a request takes beside another in the same round.
    fn ratio(&self, other: &[f64]) -> f64 {
        let ratios = self.attest.iter().zip(other).map(|(attest, other)| attest / other);
        median(&ratios.collect::<Vec<_>>())
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
