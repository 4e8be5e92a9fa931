//! `TPMS_ATTEST`: what a TPM signs.

use avouch_wire::{Cursor, ParseError, failed_check};
use serde::Serialize;
use thiserror::Error;

use crate::PcrSelection;
use crate::sized::{sized, unsized_whole};

/// `TPM_GENERATED_VALUE`: a restricted key signs nothing from outside that begins with it.
const GENERATED: u32 = 0xff54_4347;

/// Longest `TPM2B_NAME`, and `TPM2B_DATA`: a hash algorithm with its longest digest.
const NAME_BYTES_MAX: u16 = 66;
/// Longest digest.
const DIGEST_BYTES_MAX: u16 = 64;
/// Longest `TPM2B_MAX_NV_BUFFER`.
const NV_BYTES_MAX: u16 = 2048;

/// An attestation structure as its bytes say it is: well-formed, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attest {
    bytes: Vec<u8>,
    magic: u32,
    qualified_signer: Vec<u8>,
    extra_data: Vec<u8>,
    clock: ClockInfo,
    firmware_version: u64,
    attested: Attested,
}

/// `TPMS_CLOCK_INFO`. Counters are obfuscated per key unless it stands in the endorsement or platform
/// hierarchy: they compare between attestations of one key only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClockInfo {
    /// Milliseconds that the TPM was powered.
    pub clock: u64,
    /// Resets of the TPM.
    pub reset_count: u32,
    /// Restarts and resumes since the last reset.
    pub restart_count: u32,
    /// Whether the clock is known not to have gone back.
    pub safe: bool,
}

/// `TPMU_ATTEST`: what is attested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attested {
    /// 0x8014: part of an NV index.
    Nv {
        /// Name of the index.
        index_name: Vec<u8>,
        /// Where the part begins.
        offset: u16,
        /// The part.
        contents: Vec<u8>,
    },
    /// 0x8015: an audit of commands.
    CommandAudit {
        /// How many audits there were.
        counter: u64,
        /// `TPM_ALG_ID` of the digests.
        digest_algorithm: u16,
        /// Digest over the commands.
        audit_digest: Vec<u8>,
        /// Digest over the list of audited commands.
        command_digest: Vec<u8>,
    },
    /// 0x8016: an audit of a session.
    SessionAudit {
        /// Whether all commands were audited.
        exclusive: bool,
        /// Digest over the session.
        session_digest: Vec<u8>,
    },
    /// 0x8017: another object in the same TPM.
    Certify {
        /// Its Name.
        name: Vec<u8>,
        /// Its qualified name.
        qualified_name: Vec<u8>,
    },
    /// 0x8018: values of PCRs.
    Quote {
        /// Which.
        selection: PcrSelection,
        /// Digest over their values.
        pcr_digest: Vec<u8>,
    },
    /// 0x8019: the time.
    Time {
        /// Milliseconds since the last start.
        time: u64,
        /// The clock.
        clock: ClockInfo,
        /// Version of the firmware.
        firmware_version: u64,
    },
    /// 0x801A: that the TPM made an object.
    Creation {
        /// Its Name.
        object_name: Vec<u8>,
        /// Digest of how it was made.
        creation_hash: Vec<u8>,
    },
    /// 0x801C: digest of an NV index.
    NvDigest {
        /// Name of the index.
        index_name: Vec<u8>,
        /// Digest of its contents.
        digest: Vec<u8>,
    },
}

impl Attested {
    /// `TPMI_ST_ATTEST`.
    #[must_use]
    pub const fn tag(&self) -> u16 {
        match self {
            Self::Nv { .. } => 0x8014,
            Self::CommandAudit { .. } => 0x8015,
            Self::SessionAudit { .. } => 0x8016,
            Self::Certify { .. } => 0x8017,
            Self::Quote { .. } => 0x8018,
            Self::Time { .. } => 0x8019,
            Self::Creation { .. } => 0x801a,
            Self::NvDigest { .. } => 0x801c,
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Nv { .. } => "an NV certification",
            Self::CommandAudit { .. } => "a command audit",
            Self::SessionAudit { .. } => "a session audit",
            Self::Certify { .. } => "a certification of an object",
            Self::Quote { .. } => "a quote",
            Self::Time { .. } => "a time attestation",
            Self::Creation { .. } => "a creation attestation",
            Self::NvDigest { .. } => "an NV digest certification",
        }
    }
}

