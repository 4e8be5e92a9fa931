//! Every limit stops what it should, names itself, and lets through what it allows.

use avouch_policy::{Claim, EvalError, EvalSlug, Limits, Policy, PolicyErrors, Slug};

fn issuance(rules: &str) -> String {
    format!(
        "version=1.2;\nauthorizationrules {{ => permit(); }};\nissuancerules {{\n{rules}\n}};\n"
    )
}

fn refused(text: &str, limits: &Limits) -> PolicyErrors {
    Policy::compile(text, limits).expect_err("was accepted")
}

fn fails(rules: &str, claims: &[Claim], limits: &Limits) -> EvalError {
    let policy = Policy::compile(&issuance(rules), &Limits::default()).unwrap();
    let error = policy.evaluate(claims, limits).expect_err("was within limits");
    assert_eq!(error.slug, EvalSlug::LimitExceeded, "{error}");
    error
}

fn passes(rules: &str, claims: &[Claim], limits: &Limits) {
    let policy = Policy::compile(&issuance(rules), &Limits::default()).unwrap();
    policy.evaluate(claims, limits).unwrap();
}

#[test]
fn policy_size_is_limited() {
    let text = issuance("");
    let exact = Limits { policy_bytes: text.len(), ..Limits::default() };
    Policy::compile(&text, &exact).unwrap();
    let small = Limits { policy_bytes: text.len() - 1, ..Limits::default() };
    let errors = refused(&text, &small);
    assert_eq!(errors.first().unwrap().slug, Slug::LimitExceeded);
    assert!(errors.to_string().contains("policy-bytes"), "{errors}");
}

#[test]
fn the_number_of_rules_is_limited() {
    let text = issuance(&"=> issue(type=\"a\", value=1);\n".repeat(9));
    Policy::compile(&text, &Limits { rules: 10, ..Limits::default() }).unwrap();
    let errors = refused(&text, &Limits { rules: 9, ..Limits::default() });
    assert!(errors.to_string().contains("`rules`"), "{errors}");
}

#[test]
fn nesting_of_functions_is_limited_however_generous_the_limits() {
    let nested = |depth: usize| {
        let calls = ["NegateBool(".repeat(depth), "true".into(), ")".repeat(depth)].concat();
        issuance(&format!("=> issue(type=\"a\", value={calls});"))
    };
    Policy::compile(&nested(64), &Limits::default()).unwrap();
    let errors = refused(&nested(65), &Limits::default());
    assert!(errors.to_string().contains("expression-nesting"), "{errors}");
    let generous = Limits { expression_nesting: usize::MAX, ..Limits::default() };
    let policy = Policy::compile(&nested(256), &generous).unwrap();
    policy.evaluate(&[], &generous).unwrap();
    refused(&nested(20_000), &generous);
}

#[test]
fn claims_are_limited() {
    let claims: Vec<Claim> = (0..5).map(|n| Claim::service("a", n)).collect();
    let limits = Limits { claims: 5, ..Limits::default() };
    passes("", &claims, &limits);
    let error = fails("=> issue(type=\"b\", value=1);", &claims, &limits);
    assert!(error.message.contains("`claims` of 5"), "{error}");
    fails("", &[claims.clone(), claims].concat(), &limits);
}

#[test]
fn text_that_rules_make_is_limited() {
    // Doubles a string with each rule.
    let rules: String = (0..40)
        .map(|n| {
            let next = n + 1;
            format!("c:[type==\"s{n}\"] => add(type=\"s{next}\", value=AppendString(c.value, c.value));\n")
        })
        .collect();
    let error = fails(&rules, &[Claim::service("s0", "0123456789abcdef")], &Limits::default());
    assert!(error.message.contains("memory-bytes"), "{error}");
    // Doubles a document with each rule; the document shares its parts, its text would not.
    let rules = rules.replace("AppendString(c.value, c.value)", "JmesPath(c.value, \"[@, @]\")");
    let error = fails(&rules, &[Claim::service("s0", "\"0123456789abcdef\"")], &Limits::default());
    assert!(error.message.contains("`steps`"), "{error}");
    // Issues one large value again and again.
    let large = Claim::service("large", "x".repeat(1 << 20));
    let rules: String = (0..100)
        .map(|n| format!("c:[type==\"large\"] => issue(type=\"l{n}\", value=c.value);\n"))
        .collect();
    let error = fails(&rules, &[large], &Limits::default());
    assert!(error.message.contains("`steps`"), "{error}");
}

