//! Intel's extension in a PCK certificate: which platform, which TCB.

use avouch_pki::der;
use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind, encode_hex};
use serde::Serialize;

/// Identifier of the extension.
pub const PCK_EXTENSION_OID: &str = "1.2.840.113741.1.13.1";

/// Content of the identifier, without tag and length; the fields' identifiers begin with it.
const OID_PREFIX: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01];

/// Largest extension accepted; real ones have 330 to 570 bytes.
const EXTENSION_BYTES_MAX: usize = 4096;

/// The TCB that Intel certifies for a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PckTcb {
    /// The sixteen component SVNs that TCB levels are compared with.
    pub components: [u8; 16],
    /// `PCESVN`.
    pub pce_svn: u16,
    /// `CPUSVN`, 16 bytes: the same TCB as the processor encodes it.
    pub cpu_svn: Hex<16>,
}

/// Kind of SGX on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SgxType {
    /// 0: client and small server processors, with an integrity tree.
    Standard,
    /// 1: Xeon Scalable.
    Scalable,
    /// 2: Xeon Scalable with integrity protection.
    ScalableWithIntegrity,
}

/// What a platform was configured as when it was registered. `None` where not stated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PlatformConfiguration {
    /// Packages may be added later.
    pub dynamic_platform: Option<bool>,
    /// Intel keeps the platform's keys.
    pub cached_keys: Option<bool>,
    /// Simultaneous multithreading is on.
    pub smt_enabled: Option<bool>,
}

/// The content of Intel's extension in a PCK certificate. It says nothing by itself: only in a
/// verified certificate do Intel's CAs stand behind it.
///
/// Source: Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PckExtension {
    /// Platform provisioning id, 16 bytes.
    pub ppid: Hex<16>,
    /// The certified TCB.
    #[serde(rename = "pck_tcb")]
    pub tcb: PckTcb,
    /// `PCEID`, 2 bytes.
    pub pce_id: Hex<2>,
    /// `FMSPC`, 6 bytes: family, model, stepping, platform and custom SKU.
    pub fmspc: Hex<6>,
    /// How the platform protects SGX memory.
    pub sgx_type: SgxType,
    /// Platform instance id, 16 bytes; Platform CA only.
    pub platform_instance_id: Option<Hex<16>>,
    /// Configuration; Platform CA only.
    pub configuration: Option<PlatformConfiguration>,
}

#[derive(Default)]
struct Fields {
    ppid: Option<Hex<16>>,
    tcb: Option<PckTcb>,
    pce_id: Option<Hex<2>>,
    fmspc: Option<Hex<6>>,
    sgx_type: Option<SgxType>,
    platform_instance_id: Option<Hex<16>>,
    configuration: Option<PlatformConfiguration>,
}

impl PckExtension {
    /// Parses the extension's value: a SEQUENCE of (identifier, value) pairs.
    ///
    /// Every identifier may occur once; all of 1 to 5 must, 6 and 7 go together; an identifier
    /// that is not known, a value out of range or a leftover byte is refused.
    ///
    /// # Errors
    /// [`ParseError`] with the field and its offset in the value.
    pub fn parse(value: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("SgxExtension", value);
        if value.len() > EXTENSION_BYTES_MAX {
            return Err(cursor.over_limit("length", value.len(), EXTENSION_BYTES_MAX));
        }
        let mut pairs = der::open(&mut cursor, "sgx_extensions", der::SEQUENCE)?;
        let end = pairs.clone();
        let mut fields = Fields::default();
        while !pairs.is_empty() {
            let (suffix, mut value) = open_pair(&mut pairs)?;
            fields.take(&suffix, &mut value)?;
            value.finish()?;
        }
        cursor.finish()?;
        fields.complete(&end)
    }
}

impl Fields {
    fn take(&mut self, suffix: &Suffix<'_>, value: &mut Cursor<'_>) -> Result<(), ParseError> {
        match *suffix.arcs {
            [1] => once(&mut self.ppid, suffix, der::octets(value, "ppid")?),
            [2] => once(&mut self.tcb, suffix, parse_tcb(value)?),
            [3] => once(&mut self.pce_id, suffix, der::octets(value, "pce_id")?),
            [4] => once(&mut self.fmspc, suffix, der::octets(value, "fmspc")?),
            [5] => once(&mut self.sgx_type, suffix, parse_sgx_type(value)?),
            [6] => {
                let id = der::octets(value, "platform_instance_id")?;
                once(&mut self.platform_instance_id, suffix, id)
            }
            [7] => once(&mut self.configuration, suffix, parse_configuration(value)?),
            _ => Err(suffix.unknown()),
        }
    }

    fn complete(self, end: &Cursor<'_>) -> Result<PckExtension, ParseError> {
        if self.platform_instance_id.is_some() != self.configuration.is_some() {
            let text = "platform instance id and configuration must go together".to_owned();
            return Err(end.error("platform_instance_id", ParseErrorKind::Malformed(text)));
        }
        Ok(PckExtension {
            ppid: required(self.ppid, end, "ppid")?,
            tcb: required(self.tcb, end, "tcb")?,
            pce_id: required(self.pce_id, end, "pce_id")?,
            fmspc: required(self.fmspc, end, "fmspc")?,
            sgx_type: required(self.sgx_type, end, "sgx_type")?,
            platform_instance_id: self.platform_instance_id,
            configuration: self.configuration,
        })
    }
}

