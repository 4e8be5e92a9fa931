//! Running cases and comparing.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::case::{Case, ExpectedError};
use super::coverage::{Coverage, CoverageTracer};
use crate::diag::PolicyErrors;
use crate::eval::{self, EvalError, Outcome};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::properties::Properties;
use crate::token::contribution;
use crate::value::Claim;

/// How one case went.
#[derive(Debug, Clone, Serialize)]
pub struct CaseReport {
    /// The case's file name without its ending.
    pub name: String,
    /// Whether all that was expected came out.
    pub passed: bool,
    /// What differed, one sentence each.
    pub differences: Vec<String>,
}

/// How a corpus went.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// How many cases gave what was expected.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
    /// All cases in order.
    pub cases: Vec<CaseReport>,
    /// What no case exercised.
    pub coverage: Coverage,
}

impl Report {
    /// Adds a failure that lies outside of the cases' policies, such as an unreadable file.
    pub fn push_failure(&mut self, name: &str, difference: String) {
        self.failed = self.failed.saturating_add(1);
        let differences = vec![difference];
        self.cases.push(CaseReport { name: name.to_owned(), passed: false, differences });
    }
}

impl fmt::Display for Report {
    /// Failures first, then what is not covered, then the sum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in self.cases.iter().filter(|case| !case.passed) {
            writeln!(f, "FAILED {}", case.name)?;
            for difference in &case.differences {
                writeln!(f, "  {difference}")?;
            }
        }
        self.coverage.fmt(f)?;
        writeln!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Runs all cases.
#[must_use]
pub fn run(cases: &[Case], limits: &Limits) -> Report {
    let mut coverage = Coverage::default();
    let reports: Vec<CaseReport> =
        cases.iter().map(|case| report(case, limits, &mut coverage)).collect();
    let passed = reports.iter().filter(|report| report.passed).count();
    let failed = reports.len().saturating_sub(passed);
    coverage.finish();
    Report { passed, failed, cases: reports, coverage }
}

/// Runs one case.
#[must_use]
pub fn run_case(case: &Case, limits: &Limits) -> CaseReport {
    report(case, limits, &mut Coverage::default())
}

fn report(case: &Case, limits: &Limits, coverage: &mut Coverage) -> CaseReport {
    let differences = match Policy::compile_bytes(&case.policy, limits) {
        Err(errors) => refused(case, &errors),
        Ok(policy) => {
            let mut tracer = CoverageTracer::new(coverage.of(&policy, &case.name));
            let result = eval::evaluate(&policy, &case.claims, limits, &mut tracer);
            evaluated(case, &result)
        }
    };
    CaseReport { name: case.name.clone(), passed: differences.is_empty(), differences }
}

/// Collects differences.
struct Compare<'a> {
    case: &'a Case,
    differences: Vec<String>,
}

impl Compare<'_> {
    fn same<T: PartialEq + fmt::Debug>(&mut self, what: &str, expected: Option<T>, found: T) {
        if let Some(expected) = expected
            && expected != found
        {
            self.differences.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }

    fn result(&mut self, found: &str, why: &str) -> bool {
        let expected = self.case.expectation.result.as_str();
        if expected != found {
            self.differences.push(format!("result: expected {expected}, found {found}{why}"));
        }
        expected == found
    }

    fn error(&mut self) -> ExpectedError {
        self.case.expectation.error.clone().unwrap_or_default()
    }
}

fn refused(case: &Case, errors: &PolicyErrors) -> Vec<String> {
    let mut compare = Compare { case, differences: Vec::new() };
    if compare.result("parse-error", &format!(": {errors}"))
        && let Some(first) = errors.first()
    {
        let expected = compare.error();
        compare.same("code", expected.code.as_deref(), "PolicyParsingError");
        compare.same("reason", expected.reason.as_deref(), first.slug.name());
        compare.same("line", expected.line, first.position.line);
        compare.same("column", expected.column, first.position.column);
        compare.same("near", expected.near.as_deref(), first.near.as_str());
    }
    compare.differences
}

fn evaluated(case: &Case, result: &Result<Outcome, EvalError>) -> Vec<String> {
    let mut compare = Compare { case, differences: Vec::new() };
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => {
            if compare.result("eval-error", &format!(": {error}")) {
                failure(&mut compare, error.slug.name());
            }
            return compare.differences;
        }
    };
    match outcome.decision {
        crate::Decision::Deny(reason) => {
            if compare.result("deny", &format!(" ({})", reason.name())) {
                failure(&mut compare, reason.name());
            }
        }
        crate::Decision::Permit => {
            if compare.result("permit", "") {
                permitted(&mut compare, outcome);
            }
        }
    }
    compare.differences
}

fn failure(compare: &mut Compare<'_>, reason: &str) {
    let expected = compare.error();
    compare.same("code", expected.code.as_deref(), "PolicyEvaluationError");
    compare.same("reason", expected.reason.as_deref(), reason);
}

fn permitted(compare: &mut Compare<'_>, outcome: &Outcome) {
    let expected = compare.case.expectation.clone();
    let token: BTreeMap<String, Json> = contribution(&outcome.outgoing)
        .iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    compare.same("token", expected.token, token);
    compare.same("configuration", expected.configuration, settings(&outcome.configuration));
    compare.same("properties", expected.properties, settings(&outcome.properties));
    claims(compare, "issued", expected.issued, &outcome.outgoing);
    claims(compare, "added", expected.added, &outcome.added);
}

fn settings(properties: &Properties) -> BTreeMap<String, Json> {
    properties.iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect()
}

/// Compares the members that the expectation gives for each claim.
fn claims(compare: &mut Compare<'_>, what: &str, expected: Option<Vec<Json>>, found: &[Claim]) {
    let Some(expected) = expected else { return };
    compare.same(&format!("number of claims {what}"), Some(expected.len()), found.len());
    for (place, (expected, found)) in expected.iter().zip(found).enumerate() {
        let found = serde_json::to_value(found).unwrap_or_default();
        for (name, value) in expected.as_object().into_iter().flatten() {
            let what = format!("{name} of claim {} {what}", place.saturating_add(1));
            compare.same(&what, Some(value), found.get(name).unwrap_or(&Json::Null));
        }
    }
}
