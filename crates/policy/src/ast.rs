//! The tree of a policy, as written: every node knows its place in the text.

use std::sync::Arc;

use crate::span::Span;
use crate::value::Value;

/// The version of the language that a policy is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.0
    V1_0,
    /// 1.1: configuration rules.
    V1_1,
    /// 1.2: functions and negated conditions.
    V1_2,
}

impl Version {
    /// All versions, oldest first.
    pub const ALL: [Self; 3] = [Self::V1_0, Self::V1_1, Self::V1_2];

    /// The number as policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

/// A whole policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ast {
    /// 1.0, 1.1 or 1.2.
    pub version: Version,
    /// Where the version number stands.
    pub version_span: Span,
    /// `configurationrules`, from version 1.1 on, if present.
    pub configuration: Option<Section>,
    /// `authorizationrules`, in every policy.
    pub authorization: Section,
    /// `issuancerules`, if present.
    pub issuance: Option<Section>,
}

impl Ast {
    /// The sections in the order in which they stand and run.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.configuration.iter().chain(std::iter::once(&self.authorization)).chain(&self.issuance)
    }
}

/// Which section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum SectionKind {
    /// `configurationrules`
    #[serde(rename = "configurationrules")]
    Configuration,
    /// `authorizationrules`
    #[serde(rename = "authorizationrules")]
    Authorization,
    /// `issuancerules`
    #[serde(rename = "issuancerules")]
    Issuance,
}

impl SectionKind {
    /// The keyword.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configurationrules",
            Self::Authorization => "authorizationrules",
            Self::Issuance => "issuancerules",
        }
    }

    pub(crate) fn from_keyword(word: &str) -> Option<Self> {
        [Self::Configuration, Self::Authorization, Self::Issuance]
            .into_iter()
            .find(|kind| word.eq_ignore_ascii_case(kind.name()))
    }
}

/// A section with its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Which section.
    pub kind: SectionKind,
    /// Bytes of its keyword.
    pub keyword: Span,
    /// The rules in order.
    pub rules: Vec<Rule>,
}

/// `conditions => action;`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// From the first token to the end of the action.
    pub span: Span,
    /// Joined by `&&`; none means always.
    pub conditions: Vec<Condition>,
    /// What the rule does.
    pub action: Action,
}

/// `[name:] [ … ]` or `![ … ]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The whole condition.
    pub span: Span,
    /// The `!`, if the condition is negated.
    pub negation: Option<Span>,
    /// The name by which later parts of the rule refer to the claim.
    pub identifier: Option<Identifier>,
    /// The property conditions; all must hold for one claim.
    pub selector: Vec<PropertyCondition>,
}

/// A name with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// As written: letters, digits and `_`.
    pub name: Arc<str>,
    /// Its place.
    pub span: Span,
}

/// `property comparison expression`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyCondition {
    /// The property of the claim that is tested.
    pub property: Property,
    /// Its place.
    pub property_span: Span,
    /// How property and expression are compared.
    pub operator: Operator,
    /// Its place.
    pub operator_span: Span,
    /// What the property is compared with.
    pub value: Expression,
}

/// A property of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Property {
    /// `type`
    Type,
    /// `value`
    Value,
    /// `valueType`
    ValueType,
    /// `issuer`
    Issuer,
}

impl Property {
    /// All properties.
    pub const ALL: [Self; 4] = [Self::Type, Self::Value, Self::ValueType, Self::Issuer];

    /// The property as policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Value => "value",
            Self::ValueType => "valueType",
            Self::Issuer => "issuer",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.name() == name)
    }
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    /// The operator as policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether the operator compares by order, which only Integers have.
    #[must_use]
    pub const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether the operator holds for two values.
    ///
    /// Equality is by kind and value; order holds between Integers only
    /// (`docs/policy.md#conditions`).
    pub(crate) fn holds(self, left: &Value, right: &Value) -> bool {
        match (self, left, right) {
            (Self::Equal, ..) => left == right,
            (Self::NotEqual, ..) => left != right,
            (Self::Less, Value::Integer(left), Value::Integer(right)) => left < right,
            (Self::LessOrEqual, Value::Integer(left), Value::Integer(right)) => left <= right,
            (Self::Greater, Value::Integer(left), Value::Integer(right)) => left > right,
            (Self::GreaterOrEqual, Value::Integer(left), Value::Integer(right)) => left >= right,
            _ => false,
        }
    }
}

/// An expression with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// The whole expression.
    pub span: Span,
    /// What it is.
    pub kind: ExpressionKind,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpressionKind {
    /// `"text"`, unescaped here.
    String(Arc<str>),
    /// `-12`
    Integer(i64),
    /// `true`
    Boolean(bool),
    /// `c.value`
    Reference {
        /// The name of an earlier condition.
        identifier: Identifier,
        /// A property of the claim bound to it.
        property: Property,
    },
    /// `Name(a, b)`
    Call {
        /// The function's name, known or not.
        name: Identifier,
        /// The arguments in order.
        arguments: Vec<Expression>,
    },
}

impl ExpressionKind {
    /// The kind of a literal.
    #[must_use]
    pub const fn literal_kind(&self) -> Option<crate::ValueKind> {
        match self {
            Self::String(_) => Some(crate::ValueKind::String),
            Self::Integer(_) => Some(crate::ValueKind::Integer),
            Self::Boolean(_) => Some(crate::ValueKind::Boolean),
            Self::Reference { .. } | Self::Call { .. } => None,
        }
    }

