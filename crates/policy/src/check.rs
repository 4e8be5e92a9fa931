//! What a policy must fulfil beyond the grammar.

use std::collections::HashSet;
use std::sync::Arc;

use crate::ast::{
    Action, ActionBody, Assignment, Condition, Expression, ExpressionKind, Function, Identifier,
    Operator, Property, PropertyCondition, Rule, Section, SectionKind, Verb, Version,
};
use crate::diag::{DIAGNOSTICS_MAX, Diagnostic, Slug};
use crate::print::printable;
use crate::properties::{self, SettingError};
use crate::span::Span;
use crate::value::{Value, ValueKind};

/// Checks sections written in `version`.
pub(crate) fn check(version: Version, sections: &[Section]) -> Vec<Diagnostic> {
    let mut checker = Checker { version, found: Vec::new() };
    for section in sections {
        for rule in &section.rules {
            checker.rule(section.kind, rule);
        }
    }
    checker.found
}

struct Checker {
    version: Version,
    found: Vec<Diagnostic>,
}

/// The names that a place in a rule may refer to.
struct Scope<'a> {
    names: HashSet<&'a str>,
    /// Some of the names, in order, to be shown.
    shown: Vec<&'a str>,
    /// The name of the condition that is being checked.
    own: Option<&'a Identifier>,
}

/// Names of a rule that a message lists at most.
const SHOWN_MAX: usize = 10;

