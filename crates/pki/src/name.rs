//! Distinguished names and serial numbers, compared as bytes.

use std::fmt;

use avouch_wire::{Cursor, ParseError, ParseErrorKind, beginning, encode_hex};

use crate::{der, oid};

/// Bytes of a name that are shown: whoever makes a certificate chooses how long it is.
const SHOWN_BYTES_MAX: usize = 256;

/// A distinguished name, shown with at most its first 256 bytes. Two names are equal if their DER is.
#[derive(Clone)]
pub struct Name {
    der: Vec<u8>,
    /// The common name, or the whole name as text where there is none.
    label: String,
    has_common_name: bool,
}

/// Largest name in bytes; those in use have under 300.
const NAME_BYTES_MAX: usize = 4096;

/// One attribute of a name.
struct Attribute<'a> {
    /// Content of its identifier.
    identifier: &'a [u8],
    tag: u8,
    value: &'a [u8],
    /// Whether it stands in one set with the attribute before it.
    joined: bool,
}

impl Name {
    /// Reads the next element as a name.
    pub(crate) fn read(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Self, ParseError> {
        let before = cursor.clone();
        let found = der::element(cursor, field, der::SEQUENCE)?;
        if found.whole.len() > NAME_BYTES_MAX {
            let text = format!("name is over the limit of {NAME_BYTES_MAX} bytes");
            return Err(before.error(field, ParseErrorKind::Malformed(text)));
        }
        let attributes = attributes(found.content)?;
        let is_common_name = |found: &&Attribute<'_>| found.identifier == COMMON_NAME;
        let common_name = attributes.iter().find(is_common_name).and_then(Attribute::text);
        Ok(Self {
            der: found.whole.to_vec(),
            has_common_name: common_name.is_some(),
            // Only errors need a whole name.
            label: common_name.unwrap_or_else(|| written(&attributes)),
        })
    }

    /// A name from its DER.
    ///
    /// Returns `None` if `der` is not exactly one distinguished name.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new("Name", der);
        let name = Self::read(&mut cursor, "name").ok()?;
        cursor.is_empty().then_some(name)
    }

    /// The first common name, if there is one.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.has_common_name.then_some(self.label.as_str())
    }

    /// The DER of the whole name.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The text of this name and of another that it should be. Where both read alike each says what
    /// types of string it is written in, since then that is how they differ.
    #[must_use]
    pub fn told_from(&self, other: &Self) -> (String, String) {
        let texts = (self.to_string(), other.to_string());
        if self == other || texts.0 != texts.1 {
            return texts;
        }
        (self.with_types(), other.with_types())
    }

    /// Whether another name reads like this one and is none the less another: its strings have other
    /// types, which is how some tools re-issue certificates.
    #[must_use]
    pub fn only_reads_like(&self, other: &Self) -> bool {
        self != other && self.to_string() == other.to_string()
    }

    /// The text, and behind it the type of each string.
    fn with_types(&self) -> String {
        let mut cursor = Cursor::new("Name", &self.der);
        let read = der::open(&mut cursor, "name", der::SEQUENCE).and_then(attributes);
        let types =
            read.unwrap_or_default().into_iter().map(|attribute| string_type(attribute.tag));
        format!("{self} (written as {})", types.collect::<Vec<_>>().join(", "))
    }

    /// The common name, or the whole name where there is none: what errors call a certificate.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// All attributes in order: `SEQUENCE OF SET SIZE (1..MAX) OF SEQUENCE { type, value }`.
fn attributes<'a>(mut sets: Cursor<'a>) -> Result<Vec<Attribute<'a>>, ParseError> {
    let mut found = Vec::new();
    while !sets.is_empty() {
        let mut set = der::open(&mut sets, "name_part", der::SET)?;
        let mut joined = false;
        loop {
            let mut pair = der::open(&mut set, "name_attribute", der::SEQUENCE)?;
            let identifier = der::identifier(&mut pair, "name_attribute_type")?;
            let mut value = der::any(&mut pair, "name_attribute_value")?;
            pair.finish()?;
            let (tag, value) = (value.tag, value.content.rest());
            found.push(Attribute { identifier, tag, value, joined });
            joined = true;
            if set.is_empty() {
                break;
            }
        }
    }
    Ok(found)
}

