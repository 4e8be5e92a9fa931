//! The function library of the JMESPath specification, and `equals_ignore_case`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::SearchError;
use super::eval::Search;
use super::node::{Argument, Node};
use crate::cost;
use crate::json::{Json, JsonError, Number};

type Result<T> = std::result::Result<T, SearchError>;

/// A function that queries can call.
#[derive(Debug)]
pub(crate) struct Function {
    /// As queries write it.
    pub(crate) name: &'static str,
    arity: Arity,
    run: Run,
}

type Run = fn(&mut Search<'_>, &Arguments<'_>) -> Result<Json>;

/// How many arguments a function takes: the least, the most, and in words.
#[derive(Debug)]
struct Arity {
    least: usize,
    most: usize,
    words: &'static str,
}

const ONE: Arity = Arity { least: 1, most: 1, words: "1 argument" };
const TWO: Arity = Arity { least: 2, most: 2, words: "2 arguments" };
const MANY: Arity = Arity { least: 1, most: usize::MAX, words: "at least 1 argument" };

const fn row(name: &'static str, arity: Arity, run: Run) -> Function {
    Function { name, arity, run }
}

/// All functions, in the order of their names.
static FUNCTIONS: &[Function] = &[
    row("abs", ONE, abs),
    row("avg", ONE, average),
    row("ceil", ONE, |search, given| rounded(search, given, f64::ceil)),
    row("contains", TWO, contains),
    row("ends_with", TWO, ends_with),
    row("equals_ignore_case", TWO, equals_ignore_case),
    row("floor", ONE, |search, given| rounded(search, given, f64::floor)),
    row("join", TWO, join),
    row("keys", ONE, keys),
    row("length", ONE, length),
    row("map", TWO, map),
    row("max", ONE, |search, given| extreme(search, given, Ordering::Greater)),
    row("max_by", TWO, |search, given| extreme_by(search, given, Ordering::Greater)),
    row("merge", MANY, merge),
    row("min", ONE, |search, given| extreme(search, given, Ordering::Less)),
    row("min_by", TWO, |search, given| extreme_by(search, given, Ordering::Less)),
    row("not_null", MANY, not_null),
    row("reverse", ONE, reverse),
    row("sort", ONE, sort),
    row("sort_by", TWO, sort_by),
    row("starts_with", TWO, starts_with),
    row("sum", ONE, |search, given| sum(search, given).map(Json::number)),
    row("to_array", ONE, to_array),
    row("to_number", ONE, to_number),
    row("to_string", ONE, to_string),
    row("type", ONE, type_of),
    row("values", ONE, values),
];

/// The names of all functions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

impl Function {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// How many arguments the function takes, in words, if `count` is another number.
    pub(crate) fn takes_instead_of(&self, count: usize) -> Option<&'static str> {
        let Arity { least, most, words } = self.arity;
        (count < least || count > most).then_some(words)
    }

    pub(super) fn call(
        &self,
        search: &mut Search<'_>,
        arguments: &[Argument],
        value: &Json,
    ) -> Result<Json> {
        let (function, found) = (self.name, arguments.len());
        if let Some(expected) = self.takes_instead_of(found) {
            return Err(SearchError::InvalidArity { function, expected, found });
        }
        search.meter.charge(cost::CALL)?;
        search.meter.charge_each(cost::ARGUMENT, found)?;
        let mut values = Vec::with_capacity(found);
        for argument in arguments {
            values.push(match argument {
                Argument::Value(node) => Given::Value(search.run(node, value)?),
                Argument::Expression(node) => Given::Expression(node),
            });
        }
        (self.run)(search, &Arguments { function, values })
    }
}

enum Given<'a> {
    Value(Json),
    Expression(&'a Node),
}

struct Arguments<'a> {
    function: &'static str,
    values: Vec<Given<'a>>,
}

impl<'a> Arguments<'a> {
    fn invalid(&self, place: usize, expected: &'static str) -> SearchError {
        let found = match self.values.get(place) {
            Some(Given::Value(value)) => value.kind(),
            Some(Given::Expression(_)) => "expression",
            None => "nothing",
        };
        let argument = place.saturating_add(1);
        SearchError::InvalidType { function: self.function, argument, expected, found }
    }

    fn any(&self, place: usize) -> Result<&Json> {
        match self.values.get(place) {
            Some(Given::Value(value)) => Ok(value),
            _ => Err(self.invalid(place, "a value")),
        }
    }

    fn text(&self, place: usize) -> Result<&str> {
        self.any(place)?.as_str().ok_or_else(|| self.invalid(place, "a string"))
    }

