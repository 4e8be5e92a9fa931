//! Warnings about values that no claim has.

use super::{AttestationType, LintSlug, Linter};
use crate::ast::{Condition, Operator, Property, PropertyCondition};

/// How a claim's value is written, where every value is written so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    /// So many digits of lower-case hex.
    Hex(usize),
    /// So many characters of base64url.
    Base64Url(usize),
}

/// The form of a claim's values: of all hashes and other bytes of a fixed length that the service
/// claims (the engine's tests compare).
#[must_use]
pub fn value_form(claim: &str) -> Option<ValueForm> {
    FORMS.iter().find(|(names, _)| names.contains(&claim)).map(|(_, form)| *form)
}

const FORMS: [(&[&str], ValueForm); 7] = [
    (&["x-ms-policy-hash", "policy_hash", "maa-policyHash"], ValueForm::Base64Url(43)),
    (&["tdx_seam_attributes", "tdx_td_attributes", "tdx_xfam"], ValueForm::Hex(16)),
    (
        &[
            "x-ms-sgx-isv-extended-product-id",
            "x-ms-sgx-isv-family-id",
            "x-ms-sevsnpvm-familyId",
            "x-ms-sevsnpvm-imageId",
            "tdx_tee_tcb_svn",
        ],
        ValueForm::Hex(32),
    ),
    (
        &[
            "x-ms-sgx-mrenclave",
            "x-ms-sgx-mrsigner",
            "$sgx-mrenclave",
            "$sgx-mrsigner",
            "x-ms-sevsnpvm-hostdata",
            "x-ms-sevsnpvm-reportid",
            "avouch-secure-boot-pk",
            "avouch-secure-boot-kek",
            "avouch-secure-boot-db",
            "avouch-secure-boot-dbx",
        ],
        ValueForm::Hex(64),
    ),
    (
        &[
            "x-ms-sevsnpvm-launchmeasurement",
            "x-ms-sevsnpvm-idkeydigest",
            "x-ms-sevsnpvm-authorkeydigest",
        ],
        ValueForm::Hex(96),
    ),
    (
        &[
            "tdx_mrseam",
            "tdx_mrsignerseam",
            "tdx_mrtd",
            "tdx_rtmr0",
            "tdx_rtmr1",
            "tdx_rtmr2",
            "tdx_rtmr3",
            "tdx_mrconfigid",
            "tdx_mrowner",
            "tdx_mrownerconfig",
        ],
        ValueForm::Hex(96),
    ),
    (
        &[
            "x-ms-sgx-report-data",
            "x-ms-sgx-config-id",
            "x-ms-sevsnpvm-reportdata",
            "tdx_report_data",
        ],
        ValueForm::Hex(128),
    ),
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
        if let Some(form) = value_form(name) {
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
