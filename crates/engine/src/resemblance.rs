//! What bytes look like that are not what they were sent as: told from their first bytes, for
//! messages. Nothing is proven or decided here.

use std::fmt;

use avouch_dcap::open_enclave::FORMAT_SGX_ECDSA;
use avouch_dcap::{
    ENCLAVE_REPORT_BYTES, HEADER_BYTES, TD_REPORT_10_BYTES, TD_REPORT_15_BYTES,
    TD_REPORT_15_EXTENDED_BYTES,
};
use avouch_pki::pem;
use avouch_snp::{REPORT_LENGTH, Report, ReportVersions};
use avouch_wire::{Cursor, EvidenceKind, ParseError};

/// What bytes look like. Its `Display` is a noun with its article, such as `an Open Enclave report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resemblance {
    what: String,
    kind: Option<EvidenceKind>,
    cut: Option<Cut>,
}

/// Where the input ends, and where the structure would, if that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    length: usize,
    whole: Option<usize>,
}

impl Resemblance {
    /// What `bytes` look like; none if they look like nothing that is known.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        text(bytes)
            .or_else(|| snp_report(bytes))
            .or_else(|| hcl_report(bytes))
            .or_else(|| open_enclave(bytes).ok().flatten())
            .or_else(|| quote(bytes).ok().flatten())
            .or_else(|| epid_quote(bytes).ok().flatten())
            .or_else(|| td_report(bytes))
            .or_else(|| event_log(bytes))
            .or_else(|| vbs_report(bytes).ok().flatten())
            .or_else(|| der(bytes))
            .or_else(|| cose(bytes))
    }

    /// Whether it is evidence of this kind and whole, as far as can be seen: then this says nothing
    /// about why it cannot be read.
    #[must_use]
    pub fn is_whole(&self, kind: EvidenceKind) -> bool {
        self.kind == Some(kind) && self.cut.is_none()
    }

    /// Whether it is evidence of this kind, cut or not.
    #[must_use]
    pub fn is(&self, kind: EvidenceKind) -> bool {
        self.kind == Some(kind)
    }

    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), kind: None, cut: None }
    }

    /// Evidence of a kind; cut if it would go on beyond the input.
    fn evidence(what: impl Into<String>, kind: EvidenceKind, extent: Extent) -> Self {
        Self { what: what.into(), kind: Some(kind), cut: extent.cut() }
    }
}

impl fmt::Display for Resemblance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.cut {
            None => Ok(()),
            Some(Cut { length, whole: None }) => write!(f, ", cut at byte {length}"),
            Some(Cut { length, whole: Some(whole) }) => {
                write!(f, ", cut at byte {length} of {whole}")
            }
        }
    }
}

/// How long the input is, and how long what is in it, as far as that can be read.
#[derive(Clone, Copy)]
struct Extent {
    length: usize,
    whole: Option<usize>,
}

impl Extent {
    fn cut(self) -> Option<Cut> {
        let Self { length, whole } = self;
        whole.is_none_or(|whole| length < whole).then_some(Cut { length, whole })
    }
}

/// As much of the input as is read to tell whether it is text.
const TEXT_BYTES_READ: usize = 4096;

/// Text is no binary structure, whatever its letters would mean as bytes.
fn text(bytes: &[u8]) -> Option<Resemblance> {
    let head = bytes.get(..TEXT_BYTES_READ).unwrap_or(bytes);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character that goes on behind what is read.
        Err(error) if error.error_len().is_none() && head.len() < bytes.len() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_text = !text.is_empty()
        && text.chars().all(|char| !char.is_control() || matches!(char, '\t' | '\n' | '\r'));
    let begins = |mark: &str| text.trim_start().starts_with(mark);
    is_text.then(|| {
        Resemblance::new(match () {
            () if begins(pem::BEGIN) => "PEM text",
            () if begins("{") || begins("[") => "JSON text",
            () if is_measurement_list(text) => "a measurement list of IMA in ascii",
            () => "text",
        })
    })
}

