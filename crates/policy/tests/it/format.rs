//! The formatter and the printer.

use avouch_policy::{Limits, Policy, format, print};

use crate::generate::Random;

fn formatted(text: &str) -> String {
    format(text, &Limits::default()).unwrap()
}

/// Same tree, same comments, and formatting again changes nothing.
fn check(text: &str) -> String {
    let limits = Limits::default();
    let before = Policy::compile(text, &limits).unwrap();
    let once = formatted(text);
    let after = Policy::compile(&once, &limits).unwrap_or_else(|e| panic!("{}", e.render("x")));
    let tree = |policy: &Policy| policy.ast().clone().without_places();
    assert_eq!(tree(&before), tree(&after), "{once}");
    let comments = |policy: &Policy| -> Vec<String> {
        policy.comments().iter().map(|span| span.of(policy.text()).trim_end().to_owned()).collect()
    };
    assert_eq!(comments(&before), comments(&after), "{once}");
    assert_eq!(formatted(&once), once);
    once
}

#[test]
fn lays_out_a_policy_and_keeps_its_comments() {
    let text = "\u{feff}// top\r\nVERSION = 1.2 ;// number\r\nAuthorizationRules{ // opens\r\n\
                [type==\"a\",value>=1]&&![type == \"b\"]=>permit ( ) ;// last\r\n\r\n\r\n\
                // own line\r\n=>deny();};IssuanceRules{};// end";
    let expected = "// top\nversion=1.2; // number\n\nauthorizationrules { // opens\n    \
                    [type==\"a\", value >= 1] && ![type==\"b\"] => permit(); // last\n\n    \
                    // own line\n    => deny();\n};\n\nissuancerules {\n}; // end\n";
    assert_eq!(check(text), expected);
}

#[test]
fn breaks_long_rules_at_their_conditions() {
    let text = "version=1.0; authorizationrules { first:[type==\"a-rather-long-claim-name\", \
                issuer==\"AttestationService\"] && [type==\"another-claim-name\", value==true] => \
                permit(); };";
    let expected = "version=1.0;\n\nauthorizationrules {\n    \
                    first:[type==\"a-rather-long-claim-name\", issuer==\"AttestationService\"] &&\n    \
                    [type==\"another-claim-name\", value==true]\n        => permit();\n};\n";
    assert_eq!(check(text), expected);
}

#[test]
fn keeps_comments_inside_rules() {
    check(
        "version=1.0; // a\n// b\nauthorizationrules // c\n{ [type==\"x\"] // d\n // e\n && // f\n [type==\"y\"] // g\n => // h\n permit // i\n ( // j\n ) // k\n ; // l\n // m\n } // n\n ; // o\n",
    );
    check("version // a\n = // b\n 1.0 // c\n ; authorizationrules { => permit(); };// d");
    check(
        "version=1.0;\n\n\nauthorizationrules\n{\n\n// a\n\n\n// b\n=> permit();\n// c\n\n};\n\n// d\n// e\n",
    );
}

#[test]
fn keywords_as_names_keep_their_case() {
    check("version=1.0; authorizationrules { Version:[type==\"x\"] => add(claim=Version); };");
}

#[test]
fn a_text_that_is_no_policy_is_not_formatted() {
    assert!(format("version=1.0;", &Limits::default()).is_err());
}

#[test]
fn generated_policies_survive_formatting() {
    let mut random = Random::new(5);
    for _ in 0..2_000 {
        check(&print::print(&random.policy()));
    }
}

#[test]
fn the_shared_corpus_survives_formatting_and_printing() {
    let Some(vectors) = crate::shared_corpus::vectors() else { return };
    let limits = Limits::default();
    for entry in std::fs::read_dir(vectors.join("policy")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".policy.txt") {
            continue;
        }
        let Ok(text) = String::from_utf8(std::fs::read(&path).unwrap()) else { continue };
        let Ok(policy) = Policy::compile(&text, &limits) else { continue };
        check(&text);
        let again = Policy::compile(&print::print(policy.ast()), &limits).unwrap();
        assert_eq!(
            again.ast().clone().without_places(),
            policy.ast().clone().without_places(),
            "{}",
            path.display()
        );
    }
}