    fn number(&self, place: usize, search: &mut Search<'_>) -> Result<Number> {
        let value = self.any(place)?;
        search.charge_number(value)?;
        value.as_number().ok_or_else(|| self.invalid(place, "a number"))
    }

    fn array(&self, place: usize) -> Result<&[Json]> {
        self.any(place)?.as_array().ok_or_else(|| self.invalid(place, "an array"))
    }

    fn object(&self, place: usize) -> Result<&[(Arc<str>, Json)]> {
        self.any(place)?.as_object().ok_or_else(|| self.invalid(place, "an object"))
    }

    fn expression(&self, place: usize) -> Result<&'a Node> {
        match self.values.get(place) {
            Some(Given::Expression(node)) => Ok(node),
            _ => Err(self.invalid(place, "an expression (`&name`)")),
        }
    }

    fn numbers(&self, place: usize, search: &mut Search<'_>) -> Result<Vec<Number>> {
        let items = self.array(place)?;
        let mut numbers = Vec::new();
        for item in items {
            search.meter.charge(cost::ADDED)?;
            search.charge_number(item)?;
            let number = item.as_number();
            numbers.push(number.ok_or_else(|| self.invalid(place, "an array of numbers"))?);
        }
        Ok(numbers)
    }
}

fn abs(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    Ok(Json::number(given.number(0, search)?.abs()))
}

fn ends_with(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let (text, end) = (given.text(0)?, given.text(1)?);
    search.meter.charge_text(cost::COMPARED, end.len())?;
    Ok(Json::Boolean(text.ends_with(end)))
}

fn starts_with(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let (text, start) = (given.text(0)?, given.text(1)?);
    search.meter.charge_text(cost::COMPARED, start.len())?;
    Ok(Json::Boolean(text.starts_with(start)))
}

fn equals_ignore_case(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let (left, right) = (given.text(0)?, given.text(1)?);
    search.meter.charge_text(cost::READ, left.len().saturating_add(right.len()))?;
    if left.is_ascii() && right.is_ascii() {
        return Ok(Json::Boolean(left.eq_ignore_ascii_case(right)));
    }
    search.meter.charge_text(cost::FOLDED, left.len().min(right.len()))?;
    Ok(Json::Boolean(super::fold::equal_ignoring_case(left, right)))
}

fn keys(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let members = given.object(0)?;
    search.meter.charge_each(cost::ELEMENT, members.len())?;
    search.new_array(members.iter().map(|(name, _)| Json::String(Arc::clone(name))).collect())
}

fn values(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let members = given.object(0)?;
    search.meter.charge_each(cost::ELEMENT, members.len())?;
    search.new_array(members.iter().map(|(_, value)| value.clone()).collect())
}

fn map(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let node = given.expression(0)?;
    let mut mapped = Vec::new();
    for item in given.array(1)? {
        search.meter.charge(cost::ELEMENT)?;
        mapped.push(search.run(node, item)?);
    }
    search.new_array(mapped)
}

fn to_array(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    match given.any(0)? {
        array @ Json::Array(_) => Ok(array.clone()),
        other => {
            search.meter.charge(cost::ELEMENT)?;
            search.new_array(vec![other.clone()])
        }
    }
}

fn type_of(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    search.meter.charge(cost::STRING)?;
    Ok(Json::string(given.any(0)?.kind()))
}

fn contains(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let wanted = given.any(1)?;
    match given.any(0)? {
        Json::String(text) => {
            let part_bytes = wanted.as_str().map_or(0, str::len);
            search.meter.charge_text(cost::SEARCHED, text.len().saturating_add(part_bytes))?;
            Ok(Json::Boolean(wanted.as_str().is_some_and(|part| text.contains(part))))
        }
        Json::Array(_) => {
            for item in given.array(0)? {
                if search.equal(item, wanted)? {
                    return Ok(Json::Boolean(true));
                }
            }
            Ok(Json::Boolean(false))
        }
        _ => Err(given.invalid(0, "an array or a string")),
    }
}

fn join(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let glue = given.text(0)?;
    search.meter.charge_each(cost::ELEMENT, given.array(1)?.len())?;
    let parts: Option<Vec<&str>> = given.array(1)?.iter().map(Json::as_str).collect();
    let parts = parts.ok_or_else(|| given.invalid(1, "an array of strings"))?;
    let glued = glue.len().saturating_mul(parts.len().saturating_sub(1));
    let bytes = parts.iter().fold(glued, |sum, part| sum.saturating_add(part.len()));
    search.meter.charge(cost::STRING)?;
    search.meter.charge_text(cost::COPIED, bytes)?;
    Ok(Json::string(&parts.join(glue)))
}

