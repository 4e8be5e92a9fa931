//! What one warm attest request over TLS costs the server, beside what it cannot avoid.
//!
//! The server and a bare TLS JSON echo of the same sizes run as child processes, so that their CPU
//! time (user and system, from the kernel's own count) excludes the client's. The primitives are
//! measured in this process in the same run. Rounds are interleaved, and medians printed, so that
//! a busy machine disturbs all alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a benchmark is a program for people"
)]

mod children;
mod primitives;

use std::hint::black_box;

use avouch_mint::{Kind, Options, mint};
use avouch_server::Clock;
use children::{Child, Role};

const ROUNDS: usize = 7;
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
    measure();
}

fn measure() {
    let minted = mint(Kind::Sgx, &Options::new(Clock::system().now())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    minted.write_to(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let attest = Child::start(Role::Attest, folder.path(), &[]).await;
        let answer_bytes = attest.post(&minted.request).await.len();
        let echo = Child::start(Role::Echo, folder.path(), &[answer_bytes.to_string()]).await;
        echo.post(&minted.request).await;

        let mut rows = Rows::default();
        for _ in 0..ROUNDS {
            rows.attest.push(attest.cpu_us_per_request(&minted.request, REQUESTS).await);
            rows.echo.push(echo.cpu_us_per_request(&minted.request, REQUESTS).await);
            rows.verify.push(primitives::verify_us());
            rows.sign.push(primitives::sign_us());
        }
        println!("request {} bytes, answer {answer_bytes} bytes", minted.request.len());
        rows.print();
    });
    black_box(());
}

#[derive(Default)]
struct Rows {
    attest: Vec<f64>,
    echo: Vec<f64>,
    verify: Vec<f64>,
    sign: Vec<f64>,
}

impl Rows {
    fn print(mut self) {
        let attest = median(&mut self.attest);
        let echo = median(&mut self.echo);
        let verify = median(&mut self.verify);
        let sign = median(&mut self.sign);
        let unavoidable = echo + verify + sign;
        println!("| part | server CPU, microseconds |");
        println!("|---|---:|");
        println!("| attest request | {attest:.0} |");
        println!("| bare TLS JSON echo of the same sizes | {echo:.0} |");
        println!("| one P-256 verification, 432 bytes | {verify:.0} |");
        println!("| one RS256 signature, RSA-2048 | {sign:.0} |");
        println!(
            "| all else (parsing, comparison, claims, policy, token) | {:.0} |",
            attest - unavoidable
        );
        println!("ratio to the unavoidable: {:.2} (at most 1.25)", attest / unavoidable);
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
