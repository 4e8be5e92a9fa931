//! Hash algorithms of banks, and digests that know theirs.

use std::fmt;

use avouch_wire::encode_hex;
use aws_lc_rs::digest;

/// Hash algorithm of a bank of registers, by its number in the TCG Algorithm Registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-1: 20 bytes. Proves nothing by itself: collisions can be made.
    Sha1,
    /// SHA-256: 32 bytes.
    Sha256,
    /// SHA-384: 48 bytes.
    Sha384,
    /// SHA-512: 64 bytes.
    Sha512,
    /// SM3: 32 bytes. Read in logs, computed by nothing here.
    Sm3,
    /// SHA3-256: 32 bytes.
    Sha3_256,
    /// SHA3-384: 48 bytes.
    Sha3_384,
    /// SHA3-512: 64 bytes.
    Sha3_512,
}

impl Algorithm {
    /// All algorithms, in the order of preference for [`Algorithm::is_strong`] banks, SHA-1 last.
    pub const ALL: [Self; 8] = [
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
        Self::Sm3,
        Self::Sha1,
    ];

    /// The algorithm with this `TPM_ALG_ID`, if a bank can have it.
    #[must_use]
    pub const fn from_tpm_id(id: u16) -> Option<Self> {
        Some(match id {
            0x0004 => Self::Sha1,
            0x000B => Self::Sha256,
            0x000C => Self::Sha384,
            0x000D => Self::Sha512,
            0x0012 => Self::Sm3,
            0x0027 => Self::Sha3_256,
            0x0028 => Self::Sha3_384,
            0x0029 => Self::Sha3_512,
            _ => return None,
        })
    }

    /// Its `TPM_ALG_ID`.
    #[must_use]
    pub const fn tpm_id(self) -> u16 {
        match self {
            Self::Sha1 => 0x0004,
            Self::Sha256 => 0x000B,
            Self::Sha384 => 0x000C,
            Self::Sha512 => 0x000D,
            Self::Sm3 => 0x0012,
            Self::Sha3_256 => 0x0027,
            Self::Sha3_384 => 0x0028,
            Self::Sha3_512 => 0x0029,
        }
    }

    /// Length of its digests, in bytes.
    #[must_use]
    pub const fn digest_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// Its name in what we print, as tpm2-tools spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sm3 => "sm3_256",
            Self::Sha3_256 => "sha3_256",
            Self::Sha3_384 => "sha3_384",
            Self::Sha3_512 => "sha3_512",
        }
    }

    /// Whether facts may rest on its digests: computed here, and no collisions are known.
    #[must_use]
    pub const fn is_strong(self) -> bool {
        !matches!(self, Self::Sha1 | Self::Sm3)
    }

    /// The digest of `parts` one after the other; `None` for SM3, which is not computed here.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> Option<Digest> {
        let implementation = self.implementation()?;
        // A context is memory of its own: a log has hundreds of short pieces.
        if let [whole] = parts {
            return Digest::new(self, digest::digest(implementation, whole).as_ref());
        }
        let mut context = digest::Context::new(implementation);
        for part in parts {
            context.update(part);
        }
        Digest::new(self, context.finish().as_ref())
    }

    const fn implementation(self) -> Option<&'static digest::Algorithm> {
        Some(match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
            Self::Sha3_256 => &digest::SHA3_256,
            Self::Sha3_384 => &digest::SHA3_384,
            Self::Sha3_512 => &digest::SHA3_512,
            Self::Sm3 => return None,
        })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Length of the longest digest, in bytes.
const LONGEST: usize = 64;

/// A digest, or the value of a register, with its algorithm. Shows itself as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    /// Followed by zeros where the algorithm's digests are shorter.
    bytes: [u8; LONGEST],
}

impl Digest {
    /// `bytes` as a digest of `algorithm`; `None` if they have another length than its digests.
    #[must_use]
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != algorithm.digest_length() {
            return None;
        }
        let mut digest = Self::filled(algorithm, 0);
        digest.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(digest)
    }

    /// A value of `algorithm`'s length with every byte `byte`.
    pub(crate) fn filled(algorithm: Algorithm, byte: u8) -> Self {
        let mut bytes = [0; LONGEST];
        for slot in bytes.iter_mut().take(algorithm.digest_length()) {
            *slot = byte;
        }
        Self { algorithm, bytes }
    }

    /// The value with its last byte replaced.
    pub(crate) fn ending_in(mut self, last: u8) -> Self {
        if let Some(slot) = self.bytes.iter_mut().take(self.algorithm.digest_length()).last() {
            *slot = last;
        }
        self
    }

    /// What a register that holds this value holds after it was extended by `digest`; `None` for SM3.
    pub(crate) fn extended_by(&self, digest: &Self) -> Option<Self> {
        let length = self.algorithm.digest_length();
        let mut both = [0; LONGEST * 2];
        let (value, rest) = both.split_at_mut_checked(length)?;
        value.copy_from_slice(self.as_bytes());
        rest.get_mut(..digest.as_bytes().len())?.copy_from_slice(digest.as_bytes());
        let end = length.checked_add(digest.as_bytes().len())?;
        self.algorithm.hash(&[both.get(..end)?])
    }

    /// Its algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes, as many as the algorithm's digests have.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.digest_length()).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_hex(self.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.algorithm)
    }
}
