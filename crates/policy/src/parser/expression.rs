//! Expressions: literals, references, function calls.

use super::{Parser, Step};
use crate::ast::{Expression, ExpressionKind, Identifier, Property};
use crate::diag::{Diagnostic, Slug};
use crate::lexer::{TokenKind, unescape};
use crate::limits::Limit;
use crate::span::Span;

const EXPECTED: [&str; 5] = ["string", "integer", "true", "false", "identifier.property"];

impl Parser<'_> {
    // Recursion is bounded by `Limits::expression_nesting`, whose use is capped here.
    pub(super) fn expression(&mut self, rule: &'static str) -> Step<Expression> {
        let token = self.peek();
        match token.kind {
            TokenKind::String => {
                self.take();
                let text = unescape(self.text_of(token)).into();
                Ok(Expression { span: token.span, kind: ExpressionKind::String(text) })
            }
            TokenKind::Integer => {
                self.take();
                let value = self.integer(token.span);
                Ok(Expression { span: token.span, kind: ExpressionKind::Integer(value) })
            }
            TokenKind::Word => self.word_expression(rule),
            _ => self.unexpected(&EXPECTED, rule),
        }
    }

    fn integer(&mut self, span: Span) -> i64 {
        if let Ok(value) = span.of(self.text).parse() {
            return value;
        }
        self.report(Diagnostic::new(Slug::IntegerOutOfRange, span));
        0
    }

    fn word_expression(&mut self, rule: &'static str) -> Step<Expression> {
        let token = self.peek();
        let literal = match self.word() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        if let Some(value) = literal {
            self.take();
            return Ok(Expression { span: token.span, kind: ExpressionKind::Boolean(value) });
        }
        match self.peek_at(1).kind {
            TokenKind::Dot => self.reference(rule),
            TokenKind::OpenParen => self.call(rule),
            _ => self.unexpected(&EXPECTED, rule),
        }
    }

    fn reference(&mut self, rule: &'static str) -> Step<Expression> {
        let identifier = self.identifier();
        self.take();
        let Some(property) = Property::from_name(self.word()) else {
            return self.unexpected(&["type", "value", "valueType", "issuer"], rule);
        };
        let span = identifier.span.to(self.take().span);
        Ok(Expression { span, kind: ExpressionKind::Reference { identifier, property } })
    }

    fn call(&mut self, rule: &'static str) -> Step<Expression> {
        let token = self.take();
        let name = Identifier { name: self.text_of(token).into(), span: token.span };
        self.take();
        let allowed = self.limits.expression_nesting.min(NESTING_MAX);
        if self.nesting >= allowed {
            return self.exceeded(Limit::ExpressionNesting, allowed, token.span);
        }
        self.nesting = self.nesting.saturating_add(1);
        let arguments = self.arguments(rule);
        self.nesting = self.nesting.saturating_sub(1);
        let (arguments, end) = arguments?;
        let kind = ExpressionKind::Call { name, arguments };
        Ok(Expression { span: token.span.to(end), kind })
    }

    fn arguments(&mut self, rule: &'static str) -> Step<(Vec<Expression>, Span)> {
        let mut arguments = Vec::new();
        if let Some(end) = self.eat(TokenKind::CloseParen) {
            return Ok((arguments, end.span));
        }
        loop {
            arguments.push(self.expression(rule)?);
            if let Some(end) = self.eat(TokenKind::CloseParen) {
                return Ok((arguments, end.span));
            }
            if self.eat(TokenKind::Comma).is_none() {
                return self.unexpected(&[",", ")"], rule);
            }
        }
    }
}

/// However generous the limits, calls nest no deeper than this.
const NESTING_MAX: usize = 256;
