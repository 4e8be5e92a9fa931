//! Runs every example of `docs/policy.md`. A block is what its first line says:
//!
//! - `policy`: compiles, and is the policy of what follows;
//! - `rules authorization`, `rules issuance`: rules, wrapped into a policy of version 1.2;
//! - `claims`: the incoming claims of what follows;
//! - `expect`: what policy and claims must give, in the form of the corpus;
//! - `refused SLUG`: is refused so;
//! - `output check`, `output lint TYPE`, `output explain`: what the tools print about it.
//!
//! Rust blocks are run as documentation tests of the crate.

use avouch_policy::{Limits, Policy, corpus, lint};

use crate::vocabulary;

fn blocks(text: &str) -> Vec<(String, String, usize)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.to_owned(), String::new(), number + 1)),
            (None, None) => {}
            (Some(block), Some("")) => blocks.push(block),
            (Some(_), Some(info)) => panic!("line {}: ```{info} inside of a block", number + 1),
            (Some((info, body, start)), None) => open = Some((info, body + line + "\n", start)),
        }
    }
    assert!(open.is_none());
    blocks
}

#[test]
fn every_example_of_the_guide_does_what_it_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md");
    let text = std::fs::read_to_string(path).unwrap();
    let limits = Limits::default();
    let (mut policy, mut claims, mut refused) = (String::new(), "[]".to_owned(), None);
    let (mut expectations, mut outputs) = (0, 0);
    for (info, body, line) in blocks(&text) {
        let words: Vec<&str> = info.split(' ').collect();
        match words.as_slice() {
            ["policy"] | ["rules", _] => {
                policy = match words.get(1) {
                    None => body,
                    Some(&"authorization") => {
                        format!("version=1.2;\nauthorizationrules {{\n{body}}};\n")
                    }
                    Some(&"issuance") => format!(
                        "version=1.2;\nauthorizationrules {{\n    => permit();\n}};\nissuancerules {{\n{body}}};\n"
                    ),
                    Some(other) => panic!("line {line}: {other}"),
                };
                if let Err(errors) = Policy::compile(&policy, &limits) {
                    panic!("line {line}:\n{}", errors.render("policy.txt"));
                }
            }
            ["claims"] => {
                corpus::claims_from_json(&body).unwrap_or_else(|e| panic!("line {line}: {e}"));
                claims = body;
            }
            ["expect"] => {
                let case = corpus::Case::parse("guide", policy.as_bytes(), &claims, &body);
                let report = corpus::run_case(&case.unwrap(), &limits);
                assert!(report.passed, "line {line}: {:?}", report.differences);
                expectations += 1;
            }
            ["refused", slug] => {
                let errors = Policy::compile(&body, &limits).expect_err("was accepted");
                assert_eq!(errors.first().unwrap().slug.name(), *slug, "line {line}");
                refused = Some(errors);
            }
            ["output", "check"] => {
                let rendered = refused.as_ref().unwrap().render("policy.txt");
                assert_eq!(rendered.trim_end(), body.trim_end(), "line {line}");
                outputs += 1;
            }
            ["output", "lint", "sgx"] => {
                let policy = Policy::compile(&policy, &limits).unwrap();
                let lints = lint::lint(&policy, &vocabulary::sgx());
                let rendered = lint::render(&policy, &lints, "policy.txt");
                assert_eq!(rendered.trim_end(), body.trim_end(), "line {line}");
                outputs += 1;
            }
            ["output", "explain"] => {
                let policy = Policy::compile(&policy, &limits).unwrap();
                let (_, claims) = corpus::claims_from_json(&claims).unwrap();
                let explained = policy.evaluate_explained(&claims, &limits).to_string();
                assert_eq!(explained.trim_end(), body.trim_end(), "line {line}");
                outputs += 1;
            }
            ["rust"] => {}
            other => panic!("line {line}: a block that no test runs: {other:?}"),
        }
    }
    assert!(expectations >= 18 && outputs >= 3, "{expectations} {outputs}");
}
