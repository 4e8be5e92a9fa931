//! Unicode simple case folding, from the case mappings of the standard library.

/// Whether two strings are equal but for case, character by character.
pub(super) fn equal_ignoring_case(left: &str, right: &str) -> bool {
    left.chars().map(fold).eq(right.chars().map(fold))
}

/// A character that stands for all characters which fold to the same one.
///
/// Upper-casing and then lower-casing joins exactly the characters that Unicode's simple folding
/// (`CaseFolding.txt`, status C and S) joins, but for the four exceptions below.
fn fold(c: char) -> char {
    match c {
        'a'..='z' => return c,
        'A'..='Z' => return c.to_ascii_lowercase(),
        // Folds to `i` in Turkic languages only.
        'ı' => return c,
        // Pairs whose upper case is a sequence.
        '\u{fb05}' => return '\u{fb06}',
        '\u{1fd3}' => return '\u{390}',
        '\u{1fe3}' => return '\u{3b0}',
        _ if c.is_ascii() => return c,
        _ => {}
    }
    let upper = single(c, c.to_uppercase());
    single(upper, upper.to_lowercase())
}

/// The mapped character, or `c` itself if the mapping is a sequence.
fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::{equal_ignoring_case, fold};

    #[test]
    fn joins_what_simple_folding_joins() {
        let pairs = [("K", "k"), ("ſ", "S"), ("ς", "Σ"), ("ẞ", "ß"), ("ǅ", "ǆ"), ("µ", "Μ")];
        for (left, right) in
            pairs.into_iter().chain([("Ὀ", "ὀ"), ("ᾼ", "ᾳ"), ("\u{fb05}", "\u{fb06}")])
        {
            assert!(equal_ignoring_case(left, right), "{left} {right}");
        }
    }

    #[test]
    fn keeps_apart_what_only_full_or_turkic_folding_joins() {
        for (left, right) in [("ß", "ss"), ("ı", "i"), ("İ", "i"), ("ŉ", "ʼn"), ("ﬁ", "fi")]
        {
            assert!(!equal_ignoring_case(left, right), "{left} {right}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            assert_eq!(fold(fold(c)), fold(c), "{c:?}");
        }
    }
}
