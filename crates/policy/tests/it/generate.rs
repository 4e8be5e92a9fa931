//! Random policies, claims, queries and documents from a small alphabet, so that things meet.

use avouch_policy::ast::{
    Action, ActionBody, Assignment, Ast, Condition, Expression, ExpressionKind, Function,
    Identifier, Operator, Property, PropertyCondition, Rule, Section, SectionKind, Verb, Version,
};
use avouch_policy::{Claim, Issuer, Span, Value};

/// SplitMix64: a fixed seed gives the same cases everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

const TYPES: [&str; 5] = ["a", "b", "c", "d", "doc"];
const STRINGS: [&str; 8] = ["x", "y", "", "1", "true", "a", "Integer", "AttestationPolicy"];
/// Members in sorted order, so that engines which sort print the same text.
pub(crate) const DOCUMENTS: [&str; 12] = [
    "{\"a\":1,\"b\":[1,2,3],\"c\":{\"d\":\"x\",\"e\":null}}",
    "{\"Events\":[{\"n\":1,\"ok\":true},{\"n\":2,\"ok\":false},{\"n\":3}]}",
    "[1,2,2]",
    "[true]",
    "[\"x\",\"y\"]",
    "[]",
    "null",
    "7",
    "\"text\"",
    "[[1],[2]]",
    "{}",
    "not json",
];
pub(crate) const QUERIES: [&str; 26] = [
    "a",
    "b",
    "b[0]",
    "b[-1]",
    "b[*]",
    "c.d",
    "c.e",
    "*",
    "@",
    "Events[*].n",
    "Events[?ok].n",
    "Events[?n > `1`].n",
    "Events[?n == `2`] | [0].ok",
    "length(@)",
    "[0]",
    "[*]",
    "[]",
    "[1:]",
    "type(@)",
    "b | length(@)",
    "a == `1`",
    "!a",
    "a && b",
    "missing || 'y'",
    "[a, c.d]",
    "{p: a, q: c.d}",
];
const BAD_QUERIES: [&str; 3] = ["", "a b", "sum('x')"];

fn here() -> Span {
    Span::default()
}

fn expression(kind: ExpressionKind) -> Expression {
    Expression { span: here(), kind }
}

fn string(text: &str) -> Expression {
    expression(ExpressionKind::String(text.into()))
}

fn identifier(name: &str) -> Identifier {
    Identifier { name: name.into(), span: here() }
}

impl Random {
    pub(crate) fn claims(&mut self) -> Vec<Claim> {
        (0..self.below(7))
            .map(|_| {
                let name = self.pick(&TYPES);
                let value = self.value(name == "doc");
                let issuer = self.pick(&Issuer::ALL);
                let mut claim = Claim::new(name, value, issuer);
                claim.read_only = self.chance(12);
                claim
            })
            .collect()
    }

    fn value(&mut self, document: bool) -> Value {
        match self.below(10) {
            _ if document => Value::from(self.pick(&DOCUMENTS)),
            0..=3 => Value::Integer(self.below(4) as i64 - 1),
            4..=5 => Value::Boolean(self.chance(50)),
            6 => Value::from(self.pick(&DOCUMENTS)),
            _ => Value::from(self.pick(&STRINGS)),
        }
    }

    fn literal(&mut self) -> Expression {
        expression(match self.below(10) {
            0..=3 => ExpressionKind::Integer(self.below(4) as i64 - 1),
            4..=5 => ExpressionKind::Boolean(self.chance(50)),
            _ => ExpressionKind::String(self.pick(&STRINGS).into()),
        })
    }

    fn reference(&mut self, names: &[&str]) -> Expression {
        let property = if self.chance(80) { Property::Value } else { self.pick(&Property::ALL) };
        let identifier = identifier(names[self.below(names.len())]);
        expression(ExpressionKind::Reference { identifier, property })
    }

    fn call(&mut self, names: &[&str], depth: usize) -> Expression {
        let function = self.pick(&Function::ALL);
        let mut arguments: Vec<Expression> =
            (0..function.arguments()).map(|_| self.expression(names, depth + 1)).collect();
        match function {
            Function::JmesPath => {
                if self.chance(40) {
                    arguments[0] = string(self.pick(&DOCUMENTS));
                }
                if self.chance(90) {
                    let bad = self.chance(6);
                    let query = if bad { self.pick(&BAD_QUERIES) } else { self.pick(&QUERIES) };
                    arguments[1] = string(query);
                }
            }
            Function::JsonToClaimValue if self.chance(50) => {
                arguments[0] = string(self.pick(&DOCUMENTS));
            }
            Function::NegateBool if names.is_empty() => {
                arguments[0] = expression(ExpressionKind::Boolean(true));
            }
            _ => {}
        }
        expression(ExpressionKind::Call { name: identifier(function.name()), arguments })
    }

    fn expression(&mut self, names: &[&str], depth: usize) -> Expression {
        match self.below(10) {
            0..=4 if !names.is_empty() => self.reference(names),
            5..=6 if depth < 3 => self.call(names, depth),
            _ => self.literal(),
        }
    }