/// A line of `ascii_runtime_measurements`: a register, a hash in hex, and the name of a template.
fn is_measurement_list(text: &str) -> bool {
    let mut words = text.trim_start().split(' ');
    let mut next = || words.next().unwrap_or_default();
    let (register, hash, template) = (next(), next(), next());
    register.parse::<u8>().is_ok_and(|register| register < 24)
        && hash.len() >= 40
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        && template.starts_with("ima")
}

fn snp_report(bytes: &[u8]) -> Option<Resemblance> {
    let kind = EvidenceKind::Snp;
    if let Some(report) = bytes.get(..REPORT_LENGTH) {
        Report::parse_versions(report, ReportVersions::KnownAndSix).ok()?;
        let extent = Extent { length: bytes.len(), whole: Some(REPORT_LENGTH) };
        return Some(Resemblance::evidence("an SEV-SNP report", kind, extent));
    }
    // VERSION, then SIGNATURE_ALGO: 1 is ECDSA P-384 with SHA-384.
    let mut cursor = Cursor::new("report", bytes);
    let version = cursor.u32_le("version").ok()?;
    cursor.take("until_signature_algo", 48).ok()?;
    let algorithm = cursor.u32_le("signature_algo").ok()?;
    let extent = Extent { length: bytes.len(), whole: Some(REPORT_LENGTH) };
    let what = format!("an SEV-SNP report, version {version}");
    ((2..=6).contains(&version) && algorithm == 1)
        .then(|| Resemblance::evidence(what, kind, extent))
}

/// Azure's container for confidential VMs: the hardware report stands in it at byte 32.
fn hcl_report(bytes: &[u8]) -> Option<Resemblance> {
    bytes.starts_with(b"HCLA").then(|| {
        Resemblance::new(
            "an HCL report of an Azure confidential VM (its hardware report is the \
             part from byte 32 on: of SEV-SNP 1184 bytes; of TDX a TDREPORT, for which the host \
             makes a quote)",
        )
    })
}

fn open_enclave(bytes: &[u8]) -> Result<Option<Resemblance>, ParseError> {
    let mut cursor = Cursor::new("OpenEnclave", bytes);
    let version = cursor.u32_le("version")?;
    let what = match version {
        1 => match cursor.u32_le("type")? {
            1 => return Ok(Some(Resemblance::new("a local Open Enclave report"))),
            2 if matches!(bytes.get(12..16), Some([9, 0, 0, 0])) => {
                return Ok(Some(Resemblance::new("Open Enclave endorsements")));
            }
            2 => "an Open Enclave report",
            _ => return Ok(None),
        },
        3 if *cursor.array::<16>("format")? == FORMAT_SGX_ECDSA.0 => "Open Enclave evidence",
        _ => return Ok(None),
    };
    let size = usize::try_from(cursor.u64_le("size")?).unwrap_or(usize::MAX);
    let whole = Some(cursor.offset().saturating_add(size));
    let extent = Extent { length: bytes.len(), whole };
    Ok(Some(Resemblance::evidence(what, EvidenceKind::OpenEnclave, extent)))
}

/// A quote of versions 3 to 5 by its header: version, key type (ECDSA), TEE type.
fn quote(bytes: &[u8]) -> Result<Option<Resemblance>, ParseError> {
    let mut cursor = Cursor::new("Quote", bytes);
    let version = cursor.u16_le("version")?;
    let key_type = cursor.u16_le("attestation_key_type")?;
    let tee_type = cursor.u32_le("tee_type")?;
    let (kind, what) = match (version, tee_type) {
        (3..=5, 0) => (EvidenceKind::Sgx, format!("an SGX quote, version {version}")),
        (4 | 5, 0x81) => (EvidenceKind::Tdx, format!("a TDX quote, version {version}")),
        _ => return Ok(None),
    };
    if !matches!(key_type, 2 | 3) {
        return Ok(None);
    }
    let whole = quote_length(bytes, version, kind).ok();
    let extent = Extent { length: bytes.len(), whole };
    Ok(Some(Resemblance::evidence(what, kind, extent)))
}