fn length(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let length = match given.any(0)? {
        Json::String(text) => {
            search.meter.charge_text(cost::READ, text.len())?;
            text.chars().count()
        }
        Json::Array(_) => given.array(0)?.len(),
        Json::Object(_) => given.object(0)?.len(),
        _ => return Err(given.invalid(0, "a string, an array or an object")),
    };
    Ok(Json::Integer(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn merge(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let mut members = Vec::new();
    for place in 0..given.values.len() {
        for (name, value) in given.object(place)? {
            search.meter.charge(cost::MEMBER)?;
            search.charge_text(value)?;
            members.push((Arc::clone(name), value.clone()));
        }
    }
    Json::charge_members(members.iter().map(|(name, _)| &**name), search.meter)?;
    search.checked(Json::object(members))
}

fn not_null(_search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    for place in 0..given.values.len() {
        let value = given.any(place)?;
        if *value != Json::Null {
            return Ok(value.clone());
        }
    }
    Ok(Json::Null)
}

fn reverse(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    match given.any(0)? {
        Json::String(text) => {
            search.meter.charge(cost::STRING)?;
            search.meter.charge_text(cost::REWRITTEN, text.len())?;
            Ok(Json::string(&text.chars().rev().collect::<String>()))
        }
        Json::Array(_) => {
            let items = given.array(0)?;
            search.meter.charge_each(cost::ELEMENT, items.len())?;
            search.new_array(items.iter().rev().cloned().collect())
        }
        _ => Err(given.invalid(0, "an array or a string")),
    }
}

fn to_number(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let text = match given.any(0)? {
        number @ (Json::Integer(_) | Json::Decimal(_)) => return Ok(number.clone()),
        Json::String(text) => text,
        _ => return Ok(Json::Null),
    };
    search.meter.charge_text(cost::READ, text.len())?;
    let first = text.bytes().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if !first.is_some_and(|first| first == b'-' || first.is_ascii_digit()) {
        return Ok(Json::Null);
    }
    match Json::parse_within(text, search.meter) {
        Ok(number) => Ok(number),
        Err(JsonError::Limit(exceeded)) => Err(exceeded.into()),
        Err(_) => Ok(Json::Null),
    }
}

fn to_string(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let value = given.any(0)?;
    if let Json::String(_) = value {
        return Ok(value.clone());
    }
    search.meter.charge(cost::STRING)?;
    search.meter.charge_text(cost::PRINTED, value.text_bytes())?;
    Ok(Json::string(&value.to_string()))
}

/// Rounds a fraction. What has no fraction, however large, stays as it is.
fn rounded(search: &mut Search<'_>, given: &Arguments<'_>, round: fn(f64) -> f64) -> Result<Json> {
    let number = given.number(0, search)?;
    if number.is_integral() {
        return Ok(Json::number(number));
    }
    let value = to_f64(search, &number)?;
    from_f64(search, round(value))
}

/// Digits that are turned into a double the fast way.
const FAST_DIGITS_MAX: usize = 19;

fn to_f64(search: &mut Search<'_>, number: &Number) -> Result<f64> {
    let fast = number.digits() <= FAST_DIGITS_MAX;
    search.meter.charge(if fast { cost::DOUBLE } else { cost::DOUBLE_LONG })?;
    Ok(number.to_f64())
}

fn from_f64(search: &mut Search<'_>, value: f64) -> Result<Json> {
    search.meter.charge(cost::DOUBLE)?;
    Number::from_f64(value)
        .map(Json::number)
        .ok_or(SearchError::InvalidValue("a number beyond the range of doubles"))
}

/// The decimal places that an exact sum may have; beyond, doubles are used.
const EXACT_PLACES_MAX: i64 = 18;

fn sum(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Number> {
    let numbers = given.numbers(0, search)?;
    if let Some((total, places)) = exact_sum(&numbers) {
        return Ok(Number::from_scaled(total, places));
    }
    let total = inexact_sum(search, &numbers)?;
    search.meter.charge(cost::DOUBLE)?;
    Number::from_f64(total).ok_or(SearchError::InvalidValue("a sum beyond the range of doubles"))
}

fn inexact_sum(search: &mut Search<'_>, numbers: &[Number]) -> Result<f64> {
    let mut total = 0.0;
    for number in numbers {
        total += to_f64(search, number)?;
    }
    Ok(total)
}

/// The sum as an integer, and how many of its digits stand behind the point.
fn exact_sum(numbers: &[Number]) -> Option<(i128, u32)> {
    let places = numbers.iter().map(Number::fraction_digits).max().unwrap_or(0);
    if places > EXACT_PLACES_MAX {
        return None;
    }
    let places = u32::try_from(places).ok()?;
    let mut total = 0_i128;
    for number in numbers {
        total = total.checked_add(number.scaled(places)?)?;
    }
    Some((total, places))
}

fn average(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let numbers = given.numbers(0, search)?;
    let Some(count) = i128::try_from(numbers.len()).ok().filter(|count| *count > 0) else {
        return Ok(Json::Null);
    };
    let exact = exact_sum(&numbers);
    if let Some((total, places)) = exact
        && total.checked_rem(count) == Some(0)
        && let Some(mean) = total.checked_div(count)
    {
        return Ok(Json::number(Number::from_scaled(mean, places)));
    }
    let total = match exact {
        Some((total, places)) => to_f64(search, &Number::from_scaled(total, places))?,
        None => inexact_sum(search, &numbers)?,
    };
    let count = to_f64(search, &Number::from_i128(count))?;
    from_f64(search, total / count)
}

/// Accepts keys that are all numbers or all strings.
fn sort_keys(given: &Arguments<'_>, place: usize, keys: Vec<Json>) -> Result<Vec<Json>> {
    let numbers = keys.iter().all(|key| matches!(key, Json::Integer(_) | Json::Decimal(_)));
    if numbers || keys.iter().all(|key| matches!(key, Json::String(_))) {
        return Ok(keys);
    }
    Err(given.invalid(place, "only numbers or only strings"))
}

/// Order of two keys that [`sort_keys`] has accepted.
fn key_order(left: &Json, right: &Json) -> Ordering {
    match (left, right) {
        (Json::Integer(left), Json::Integer(right)) => left.cmp(right),
        (Json::String(left), Json::String(right)) => left.cmp(right),
        _ => left.number_order(right).unwrap_or(Ordering::Equal),
    }
}

/// Each element of the array with itself as the key.
fn own_keys(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Vec<(Json, Json)>> {
    let items = given.array(0)?;
    search.meter.charge_each(cost::KEYED, items.len())?;
    let keys = sort_keys(given, 0, items.to_vec())?;
    Ok(keys.into_iter().map(|key| (key.clone(), key)).collect())
}

/// Each element of the array with the key that the expression gives for it.
fn keyed(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Vec<(Json, Json)>> {
    let items = given.array(0)?;
    let node = given.expression(1)?;
    search.meter.charge_each(cost::KEYED, items.len())?;
    let mut keys = Vec::with_capacity(items.len());
    for item in items {
        keys.push(search.run(node, item)?);
    }
    let keys = sort_keys(given, 1, keys)?;
    Ok(keys.into_iter().zip(items.iter().cloned()).collect())
}

fn charge_comparisons(search: &mut Search<'_>, keyed: &[(Json, Json)]) -> Result<()> {
    let rounds = keyed.len().checked_ilog2().unwrap_or(0).saturating_add(1);
    for _ in 0..rounds {
        search.meter.charge_each(cost::SORTED, keyed.len())?;
        for (key, _) in keyed {
            match key {
                Json::String(text) => search.meter.charge_long(cost::COMPARED, text.len())?,
                Json::Decimal(_) => search.charge_number(key)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn sorted(search: &mut Search<'_>, mut keyed: Vec<(Json, Json)>) -> Result<Json> {
    charge_comparisons(search, &keyed)?;
    search.meter.charge_each(cost::ELEMENT, keyed.len())?;
    keyed.sort_by(|(left, _), (right, _)| key_order(left, right));
    search.new_array(keyed.into_iter().map(|(_, item)| item).collect())
}

fn sort(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let items = own_keys(search, given)?;
    sorted(search, items)
}

fn sort_by(search: &mut Search<'_>, given: &Arguments<'_>) -> Result<Json> {
    let keyed = keyed(search, given)?;
    sorted(search, keyed)
}

fn extreme(search: &mut Search<'_>, given: &Arguments<'_>, wanted: Ordering) -> Result<Json> {
    let items = own_keys(search, given)?;
    first_extreme(search, items, wanted)
}

fn extreme_by(search: &mut Search<'_>, given: &Arguments<'_>, wanted: Ordering) -> Result<Json> {
    let keyed = keyed(search, given)?;
    first_extreme(search, keyed, wanted)
}

/// The first element whose key is the largest or smallest; null of an empty array.
fn first_extreme(
    search: &mut Search<'_>,
    keyed: Vec<(Json, Json)>,
    wanted: Ordering,
) -> Result<Json> {
    charge_comparisons(search, &keyed)?;
    let mut best: Option<(Json, Json)> = None;
    for candidate in keyed {
        let better = best.as_ref().is_none_or(|(key, _)| key_order(&candidate.0, key) == wanted);
        if better {
            best = Some(candidate);
        }
    }
    Ok(best.map_or(Json::Null, |(_, item)| item))
}
