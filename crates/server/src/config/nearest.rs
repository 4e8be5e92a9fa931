//! Which known word a misspelt one is most like.

/// The known word within a third of the length in edits, the closest first.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // A key from a file may be long; no known one is.
    let word: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let distance = |candidate: &str| edits(&word, &candidate.chars().collect::<Vec<_>>());
    let closest = known.iter().copied().min_by_key(|candidate| distance(candidate))?;
    let allowed = (closest.len().max(word.len()) / 3).max(1);
    (distance(closest) <= allowed).then_some(closest)
}

/// Insertions, deletions and substitutions from one word to the other (Levenshtein).
fn edits(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, left) in from.iter().enumerate() {
        let mut diagonal = line;
        let mut before = line.saturating_add(1);
        let mut next = vec![before];
        for (above, right) in row.iter().skip(1).zip(to) {
            let substituted = diagonal.saturating_add(usize::from(left != right));
            before = substituted.min(above.saturating_add(1)).min(before.saturating_add(1));
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{edits, nearest};

    #[test]
    fn a_misspelt_word_finds_its_neighbour_and_a_foreign_one_none() {
        let known = ["listen", "public_url", "base_domain", "tls"];
        assert_eq!(nearest("listne", &known), Some("listen"));
        assert_eq!(nearest("Public-URL", &known), Some("public_url"));
        assert_eq!(nearest("tsl", &known), None);
        assert_eq!(nearest("tl", &known), Some("tls"));
        assert_eq!(nearest("weather", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn edits_are_counted() {
        let count = |a: &str, b: &str| {
            edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
        };
        assert_eq!(count("", ""), 0);
        assert_eq!(count("abc", ""), 3);
        assert_eq!(count("", "abc"), 3);
        assert_eq!(count("kitten", "sitting"), 3);
        assert_eq!(count("flaw", "lawn"), 2);
    }
}
