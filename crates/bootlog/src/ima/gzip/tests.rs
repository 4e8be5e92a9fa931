#![cfg(test)]

use super::super::GzipError;
use super::{crc32, inflate};

/// A member with one stored block.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let block = [&[1], length.to_le_bytes().as_slice(), &(!length).to_le_bytes(), bytes].concat();
    member(&block, bytes)
}

fn member(deflated: &[u8], bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    [&header, deflated, &crc32(bytes).to_le_bytes(), &length.to_le_bytes()].concat()
}

/// Bits in the order in which deflate packs them.
fn packed(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
    bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| (byte << 1) | bit)).collect()
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn a_stored_block_is_what_it_holds() {
    assert_eq!(inflate(&stored(b"measured"), 100).unwrap(), b"measured");
}

#[test]
fn a_fixed_block_repeats_what_it_wrote() {
    // Last block of type 1; "a" (0x61 + 0x30), a length of 9 (263), a distance of 1, end.
    let deflated = packed("1 10 10010001 0000111 00000 0000000");
    assert_eq!(inflate(&member(&deflated, b"aaaaaaaaaa"), 100).unwrap(), b"aaaaaaaaaa");
}

#[test]
fn what_is_cut_changed_or_followed_is_refused() {
    let good = stored(b"measured");
    for length in 0..good.len() {
        assert!(inflate(&good[..length], 100).is_err(), "cut at {length}");
    }
    assert_eq!(inflate(&[good.as_slice(), b"\0"].concat(), 100), Err(GzipError::Trailing(1)));
    for at in [3, 15, 20, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 0xf0;
        assert!(inflate(&changed, 100).is_err(), "byte {at}");
    }
}

#[test]
fn what_expands_beyond_bounds_is_refused() {
    assert_eq!(inflate(&stored(b"measured"), 7), Err(GzipError::Expansion { limit: 7 }));
    // A length of 258 (285, no further bits) at a distance of 1, again and again: 13 bits each.
    let repeats = "11000101 00000".repeat(4000);
    let deflated = packed(&format!("1 10 10010001 {repeats} 0000000"));
    let bomb = member(&deflated, &[b'a'; 1 + 258 * 4000]);
    let limit = bomb.len() * 16 + (64 << 10);
    assert_eq!(inflate(&bomb, 16 << 20), Err(GzipError::Expansion { limit }));
}

#[test]
fn codes_that_stand_for_nothing_are_refused() {
    for (bits, what) in [
        ("1 11", "a block has no such type"),
        ("1 10 10010001 0000001 00001", "a distance leads before the beginning"),
        ("1 10 10010001 0000001 11110", "a length or distance is none"),
        ("1 10 11000110", "a length or distance is none"),
        ("1 01 00000 00000 0000 100 100 100 100", "a code has too many symbols"),
        ("1 01 00000 00000 0000 010 000 000 000", "a code is incomplete"),
    ] {
        let deflated = [packed(bits), vec![0; 8]].concat();
        let found = inflate(&member(&deflated, b""), 100);
        assert!(matches!(found, Err(GzipError::Malformed(_))), "{bits} ({what}): {found:?}");
    }
}

#[test]
fn optional_parts_of_the_header_are_passed_over() {
    let good = stored(b"measured");
    let parts: [(u8, &[u8]); 4] = [(4, b"\x02\0xx"), (8, b"name\0"), (16, b"note\0"), (2, b"\0\0")];
    for (flag, part) in parts {
        let mut flagged = good[..10].to_vec();
        flagged[3] = flag;
        let whole = [flagged.as_slice(), part, &good[10..]].concat();
        assert_eq!(inflate(&whole, 100).unwrap(), b"measured", "flag {flag}");
    }
    let mut reserved = good;
    reserved[3] = 32;
    assert_eq!(inflate(&reserved, 100), Err(GzipError::Header));
}
