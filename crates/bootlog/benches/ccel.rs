//! What a trust domain's log costs beside hashing it.
//!
//! `cargo bench -p avouch-bootlog --bench ccel` prints divan's table, and then ratios: a log of 100 KB, in
//! binary and as dstack's JSON, from bytes to what it proves against hashing its bytes once in SHA-384,
//! measured in turns in the same run. Logs are minted.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may stop on anything unexpected, and prints"
)]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use avouch_bootlog::ccel::{ProvenLog, parse};
use avouch_bootlog::{HashAlgorithm, Register};
use avouch_mint::bootlog::{Ground, LogEvent};
use avouch_wire::{Hex, encode_hex};

fn main() {
    divan::main();
    CASE.print_ratios();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

/// Length of the log, in bytes.
const BYTES: usize = 100_000;
const ROUNDS: usize = 301;

struct Case {
    binary: Vec<u8>,
    json: Vec<u8>,
    rtmrs: [Hex<48>; 4],
}

impl Case {
    /// A boot of a domain with many commands of GRUB.
    fn new() -> Self {
        let mut log = Ground::TrustDomain.log().unwrap();
        for number in 0.. {
            if log.to_bytes().unwrap().len() >= BYTES {
                break;
            }
            let text = format!("menuentry Linux-{number} --class os --unrestricted {{ search }}");
            log.push(LogEvent::grub_command(&text));
        }
        let (binary, rtmrs) = (log.to_bytes().unwrap(), log.registers().rtmrs().map(Hex));
        let json = json(&binary);
        let case = Self { binary, json, rtmrs };
        assert_eq!(case.secure_boot(&case.binary), Some(true), "the log is believed");
        assert_eq!(case.secure_boot(&case.json), Some(true), "and so is the other form");
        case
    }

    fn secure_boot(&self, log: &[u8]) -> Option<bool> {
        ProvenLog::prove(log, self.rtmrs.each_ref()).unwrap().secure_boot
    }

    fn hash(&self) {
        black_box(HashAlgorithm::Sha384.hash(&[&self.binary]));
    }

    fn print_ratios(&self) {
        let mut samples = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (index, samples) in samples.iter_mut().enumerate() {
                let start = Instant::now();
                match index {
                    0 => self.hash(),
                    1 => drop(black_box(self.secure_boot(&self.binary))),
                    _ => drop(black_box(self.secure_boot(&self.json))),
                }
                samples.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
        samples.iter_mut().for_each(|samples| samples.sort_by(f64::total_cmp));
        println!("{} bytes in binary, {} in JSON", self.binary.len(), self.json.len());
        for (name, place) in [("median", ROUNDS / 2), ("lower decile", ROUNDS / 10)] {
            let [hash, binary, json] = [0, 1, 2].map(|case: usize| samples[case][place]);
            println!("{name}: hashing {hash:.1} µs, binary {binary:.1} µs, JSON {json:.1} µs");
            println!("  {:.3} and {:.3} x hashing", binary / hash, json / hash);
        }
    }
}

/// The events of a log as dstack writes them.
fn json(binary: &[u8]) -> Vec<u8> {
    let log = parse(binary).unwrap();
    let events = log.events().filter_map(|event| {
        let Some(Register::Rtmr(index)) = event.extends() else { return None };
        Some(serde_json::json!({
            "imr": index,
            "event_type": event.untrusted_type().0,
            "digest": encode_hex(event.digests().get(HashAlgorithm::Sha384)?),
            "event": "",
            "event_payload": encode_hex(event.untrusted_data()),
        }))
    });
    serde_json::to_vec(&events.collect::<Vec<_>>()).unwrap()
}

#[divan::bench]
fn hashing() {
    CASE.hash();
}

#[divan::bench]
fn binary() -> Option<bool> {
    CASE.secure_boot(&CASE.binary)
}

#[divan::bench]
fn json_of_dstack() -> Option<bool> {
    CASE.secure_boot(&CASE.json)
}
