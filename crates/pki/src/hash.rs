//! Hash algorithms by their numbers, and digests that know theirs.

use std::fmt;

use avouch_wire::encode_hex;
use aws_lc_rs::digest;
use serde::{Serialize, Serializer};

/// A hash algorithm that has a number in the TCG Algorithm Registry: of a bank of registers, of the name of
/// a key, of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
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

impl HashAlgorithm {
    /// All algorithms, in the order of preference for [`HashAlgorithm::is_strong`] banks, SHA-1 last.
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

    /// The algorithm with this `TPM_ALG_ID`.
    #[must_use]
    pub fn from_tpm_id(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.tpm_id() == id)
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

    /// Whether no collisions are known: of all but SHA-1.
    #[must_use]
    pub const fn withstands_collisions(self) -> bool {
        !matches!(self, Self::Sha1)
    }

    /// Whether facts may rest on its digests: computed here, and no collisions are known.
    #[must_use]
    pub const fn is_strong(self) -> bool {
        self.withstands_collisions() && self.implementation().is_some()
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

impl Serialize for HashAlgorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Length of the longest digest, in bytes.
const LONGEST: usize = 64;

/// A digest, or the value of a register, with its algorithm. Shows itself as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: HashAlgorithm,
    /// Followed by zeros where the algorithm's digests are shorter.
    bytes: [u8; LONGEST],
}

impl Digest {
    /// `bytes` as a digest of `algorithm`; `None` if they have another length than its digests.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != algorithm.digest_length() {
            return None;
        }
        let mut digest = Self::filled(algorithm, 0);
        digest.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(digest)
    }

    /// A value of `algorithm`'s length with every byte `byte`.
    #[must_use]
    pub fn filled(algorithm: HashAlgorithm, byte: u8) -> Self {
        let mut bytes = [0; LONGEST];
        for slot in bytes.iter_mut().take(algorithm.digest_length()) {
            *slot = byte;
        }
        Self { algorithm, bytes }
    }

    /// The value with its last byte replaced.
    #[must_use]
    pub fn ending_in(mut self, last: u8) -> Self {
        if let Some(slot) = self.bytes.iter_mut().take(self.algorithm.digest_length()).last() {
            *slot = last;
        }
        self
    }

    /// What a register that holds this value holds after it was extended by `digest`; `None` for SM3.
    #[must_use]
    pub fn extended_by(&self, digest: &Self) -> Option<Self> {
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
    pub const fn algorithm(&self) -> HashAlgorithm {
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

#[cfg(test)]
mod tests {
    use super::{Digest, HashAlgorithm};
    use crate::digest::{sha1, sha256, sha384, sha512};

    /// Every row against the TCG Algorithm Registry, and digests of nothing against FIPS 202.
    #[test]
    fn the_table_says_what_the_registry_says() {
        let of_nothing = [
            (HashAlgorithm::Sha1, 0x04, "sha1", 20, encoded(&sha1(b"").0)),
            (HashAlgorithm::Sha256, 0x0b, "sha256", 32, encoded(&sha256(b"").0)),
            (HashAlgorithm::Sha384, 0x0c, "sha384", 48, encoded(&sha384(b"").0)),
            (HashAlgorithm::Sha512, 0x0d, "sha512", 64, encoded(&sha512(b"").0)),
            (HashAlgorithm::Sm3, 0x12, "sm3_256", 32, String::new()),
            (HashAlgorithm::Sha3_256, 0x27, "sha3_256", 32, "a7ffc6f8bf1ed766".to_owned()),
            (HashAlgorithm::Sha3_384, 0x28, "sha3_384", 48, "0c63a75b845e4f7d".to_owned()),
            (HashAlgorithm::Sha3_512, 0x29, "sha3_512", 64, "a69f73cca23a9ac5".to_owned()),
        ];
        assert_eq!(of_nothing.len(), HashAlgorithm::ALL.len());
        for (algorithm, id, name, length, beginning) in of_nothing {
            assert_eq!((algorithm.tpm_id(), algorithm.name()), (id, name));
            assert_eq!(HashAlgorithm::from_tpm_id(id), Some(algorithm));
            assert_eq!(algorithm.digest_length(), length);
            let digest = algorithm.hash(&[]).map_or(String::new(), |digest| digest.to_string());
            assert!(
                digest.starts_with(beginning.as_str()) && digest.is_empty() == beginning.is_empty()
            );
            assert_eq!(algorithm.withstands_collisions(), name != "sha1");
            assert_eq!(algorithm.is_strong(), !["sha1", "sm3_256"].contains(&name));
            assert!(Digest::new(algorithm, &[0; 64][..length]).is_some());
            assert!(Digest::new(algorithm, &[0; 64][..length - 1]).is_none());
        }
        for stranger in [0, 3, 5, 0x0a, 0x0e, 0x11, 0x26, 0x2a] {
            assert_eq!(HashAlgorithm::from_tpm_id(stranger), None);
        }
    }

    fn encoded(bytes: &[u8]) -> String {
        avouch_wire::encode_hex(bytes)
    }

    #[test]
    fn a_register_is_extended_by_the_digest_of_both() {
        let zero = Digest::filled(HashAlgorithm::Sha256, 0);
        let event = HashAlgorithm::Sha256.hash(&[b"event"]).expect("computed");
        let both = [zero.as_bytes(), event.as_bytes()].concat();
        let extended = zero.extended_by(&event).expect("computed");
        assert_eq!(extended.as_bytes(), sha256(&both).0);
        assert_eq!(
            HashAlgorithm::Sha256.hash(&[zero.as_bytes(), event.as_bytes()]),
            Some(extended)
        );
        assert_eq!(zero.ending_in(3).as_bytes(), [&[0; 31][..], &[3]].concat());
        let sm3 = Digest::filled(HashAlgorithm::Sm3, 0);
        assert_eq!(sm3.extended_by(&sm3), None);
    }
}
