//! Checks of single claims; the caller knows whether they are authenticated.

use avouch_wire::UnixTime;
use serde_json::{Map, Number, Value};

use super::error::VerifyError;

/// The moment of judgement and the difference of clocks that is forgiven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) at: UnixTime,
    pub(super) slack_seconds: u32,
}

impl Clock {
    fn latest(self) -> UnixTime {
        self.at.saturating_add_seconds(i64::from(self.slack_seconds))
    }

    fn earliest(self) -> UnixTime {
        self.at.saturating_add_seconds(i64::from(self.slack_seconds).saturating_neg())
    }
}

pub(super) fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, VerifyError> {
    let value = claims.get(name).ok_or(VerifyError::MissingClaim { name })?;
    value.as_str().ok_or(VerifyError::MalformedClaim { name })
}

/// `aud` must be one of ours, or a list with one of ours in it.
pub(super) fn check_audience<'a>(
    claims: &'a Map<String, Value>,
    ours: &[String],
) -> Result<&'a Value, VerifyError> {
    let audience = claims.get("aud").ok_or(VerifyError::MissingClaim { name: "aud" })?;
    let is_ours = |one: &Value| ours.iter().any(|own| one == own.as_str());
    let matches = match audience {
        Value::String(_) => is_ours(audience),
        Value::Array(all) if all.iter().all(Value::is_string) => all.iter().any(is_ours),
        _ => return Err(VerifyError::MalformedClaim { name: "aud" }),
    };
    if matches {
        return Ok(audience);
    }
    Err(VerifyError::Audience { expected: format!("{ours:?}"), found: audience.to_string() })
}

/// The nonce must be this text, or the integer with these digits.
pub(super) fn check_nonce(
    claims: &Map<String, Value>,
    name: &'static str,
    expected: &str,
) -> Result<(), VerifyError> {
    let found = claims.get(name).ok_or(VerifyError::MissingClaim { name })?;
    let matches = match found {
        Value::String(text) => text == expected,
        Value::Number(number) => number.to_string() == expected,
        _ => return Err(VerifyError::MalformedClaim { name }),
    };
    if matches {
        return Ok(());
    }
    Err(VerifyError::Nonce { expected: expected.to_owned(), found: found.to_string() })
}

/// `nbf`, if there is one, must not lie ahead.
pub(super) fn check_not_before(
    claims: &Map<String, Value>,
    clock: Clock,
) -> Result<Option<UnixTime>, VerifyError> {
    let Some(not_before) = moment(claims, "nbf", Rounding::Up)? else {
        return Ok(None);
    };
    if not_before > clock.latest() {
        let Clock { at, slack_seconds } = clock;
        return Err(VerifyError::NotYetValid { not_before, at, slack_seconds });
    }
    Ok(Some(not_before))
}

/// `iat`, if there is one, must not lie ahead.
pub(super) fn check_issued_at(
    claims: &Map<String, Value>,
    clock: Clock,
) -> Result<Option<UnixTime>, VerifyError> {
    let Some(issued_at) = moment(claims, "iat", Rounding::Down)? else {
        return Ok(None);
    };
    if issued_at > clock.latest() {
        let Clock { at, slack_seconds } = clock;
        return Err(VerifyError::IssuedAhead { issued_at, at, slack_seconds });
    }
    Ok(Some(issued_at))
}

/// `exp` must be there and lie ahead: at that very second the token has expired (RFC 7519, 4.1.4).
pub(super) fn check_expiry(
    claims: &Map<String, Value>,
    clock: Clock,
) -> Result<UnixTime, VerifyError> {
    let expires_at =
        moment(claims, "exp", Rounding::Down)?.ok_or(VerifyError::MissingClaim { name: "exp" })?;
    if expires_at <= clock.earliest() {
        let Clock { at, slack_seconds } = clock;
        return Err(VerifyError::Expired { expires_at, at, slack_seconds });
    }
    Ok(expires_at)
}

/// What to do with a fraction of a second: what makes the token valid for less long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Down,
    Up,
}

fn moment(
    claims: &Map<String, Value>,
    name: &'static str,
    rounding: Rounding,
) -> Result<Option<UnixTime>, VerifyError> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(VerifyError::MalformedClaim { name }),
    };
    seconds(number, rounding)
        .and_then(|seconds| UnixTime::from_seconds(seconds).ok())
        .map(Some)
        .ok_or(VerifyError::MalformedClaim { name })
}

/// A NumericDate (RFC 7519, section 2) in whole seconds; not before 1970, no exponent.
fn seconds(number: &Number, rounding: Rounding) -> Option<i64> {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part_left = fraction.bytes().any(|digit| digit != b'0');
    if part_left && rounding == Rounding::Up { whole.checked_add(1) } else { Some(whole) }
}
