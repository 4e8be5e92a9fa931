//! Expressions and the six functions (`docs/policy.md#functions-12`).

use std::collections::HashSet;
use std::sync::Arc;

use super::error::{EvalSlug, Failure};
use super::matching::{Bindings, View, view};
use super::set::Place;
use super::{Run, Tracer};
use crate::ast::{Function, Property};
use crate::cost;
use crate::jmespath::{Query, QueryError, SearchError};
use crate::json::{Json, JsonError};
use crate::limits::{Limit, LimitExceeded};
use crate::resolved::{Expression, LiteralQuery};
use crate::value::{Key, Text, Value, ValueKind};

/// A value with its mark.
#[derive(Debug, Clone)]
pub(super) struct Produced {
    pub(super) value: Value,
    pub(super) read_only: bool,
}

/// The values of an expression, usually one.
pub(super) enum Values {
    One(Produced),
    Many(Vec<Produced>),
}

impl Values {
    pub(super) fn as_slice(&self) -> &[Produced] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl IntoIterator for Values {
    type Item = Produced;
    type IntoIter = std::iter::Chain<std::option::IntoIter<Produced>, std::vec::IntoIter<Produced>>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::One(one) => Some(one).into_iter().chain(Vec::new()),
            Self::Many(many) => None.into_iter().chain(many),
        }
    }
}

/// What names stand for while an expression is evaluated.
pub(super) enum Scope<'a> {
    /// One claim for each name.
    Row(&'a [Place]),
    /// One claim for each name that is `grouped`, and for others all claims of the rows.
    Group { bindings: &'a Bindings, rows: Option<&'a [usize]>, grouped: &'a [bool] },
}

impl Scope<'_> {
    /// The claim of a name that stands for one.
    pub(super) fn place(&self, slot: usize) -> Option<Place> {
        match self {
            Scope::Row(row) => row.get(slot).copied(),
            Scope::Group { bindings, rows, .. } => {
                let first = rows.and_then(|rows| rows.first().copied()).unwrap_or(0);
                bindings.row(first).get(slot).copied()
            }
        }
    }

    /// The claims of a name, each once, in order of first appearance.
    fn places(&self, slot: usize) -> Vec<Place> {
        let (bindings, rows) = match self {
            Scope::Group { bindings, rows, .. } if !self.is_single(slot) => (bindings, rows),
            _ => return self.place(slot).into_iter().collect(),
        };
        let mut seen = HashSet::new();
        let mut places = Vec::new();
        let mut visit = |row: usize| {
            if let Some(place) = bindings.row(row).get(slot)
                && seen.insert(*place)
            {
                places.push(*place);
            }
        };
        match rows {
            Some(rows) => rows.iter().copied().for_each(&mut visit),
            None => (0..bindings.rows).for_each(&mut visit),
        }
        places
    }

    fn rows(&self) -> usize {
        match self {
            Scope::Row(_) => 1,
            Scope::Group { bindings, rows, .. } => rows.map_or(bindings.rows, <[usize]>::len),
        }
    }

    fn is_single(&self, slot: usize) -> bool {
        match self {
            Scope::Row(_) => true,
            Scope::Group { grouped, .. } => grouped.get(slot).copied().unwrap_or(true),
        }
    }
}

/// Computed queries beyond this number are compiled again.
const QUERIES_MAX: usize = 1024;

