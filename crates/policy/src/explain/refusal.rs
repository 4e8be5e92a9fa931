//! A refusal in a few sentences: which condition of which rule failed, on which claim, with both values.

use super::{ConditionTrace, Explanation, RuleTrace};
use crate::ast::Verb;
use crate::print::shortened;

/// Rules that are named at most.
const RULES_MAX: usize = 3;
/// Claims of a condition that are named at most.
const CLAIMS_MAX: usize = 3;

impl Explanation {
    /// Why the policy refused, in the order of the rules: the rule that denied with the claims that it
    /// found, or each rule that could have permitted with the condition that it stopped at. `None` if
    /// the policy permitted or failed.
    ///
    /// The text quotes claims; each value is cut after some 200 characters.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let sentences: Vec<String> = match self.reason {
            Some("deny-issued") => self.deciding(Verb::Deny).map(denied).collect(),
            Some("no-permit") => self.deciding(Verb::Permit).map(not_permitted).collect(),
            _ => return None,
        };
        let more = sentences.len().saturating_sub(RULES_MAX);
        let mut shown: Vec<String> = sentences.into_iter().take(RULES_MAX).collect();
        if shown.is_empty() {
            shown.push("no rule permits".to_owned());
        }
        if more > 0 {
            shown.push(format!("and {more} more rules"));
        }
        Some(shown.join("; "))
    }

    /// The rules with the verb that counts here: those that denied, or those that did not permit.
    fn deciding(&self, verb: Verb) -> impl Iterator<Item = &RuleTrace> {
        let fired = verb == Verb::Deny;
        self.rules.iter().filter(move |rule| rule.verb == verb && (rule.fired > 0) == fired)
    }
}

fn place(rule: &RuleTrace) -> String {
    format!("rule {} of {} at {}", rule.rule, rule.section.name(), rule.position)
}

fn denied(rule: &RuleTrace) -> String {
    let conditions: Vec<String> = rule.conditions.iter().map(holding).collect();
    if conditions.is_empty() {
        return format!("{} denies without a condition", place(rule));
    }
    format!("{} denies: {}", place(rule), conditions.join(" and "))
}

fn holding(condition: &ConditionTrace) -> String {
    let text = shortened(&condition.text);
    let found = listed(condition.matched.iter().map(|one| one.claim.to_string()));
    if found.is_empty() { text } else { format!("{text} holds for {found}") }
}

fn not_permitted(rule: &RuleTrace) -> String {
    let failed = rule.conditions.iter().find(|condition| condition.bindings_after == 0);
    let Some(failed) = failed else { return format!("{} did not permit", place(rule)) };
    let text = shortened(&failed.text);
    let found = listed(failed.failed.iter().map(|one| {
        let bound = listed(one.bound.iter().map(ToString::to_string));
        let beside = if bound.is_empty() { bound } else { format!(", beside {bound}") };
        format!("{} where {} is demanded{beside}", one.claim, shortened(&one.test))
    }));
    if !found.is_empty() {
        return format!("{} does not permit: {text} fails, found {found}", place(rule));
    }
    if failed.matched.is_empty() {
        return format!("{} does not permit: {text} fails, there is no such claim", place(rule));
    }
    let found = listed(failed.matched.iter().map(|one| one.claim.to_string()));
    format!("{} does not permit: {text} fails, found {found}", place(rule))
}

/// The first few, and how many there are more.
fn listed(mut items: impl Iterator<Item = String>) -> String {
    let shown: Vec<String> = items.by_ref().take(CLAIMS_MAX).collect();
    let more = items.count();
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
