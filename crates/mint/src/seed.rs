//! From one seed everything that looks random: keys, serial numbers, platform identities.

use aws_lc_rs::digest::{Context, SHA256};

/// The source of everything that looks random in minted evidence.
///
/// Equal seeds give equal keys, serial numbers, measurements and platform identities, so a chain
/// minted today can be pinned by tomorrow's test. Signatures are the exception: ECDSA draws its own
/// nonce, so bytes of two mintings differ in them (and in them alone).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed numbered `number`.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"avouch-mint seed");
        context.update(&number.to_be_bytes());
        Self(first_32(context.finish().as_ref()))
    }

    /// The seed with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 32 bytes that depend on the seed, a label and a counter.
    pub(crate) fn block(&self, label: &str, counter: u32) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        context.update(&counter.to_be_bytes());
        context.update(label.as_bytes());
        first_32(context.finish().as_ref())
    }

    /// `N` bytes that depend on the seed and a label.
    pub(crate) fn bytes<const N: usize>(&self, label: &str) -> [u8; N] {
        let mut out = [0; N];
        for (chunk, counter) in out.chunks_mut(32).zip(0_u32..) {
            for (to, from) in chunk.iter_mut().zip(self.block(label, counter)) {
                *to = from;
            }
        }
        out
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self::from_number(0)
    }
}

fn first_32(bytes: &[u8]) -> [u8; 32] {
    bytes.first_chunk().copied().unwrap_or([0; 32])
}
