//! Which known word a misspelt one is most like.

/// The known word within a third of the length in edits, the closest first.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // A key from a file may be long; no known one is.
    let word: String = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let distances = known.iter().map(|known| (strsim::levenshtein(&word, known), *known));
    let (distance, closest) = distances.min_by_key(|(distance, _)| *distance)?;
    let allowed = (closest.len().max(word.chars().count()) / 3).max(1);
    (distance <= allowed).then_some(closest)
}

#[cfg(test)]
mod tests {
    use super::nearest;

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
}
