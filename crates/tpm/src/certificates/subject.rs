//! Which TPM an endorsement key certificate is for (TCG EK Credential Profile, section 3).

use avouch_pki::{Certificate, der, oid};
use avouch_wire::{Cursor, ParseError, ParseErrorKind, decode_hex};
use serde::Serialize;

const MANUFACTURER: &str = "2.23.133.2.1";
const MODEL: &str = "2.23.133.2.2";
const VERSION: &str = "2.23.133.2.3";
const SPECIFICATION: &str = "2.23.133.2.16";
const SUBJECT_DIRECTORY_ATTRIBUTES: &str = "2.5.29.9";

/// `[4]`, `directoryName` of a `GeneralName`.
const DIRECTORY_NAME: u8 = der::explicit(4);

/// The TPM that a certificate is for, as its manufacturer says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tpm {
    /// Identifier of the manufacturer, such as `id:494E5443`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// The same as text, where its four bytes are printable, such as `INTC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer_text: Option<String>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Version of the firmware when it was certified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The specification that it was made to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specification: Option<TpmSpecification>,
}

/// `TPMSpecification`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TpmSpecification {
    /// Family, such as `2.0`.
    pub family: String,
    /// Level.
    pub level: u64,
    /// Revision.
    pub revision: u64,
}

/// Reads the alternative name and the directory attributes; what is absent stays so.
pub(super) fn read(certificate: &Certificate) -> Result<Tpm, ParseError> {
    let mut tpm = Tpm::default();
    if let Some(extension) = certificate.extension(oid::SUBJECT_ALT_NAME) {
        let mut cursor = Cursor::new("SubjectAltName", &extension.value);
        let mut names = der::open(&mut cursor, "names", der::SEQUENCE)?;
        cursor.finish()?;
        while !names.is_empty() {
            let mut name = der::any(&mut names, "name")?;
            if name.tag == DIRECTORY_NAME {
                directory_name(&mut name.content, &mut tpm)?;
                name.content.finish()?;
            }
        }
    }
    if let Some(extension) = certificate.extension(SUBJECT_DIRECTORY_ATTRIBUTES) {
        tpm.specification = specification(&extension.value)?;
    }
    Ok(tpm)
}

fn directory_name(cursor: &mut Cursor<'_>, tpm: &mut Tpm) -> Result<(), ParseError> {
    let mut sets = der::open(cursor, "directory_name", der::SEQUENCE)?;
    while !sets.is_empty() {
        let mut set = der::open(&mut sets, "name_part", der::SET)?;
        while !set.is_empty() {
            let mut pair = der::open(&mut set, "name_attribute", der::SEQUENCE)?;
            let kind = der::dotted(&mut pair, "name_attribute_type")?;
            let before = pair.clone();
            let value = der::any(&mut pair, "name_attribute_value")?.content.rest();
            pair.finish()?;
            let field = match kind.as_str() {
                MANUFACTURER => &mut tpm.manufacturer,
                MODEL => &mut tpm.model,
                VERSION => &mut tpm.version,
                _ => continue,
            };
            let text = std::str::from_utf8(value).ok().filter(|_| field.is_none());
            let text = text.ok_or_else(|| {
                let text = format!("attribute {kind} is no text, or stands twice");
                before.error("name_attribute_value", ParseErrorKind::Malformed(text))
            })?;
            *field = Some(text.to_owned());
            if kind == MANUFACTURER {
                tpm.manufacturer_text = manufacturer_text(&before, text)?;
            }
        }
    }
    Ok(())
}

/// `id:` and four bytes in hex; the text that they are, without NULs and spaces behind it.
fn manufacturer_text(at: &Cursor<'_>, text: &str) -> Result<Option<String>, ParseError> {
    let bytes = text.strip_prefix("id:").and_then(|digits| decode_hex(digits).ok());
    let Some(bytes) = bytes.filter(|bytes| bytes.len() == 4) else {
        let text = "tpmManufacturer is not `id:` and four bytes in hex".to_owned();
        return Err(at.error("name_attribute_value", ParseErrorKind::Malformed(text)));
    };
    let text: String = bytes.iter().copied().map(char::from).collect();
    let text = text.trim_end_matches(['\0', ' ']);
    let is_text = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_graphic());
    Ok(is_text.then(|| text.to_owned()))
}

/// The `tPMSpecification` among the directory attributes.
fn specification(value: &[u8]) -> Result<Option<TpmSpecification>, ParseError> {
    let mut cursor = Cursor::new("SubjectDirectoryAttributes", value);
    let mut attributes = der::open(&mut cursor, "attributes", der::SEQUENCE)?;
    cursor.finish()?;
    let mut found = None;
    while !attributes.is_empty() {
        let mut attribute = der::open(&mut attributes, "attribute", der::SEQUENCE)?;
        let kind = der::dotted(&mut attribute, "attribute_type")?;
        let mut values = der::open(&mut attribute, "attribute_values", der::SET)?;
        attribute.finish()?;
        if kind != SPECIFICATION {
            continue;
        }
        let mut fields = der::open(&mut values, "specification", der::SEQUENCE)?;
        values.finish()?;
        let before = fields.clone();
        let family = der::open(&mut fields, "family", der::UTF8_STRING)?.rest();
        let family = std::str::from_utf8(family).map_err(|_| {
            before.error("family", ParseErrorKind::Malformed("not UTF-8".to_owned()))
        })?;
        let level = number(&mut fields, "level")?;
        let revision = number(&mut fields, "revision")?;
        fields.finish()?;
        found = Some(TpmSpecification { family: family.to_owned(), level, revision });
    }
    Ok(found)
}

fn number(fields: &mut Cursor<'_>, field: &'static str) -> Result<u64, ParseError> {
    let before = fields.clone();
    let bytes = der::unsigned(fields, field)?;
    if bytes.len() > 8 {
        let text = "more than 64 bits".to_owned();
        return Err(before.error(field, ParseErrorKind::Malformed(text)));
    }
    Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}
