//! Recognising literals and tests that cannot be meant.

use crate::ast::{Operator, Property, PropertyCondition};
use crate::value::Value;

/// Whether a text looks like a digest with upper-case digits.
pub(super) fn is_upper_case_hex(text: &str) -> bool {
    text.len() >= 32
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && text.bytes().any(|b| b.is_ascii_uppercase())
}

/// Whether a string holds what looks like an Integer or a Boolean.
pub(super) fn quoted_scalar(text: &str) -> bool {
    matches!(text, "true" | "false") || (text.len() < 19 && text.parse::<i64>().is_ok())
}

/// Why no claim satisfies all tests, if that can be seen from the literals alone.
pub(super) fn contradiction(selector: &[PropertyCondition]) -> Option<String> {
    for property in Property::ALL {
        let tests: Vec<(Operator, Value)> = selector
            .iter()
            .filter(|test| test.property == property)
            .filter_map(|test| Some((test.operator, test.value.kind.literal_value()?)))
            .collect();
        if let Some(why) = one_value(&tests).or_else(|| empty_range(&tests)) {
            return Some(format!("{} {why}", property.name()));
        }
    }
    None
}

/// The value that `==` demands fails another test.
fn one_value(tests: &[(Operator, Value)]) -> Option<String> {
    let (_, demanded) = tests.iter().find(|(operator, _)| *operator == Operator::Equal)?;
    let (operator, other) =
        tests.iter().find(|(operator, literal)| !operator.holds(demanded, literal))?;
    let (demanded, other) = (shown(demanded), shown(other));
    Some(format!("cannot be {demanded} and {} {other}", operator.name()))
}

/// No Integer lies between the bounds.
fn empty_range(tests: &[(Operator, Value)]) -> Option<String> {
    let (mut least, mut most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    for (operator, literal) in tests {
        let Value::Integer(bound) = literal else { continue };
        let bound = i128::from(*bound);
        match operator {
            Operator::Less => most = most.min(bound.saturating_sub(1)),
            Operator::LessOrEqual => most = most.min(bound),
            Operator::Greater => least = least.max(bound.saturating_add(1)),
            Operator::GreaterOrEqual => least = least.max(bound),
            Operator::Equal | Operator::NotEqual => {}
        }
    }
    (least > most).then(|| "has no Integer in this range".to_owned())
}

fn shown(value: &Value) -> String {
    crate::print::shortened(&value.to_string())
}
