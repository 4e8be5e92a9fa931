//! What a log costs beside hashing it.
//!
//! `cargo bench -p avouch-bootlog --bench tcg` prints divan's table, and then ratios: a log of 100 KB from
//! bytes to facts against hashing its bytes once in each of its banks, measured in turns in the same
//! run, since absolute times on shared machines mean little. Logs are minted.
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

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::replay::judge;
use avouch_bootlog::tcg::Log;
use avouch_bootlog::{Digest, HashAlgorithm, RegisterMap, RegisterValues};
use avouch_mint::bootlog::{BootLog, Ground, LogEvent, uefi};

fn main() {
    divan::main();
    CASE.print_ratios();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

/// Length of the log, in bytes.
const BYTES: usize = 100_000;

struct Case {
    log: Vec<u8>,
    proven: RegisterValues,
    banks: Vec<HashAlgorithm>,
}

impl Case {
    fn new() -> Self {
        let log = log();
        let (bytes, registers) = (log.to_bytes().unwrap(), log.registers());
        let proven: RegisterValues = registers
            .iter()
            .map(|(bank, index, value)| {
                let algorithm = HashAlgorithm::from_tpm_id(bank.tpm_id()).unwrap();
                let register = RegisterMap::Tpm.register(index).unwrap();
                (register, Digest::new(algorithm, value).unwrap())
            })
            .collect();
        let banks = proven.algorithms().collect();
        let case = Self { log: bytes, proven, banks };
        assert_eq!(case.enforced(), Some(true), "the log is believed");
        case
    }

    fn enforced(&self) -> Option<bool> {
        let log = Log::parse(&self.log, RegisterMap::Tpm).unwrap();
        let judged = judge(&log, &self.proven);
        BootFacts::read(&judged).secure_boot.enforced()
    }

    fn hashes(&self) {
        for bank in &self.banks {
            black_box(bank.hash(&[&self.log]));
        }
    }

    fn print_ratios(&self) {
        let mut samples = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (index, samples) in samples.iter_mut().enumerate() {
                let start = Instant::now();
                match index {
                    0 => self.hashes(),
                    _ => drop(black_box(self.enforced())),
                }
                samples.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
        samples.iter_mut().for_each(|samples| samples.sort_by(f64::total_cmp));
        println!("{} bytes in {:?}", self.log.len(), self.banks);
        for (name, place) in [("median", ROUNDS / 2), ("lower decile", ROUNDS / 10)] {
            let [hashing, facts] = [0, 1].map(|case: usize| samples[case][place]);
            println!("{name}: hashing {hashing:.1} µs, to facts {facts:.1} µs");
            println!("  to facts {:.3} x hashing (bar 1.5)", facts / hashing);
        }
    }
}

const ROUNDS: usize = 301;

/// A boot of Linux with a long list of revoked images, as updates have made it, and many commands of
/// GRUB.
fn log() -> BootLog {
    let mut log = Ground::Linux.log().unwrap();
    let revoked: Vec<u8> = (0..400_u16)
        .flat_map(|number| {
            let digest = [number.to_le_bytes().as_slice(), &[0xdb; 30]].concat();
            uefi::signature_list(uefi::CERT_SHA256, &digest)
        })
        .collect();
    let dbx = uefi::variable(uefi::IMAGE_SECURITY, "dbx", &revoked);
    let name = uefi::utf16("dbx");
    let is_dbx = |event: &LogEvent| event.register == 7 && event.data[32..].starts_with(&name);
    log.events
        .iter_mut()
        .filter(|event| event.data.len() > 40)
        .filter(|event| is_dbx(event))
        .for_each(|event| event.data.clone_from(&dbx));
    for number in 0.. {
        let length = log.to_bytes().unwrap().len();
        if length >= BYTES {
            break;
        }
        let text =
            format!("menuentry Linux-{number} --class os --unrestricted {{ search --no-floppy }}");
        log.push(LogEvent::grub_command(&text));
    }
    log
}

#[divan::bench]
fn hashing() {
    CASE.hashes();
}

#[divan::bench]
fn facts() -> Option<bool> {
    CASE.enforced()
}
