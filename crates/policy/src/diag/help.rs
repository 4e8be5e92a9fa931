//! Messages, and the advice that goes with them.

use super::{Diagnostic, Slug};
use crate::ast::{Function, Property, Verb, is_reserved};
use crate::print::printable;
use crate::suggest::nearest;

/// A diagnostic with the words around it.
pub(super) struct Context<'a> {
    diagnostic: &'a Diagnostic,
    near: &'a str,
    previous: &'a str,
    behind: &'a str,
}

impl<'a> Context<'a> {
    pub(super) fn new(diagnostic: &'a Diagnostic, text: &'a str) -> Self {
        let previous = diagnostic.previous.map(|span| span.of(text)).unwrap_or_default();
        let behind = text.get(diagnostic.span.end..).unwrap_or_default().trim_start();
        Self { diagnostic, near: &diagnostic.near, previous, behind }
    }

    fn note(&self) -> &str {
        self.diagnostic.note.as_deref().unwrap_or_default()
    }

    fn expects(&self, token: &str) -> bool {
        self.diagnostic.expected.iter().any(|expected| expected == token)
    }

    fn expects_expression(&self) -> bool {
        self.expects("string")
    }

    fn expects_verb(&self) -> bool {
        self.diagnostic.expected.iter().any(|expected| Verb::from_name(expected).is_some())
    }

    fn in_rule(&self, rule: &str) -> bool {
        self.diagnostic.failing_rule.starts_with(rule)
    }

    pub(super) fn message(&self) -> String {
        let near = printable(self.near);
        match self.diagnostic.slug {
            Slug::UnexpectedToken => format!("{} expected, found `{near}`", self.expected_words()),
            Slug::UnexpectedEnd => format!("{} expected, but the text ends", self.expected_words()),
            Slug::InvalidCharacter => self.invalid_character(),
            Slug::UnterminatedString => "the string is not closed on its line".into(),
            Slug::InvalidEscape => format!("there is no escape `{near}`"),
            Slug::IntegerOutOfRange => format!("`{near}` does not fit into 64 bits"),
            Slug::UnsupportedVersion => format!("there is no policy version {near}"),
            Slug::SectionNotInVersion => "version 1.0 has no `configurationrules`".into(),
            Slug::OperatorNotInVersion => {
                format!("version {} has no negated conditions", self.note())
            }
            Slug::FunctionNotInVersion => {
                format!("version {} has no functions, so no `{near}`", self.note())
            }
            Slug::ActionNotAllowedInSection => {
                format!("`{near}` is not allowed in `{}`", self.note())
            }
            Slug::UnknownIdentifier => {
                format!("no earlier condition of this rule is named `{near}`")
            }
            Slug::DuplicateIdentifier => format!("two conditions of this rule are named `{near}`"),
            Slug::ReservedIdentifier => format!("`{near}` is a word of the language, not a name"),
            Slug::LabelOnNegatedCondition => {
                format!("a negated condition finds no claim that `{near}` could name")
            }
            Slug::ConfigurationRuleCondition => {
                "a configuration rule cannot have conditions".into()
            }
            Slug::OperatorNotSupportedForType => {
                format!("`{near}` compares Integers, not {}", self.note())
            }
            Slug::WrongLiteralType => self.note().to_owned(),
            Slug::EmptyType => "a claim type cannot be empty".into(),
            Slug::MissingType => format!("`{near}` does not say the `type` of the claim"),
            Slug::MissingValue => format!("`{near}` does not say the `value` of the claim"),
            Slug::DuplicateProperty => format!("`{near}` is given twice"),
            Slug::PropertyNotAssignable => format!("`{near}` cannot be set by a rule"),
            Slug::InvalidValueType => {
                "`valueType` must be \"String\", \"Integer\" or \"Boolean\"".into()
            }
            Slug::UnknownFunction => format!("there is no function `{near}`"),
            Slug::WrongArgumentCount => format!("`{near}` takes {}", self.note()),
            Slug::WrongPropertyType | Slug::PropertyOutOfRange => self.note().to_owned(),
            Slug::UnknownConfigurationProperty => {
                format!("`configurationrules` has no property {near}")
            }
            Slug::LimitExceeded => self.note().to_owned(),
        }
    }

    fn expected_words(&self) -> String {
        let quoted: Vec<String> = self
            .diagnostic
            .expected
            .iter()
            .map(|word| match word.as_str() {
                "identifier" => "a name".to_owned(),
                "version number" => "a version number".to_owned(),
                "end of text" => "the end of the text".to_owned(),
                other => format!("`{other}`"),
            })
            .collect();
        if self.expects_expression() {
            return "a value was".into();
        }
        match quoted.as_slice() {
            [] => "something else was".into(),
            [one] => format!("{one} was"),
            [init @ .., last] => format!("{} or {last} was", init.join(", ")),
        }
    }

