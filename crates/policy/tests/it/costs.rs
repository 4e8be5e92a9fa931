//! What each operation of an evaluation is charged, exactly: that nothing is done for free, and
//! nothing charged twice. The prices are those of one table (`cost.rs`); who changes one changes
//! the numbers here, and what policies may do within their limits.

use avouch_policy::{Claim, Cost, EvalSlug, Limits, Policy};

/// Two integers of one type, long texts, JSON, a value that may not be issued, and a type of
/// which so many texts are known that they are looked up by hash.
fn claims() -> Vec<Claim> {
    let mut claims = vec![
        Claim::service("a", 1),
        Claim::service("a", 2),
        Claim::service("long", "x".repeat(200)),
        Claim::service("same", "x".repeat(200)),
        Claim::service("other", "y".repeat(200)),
        Claim::service("doc", format!("[1,\"{}\",true,null]", "z".repeat(100))),
        Claim::service("flag", true),
    ];
    claims.extend((0..12).map(|n| Claim::service("many", format!("{n:0300}"))));
    claims.extend((0..12).map(|n| Claim::service("short", format!("{n:0100}"))));
    claims
}

fn policy(rules: &str) -> Policy {
    let text = format!(
        "version=1.2;\nauthorizationrules {{ => permit(); }};\nissuancerules {{\n{rules}\n}};\n"
    );
    Policy::compile(&text, &Limits::default()).unwrap_or_else(|e| panic!("{}", e.render("policy")))
}

fn cost(rules: &str, claims: &[Claim]) -> Cost {
    let outcome = policy(rules).evaluate(claims, &Limits::default());
    outcome.unwrap_or_else(|error| panic!("{rules}: {error}")).cost
}

/// Rules, and the steps and bytes that they cost with [`claims`].
const TABLE: [(&str, u64, u64); 34] = [
    ("", 252, 5952),
    // Actions.
    ("=> add(type=\"o\", value=1);", 279, 6496),
    ("=> issue(type=\"o\", value=\"text\");", 429, 8544),
    ("c:[type==\"a\"] => issue(claim=c);", 635, 11_808),
    ("c:[type==\"long\"] => issue(claim=c);", 1406, 18_112),
    ("c:[type==\"long\"] => add(type=\"o\", value=c.value);", 295, 6880),
    ("c:[type==\"long\"] => add(type=c.value, value=c.type);", 330, 7808),
    ("=> issueproperty(type=\"omit_x5c\", value=true);", 429, 8544),
    (
        "=> issueproperty(type=\"omit_x5c\", value=true);\n\
         => issueproperty(type=\"report_validity_in_minutes\", value=5);",
        607,
        11_200,
    ),
    // Conditions.
    ("[type==\"none\"] => add(type=\"o\", value=1);", 256, 6016),
    ("![type==\"none\"] => add(type=\"o\", value=1);", 280, 6528),
    ("[type==\"a\", value==2] => add(type=\"o\", value=1);", 311, 7200),
    (
        "[issuer==\"AttestationService\", valueType==\"Integer\"] => add(type=\"o\", value=1);",
        1258,
        16_448,
    ),
    ("x:[type==\"a\"] && y:[type==\"a\"] => add(type=x.type, value=y.value);", 457, 11_136),
    (
        "x:[type==\"a\"] && y:[type==\"a\", value>x.value] => add(type=x.type, value=y.value);",
        342,
        7976,
    ),
    (
        "x:[type==\"a\"] && [type==\"a\", value!=x.value] => add(type=\"o\", value=x.value);",
        350,
        7888,
    ),
    (
        "x:[type==\"a\"] && y:[type==\"a\"] && z:[type==\"a\", value==y.value] \
         => add(type=\"o\", value=IsSubsetOf(x.value, z.value));",
        435,
        9584,
    ),
    (
        "x:[type==\"long\"] && [type==\"same\", value==x.value] => add(type=\"o\", value=1);",
        317,
        7304,
    ),
    (
        "x:[type==\"long\"] && [type==\"other\", value==x.value] => add(type=\"o\", value=1);",
        289,
        6720,
    ),
    (
        "x:[type==\"long\"] && [type==\"same\", value==AppendString(x.value, \"\")] \
         => add(type=\"o\", value=1);",
        348,
        8712,
    ),
    // Functions.
    ("c:[type==\"a\"] => add(type=\"o\", value=ContainsOnlyValue(c.value, 1));", 337, 7872),
    (
        "c:[type==\"many\"] => add(type=\"o\", value=ContainsOnlyValue(c.value, \"1\"));",
        1080,
        13_312,
    ),
    ("c:[type==\"a\"] => add(type=\"o\", value=IsSubsetOf(c.value, 1));", 353, 8256),
    (
        "x:[type==\"many\"] && y:[type==\"short\"] \
         => add(type=\"o\", value=IsSubsetOf(x.value, y.value));",
        3581,
        45_600,
    ),
    (
        "x:[type==\"a\"] && y:[type==\"many\"] \
         => add(type=\"o\", value=AppendString(y.value, x.type));",
        4065,
        69_536,
    ),
    ("c:[type==\"flag\"] => add(type=\"o\", value=NegateBool(c.value));", 303, 7136),
    ("c:[type==\"long\"] => add(type=\"o\", value=AppendString(c.value, c.type));", 334, 8736),
    ("c:[type==\"doc\"] => add(type=\"o\", value=JsonToClaimValue(c.value));", 420, 10_368),
    ("=> add(type=\"o\", value=JsonToClaimValue(\"\\\"one text\\\"\"));", 318, 7520),
    ("c:[type==\"doc\"] => add(type=\"o\", value=JmesPath(c.value, \"[1]\"));", 479, 9088),
    (
        "c:[type==\"doc\"] => add(type=\"o\", value=JmesPath(c.value, AppendString(\"[0\", \"]\")));",
        524,
        11_552,
    ),
    (
        "c:[type==\"doc\"] => add(type=\"o\", value=JmesPath(c.value, AppendString(\"[0\", \"]\")));\n\
         c:[type==\"doc\"] => add(type=\"o\", value=JmesPath(c.value, AppendString(\"[0\", \"]\")));",
        657,
        13_824,
    ),
    // Sets.
    ("c:[type==\"many\"] => add(type=\"many\", value=c.value);", 1943, 16_352),
    (
        "c:[type==\"short\"] => add(type=AppendString(\"sh\", \"ort\"), value=c.value);",
        1423,
        29_408,
    ),
];

