//! Which claims satisfy the conditions of a rule (`docs/policy.md#conditions`).

use super::error::{EvalSlug, Failure};
use super::functions::Scope;
use super::set::{Entry, Place};
use super::{Run, Tracer};
use crate::ast::{Operator, Property};
use crate::compile::{CompiledCondition, CompiledRule};
use crate::cost::{self, Meter};
use crate::limits::LimitExceeded;
use crate::resolved::{Expression, Test};
use crate::value::Value;

/// Combinations of claims, one row each, in order of the leftmost condition first.
pub(super) struct Bindings {
    pub(super) width: usize,
    pub(super) rows: usize,
    /// `rows` times `width` places.
    places: Vec<Place>,
    /// Bytes charged for them.
    held_bytes: u64,
}

impl Bindings {
    pub(super) fn row(&self, row: usize) -> &[Place] {
        let start = row.saturating_mul(self.width);
        self.places.get(start..start.saturating_add(self.width)).unwrap_or_default()
    }
}

impl<'a, T: Tracer> Run<'a, T> {
    /// The bindings under which all conditions hold. Breadth first, so that errors come in the
    /// order that the language prescribes.
    pub(super) fn bindings(&mut self, rule: &'a CompiledRule) -> Result<Bindings, Failure> {
        let mut bindings = Bindings { width: 0, rows: 1, places: Vec::new(), held_bytes: 0 };
        for (index, condition) in rule.conditions.iter().enumerate() {
            let (before, replaced_bytes) = (bindings.rows, bindings.held_bytes);
            let next = if condition.dependent {
                Some(self.dependent(index, condition, &bindings)?)
            } else {
                self.independent(index, condition, &bindings)?
            };
            // A condition without a name only tells whether the combinations stand.
            if let Some(next) = next {
                bindings = next;
                self.meter.release(replaced_bytes);
            }
            self.tracer.condition_done(index, before, bindings.rows);
            if bindings.rows == 0 {
                break;
            }
        }
        Ok(bindings)
    }

    /// A condition that means the same under every binding is evaluated once.
    fn independent(
        &mut self,
        index: usize,
        condition: &'a CompiledCondition,
        bindings: &Bindings,
    ) -> Result<Option<Bindings>, Failure> {
        let matches = self.matches(index, condition, &[])?;
        if condition.slot.is_none() {
            let holds = matches.is_empty() == condition.negated;
            return Ok(if holds { None } else { Some(none()) });
        }
        if bindings.width == 0 {
            let rows = matches.len();
            return Ok(Some(Bindings { width: 1, rows, places: matches, held_bytes: 0 }));
        }
        let mut product = Product::new(bindings.width);
        for row in 0..bindings.rows {
            for place in &matches {
                product.push(bindings.row(row), Some(*place), &mut self.meter)?;
            }
        }
        Ok(Some(product.finish(true)))
    }

    fn dependent(
        &mut self,
        index: usize,
        condition: &'a CompiledCondition,
        bindings: &Bindings,
    ) -> Result<Bindings, Failure> {
        let mut product = Product::new(bindings.width);
        for row in 0..bindings.rows {
            let row = bindings.row(row);
            let matches = self.matches(index, condition, row)?;
            if condition.slot.is_some() {
                for place in matches {
                    product.push(row, Some(place), &mut self.meter)?;
                }
            } else if matches.is_empty() == condition.negated {
                product.push(row, None, &mut self.meter)?;
            }
        }
        Ok(product.finish(condition.slot.is_some()))
    }

    /// The claims that satisfy the condition under a binding. Without a name that is used later
    /// one is enough, unless looking at the others can fail.
    fn matches(
        &mut self,
        index: usize,
        condition: &'a CompiledCondition,
        row: &[Place],
    ) -> Result<Vec<Place>, Failure> {
        let mut matches = Vec::new();
        let count = self.set.candidates(condition.only).len();
        for candidate in 0..count {
            let Some(place) = self.set.candidates(condition.only).get(candidate).copied() else {
                break;
            };
            let failed = self.first_false(place, condition, row)?;
            if T::ON {
                self.trace(index, row, place, failed);
            }
            if failed.is_none() {
                self.meter.charge(cost::MATCH)?;
                matches.push(place);
                if condition.slot.is_none() && !condition.exhaustive {
                    break;
                }
            }
        }
        Ok(matches)
    }

    fn trace(&mut self, index: usize, row: &[Place], place: Place, failed: Option<usize>) {
        let bound = row.iter().filter_map(|place| self.set.get(*place)).map(|entry| &entry.claim);
        if let Some(entry) = self.set.get(place) {
            self.tracer.claim_tested(index, bound, &entry.claim, failed);
        }
    }

