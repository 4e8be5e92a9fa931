//! From JSON to a policy; all that is wrong is told at once.

use avouch_wire::json::parse_object;
use serde_json::{Map, Value};

use super::error::{PolicyError, PolicyErrors, Problem};
use super::place::Place;
use super::{
    Authority, AuthorityRule, CONDITIONS_MAX, ClaimCondition, ClaimPath, Condition,
    GROUPS_DEEP_MAX, Group, Operator, Operators, POLICY_BYTES_MAX, Quantifier, ReleasePolicy,
    Scalar, Version,
};

impl ReleasePolicy {
    /// Reads a policy of at most [`POLICY_BYTES_MAX`] bytes.
    ///
    /// Names of members are taken in any case, as the grammar's text and its samples differ in that. A
    /// member that the grammar does not have is refused, and so are empty groups, `allOf` beside
    /// `anyOf`, and operators that are not enabled.
    ///
    /// # Errors
    /// [`PolicyErrors`] with all that is wrong and where.
    pub fn parse(text: &[u8], operators: Operators) -> Result<Self, PolicyErrors> {
        let root = Place::Root;
        let members = parse_object(text, POLICY_BYTES_MAX)
            .map_err(|error| PolicyErrors(vec![error_at(&root, error)]))?;
        let mut reader = Reader { operators, conditions: 0, errors: Vec::new() };
        let policy = reader.policy(&members, &root);
        match policy {
            Some(policy) if reader.errors.is_empty() => Ok(policy),
            _ => Err(PolicyErrors(reader.errors)),
        }
    }
}

fn error_at(place: &Place<'_>, problem: impl Into<Problem>) -> PolicyError {
    PolicyError { place: place.to_string(), problem: problem.into() }
}

struct Reader {
    operators: Operators,
    conditions: usize,
    errors: Vec<PolicyError>,
}

/// The members of an object that the grammar has there, by their names in it.
type Known<'a> = Vec<(&'static str, &'a Value)>;

impl Reader {
    /// Notes what is wrong, and that there is nothing to go on with.
    fn wrong<T>(&mut self, place: &Place<'_>, problem: impl Into<Problem>) -> Option<T> {
        self.errors.push(error_at(place, problem));
        None
    }

    fn policy(&mut self, members: &Map<String, Value>, place: &Place<'_>) -> Option<ReleasePolicy> {
        let known = self.known(members, &["version", "anyOf"], place);
        let version = match named(&known, "version") {
            None => None,
            Some(version) => {
                let place = place.member("version");
                let text = self.text(version, &place)?;
                match Version::from_name(text) {
                    Some(version) => Some(version),
                    None => self.wrong(&place, Problem::Version(text.to_owned()))?,
                }
            }
        };
        let Some(rules) = named(&known, "anyOf") else {
            return self.wrong(place, Problem::Missing("anyOf"));
        };
        let place = place.member("anyOf");
        let any_of = self.each(rules, &place, Self::rule)?;
        Some(ReleasePolicy { version, any_of })
    }

    fn rule(&mut self, value: &Value, place: &Place<'_>) -> Option<AuthorityRule> {
        let members = self.object(value, place)?;
        let known = self.known(members, &["authority", "allOf", "anyOf"], place);
        let authority = match named(&known, "authority") {
            None => self.wrong(place, Problem::Missing("authority")),
            Some(authority) => {
                let place = place.member("authority");
                let text = self.text(authority, &place);
                text.map(Authority::parse)
                    .and_then(|read| read.map_or_else(|error| self.wrong(&place, error), Some))
            }
        };
        let conditions = self.group(&known, place, 1);
        Some(AuthorityRule { authority: authority?, conditions: conditions? })
    }

    /// The group that stands among these members; `level` is how deep it is.
    fn group(&mut self, known: &Known<'_>, place: &Place<'_>, level: usize) -> Option<Group> {
        let (quantifier, members) = match (named(known, "allOf"), named(known, "anyOf")) {
            (Some(members), None) => (Quantifier::AllOf, members),
            (None, Some(members)) => (Quantifier::AnyOf, members),
            (None, None) => return self.wrong(place, Problem::Missing("allOf or anyOf")),
            (Some(_), Some(_)) => return self.wrong(place, Problem::BothGroups),
        };
        let place = place.member(quantifier.name());
        if level > GROUPS_DEEP_MAX {
            return self.wrong(&place, Problem::TooDeep);
        }
        let members = self
            .each(members, &place, |reader, value, place| reader.condition(value, place, level))?;
        Some(Group { quantifier, members })
    }

    fn condition(&mut self, value: &Value, place: &Place<'_>, level: usize) -> Option<Condition> {
        const WORDS: [&str; 10] = [
            "claim",
            "allOf",
            "anyOf",
            Operator::Equals.name(),
            Operator::NotEquals.name(),
            Operator::Less.name(),
            Operator::LessOrEquals.name(),
            Operator::Greater.name(),
            Operator::GreaterOrEquals.name(),
            Operator::Exists.name(),
        ];
        self.conditions = self.conditions.saturating_add(1);
        if self.conditions > CONDITIONS_MAX {
            // Said once; what follows is not read.
            let is_first = self.conditions == CONDITIONS_MAX.saturating_add(1);
            return if is_first { self.wrong(place, Problem::TooMany) } else { None };
        }
        let members = self.object(value, place)?;
        let known = self.known(members, &WORDS, place);
        let is_group = named(&known, "allOf").or(named(&known, "anyOf")).is_some();
        if !is_group {
            return self.claim_condition(&known, place).map(Condition::Claim);
        }
        if let Some((name, _)) = known.iter().find(|(name, _)| !matches!(*name, "allOf" | "anyOf"))
        {
            return self.wrong(place, Problem::UnknownMember((*name).to_owned()));
        }
        self.group(&known, place, level.saturating_add(1)).map(Condition::Group)
    }

