//! Warnings about comments, whole sections and settings.

use super::{LintSlug, Linter};
use crate::ast::{Action, ActionBody, Property, Rule, SectionKind, Verb, assigned};
use crate::properties;

impl Linter<'_> {
    pub(super) fn comments(&mut self) {
        for span in self.policy.comments() {
            let text = self.policy.text();
            // A comment on a line of its own swallows nothing: the rule in it was commented out.
            let line = text.get(..span.start).and_then(|before| before.lines().next_back());
            let begins_line = text.get(..span.start).is_none_or(|before| before.ends_with('\n'));
            let is_alone = begins_line || line.is_none_or(|line| line.trim().is_empty());
            if !is_alone && span.of(text).contains("=>") {
                self.warn(
                    LintSlug::CommentSwallowsRule,
                    *span,
                    "the comment contains a rule",
                    "a comment goes to the end of its line; begin a new line if the rule should count",
                );
            }
        }
    }

    pub(super) fn sections(&mut self) {
        let policy = self.policy;
        for section in policy.ast().sections() {
            if section.kind == SectionKind::Authorization {
                self.decision(&section.rules, section.keyword);
            }
            for rule in &section.rules {
                self.verb(section.kind, &rule.action);
            }
        }
    }

    fn decision(&mut self, rules: &[Rule], keyword: crate::Span) {
        let of = |verb: Verb| rules.iter().filter(move |rule| rule.action.verb == verb);
        if of(Verb::Permit).next().is_none() {
            self.warn(
                LintSlug::NothingPermits,
                keyword,
                "no rule permits, so every request is refused",
                "add a rule with `permit()`",
            );
        }
        let always = of(Verb::Permit).find(|rule| rule.conditions.is_empty());
        let positive = |rule: &&Rule| rule.conditions.iter().any(|c| c.negation.is_none());
        if let (Some(permit), Some(_)) = (always, of(Verb::Deny).find(positive)) {
            self.warn(
                LintSlug::PermitAfterDenies,
                permit.span,
                "this permits whenever no denial fires, also when the claims they test are missing",
                "permit on conditions that must be true instead",
            );
        }
        if let Some(deny) = of(Verb::Deny).find(|rule| rule.conditions.is_empty()) {
            self.warn(
                LintSlug::NothingPermits,
                deny.span,
                "this always denies, so every request is refused",
                "give the rule a condition, or remove it",
            );
        }
    }

    fn verb(&mut self, section: SectionKind, action: &Action) {
        match (action.verb, section) {
            (Verb::Issue, SectionKind::Authorization) => self.warn(
                LintSlug::IssueInAuthorization,
                action.verb_span,
                "`issue` in authorizationrules does not reach the token",
                "write `add` here, and `issue` in issuancerules",
            ),
            (Verb::Issue, _) => self.issued_name(action),
            (Verb::IssueProperty, _) => self.setting(section, action),
            _ => {}
        }
    }

    fn issued_name(&mut self, action: &Action) {
        let ActionBody::Make(assignments) = &action.body else { return };
        let Some(expression) = assigned(assignments, Property::Type) else { return };
        let Some(name) = expression.kind.as_literal_str() else { return };
        if crate::token::is_reserved(name) {
            self.warn(
                LintSlug::ReservedName,
                expression.span,
                format!("`{name}` belongs to the service and is dropped from the token"),
                "issue the claim under another name",
            );
        } else if crate::token::is_service_space(name) {
            self.warn(
                LintSlug::ReservedName,
                expression.span,
                format!("`{name}` looks like a claim of the service and may be dropped"),
                "issue the claim under a name of your own",
            );
        }
    }

    fn setting(&mut self, section: SectionKind, action: &Action) {
        let ActionBody::Make(assignments) = &action.body else { return };
        let Some(expression) = assigned(assignments, Property::Type) else { return };
        let Some(name) = expression.kind.as_literal_str() else { return };
        if !properties::known(section).iter().any(|setting| setting.name == name) {
            let known = properties::ISSUANCE.map(|setting| setting.name);
            let help = match crate::suggest::nearest(name, known) {
                Some(nearest) => format!("write \"{nearest}\""),
                None => format!("the properties are {}", known.join(", ")),
            };
            let message = format!("there is no property `{name}` in {}", section.name());
            return self.warn(LintSlug::IneffectiveProperty, expression.span, message, help);
        }
        if self.vocabulary.settings.is_some_and(|settings| !settings.contains(&name)) {
            let kind = self.vocabulary.attestation_type().unwrap_or("this evidence");
            let message = format!("`{name}` has no effect for {kind}");
            self.warn(LintSlug::IneffectiveProperty, expression.span, message, "remove the rule");
        }
        let zero = assigned(assignments, Property::Value)
            .filter(|value| matches!(value.kind, crate::ast::ExpressionKind::Integer(0)));
        if let (Some(value), "required_pcr_mask") = (zero, name) {
            self.warn(
                LintSlug::IneffectiveProperty,
                value.span,
                "a mask of 0 requires no PCR at all",
                "set the bits of the PCRs that the quote must include",
            );
        }
    }
}
