//! Memory for a list: bounded by twice what was sent, counted by the allocator of this program.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use avouch_bootlog::ima::{Appraisal, FileKeys, List, References, Sha1, claimed_value, prove};
use avouch_bootlog::{Algorithm, Register, RegisterValues};
use avouch_mint::bootlog::{Bank, Registers};
use avouch_mint::ima::{ImaEntry, ImaList};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a list takes whatever its length: facts, messages.
const FREE_BYTES: usize = 64 << 10;

/// As many entries as a busy server has.
fn list() -> ImaList {
    let mut list = ImaList::begin(&Registers::default(), Bank::Sha256);
    for number in 0..16_000 {
        list.entries.push(ImaEntry::file(&format!("/usr/lib/file-{number}.so"), b"content"));
    }
    list
}

/// The most that is held at once while a list is read and judged, beyond the list itself.
fn peak(bytes: &[u8]) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let list = List::read(bytes).unwrap();
    let value = claimed_value(&list, Algorithm::Sha256).unwrap();
    let values: RegisterValues = [(Register::Pcr(10), value)].into_iter().collect();
    let proven = prove(&list, &values, Sha1::Refused).unwrap();
    let appraisal = Appraisal::of(&proven, &values, &References::none(), &FileKeys::none());
    assert_eq!(appraisal.facts().files, 16_000);
    ALLOCATOR.peak_usage() - before
}

#[test]
fn a_list_of_sixteen_thousand_entries_takes_at_most_twice_its_length() {
    let list = list();
    for (form, bytes) in [("binary", list.binary()), ("ascii", list.ascii())] {
        let peak = peak(&bytes);
        println!("{form}: {} bytes, {peak} more at most", bytes.len());
        // Counted with the bytes that were sent.
        assert!(peak <= bytes.len() + FREE_BYTES, "{form}: {peak} for {}", bytes.len());
    }
}
