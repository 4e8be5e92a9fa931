//! Random bytes for names of requests, drawn many at once: asking for a few costs as much as reading a body does.
//! They are no secrets, and need not differ after a machine was copied: those of tokens must, and are not made here.

use std::sync::{Mutex, PoisonError};

use crate::error::Fault;

const DRAWN_BYTES: usize = 1024;

/// Bytes that were drawn and not given away.
#[derive(Debug)]
pub(crate) struct Identifiers(Mutex<Drawn>);

#[derive(Debug)]
struct Drawn {
    bytes: [u8; DRAWN_BYTES],
    left: usize,
}

impl Default for Identifiers {
    fn default() -> Self {
        Self(Mutex::new(Drawn { bytes: [0; DRAWN_BYTES], left: 0 }))
    }
}

impl Identifiers {
    /// Bytes that nobody else is given, at most 1024; `fill` draws more.
    ///
    /// # Errors
    /// Those of `fill`.
    pub(crate) fn next<const N: usize>(
        &self,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Fault>,
    ) -> Result<[u8; N], Fault> {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.left < N {
            drawn.left = 0;
            fill(&mut drawn.bytes)?;
            drawn.left = DRAWN_BYTES;
        }
        drawn.left = drawn.left.saturating_sub(N);
        let given = drawn.bytes.get(drawn.left..).and_then(<[u8]>::first_chunk);
        given.copied().ok_or_else(Fault::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Identifiers;
    use crate::error::Fault;

    /// Fills with numbers that were never there before.
    fn count(next: &mut u32, bytes: &mut [u8]) -> Result<(), Fault> {
        for chunk in bytes.chunks_exact_mut(4) {
            chunk.copy_from_slice(&next.to_le_bytes());
            *next = next.saturating_add(1);
        }
        Ok(())
    }

    #[test]
    fn no_byte_is_given_twice() {
        let (identifiers, mut next, mut given) = (Identifiers::default(), 1, BTreeSet::new());
        let mut note = |bytes: &[u8]| {
            for number in bytes.chunks_exact(4) {
                assert_ne!(number, [0; 4], "was never drawn");
                assert!(given.insert(number.to_vec()), "{number:?} is given twice");
            }
        };
        for _ in 0..200 {
            let mut fill = |bytes: &mut [u8]| count(&mut next, bytes);
            note(&identifiers.next::<16>(&mut fill).unwrap());
            note(&identifiers.next::<32>(&mut fill).unwrap());
            note(&identifiers.next::<20>(&mut fill).unwrap());
        }
        assert!(given.len() < usize::try_from(next).unwrap());
    }

    #[test]
    fn without_a_source_there_are_none_and_nothing_half_drawn_is_left() {
        let (identifiers, mut next) = (Identifiers::default(), 1);
        identifiers.next::<1020>(|bytes| count(&mut next, bytes)).unwrap();
        let broken = |bytes: &mut [u8]| {
            bytes.fill(0);
            Err(Fault::internal())
        };
        identifiers.next::<16>(broken).unwrap_err();
        identifiers.next::<4>(broken).unwrap_err();
        let found = identifiers.next::<4>(|bytes| count(&mut next, bytes)).unwrap();
        assert_ne!(found, [0; 4]);
    }
}
