//! One event as it stands in the log.

use crate::{EventType, HashAlgorithm, Register};

/// One event as it stands in the log: a claim, until a replay shows that its register was extended by
/// it. It borrows the log's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    pub(super) sequence: u32,
    pub(super) offset: u32,
    pub(super) register: Option<Register>,
    pub(super) event_type: EventType,
    pub(super) digests: Digests<'a>,
    pub(super) data: &'a [u8],
}

impl<'a> Event<'a> {
    /// Its place in the log, from 0. Between events of different registers the order proves nothing.
    #[must_use]
    pub const fn untrusted_sequence(&self) -> usize {
        self.sequence as usize
    }

    /// Where it starts in the log, in bytes.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset as usize
    }

    /// Where it stands in its log.
    pub(crate) const fn place(&self) -> Place {
        Place { offset: self.offset, sequence: self.sequence }
    }

    /// The register that it names; `None` for an index of no register, which only an event that
    /// extends nothing may have.
    #[must_use]
    pub const fn untrusted_register(&self) -> Option<Register> {
        self.register
    }

    /// What it says that it is.
    #[must_use]
    pub const fn untrusted_type(&self) -> EventType {
        self.event_type
    }

    /// Its digests.
    #[must_use]
    pub const fn digests(&self) -> &Digests<'a> {
        &self.digests
    }

    /// Its data, whether or not a digest covers them.
    #[must_use]
    pub const fn untrusted_data(&self) -> &'a [u8] {
        self.data
    }

    /// The register that it extends; `None` if it says that it extends nothing (`EV_NO_ACTION`).
    #[must_use]
    pub fn extends(&self) -> Option<Register> {
        if self.event_type == EventType::NO_ACTION { None } else { self.register }
    }
}

/// Where an event stands in its log: all that is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it starts, in bytes.
    pub(super) offset: u32,
    /// How many events stand before it.
    pub(super) sequence: u32,
}

impl Place {
    /// How many events stand before it.
    pub(crate) const fn sequence(self) -> usize {
        self.sequence as usize
    }
}

/// The digests of an event, as they stand in the log; checked by the parser to be of the log's
/// algorithms, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests<'a> {
    pub(super) raw: RawDigests<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RawDigests<'a> {
    /// The form with one SHA-1 digest.
    Sha1(&'a [u8; 20]),
    /// Pairs of algorithm and digest.
    Agile(&'a [u8]),
}

impl<'a> Digests<'a> {
    /// The digest in the bank of `algorithm`.
    #[must_use]
    pub fn get(&self, algorithm: HashAlgorithm) -> Option<&'a [u8]> {
        self.iter().find(|(of, _)| *of == algorithm).map(|(_, digest)| digest)
    }

    /// All digests, in the order of the log.
    pub fn iter(&self) -> impl Iterator<Item = (HashAlgorithm, &'a [u8])> + use<'a> {
        let (one, mut pairs) = match self.raw {
            RawDigests::Sha1(digest) => (Some((HashAlgorithm::Sha1, digest.as_slice())), &[][..]),
            RawDigests::Agile(pairs) => (None, pairs),
        };
        one.into_iter().chain(std::iter::from_fn(move || {
            let (id, rest) = pairs.split_first_chunk::<2>()?;
            let algorithm = HashAlgorithm::from_tpm_id(u16::from_le_bytes(*id))?;
            let (digest, rest) = rest.split_at_checked(algorithm.digest_length())?;
            pairs = rest;
            Some((algorithm, digest))
        }))
    }
}