impl Checker {
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.found.len() < DIAGNOSTICS_MAX {
            self.found.push(diagnostic);
        }
    }

    fn rule(&mut self, section: SectionKind, rule: &Rule) {
        let mut scope = Scope { names: HashSet::new(), shown: Vec::new(), own: None };
        if let (SectionKind::Configuration, Some(first)) = (section, rule.conditions.first()) {
            let start = first.negation.or(first.identifier.as_ref().map(|i| i.span));
            let span =
                start.unwrap_or(Span::new(first.span.start, first.span.start.saturating_add(1)));
            self.report(Diagnostic::new(Slug::ConfigurationRuleCondition, span));
        }
        for condition in &rule.conditions {
            scope.own = condition.identifier.as_ref();
            self.condition(section, condition, &scope);
            if let Some(identifier) = &condition.identifier {
                if !scope.names.insert(&identifier.name) {
                    self.report(Diagnostic::new(Slug::DuplicateIdentifier, identifier.span));
                } else if scope.shown.len() < SHOWN_MAX {
                    scope.shown.push(&identifier.name);
                }
            }
        }
        scope.own = None;
        self.action(section, &rule.action, &scope);
    }

    fn condition(&mut self, section: SectionKind, condition: &Condition, scope: &Scope<'_>) {
        if let Some(span) = condition.negation
            && self.version < Version::V1_2
            && section != SectionKind::Configuration
        {
            let diagnostic = Diagnostic::new(Slug::OperatorNotInVersion, span);
            self.report(diagnostic.noting(self.version.name()));
        }
        for test in &condition.selector {
            self.test(test, scope);
        }
    }

    fn test(&mut self, test: &PropertyCondition, scope: &Scope<'_>) {
        self.expression(&test.value, scope);
        let literal = test.value.kind.literal_kind();
        if test.operator.is_order() {
            let unordered = match (test.property, literal) {
                (Property::Value, Some(ValueKind::String)) => "a String",
                (Property::Value, Some(ValueKind::Boolean)) => "a Boolean",
                (Property::Value, _) => "",
                (property, _) => property.name(),
            };
            if !unordered.is_empty() {
                let of = if test.property == Property::Value { "" } else { "the " };
                let diagnostic =
                    Diagnostic::new(Slug::OperatorNotSupportedForType, test.operator_span);
                self.report(diagnostic.noting(format!("{of}{unordered}")));
                return;
            }
        }
        self.text_property(test.property, &test.value);
    }

    /// type, issuer and valueType are strings; a type is not empty.
    fn text_property(&mut self, property: Property, value: &Expression) {
        if property == Property::Value {
            return;
        }
        match value.kind.literal_kind() {
            Some(ValueKind::Boolean | ValueKind::Integer) => {
                let note = format!("`{}` is always a String", property.name());
                self.report(Diagnostic::new(Slug::WrongLiteralType, value.span).noting(note));
            }
            Some(ValueKind::String)
                if property == Property::Type && value.kind.as_literal_str() == Some("") =>
            {
                self.report(Diagnostic::new(Slug::EmptyType, value.span));
            }
            _ => {}
        }
    }

    fn expression(&mut self, expression: &Expression, scope: &Scope<'_>) {
        match &expression.kind {
            ExpressionKind::String(_) | ExpressionKind::Integer(_) | ExpressionKind::Boolean(_) => {
            }
            ExpressionKind::Reference { identifier, .. } => self.known(identifier, scope),
            ExpressionKind::Call { name, arguments } => {
                self.call(name, arguments.len());
                for argument in arguments {
                    self.expression(argument, scope);
                }
            }
        }
    }

    fn known(&mut self, identifier: &Identifier, scope: &Scope<'_>) {
        if scope.names.contains(&*identifier.name) || self.found.len() >= DIAGNOSTICS_MAX {
            return;
        }
        let own = scope.own.is_some_and(|own| own.name == identifier.name);
        let names: Vec<String> =
            scope.shown.iter().map(|name| format!("`{}`", printable(name))).collect();
        let note = if own { "own".to_owned() } else { names.join(", ") };
        self.report(Diagnostic::new(Slug::UnknownIdentifier, identifier.span).noting(note));
    }

    fn call(&mut self, name: &Identifier, count: usize) {
        let Some(function) = Function::from_name(&name.name) else {
            return self.report(Diagnostic::new(Slug::UnknownFunction, name.span));
        };
        if self.version < Version::V1_2 {
            let diagnostic = Diagnostic::new(Slug::FunctionNotInVersion, name.span);
            return self.report(diagnostic.noting(self.version.name()));
        }
        if count != function.arguments() {
            let plural = if function.arguments() == 1 { "" } else { "s" };
            let note = format!("{} argument{plural}, not {count}", function.arguments());
            self.report(Diagnostic::new(Slug::WrongArgumentCount, name.span).noting(note));
        }
    }

    fn action(&mut self, section: SectionKind, action: &Action, scope: &Scope<'_>) {
        if !Verb::allowed_in(section).contains(&action.verb) {
            let diagnostic = Diagnostic::new(Slug::ActionNotAllowedInSection, action.verb_span);
            self.report(diagnostic.noting(section.name()));
        }
        match &action.body {
            ActionBody::Empty => {}
            ActionBody::Copy(identifier) => self.known(identifier, scope),
            ActionBody::Make(assignments) => self.make(section, action, assignments, scope),
        }
    }

    fn make(
        &mut self,
        section: SectionKind,
        action: &Action,
        assignments: &[Assignment],
        scope: &Scope<'_>,
    ) {
        let mut seen: Vec<Property> = Vec::new();
        for assignment in assignments {
            let property = assignment.property;
            if property == Property::Issuer {
                let span = assignment.property_span;
                self.report(Diagnostic::new(Slug::PropertyNotAssignable, span));
            } else if seen.contains(&property) {
                let span = assignment.property_span;
                self.report(Diagnostic::new(Slug::DuplicateProperty, span));
            }
            seen.push(property);
            self.expression(&assignment.value, scope);
            match property {
                Property::ValueType => self.value_type(assignment),
                Property::Type => self.text_property(property, &assignment.value),
                Property::Value | Property::Issuer => {}
            }
        }
        for (property, slug) in
            [(Property::Type, Slug::MissingType), (Property::Value, Slug::MissingValue)]
        {
            if !seen.contains(&property) {
                self.report(Diagnostic::new(slug, action.verb_span));
            }
        }
        self.literal_kind_agrees(assignments);
        if action.verb == Verb::IssueProperty {
            self.setting(section, assignments);
        }
    }

    fn value_type(&mut self, assignment: &Assignment) {
        let literal = assignment.value.kind.literal_kind();
        if matches!(literal, Some(ValueKind::Boolean | ValueKind::Integer)) {
            return self.text_property(Property::ValueType, &assignment.value);
        }
        let name = assignment.value.kind.as_literal_str();
        if name.and_then(ValueKind::from_name).is_none() {
            self.report(Diagnostic::new(Slug::InvalidValueType, assignment.value.span));
        }
    }

    fn literal_kind_agrees(&mut self, assignments: &[Assignment]) {
        let given = assigned(assignments, Property::Value);
        let declared = assigned(assignments, Property::ValueType)
            .and_then(|value| value.kind.as_literal_str())
            .and_then(ValueKind::from_name);
        if let (Some(value), Some(declared)) = (given, declared)
            && let Some(literal) = value.kind.literal_kind()
            && literal != declared
        {
            let note = format!("the value is not of the valueType \"{}\"", declared.name());
            self.report(Diagnostic::new(Slug::WrongLiteralType, value.span).noting(note));
        }
    }

    /// Checks a setting whose name is literal; its value if that is literal too.
    fn setting(&mut self, section: SectionKind, assignments: &[Assignment]) {
        let Some(name_expression) = assigned(assignments, Property::Type) else { return };
        let Some(name) = name_expression.kind.as_literal_str().filter(|name| !name.is_empty())
        else {
            return;
        };
        let value = assigned(assignments, Property::Value);
        let literal = value.and_then(|value| literal_value(&value.kind));
        // Without a literal value the name alone is checked, against a kind that fits it.
        let stand_in = || known_default(section, name);
        let checked = properties::check(section, name, &literal.unwrap_or_else(stand_in));
        let value_span = value.map_or(name_expression.span, |value| value.span);
        match checked {
            Ok(()) => {}
            Err(SettingError::Unknown(_)) => {
                let span = name_expression.span;
                self.report(Diagnostic::new(Slug::UnknownConfigurationProperty, span));
            }
            Err(error @ SettingError::Kind { .. }) => self.report(
                Diagnostic::new(Slug::WrongPropertyType, value_span).noting(error.to_string()),
            ),
            Err(error @ SettingError::Range { .. }) => self.report(
                Diagnostic::new(Slug::PropertyOutOfRange, value_span).noting(error.to_string()),
            ),
        }
    }
}

fn known_default(section: SectionKind, name: &str) -> Value {
    let setting = properties::known(section).iter().find(|setting| setting.name == name);
    match setting.map(|setting| (setting.kind, &setting.range)) {
        Some((ValueKind::Boolean, _)) => Value::Boolean(true),
        Some((ValueKind::Integer, range)) => {
            Value::Integer(range.as_ref().map_or(0, |range| *range.start()))
        }
        Some((ValueKind::String, _)) | None => Value::from(""),
    }
}

/// The expression that an action assigns to `property`.
pub(crate) fn assigned(assignments: &[Assignment], property: Property) -> Option<&Expression> {
    assignments.iter().find(|a| a.property == property).map(|a| &a.value)
}

/// The value of a literal.
pub(crate) fn literal_value(kind: &ExpressionKind) -> Option<Value> {
    match kind {
        ExpressionKind::String(text) => Some(Value::from(Arc::as_ref(text))),
        ExpressionKind::Integer(value) => Some(Value::Integer(*value)),
        ExpressionKind::Boolean(value) => Some(Value::Boolean(*value)),
        ExpressionKind::Reference { .. } | ExpressionKind::Call { .. } => None,
    }
}

impl Operator {
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
