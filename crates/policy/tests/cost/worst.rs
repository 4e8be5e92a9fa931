//! Every operation of the language at its worst, repeated until a draft's limits stop it.

use std::fmt::Write as _;

use avouch_policy::Claim;

/// A policy that does one thing as often as it can.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) policy: String,
    pub(crate) claims: Vec<Claim>,
}

const TEXT_BYTES: usize = 20_000;

fn policy(rules: &str) -> String {
    format!("version=1.2;\nauthorizationrules {{ => permit(); }};\nissuancerules {{\n{rules}\n}};")
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// `count` pieces between brackets.
fn list(open: &str, count: usize, piece: impl Fn(usize) -> String, close: &str) -> String {
    let pieces: Vec<String> = (0..count).map(piece).collect();
    format!("{open}{}{close}", pieces.join(","))
}

fn numbered(count: usize) -> Vec<Claim> {
    (0..count).map(|n| Claim::service("n", i64::try_from(n).unwrap())).collect()
}

/// A function of JMESPath (or any query) run on a document, up to a million times.
fn query(name: &'static str, query: &str, document: String) -> Case {
    let nested = many_times(query);
    let rule = format!(
        "d:[type==\"doc\"] => add(type=\"o\", value=JmesPath(d.value, \"{}\"));",
        quoted(&nested)
    );
    Case { name, policy: policy(&rule), claims: vec![Claim::service("doc", document)] }
}

/// Runs `query` on the same value ten to the sixth times, and keeps a length each.
fn many_times(query: &str) -> String {
    let ten = "[@,@,@,@,@,@,@,@,@,@]";
    let mut nested = format!("[{query}]");
    for _ in 0..6 {
        nested = format!("length(map(&{nested}, {ten}))");
    }
    nested
}

fn long_decimal(tail: usize) -> String {
    format!("1.{}{}", "7".repeat(900), tail + 1)
}

fn json_texts(name: &'static str, text: impl Fn(usize) -> String) -> Case {
    // The type of a claim is text without a memory of what it is as JSON.
    let claims = (0..40).map(|n| Claim::service(text(n), 1)).collect();
    let rule = "c:[value==1] => add(type=\"o\", value=JmesPath(c.type, \"type(@)\"));\n".repeat(40);
    Case { name, policy: policy(&rule), claims }
}

fn queries() -> Vec<Case> {
    let long = "x".repeat(TEXT_BYTES);
    let strings = |count: usize| {
        let same = "s".repeat(500);
        list("[", count, |n| format!("\"{same}{:03}\"", (n * 7919) % 1_000), "]")
    };
    let decimals = |count: usize| list("[", count, long_decimal, "]");
    let object = |members: usize, name_bytes: usize| {
        let same = "n".repeat(name_bytes);
        list("{", members, |n| format!("\"{same}{n:05}\":{n}"), "}")
    };
    let pair = |document: &str| format!("[{document},{document}]");
    let one = |text: &str| format!("\"{text}\"");
    let dotless = "\u{10400}".repeat(TEXT_BYTES / 4);
    let flat = list("[", 2_000, |n| n.to_string(), "]");
    vec![
        query("abs of a long decimal", "abs(@)", format!("-{}", long_decimal(1))),
        query("avg of long decimals", "avg(@)", decimals(20)),
        query("avg of integers", "avg(@)", flat.clone()),
        query("sum of long decimals", "sum(@)", decimals(20)),
        query("sum of short decimals", "sum(@)", list("[", 500, |n| format!("{n}.5"), "]")),
        query("ceil of a long decimal", "ceil(@)", long_decimal(1)),
        query("floor of a large exponent", "floor(@)", "12345678901234567890123e-300".into()),
        query(
            "contains in a text",
            &format!("contains(@, '{}b')", "a".repeat(900)),
            one(&"a".repeat(TEXT_BYTES)),
        ),
        query(
            "contains in a list",
            "contains(@, `{\"a\":1}`)",
            list("[", 500, |_| "{\"a\":2}".into(), "]"),
        ),
        query("ends_with", "ends_with(@, @)", one(&long)),
        query("starts_with", "starts_with(@, @)", one(&long)),
        query("equals_ignore_case, ASCII", "equals_ignore_case(@, @)", one(&long)),
        query("equals_ignore_case, not ASCII", "equals_ignore_case(@, @)", one(&dotless)),
        query("join", "join('glue', @)", list("[", 1_000, |_| "\"p\"".into(), "]")),
        query("keys", "keys(@)", object(1_000, 10)),
        query("length of a text", "length(@)", one(&dotless)),
        query("map", "map(&@, @)", flat.clone()),
        query("map over multi-selects", "map(&[@,@,@], @)", flat.clone()),
        query("max of texts", "max(@)", strings(200)),
        query("max_by decimals", "max_by(@, &@)", decimals(20)),
        query("merge", "merge(@, @)", object(1_000, 10)),
        query("merge of small objects", "merge(@, @)", object(6, 0)),
        query("merge with long names", "merge(@, @)", object(12, 2_000)),
        query("min of decimals", "min(@)", decimals(20)),
        query("min_by texts", "min_by(@, &@)", strings(200)),
        query("not_null", "not_null(`null`, `null`, @)", flat.clone()),
        query("reverse of a text", "reverse(@)", one(&dotless)),
        query("reverse of a list", "reverse(@)", flat.clone()),
        query("sort texts", "sort(@)", strings(200)),
        query("sort decimals", "sort(@)", decimals(20)),
        query(
            "sort integers",
            "sort(@)",
            list("[", 2_000, |n| ((n * 7919) % 2_003).to_string(), "]"),
        ),
        query("sort_by", "sort_by(@, &@)", strings(200)),
        query("to_array", "to_array(@)", one("x")),
        query(
            "to_number of a document",
            "to_number(@)",
            one(&list("[", 5_000, |_| "1".into(), "]")),
        ),
        query("to_number of white space", "to_number(@)", one(&" ".repeat(TEXT_BYTES))),
        query("to_number of a decimal", "to_number(@)", one(&long_decimal(1))),
        query("to_string of numbers", "to_string(@)", flat.clone()),
        query("to_string of decimals", "to_string(@)", decimals(20)),
        query(
            "to_string of escapes",
            "to_string(@)",
            format!("[{}]", one(&"\\u0001".repeat(2_000))),
        ),
        query("type", "type(@)", flat.clone()),
        query("values", "values(@)", object(1_000, 10)),
        query("a member of few", "nnn00011", object(12, 3)),
        query("a member of many", "nnnnnnnnnn00500", object(1_000, 10)),
        query(
            "a member with a long name",
            &format!("{}00011", "n".repeat(2_000)),
            object(12, 2_000),
        ),
        query(
            "a multi-select with a long name",
            &format!("length({{\"{}\":@}})", "k".repeat(4_000)),
            flat.clone(),
        ),
        query("a multi-select list", "[@,@,@,@,@,@,@,@,@,@,@,@,@,@]", flat.clone()),
        query(
            "a multi-select of many members",
            &list("{", 40, |n| format!("m{n}:@"), "}"),
            flat.clone(),
        ),
        query("a multi-select of texts", "[@,@,@,@]", one(&long)),
        query("a filter", "[?@ > `5`]", flat.clone()),
        query("a filter of decimals", &format!("[?@ > `{}`]", long_decimal(9_999)), decimals(20)),
        query("flattening", "[]", list("[", 1_000, |_| "[1]".into(), "]")),
        query("a slice", "[::-1]", flat.clone()),
        query("an index", "[-1]", flat.clone()),
        query("values projected", "*", object(1_000, 10)),
        query("equality of large objects", "[0] == [1]", pair(&object(1_000, 10))),
        query(
            "equality of small objects",
            "[0] == [1]",
            pair(&list("[", 300, |_| object(6, 0), "]")),
        ),
        query("equality of lists", "[0] == [1]", pair(&flat)),
        query("equality of texts", "[0] == [1]", pair(&one(&long))),
        query("equality of decimals", "[0] == [1]", pair(&decimals(20))),
        query("order of decimals", "[0] < [1]", decimals(2)),
        query("or", &vec!["`null`"; 100].join(" || "), flat.clone()),
        query("and", &vec!["@"; 100].join(" && "), flat.clone()),
        query("not", "!!!!!!!!!!@", flat.clone()),
        query("pipes", &vec!["@"; 100].join(" | "), flat.clone()),
        query("members of nothing", &vec!["a"; 100].join("."), "{}".into()),
        query("nesting", "[[[[[[[[[[@]]]]]]]]]]", "1".into()),
        query("a large result", "[@,@,@,@,@,@,@,@] | [@,@,@,@,@,@,@,@]", flat),
    ]
}

fn documents() -> Vec<Case> {
    vec![
        json_texts("JSON of dense lists", |n| list("[", 2_000, |_| n.to_string(), "]")),
        json_texts("JSON of empty lists", |n| {
            format!("[{n},{}]", list("[", 2_000, |_| "[]".into(), "]"))
        }),
        json_texts("JSON of short lists", |n| {
            format!("[{n},{}]", list("[", 2_000, |_| "[1]".into(), "]"))
        }),
        json_texts("JSON of empty objects", |n| {
            format!("[{n},{}]", list("[", 2_000, |_| "{}".into(), "]"))
        }),
        json_texts("JSON of short objects", |n| {
            format!("[{n},{}]", list("[", 2_000, |_| "{\"a\":1}".into(), "]"))
        }),
        json_texts("JSON of one large object", |n| {
            list("{", 2_000, |m| format!("\"{}\":{n}", (m * 7919) % 9_973), "}")
        }),
        json_texts("JSON with a name repeated", |n| {
            list("{", 2_000, |_| format!("\"a\":{n}"), "}")
        }),
        json_texts("JSON of short texts", |n| list("[", 2_000, |_| format!("\"{n}\""), "]")),
        json_texts("JSON of escapes", |n| format!("\"{n}{}\"", "\\u00e9".repeat(3_000))),
        json_texts("JSON of decimals", |n| list("[", 1_000, |m| format!("{n}.{m}e5"), "]")),
        json_texts("JSON of long decimals", |n| {
            list("[", 20, |m| format!("{}e{n}", long_decimal(m)), "]")
        }),
        json_texts("JSON nested deep", |n| format!("[{n},{}{}]", "[".repeat(120), "]".repeat(120))),
        json_texts("JSON of a long text", |n| format!("\"{n}{}\"", "x".repeat(TEXT_BYTES))),
        json_texts("JSON of white space", |n| format!("{}{n}", " ".repeat(TEXT_BYTES))),
    ]
}

fn rules() -> Vec<Case> {
    let long = |n: usize| format!("{}{n:05}", "x".repeat(TEXT_BYTES));
    let longs = |count: usize, kind: &str| -> Vec<Claim> {
        (0..count).map(|n| Claim::service(kind, long(n))).collect()
    };
    let shorts = |count: usize, kind: &str| -> Vec<Claim> {
        (0..count).map(|n| Claim::service(kind, format!("v{n}"))).collect()
    };
    let case = |name, rules: &str, claims| Case { name, policy: policy(rules), claims };
    let cross = "x:[type==\"n\"] && y:[type==\"n\"] && ";
    let wide: String = (0..400).fold(String::new(), |mut all, n| {
        let _ = write!(all, "w{n}:[type==\"one\"] && ");
        all
    });
    let used: String = (0..400).fold(String::new(), |mut all, n| {
        let _ = write!(all, "[type==\"one\", value==w{n}.value] && ");
        all
    });
    let doubling: String = (0..40).fold(String::new(), |mut all, n| {
        let _ = writeln!(
            all,
            "c:[type==\"s{n}\"] => add(type=\"s{}\", value=AppendString(c.value, c.value));",
            n + 1
        );
        all
    });
    let computed: String = (0..400).fold(String::new(), |mut all, n| {
        let _ = writeln!(
            all,
            "q:[type==\"q\"] => add(type=\"o\", value=JmesPath(\"1\", AppendString(q.value, \" | '{n}'\")));"
        );
        all
    });
    let mut wide_claims = numbered(300);
    wide_claims.push(Claim::service("one", 1));
    vec![
        case("claims tested", &"[type==\"n\", value==-1] => add(type=\"o\", value=1);\n".repeat(2_000), numbered(2_000)),
        case("claims found", &"c:[type==\"n\"] => add(type=\"o\", value=c.value);\n".repeat(500), numbered(2_000)),
        case("claims of types that nobody names", "c:[value>=0] => add(type=\"o\", value=1);", {
            (0..20_000).map(|n| Claim::service(format!("t{n}"), n)).collect()
        }),
        case("long texts compared", &"[type==\"a\", value!=\"x\"] && a:[type==\"a\"] && [type==\"b\", value==a.value] => add(type=\"o\", value=1);\n".repeat(500), [longs(20, "a"), longs(20, "b")].concat()),
        case("long types compared", &"a:[value==1] && [type==a.type, value==2] => add(type=\"o\", value=1);\n".repeat(500), {
            (0..20).flat_map(|n| [Claim::service(long(n), 1), Claim::service(long(n), 2)]).collect()
        }),
        case("values of a call compared", &"a:[type==\"a\"] && [type==\"b\", value==AppendString(a.value, \"\")] => add(type=\"o\", value=1);\n".repeat(100), [longs(20, "a"), longs(20, "b")].concat()),
        case("combinations", &format!("{cross} z:[type==\"n\"] => add(type=\"o\", value=IsSubsetOf(x.value, y.value));"), numbered(300)),
        case("wide combinations", &format!("{wide}n:[type==\"n\"] && m:[type==\"n\"] && {used}[value==m.value, value==n.value] => add(type=\"o\", value=m.value);"), wide_claims),
        case("groups of combinations", "x:[type==\"n\"] && y:[type==\"n\"] => add(type=\"o\", value=ContainsOnlyValue(y.value, x.value));", numbered(300)),
        case("types copied", &"a:[value==1] => add(type=AppendString(a.type, \"x\"), value=1);\n".repeat(100), {
            (0..20).map(|n| Claim::service(long(n), 1)).collect()
        }),
        case("types of claims as values", &"a:[value==1] => add(type=\"o\", value=a.type);\n".repeat(100), {
            (0..20).map(|n| Claim::service(long(n), 1)).collect()
        }),
        case("text doubled", &doubling, vec![Claim::service("s0", "0123456789abcdef")]),
        case("a cross product of texts", "a:[type==\"a\"] => add(type=\"o\", value=IsSubsetOf(AppendString(a.value, AppendString(\"x\", \"y\")), \"z\"));\nj:[type==\"j\"] => add(type=\"o\", value=IsSubsetOf(AppendString(JsonToClaimValue(j.value), JsonToClaimValue(j.value)), \"z\"));", {
            [shorts(2_000, "a"), vec![Claim::service("j", list("[", 2_000, |n| format!("\"s{n}\""), "]"))]].concat()
        }),
        case("IsSubsetOf", &"a:[type==\"a\"] && b:[type==\"b\"] => add(type=\"o\", value=IsSubsetOf(a.value, a.value));\n".repeat(100), [longs(20, "a"), shorts(100, "b")].concat()),
        case("ContainsOnlyValue", &"a:[type==\"a\"] => add(type=\"o\", value=ContainsOnlyValue(a.value, \"v\"));\n".repeat(500), shorts(1_000, "a")),
        case("NegateBool", &"a:[type==\"n\"] => add(type=\"o\", value=NegateBool(NegateBool(NegateBool(NegateBool(true)))));\n".repeat(2_000), numbered(1)),
        case("JsonToClaimValue", &"a:[type==\"j\"] => add(type=\"o\", value=JsonToClaimValue(a.value));\n".repeat(100), vec![Claim::service("j", list("[", 5_000, |n| format!("\"{n}\""), "]"))]),
        case("computed queries", &computed, vec![Claim::service("q", vec!["@"; 500].join("|"))]),
        case("one computed query again", &"q:[type==\"q\"] => add(type=\"o\", value=JmesPath(\"1\", AppendString(q.value, \"\")));\n".repeat(400), vec![Claim::service("q", format!("'{}'", "x".repeat(TEXT_BYTES)))]),
        case("claims issued", &"a:[type==\"a\"] => issue(type=\"o\", value=a.value);\n".repeat(100), shorts(2_000, "a")),
        case("long texts issued", &"a:[type==\"a\"] => issue(type=\"o\", value=a.value);\n".repeat(100), longs(20, "a")),
        case("settings", "a:[type==\"a\"] => issueproperty(type=a.value, value=1);", shorts(5_000, "a")),
        case("claims of one type with long equal beginnings", "a:[type==\"a\"] => add(type=\"o\", value=AppendString(a.value, \"y\"));", longs(200, "a")),
    ]
}

fn texts() -> Vec<Case> {
    let filled = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    let case = |name, policy| Case { name, policy, claims: Vec::new() };
    let inside = |piece: &str| policy(&filled(piece, 250_000));
    let long = "n".repeat(12_000);
    let names: String = (0..10).fold(String::new(), |mut all, n| {
        let _ = write!(all, "{long}{n}:[type==\"a\"] && ");
        all
    });
    let literal = |query: &str| {
        policy(&format!("=> add(type=\"o\", value=JmesPath(\"1\", \"{}\"));", quoted(query)))
    };
    let nested = (0..120).fold(filled("a.", 60_000) + "a", |inner, _| format!("a|({inner})"));
    vec![
        case("text: conditions", inside("[type==a.type]&&")),
        case("text: names", inside("n:[type==\"a\"]&&")),
        case("text: rules", inside("=>permit();")),
        case("text: arrows", inside("=>")),
        case("text: braces", inside("[")),
        case("text: comments", inside("//\n")),
        case("text: line ends", inside("\n")),
        case("text: mistakes", inside("=>premit();")),
        case("text: unknown characters", inside("§")),
        case("text: open strings", inside("\"\n")),
        case("text: wrong escapes", policy(&format!("\"{}\"", filled("\\q", 250_000)))),
        case(
            "text: long names listed",
            policy(&format!(
                "{names}{}[type==\"a\"] => add(type=\"b\", value=1);",
                filled("[type==x.type]&&", 100_000)
            )),
        ),
        case(
            "text: calls",
            policy(
                &format!(
                    "=>add(type=\"a\",value={}1{});",
                    "NegateBool(".repeat(60),
                    ")".repeat(60)
                )
                .repeat(300),
            ),
        ),
        case("text: a dense query", literal(&filled("@|", 60_000))),
        case("text: a query of literals", literal(&(filled("`1`||", 60_000) + "@"))),
        case("text: a query of nested pipes", literal(&nested)),
        case(
            "text: a query of large literals",
            literal(&format!("`{}`", list("[", 6_000, |_| "{}".into(), "]"))),
        ),
        case(
            "text: many queries",
            policy(
                &"=> add(type=\"o\", value=JmesPath(\"1\", \"a.b.c[?d == 'e'].f\"));\n"
                    .repeat(2_000),
            ),
        ),
        case("text: configuration", {
            let query = many_times("[@,@,@]").replace('"', "\\\"");
            format!(
                "version=1.2;\nconfigurationrules {{ => issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=JmesPath(\"1\", \"{query}\")); }};\nauthorizationrules {{ => permit(); }};"
            )
        }),
    ]
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    [queries(), documents(), rules(), texts()].into_iter().flatten().collect()
}
