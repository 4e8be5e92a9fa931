//! Which rules and conditions no case exercised.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::compile::CompiledRule;
use crate::eval::Tracer;
use crate::policy::Policy;
use crate::print::{print_condition, print_rule, shortened};
use crate::span::Position;

/// Coverage of every policy of a corpus. Cases with the same policy text count together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Coverage {
    /// The policies that have something uncovered.
    pub policies: Vec<PolicyCoverage>,
    /// Rules over all policies.
    pub rules: usize,
    /// Rules that fired in some case.
    pub rules_fired: usize,
    #[serde(skip)]
    found: BTreeMap<String, PolicyRun>,
}

/// What no case exercised of one policy.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyCoverage {
    /// The cases that use the policy.
    pub cases: Vec<String>,
    /// What they leave out.
    pub uncovered: Vec<Uncovered>,
}

/// A rule or condition that is not exercised in one of its ways.
#[derive(Debug, Clone, Serialize)]
pub struct Uncovered {
    /// Where the rule begins.
    #[serde(flatten)]
    pub position: Position,
    /// `rule-never-fired`, `condition-never-held`, `condition-never-failed` or
    /// `condition-never-reached`.
    pub what: &'static str,
    /// The rule or condition on one line.
    pub text: String,
}

/// What the cases of one policy have done so far.
#[derive(Debug, Clone)]
pub(super) struct PolicyRun {
    policy: Policy,
    cases: Vec<String>,
    /// By section (its place in the run) and rule.
    rules: BTreeMap<(crate::ast::SectionKind, usize), RuleRun>,
}

#[derive(Debug, Clone, Default)]
struct RuleRun {
    fired: bool,
    held: Vec<usize>,
    failed: Vec<usize>,
}

impl Coverage {
    /// The record of a policy, to which the case `name` is added.
    pub(super) fn of(&mut self, policy: &Policy, name: &str) -> &mut PolicyRun {
        let run = self.found.entry(policy.text().to_owned()).or_insert_with(|| PolicyRun {
            policy: policy.clone(),
            cases: Vec::new(),
            rules: BTreeMap::new(),
        });
        run.cases.push(name.to_owned());
        run
    }

    /// Works out what is missing.
    pub(super) fn finish(&mut self) {
        for run in self.found.values() {
            let mut uncovered = Vec::new();
            for section in run.policy.ast().sections() {
                for (index, rule) in section.rules.iter().enumerate() {
                    let done = run.rules.get(&(section.kind, index)).cloned().unwrap_or_default();
                    self.rules = self.rules.saturating_add(1);
                    self.rules_fired = self.rules_fired.saturating_add(usize::from(done.fired));
                    let position = run.policy.position(rule.span.start);
                    uncovered.extend(missing(rule, &done, position));
                }
            }
            if !uncovered.is_empty() {
                self.policies.push(PolicyCoverage { cases: run.cases.clone(), uncovered });
            }
        }
    }
}

fn missing(rule: &crate::ast::Rule, done: &RuleRun, position: Position) -> Vec<Uncovered> {
    let mut uncovered = Vec::new();
    if !done.fired {
        let text = shortened(&print_rule(rule));
        uncovered.push(Uncovered { position, what: "rule-never-fired", text });
    }
    for (index, condition) in rule.conditions.iter().enumerate() {
        let what = match (done.held.contains(&index), done.failed.contains(&index)) {
            (true, true) => continue,
            (true, false) => "condition-never-failed",
            (false, true) => "condition-never-held",
            (false, false) => "condition-never-reached",
        };
        let text = shortened(&print_condition(condition));
        uncovered.push(Uncovered { position, what, text });
    }
    uncovered
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for policy in &self.policies {
            let (first, more) = match policy.cases.as_slice() {
                [first] => (first.as_str(), String::new()),
                [first, rest @ ..] => (first.as_str(), format!(" and {} more", rest.len())),
                [] => ("", String::new()),
            };
            writeln!(f, "not covered in the policy of {first}{more}:")?;
            for missing in &policy.uncovered {
                let what = missing.what.replace('-', " ");
                writeln!(f, "  {}: {what}: {}", missing.position, missing.text)?;
            }
        }
        writeln!(f, "{} of {} rules fired in some case", self.rules_fired, self.rules)
    }
}

/// Notes what one evaluation does.
pub(super) struct CoverageTracer<'a> {
    run: &'a mut PolicyRun,
    current: Option<(crate::ast::SectionKind, usize)>,
}

impl<'a> CoverageTracer<'a> {
    pub(super) fn new(run: &'a mut PolicyRun) -> Self {
        Self { run, current: None }
    }

    fn rule(&mut self) -> Option<&mut RuleRun> {
        self.current.map(|key| self.run.rules.entry(key).or_default())
    }
}

impl Tracer for CoverageTracer<'_> {
    const ON: bool = true;

    fn rule_begins(&mut self, rule: &CompiledRule) {
        self.current = Some((rule.section, rule.index));
    }

    fn condition_done(&mut self, index: usize, _before: usize, after: usize) {
        if let Some(rule) = self.rule() {
            let list = if after > 0 { &mut rule.held } else { &mut rule.failed };
            if !list.contains(&index) {
                list.push(index);
            }
        }
    }

    fn fired(&mut self) {
        if let Some(rule) = self.rule() {
            rule.fired = true;
        }
    }
}