/// Why bytes are no attestation structure, or not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttestError {
    /// A field is not as the structure says, or bytes follow.
    #[error(transparent)]
    Field(#[from] ParseError),
    /// A type that no TPM makes.
    #[error("attestation type {found:#06x} is not known")]
    UnknownType {
        /// `TPMI_ST_ATTEST`.
        found: u16,
    },
    /// Not made by a TPM of itself.
    #[error("magic is {found:#010x}, expected 0xff544347: the TPM did not make this structure")]
    Magic {
        /// The first four bytes.
        found: u32,
    },
    /// Another type than asked for.
    #[error("{found} where {expected} is needed")]
    Type {
        /// What is needed.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}

failed_check!(AttestError {
    Self::Field(_) => "tpm-attest-structure",
    Self::UnknownType { .. } => "tpm-attest-type",
    Self::Magic { .. } => "tpm-attest-magic",
    Self::Type { .. } => "tpm-attest-type",
});

impl Attest {
    /// Reads a bare `TPMS_ATTEST` that fills `bytes`. The magic number is judged where the structure
    /// is relied on.
    ///
    /// # Errors
    /// [`AttestError::Field`] or [`AttestError::UnknownType`].
    pub fn parse(bytes: &[u8]) -> Result<Self, AttestError> {
        let mut cursor = Cursor::new("TPMS_ATTEST", bytes);
        let magic = cursor.u32_be("magic")?;
        let tag = cursor.u16_be("type")?;
        let qualified_signer = sized(&mut cursor, "qualified_signer", NAME_BYTES_MAX)?.to_vec();
        let extra_data = sized(&mut cursor, "extra_data", NAME_BYTES_MAX)?.to_vec();
        let clock = clock(&mut cursor)?;
        let firmware_version = cursor.u64_be("firmware_version")?;
        let attested = attested(&mut cursor, tag)?;
        cursor.finish()?;
        let bytes = bytes.to_vec();
        Ok(Self { bytes, magic, qualified_signer, extra_data, clock, firmware_version, attested })
    }

    /// Reads a `TPM2B_ATTEST`: the same behind its size.
    ///
    /// # Errors
    /// As [`Attest::parse`].
    pub fn parse_sized(bytes: &[u8]) -> Result<Self, AttestError> {
        Self::parse(unsized_whole("TPM2B_ATTEST", bytes)?)
    }

    /// The bytes as received, which the signature covers.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the signing key says it stands.
    #[must_use]
    pub fn untrusted_qualified_signer(&self) -> &[u8] {
        &self.qualified_signer
    }

    /// The caller's data.
    #[must_use]
    pub fn untrusted_extra_data(&self) -> &[u8] {
        &self.extra_data
    }

    /// Clock and counters.
    #[must_use]
    pub const fn untrusted_clock(&self) -> ClockInfo {
        self.clock
    }

    /// The firmware's version, in the vendor's form.
    #[must_use]
    pub const fn untrusted_firmware_version(&self) -> u64 {
        self.firmware_version
    }

    /// What is attested.
    #[must_use]
    pub const fn untrusted_attested(&self) -> &Attested {
        &self.attested
    }

    /// Checks that the structure says a TPM made it.
    pub(crate) const fn check_magic(&self) -> Result<(), AttestError> {
        if self.magic == GENERATED { Ok(()) } else { Err(AttestError::Magic { found: self.magic }) }
    }

    /// An error that it is not of the expected type.
    pub(crate) const fn not(&self, expected: &'static str) -> AttestError {
        AttestError::Type { expected, found: self.attested.title() }
    }
}

fn clock(cursor: &mut Cursor<'_>) -> Result<ClockInfo, ParseError> {
    Ok(ClockInfo {
        clock: cursor.u64_be("clock")?,
        reset_count: cursor.u32_be("reset_count")?,
        restart_count: cursor.u32_be("restart_count")?,
        safe: yes_no(cursor, "safe")?,
    })
}

/// `TPMI_YES_NO`.
fn yes_no(cursor: &mut Cursor<'_>, field: &'static str) -> Result<bool, ParseError> {
    let before = cursor.clone();
    match cursor.u8(field)? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(before.unexpected(field, "0 or 1", found)),
    }
}

fn attested(cursor: &mut Cursor<'_>, tag: u16) -> Result<Attested, AttestError> {
    let name =
        |cursor: &mut Cursor<'_>, field| sized(cursor, field, NAME_BYTES_MAX).map(<[u8]>::to_vec);
    let digest =
        |cursor: &mut Cursor<'_>, field| sized(cursor, field, DIGEST_BYTES_MAX).map(<[u8]>::to_vec);
    Ok(match tag {
        0x8014 => Attested::Nv {
            index_name: name(cursor, "index_name")?,
            offset: cursor.u16_be("offset")?,
            contents: sized(cursor, "nv_contents", NV_BYTES_MAX)?.to_vec(),
        },
        0x8015 => Attested::CommandAudit {
            counter: cursor.u64_be("audit_counter")?,
            digest_algorithm: cursor.u16_be("digest_alg")?,
            audit_digest: digest(cursor, "audit_digest")?,
            command_digest: digest(cursor, "command_digest")?,
        },
        0x8016 => Attested::SessionAudit {
            exclusive: yes_no(cursor, "exclusive_session")?,
            session_digest: digest(cursor, "session_digest")?,
        },
        0x8017 => Attested::Certify {
            name: name(cursor, "name")?,
            qualified_name: name(cursor, "qualified_name")?,
        },
        0x8018 => Attested::Quote {
            selection: PcrSelection::read(cursor)?,
            pcr_digest: digest(cursor, "pcr_digest")?,
        },
        0x8019 => Attested::Time {
            time: cursor.u64_be("time")?,
            clock: clock(cursor)?,
            firmware_version: cursor.u64_be("time_firmware_version")?,
        },
        0x801a => Attested::Creation {
            object_name: name(cursor, "object_name")?,
            creation_hash: digest(cursor, "creation_hash")?,
        },
        0x801c => Attested::NvDigest {
            index_name: name(cursor, "index_name")?,
            digest: digest(cursor, "nv_digest")?,
        },
        found => return Err(AttestError::UnknownType { found }),
    })
}