    /// The first test that is false for the claim.
    fn first_false(
        &mut self,
        place: Place,
        condition: &'a CompiledCondition,
        row: &[Place],
    ) -> Result<Option<usize>, Failure> {
        self.meter.charge_each(cost::TEST, condition.tests.len())?;
        for (index, test) in condition.tests.iter().enumerate() {
            if !self.holds(place, test, row)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn holds(&mut self, place: Place, test: &'a Test, row: &[Place]) -> Result<bool, Failure> {
        let Some(entry) = self.set.get(place) else { return Ok(false) };
        if let Some(symbol) = test.symbol {
            return Ok(entry.symbol == Some(symbol));
        }
        let right = match &test.value {
            Expression::Literal(value) => View::Value(value),
            Expression::Reference { slot, property } => {
                let bound = row.get(*slot).and_then(|place| self.set.get(*place));
                match bound {
                    Some(bound) => view(bound, *property),
                    None => return Ok(false),
                }
            }
            call @ Expression::Call { .. } => {
                let values = self.values(call, &Scope::Row(row))?;
                return match values.as_slice() {
                    [] => Ok(false),
                    [one] => {
                        let Some(entry) = self.set.get(place) else { return Ok(false) };
                        let (left, right) = (view(entry, test.property), View::Value(&one.value));
                        charge_comparison(&left, &right, &mut self.meter)?;
                        Ok(compare(test.operator, &left, &right))
                    }
                    many => Err(Failure::new(
                        EvalSlug::ComparisonNotSingle,
                        format!(
                            "`{}` is compared with {} values",
                            test.property.name(),
                            many.len()
                        ),
                    )),
                };
            }
        };
        let left = view(entry, test.property);
        charge_comparison(&left, &right, &mut self.meter)?;
        Ok(compare(test.operator, &left, &right))
    }
}

const fn none() -> Bindings {
    Bindings { width: 0, rows: 0, places: Vec::new(), held_bytes: 0 }
}

/// Rows being made.
struct Product {
    width: usize,
    rows: usize,
    places: Vec<Place>,
    held_bytes: u64,
}

impl Product {
    const fn new(width: usize) -> Self {
        Self { width, rows: 0, places: Vec::new(), held_bytes: 0 }
    }

    fn push(
        &mut self,
        row: &[Place],
        place: Option<Place>,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        let places = row.len().saturating_add(1);
        let bytes = u64::try_from(places).unwrap_or(u64::MAX).saturating_mul(cost::PLACE_BYTES);
        meter.charge(cost::ROW)?;
        meter.charge_long(cost::COMPARED, places.saturating_mul(size_of::<Place>()))?;
        meter.hold(bytes)?;
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        self.places.extend_from_slice(row);
        self.places.extend(place);
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    fn finish(self, wider: bool) -> Bindings {
        let width = self.width.saturating_add(usize::from(wider));
        Bindings { width, rows: self.rows, places: self.places, held_bytes: self.held_bytes }
    }
}

/// A property of a claim, without a copy.
pub(super) enum View<'a> {
    Value(&'a Value),
    Text(&'a str),
}

impl View<'_> {
    fn text_bytes(&self) -> usize {
        match self {
            View::Value(value) => value.text_bytes(),
            View::Text(text) => text.len(),
        }
    }
}

pub(super) fn view(entry: &Entry, property: Property) -> View<'_> {
    let claim = &entry.claim;
    match property {
        Property::Type => View::Text(&claim.claim_type),
        Property::Value => View::Value(&claim.value),
        Property::ValueType => View::Text(claim.value.kind().name()),
        Property::Issuer => View::Text(claim.issuer.name()),
    }
}

/// Texts are compared if they are equally long.
fn charge_comparison(
    left: &View<'_>,
    right: &View<'_>,
    meter: &mut Meter,
) -> Result<(), LimitExceeded> {
    let bytes = left.text_bytes();
    if bytes == right.text_bytes() { meter.charge_long(cost::COMPARED, bytes) } else { Ok(()) }
}

fn compare(operator: Operator, left: &View<'_>, right: &View<'_>) -> bool {
    let equal = match (left, right) {
        (View::Value(left), View::Value(right)) => return operator.holds(left, right),
        (View::Text(left), View::Text(right)) => left == right,
        (View::Text(text), View::Value(value)) | (View::Value(value), View::Text(text)) => {
            matches!(value, Value::String(other) if other.as_str() == *text)
        }
    };
    match operator {
        Operator::Equal => equal,
        Operator::NotEqual => !equal,
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            false
        }
    }
}