    fn claim_condition(&mut self, known: &Known<'_>, place: &Place<'_>) -> Option<ClaimCondition> {
        let claim = match named(known, "claim") {
            None => self.wrong(place, Problem::Missing("claim")),
            Some(claim) => self.claim(claim, &place.member("claim")),
        };
        let operators: Vec<(Operator, &Value)> = Operator::ALL
            .into_iter()
            .filter_map(|operator| Some((operator, named(known, operator.name())?)))
            .collect();
        let (operator, value) = match operators.as_slice() {
            [] => self.wrong(place, Problem::NoOperator)?,
            [one] => *one,
            several => self.wrong(place, Problem::SeveralOperators(several.len()))?,
        };
        let place = place.member(operator.name());
        if !self.operators.allow(operator) {
            return self.wrong(&place, Problem::NotEnabled(operator));
        }
        let value = self.scalar(value, &place)?;
        let value = self.operand(operator, value, &place)?;
        Some(ClaimCondition { claim: claim?, operator, value })
    }

    fn claim(&mut self, value: &Value, place: &Place<'_>) -> Option<ClaimPath> {
        let text = self.text(value, place)?;
        match ClaimPath::parse(text) {
            Some(path) => Some(path),
            None => self.wrong(place, Problem::Claim(text.to_owned())),
        }
    }

    fn scalar(&mut self, value: &Value, place: &Place<'_>) -> Option<Scalar> {
        match value {
            Value::String(text) => Some(Scalar::Text(text.clone())),
            Value::Bool(boolean) => Some(Scalar::Boolean(*boolean)),
            Value::Number(number) => match number.as_i128() {
                Some(integer) => Some(Scalar::Integer(integer)),
                None => self.wrong(place, Problem::Number(number.to_string())),
            },
            other => {
                let expected = "a string, an integer, true or false";
                self.wrong(place, Problem::Kind { expected, found: kind(other) })
            }
        }
    }

    /// The value as its operator takes it.
    fn operand(&mut self, operator: Operator, value: Scalar, place: &Place<'_>) -> Option<Scalar> {
        match operator {
            Operator::Equals | Operator::NotEquals => Some(value),
            Operator::Exists => match value {
                Scalar::Boolean(true) => Some(value),
                Scalar::Text(text) if text == "true" => Some(Scalar::Boolean(true)),
                _ => self.wrong(place, Problem::ExistsNotTrue),
            },
            _ => match integer(&value) {
                Some(integer) => Some(Scalar::Integer(integer)),
                None => self.wrong(place, Problem::NotInteger(operator)),
            },
        }
    }

    /// Reads every member of an array that must not be empty; nothing if one of them is wrong.
    fn each<T>(
        &mut self,
        value: &Value,
        place: &Place<'_>,
        mut read: impl FnMut(&mut Self, &Value, &Place<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(items) = value.as_array() else {
            return self.wrong(place, Problem::Kind { expected: "an array", found: kind(value) });
        };
        if items.is_empty() {
            return self.wrong(place, Problem::Empty);
        }
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| read(self, item, &place.item(index)))
            .collect();
        read.into_iter().collect()
    }

    fn object<'v>(
        &mut self,
        value: &'v Value,
        place: &Place<'_>,
    ) -> Option<&'v Map<String, Value>> {
        match value {
            Value::Object(members) => Some(members),
            other => self.wrong(place, Problem::Kind { expected: "an object", found: kind(other) }),
        }
    }

    fn text<'v>(&mut self, value: &'v Value, place: &Place<'_>) -> Option<&'v str> {
        match value {
            Value::String(text) => Some(text),
            other => self.wrong(place, Problem::Kind { expected: "a string", found: kind(other) }),
        }
    }

    fn known<'v>(
        &mut self,
        members: &'v Map<String, Value>,
        words: &[&'static str],
        place: &Place<'_>,
    ) -> Known<'v> {
        let mut known: Known<'v> = Vec::new();
        for (name, value) in members {
            match words.iter().find(|word| word.eq_ignore_ascii_case(name)) {
                None => self.errors.push(error_at(place, Problem::UnknownMember(name.clone()))),
                Some(word) if named(&known, word).is_some() => {
                    self.errors.push(error_at(place, Problem::MemberTwice(word)));
                }
                Some(word) => known.push((word, value)),
            }
        }
        known
    }
}

fn named<'v>(known: &Known<'v>, name: &str) -> Option<&'v Value> {
    known.iter().find(|(word, _)| *word == name).map(|(_, value)| *value)
}

/// An integer, or a text that is its decimal digits and nothing else.
fn integer(value: &Scalar) -> Option<i128> {
    match value {
        Scalar::Integer(integer) => Some(*integer),
        Scalar::Text(text) => {
            let integer = i128::from(text.parse::<i64>().ok()?);
            (integer.to_string() == *text).then_some(integer)
        }
        Scalar::Boolean(_) => None,
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
