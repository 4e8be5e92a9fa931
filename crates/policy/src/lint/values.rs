//! Warnings about values that no claim has.

use super::{AttestationType, LintSlug, Linter};
use crate::ast::{Condition, Operator, Property, PropertyCondition};

/// Claims that are hex of a fixed length, and how many digits each has.
const HEX_CLAIMS: [(&str, usize); 24] = [
    ("x-ms-sgx-mrenclave", 64),
    ("x-ms-sgx-mrsigner", 64),
    ("$sgx-mrenclave", 64),
    ("$sgx-mrsigner", 64),
    ("x-ms-sevsnpvm-launchmeasurement", 96),
    ("x-ms-sevsnpvm-hostdata", 64),
    ("x-ms-sevsnpvm-idkeydigest", 96),
    ("x-ms-sevsnpvm-authorkeydigest", 96),
    ("x-ms-sevsnpvm-reportdata", 128),
    ("x-ms-sevsnpvm-reportid", 64),
    ("x-ms-sevsnpvm-familyId", 32),
    ("x-ms-sevsnpvm-imageId", 32),
    ("tdx_mrseam", 96),
    ("tdx_mrsignerseam", 96),
    ("tdx_mrtd", 96),
    ("tdx_rtmr0", 96),
    ("tdx_rtmr1", 96),
    ("tdx_rtmr2", 96),
    ("tdx_rtmr3", 96),
    ("tdx_mrconfigid", 96),
    ("tdx_mrowner", 96),
    ("tdx_mrownerconfig", 96),
    ("tdx_report_data", 128),
    ("tdx_tee_tcb_svn", 32),
];

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
        if let Some((_, digits)) = HEX_CLAIMS.iter().find(|(known, _)| *known == name) {
            self.hex(test, name, text, *digits);
        } else if name == "x-ms-attestation-type" {
            self.attestation_type(test, text);
        }
    }

    fn hex(&mut self, test: &PropertyCondition, name: &str, text: &str, digits: usize) {
        let what = format!("`{name}` has {digits} lower-case hex digits");
        if let Some(other) = text.chars().find(|char| !char.is_ascii_hexdigit()) {
            let message = format!("{what}, and {other:?} is none");
            self.impossible(test, message, "write the value in hex");
        } else if text.len() != digits {
            let message = format!("{what}, this has {}", text.len());
            self.impossible(test, message, "write the whole value");
        }
    }

    /// Names in claims are `sgx`, `sevsnpvm` and so on; those of routes are others.
    fn attestation_type(&mut self, test: &PropertyCondition, text: &str) {
        let Some(kind) = self.attestation_type else {
            if !AttestationType::ALL.iter().any(|known| known.name() == text) {
                let known = AttestationType::ALL.map(AttestationType::name).join(", ");
                let message = format!("there is no attestation type \"{text}\"");
                self.impossible(test, message, format!("the types are {known}"));
            }
            return;
        };
        if kind.name() != text {
            let name = kind.name();
            let message = format!("evidence that this policy judges has the type \"{name}\"");
            self.impossible(test, message, format!("write \"{name}\""));
        }
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