impl<'a, T: Tracer> Run<'a, T> {
    // Recursion is bounded by `Limits::expression_nesting`.
    pub(super) fn values(
        &mut self,
        expression: &'a Expression,
        scope: &Scope<'_>,
    ) -> Result<Values, Failure> {
        self.meter.charge(cost::EXPRESSION)?;
        match expression {
            Expression::Literal(value) => {
                Ok(Values::One(Produced { value: value.clone(), read_only: false }))
            }
            Expression::Reference { slot, property } => self.reference(*slot, *property, scope),
            Expression::Call { function, arguments, query } => {
                self.meter.charge_each(cost::VALUE, arguments.len())?;
                let mut given = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    given.push(self.values(argument, scope)?);
                }
                self.call(*function, &given, query.as_ref())
            }
        }
    }

    fn reference(
        &mut self,
        slot: usize,
        property: Property,
        scope: &Scope<'_>,
    ) -> Result<Values, Failure> {
        if scope.is_single(slot) {
            let Some(place) = scope.place(slot) else { return Ok(none()) };
            return Ok(match self.property_of(place, property)? {
                Some(produced) => Values::One(produced),
                None => none(),
            });
        }
        self.meter.charge_each(cost::SEEN, scope.rows())?;
        let places = scope.places(slot);
        let mut values = Vec::new();
        for place in places {
            self.meter.charge(cost::VALUE)?;
            values.extend(self.property_of(place, property)?);
        }
        Ok(Values::Many(values))
    }

    #[inline]
    fn property_of(
        &mut self,
        place: Place,
        property: Property,
    ) -> Result<Option<Produced>, Failure> {
        let Some(entry) = self.set.get(place) else { return Ok(None) };
        Ok(Some(match view(entry, property) {
            // Only the value carries the mark.
            View::Value(value) => {
                Produced { value: value.clone(), read_only: entry.claim.read_only }
            }
            View::Text(text) => {
                self.meter.charge(cost::TEXT)?;
                self.meter.charge_text(cost::COPIED, text.len())?;
                Produced { value: Value::from(text), read_only: false }
            }
        }))
    }

    fn call(
        &mut self,
        function: Function,
        given: &[Values],
        query: Option<&'a LiteralQuery>,
    ) -> Result<Values, Failure> {
        let set = |place: usize| given.get(place).map(Values::as_slice).unwrap_or_default();
        match function {
            Function::IsSubsetOf => self.is_subset_of(set(0), set(1)),
            Function::ContainsOnlyValue => self.contains_only_value(set(0), set(1)),
            Function::JsonToClaimValue | Function::NegateBool => {
                let mut results = Vec::new();
                for argument in set(0) {
                    self.meter.charge(cost::VALUE)?;
                    match function {
                        Function::NegateBool => results.push(negate(argument)?),
                        _ => self.json_to_claim_value(argument, &mut results)?,
                    }
                }
                Ok(one_or_many(results))
            }
            Function::JmesPath | Function::AppendString => {
                let mut results = Vec::new();
                for first in set(0) {
                    for second in set(1) {
                        self.meter.charge(cost::VALUE)?;
                        results.push(match function {
                            Function::JmesPath => self.jmespath(first, second, query)?,
                            _ => self.append(first, second)?,
                        });
                    }
                }
                Ok(one_or_many(results))
            }
        }
    }

    fn is_subset_of(&mut self, part: &[Produced], whole: &[Produced]) -> Result<Values, Failure> {
        for item in part.iter().chain(whole) {
            self.meter.charge(cost::HASHED)?;
            self.meter.charge_text(cost::HASHED_TEXT, item.value.text_bytes())?;
        }
        let subset = match whole {
            [] => part.is_empty(),
            [one] => part.iter().all(|item| item.value == one.value),
            many => {
                let known: HashSet<Key<'_>> =
                    many.iter().map(|item| Key::of(&item.value)).collect();
                part.iter().all(|item| known.contains(&Key::of(&item.value)))
            }
        };
        Ok(boolean(subset))
    }

    fn contains_only_value(
        &mut self,
        set: &[Produced],
        one: &[Produced],
    ) -> Result<Values, Failure> {
        let [one] = one else {
            return Err(Failure::new(
                EvalSlug::FunctionArgumentNotSingle,
                format!(
                    "the second argument of `ContainsOnlyValue` has {} values, not 1",
                    one.len()
                ),
            ));
        };
        for item in set {
            self.meter.charge(cost::TEST)?;
            self.meter.charge_long(cost::COMPARED, item.value.text_bytes())?;
        }
        Ok(boolean(!set.is_empty() && set.iter().all(|item| item.value == one.value)))
    }

    fn append(&mut self, first: &Produced, second: &Produced) -> Result<Produced, Failure> {
        let function = Function::AppendString;
        let left = text_argument(function, 1, first)?;
        let right = text_argument(function, 2, second)?;
        let bytes = left.len().saturating_add(right.len());
        self.meter.charge(cost::TEXT)?;
        self.meter.charge_text(cost::COPIED, bytes)?;
        let value = Value::from([left.as_str(), right.as_str()].concat());
        Ok(Produced { value, read_only: first.read_only || second.read_only })
    }

    fn jmespath(
        &mut self,
        document: &Produced,
        query: &Produced,
        literal: Option<&'a LiteralQuery>,
    ) -> Result<Produced, Failure> {
        let text = text_argument(Function::JmesPath, 1, document)?;
        let query_text = text_argument(Function::JmesPath, 2, query)?;
        let json = self.parse_json(Function::JmesPath, text)?;
        let compiled = match literal {
            Some(compiled) => compiled.clone(),
            None => self.compile_query(query_text)?,
        };
        let compiled = compiled.map_err(query_failure)?;
        let found =
            compiled.search_within(&json, self.limits, &mut self.meter).map_err(search_failure)?;
        self.meter.charge(cost::TEXT)?;
        let read_only = document.read_only || query.read_only;
        Ok(Produced { value: Value::from(found), read_only })
    }

    fn compile_query(&mut self, text: &Text) -> Result<LiteralQuery, Failure> {
        self.meter.charge(cost::KNOWN)?;
        self.meter.charge_text(cost::HASHED_TEXT, text.len())?;
        if let Some(known) = self.queries.get(text) {
            // Equal texts of one length are compared.
            self.meter.charge_text(cost::COMPARED, text.len())?;
            return Ok(known.clone());
        }
        let compiled =
            Query::compile_within(text.as_str(), self.limits, &mut self.meter).map(Arc::new);
        if self.queries.len() < QUERIES_MAX {
            self.queries.insert(text.clone(), compiled.clone());
        }
        Ok(compiled)
    }

    fn parse_json(&mut self, function: Function, text: &Text) -> Result<Json, Failure> {
        let nesting = self.limits.json_nesting.min(crate::json::NESTING_MAX);
        match self.document(text) {
            Ok(json) if json.depth() > nesting => {
                Err(LimitExceeded::new(Limit::JsonNesting, nesting).into())
            }
            Ok(json) => Ok(json),
            Err(JsonError::Limit(exceeded)) => Err(exceeded.into()),
            Err(JsonError::TooDeep { .. }) => {
                Err(LimitExceeded::new(Limit::JsonNesting, nesting).into())
            }
            Err(error @ JsonError::Syntax { .. }) => Err(Failure::new(
                EvalSlug::InvalidJson,
                format!("the argument of `{}` is {error}", function.name()),
            )),
        }
    }

    /// A text as JSON; each is paid for once in an evaluation.
    fn document(&mut self, text: &Text) -> Result<Json, JsonError> {
        self.meter.charge(cost::KNOWN)?;
        if self.documents.contains_key(&text.identity()) {
            return text.json().cloned().map_err(Clone::clone);
        }
        let json = text.json_within(&mut self.meter)?;
        self.documents.insert(text.identity(), text.clone());
        Ok(json)
    }

    fn json_to_claim_value(
        &mut self,
        argument: &Produced,
        results: &mut Vec<Produced>,
    ) -> Result<(), Failure> {
        let text = text_argument(Function::JsonToClaimValue, 1, argument)?;
        let json = self.parse_json(Function::JsonToClaimValue, text)?;
        let read_only = argument.read_only;
        match json.as_array() {
            None => {
                let value = self.scalar(&json, EvalSlug::JsonObject)?;
                results.extend(value.map(|value| Produced { value, read_only }));
            }
            Some(items) => {
                for item in items {
                    self.meter.charge(cost::VALUE)?;
                    let value = self.scalar(item, EvalSlug::JsonNestedArray)?;
                    results.extend(value.map(|value| Produced { value, read_only }));
                }
            }
        }
        Ok(())
    }

    /// The claim value of a JSON scalar; none of null. `nested` names the error of the others.
    fn scalar(&mut self, json: &Json, nested: EvalSlug) -> Result<Option<Value>, Failure> {
        match json {
            Json::Null => Ok(None),
            Json::Boolean(value) => Ok(Some(Value::Boolean(*value))),
            Json::Integer(value) => Ok(Some(Value::Integer(*value))),
            Json::String(text) => {
                self.meter.charge(cost::TEXT)?;
                self.meter.charge_text(cost::COPIED, text.len())?;
                Ok(Some(Value::from(text.as_ref())))
            }
            Json::Decimal(number) => {
                let (slug, problem) = match number.is_integral() {
                    true => (EvalSlug::IntegerOutOfRange, "does not fit into 64 bits"),
                    false => (EvalSlug::JsonFraction, "has a fraction"),
                };
                let number = crate::print::shortened(&number.to_string());
                Err(Failure::new(slug, format!("the JSON number {number} {problem}")))
            }
            Json::Array(_) | Json::Object(_) => Err(Failure::new(
                nested,
                format!(
                    "`JsonToClaimValue` cannot make a claim of an {} {}",
                    json.kind(),
                    match nested {
                        EvalSlug::JsonNestedArray => "inside an array",
                        _ => "",
                    }
                )
                .trim_end(),
            )),
        }
    }
}

