//! Running a query on a document, each step paid for.

use std::borrow::Cow;
use std::sync::Arc;

use super::SearchError;
use super::node::{Comparison, Elements, Node};
use crate::cost::{self, Meter};
use crate::json::{Json, LINEAR_MEMBERS_MAX};
use crate::limits::{Limit, LimitExceeded, Limits};

pub(super) type Found<'a> = Result<Cow<'a, Json>, SearchError>;

pub(super) struct Search<'b> {
    pub(super) meter: &'b mut Meter,
    nesting_max: usize,
}

impl<'b> Search<'b> {
    pub(super) fn new(limits: &Limits, meter: &'b mut Meter) -> Self {
        let nesting_max = limits.json_nesting.min(crate::json::NESTING_MAX);
        Self { meter, nesting_max }
    }

    pub(super) fn run(&mut self, node: &Node, value: &Json) -> Result<Json, SearchError> {
        self.node(node, value).map(Cow::into_owned)
    }

    // Recursion is bounded by the nesting of the query.
    pub(super) fn node<'a>(&mut self, node: &'a Node, value: &'a Json) -> Found<'a> {
        self.meter.charge(cost::NODE)?;
        Ok(match node {
            Node::Current => Cow::Borrowed(value),
            Node::Literal(json) => Cow::Borrowed(json),
            Node::Field(name) => Cow::Borrowed(self.member(value, name)?.unwrap_or(&Json::Null)),
            Node::Index(index) => Cow::Borrowed(element(value, *index)),
            Node::Slice { start, stop, step } => {
                Cow::Owned(self.slice(value, *start, *stop, *step)?)
            }
            Node::Chain(nodes) => return self.chain(nodes, value),
            Node::Project { source, elements, body } => {
                Cow::Owned(self.project(source, elements, body, value)?)
            }
            Node::List(_) | Node::Hash(_) if *value == Json::Null => Cow::Owned(Json::Null),
            Node::List(nodes) => {
                self.meter.charge_each(cost::ELEMENT, nodes.len())?;
                let mut items = Vec::with_capacity(nodes.len());
                for node in nodes {
                    items.push(self.run(node, value)?);
                }
                Cow::Owned(self.new_array(items)?)
            }
            Node::Hash(members) => Cow::Owned(self.hash(members, value)?),
            Node::Or(nodes) => return self.first_with(nodes, value, true),
            Node::And(nodes) => return self.first_with(nodes, value, false),
            Node::Not(inner) => Cow::Owned(Json::Boolean(!truthy(&*self.node(inner, value)?))),
            Node::Compare(operator, sides) => {
                let left = self.node(&sides.0, value)?;
                let right = self.node(&sides.1, value)?;
                Cow::Owned(self.compare(*operator, &left, &right)?)
            }
            Node::Call { function: Ok(function), arguments } => {
                Cow::Owned(function.call(self, arguments, value)?)
            }
            Node::Call { function: Err(name), .. } => {
                return Err(SearchError::UnknownFunction(crate::print::printable(name)));
            }
        })
    }

    fn chain<'a>(&mut self, nodes: &'a [Node], value: &'a Json) -> Found<'a> {
        let mut current = Cow::Borrowed(value);
        for node in nodes {
            current = match current {
                Cow::Borrowed(value) => self.node(node, value)?,
                Cow::Owned(value) => Cow::Owned(self.run(node, &value)?),
            };
        }
        Ok(current)
    }

    /// The first value whose truth is `truth`, or else the last.
    fn first_with<'a>(&mut self, nodes: &'a [Node], value: &'a Json, truth: bool) -> Found<'a> {
        let mut last = Cow::Owned(Json::Null);
        for node in nodes {
            last = self.node(node, value)?;
            if truthy(&last) == truth {
                break;
            }
        }
        Ok(last)
    }

    fn project(
        &mut self,
        source: &Node,
        elements: &Elements,
        body: &Node,
        value: &Json,
    ) -> Result<Json, SearchError> {
        let source = self.node(source, value)?;
        let mut kept = Vec::new();
        match (elements, &*source) {
            (Elements::Values, Json::Object(_)) => {
                for (_, value) in source.as_object().unwrap_or_default() {
                    self.keep(body, value, &mut kept)?;
                }
            }
            (Elements::Array, Json::Array(_)) => {
                for value in source.as_array().unwrap_or_default() {
                    self.keep(body, value, &mut kept)?;
                }
            }
            (Elements::Filtered(condition), Json::Array(_)) => {
                for value in source.as_array().unwrap_or_default() {
                    if truthy(&*self.node(condition, value)?) {
                        self.keep(body, value, &mut kept)?;
                    }
                }
            }
            (Elements::Flattened, Json::Array(_)) => {
                for value in source.as_array().unwrap_or_default() {
                    match value.as_array() {
                        Some(inner) => {
                            self.meter.charge(cost::NODE)?;
                            for value in inner {
                                self.keep(body, value, &mut kept)?;
                            }
                        }
                        None => self.keep(body, value, &mut kept)?,
                    }
                }
            }
            _ => return Ok(Json::Null),
        }
        self.new_array(kept)
    }

    fn keep(&mut self, body: &Node, value: &Json, kept: &mut Vec<Json>) -> Result<(), SearchError> {
        let found = self.node(body, value)?;
        if *found != Json::Null {
            self.meter.charge(cost::ELEMENT)?;
            kept.push(found.into_owned());
        }
        Ok(())
    }

