//! Policies that refuse, with much to tell of it.

/// Name and text of `authorizationrules`.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    let long = "y".repeat(100_000);
    let hundred = (0..100).map(|n| format!("\\\"{n}\\\"")).collect::<Vec<_>>().join(",");
    let many = format!("=> add(type=\"k\", value=JsonToClaimValue(\"[{hundred}]\"));");
    vec![
        (
            "a long literal that a hundred claims fail beside each of a hundred",
            format!(
                "{many}\na:[type==\"k\"] && [type==\"k\", value==\"{long}\", value==a.value] => \
                 permit();"
            ),
        ),
        (
            "many conditions that hold before one that does not",
            format!(
                "{many}\n{}[type==\"none\"] => permit();",
                "[type==\"k\", value!=\"q\"] && ".repeat(500)
            ),
        ),
        ("many rules", "[type==\"b\", value==\"no\"] => permit();\n".repeat(2_000)),
        ("many rules that deny", "[type==\"a\", value==true] => deny();\n".repeat(2_000)),
        (
            "a rule that denies for many conditions",
            format!("{}[type==\"a\"] => deny();", "[type==\"b\"] && ".repeat(500)),
        ),
    ]
}