#[test]
fn combinations_of_claims_are_limited() {
    let claims: Vec<Claim> = (0..200).map(|n| Claim::service("a", n)).collect();
    let rule = "x:[type==\"a\"] && y:[type==\"a\"] && z:[type==\"a\"] \
                => add(type=\"b\", value=IsSubsetOf(x.value, AppendString(y.type, z.type)));";
    let error = fails(rule, &claims, &Limits::default());
    assert!(error.message.contains("memory-bytes"), "{error}");
}

#[test]
fn steps_are_limited() {
    let claims: Vec<Claim> = (0..2_000).map(|n| Claim::service("a", n)).collect();
    let join =
        "x:[type==\"a\"] && [type==\"a\", value > x.value] => add(type=\"b\", value=x.value);";
    passes(join, &claims[..100], &Limits::default());
    let limits = Limits { steps: 100_000, ..Limits::default() };
    let error = fails(join, &claims, &limits);
    assert!(error.message.contains("`steps`"), "{error}");
}

#[test]
fn queries_are_limited() {
    let list = format!("[{}]", vec!["1"; 5_000].join(","));
    let claims = [Claim::service("doc", list)];
    let rule =
        "c:[type==\"doc\"] => add(type=\"n\", value=JmesPath(c.value, \"length([?@ == `1`])\"));";
    passes(rule, &claims, &Limits::default());
    let limits = Limits { steps: 50_000, ..Limits::default() };
    let error = fails(rule, &claims, &limits);
    assert!(error.message.contains("`steps`"), "{error}");
    // A computed query is as limited as a literal one.
    let deep = Claim::service("q", "(".repeat(1_000) + "@" + &")".repeat(1_000));
    let rule = "q:[type==\"q\"] => add(type=\"n\", value=JmesPath(\"1\", q.value));";
    let error = fails(rule, &[deep], &Limits::default());
    assert!(error.message.contains("jmespath-nesting"), "{error}");
    let long = Claim::service("q", vec!["@"; 60_000].join("|"));
    let error = fails(rule, &[long], &Limits::default());
    assert!(error.message.contains("jmespath-query-bytes"), "{error}");
}