    fn invalid_character(&self) -> String {
        if !self.note().is_empty() {
            return self.note().to_owned();
        }
        let mut chars = self.near.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => match character_name(c) {
                Some(name) => format!("a {name} (U+{:04X}) cannot stand here", u32::from(c)),
                None => format!("`{}` cannot stand here", printable(self.near)),
            },
            _ => format!("`{}` is no integer", printable(self.near)),
        }
    }

    pub(super) fn help(&self) -> Option<String> {
        let fixed = |text: &str| Some(text.to_owned());
        match self.diagnostic.slug {
            Slug::UnexpectedToken => self.token_help(),
            Slug::UnexpectedEnd => fixed(self.end_help()),
            Slug::InvalidCharacter => fixed(self.character_help()),
            Slug::UnterminatedString => fixed(
                "close it with `\"`; a string cannot go over several lines, and `\\\"` does not close it",
            ),
            Slug::InvalidEscape => {
                fixed("write `\\\\` for a backslash; only `\\\"` and `\\\\` exist")
            }
            Slug::IntegerOutOfRange => {
                fixed("the largest integer is 9223372036854775807; longer values must be strings")
            }
            Slug::UnsupportedVersion => fixed("write 1.0, 1.1 or 1.2; 1.2 has everything"),
            Slug::SectionNotInVersion => fixed("write `version=1.1;` or `version=1.2;`"),
            Slug::OperatorNotInVersion | Slug::FunctionNotInVersion => {
                fixed("write `version=1.2;` at the top")
            }
            Slug::ActionNotAllowedInSection => self.verb_help(),
            Slug::UnknownIdentifier => Some(self.identifier_help()),
            Slug::DuplicateIdentifier => fixed("give each condition a name of its own"),
            Slug::ReservedIdentifier => fixed("choose another name, such as `c`"),
            Slug::LabelOnNegatedCondition => fixed("drop the name and the colon"),
            Slug::ConfigurationRuleCondition => fixed(
                "configuration is read before the evidence, when there are no claims yet; begin the rule with `=>`",
            ),
            Slug::OperatorNotSupportedForType => {
                fixed("use `==` or `!=`, or compare `value` with an Integer")
            }
            Slug::WrongLiteralType => {
                fixed("put text into double quotes; numbers, true and false go without")
            }
            Slug::EmptyType => fixed("name the claim, as in type=\"my-claim\""),
            Slug::MissingType => fixed("add `type=\"name\"`"),
            Slug::MissingValue => fixed("add `value=…`, or copy a whole claim with `claim=c`"),
            Slug::DuplicateProperty => fixed("keep one of them; several claims need several rules"),
            Slug::PropertyNotAssignable => {
                fixed("leave it out: what a rule makes is always issued by AttestationPolicy")
            }
            Slug::InvalidValueType => fixed("leave it out: the kind follows from the value"),
            Slug::UnknownFunction => self.function_help(),
            Slug::WrongArgumentCount => Function::from_name(self.near).map(usage),
            Slug::WrongPropertyType | Slug::PropertyOutOfRange => None,
            Slug::UnknownConfigurationProperty => Some(self.property_help()),
            Slug::LimitExceeded => None,
        }
    }

    fn verb_help(&self) -> Option<String> {
        let help = match (self.near, self.note()) {
            (_, "configurationrules") => "only `issueproperty` is allowed here",
            ("permit" | "deny", _) => "decide in `authorizationrules`",
            (_, "authorizationrules") => {
                "set properties in `configurationrules` or `issuancerules`"
            }
            _ => return None,
        };
        Some(help.into())
    }

    fn identifier_help(&self) -> String {
        match self.note() {
            "own" => "a condition cannot refer to itself; name an earlier condition".into(),
            "" => "write the condition as `name:[…]` to name the claim that it finds".into(),
            known => format!("the names of this rule are {known}"),
        }
    }

    fn function_help(&self) -> Option<String> {
        if let Some(name) = nearest(self.near, Function::ALL.map(Function::name)) {
            return Some(format!("write `{name}`; names of functions are case-sensitive"));
        }
        let names = Function::ALL.map(Function::name).join(", ");
        Some(format!("the functions are {names}"))
    }

    fn property_help(&self) -> String {
        let known = crate::properties::CONFIGURATION.map(|property| property.name);
        match nearest(self.near.trim_matches('"'), known) {
            Some(name) => format!("write \"{name}\""),
            None => format!("the properties are {}", known.join(", ")),
        }
    }

    fn end_help(&self) -> &'static str {
        if self.expects("version") {
            "a policy begins with `version=1.0;`"
        } else if self.expects("authorizationrules") {
            "a policy needs `authorizationrules { … };`"
        } else if self.expects("}") {
            "close the section with `};`"
        } else if self.expects(";") && self.in_rule("policy > rule") {
            "end the rule with `;` and the section with `};`"
        } else if self.expects(";") {
            "add `;`"
        } else {
            "the rule is not complete"
        }
    }

    fn character_help(&self) -> &'static str {
        match self.near.chars().next() {
            Some('“' | '”' | '„' | '«' | '»' | '\'' | '‘' | '’' | '`' | '´') => {
                "strings stand in plain double quotes: \"text\""
            }
            Some('\u{a0}' | '\u{2000}'..='\u{200f}' | '\u{202f}' | '\u{3000}' | '\u{feff}') => {
                "replace it by a plain space; it often comes with text pasted from a page"
            }
            Some('&') => "write `&&` for `and`",
            Some('|') => "there is no `or`: write a rule for each alternative",
            Some('+') => "there is no `+`: use AppendString(a, b) (version 1.2)",
            Some('#' | '/' | '*') => "a comment begins with `//`",
            Some('~') => "there are no patterns: compare with `==`, or use JmesPath (version 1.2)",
            Some('–' | '—' | '−') => "write a plain hyphen",
            Some('0'..='9') => "integers are decimal; put anything else into double quotes",
            Some('$' | '%' | '@' | '?' | '^' | '\\') => "put text into double quotes",
            _ => "remove it, or put text into double quotes",
        }
    }

    fn token_help(&self) -> Option<String> {
        let by_shape = self.shape_help().map(str::to_owned);
        by_shape.or_else(|| self.word_help())
    }

    /// Advice that follows from the symbols alone.
    fn shape_help(&self) -> Option<&'static str> {
        let condition = self.in_rule("policy > rule > condition");
        Some(match (self.near, self.previous) {
            ("=", _) if self.expects("==") => {
                "use `==` in a condition; `=` sets a property in an action"
            }
            ("==", _) if self.expects("=") => "use `=` in an action; `==` compares in a condition",
            ("=", "value" | "type") => "use `==` in a condition",
            (_, "&&") if condition && self.near == "=>" => {
                "remove `&&`, or write a condition behind it"
            }
            ("[", "not") => "write `![…]` (version 1.2)",
            ("(", "exists" | "count") => {
                "a plain selector `[…]` holds if there is such a claim; there is no counting"
            }
            ("(", "not") => "write `![…]` (version 1.2); conditions take no parentheses",
            ("(" | ")", _) if condition => {
                "conditions take no parentheses; `&&` is the only connective"
            }
            ("[", _) if self.expects(":") => "put `:` between the name and `[`",
            ("{", word) if crate::ast::SectionKind::from_keyword(word).is_some() => {
                "close the section before this one with `};`"
            }
            ("!", "!") => "one `!` is enough",
            ("!", ":") => "a negated condition has no name: write `![…]`",
            ("]", "[" | ",") => "a selector needs a test, such as type==\"name\"",
            ("=>", _) if self.expects("]") => "close the selector with `]`",
            (_, ":") if self.expects("[") => "a condition has one name: `name:[…]`",
            ("<", _) if self.expects_expression() => "replace the placeholder by a value",
            (")", ",") => "remove the comma before `)`",
            (")", _) if self.expects("claim") => {
                "say what to make: `type=\"name\", value=…`, or `claim=c`"
            }
            (_, "(") if self.expects(")") => "`permit` and `deny` take no arguments",
            (".", _) if self.expects(")") => {
                "`claim=` takes the name alone; for parts write `type=c.type, value=c.value`"
            }
            (",", _) if self.expects(")") => "`claim=c` stands alone; or write `type=…, value=…`",
            ("claim", _) if self.expects("type") => {
                "`claim=` copies a whole claim and stands alone"
            }
            (";" | "}", _) if self.expects_verb() => "name the action, such as `permit()`",
            (";", ";" | "}") => "remove the second `;`",
            _ if self.expects(";") && self.in_rule("policy > versionInfo") => {
                "end the version with `;`"
            }
            _ if self.expects(";") && self.in_rule("policy > rule") => "end the rule with `;`",
            _ if self.expects(";") => "end the section with `};`",
            _ if self.expects("version number") => "write the number as in `version=1.0;`",
            _ if self.expects("=>") && Verb::from_name(self.near).is_some() => {
                "write `=>` before the action"
            }
            _ if self.expects(",") && Property::from_name(self.near).is_some() => {
                "put `,` between the tests"
            }
            _ => return None,
        })
    }

    /// Advice that follows from the word at hand.
    fn word_help(&self) -> Option<String> {
        let near = self.near;
        if self.expects("version") {
            return Some(if near.starts_with("eyJ") {
                "this looks like a JWT; the policy text is inside of it".into()
            } else {
                "a policy begins with `version=1.0;`".into()
            });
        }
        if self.in_rule("policy") && self.diagnostic.failing_rule == "policy" {
            return Some(self.section_help());
        }
        if self.expects_expression() {
            return self.value_help();
        }
        if let Some(word) = self.nearest_expected() {
            return Some(if word.eq_ignore_ascii_case(near) {
                format!("write `{word}`; case matters here")
            } else {
                format!("write `{word}`")
            });
        }
        if self.expects("type") {
            return Some("a claim has `type`, `value`, `valueType` and `issuer`".into());
        }
        if self.expects("identifier") && near.starts_with('"') {
            return Some("write the name of a condition, without quotes".into());
        }
        if self.expects_verb() {
            return Some("what follows `=>` is an action, such as `permit()`".into());
        }
        if self.expects("=>") && is_reserved(near) {
            return Some(
                "a rule is `conditions => action;`; without conditions it begins with `=>`".into(),
            );
        }
        None
    }

    /// The expected word that the one at hand was meant to be.
    fn nearest_expected(&self) -> Option<&str> {
        let is_word = |text: &&str| text.starts_with(|c: char| c.is_ascii_alphabetic());
        let expected = self.diagnostic.expected.iter().map(String::as_str).filter(is_word);
        Some(self.near).filter(is_word).and_then(|near| nearest(near, expected))
    }

    fn value_help(&self) -> Option<String> {
        let near = self.near;
        let first = near.chars().next()?;
        if matches!(near, "True" | "TRUE" | "False" | "FALSE") {
            return Some(format!("write `{}`", near.to_ascii_lowercase()));
        }
        if first.is_ascii_digit() && near.contains('.') {
            return Some("claims hold whole numbers only".into());
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return Some(format!(
                "write `{near}.value` for a claim's value, or \"{near}\" for text",
            ));
        }
        Some("a value is \"text\", an integer, true, false, or `c.value`".into())
    }

    fn section_help(&self) -> String {
        match self.near {
            near if near.eq_ignore_ascii_case("issuancerules") && self.expects("authorizationrules") => {
                "`authorizationrules` is required and comes first; without it nothing is permitted".into()
            }
            near if crate::ast::SectionKind::from_keyword(near).is_some() => {
                "each section stands once, in the order configurationrules, authorizationrules, issuancerules".into()
            }
            ";" if !self.behind.is_empty() || self.previous == ";" => "remove the second `;`".into(),
            _ => match self.nearest_expected() {
                Some(word) => format!("write `{word}`"),
                None => "all rules stand inside sections: `authorizationrules { … };`".into(),
            },
        }
    }
}

fn usage(function: Function) -> String {
    let shape = match function {
        Function::JmesPath => "JmesPath(json, query)",
        Function::JsonToClaimValue => "JsonToClaimValue(json)",
        Function::IsSubsetOf => "IsSubsetOf(a, b)",
        Function::AppendString => "AppendString(a, b)",
        Function::NegateBool => "NegateBool(boolean)",
        Function::ContainsOnlyValue => "ContainsOnlyValue(set, value)",
    };
    format!("the form is `{shape}`")
}

fn character_name(c: char) -> Option<&'static str> {
    Some(match c {
        '“' | '”' | '„' | '«' | '»' => "typographic quote",
        '‘' | '’' | '´' => "typographic apostrophe",
        '\'' => "single quote",
        '`' => "backtick",
        '\u{a0}' | '\u{202f}' => "no-break space",
        '\u{2000}'..='\u{200a}' | '\u{3000}' => "typographic space",
        '\u{200b}'..='\u{200f}' => "invisible character",
        '\u{feff}' => "byte order mark",
        '–' | '—' | '−' => "typographic dash",
        '\0' => "NUL character",
        '\u{1}'..='\u{1f}' | '\u{7f}' => "control character",
        _ => return None,
    })
}
