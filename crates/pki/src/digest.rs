//! Digests of whole byte strings (FIPS 180-4).

use avouch_wire::Hex;
use aws_lc_rs::digest::{self, Algorithm};

/// SHA-1, only for identifiers that are defined by it (certificate thumbprints).
#[must_use]
pub fn sha1(bytes: &[u8]) -> Hex<20> {
    of(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hex<32> {
    of(&digest::SHA256, bytes)
}

/// SHA-256 of several pieces one after the other.
#[must_use]
pub fn sha256_of_parts(parts: &[&[u8]]) -> Hex<32> {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    copy(context.finish().as_ref())
}

/// SHA-384.
#[must_use]
pub fn sha384(bytes: &[u8]) -> Hex<48> {
    of(&digest::SHA384, bytes)
}

/// SHA-512.
#[must_use]
pub fn sha512(bytes: &[u8]) -> Hex<64> {
    of(&digest::SHA512, bytes)
}

fn of<const N: usize>(algorithm: &'static Algorithm, bytes: &[u8]) -> Hex<N> {
    copy(digest::digest(algorithm, bytes).as_ref())
}

/// The callers pair each algorithm with its own output length.
fn copy<const N: usize>(bytes: &[u8]) -> Hex<N> {
    let mut out = [0; N];
    debug_assert_eq!(bytes.len(), N);
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    Hex(out)
}
