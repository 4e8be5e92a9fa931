//! Warnings about conditions and the claims they name.

use std::collections::BTreeSet;

use super::patterns::{contradiction, is_upper_case_hex, quoted_scalar};
use super::{LintSlug, Linter};
use crate::ast::{
    Action, ActionBody, Condition, Expression, ExpressionKind, Function, Operator, Property,
    PropertyCondition, Rule, Section, SectionKind, Verb, assigned,
};
use crate::suggest::nearest;
use crate::value::Issuer;

impl Linter<'_> {
    pub(super) fn each_rule(&mut self) {
        let policy = self.policy;
        for section in policy.ast().sections() {
            for rule in &section.rules {
                for condition in &rule.conditions {
                    self.condition(condition);
                }
                self.split_selectors(rule);
                self.action_values(section.kind, &rule.action);
            }
        }
    }

    fn condition(&mut self, condition: &Condition) {
        let tests = |property: Property| condition.selector.iter().any(|t| t.property == property);
        if !tests(Property::Type) {
            self.warn(
                LintSlug::SelectorWithoutType,
                condition.span,
                "the selector does not test `type`, so any claim can satisfy it",
                "add type==\"name\"",
            );
        } else if !tests(Property::Issuer)
            && condition.negation.is_none()
            && self.vocabulary.has_client_claims
        {
            self.warn(
                LintSlug::SelectorWithoutIssuer,
                condition.span,
                "the selector does not test `issuer`, so a claim sent by the client can satisfy it",
                "add issuer==\"AttestationService\", or issuer==\"AttestationPolicy\" for claims of your rules",
            );
        }
        if let Some(why) = contradiction(&condition.selector) {
            let (slug, what) = match condition.negation {
                None => (LintSlug::NeverTrue, "no claim can satisfy the selector"),
                Some(_) => {
                    (LintSlug::AlwaysTrue, "no claim can satisfy the selector, so `!` always holds")
                }
            };
            self.warn(slug, condition.span, format!("{what}: {why}"), "correct one of the tests");
        }
        self.values(condition, literal_type(&condition.selector));
        for test in &condition.selector {
            self.test(test);
            self.queries(&test.value);
        }
    }

    fn test(&mut self, test: &PropertyCondition) {
        let literal = test.value.kind.as_literal_str();
        match (test.property, literal) {
            (Property::Issuer, Some(name)) if !Issuer::ALL.iter().any(|i| i.name() == name) => {
                let known = Issuer::ALL.map(Issuer::name);
                let help = match nearest(name, known) {
                    Some(issuer) => format!("write \"{issuer}\""),
                    None => format!("the issuers are {}", known.join(", ")),
                };
                self.compares_with_nothing(test, format!("there is no issuer \"{name}\""), help);
            }
            (Property::ValueType, Some(name)) if crate::ValueKind::from_name(name).is_none() => {
                let help = "the valueTypes are String, Integer, Boolean";
                self.compares_with_nothing(test, format!("there is no valueType \"{name}\""), help);
            }
            (Property::Value, Some(text)) if is_upper_case_hex(text) => self.warn(
                LintSlug::UpperCaseHex,
                test.value.span,
                "measurements are in lower-case hex, so this never equals one",
                format!("write \"{}\"", text.to_ascii_lowercase()),
            ),
            (Property::Value, Some(text)) if quoted_scalar(text) => self.warn(
                LintSlug::QuotedScalar,
                test.value.span,
                format!("\"{text}\" is a String and never equals {text}"),
                format!("write {text} without quotes if the claim is no String"),
            ),
            _ => {}
        }
        let call = matches!(&test.value.kind, ExpressionKind::Call { .. });
        if test.property != Property::Value && call && test.operator.is_order() {
            let message = format!("`{}` has no order", test.property.name());
            self.compares_with_nothing(test, message, "compare `value`");
        }
    }

    fn compares_with_nothing(
        &mut self,
        test: &PropertyCondition,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let slug = match test.operator {
            Operator::NotEqual => LintSlug::AlwaysTrue,
            _ => LintSlug::NeverTrue,
        };
        self.warn(slug, test.value.span, message, help);
    }

    /// `[type=="n", value>=3] && [type=="n", value<=7]` may be met by two claims.
    fn split_selectors(&mut self, rule: &Rule) {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for condition in rule.conditions.iter().filter(|c| c.negation.is_none()) {
            let Some(name) = literal_type(&condition.selector) else { continue };
            let joined = condition.identifier.is_some()
                || condition.selector.iter().any(|t| t.value.kind.literal_kind().is_none());
            if seen.contains(name) && !joined {
                self.warn(
                    LintSlug::SplitSelector,
                    condition.span,
                    format!("another claim `{name}` may satisfy this than the condition before"),
                    "put all tests of one claim into one selector",
                );
            }
            seen.insert(name);
        }
    }

    fn action_values(&mut self, section: SectionKind, action: &Action) {
        let ActionBody::Make(assignments) = &action.body else { return };
        for assignment in assignments {
            self.queries(&assignment.value);
        }
        let value = assigned(assignments, Property::Value);
        let json = value.filter(|value| {
            matches!(&value.kind, ExpressionKind::Call { name, .. } if &*name.name == Function::JmesPath.name())
        });
        if let (Some(value), Verb::Issue, SectionKind::Issuance) = (json, action.verb, section) {
            self.warn(
                LintSlug::JsonTextIssued,
                value.span,
                "the token will hold JSON text as a string: \"true\" and not true",
                "wrap the query into JsonToClaimValue(…)",
            );
        }
    }

    /// Tests of types that neither the service nor an earlier rule produces.
    pub(super) fn claim_names(&mut self) {
        let policy = self.policy;
        let mut made: BTreeSet<&str> = BTreeSet::new();
        let mut any_type = false;
        for section in policy.ast().sections() {
            for rule in &section.rules {
                for condition in &rule.conditions {
                    self.claim_name(condition, &made, any_type, section);
                }
                match made_type(&rule.action) {
                    Made::Literal(name) => {
                        made.insert(name);
                    }
                    Made::Computed => any_type = true,
                    Made::Nothing => {}
                }
            }
        }
    }

    fn claim_name(
        &mut self,
        condition: &Condition,
        made: &BTreeSet<&str>,
        any_type: bool,
        section: &Section,
    ) {
        let name = literal_type(&condition.selector);
        let (Some(name), Some(span)) = (name, literal_type_span(&condition.selector)) else {
            return;
        };
        let issuer = condition.selector.iter().find_map(|test| {
            let equal = test.property == Property::Issuer && test.operator == Operator::Equal;
            test.value.kind.as_literal_str().filter(|_| equal)
        });
        let by_rules = made.contains(name) || any_type;
        let by_service = self.vocabulary.may_have(name);
        let unknown = match issuer {
            Some("AttestationPolicy") => !by_rules,
            Some("AttestationService") => !by_service,
            Some(_) => false,
            // A client may send it, but a policy that means that says so.
            None => !by_rules && !by_service,
        };
        if !unknown {
            return;
        }
        let known = self.vocabulary.claims.iter().map(|claim| claim.name);
        let help = match nearest(name, known.chain(made.iter().copied())) {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => "check its spelling, or add it with a rule before this one".to_owned(),
        };
        let who = match (issuer, self.vocabulary.attestation_type()) {
            (Some("AttestationPolicy"), _) => "no rule before this one".to_owned(),
            (_, Some(kind)) => {
                format!("neither the service, for {kind}, nor a rule before this one")
            }
            (_, None) => "nothing".to_owned(),
        };
        let message = format!("{who} makes a claim `{name}` (in {})", section.kind.name());
        self.warn(LintSlug::UnknownClaim, span, message, help);
    }
}

enum Made<'a> {
    Literal(&'a str),
    Computed,
    Nothing,
}

fn made_type(action: &Action) -> Made<'_> {
    match &action.body {
        ActionBody::Empty => Made::Nothing,
        ActionBody::Copy(_) => Made::Computed,
        ActionBody::Make(assignments) => {
            match assigned(assignments, Property::Type).and_then(|e| e.kind.as_literal_str()) {
                Some(name) => Made::Literal(name),
                None => Made::Computed,
            }
        }
    }
}

/// The test `type == "literal"` of a selector.
fn literal_type_test(selector: &[PropertyCondition]) -> Option<(&str, &Expression)> {
    selector
        .iter()
        .filter(|test| test.property == Property::Type && test.operator == Operator::Equal)
        .find_map(|test| test.value.kind.as_literal_str().map(|name| (name, &test.value)))
}

fn literal_type(selector: &[PropertyCondition]) -> Option<&str> {
    literal_type_test(selector).map(|(name, _)| name)
}

fn literal_type_span(selector: &[PropertyCondition]) -> Option<crate::Span> {
    literal_type_test(selector).map(|(_, value)| value.span)
}
