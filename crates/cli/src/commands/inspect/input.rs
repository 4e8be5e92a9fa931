//! The forms in which a file can be read.

use avouch_wire::{base64url, decode_hex};

/// The bytes of a file in one form.
pub(super) struct Input {
    /// `raw`, `hex` or `base64`.
    pub(super) encoding: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Input {
    /// The file as it is, and what it stands for if it is a text of hex digits or base64.
    pub(super) fn forms(bytes: &[u8]) -> Vec<Self> {
        let mut forms = vec![Self { encoding: "raw", bytes: bytes.to_vec() }];
        let compact = std::str::from_utf8(bytes)
            .map(|text| text.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>());
        let Ok(compact) = compact else { return forms };
        if compact.is_empty() {
            return forms;
        }
        if let Ok(decoded) = decode_hex(compact.strip_prefix("0x").unwrap_or(&compact)) {
            forms.push(Self { encoding: "hex", bytes: decoded });
            return forms;
        }
        let decoded =
            base64url::decode(&compact).or_else(|_| base64url::decode_standard(&compact)).ok();
        forms.extend(decoded.map(|bytes| Self { encoding: "base64", bytes }));
        forms
    }

    /// The text, without a byte order mark and white space around it.
    pub(super) fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        Some(text.strip_prefix('\u{feff}').unwrap_or(text).trim().trim_end_matches('\0'))
    }

    /// The text, if it begins like a JSON object.
    pub(super) fn json_object(&self) -> Option<&str> {
        self.text().filter(|text| text.starts_with('{'))
    }
}