    /// The value of a literal.
    pub(crate) fn literal_value(&self) -> Option<Value> {
        match self {
            Self::String(text) => Some(Value::from(&**text)),
            Self::Integer(value) => Some(Value::Integer(*value)),
            Self::Boolean(value) => Some(Value::Boolean(*value)),
            Self::Reference { .. } | Self::Call { .. } => None,
        }
    }

    /// The text of a string literal.
    #[must_use]
    pub fn as_literal_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A function of version 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `JmesPath(json, query)`
    JmesPath,
    /// `JsonToClaimValue(json)`
    JsonToClaimValue,
    /// `IsSubsetOf(a, b)`
    IsSubsetOf,
    /// `AppendString(a, b)`
    AppendString,
    /// `NegateBool(a)`
    NegateBool,
    /// `ContainsOnlyValue(set, v)`
    ContainsOnlyValue,
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 6] = [
        Self::JmesPath,
        Self::JsonToClaimValue,
        Self::IsSubsetOf,
        Self::AppendString,
        Self::NegateBool,
        Self::ContainsOnlyValue,
    ];

    /// The name as policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JmesPath => "JmesPath",
            Self::JsonToClaimValue => "JsonToClaimValue",
            Self::IsSubsetOf => "IsSubsetOf",
            Self::AppendString => "AppendString",
            Self::NegateBool => "NegateBool",
            Self::ContainsOnlyValue => "ContainsOnlyValue",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub const fn arguments(self) -> usize {
        match self {
            Self::JsonToClaimValue | Self::NegateBool => 1,
            Self::JmesPath | Self::IsSubsetOf | Self::AppendString | Self::ContainsOnlyValue => 2,
        }
    }

    /// Whether the argument at `place` is a set rather than a scalar.
    #[must_use]
    pub const fn takes_set(self, place: usize) -> bool {
        matches!((self, place), (Self::IsSubsetOf, _) | (Self::ContainsOnlyValue, 0))
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}

/// What a rule does when its conditions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The whole action.
    pub span: Span,
    /// What the action does.
    pub verb: Verb,
    /// Its place.
    pub verb_span: Span,
    /// What stands in the parentheses.
    pub body: ActionBody,
}

/// A verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// `permit`
    Permit,
    /// `deny`
    Deny,
    /// `add`
    Add,
    /// `issue`
    Issue,
    /// `issueproperty`
    IssueProperty,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 5] =
        [Self::Permit, Self::Deny, Self::Add, Self::Issue, Self::IssueProperty];

    /// The verb as policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
            Self::Add => "add",
            Self::Issue => "issue",
            Self::IssueProperty => "issueproperty",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// The verbs that `section` allows (`docs/policy.md#sections`).
    #[must_use]
    pub const fn allowed_in(section: SectionKind) -> &'static [Self] {
        match section {
            SectionKind::Configuration => &[Self::IssueProperty],
            SectionKind::Authorization => &[Self::Permit, Self::Deny, Self::Add, Self::Issue],
            SectionKind::Issuance => &[Self::Add, Self::Issue, Self::IssueProperty],
        }
    }
}

/// What stands in the parentheses of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionBody {
    /// Nothing: `permit()`, `deny()`.
    Empty,
    /// `claim = c`
    Copy(Identifier),
    /// `type = …, value = …`
    Make(Vec<Assignment>),
}

/// `property = expression`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The property that is set.
    pub property: Property,
    /// Its place.
    pub property_span: Span,
    /// What it is set to.
    pub value: Expression,
}

/// What an action assigns to `property`.
pub(crate) fn assigned(assignments: &[Assignment], property: Property) -> Option<&Expression> {
    assignments.iter().find(|a| a.property == property).map(|a| &a.value)
}

/// Words that no identifier may have.
pub(crate) fn is_reserved(word: &str) -> bool {
    Property::from_name(word).is_some()
        || Verb::from_name(word).is_some()
        || matches!(word, "claim" | "true" | "false")
}

impl Ast {
    /// The tree without its places: two policies that differ in layout alone become equal.
    #[must_use]
    pub fn without_places(mut self) -> Self {
        self.version_span = Span::default();
        let sections =
            self.configuration.iter_mut().chain(std::iter::once(&mut self.authorization));
        for section in sections.chain(&mut self.issuance) {
            section.keyword = Span::default();
            section.rules.iter_mut().for_each(Rule::erase);
        }
        self
    }
}

impl Rule {
    fn erase(&mut self) {
        self.span = Span::default();
        for condition in &mut self.conditions {
            condition.span = Span::default();
            condition.negation = condition.negation.map(|_| Span::default());
            if let Some(identifier) = &mut condition.identifier {
                identifier.span = Span::default();
            }
            for test in &mut condition.selector {
                test.property_span = Span::default();
                test.operator_span = Span::default();
                test.value.erase();
            }
        }
        self.action.span = Span::default();
        self.action.verb_span = Span::default();
        match &mut self.action.body {
            ActionBody::Empty => {}
            ActionBody::Copy(identifier) => identifier.span = Span::default(),
            ActionBody::Make(assignments) => {
                for assignment in assignments {
                    assignment.property_span = Span::default();
                    assignment.value.erase();
                }
            }
        }
    }
}

impl Expression {
    fn erase(&mut self) {
        self.span = Span::default();
        match &mut self.kind {
            ExpressionKind::Reference { identifier, .. } => identifier.span = Span::default(),
            ExpressionKind::Call { name, arguments } => {
                name.span = Span::default();
                arguments.iter_mut().for_each(Self::erase);
            }
            _ => {}
        }
    }
}
