//! A policy as text, in one form.

use avouch_wire::json::write_string;

use super::{AuthorityRule, ClaimCondition, Condition, Group, ReleasePolicy, Scalar};

impl ReleasePolicy {
    /// The policy as compact JSON in the order of the grammar. Two policies that are read alike are
    /// printed alike; what is printed is read as the same policy.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        if let Some(version) = self.version {
            out.push_str("\"version\":");
            write_string(version.name(), &mut out);
            out.push(',');
        }
        out.push_str("\"anyOf\":");
        list(&self.any_of, &mut out, rule);
        out.push('}');
        out
    }
}

fn rule(rule: &AuthorityRule, out: &mut String) {
    out.push_str("{\"authority\":");
    write_string(rule.authority.as_str(), out);
    out.push(',');
    group(&rule.conditions, out);
    out.push('}');
}

fn group(group: &Group, out: &mut String) {
    write_string(group.quantifier.name(), out);
    out.push(':');
    list(&group.members, out, condition);
}

fn condition(one: &Condition, out: &mut String) {
    out.push('{');
    match one {
        Condition::Group(inner) => group(inner, out),
        Condition::Claim(ClaimCondition { claim, operator, value }) => {
            out.push_str("\"claim\":");
            write_string(claim.as_str(), out);
            out.push(',');
            write_string(operator.name(), out);
            out.push(':');
            out.push_str(&value.to_json());
        }
    }
    out.push('}');
}

impl Scalar {
    /// The value as JSON.
    pub(super) fn to_json(&self) -> String {
        match self {
            Self::Integer(integer) => integer.to_string(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Text(text) => {
                let mut out = String::new();
                write_string(text, &mut out);
                out
            }
        }
    }
}

fn list<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}