    fn hash(&mut self, members: &[(Arc<str>, Node)], value: &Json) -> Result<Json, SearchError> {
        Json::charge_members(members.iter().map(|(name, _)| &**name), self.meter)?;
        let mut made = Vec::with_capacity(members.len());
        for (name, node) in members {
            let value = self.run(node, value)?;
            self.charge_text(&value)?;
            made.push((Arc::clone(name), value));
        }
        self.checked(Json::object(made))
    }

    fn slice(
        &mut self,
        value: &Json,
        start: Option<i64>,
        stop: Option<i64>,
        step: i64,
    ) -> Result<Json, SearchError> {
        if step == 0 {
            return Err(SearchError::InvalidValue("a slice's step cannot be 0"));
        }
        let Some(items) = value.as_array() else { return Ok(Json::Null) };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let (low, high) = if step < 0 { (-1, length.saturating_sub(1)) } else { (0, length) };
        let bound = |given: Option<i64>, default: i64| match given {
            None => default,
            Some(place) if place < 0 => place.saturating_add(length).clamp(low, high),
            Some(place) => place.clamp(low, high),
        };
        let mut place = bound(start, if step < 0 { high } else { low });
        let stop = bound(stop, if step < 0 { low } else { high });
        let mut kept = Vec::new();
        while (step > 0 && place < stop) || (step < 0 && place > stop) {
            self.meter.charge(cost::ELEMENT)?;
            kept.extend(usize::try_from(place).ok().and_then(|p| items.get(p)).cloned());
            place = place.saturating_add(step);
        }
        self.new_array(kept)
    }

    fn compare(
        &mut self,
        operator: Comparison,
        left: &Json,
        right: &Json,
    ) -> Result<Json, SearchError> {
        let order = match operator {
            Comparison::Equal => return Ok(Json::Boolean(self.equal(left, right)?)),
            Comparison::NotEqual => return Ok(Json::Boolean(!self.equal(left, right)?)),
            _ => {
                self.charge_number(left)?;
                self.charge_number(right)?;
                left.number_order(right)
            }
        };
        let Some(order) = order else { return Ok(Json::Null) };
        Ok(Json::Boolean(match operator {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Equal | Comparison::NotEqual => false,
        }))
    }

    pub(super) fn equal(&mut self, left: &Json, right: &Json) -> Result<bool, SearchError> {
        self.meter.charge(cost::EQUAL)?;
        match (left, right) {
            (Json::Array(_), Json::Array(_)) => {
                let left = left.as_array().unwrap_or_default();
                let right = right.as_array().unwrap_or_default();
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (left, right) in left.iter().zip(right) {
                    if !self.equal(left, right)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Json::Object(_), Json::Object(_)) => {
                let members = left.as_object().unwrap_or_default();
                if members.len() != right.as_object().map_or(0, <[_]>::len) {
                    return Ok(false);
                }
                for (name, value) in members {
                    match self.member(right, name)? {
                        Some(other) if self.equal(value, other)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            (Json::String(one), Json::String(other)) => {
                if one.len() == other.len() {
                    self.meter.charge_long(cost::COMPARED, one.len())?;
                }
                Ok(one == other)
            }
            (Json::Decimal(_), Json::Decimal(_)) => {
                self.charge_number(left)?;
                Ok(left == right)
            }
            _ => Ok(left == right),
        }
    }

    fn member<'a>(&mut self, value: &'a Json, name: &str) -> Result<Option<&'a Json>, SearchError> {
        let Some(members) = value.as_object() else { return Ok(None) };
        let large = members.len() > LINEAR_MEMBERS_MAX;
        self.meter.charge(if large { cost::FIELD_INDEXED } else { cost::FIELD })?;
        self.meter.charge_long(cost::LONG_NAME, name.len())?;
        Ok(value.get(name))
    }

    /// Pays for comparing or copying a number.
    pub(super) fn charge_number(&mut self, value: &Json) -> Result<(), SearchError> {
        if let Json::Decimal(number) = value {
            self.meter.charge(cost::DECIMAL)?;
            self.meter.charge_long(cost::DIGITS, number.digits())?;
        }
        Ok(())
    }

    /// Pays for measuring a scalar's text; containers remember the size of theirs.
    pub(super) fn charge_text(&mut self, value: &Json) -> Result<(), SearchError> {
        match value {
            Json::String(text) => Ok(self.meter.charge_text(cost::READ, text.len())?),
            _ => Ok(()),
        }
    }

    /// An array of items whose places have been paid for.
    pub(super) fn new_array(&mut self, items: Vec<Json>) -> Result<Json, SearchError> {
        self.meter.charge(cost::ARRAY)?;
        for item in &items {
            self.charge_text(item)?;
        }
        self.checked(Json::array(items))
    }

    /// Refuses a value that nests too deep.
    pub(super) fn checked(&self, value: Json) -> Result<Json, SearchError> {
        if value.depth() > self.nesting_max {
            return Err(LimitExceeded::new(Limit::JsonNesting, self.nesting_max).into());
        }
        Ok(value)
    }
}

/// JMESPath's truth: false, null, `""`, `[]` and `{}` are false, all else is true, zero too.
pub(super) fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Boolean(value) => *value,
        Json::Integer(_) | Json::Decimal(_) => true,
        Json::String(text) => !text.is_empty(),
        Json::Array(_) => value.as_array().is_some_and(|items| !items.is_empty()),
        Json::Object(_) => value.as_object().is_some_and(|members| !members.is_empty()),
    }
}

fn element(value: &Json, index: i64) -> &Json {
    let Some(items) = value.as_array() else { return &Json::Null };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let place = if index < 0 { index.saturating_add(length) } else { index };
    usize::try_from(place).ok().and_then(|place| items.get(place)).unwrap_or(&Json::Null)
}