/// Content of the identifier of commonName.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// What attributes are called in a text (RFC 4514, section 3, and their own names).
const SHORT_NAMES: [(&str, &str); 16] = [
    (oid::COMMON_NAME, "CN"),
    ("2.5.4.4", "surname"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "streetAddress"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "givenName"),
    ("2.5.4.46", "dnQualifier"),
    ("0.9.2342.19200300.100.1.1", "uid"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "Email"),
];

impl Attribute<'_> {
    /// The value as text, if it is of a type of text and reads as such.
    fn text(&self) -> Option<String> {
        match self.tag {
            // UTF8String, NumericString, PrintableString, TeletexString, IA5String, VisibleString.
            0x0c | 0x12 | 0x13 | 0x14 | 0x16 | 0x1a => {
                std::str::from_utf8(self.value).ok().map(str::to_owned)
            }
            // BMPString: UTF-16, big-endian.
            0x1e => {
                let (pairs, rest) = self.value.as_chunks::<2>();
                let units: Vec<u16> = pairs.iter().copied().map(u16::from_be_bytes).collect();
                String::from_utf16(&units).ok().filter(|_| rest.is_empty())
            }
            _ => None,
        }
    }

    /// `CN=text`; what is no text is written as hex.
    fn written(&self) -> String {
        let dotted = oid::dotted(self.identifier);
        let short = SHORT_NAMES.iter().find(|(oid, _)| *oid == dotted);
        let name = short.map_or(dotted.as_str(), |(_, short)| short);
        let value = self.text().unwrap_or_else(|| encode_hex(self.value).to_uppercase());
        format!("{name}={value}")
    }
}

/// What X.680 calls the type of a string.
fn string_type(tag: u8) -> String {
    let name = match tag {
        0x0c => "UTF8String",
        0x12 => "NumericString",
        0x13 => "PrintableString",
        0x14 => "TeletexString",
        0x16 => "IA5String",
        0x1a => "VisibleString",
        0x1e => "BMPString",
        other => return format!("tag {other:#04x}"),
    };
    name.to_owned()
}

/// `C=US, O=x + OU=y, CN=z`, in the order of the name.
fn written(attributes: &[Attribute<'_>]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        if !text.is_empty() {
            text.push_str(if attribute.joined { " + " } else { ", " });
        }
        text.push_str(&attribute.written());
    }
    text
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cursor = Cursor::new("Name", &self.der);
        let read = der::open(&mut cursor, "name", der::SEQUENCE).and_then(attributes);
        // What was read once reads again.
        let text = read.map_or_else(|_| self.label.clone(), |found| written(&found));
        f.write_str(beginning(&text, SHOWN_BYTES_MAX))?;
        f.write_str(if text.len() > SHOWN_BYTES_MAX { "…" } else { "" })
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// A certificate's serial number: the content bytes of its INTEGER, compared as a whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

/// Longest serial number in bytes: the 20 of RFC 5280 section 4.1.2.2, and one for the sign, which
/// CAs in use (Intel's) do not count.
const SERIAL_BYTES_MAX: usize = 21;

impl Serial {
    /// Reads the next element as a serial number. Negative ones and zero are taken: CAs in use have
    /// them.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let before = cursor.clone();
        let content = der::integer(cursor, "serial_number")?;
        if content.len() > SERIAL_BYTES_MAX {
            return Err(der::malformed(&before, "serial_number", "longer than 21 bytes"));
        }
        Ok(Self::from_content(content))
    }

    /// A serial number known from elsewhere than a certificate, such as a pinned one: the content
    /// bytes of its INTEGER, as DER would have them.
    #[must_use]
    pub fn from_content(content: &[u8]) -> Self {
        Self(content.to_vec())
    }

    /// The content bytes of the INTEGER (two's complement, big-endian).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_hex(&self.0).to_uppercase())
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