/// How long the quote says it is.
fn quote_length(bytes: &[u8], version: u16, kind: EvidenceKind) -> Result<usize, ParseError> {
    let mut cursor = Cursor::new("Quote", bytes);
    cursor.take("header", HEADER_BYTES)?;
    let body = match (version, kind) {
        (5, _) => {
            let body_type = cursor.u16_le("body_type")?;
            cursor.u32_le("body_size")?;
            match body_type {
                1 => ENCLAVE_REPORT_BYTES,
                2 => TD_REPORT_10_BYTES,
                3 => TD_REPORT_15_BYTES,
                _ => TD_REPORT_15_EXTENDED_BYTES,
            }
        }
        (_, EvidenceKind::Tdx) => TD_REPORT_10_BYTES,
        _ => ENCLAVE_REPORT_BYTES,
    };
    cursor.take("body", body)?;
    let signature = usize::try_from(cursor.u32_le("signature_data_length")?);
    Ok(cursor.offset().saturating_add(signature.unwrap_or(usize::MAX)))
}

/// A quote of versions 1 and 2: version, kind of signature, and at byte 432 the signature's length.
fn epid_quote(bytes: &[u8]) -> Result<Option<Resemblance>, ParseError> {
    let mut cursor = Cursor::new("Quote", bytes);
    let version = cursor.u16_le("version")?;
    let signature_type = cursor.u16_le("signature_type")?;
    cursor.take("until_signature", 428)?;
    let length = usize::try_from(cursor.u32_le("signature_length")?).unwrap_or(usize::MAX);
    let is_epid = matches!(version, 1 | 2)
        && matches!(signature_type, 0 | 1)
        && (256..=4096).contains(&length)
        && length <= cursor.remaining();
    let what = "an EPID quote (Intel's service for them has ended; what is appraised are ECDSA \
                quotes, version 3 and above)";
    Ok(is_epid.then(|| Resemblance::new(what)))
}

/// TDREPORT: 1024 bytes that begin with type 0x81, subtype 0, version 0 or 1, and a zero.
fn td_report(bytes: &[u8]) -> Option<Resemblance> {
    let begins = matches!(bytes, [0x81, 0, 0 | 1, 0, ..]);
    (begins && bytes.len() == 1024).then(|| {
        Resemblance::new(
            "a TDREPORT (it counts on its own machine only; the quoting service makes a quote of it)",
        )
    })
}

/// An event log by its header: an event of type 3 with a SHA-1 digest of zeros, whose data, at byte 32,
/// begin with `Spec ID Event`. Trust domains' firmware names register 1 in it, TPMs' PCR 0.
fn event_log(bytes: &[u8]) -> Option<Resemblance> {
    let (index, rest) = bytes.split_first_chunk::<4>()?;
    let is_header = rest.starts_with(&[3, 0, 0, 0])
        && bytes.get(32..).is_some_and(|data| data.starts_with(b"Spec ID Event"));
    is_header.then(|| {
        Resemblance::new(match index {
            [1, 0, 0, 0] => {
                "an event log of a trust domain (it goes beside the quote, as eventLog or --event-log)"
            }
            _ => "a measured-boot event log (avouch inspect shows it)",
        })
    })
}

/// The report of an enclave by its header: its length, version 1, the one signature scheme, the lengths of
/// statement and signature, and zeros.
fn vbs_report(bytes: &[u8]) -> Result<Option<Resemblance>, ParseError> {
    let mut cursor = Cursor::new("VBS_ENCLAVE_REPORT_PKG_HEADER", bytes);
    let mut size = |field| -> Result<usize, ParseError> {
        Ok(usize::try_from(cursor.u32_le(field)?).unwrap_or(usize::MAX))
    };
    let whole = size("PackageSize")?;
    let (version, scheme) = (size("Version")?, size("SignatureScheme")?);
    let (statement, signature) = (size("SignedStatementSize")?, size("SignatureSize")?);
    let reserved = size("Reserved")?;
    let is_report = (version, scheme, reserved) == (1, 1, 0)
        && statement > 0
        && signature > 0
        && cursor.offset().saturating_add(statement).saturating_add(signature) == whole;
    let what = "a report of a VBS enclave (it goes into a request to /attest/Tpm, as vsm_report)";
    let extent = Extent { length: bytes.len(), whole: Some(whole) };
    Ok(is_report.then(|| Resemblance { cut: extent.cut(), ..Resemblance::new(what) }))
}

