//! What a policy must fulfil beyond the grammar, and what its names stand for.

mod scope;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use scope::Scope;

use crate::ast::{
    self, ActionBody, Assignment, Condition, ExpressionKind, Function, Identifier, Operator,
    Property, PropertyCondition, Rule, Section, SectionKind, Verb, Version, assigned,
};
use crate::diag::{DIAGNOSTICS_MAX, Diagnostic, Slug};
use crate::properties::{self, SettingError};
use crate::resolved::{self, Action, ClaimType, Expression, Make, Resolved, Symbols};
use crate::span::Span;
use crate::value::{Value, ValueKind};

/// Checks sections written in `version`, and gives every name in them what it stands for.
///
/// # Errors
/// All mistakes, up to [`DIAGNOSTICS_MAX`].
pub(crate) fn check(version: Version, sections: &[Section]) -> Result<Resolved, Vec<Diagnostic>> {
    let mut checker = Checker { version, symbols: Symbols::default(), found: Vec::new() };
    let rules = all(sections
        .iter()
        .flat_map(|section| {
            section.rules.iter().enumerate().map(move |(index, rule)| (section.kind, index, rule))
        })
        .map(|(section, index, rule)| checker.rule(section, index, rule)));
    match rules {
        Ok(rules) if checker.found.is_empty() => Ok(Resolved { rules, symbols: checker.symbols }),
        _ => Err(checker.found),
    }
}

struct Checker {
    version: Version,
    symbols: Symbols,
    found: Vec<Diagnostic>,
}

/// Marks that a diagnostic has been recorded, or that enough of them have been.
#[derive(Debug, Clone, Copy)]
struct Refused;

type Step<T> = Result<T, Refused>;

/// All of them, if none is refused. What stands behind one that is refused is looked at too.
fn all<T>(steps: impl Iterator<Item = Step<T>>) -> Step<Vec<T>> {
    let steps: Vec<Step<T>> = steps.collect();
    steps.into_iter().collect()
}

impl Checker {
    fn report(&mut self, diagnostic: Diagnostic) -> Refused {
        if !self.is_full() {
            self.found.push(diagnostic);
        }
        Refused
    }

    const fn is_full(&self) -> bool {
        self.found.len() >= DIAGNOSTICS_MAX
    }

    fn rule(&mut self, section: SectionKind, index: usize, rule: &Rule) -> Step<resolved::Rule> {
        if let (SectionKind::Configuration, Some(first)) = (section, rule.conditions.first()) {
            let start = first.negation.or(first.identifier.as_ref().map(|i| i.span));
            let span =
                start.unwrap_or(Span::new(first.span.start, first.span.start.saturating_add(1)));
            self.report(Diagnostic::new(Slug::ConfigurationRuleCondition, span));
        }
        let mut scope = Scope::of(rule);
        let conditions = rule.conditions.iter();
        let conditions = all(conditions.map(|found| self.condition(section, found, &mut scope)));
        let action = self.action(section, &rule.action, &scope);
        Ok(resolved::Rule {
            section,
            index,
            span: rule.span,
            conditions: conditions?,
            action: action?,
            slots: scope.slots(),
        })
    }

