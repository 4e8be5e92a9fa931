//! Names of objects: what a TPM calls a public area, alone and in its place in a hierarchy.

use avouch_wire::{decode_hex, encode_hex};

use crate::HashAlgorithm;

/// The Name of an object: the number of its name algorithm and the digest of its public area.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Vec<u8>);

impl Name {
    /// The Name of a `TPMT_PUBLIC`, byte for byte as received; `None` if the digest is not computed
    /// here.
    pub(crate) fn of(algorithm: HashAlgorithm, public: &[u8]) -> Option<Self> {
        hashed(algorithm, &[public]).map(Self)
    }

    /// A Name from its bytes: an algorithm that is known, and as many bytes as its digests have.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, digest) = bytes.split_first_chunk::<2>()?;
        let algorithm = HashAlgorithm::from_tpm_id(u16::from_be_bytes(*id))?;
        (digest.len() == algorithm.digest_length()).then(|| Self(bytes.to_vec()))
    }

    /// A Name from hex.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        Self::from_bytes(&decode_hex(text).ok()?)
    }

    /// The bytes: algorithm, then digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> Option<HashAlgorithm> {
        let (id, _) = self.0.split_first_chunk::<2>()?;
        HashAlgorithm::from_tpm_id(u16::from_be_bytes(*id))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode_hex(&self.0))
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The root of a hierarchy, whose qualified name is its handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hierarchy {
    /// `TPM_RH_OWNER`.
    Owner,
    /// `TPM_RH_NULL`: gone at the next reset.
    Null,
    /// `TPM_RH_ENDORSEMENT`.
    Endorsement,
    /// `TPM_RH_PLATFORM`.
    Platform,
}

impl Hierarchy {
    /// Its handle, which is its qualified name.
    #[must_use]
    pub const fn qualified_name(self) -> [u8; 4] {
        match self {
            Self::Owner => [0x40, 0, 0, 0x01],
            Self::Null => [0x40, 0, 0, 0x07],
            Self::Endorsement => [0x40, 0, 0, 0x0b],
            Self::Platform => [0x40, 0, 0, 0x0c],
        }
    }
}

/// The qualified name of an object below a parent of this qualified name; `None` if the digest is not
/// computed here.
///
/// It tells where an object would stand, and proves nothing: software can sign any.
#[must_use]
pub fn qualified_name(parent: &[u8], name: &Name) -> Option<Vec<u8>> {
    hashed(name.algorithm()?, &[parent, name.as_bytes()])
}

fn hashed(algorithm: HashAlgorithm, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let digest = algorithm.hash(parts)?;
    Some([algorithm.tpm_id().to_be_bytes().as_slice(), digest.as_bytes()].concat())
}
