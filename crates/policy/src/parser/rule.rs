//! Rules: conditions and actions.

use super::{Parser, Step};
use crate::ast::{
    Action, ActionBody, Assignment, Condition, Identifier, Operator, Property, PropertyCondition,
    Rule, SectionKind, Verb, is_reserved,
};
use crate::diag::{Diagnostic, Slug};
use crate::lexer::TokenKind;
use crate::span::Span;

const CONDITION: &str = "policy > rule > condition";
const ACTION: &str = "policy > rule > action";

impl Parser<'_> {
    pub(super) fn rule(&mut self, section: SectionKind) -> Step<Rule> {
        let start = self.peek().span;
        let mut conditions = Vec::new();
        if !self.at(TokenKind::Arrow) {
            conditions.push(self.condition(&["=>", "[", "identifier", "!", "}"])?);
            while self.eat(TokenKind::AndAnd).is_some() {
                conditions.push(self.condition(&["[", "identifier", "!"])?);
            }
        }
        if self.eat(TokenKind::Arrow).is_none() {
            return self.unexpected(&["&&", "=>"], "policy > rule");
        }
        let action = self.action(section)?;
        let rule = Rule { span: start.to(action.span), conditions, action };
        self.rule_end()?;
        Ok(rule)
    }

    /// Takes the `;`. If it is missing and a new rule or the section's end follows, goes on as if
    /// it were there.
    fn rule_end(&mut self) -> Step<()> {
        let end = self.expect(TokenKind::Semicolon, "policy > rule");
        let resumes = self.rule_may_begin() || self.at(TokenKind::CloseBrace);
        if resumes { Ok(()) } else { end.map(|_| ()) }
    }

    /// Whether the token at hand looks like the first of a rule.
    pub(super) fn rule_may_begin(&self) -> bool {
        match self.peek().kind {
            TokenKind::Arrow | TokenKind::OpenBracket | TokenKind::Bang => true,
            TokenKind::Word => self.peek_at(1).kind == TokenKind::Colon,
            _ => false,
        }
    }

    fn condition(&mut self, expected: &[&'static str]) -> Step<Condition> {
        let start = self.peek();
        let mut negation = None;
        let mut identifier = None;
        match start.kind {
            TokenKind::OpenBracket => {}
            TokenKind::Bang => {
                negation = Some(self.take().span);
                self.label_on_negated()?;
            }
            TokenKind::Word if !self.reserved_without_colon() => {
                identifier = Some(self.identifier());
                self.expect(TokenKind::Colon, CONDITION)?;
                if !self.at(TokenKind::OpenBracket) {
                    return self.unexpected(&["["], CONDITION);
                }
            }
            _ => return self.unexpected(expected, CONDITION),
        }
        let (selector, end) = self.selector()?;
        Ok(Condition { span: start.span.to(end), negation, identifier, selector })
    }

    /// Whether the word at hand is a verb or property that was not meant as a name.
    fn reserved_without_colon(&self) -> bool {
        is_reserved(self.word()) && self.peek_at(1).kind != TokenKind::Colon
    }

    /// Takes the word at hand as a name.
    pub(super) fn identifier(&mut self) -> Identifier {
        let token = self.take();
        let name = self.text_of(token);
        if is_reserved(name) {
            self.report(Diagnostic::new(Slug::ReservedIdentifier, token.span));
        }
        Identifier { name: name.into(), span: token.span }
    }

    fn label_on_negated(&mut self) -> Step<()> {
        if self.at(TokenKind::Word) && self.peek_at(1).kind == TokenKind::Colon {
            let name = self.take().span;
            self.report(Diagnostic::new(Slug::LabelOnNegatedCondition, name));
            self.take();
        }
        if self.at(TokenKind::OpenBracket) { Ok(()) } else { self.unexpected(&["["], CONDITION) }
    }

    fn selector(&mut self) -> Step<(Vec<PropertyCondition>, Span)> {
        self.expect(TokenKind::OpenBracket, CONDITION)?;
        let mut selector = Vec::new();
        loop {
            selector.push(self.property_condition()?);
            if let Some(end) = self.eat(TokenKind::CloseBracket) {
                return Ok((selector, end.span));
            }
            if self.eat(TokenKind::Comma).is_none() {
                return self.unexpected(&[",", "]"], "policy > rule > condition > selector");
            }
        }
    }

    fn property_condition(&mut self) -> Step<PropertyCondition> {
        const RULE: &str = "policy > rule > condition > selector > propertyCondition";
        let Some(property) = Property::from_name(self.word()) else {
            return self.unexpected(&["type", "value", "valueType", "issuer"], RULE);
        };
        let property_span = self.take().span;
        let operator = match self.peek().kind {
            TokenKind::EqualEqual => Operator::Equal,
            TokenKind::NotEqual => Operator::NotEqual,
            TokenKind::Less => Operator::Less,
            TokenKind::LessEqual => Operator::LessOrEqual,
            TokenKind::Greater => Operator::Greater,
            TokenKind::GreaterEqual => Operator::GreaterOrEqual,
            _ => return self.unexpected(&["==", "!=", "<", "<=", ">", ">="], RULE),
        };
        let operator_span = self.take().span;
        let value = self.expression(RULE)?;
        Ok(PropertyCondition { property, property_span, operator, operator_span, value })
    }

    fn action(&mut self, section: SectionKind) -> Step<Action> {
        let verb_token = self.peek();
        let Some(verb) = Verb::from_name(self.word()) else {
            let verbs: Vec<_> = Verb::allowed_in(section).iter().map(|verb| verb.name()).collect();
            return self.unexpected(&verbs, ACTION);
        };
        self.take();
        self.expect(TokenKind::OpenParen, ACTION)?;
        let body = match verb {
            Verb::Permit | Verb::Deny => ActionBody::Empty,
            Verb::Add | Verb::Issue | Verb::IssueProperty => self.claim_arguments()?,
        };
        let Some(end) = self.eat(TokenKind::CloseParen) else {
            let expected: &[_] =
                if matches!(body, ActionBody::Make(_)) { &[",", ")"] } else { &[")"] };
            return self.unexpected(expected, ACTION);
        };
        let span = verb_token.span.to(end.span);
        Ok(Action { span, verb, verb_span: verb_token.span, body })
    }

    fn claim_arguments(&mut self) -> Step<ActionBody> {
        if self.word() == "claim" {
            self.take();
            self.expect(TokenKind::Equal, ACTION)?;
            if !self.at(TokenKind::Word) {
                return self.unexpected(&["identifier"], ACTION);
            }
            return Ok(ActionBody::Copy(self.identifier()));
        }
        let mut assignments = vec![self.assignment(&["claim", "type", "value", "valueType"])?];
        while self.eat(TokenKind::Comma).is_some() {
            assignments.push(self.assignment(&["type", "value", "valueType"])?);
        }
        Ok(ActionBody::Make(assignments))
    }

    fn assignment(&mut self, expected: &[&'static str]) -> Step<Assignment> {
        // `issuer` is let through, so that the checker can say why it cannot be set.
        let Some(property) = Property::from_name(self.word()) else {
            return self.unexpected(expected, "policy > rule > action > assignment");
        };
        let property_span = self.take().span;
        self.expect(TokenKind::Equal, "policy > rule > action > assignment")?;
        let value = self.expression("policy > rule > action > assignment")?;
        Ok(Assignment { property, property_span, value })
    }
}