#[test]
fn every_operation_costs_what_it_costs() {
    let claims = claims();
    let found: Vec<_> = TABLE.iter().map(|(rules, ..)| cost(rules, &claims)).collect();
    let told: String = TABLE
        .iter()
        .zip(&found)
        .filter(|((_, steps, bytes), found)| (found.steps, found.memory_bytes) != (*steps, *bytes))
        .map(|((rules, ..), found)| format!("{}, {}: {rules}\n", found.steps, found.memory_bytes))
        .collect();
    assert!(told.is_empty(), "\n{told}");
}

/// The least budgets with which rules run: one step or byte less is refused by name.
#[test]
fn a_budget_is_spent_to_the_last_step_and_byte() {
    let claims = claims();
    for (rules, ..) in TABLE {
        let (policy, all) = (policy(rules), cost(rules, &claims));
        let mut limits = Limits { steps: all.steps, ..Limits::default() };
        assert_eq!(policy.evaluate(&claims, &limits).map(|outcome| outcome.cost), Ok(all));
        limits.steps -= 1;
        let error = policy.evaluate(&claims, &limits).unwrap_err();
        assert_eq!(error.slug, EvalSlug::LimitExceeded);
        assert!(error.message.contains(&format!("`steps` of {}", limits.steps)), "{error}");
    }
}

