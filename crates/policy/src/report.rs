//! What the commands `policy check` and `policy eval` print, as data and as text.

use std::fmt;

use serde::Serialize;

use crate::diag::Diagnostic;
use crate::eval::{Decision, EvalError, Outcome};
use crate::limits::Limits;
use crate::lint::{self, AttestationType, Lint};
use crate::policy::Policy;
use crate::properties::Properties;
use crate::token::{Contribution, contribution};
use crate::value::Claim;

/// The result of checking one policy text.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The name that was given for the text.
    pub file: String,
    /// Whether the policy would be accepted at upload.
    pub accepted: bool,
    /// The language version, if accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'static str>,
    /// What must be corrected.
    pub errors: Vec<Diagnostic>,
    /// What may be meant otherwise; only of accepted policies.
    pub warnings: Vec<Lint>,
    /// Errors and warnings with excerpts.
    #[serde(skip)]
    rendered: String,
}

/// Checks a policy text, and warns for an attestation type if one is given.
#[must_use]
pub fn check(
    file: &str,
    text: &[u8],
    attestation_type: Option<AttestationType>,
    limits: &Limits,
) -> CheckReport {
    let file = file.to_owned();
    match Policy::compile_bytes(text, limits) {
        Ok(policy) => {
            let warnings = lint::lint(&policy, attestation_type);
            let rendered = lint::render(&policy, &warnings, &file);
            let version = Some(policy.version().name());
            CheckReport { file, accepted: true, version, errors: Vec::new(), warnings, rendered }
        }
        Err(errors) => CheckReport {
            rendered: errors.render(&file),
            file,
            accepted: false,
            version: None,
            errors: errors.diagnostics().to_vec(),
            warnings: Vec::new(),
        },
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)?;
        let (errors, warnings) = (self.errors.len(), self.warnings.len());
        let file = crate::print::printable(&self.file);
        match (self.accepted, warnings) {
            (true, 0) => writeln!(f, "{file}: ok"),
            (true, _) => writeln!(f, "{file}: ok, {warnings} warnings"),
            (false, _) => writeln!(f, "{file}: refused, {errors} errors"),
        }
    }
}

/// The result of evaluating a policy, as a client of the service would see it.
#[derive(Debug, Clone, Serialize)]
pub struct EvalReport {
    /// `permit`, `deny` or `error`.
    pub result: &'static str,
    /// The stable name of the reason for anything but `permit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The reason in a sentence; for a denial in MAA's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the policy contributes to the token.
    pub token: Contribution,
    /// The claims that rules issued, in order.
    pub outgoing: Vec<Claim>,
    /// The claims that rules put into the incoming set, in order.
    pub added: Vec<Claim>,
    /// The settings of `configurationrules`.
    pub configuration: Properties,
    /// The settings of `issuancerules`.
    pub properties: Properties,
}

impl EvalReport {
    /// Puts the result of [`Policy::evaluate`] into the form that is printed.
    #[must_use]
    pub fn new(result: &Result<Outcome, EvalError>) -> Self {
        let mut report = Self {
            result: "error",
            reason: None,
            message: None,
            token: Contribution::default(),
            outgoing: Vec::new(),
            added: Vec::new(),
            configuration: Properties::default(),
            properties: Properties::default(),
        };
        match result {
            Err(error) => {
                report.reason = Some(error.slug.name());
                report.message = Some(error.to_string());
            }
            Ok(outcome) => {
                report.result = outcome.decision.name();
                if let Decision::Deny(reason) = outcome.decision {
                    report.reason = Some(reason.name());
                    report.message = Some(reason.maa_message().to_owned());
                }
                report.token = contribution(&outcome.outgoing);
                report.outgoing.clone_from(&outcome.outgoing);
                report.added.clone_from(&outcome.added);
                report.configuration = outcome.configuration.clone();
                report.properties = outcome.properties.clone();
            }
        }
        report
    }
}

impl fmt::Display for EvalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result)?;
        if let Some(reason) = self.reason {
            write!(f, " ({reason})")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        writeln!(f)?;
        for (name, value) in self.token.iter() {
            writeln!(f, "  token: {} = {value}", crate::print::printable(name))?;
        }
        for (what, properties) in
            [("configuration", &self.configuration), ("property", &self.properties)]
        {
            for (name, value) in properties.iter() {
                writeln!(f, "  {what}: {} = {value}", crate::print::printable(name))?;
            }
        }
        Ok(())
    }
}
