//! gzip around a list: no panic, never more than a bounded multiple of what was sent, no byte more or
//! less than the member has, and any bytes come back out of a member that stores them.
//!
//! An input is a member, or behind a zero byte the deflate stream of one.
#![no_main]

use avouch_bootlog::ima::{GzipError, inflate};
use libfuzzer_sys::fuzz_target;

/// What the longest list may have.
const BYTES_MAX: usize = 1 << 20;
/// What one byte may stand for, and what anything may.
const EXPANSION: usize = 16;
const FREE: usize = 64 << 10;
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

fn check(member: &[u8]) -> Result<Vec<u8>, GzipError> {
    let read = inflate(member, BYTES_MAX);
    if let Ok(out) = &read {
        assert!(out.len() <= BYTES_MAX.min(member.len() * EXPANSION + FREE));
        assert!(inflate(&[member, b"\0"].concat(), BYTES_MAX).is_err(), "a byte follows");
        assert!(inflate(&member[..member.len() - 1], BYTES_MAX).is_err(), "a byte is missing");
    }
    read
}

/// The bytes in stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    let mut chunks = bytes.chunks(0xffff).peekable();
    while let Some(chunk) = chunks.next() {
        out.push(u8::from(chunks.peek().is_none()));
        let length = chunk.len() as u16;
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(chunk);
    }
    out.extend(trailer(bytes));
    out
}

fn trailer(bytes: &[u8]) -> [u8; 8] {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 }
        })
    });
    let length = bytes.len() as u32;
    let mut out = [0; 8];
    out[..4].copy_from_slice(&(!sum).to_le_bytes());
    out[4..].copy_from_slice(&length.to_le_bytes());
    out
}

fuzz_target!(|data: &[u8]| {
    let _ = check(data);
    if let Some((0, deflated)) = data.split_first() {
        let _ = check(&[&HEADER, deflated, &[0; 8]].concat());
    }
    if !data.is_empty() {
        assert_eq!(check(&stored(data)).as_deref(), Ok(data));
    }
});