/// Combinations that a later condition replaces give their memory back, and count as used.
#[test]
fn combinations_that_are_replaced_give_their_memory_back() {
    let claims: Vec<Claim> = (0..30).map(|n| Claim::service("a", n)).collect();
    let rules = |depth: usize| {
        let more = " && [type==\"a\", value==b.value]".repeat(depth);
        format!("a:[type==\"a\"] && b:[type==\"a\"]{more} => add(type=\"o\", value=a.value);")
    };
    let needs = |depth: usize| {
        let policy = policy(&rules(depth));
        let passes = |memory_bytes: u64| {
            let limits = Limits { memory_bytes, ..Limits::default() };
            policy.evaluate(&claims, &limits).is_ok()
        };
        let (mut refused, mut enough) = (0, 1 << 24);
        while enough - refused > 1 {
            let middle = u64::midpoint(refused, enough);
            if passes(middle) { enough = middle } else { refused = middle }
        }
        let all = policy.evaluate(&claims, &Limits::default()).unwrap().cost;
        (enough, all.memory_bytes)
    };
    assert_eq!(needs(0), (31_776, 31_776));
    assert_eq!(needs(1), (482_704, 504_304));
    assert_eq!(needs(2), (525_904, 579_904));
}

#[test]
fn rules_for_configuration_are_added_to_the_cost_and_have_a_sixteenth_of_it() {
    let rules = "=> issueproperty(type=\"required_pcr_mask\", value=15);";
    let with = format!(
        "version=1.2; configurationrules {{ {rules} }}; authorizationrules {{ => permit(); }};"
    );
    let without = "version=1.2; authorizationrules { => permit(); };";
    let run = |text: &str, limits: &Limits| {
        let policy = Policy::compile(text, &Limits::default()).unwrap();
        policy.evaluate(&[], limits).map(|outcome| outcome.cost)
    };
    let (with_cost, without_cost) =
        (run(&with, &Limits::default()).unwrap(), run(without, &Limits::default()).unwrap());
    let own = with_cost.saturating_sub(without_cost);
    assert_eq!((own.steps, own.memory_bytes), (177, 2592));
    // One step of them is for the name of the setting, which the whole policy has in its table.
    let least = (own.steps - 1) * 16;
    let sixteen = Limits { steps: least, ..Limits::default() };
    assert_eq!(run(&with, &sixteen), Ok(with_cost));
    let less = Limits { steps: least - 1, ..Limits::default() };
    let error = run(&with, &less).unwrap_err();
    assert_eq!((error.slug, error.section.name()), (EvalSlug::LimitExceeded, "configurationrules"));
}

/// What one rule costs more than another.
fn more(one: &str, other: &str) -> (u64, u64) {
    let claims = claims();
    let more = cost(one, &claims).saturating_sub(cost(other, &claims));
    (more.steps, more.memory_bytes)
}

#[test]
fn long_names_are_paid_for_where_they_are_compared_and_issued() {
    let (short, long) = ("n".repeat(10), "n".repeat(110));
    let issue = |name: &str| format!("=> issue(type=\"{name}\", value=\"{}\");", "v".repeat(100));
    // Of 110 bytes one stretch is full, of 210 three.
    assert_eq!(more(&issue(&long), &issue(&short)), (2 * 320, 2 * 3_072));
    // What differs in length is not compared.
    let test =
        |name: &str| format!("[type==\"{name}\", value==\"x\"] => add(type=\"o\", value=1);");
    assert_eq!(cost(&test("long"), &claims()), cost(&test("flag"), &claims()));
    let set = |name: &str| format!("=> issueproperty(type=\"{name}\", value=1);\n").repeat(2);
    assert_eq!(more(&set(&long), &set(&short)), (1, 0));
}

/// Sixteen names and one set: two combinations of one group.
#[test]
fn wide_groups_are_paid_for_by_their_width() {
    let rule = |width: usize| {
        let conditions: String = (0..width).map(|n| format!("c{n}:[type==\"flag\"] && ")).collect();
        let name = (1..width)
            .fold("c0.type".to_owned(), |name, n| format!("AppendString({name}, c{n}.type)"));
        format!("{conditions}s:[type==\"a\"] => add(type={name}, value=IsSubsetOf(s.value, 1));")
    };
    let (before, at) = (more(&rule(15), &rule(14)), more(&rule(16), &rule(15)));
    // The sixteenth fills a stretch: of each key as it is hashed and copied, and of the name.
    assert_eq!((at.0 - before.0, at.1 - before.1), (27, 396));
}
