//! The forms in which a file can be read.

use crate::text_form;

/// The encoding of a file as it is.
const RAW: &str = "raw";

/// The bytes of a file in one form.
pub(super) struct Input {
    /// `raw`, or the form of the text that was read, such as `hex` or `base64`.
    pub(super) encoding: String,
    pub(super) bytes: Vec<u8>,
}

impl Input {
    /// The file as it is, and what it stands for if it is text in a form that is known.
    pub(super) fn forms(bytes: &[u8]) -> Vec<Self> {
        let mut forms = vec![Self::raw(bytes.to_vec())];
        let decoded = text_form::decode(bytes);
        forms.extend(decoded.map(|found| Self { encoding: found.form, bytes: found.bytes }));
        forms
    }

    pub(super) fn raw(bytes: Vec<u8>) -> Self {
        Self { encoding: RAW.to_owned(), bytes }
    }

    pub(super) fn is_raw(&self) -> bool {
        self.encoding == RAW
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
