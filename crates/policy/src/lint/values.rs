//! Warnings about values that no claim has.

use super::{LintSlug, Linter, ValueForm};
use crate::ast::{Condition, Operator, Property, PropertyCondition};

impl Linter<'_> {
    /// Values compared with a claim whose values are known.
    pub(super) fn values(&mut self, condition: &Condition, name: Option<&str>) {
        for test in &condition.selector {
            let is_equality = matches!(test.operator, Operator::Equal | Operator::NotEqual);
            let Some(text) = test.value.kind.as_literal_str() else { continue };
            if test.property == Property::Value && is_equality {
                self.value(test, name, text);
            }
        }
    }

    fn value(&mut self, test: &PropertyCondition, name: Option<&str>, text: &str) {
        if is_placeholder(text) {
            let message = format!("\"{text}\" is a placeholder that was not replaced");
            return self.impossible(test, message, "write the value that it stands for");
        }
        let Some(name) = name else { return };
        if let Some(form) = self.vocabulary.form(name) {
            self.form(test, name, text, form);
        } else if name == "x-ms-attestation-type" {
            self.attestation_type(test, text);
        }
    }

    fn form(&mut self, test: &PropertyCondition, name: &str, text: &str, form: ValueForm) {
        let (length, unit, encoding) = match form {
            ValueForm::Hex(length) => (length, "lower-case hex digits", "hex"),
            ValueForm::Base64Url(length) => (length, "characters of base64url", "base64url"),
        };
        let what = format!("`{name}` has {length} {unit}");
        let is_in_alphabet = |char: char| match form {
            ValueForm::Hex(_) => char.is_ascii_hexdigit(),
            ValueForm::Base64Url(_) => char.is_ascii_alphanumeric() || matches!(char, '-' | '_'),
        };
        if let Some(other) = text.chars().find(|char| !is_in_alphabet(*char)) {
            let message = format!("{what}, and {other:?} is none");
            self.impossible(test, message, format!("write the value in {encoding}"));
        } else if text.len() != length {
            let message = format!("{what}, this has {}", text.len());
            self.impossible(test, message, "write the whole value");
        }
    }

    /// Names in claims are `sgx`, `sevsnpvm` and so on; those of routes are others.
    fn attestation_type(&mut self, test: &PropertyCondition, text: &str) {
        let types = &self.vocabulary.attestation_types;
        if types.is_empty() || types.contains(&text) {
            return;
        }
        let (message, help) = match self.vocabulary.attestation_type() {
            Some(name) => (
                format!("evidence that this policy judges has the type \"{name}\""),
                format!("write \"{name}\""),
            ),
            None => (
                format!("there is no attestation type \"{text}\""),
                format!("the types are {}", types.join(", ")),
            ),
        };
        self.impossible(test, message, help);
    }

    fn impossible(
        &mut self,
        test: &PropertyCondition,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.warn(LintSlug::ImpossibleValue, test.value.span, message, help);
    }
}

/// What template engines and shells replace, left as it was: `$NAME`, `${name}`, `{{name}}`, `<NAME>`,
/// `%NAME%`.
fn is_placeholder(text: &str) -> bool {
    let is_word = |word: &str| {
        let word = word.trim();
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-. ".contains(c))
    };
    let between = |open: &str, close: &str| {
        text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(is_word)
    };
    let is_variable = text.strip_prefix('$').is_some_and(|name| {
        is_word(name)
            && name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
    });
    is_variable
        || [("${", "}"), ("{{", "}}"), ("<", ">"), ("%", "%")]
            .iter()
            .any(|(open, close)| between(open, close))
}
