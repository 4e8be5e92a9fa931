//! JSON numbers, exact: no integer and no decimal fraction passes through a double.

use std::cmp::Ordering;
use std::fmt;

/// A JSON number by its mathematical value. `1`, `1.0` and `10e-1` are the same number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Number {
    /// An integer of 64 bits.
    Integer(i64),
    /// Anything else: a fraction, or an integer beyond 64 bits.
    Decimal(Decimal),
}

/// `digits` times ten to the power of `exponent`, in normal form: no zero at either end of the
/// digits, at least one digit, and not an integer of 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: Box<str>,
    exponent: i64,
}

impl Number {
    /// Reads text that already has the form of a JSON number.
    pub(crate) fn from_json_text(text: &str) -> Self {
        if let Ok(integer) = text.parse::<i64>() {
            return Self::Integer(integer);
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let shift = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        Self::normal(
            negative,
            [whole, fraction].concat(),
            clamp_exponent(exponent).saturating_sub(shift),
        )
    }

    /// Brings `digits` times ten to the power of `exponent` into normal form.
    fn normal(negative: bool, digits: String, exponent: i64) -> Self {
        let significant = digits.trim_start_matches('0');
        let trimmed = significant.trim_end_matches('0');
        if trimmed.is_empty() {
            return Self::Integer(0);
        }
        let zeros =
            i64::try_from(significant.len().saturating_sub(trimmed.len())).unwrap_or(i64::MAX);
        let decimal =
            Decimal { negative, digits: trimmed.into(), exponent: exponent.saturating_add(zeros) };
        match decimal.to_i64() {
            Some(integer) => Self::Integer(integer),
            None => Self::Decimal(decimal),
        }
    }

    /// The number nearest to a finite double, in the shortest spelling that gives the double back.
    pub(crate) fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self::from_json_text(&format!("{value}")))
    }

    /// An integer of any size up to 128 bits.
    pub(crate) fn from_i128(value: i128) -> Self {
        i64::try_from(value)
            .map_or_else(|_| Self::from_json_text(&value.to_string()), Self::Integer)
    }

    /// The integer of 64 bits, if the number is one.
    #[must_use]
    pub const fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Decimal(_) => None,
        }
    }

    /// Whether the number has no fractional part.
    #[must_use]
    pub const fn is_integral(&self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Decimal(decimal) => decimal.exponent >= 0,
        }
    }

    /// How many significant digits the number has.
    pub(crate) fn digits(&self) -> usize {
        match self {
            Self::Integer(_) => 0,
            Self::Decimal(decimal) => decimal.digits.len(),
        }
    }

    /// The nearest double; infinite if there is none.
    pub(crate) fn to_f64(&self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The number without its sign.
    pub(crate) fn abs(&self) -> Self {
        match self {
            Self::Integer(value) => Self::from_i128(i128::from(*value).saturating_abs()),
            Self::Decimal(decimal) => {
                // `-(2^63)` is an integer of 64 bits and `2^63` is not, never the other way round.
                Self::Decimal(Decimal { negative: false, ..decimal.clone() })
            }
        }
    }

    /// The number as `value` times ten to the power of minus `scale`, if that fits.
    pub(crate) fn scaled(&self, scale: u32) -> Option<i128> {
        match self {
            Self::Integer(value) => i128::from(*value).checked_mul(10_i128.checked_pow(scale)?),
            Self::Decimal(decimal) => {
                let digits: i128 = decimal.digits.parse().ok()?;
                let power = u32::try_from(decimal.exponent.checked_add(i64::from(scale))?).ok()?;
                let value = digits.checked_mul(10_i128.checked_pow(power)?)?;
                if decimal.negative { value.checked_neg() } else { Some(value) }
            }
        }
    }

    /// How many digits stand behind the decimal point.
    pub(crate) fn fraction_digits(&self) -> i64 {
        match self {
            Self::Integer(_) => 0,
            Self::Decimal(decimal) => decimal.exponent.saturating_neg().max(0),
        }
    }

    /// `value` times ten to the power of minus `scale`.
    pub(crate) fn from_scaled(value: i128, scale: u32) -> Self {
        Self::normal(value < 0, value.unsigned_abs().to_string(), i64::from(scale).saturating_neg())
    }

    /// Bytes of [`Number`]'s text.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Integer(value) => integer_text_bytes(*value),
            Self::Decimal(decimal) => decimal.text_bytes(),
        }
    }
}