/// A SEQUENCE in DER with a length of two bytes, in which a SEQUENCE begins.
fn der(bytes: &[u8]) -> Option<Resemblance> {
    matches!(bytes, [0x30, 0x82, _, _, 0x30, ..]).then(|| {
        let is_certificate = avouch_pki::Certificate::parse(bytes).is_ok();
        Resemblance::new(if is_certificate { "a certificate in DER" } else { "a DER structure" })
    })
}

/// A tagged `COSE_Sign1`: tag 18, an array of four.
fn cose(bytes: &[u8]) -> Option<Resemblance> {
    matches!(bytes, [0xd2, 0x84, ..])
        .then(|| Resemblance::new("a COSE_Sign1 document, such as a UVM endorsement"))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test fails by panicking"
    )]

    use super::{Resemblance, TEXT_BYTES_READ};

    fn said(bytes: &[u8]) -> Option<String> {
        Resemblance::of(bytes).map(|resemblance| resemblance.to_string())
    }

    #[test]
    fn text_is_told_from_its_beginning_wherever_a_character_is_cut() {
        for before in 0..3 {
            let text = [" ".repeat(before), "\u{20ac}".repeat(TEXT_BYTES_READ)].concat();
            assert_eq!(said(text.as_bytes()).as_deref(), Some("text"), "{before}");
        }
        // Cut where the input ends, it is no text.
        assert_eq!(said(&"\u{20ac}".as_bytes()[..2]), None);
        assert_eq!(said(b"a\x00"), None);
        assert_eq!(said(&[b"a".repeat(TEXT_BYTES_READ - 1), vec![0xff]].concat()), None);
        assert_eq!(said(b""), None);
    }

    #[test]
    fn event_logs_are_told_by_their_header() {
        let log = |index: u8, name: &[u8]| {
            let mut bytes = vec![index, 0, 0, 0, 3, 0, 0, 0];
            bytes.resize(28, 0);
            bytes.extend([33, 0, 0, 0]);
            bytes.extend(name);
            said(&bytes).unwrap_or_default()
        };
        assert!(log(1, b"Spec ID Event03\0").starts_with("an event log of a trust domain"));
        assert!(log(0, b"Spec ID Event03\0").starts_with("a measured-boot event log"));
        assert_eq!(log(1, b"StartupLocality\0"), "");
    }

    #[test]
    fn reports_of_enclaves_are_told_by_their_header() {
        let words = |words: [u32; 6], rest: usize| {
            let header: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            said(&[header, vec![0xab; rest]].concat()).unwrap_or_default()
        };
        let name = "a report of a VBS enclave";
        let whole = words([24 + 224 + 256, 1, 1, 224, 256, 0], 224 + 256);
        assert!(whole.starts_with(name) && whole.ends_with("as vsm_report)"), "{whole}");
        let cut = words([24 + 224 + 256, 1, 1, 224, 256, 0], 200);
        assert!(cut.starts_with(name) && cut.ends_with("cut at byte 224 of 504"), "{cut}");
        for other in [
            [24 + 224 + 255, 1, 1, 224, 256, 0],
            [24 + 224 + 256, 2, 1, 224, 256, 0],
            [24 + 224 + 256, 1, 2, 224, 256, 0],
            [24 + 224 + 256, 1, 1, 224, 256, 1],
            [24 + 224, 1, 1, 224, 0, 0],
            [24 + 256, 1, 1, 0, 256, 0],
        ] {
            assert_eq!(words(other, 224 + 256), "", "{other:?}");
        }
        assert_eq!(said(&[24, 0, 0, 0, 1]), None);
    }

    #[test]
    fn text_is_named_by_what_it_begins_with() {
        for (text, what) in [
            ("-----BEGIN CERTIFICATE-----", "PEM text"),
            (" \n{\"quote\":1}", "JSON text"),
            ("[1]", "JSON text"),
            ("deadbeef", "text"),
            (
                "10 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-ng sha1:00 boot_aggregate",
                "a measurement list of IMA in ascii",
            ),
            ("10 1d8d532d463c9f8c205d0df7787669a85f93e260 other", "text"),
            ("10 1d8d ima-ng", "text"),
        ] {
            assert_eq!(said(text.as_bytes()).as_deref(), Some(what), "{text}");
        }
    }
}
