#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::GzipError;
use super::inflate;

fn member(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), compression);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn stored() -> Vec<u8> {
    member(b"measured", Compression::none())
}

#[test]
fn a_member_is_what_it_holds() {
    let text = b"ten measured files, ten measured files";
    for compression in [Compression::none(), Compression::fast(), Compression::best()] {
        assert_eq!(inflate(&member(text, compression), 100).unwrap(), text);
    }
}

#[test]
fn what_is_cut_changed_or_followed_is_refused() {
    let good = stored();
    for length in 0..good.len() {
        assert_eq!(inflate(&good[..length], 100), Err(GzipError::Short), "cut at {length}");
    }
    assert_eq!(inflate(&[good.as_slice(), b"\0"].concat(), 100), Err(GzipError::Trailing(1)));
    assert_eq!(inflate(&[good.clone(), good.clone()].concat(), 100), {
        Err(GzipError::Trailing(good.len()))
    });
    // The mark, reserved flags, the text, its checksum and its length.
    for at in [0, 3, good.len() - 10, good.len() - 6, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 0xe0;
        assert_eq!(inflate(&changed, 100), Err(GzipError::Malformed), "byte {at}");
    }
}

#[test]
fn what_expands_beyond_bounds_is_refused() {
    assert_eq!(inflate(&stored(), 8).unwrap(), b"measured");
    assert_eq!(inflate(&stored(), 7), Err(GzipError::Expansion { limit: 7 }));
    let bomb = member(&vec![b'a'; 1 << 20], Compression::best());
    let limit = bomb.len() * 16 + (64 << 10);
    assert_eq!(inflate(&bomb, 16 << 20), Err(GzipError::Expansion { limit }));
}

#[test]
fn a_member_that_says_another_length_than_it_has_is_refused_and_takes_no_more_memory() {
    let text = [b'a'; 3000];
    for said in [0_u32, 1, 2999, 3001, 9000, u32::MAX] {
        let mut lying = member(&text, Compression::best());
        let at = lying.len() - 4;
        lying[at..].copy_from_slice(&said.to_le_bytes());
        assert_eq!(inflate(&lying, 4000), Err(GzipError::Malformed), "{said}");
    }
}