fn integer_text_bytes(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0);
    usize::try_from(digits).unwrap_or(0).saturating_add(1).saturating_add(usize::from(value < 0))
}

/// Reads an exponent; one beyond 64 bits is as good as the largest.
fn clamp_exponent(text: &str) -> i64 {
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 })
}

impl Decimal {
    /// Bytes of the text that [`Number`] is printed as, case by case as there.
    fn text_bytes(&self) -> usize {
        let digits = self.digits.len();
        let point = self.magnitude();
        let zeros = usize::try_from(self.exponent).unwrap_or(0);
        let unsigned = if (0..=ZEROS_MAX).contains(&self.exponent) {
            digits.saturating_add(zeros)
        } else if self.exponent > 0 || point < -ZEROS_MAX {
            digits.saturating_add(1).saturating_add(integer_text_bytes(self.exponent))
        } else if point > 0 {
            digits.saturating_add(1)
        } else {
            let zeros = usize::try_from(point.saturating_neg()).unwrap_or(0);
            digits.saturating_add(2).saturating_add(zeros)
        };
        unsigned.saturating_add(usize::from(self.negative))
    }

    fn to_i64(&self) -> Option<i64> {
        let zeros = u32::try_from(self.exponent).ok()?;
        if self.digits.len() > 19 {
            return None;
        }
        let magnitude =
            self.digits.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(zeros)?)?;
        i64::try_from(if self.negative { magnitude.checked_neg()? } else { magnitude }).ok()
    }

    /// The place of the first digit relative to the decimal point.
    fn magnitude(&self) -> i64 {
        self.exponent.saturating_add(i64::try_from(self.digits.len()).unwrap_or(i64::MAX))
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => match (a.negative, b.negative) {
                (false, true) => Ordering::Greater,
                (true, false) => Ordering::Less,
                (false, false) => a.cmp_magnitude(b),
                (true, true) => b.cmp_magnitude(a),
            },
            (Self::Integer(a), Self::Decimal(b)) => integer_with_decimal(*a, b),
            (Self::Decimal(a), Self::Integer(b)) => integer_with_decimal(*b, a).reverse(),
        }
    }
}

fn integer_with_decimal(integer: i64, decimal: &Decimal) -> Ordering {
    if integer == 0 || (integer < 0) != decimal.negative {
        return if decimal.negative { Ordering::Greater } else { Ordering::Less };
    }
    // Not in normal form, but comparing magnitudes only needs the leading digit to be no zero.
    let digits = integer.unsigned_abs().to_string();
    let trimmed = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len().saturating_sub(trimmed.len())).unwrap_or(0);
    let same_form = Decimal { negative: integer < 0, digits: trimmed.into(), exponent: zeros };
    let order = same_form.cmp_magnitude(decimal);
    if decimal.negative { order.reverse() } else { order }
}

/// The longest run of zeros that is written out rather than as an exponent.
const ZEROS_MAX: i64 = 40;

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimal = match self {
            Self::Integer(value) => return write!(f, "{value}"),
            Self::Decimal(decimal) => decimal,
        };
        if decimal.negative {
            f.write_str("-")?;
        }
        let digits = &*decimal.digits;
        let point = decimal.magnitude();
        if (0..=ZEROS_MAX).contains(&decimal.exponent) {
            let zeros = usize::try_from(decimal.exponent).unwrap_or(0);
            return write!(f, "{digits}{:0<zeros$}", "");
        }
        if decimal.exponent > 0 || point < -ZEROS_MAX {
            return write!(f, "{digits}e{}", decimal.exponent);
        }
        match usize::try_from(point) {
            Ok(whole) if whole > 0 => {
                let (before, behind) = digits.split_at_checked(whole).unwrap_or((digits, "0"));
                write!(f, "{before}.{behind}")
            }
            _ => {
                let zeros = usize::try_from(point.saturating_neg()).unwrap_or(0);
                write!(f, "0.{:0<zeros$}{digits}", "")
            }
        }
    }
}