/// The part of an identifier after Intel's prefix, and where it stands.
struct Suffix<'a> {
    at: Cursor<'a>,
    arcs: &'a [u8],
}

impl Suffix<'_> {
    fn unknown(&self) -> ParseError {
        let text = format!("identifier {PCK_EXTENSION_OID}.{} is not known", self.dotted());
        self.at.error("identifier", ParseErrorKind::Malformed(text))
    }

    fn twice(&self) -> ParseError {
        let text = format!("identifier {PCK_EXTENSION_OID}.{} occurs twice", self.dotted());
        self.at.error("identifier", ParseErrorKind::Malformed(text))
    }

    fn dotted(&self) -> String {
        self.arcs.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
    }
}

/// Opens a (identifier, value) SEQUENCE; returns the identifier's own part and the value.
fn open_pair<'a>(pairs: &mut Cursor<'a>) -> Result<(Suffix<'a>, Cursor<'a>), ParseError> {
    let mut pair = der::open(pairs, "pair", der::SEQUENCE)?;
    let mut identifier = der::open(&mut pair, "identifier", der::OBJECT_IDENTIFIER)?;
    let at = identifier.clone();
    let content = identifier.rest();
    let arcs = content.strip_prefix(&OID_PREFIX).ok_or_else(|| {
        let text = format!("identifier {} is not below {PCK_EXTENSION_OID}", encode_hex(content));
        at.error("identifier", ParseErrorKind::Malformed(text))
    })?;
    Ok((Suffix { at, arcs }, pair))
}

fn once<T>(place: &mut Option<T>, suffix: &Suffix<'_>, value: T) -> Result<(), ParseError> {
    if place.is_some() {
        return Err(suffix.twice());
    }
    *place = Some(value);
    Ok(())
}

fn required<T>(value: Option<T>, end: &Cursor<'_>, field: &'static str) -> Result<T, ParseError> {
    value.ok_or_else(|| end.error(field, ParseErrorKind::Malformed("missing".to_owned())))
}

fn parse_tcb(value: &mut Cursor<'_>) -> Result<PckTcb, ParseError> {
    let mut pairs = der::open(value, "tcb", der::SEQUENCE)?;
    let end = pairs.clone();
    let mut components = [None; 16];
    let (mut pce_svn, mut cpu_svn) = (None, None);
    while !pairs.is_empty() {
        let (suffix, mut value) = open_pair(&mut pairs)?;
        match *suffix.arcs {
            [2, 17] => {
                let svn = der::number(&mut value, "pce_svn", der::INTEGER, u16::MAX.into())?;
                once(&mut pce_svn, &suffix, u16::try_from(svn).unwrap_or(u16::MAX))?;
            }
            [2, 18] => once(&mut cpu_svn, &suffix, der::octets(&mut value, "cpu_svn")?)?,
            [2, number] => {
                let place = usize::from(number)
                    .checked_sub(1)
                    .and_then(|index| components.get_mut(index))
                    .ok_or_else(|| suffix.unknown())?;
                let svn = der::number(&mut value, "component_svn", der::INTEGER, 255)?;
                once(place, &suffix, u8::try_from(svn).unwrap_or(u8::MAX))?;
            }
            _ => return Err(suffix.unknown()),
        }
        value.finish()?;
    }
    let mut known = [0; 16];
    for (place, svn) in known.iter_mut().zip(components) {
        *place = required(svn, &end, "component_svn")?;
    }
    Ok(PckTcb {
        components: known,
        pce_svn: required(pce_svn, &end, "pce_svn")?,
        cpu_svn: required(cpu_svn, &end, "cpu_svn")?,
    })
}

fn parse_sgx_type(value: &mut Cursor<'_>) -> Result<SgxType, ParseError> {
    match der::number(value, "sgx_type", der::ENUMERATED, 2)? {
        0 => Ok(SgxType::Standard),
        1 => Ok(SgxType::Scalable),
        _ => Ok(SgxType::ScalableWithIntegrity),
    }
}

fn parse_configuration(value: &mut Cursor<'_>) -> Result<PlatformConfiguration, ParseError> {
    let mut pairs = der::open(value, "configuration", der::SEQUENCE)?;
    let mut configuration = PlatformConfiguration::default();
    while !pairs.is_empty() {
        let (suffix, mut value) = open_pair(&mut pairs)?;
        let place = match *suffix.arcs {
            [7, 1] => &mut configuration.dynamic_platform,
            [7, 2] => &mut configuration.cached_keys,
            [7, 3] => &mut configuration.smt_enabled,
            _ => return Err(suffix.unknown()),
        };
        once(place, &suffix, der::boolean(&mut value, "configuration")?)?;
        value.finish()?;
    }
    Ok(configuration)
}
