//! A trace for people.

use std::fmt::{self, Display, Formatter};

use super::{ConditionTrace, Explanation, RuleTrace};
use crate::value::Claim;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result)?;
        if let Some(reason) = self.reason {
            write!(f, " ({reason})")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        writeln!(f)?;
        let mut section = None;
        for rule in &self.rules {
            if section != Some(rule.section) {
                writeln!(f, "\n{}", rule.section.name())?;
                section = Some(rule.section);
            }
            rule.fmt(f)?;
        }
        if self.truncated {
            writeln!(f, "\nToo many claims to list them all.")?;
        }
        Ok(())
    }
}

impl Display for RuleTrace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fate = match (&self.error, self.fired) {
            (Some(_), _) => "failed".to_owned(),
            (None, 0) => "did not fire".to_owned(),
            (None, 1) => "fired".to_owned(),
            (None, times) => format!("fired {times} times"),
        };
        writeln!(f, "  rule {} at {}: {fate}", self.rule, self.position)?;
        writeln!(f, "    {}", self.text)?;
        for (index, condition) in self.conditions.iter().enumerate() {
            condition_text(f, index.saturating_add(1), condition)?;
        }
        for made in &self.made {
            writeln!(f, "    {}: {}", made.verb.name(), made.claim)?;
        }
        match &self.error {
            Some(error) => writeln!(f, "    error: {error}"),
            None => Ok(()),
        }
    }
}

fn condition_text(f: &mut Formatter<'_>, number: usize, trace: &ConditionTrace) -> fmt::Result {
    let holds = if trace.bindings_after > 0 { "holds" } else { "does not hold" };
    writeln!(f, "    condition {number} {holds}: {}", crate::print::shortened(&trace.text))?;
    for matched in &trace.matched {
        writeln!(f, "      matches: {}{}", matched.claim, bound(&matched.bound))?;
    }
    for failed in &trace.failed {
        let test = crate::print::shortened(&failed.test);
        writeln!(f, "      fails {test}: {}{}", failed.claim, bound(&failed.bound))?;
    }
    if trace.matched.is_empty() && trace.failed.is_empty() {
        writeln!(f, "      there is no claim of this type")?;
    }
    Ok(())
}

fn bound(claims: &[Claim]) -> String {
    if claims.is_empty() {
        return String::new();
    }
    let claims: Vec<String> = claims.iter().map(ToString::to_string).collect();
    format!(", with {}", claims.join("; "))
}
