//! What a list of IMA costs beside hashing it.
//!
//! `cargo bench -p avouch-bootlog --bench ima` prints divan's table, and then ratios: a list of 16,000
//! entries from bytes to facts against what no verifier can leave out, measured in turns in the same
//! run, since absolute times on shared machines mean little: the hash of each entry's data in the bank
//! and in the list, and one extension each. Lists are minted.
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

use avouch_bootlog::ima::{Appraisal, FileKeys, List, References, Sha1, claimed_value, prove};
use avouch_bootlog::{HashAlgorithm, Register, RegisterValues};
use avouch_mint::bootlog::{Bank, Registers};
use avouch_mint::ima::{ImaEntry, ImaList};
use avouch_wire::encode_hex;

fn main() {
    divan::main();
    CASE.print_ratios();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

/// Entries of a server that has run for weeks.
const ENTRIES: usize = 16_000;
/// Each is measured so often; the median counts, and the least is told.
const ROUNDS: usize = 31;

struct Case {
    binary: Vec<u8>,
    ascii: Vec<u8>,
    proven: RegisterValues,
    references: References,
    data: Vec<Vec<u8>>,
}

impl Case {
    fn new() -> Self {
        let mut list = ImaList::begin(&Registers::default(), Bank::Sha256);
        let mut lines = String::new();
        for number in 0..ENTRIES {
            let path = format!("/usr/lib/x86_64-linux-gnu/library-{number}.so");
            let content = number.to_le_bytes();
            let digest = encode_hex(&Bank::Sha256.digest(&[&content]));
            lines.push_str(&format!("{digest}  {path}\n"));
            list.entries.push(ImaEntry::file(&path, &content));
        }
        let (binary, ascii) = (list.binary(), list.ascii());
        let value = claimed_value(&List::read(&binary).unwrap(), HashAlgorithm::Sha256).unwrap();
        let proven = [(Register::Pcr(10), value)].into_iter().collect();
        let references = References::local(lines.as_bytes()).unwrap();
        let data = list.entries.into_iter().map(|entry| entry.data).collect();
        let case = Self { binary, ascii, proven, references, data };
        assert_eq!(case.appraise(&case.binary), ENTRIES, "the list is believed");
        case
    }

    /// How many files are listed.
    fn appraise(&self, bytes: &[u8]) -> usize {
        let list = List::read(bytes).unwrap();
        let entries = prove(&list, &self.proven, Sha1::Refused).unwrap();
        let keys = FileKeys::none();
        Appraisal::of(&entries, &self.proven, &self.references, &keys).facts().listed
    }

    /// What cannot be left out.
    fn hashes(&self) {
        let mut value = [0; 32].to_vec();
        for data in &self.data {
            let hash = HashAlgorithm::Sha256.hash(&[data]).unwrap();
            let next = HashAlgorithm::Sha256.hash(&[&value, hash.as_bytes()]).unwrap();
            value.clear();
            value.extend(next.as_bytes());
            black_box(HashAlgorithm::Sha1.hash(&[data]));
        }
        black_box(value);
    }

    fn print_ratios(&self) {
        let mut samples = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (index, samples) in samples.iter_mut().enumerate() {
                let start = Instant::now();
                match index {
                    0 => self.hashes(),
                    1 => drop(black_box(self.appraise(&self.binary))),
                    _ => drop(black_box(self.appraise(&self.ascii))),
                }
                samples.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        samples.iter_mut().for_each(|samples| samples.sort_by(f64::total_cmp));
        println!("\n{ENTRIES} entries, {} bytes in binary", self.binary.len());
        for (name, place) in [("median", ROUNDS / 2), ("least", 0)] {
            let [hashes, binary, ascii] = [0, 1, 2].map(|case: usize| samples[case][place]);
            println!("{name}: hashing them     {hashes:>8.2} ms");
            println!("  binary to facts  {binary:>8.2} ms  {:.2} times", binary / hashes);
            println!("  ascii to facts   {ascii:>8.2} ms  {:.2} times", ascii / hashes);
        }
    }
}

#[divan::bench]
fn binary_to_facts() {
    black_box(CASE.appraise(&CASE.binary));
}

#[divan::bench]
fn ascii_to_facts() {
    black_box(CASE.appraise(&CASE.ascii));
}

#[divan::bench]
fn hashes_alone() {
    CASE.hashes();
}
