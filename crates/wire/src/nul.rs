//! NUL bytes behind a text.

/// The bytes without the NULs at their end, which programs in C send along.
#[must_use]
pub fn without_final_nuls(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::without_final_nuls;

    #[test]
    fn only_nuls_at_the_end_go() {
        for (bytes, expected) in [("", ""), ("\0\0", ""), ("a\0b\0\0", "a\0b"), ("\0a", "\0a")] {
            assert_eq!(without_final_nuls(bytes.as_bytes()), expected.as_bytes());
        }
    }
}
