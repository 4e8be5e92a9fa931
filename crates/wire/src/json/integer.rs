//! Integers of any length.

/// A JSON integer, kept digit for digit: a number type of fewer digits would change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integer(String);

impl Integer {
    /// Reads a number of JSON that has neither fraction nor exponent (RFC 8259, section 6).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_canonical = digits == "0" || !digits.starts_with('0');
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        (is_canonical && is_integer).then(|| Self(text.to_owned()))
    }

    /// Its digits, with the sign before them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Integer;

    #[test]
    fn an_integer_is_a_number_of_json_without_fraction_and_exponent() {
        let long = "9".repeat(1000);
        for text in ["0", "-0", "7", "-12", "10", "18446744073709551616", &long] {
            assert_eq!(Integer::parse(text).as_ref().map(Integer::as_str), Some(text));
        }
        for text in ["", "-", "00", "01", "-01", "+1", "1.0", "1e2", "1E2", " 1", "1 ", "0x1", "١"]
        {
            assert_eq!(Integer::parse(text), None, "{text:?}");
        }
    }
}
