//! What Windows measures of the things that it loads.

use avouch_wire::{Cursor, ParseError};

use super::values::{number, text};
use super::{Tag, TagId};

/// Bytes of a digest or name accepted.
const LENGTH_LIMIT: u32 = 1 << 16;

/// A module that a boot component loaded. Each part is absent if it was not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedModule<'a> {
    /// Its path, from the root of the system's volume.
    pub path: Option<String>,
    /// Its Authenticode digest.
    pub digest: Option<&'a [u8]>,
    /// Algorithm of the digest (`CALG_…` of `wincrypt.h`: 0x8004 SHA-1, 0x800C SHA-256).
    pub digest_algorithm: Option<u64>,
    /// Who signed it.
    pub publisher: Option<String>,
    /// SHA-1 of the signer's certificate.
    pub signer_sha1: Option<&'a [u8]>,
    /// Whether the loader verified it.
    pub validated: Option<bool>,
    /// Its security version.
    pub svn: Option<u64>,
}

impl<'a> LoadedModule<'a> {
    pub(super) fn of(tag: &Tag<'a>) -> Option<Self> {
        if tag.id != TagId::LOADEDMODULE_AGGREGATION {
            return None;
        }
        let bytes = |id| tag.members().first(id).and_then(|tag| tag.bytes());
        let value = |id| tag.members().first(id).and_then(|tag| number(&tag));
        Some(Self {
            path: bytes(TagId::FILEPATH).and_then(text),
            digest: bytes(TagId::AUTHENTICODEHASH),
            digest_algorithm: value(TagId::HASHALGORITHMID),
            publisher: bytes(TagId::AUTHORITYPUBLISHER).and_then(text),
            signer_sha1: bytes(TagId::AUTHORITYSHA1THUMBPRINT),
            validated: value(TagId::IMAGEVALIDATED).map(|flag| flag == 1),
            svn: value(TagId::MODULE_SVN),
        })
    }
}

/// An early-launch anti-malware driver's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ElamDriver<'a> {
    /// Its name.
    pub name: Option<String>,
    /// What it has measured of itself.
    pub measured: Option<&'a [u8]>,
    /// Its configuration.
    pub configuration: Option<&'a [u8]>,
    /// Its policy.
    pub policy: Option<&'a [u8]>,
}

impl<'a> ElamDriver<'a> {
    pub(super) fn of(tag: &Tag<'a>) -> Option<Self> {
        if tag.id != TagId::ELAM_AGGREGATION {
            return None;
        }
        let bytes = |id| tag.members().first(id).and_then(|tag| tag.bytes());
        Some(Self {
            name: bytes(TagId::ELAM_KEYNAME).and_then(text),
            measured: bytes(TagId::ELAM_MEASURED),
            configuration: bytes(TagId::ELAM_CONFIGURATION),
            policy: bytes(TagId::ELAM_POLICY),
        })
    }
}

/// Which list of revoked boot components, or of revoked system files, was in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationList<'a> {
    /// When it was made, as a `FILETIME`: units of 100 ns since 1601.
    pub created: u64,
    /// Algorithm of its digest (`TPM_ALG_ID`).
    pub algorithm: u16,
    /// Its digest.
    pub digest: &'a [u8],
}

impl<'a> RevocationList<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("SIPAEVENT_REVOCATION_LIST_PAYLOAD", bytes);
        let created = cursor.u64_le("CreationTime")?;
        let length = cursor.length_u32_le("DigestLength", LENGTH_LIMIT)?;
        let algorithm = cursor.u16_le("HashAlgID")?;
        let digest = cursor.take("Digest", length)?;
        cursor.finish()?;
        Ok(Self { created, algorithm, digest })
    }
}

/// A policy for code integrity that was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiPolicy<'a> {
    /// Its version: four 16-bit numbers, the first in the highest bits.
    pub version: u64,
    /// Its name.
    pub name: Option<String>,
    /// Algorithm of its digest (`TPM_ALG_ID`).
    pub algorithm: u16,
    /// Its digest.
    pub digest: &'a [u8],
}

impl<'a> SiPolicy<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("SIPAEVENT_SI_POLICY_PAYLOAD", bytes);
        let version = cursor.u64_le("PolicyVersion")?;
        let name_length = cursor.u16_le("PolicyNameLength")?;
        let algorithm = cursor.u16_le("HashAlgID")?;
        let digest_length = cursor.length_u32_le("DigestLength", LENGTH_LIMIT)?;
        let name = text(cursor.take("PolicyName", usize::from(name_length))?);
        let digest = cursor.take("Digest", digest_length)?;
        cursor.finish()?;
        Ok(Self { version, name, algorithm, digest })
    }
}
