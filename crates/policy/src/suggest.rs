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
    let left: Vec<char> = left.chars().map(|c| c.to_ascii_lowercase()).collect();
    let right: Vec<char> = right.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        for (column, r) in right.iter().enumerate() {
            let cell =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let behind = column.saturating_add(1);
            let changed = cell(&last, column).saturating_add(usize::from(l != r));
            let dropped = cell(&last, behind).saturating_add(1);
            let added = cell(&current, column).saturating_add(1);
            let mut best = changed.min(dropped).min(added);
            let previous =
                |chars: &[char], at: usize| at.checked_sub(1).and_then(|at| chars.get(at).copied());
            if previous(&left, row) == Some(*r) && previous(&right, column) == Some(*l) {
                let swapped = cell(&before_last, column.saturating_sub(1)).saturating_add(1);
                best = best.min(swapped);
            }
            current.push(best);
        }
        before_last = last;
        last = current;
    }
    last.last().copied().unwrap_or(0)
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
