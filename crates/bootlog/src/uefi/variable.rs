//! Variables as firmware measures them.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use super::Guid;

/// `UEFI_VARIABLE_DATA`: a variable's vendor, name and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable<'a> {
    /// `VariableName`: who defines the variable.
    pub vendor: Guid,
    /// `UnicodeName`.
    pub name: String,
    /// `VariableData`.
    pub data: &'a [u8],
}

/// Most units of a name: the longest that mean anything here have fifteen.
const NAME_UNITS_MAX: usize = 256;

impl<'a> Variable<'a> {
    /// Reads `bytes`, of which none may be left over.
    ///
    /// # Errors
    /// [`ParseError`] with field and offset.
    ///
    /// # Source
    /// TCG PC Client Platform Firmware Profile Specification 1.06, section 10.2.6.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("UEFI_VARIABLE_DATA", bytes);
        let variable = Self::read(&mut cursor)?;
        cursor.finish()?;
        Ok(variable)
    }

    /// Reads a variable from the front of `bytes`, and gives what follows it.
    ///
    /// # Errors
    /// [`ParseError`] with field and offset.
    pub fn parse_front(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), ParseError> {
        let mut cursor = Cursor::new("UEFI_VARIABLE_DATA", bytes);
        let variable = Self::read(&mut cursor)?;
        Ok((variable, cursor.rest()))
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let vendor = Guid(*cursor.array("VariableName")?);
        let name_units = length(cursor, "UnicodeNameLength")?;
        let data_length = length(cursor, "VariableDataLength")?;
        let before = cursor.clone();
        if name_units > NAME_UNITS_MAX {
            let (value, limit) = (name_units as u64, NAME_UNITS_MAX as u64);
            return Err(before.error("UnicodeName", ParseErrorKind::OverLimit { value, limit }));
        }
        let name = cursor.take("UnicodeName", name_units.saturating_mul(2))?;
        let name = utf16(name).ok_or_else(|| {
            before.error("UnicodeName", ParseErrorKind::Malformed("not UTF-16".to_owned()))
        })?;
        let data = cursor.take("VariableData", data_length)?;
        Ok(Self { vendor, name, data })
    }

    /// Whether it is `BootOrder`, or `Boot` and four digits: what the firmware would start.
    #[must_use]
    pub fn is_boot_option(&self) -> bool {
        let number = self.name.strip_prefix("Boot").unwrap_or_default();
        let is_number = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.vendor == Guid::GLOBAL && (number == "Order" || is_number)
    }

    /// Whether it is the variable `name` of `vendor`.
    #[must_use]
    pub fn is(&self, vendor: Guid, name: &str) -> bool {
        self.vendor == vendor && self.name == name
    }
}

/// The bytes that firmware measures of a variable.
pub(crate) fn encode_variable(vendor: Guid, name: &str, data: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let units = (name.len() / 2) as u64;
    let length = data.len() as u64;
    [vendor.0.as_slice(), &units.to_le_bytes(), &length.to_le_bytes(), &name, data].concat()
}

/// A 64-bit length that memory can have.
fn length(cursor: &mut Cursor<'_>, field: &'static str) -> Result<usize, ParseError> {
    let before = cursor.clone();
    let value = cursor.u64_le(field)?;
    let limit = u32::MAX.into();
    usize::try_from(value)
        .ok()
        .filter(|_| value <= limit)
        .ok_or_else(|| before.error(field, ParseErrorKind::OverLimit { value, limit }))
}

/// UTF-16LE as text; `None` for unpaired surrogates and odd lengths.
pub(crate) fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}