const fn none() -> Values {
    Values::Many(Vec::new())
}

fn one_or_many(mut results: Vec<Produced>) -> Values {
    match results.len() {
        1 => results.pop().map_or(Values::Many(Vec::new()), Values::One),
        _ => Values::Many(results),
    }
}

fn boolean(value: bool) -> Values {
    // What a set function says about read-only values is not read-only itself.
    Values::One(Produced { value: Value::Boolean(value), read_only: false })
}

fn text_argument(function: Function, place: usize, given: &Produced) -> Result<&Text, Failure> {
    match &given.value {
        Value::String(text) => Ok(text),
        other => Err(wrong_kind(function, place, ValueKind::String, other.kind())),
    }
}

fn negate(given: &Produced) -> Result<Produced, Failure> {
    match given.value {
        Value::Boolean(value) => {
            Ok(Produced { value: Value::Boolean(!value), read_only: given.read_only })
        }
        ref other => Err(wrong_kind(Function::NegateBool, 1, ValueKind::Boolean, other.kind())),
    }
}

fn wrong_kind(function: Function, place: usize, takes: ValueKind, found: ValueKind) -> Failure {
    let (function, takes, found) = (function.name(), takes.name(), found.name());
    Failure::new(
        EvalSlug::FunctionArgumentType,
        format!("argument {place} of `{function}` is of valueType {found}, not {takes}"),
    )
}

fn query_failure(error: QueryError) -> Failure {
    match error {
        QueryError::Limit(exceeded) => exceeded.into(),
        QueryError::Syntax { .. } => Failure::new(EvalSlug::InvalidJmespath, error.to_string()),
    }
}

fn search_failure(error: SearchError) -> Failure {
    match error {
        SearchError::Limit(exceeded) => exceeded.into(),
        other => Failure::new(EvalSlug::JmespathRuntimeError, other.to_string()),
    }
}
