//! Policy texts.

use avouch_policy::ast::SectionKind;
use avouch_policy::{Limits, Policy};
use avouch_token::policy_jws::policy_hash;

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

pub(super) fn policy(input: &Input) -> Result<Inspection, String> {
    let text = std::str::from_utf8(&input.bytes).map_err(|_| "not UTF-8 text".to_owned())?;
    if !looks_like_policy(text) {
        return Err("begins with neither `version` nor a section".to_owned());
    }
    let limits = Limits::default();
    let fields = Fields::new().with("policy_hash", policy_hash(text));
    let policy = match Policy::compile(text, &limits) {
        Ok(policy) => policy,
        Err(errors) => {
            let fields = fields.with("diagnostics", Tree::of(&errors.diagnostics()));
            let title = format!("policy text with mistakes: {errors}");
            return Ok(Inspection { kind: "policy", title, fields, sound: false });
        }
    };
    let sections: Vec<Fields> = policy
        .ast()
        .sections()
        .map(|section| {
            let rules: Vec<String> =
                section.rules.iter().map(|rule| rule.span.of(policy.text()).to_owned()).collect();
            let name = SectionKind::name(section.kind);
            Fields::new().with("section", name).with("rules", rules)
        })
        .collect();
    let fields = fields
        .with("version", policy.version().name())
        .with("comments", policy.comments().len())
        .with("sections", sections);
    Ok(Inspection::new("policy", "policy text", fields))
}

/// Whether the first word behind comments and white space is one that a policy begins with.
fn looks_like_policy(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(comment) = rest.strip_prefix("//") {
        rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    let word: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    ["version", "configurationrules", "authorizationrules", "issuancerules"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}