#[test]
fn nesting_of_documents_is_limited() {
    let deep = Claim::service("doc", "[".repeat(129) + &"]".repeat(129));
    let rule = "c:[type==\"doc\"] => add(type=\"n\", value=JmesPath(c.value, \"@\"));";
    let error = fails(rule, &[deep], &Limits::default());
    assert!(error.message.contains("json-nesting"), "{error}");
    let nested = Claim::service("doc", "[".repeat(100) + &"]".repeat(100));
    let wrapping =
        rule.replace("@", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[@]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    fails(&wrapping, std::slice::from_ref(&nested), &Limits::default());
    passes(rule, std::slice::from_ref(&nested), &Limits::default());
    fails(rule, &[nested], &Limits { json_nesting: 99, ..Limits::default() });
}

#[test]
fn repeating_rules_do_not_multiply_claims() {
    let rules = "c:[type==\"a\"] => add(type=\"a\", value=c.value);\n".repeat(1_000);
    let policy = Policy::compile(&issuance(&rules), &Limits::default()).unwrap();
    let outcome = policy.evaluate(&[Claim::service("a", 1)], &Limits::default()).unwrap();
    // The first copy has another issuer and is a claim of its own; all later ones equal it.
    assert!(outcome.added.len() < 2_001, "{}", outcome.added.len());
    assert!(outcome.cost.steps < 100_000, "{:?}", outcome.cost);
}

#[test]
fn many_claims_of_one_type_stay_cheap() {
    let claims: Vec<Claim> = (0..50_000).map(|n| Claim::service("a", format!("{n:08}"))).collect();
    let rule = "c:[type==\"a\", value==\"00049999\"] => add(type=\"b\", value=c.value);";
    let policy = Policy::compile(&issuance(rule), &Limits::default()).unwrap();
    let outcome = policy.evaluate(&claims, &Limits::default()).unwrap();
    assert_eq!(outcome.added.len(), 1);
    assert!(outcome.cost.steps < 50_000 * 40, "{:?}", outcome.cost);
}

#[test]
fn the_worst_texts_of_a_mebibyte_are_answered() {
    let limits = Limits::default();
    for piece in [
        "[",
        "!",
        "=>",
        "a:",
        "\"",
        "\"\\",
        "//\n",
        "version=1.0;",
        "};",
        "{",
        "(",
        "“",
        "=> permit();",
        "1.0",
        "0x",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        assert!(Policy::compile(&text, &limits).is_err(), "{piece}");
        let inside = issuance(&piece.repeat((1 << 20) / piece.len() - 200));
        if let Err(errors) = Policy::compile(&inside, &limits) {
            assert!(!errors.render("policy.txt").is_empty());
        }
    }
}

#[test]
fn a_rule_of_a_mebibyte_is_no_burden() {
    let limits = Limits::default();
    let names: Vec<String> = (0..30_000).map(|n| format!("n{n}:[type==\"a\"]")).collect();
    let conditions = names[..20_000].join(" && ");
    // Every name is used, so that each is bound; and once with names that do not exist.
    let uses: String = (0..12_000).map(|n| format!("[value==n{n}.value] && ")).collect::<String>();
    let known = format!("{} => add(type=\"b\", value=1);", names[..12_000].join(" && "));
    let text = issuance(&known.replace(" =>", &format!(" && {}[type==\"a\"] =>", uses)));
    let policy = Policy::compile(&text, &limits).unwrap();
    let claims = [Claim::service("a", 1)];
    policy.evaluate(&claims, &limits).unwrap();
    // Wide bindings cost more than narrow ones.
    let error =
        policy.evaluate(&claims, &Limits { steps: 1_000_000, ..limits.clone() }).unwrap_err();
    assert!(error.message.contains("`steps`"), "{error}");
    let unknown = "[value==x.value] && ".repeat(20_000);
    let errors = refused(
        &issuance(&format!("{conditions} && {unknown} [type==\"a\"] => add(type=\"b\", value=1);")),
        &limits,
    );
    assert_eq!(errors.first().unwrap().slug, Slug::UnknownIdentifier);
    assert!(errors.diagnostics().len() <= 50);
    assert!(errors.render("policy.txt").len() < 100_000);
}

#[test]
fn many_mistakes_and_long_tokens_stay_short() {
    let errors = refused(&"“§".repeat(100_000), &Limits::default());
    assert!(errors.diagnostics().len() <= 50);
    let errors = refused(&format!("version=1.0; {}", "x".repeat(900_000)), &Limits::default());
    assert!(serde_json::to_string(&errors).unwrap().len() < 20_000);
}

#[test]
fn comparing_long_strings_is_paid_for() {
    let long = "x".repeat(1 << 20);
    let rules = "x:[type==\"a\"] && [type==\"b\", value==x.value] => add(type=\"c\", value=1);\n"
        .repeat(500);
    let claims = [Claim::service("a", long.as_str()), Claim::service("b", long.as_str())];
    let policy = Policy::compile(&issuance(&rules), &Limits::default()).unwrap();
    let outcome = policy.evaluate(&claims, &Limits::default()).unwrap();
    assert!(outcome.cost.steps > 500 * (1 << 20) / 64, "{:?}", outcome.cost);
}

#[test]
fn configuration_rules_have_a_small_budget_of_their_own() {
    let policy = |count: usize| {
        let list = ["1"; 1_000].join(",");
        let rows = vec!["1"; count].join(",");
        let query = format!("map(&length(map(&@, `[{list}]`)), `[{rows}]`) | 'name'");
        let text = format!(
            "version=1.2; configurationrules {{ => issueproperty(type=\"x-ms-sgx-tcbidentifier\", \
             value=JsonToClaimValue(JmesPath(\"1\", \"{query}\"))); }};
            authorizationrules {{ => permit(); }};"
        );
        Policy::compile(&text, &Limits::default()).unwrap()
    };
    let cheap = policy(10);
    assert_eq!(cheap.configuration().unwrap().sgx_tcb_identifier(), "name");
    cheap.evaluate(&[], &Limits::default()).unwrap();
    // Within the limits of an evaluation, and beyond a sixteenth of them.
    let dear = policy(1_000);
    let error = dear.configuration().unwrap_err();
    assert_eq!(error.slug, EvalSlug::LimitExceeded, "{error}");
    assert_eq!(dear.evaluate(&[], &Limits::default()).unwrap_err(), error);
}

#[test]
fn compiling_and_evaluating_a_draft_share_one_budget() {
    let text = issuance("c:[type==\"a\"] => issue(type=\"b\", value=c.value);");
    let policy = Policy::compile(&text, &Limits::draft()).unwrap();
    let left = Limits::draft().without(policy.cost());
    assert!(left.steps < Limits::draft().steps && left.memory_bytes < Limits::draft().memory_bytes);
    // A text of many small tokens leaves nothing, or is refused itself.
    let dense = issuance(&"[type==a.type]&&".repeat(15_000));
    let errors = refused(&dense, &Limits::draft());
    assert_eq!(errors.first().unwrap().slug, Slug::LimitExceeded);
}
