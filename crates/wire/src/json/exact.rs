//! Whether the numbers of a JSON text come out of a [`Value`] as they went in.

use serde_json::{Number, Value};

/// The first number of a JSON text that its [`Value`] holds as another number, as written.
///
/// `1E22` and `0.10` are printed in other words and stay the same number; `123e-10000000` would
/// become 0 and `1.000000000000000005` would become 1. What is no number of JSON is not looked at:
/// the text is one that [`super::parse_value`] has accepted.
#[must_use]
pub fn first_inexact_number(text: &[u8]) -> Option<&str> {
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = match first {
            b'"' => behind_string(behind),
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|byte| !is_of_number(*byte)).unwrap_or(rest.len());
                let (number, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                let number = std::str::from_utf8(number).unwrap_or_default();
                if !is_exact(number) {
                    return Some(number);
                }
                behind
            }
            _ => behind,
        };
    }
    None
}

const fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// What follows the string whose opening quote has been taken.
fn behind_string(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [b'"', behind @ ..] => return behind,
            [b'\\', _, behind @ ..] | [_, behind @ ..] => behind,
            [] => return rest,
        };
    }
}

fn is_exact(written: &str) -> bool {
    match serde_json::from_str::<Number>(written) {
        Ok(number) => Decimal::of(written) == Decimal::of(&Value::Number(number).to_string()),
        Err(_) => false,
    }
}

/// A number by its mathematical value: digits without a zero at either end, times ten to the power
/// of an exponent.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Nothing of an exponent beyond 64 bits, but for zero, which needs none.
    fn of(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let significant = all.trim_start_matches('0');
        let digits = significant.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        let zeros = i64::try_from(significant.len().checked_sub(digits.len())?).ok()?;
        let places = i64::try_from(fraction.len()).ok()?;
        let exponent = exponent.parse::<i64>().ok()?.checked_add(zeros)?.checked_sub(places)?;
        Some(Self { negative, digits: digits.to_owned(), exponent })
    }
}
