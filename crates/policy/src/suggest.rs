//! The nearest known name to a mistyped one.

/// The candidate that differs least from `word`, if it differs little.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let allowed = (word.chars().count() / 4).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= allowed.saturating_mul(4))
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Longer words are not compared.
const LONGEST: usize = 80;

/// How many characters must be changed, added, dropped or swapped; case alone counts nothing.
fn distance(left: &str, right: &str) -> usize {
    strsim::osa_distance(&left.to_ascii_lowercase(), &right.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_swapped_dropped_and_differently_cased_names() {
        let names = ["permit", "deny", "issue", "issueproperty"];
        assert_eq!(nearest("premit", names), Some("permit"));
        assert_eq!(nearest("Permit", names), Some("permit"));
        assert_eq!(nearest("issueProperty", names), Some("issueproperty"));
        assert_eq!(nearest("isue", names), Some("issue"));
    }

    #[test]
    fn does_not_guess_wildly() {
        assert_eq!(nearest("allow", ["permit", "deny"]), None);
    }
}