    fn condition<'a>(
        &mut self,
        section: SectionKind,
        condition: &'a Condition,
        scope: &mut Scope<'a>,
    ) -> Step<resolved::Condition> {
        if let Some(span) = condition.negation
            && self.version < Version::V1_2
            && section != SectionKind::Configuration
        {
            let diagnostic = Diagnostic::new(Slug::OperatorNotInVersion, span);
            self.report(diagnostic.noting(self.version.name()));
        }
        let name = condition.identifier.as_ref();
        scope.enter(name);
        let tests = all(condition.selector.iter().map(|test| self.test(test, scope)));
        let slot = scope.leave().map_err(|duplicate| {
            self.report(Diagnostic::new(Slug::DuplicateIdentifier, duplicate.span))
        });
        let negated = condition.negation.is_some();
        Ok(resolved::Condition { negated, named: name.is_some(), slot: slot?, tests: tests? })
    }

    fn test(&mut self, test: &PropertyCondition, scope: &Scope<'_>) -> Step<resolved::Test> {
        let value = self.expression(&test.value, scope);
        let (property, operator) = (test.property, test.operator);
        if operator.is_order() {
            self.ordered(test)?;
        }
        self.text_property(property, &test.value)?;
        let symbol = match (&test.value.kind, property, operator) {
            (ExpressionKind::String(name), Property::Type, Operator::Equal) => {
                Some(self.symbols.number(name))
            }
            _ => None,
        };
        Ok(resolved::Test { property, operator, value: value?, symbol })
    }

    /// Only values have an order, and of them only Integers.
    fn ordered(&mut self, test: &PropertyCondition) -> Step<()> {
        let unordered = match (test.property, test.value.kind.literal_kind()) {
            (Property::Value, Some(ValueKind::String)) => "a String",
            (Property::Value, Some(ValueKind::Boolean)) => "a Boolean",
            (Property::Value, _) => return Ok(()),
            (property, _) => property.name(),
        };
        let of = if test.property == Property::Value { "" } else { "the " };
        let diagnostic = Diagnostic::new(Slug::OperatorNotSupportedForType, test.operator_span);
        Err(self.report(diagnostic.noting(format!("{of}{unordered}"))))
    }

    /// type, issuer and valueType are strings; a type is not empty.
    fn text_property(&mut self, property: Property, value: &ast::Expression) -> Step<()> {
        if property == Property::Value {
            return Ok(());
        }
        match value.kind.literal_kind() {
            Some(ValueKind::Boolean | ValueKind::Integer) => {
                let note = format!("`{}` is always a String", property.name());
                let diagnostic = Diagnostic::new(Slug::WrongLiteralType, value.span);
                Err(self.report(diagnostic.noting(note)))
            }
            Some(ValueKind::String)
                if property == Property::Type && value.kind.as_literal_str() == Some("") =>
            {
                Err(self.report(Diagnostic::new(Slug::EmptyType, value.span)))
            }
            _ => Ok(()),
        }
    }

    // Recursion is bounded by `Limits::expression_nesting`.
    fn expression(&mut self, written: &ast::Expression, scope: &Scope<'_>) -> Step<Expression> {
        Ok(match &written.kind {
            ExpressionKind::String(text) => Expression::Literal(Value::from(&**text)),
            ExpressionKind::Integer(value) => Expression::Literal(Value::Integer(*value)),
            ExpressionKind::Boolean(value) => Expression::Literal(Value::Boolean(*value)),
            ExpressionKind::Reference { identifier, property } => {
                let slot = self.slot(identifier, scope)?;
                Expression::Reference { slot, property: *property }
            }
            ExpressionKind::Call { name, arguments } => {
                let function = self.function(name, arguments.len());
                let arguments = all(arguments.iter().map(|given| self.expression(given, scope)));
                Expression::Call { function: function?, arguments: arguments?, query: None }
            }
        })
    }

    fn slot(&mut self, name: &Identifier, scope: &Scope<'_>) -> Step<usize> {
        match scope.slot(&name.name) {
            Some(slot) => Ok(slot),
            None if self.is_full() => Err(Refused),
            None => {
                let diagnostic = Diagnostic::new(Slug::UnknownIdentifier, name.span);
                Err(self.report(diagnostic.noting(scope.instead_of(name))))
            }
        }
    }

    fn function(&mut self, name: &Identifier, count: usize) -> Step<Function> {
        let Some(function) = Function::from_name(&name.name) else {
            return Err(self.report(Diagnostic::new(Slug::UnknownFunction, name.span)));
        };
        if self.version < Version::V1_2 {
            let diagnostic = Diagnostic::new(Slug::FunctionNotInVersion, name.span);
            return Err(self.report(diagnostic.noting(self.version.name())));
        }
        if count != function.arguments() {
            let plural = if function.arguments() == 1 { "" } else { "s" };
            let note = format!("{} argument{plural}, not {count}", function.arguments());
            let diagnostic = Diagnostic::new(Slug::WrongArgumentCount, name.span);
            return Err(self.report(diagnostic.noting(note)));
        }
        Ok(function)
    }

    fn action(
        &mut self,
        section: SectionKind,
        action: &ast::Action,
        scope: &Scope<'_>,
    ) -> Step<Action> {
        let verb = action.verb;
        if !Verb::allowed_in(section).contains(&verb) {
            let diagnostic = Diagnostic::new(Slug::ActionNotAllowedInSection, action.verb_span);
            self.report(diagnostic.noting(section.name()));
        }
        match (&action.body, verb) {
            (ActionBody::Empty, Verb::Permit) => Ok(Action::Permit),
            (ActionBody::Empty, Verb::Deny) => Ok(Action::Deny),
            (ActionBody::Empty, _) => self.make(section, action, &[], scope),
            (ActionBody::Copy(name), _) => {
                self.slot(name, scope).map(|slot| Action::Copy { verb, slot })
            }
            (ActionBody::Make(assignments), _) => self.make(section, action, assignments, scope),
        }
    }

    fn make(
        &mut self,
        section: SectionKind,
        action: &ast::Action,
        assignments: &[Assignment],
        scope: &Scope<'_>,
    ) -> Step<Action> {
        let (mut claim_type, mut value, mut kind) = (None, None, None);
        let mut value_first = false;
        let mut seen: Vec<Property> = Vec::new();
        for Assignment { property, property_span, value: written } in assignments {
            if *property == Property::Issuer {
                self.report(Diagnostic::new(Slug::PropertyNotAssignable, *property_span));
            } else if seen.contains(property) {
                self.report(Diagnostic::new(Slug::DuplicateProperty, *property_span));
            }
            seen.push(*property);
            let expression = self.expression(written, scope);
            match property {
                Property::Type => {
                    value_first = value.is_some();
                    claim_type = Some(self.claim_type(written, expression));
                }
                Property::Value => value = Some(expression),
                Property::ValueType => kind = Some(self.value_type(written)),
                Property::Issuer => {}
            }
        }
        let mut missing = |slug| self.report(Diagnostic::new(slug, action.verb_span));
        let claim_type = claim_type.unwrap_or_else(|| Err(missing(Slug::MissingType)));
        let value = value.unwrap_or_else(|| Err(missing(Slug::MissingValue)));
        self.literal_kind_agrees(assignments);
        if action.verb == Verb::IssueProperty {
            self.setting(section, assignments);
        }
        Ok(Action::Make(Box::new(Make {
            verb: action.verb,
            claim_type: claim_type?,
            value: value?,
            kind: kind.transpose()?,
            value_first,
        })))
    }

    fn claim_type(
        &mut self,
        written: &ast::Expression,
        expression: Step<Expression>,
    ) -> Step<ClaimType> {
        self.text_property(Property::Type, written)?;
        match &written.kind {
            ExpressionKind::String(name) => {
                Ok(ClaimType::Literal(Arc::clone(name).into(), self.symbols.number(name)))
            }
            _ => expression.map(ClaimType::Computed),
        }
    }

    fn value_type(&mut self, written: &ast::Expression) -> Step<ValueKind> {
        self.text_property(Property::ValueType, written)?;
        let kind = written.kind.as_literal_str().and_then(ValueKind::from_name);
        kind.ok_or_else(|| self.report(Diagnostic::new(Slug::InvalidValueType, written.span)))
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
        let literal = value.and_then(|value| value.kind.literal_value());
        // Without a literal value the name alone is checked, against a kind that fits it.
        let stand_in = || known_default(section, name);
        let checked = properties::check(section, name, &literal.unwrap_or_else(stand_in));
        let value_span = value.map_or(name_expression.span, |value| value.span);
        let Err(error) = checked else { return };
        let noted = |slug| Diagnostic::new(slug, value_span).noting(error.to_string());
        self.report(match error {
            SettingError::Unknown(_) => {
                Diagnostic::new(Slug::UnknownConfigurationProperty, name_expression.span)
            }
            SettingError::Kind { .. } => noted(Slug::WrongPropertyType),
            SettingError::Range { .. } => noted(Slug::PropertyOutOfRange),
        });
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