    fn test(&mut self, names: &[&str]) -> PropertyCondition {
        let property = match self.below(10) {
            0..=5 => Property::Value,
            6 => Property::ValueType,
            7..=8 => Property::Issuer,
            _ => Property::Type,
        };
        let operators = [
            Operator::Equal,
            Operator::Equal,
            Operator::Equal,
            Operator::NotEqual,
            Operator::Less,
            Operator::LessOrEqual,
            Operator::Greater,
            Operator::GreaterOrEqual,
        ];
        let mut operator = self.pick(&operators);
        let mut value = match property {
            Property::Value => self.expression(names, 1),
            Property::Type => string(self.pick(&TYPES)),
            Property::ValueType => string(self.pick(&["Integer", "String", "Boolean"])),
            Property::Issuer => string(self.pick(&Issuer::ALL).name()),
        };
        if property != Property::Value && operator.is_order() {
            operator = Operator::NotEqual;
        }
        if operator.is_order()
            && let ExpressionKind::String(_) | ExpressionKind::Boolean(_) = value.kind
        {
            value = expression(ExpressionKind::Integer(self.below(3) as i64));
        }
        PropertyCondition {
            property,
            property_span: here(),
            operator,
            operator_span: here(),
            value,
        }
    }

    fn condition(&mut self, names: &[&str], own: Option<&str>, version: Version) -> Condition {
        let mut selector = Vec::new();
        if self.chance(85) {
            selector.push(PropertyCondition {
                property: Property::Type,
                property_span: here(),
                operator: Operator::Equal,
                operator_span: here(),
                value: string(self.pick(&TYPES)),
            });
        }
        while selector.is_empty() || self.chance(35) {
            let place = self.below(selector.len() + 1);
            let test = if version == Version::V1_2 {
                self.test(names)
            } else {
                let mut test = self.test(names);
                if let ExpressionKind::Call { .. } = test.value.kind {
                    test.value = expression(ExpressionKind::Integer(1));
                }
                test
            };
            selector.insert(place, test);
        }
        let negated = version == Version::V1_2 && own.is_none() && self.chance(35);
        Condition {
            span: here(),
            negation: negated.then(here),
            identifier: own.map(identifier),
            selector,
        }
    }

    fn rule(&mut self, section: SectionKind, version: Version) -> Rule {
        let all = ["p", "q", "r"];
        let mut names: Vec<&str> = Vec::new();
        let mut conditions = Vec::new();
        let count = if section == SectionKind::Configuration { 0 } else { self.below(4) };
        for name in all.iter().take(count) {
            let own = self.chance(65).then_some(*name);
            let condition = self.condition(&names, own, version);
            conditions.push(condition);
            names.extend(own);
        }
        let verb = match section {
            SectionKind::Authorization if self.chance(45) => Verb::Permit,
            SectionKind::Authorization if self.chance(15) => Verb::Deny,
            _ => {
                let allowed: Vec<Verb> = Verb::allowed_in(section)
                    .iter()
                    .copied()
                    .filter(|verb| !matches!(verb, Verb::Permit | Verb::Deny))
                    .collect();
                self.pick(&allowed)
            }
        };
        let body = match verb {
            Verb::Permit | Verb::Deny => ActionBody::Empty,
            _ if !names.is_empty() && self.chance(20) => {
                ActionBody::Copy(identifier(names[self.below(names.len())]))
            }
            _ => self.make(section, verb, &names, version),
        };
        let action = Action { span: here(), verb, verb_span: here(), body };
        Rule { span: here(), conditions, action }
    }

    fn make(
        &mut self,
        section: SectionKind,
        verb: Verb,
        names: &[&str],
        version: Version,
    ) -> ActionBody {
        let assign = |property, value| Assignment { property, property_span: here(), value };
        let mut value = self.expression(names, 0);
        if version != Version::V1_2
            && let ExpressionKind::Call { .. } = value.kind
        {
            value = self.literal();
        }
        let mut claim_type = string(self.pick(&TYPES));
        if verb == Verb::IssueProperty {
            let (name, good) = match section {
                SectionKind::Configuration => self.pick(&[
                    ("required_pcr_mask", ExpressionKind::Integer(3)),
                    ("require_valid_aik_cert", ExpressionKind::Boolean(false)),
                ]),
                _ => self.pick(&[
                    ("report_validity_in_minutes", ExpressionKind::Integer(60)),
                    ("omit_x5c", ExpressionKind::Boolean(true)),
                    ("made_up", ExpressionKind::String("x".into())),
                ]),
            };
            claim_type = string(name);
            if value.kind.literal_kind().is_some() || self.chance(50) {
                value = expression(good);
            }
        } else if !names.is_empty() && self.chance(10) {
            claim_type = self.reference(names);
        }
        let mut made = vec![assign(Property::Type, claim_type), assign(Property::Value, value)];
        if made[1].value.kind.literal_kind().is_none() && self.chance(10) {
            made.push(assign(Property::ValueType, string(self.pick(&["Integer", "String"]))));
        }
        if self.chance(15) {
            made.reverse();
        }
        ActionBody::Make(made)
    }

    /// A policy that the checker accepts.
    pub(crate) fn policy(&mut self) -> Ast {
        let version = if self.chance(85) { Version::V1_2 } else { self.pick(&Version::ALL) };
        let configured = version != Version::V1_0 && self.chance(15);
        let mut section = |kind, count: usize| Section {
            kind,
            keyword: here(),
            rules: (0..count).map(|_| self.rule(kind, version)).collect(),
        };
        let configuration = configured.then(|| section(SectionKind::Configuration, 1));
        let mut authorization = section(SectionKind::Authorization, 2);
        let issuance = section(SectionKind::Issuance, 4);
        if self.chance(60) {
            let action = Action {
                span: here(),
                verb: Verb::Permit,
                verb_span: here(),
                body: ActionBody::Empty,
            };
            authorization.rules.push(Rule { span: here(), conditions: Vec::new(), action });
        }
        let issuance = self.chance(95).then_some(issuance);
        Ast { version, version_span: here(), configuration, authorization, issuance }
    }
}
