//! Names in a list: bytes that whoever named the file chose.

use std::borrow::Cow;
use std::fmt;

use avouch_wire::excerpt;

/// The name of a file, or of what was measured. A path is absolute as the kernel saw it, with
/// underscores for spaces. `Display` shows it quoted, escaped and cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Its bytes, without the final NUL; none of them is NUL.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// As text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn to_text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.0)
    }

    /// Whether it is an absolute path without steps that lead elsewhere, as the kernel writes one.
    #[must_use]
    pub fn is_plain_path(&self) -> bool {
        let Some((b'/', steps)) = self.0.split_first() else { return false };
        steps.split(|byte| *byte == b'/').all(|step| !matches!(step, b"" | b"." | b".."))
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        excerpt(&self.to_text()).fmt(f)
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
