//! What checking gives: names that have become what they stand for, or all that is wrong.

use super::check;
use crate::ast::{Function, Section, Verb, Version};
use crate::cost::Meter;
use crate::diag::{Diagnostic, Slug};
use crate::lexer::lex;
use crate::limits::Limits;
use crate::parser::parse;
use crate::resolved::{Action, ClaimType, Expression, Make, Resolved, Rule};

fn parsed(rules: &str) -> Vec<Section> {
    let text = format!("version=1.2; authorizationrules {{ {rules} }};");
    let lexed = lex(&text, &mut Meter::unlimited()).unwrap();
    let parsed = parse(&text, &lexed, &Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{rules}: {:?}", parsed.diagnostics);
    parsed.sections
}

fn resolved(rules: &str) -> Resolved {
    check(Version::V1_2, &parsed(rules)).unwrap_or_else(|found| panic!("{rules}: {found:?}"))
}

fn mistakes(sections: &[Section]) -> Vec<Slug> {
    let found = check(Version::V1_2, sections).expect_err("no mistake was found");
    found.iter().map(|diagnostic: &Diagnostic| diagnostic.slug).collect()
}

fn slots(rule: &Rule) -> Vec<Option<usize>> {
    rule.conditions.iter().map(|condition| condition.slot).collect()
}

fn made(rule: &Rule) -> &Make {
    let Action::Make(make) = &rule.action else { panic!("{rule:?}") };
    make
}

#[test]
fn each_reference_holds_the_slot_of_its_condition() {
    let policy = resolved(
        "a:[type==\"x\"] && unused:[type==\"y\"] && [type==\"z\", value==a.value] && b:[type==\"w\"] \
         => add(type=b.value, value=AppendString(\"v\", a.value));",
    );
    let [rule] = policy.rules.as_slice() else { panic!("{policy:?}") };
    assert_eq!((slots(rule), rule.slots), (vec![Some(0), None, None, Some(1)], 2));
    let named: Vec<_> = rule.conditions.iter().map(|condition| condition.named).collect();
    assert_eq!(named, [true, true, false, true]);
    let compared = &rule.conditions[2].tests[1].value;
    assert!(matches!(compared, Expression::Reference { slot: 0, .. }), "{compared:?}");
    let Make { claim_type, value, .. } = made(rule);
    let computed = matches!(claim_type, ClaimType::Computed(Expression::Reference { slot: 1, .. }));
    assert!(computed, "{claim_type:?}");
    let Expression::Call { arguments, .. } = value else { panic!("{value:?}") };
    assert!(matches!(
        arguments[..],
        [Expression::Literal(_), Expression::Reference { slot: 0, .. }]
    ));
}

#[test]
fn a_name_binds_a_claim_for_its_own_rule_only() {
    let policy = resolved(
        "a:[type==\"x\"] => permit(); b:[type==\"x\"] && a:[type==\"x\"] => add(claim=a);",
    );
    let found: Vec<_> = policy.rules.iter().map(|rule| (slots(rule), rule.slots)).collect();
    assert_eq!(found, [(vec![None], 0), (vec![None, Some(0)], 1)]);
    assert!(matches!(policy.rules[1].action, Action::Copy { verb: Verb::Add, slot: 0 }));
}

#[test]
fn each_call_holds_its_function_and_as_many_arguments_as_it_takes() {
    for function in Function::ALL {
        let arguments = vec!["\"1\""; function.arguments()].join(", ");
        let call = format!("{}({arguments})", function.name());
        let policy = resolved(&format!("=> add(type=\"o\", value={call});"));
        let value = &made(&policy.rules[0]).value;
        let Expression::Call { function: found, arguments, .. } = value else {
            panic!("{value:?}")
        };
        assert_eq!((*found, arguments.len()), (function, function.arguments()));
        let more = format!("=> add(type=\"o\", value={}(1, 2, 3));", function.name());
        assert_eq!(mistakes(&parsed(&more)), [Slug::WrongArgumentCount]);
    }
}

#[test]
fn types_of_one_length_are_told_apart() {
    let [one, other] = ["a", "b"].map(|letter| letter.repeat(70));
    let policy = resolved(&format!("[type==\"x\"] => add(type=\"{one}\", value=1);"));
    let number = |name: &str| policy.symbols.get(name);
    assert_eq!((number("x"), number(&one)), (Some(0), Some(1)));
    for name in ["", "y", "xx", &other, &"a".repeat(69), &"a".repeat(63)] {
        assert_eq!(number(name), None, "{name}");
    }
}

#[test]
fn a_claim_type_has_one_number_wherever_it_is_named() {
    let policy = resolved(
        "[type==\"x\"] && [type!=\"other\"] => add(type=\"y\", value=\"text\"); \
         [type==\"y\", issuer==\"issuer\"] => add(type=\"x\", value=1);",
    );
    let number = |name| policy.symbols.get(name);
    assert_eq!((number("x"), number("y"), policy.symbols.len()), (Some(0), Some(1), 2));
    assert_eq!((number("other"), number("issuer"), number("text")), (None, None, None));
    let named = policy.rules.iter().map(|rule| {
        let ClaimType::Literal(name, made) = &made(rule).claim_type else { panic!("{rule:?}") };
        (rule.conditions[0].tests[0].symbol, &**name, *made)
    });
    assert_eq!(named.collect::<Vec<_>>(), [(Some(0), "y", 1), (Some(1), "x", 0)]);
    assert_eq!(policy.rules[0].conditions[1].tests[0].symbol, None);
}

#[test]
fn all_mistakes_are_told_and_any_of_them_leaves_nothing_to_compile() {
    let several = "a:[type==a.type, value==Missing(b.value)] && a:[value==\"x\", issuer==1] \
         => add(value=NegateBool(NegateBool(), c.value), valueType=\"Float\"); \
         => add(claim=d);";
    let found = [
        Slug::UnknownIdentifier,
        Slug::UnknownFunction,
        Slug::UnknownIdentifier,
        Slug::WrongLiteralType,
        Slug::DuplicateIdentifier,
        Slug::WrongArgumentCount,
        Slug::WrongArgumentCount,
        Slug::UnknownIdentifier,
        Slug::InvalidValueType,
        Slug::MissingType,
        Slug::UnknownIdentifier,
    ];
    assert_eq!(mistakes(&parsed(several)), found);
    for (rule, slug) in [
        ("[type==a.type] => permit();", Slug::UnknownIdentifier),
        ("[type==Missing(1)] => permit();", Slug::UnknownFunction),
        ("[value<\"x\"] => permit();", Slug::OperatorNotSupportedForType),
        ("[type==\"\"] => permit();", Slug::EmptyType),
        ("a:[value==1] && a:[value==1] => permit();", Slug::DuplicateIdentifier),
        ("=> add(type=\"o\", value=1, valueType=\"String\");", Slug::WrongLiteralType),
        ("=> add(type=\"o\", value=1, issuer=\"me\");", Slug::PropertyNotAssignable),
        ("=> add(type=\"o\", type=\"p\", value=1);", Slug::DuplicateProperty),
        ("=> issueproperty(type=\"o\", value=1);", Slug::ActionNotAllowedInSection),
    ] {
        assert_eq!(mistakes(&parsed(rule)), [slug], "{rule}");
    }
}

/// No text gives such a tree.
#[test]
fn an_action_that_makes_a_claim_of_nothing_misses_type_and_value() {
    for verb in [Verb::Add, Verb::Issue] {
        let mut sections = parsed("=> permit();");
        sections[0].rules[0].action.verb = verb;
        assert_eq!(mistakes(&sections), [Slug::MissingType, Slug::MissingValue]);
    }
}
