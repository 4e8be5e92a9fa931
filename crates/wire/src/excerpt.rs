//! Foreign text in a message: its beginning, escaped.

use std::fmt::{self, Write as _};

/// Characters of a foreign text that are shown.
const CHARS_MAX: usize = 64;

/// A text of somebody else's as messages quote it: between quotation marks, escaped, at most 64
/// characters of it and then its length.
///
/// Whoever sends a text chooses its length and every character in it. A message that quotes it
/// whole would be as long as that, and its line breaks would look like ours.
///
/// ```
/// # use avouch_wire::excerpt;
/// assert_eq!(excerpt("a\"b\n").to_string(), r#""a\"b\n""#);
/// let long = "x".repeat(1000);
/// assert_eq!(excerpt(&long).to_string(), format!("\"{}…\" (1000 bytes)", "x".repeat(64)));
/// ```
#[must_use]
pub const fn excerpt(text: &str) -> Excerpt<'_> {
    Excerpt(text)
}

/// What [`excerpt`] makes. `Debug` shows the same as `Display`.
#[derive(Clone, Copy)]
pub struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        f.write_char('"')?;
        let mut chars = text.chars();
        for char in chars.by_ref().take(CHARS_MAX) {
            // An apostrophe needs no escape between quotation marks.
            if char == '\'' { f.write_char(char)? } else { write!(f, "{}", char.escape_debug())? }
        }
        if chars.next().is_none() {
            return f.write_char('"');
        }
        write!(f, "…\" ({} bytes)", text.len())
    }
}

impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The beginning of a text, at most `bytes_max` bytes, cut between two characters.
#[must_use]
pub fn beginning(text: &str, bytes_max: usize) -> &str {
    let at = text.floor_char_boundary(bytes_max);
    text.get(..at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{beginning, excerpt};

    #[test]
    fn a_short_text_is_quoted_as_debug_does() {
        for text in ["", "a", "it's", "a\"b\\c", "\r\n\0\u{1b}[31m", "ä€\u{202e}", "\u{301}"] {
            assert_eq!(excerpt(text).to_string(), format!("{text:?}"));
        }
    }

    #[test]
    fn a_long_text_is_cut_however_it_is_made() {
        for text in ["x", "\0", "€", "\u{10ffff}", "\"", "\u{202e}"] {
            let shown = excerpt(&text.repeat(300_000)).to_string();
            assert!(shown.len() <= 64 * 10 + 32, "{}", shown.len());
            assert!(!shown.contains('\0'));
        }
        let exact = "é".repeat(64);
        assert_eq!(excerpt(&exact).to_string(), format!("{exact:?}"));
    }

    #[test]
    fn a_beginning_ends_between_characters() {
        assert_eq!(beginning("aé", 2), "a");
        assert_eq!(beginning("aé", 3), "aé");
        assert_eq!(beginning("", 3), "");
        assert_eq!(beginning("abc", 0), "");
    }
}
