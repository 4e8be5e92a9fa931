//! What a quote says about the certificate of the key that signed its QE report.

use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind};

/// Names the PCK certificate without holding it: the platform's PPID and its TCB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PckIdentifier<'a> {
    /// PPID in clear (16 bytes) or encrypted for Intel (256 or 384 bytes).
    pub ppid: &'a [u8],
    /// `CPUSVN`, 16 bytes.
    pub cpu_svn: Hex<16>,
    /// `PCESVN`.
    pub pce_svn: u16,
    /// `PCEID`, 2 bytes; some writers leave it out.
    pub pce_id: Option<Hex<2>>,
}

/// Certification data, by its type. Types 1 to 4 and 7 parse; only type 5 can be verified.
///
/// Source: Intel SGX ECDSA QuoteLibReference, A.4 table 9 (types 1 to 5), TDX quoting library A.3.9
/// (type 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificationData<'a> {
    /// Type 1: plain PPID.
    PlainPpid(PckIdentifier<'a>),
    /// Type 2: PPID encrypted with RSA-2048-OAEP.
    EncryptedPpid2048(PckIdentifier<'a>),
    /// Type 3: PPID encrypted with RSA-3072-OAEP.
    EncryptedPpid3072(PckIdentifier<'a>),
    /// Type 4: the PCK certificate without its issuers.
    PckCertificate(&'a [u8]),
    /// Type 5: PCK certificate, PCK CA and root, PEM text.
    PckChain(&'a [u8]),
    /// Type 7: a platform manifest, for registration only.
    PlatformManifest(&'a [u8]),
}

impl<'a> CertificationData<'a> {
    /// Type number in the quote.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::PlainPpid(_) => 1,
            Self::EncryptedPpid2048(_) => 2,
            Self::EncryptedPpid3072(_) => 3,
            Self::PckCertificate(_) => 4,
            Self::PckChain(_) => 5,
            Self::PlatformManifest(_) => 7,
        }
    }

    /// What verification would need besides the quote, in words.
    #[must_use]
    pub const fn needs(&self) -> &'static str {
        match self {
            Self::PlainPpid(_) => "the PCK certificate chain of this PPID from a PCK cache",
            Self::EncryptedPpid2048(_) | Self::EncryptedPpid3072(_) => {
                "the PCK certificate chain of this encrypted PPID from a PCK cache"
            }
            Self::PckCertificate(_) => "the issuer chain of the PCK certificate",
            Self::PckChain(_) => "nothing",
            Self::PlatformManifest(_) => {
                "a quote made after registration (a platform manifest only registers a platform)"
            }
        }
    }

    /// Takes type, length and data at the cursor.
    ///
    /// # Errors
    /// [`ParseError`] if bytes are missing, the type is unknown (type 6 is refused here: it may only
    /// be the outer type of versions 4 and 5), or the length does not suit the type.
    pub fn parse(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let before = cursor.clone();
        let code = cursor.u16_le("certification_data_type")?;
        let left = u32::try_from(cursor.remaining().saturating_sub(4)).unwrap_or(u32::MAX);
        let length = cursor.length_u32_le("certification_data_length", left)?;
        let mut data = cursor.sub("certification_data", "CertificationData", length)?;
        match code {
            1 => parse_identifier(data, 16).map(Self::PlainPpid),
            2 => parse_identifier(data, 256).map(Self::EncryptedPpid2048),
            3 => parse_identifier(data, 384).map(Self::EncryptedPpid3072),
            4 => Ok(Self::PckCertificate(data.rest())),
            5 => Ok(Self::PckChain(data.rest())),
            7 => Ok(Self::PlatformManifest(data.rest())),
            other => Err(before.unexpected("certification_data_type", "1 to 5 or 7", other)),
        }
    }
}

fn parse_identifier<'a>(
    mut data: Cursor<'a>,
    ppid_bytes: usize,
) -> Result<PckIdentifier<'a>, ParseError> {
    let ppid = data.take("ppid", ppid_bytes)?;
    let cpu_svn = data.hex("cpu_svn")?;
    let pce_svn = data.u16_le("pce_svn")?;
    let pce_id = match data.remaining() {
        0 => None,
        2 => Some(data.hex("pce_id")?),
        extra => return Err(data.error("pce_id", ParseErrorKind::Trailing { extra })),
    };
    Ok(PckIdentifier { ppid, cpu_svn, pce_svn, pce_id })
}
