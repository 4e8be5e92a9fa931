//! The JMESPath engine: against a foreign engine, and where it must be better than that.

use avouch_policy::jmespath::{Query, QueryError, SearchError, function_names};
use avouch_policy::json::Json;
use avouch_policy::{Limit, Limits};

use crate::generate::{DOCUMENTS, QUERIES, Random};

fn search(query: &str, document: &str) -> Result<String, String> {
    let limits = Limits::default();
    let query = Query::compile(query, &limits).map_err(|error| error.to_string())?;
    let found = query.search(&Json::parse(document).unwrap(), &limits);
    found.map(|json| json.to_string()).map_err(|error| error.to_string())
}

fn found(query: &str, document: &str) -> String {
    search(query, document).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Makes queries of every form; members of the documents are among the names.
fn query(random: &mut Random, depth: usize) -> String {
    let mut inner = || query(random, depth + 1);
    if depth > 3 {
        return random.pick(&["a", "b", "c", "@", "n", "`1`", "'x'", "\"ok\""]).to_owned();
    }
    let (one, two) = (inner(), inner());
    match random.below(24) {
        // In parentheses: engines disagree about what follows a hash inside a projection.
        0 => format!("({one}.{})", random.pick(&["a", "b", "n", "*", "[a, b]", "{p: a, q: @}"])),
        1 => format!("{one}[*]"),
        2 => format!("{one}[]"),
        3 => format!("{one}[{}]", random.below(4) as i64 - 2),
        4 => format!("{one}[?{two}]"),
        5 => format!("{one} | {two}"),
        6 => format!("{one} || {two}"),
        7 => format!("{one} && {two}"),
        8 => format!("!{one}"),
        9 => format!("({one})"),
        10 => {
            let operator = random.pick(&["==", "!=", "<", "<=", ">", ">="]);
            format!("{one} {operator} {two}")
        }
        11 => format!("[{one}, {two}]"),
        12 => format!("{{x: {one}, y: {two}}}"),
        13 => format!("{one}[{}:{}]", random.below(5) as i64 - 2, random.below(5) as i64 - 2),
        14 => format!("{one}[::{}]", random.pick(&["-1", "2", "-2", "0"])),
        15 => {
            let name = random.pick(&[
                "length",
                "keys",
                "values",
                "type",
                "to_array",
                "reverse",
                "not_null",
                "max",
                "min",
                "sort",
                "to_string",
                "to_number",
                "abs",
            ]);
            format!("{name}({one})")
        }
        16 => {
            let name =
                random.pick(&["contains", "starts_with", "ends_with", "join", "not_null", "merge"]);
            format!("{name}({one}, {two})")
        }
        17 => {
            let name = random.pick(&["sort_by", "max_by", "min_by"]);
            format!("{name}({one}, &{two})")
        }
        18 => format!("map(&{one}, {two})"),
        19 => random.pick(&QUERIES).to_owned(),
        20 => random
            .pick(&["`[1, 2, {\"a\": 3}]`", "`\"text\"`", "`null`", "`true`", "'raw'", "\"q\""])
            .to_owned(),
        21 if two.starts_with('{') => format!("{one} | {two}"),
        21 => format!("{one}.{two}"),
        _ => random.pick(&["a", "b", "c", "Events", "@", "d", "ok", "n", "*"]).to_owned(),
    }
}

#[test]
fn agrees_with_a_foreign_engine() {
    let mut random = Random::new(4711);
    let limits = Limits::default();
    let (mut agreed, mut errors) = (0, 0);
    while agreed < 60_000 {
        let text = query(&mut random, 0);
        let document = random.pick(&DOCUMENTS[..11]);
        let json: serde_json::Value = serde_json::from_str(document).unwrap();
        let theirs = jmespath::compile(&text).map(|query| query.search(&json));
        let ours = Query::compile(&text, &limits).map(|q| q.search(&Json::from(&json), &limits));
        match (theirs, ours) {
            (Ok(Ok(theirs)), Ok(Ok(ours))) => {
                let theirs = serde_json::to_value(&theirs).unwrap();
                let ours: serde_json::Value = serde_json::from_str(&ours.to_string()).unwrap();
                assert!(same(&theirs, &ours), "{text} on {document}:\n{theirs}\n{ours}");
            }
            (Err(_), Err(_)) | (Ok(Err(_)), Ok(Err(_))) => errors += 1,
            (theirs, ours) => panic!("{text} on {document}:\n{theirs:?}\n{ours:?}"),
        }
        agreed += 1;
    }
    println!("{agreed} searches agree, {errors} of them errors");
    assert!(errors * 2 < agreed && errors * 50 > agreed, "{errors} of {agreed}");
}

/// The foreign engine writes some integers as `1.0`.
fn same(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    use serde_json::Value as V;
    match (left, right) {
        (V::Number(left), V::Number(right)) => left.as_f64() == right.as_f64(),
        (V::Array(left), V::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (V::Object(left), V::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, l)| right.get(name).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}

#[test]
fn integers_are_exact() {
    let document = r#"{"a":9007199254740993,"b":9007199254740992,"l":[9223372036854775807,1]}"#;
    assert_eq!(found("a == b", document), "false");
    assert_eq!(found("a > b", document), "true");
    assert_eq!(found("max([a, b])", document), "9007199254740993");
    assert_eq!(found("sum(l)", document), "9223372036854775808");
    assert_eq!(found("to_number('9007199254740993')", "{}"), "9007199254740993");
    assert_eq!(found("abs(`-9223372036854775808`)", "{}"), "9223372036854775808");
}

#[test]
fn numbers_compare_by_value_and_print_as_integers_where_they_are() {
    for (query, expected) in [
        ("`1.0` == `1`", "true"),
        ("`1e3`", "1000"),
        ("`10e-1` == `1`", "true"),
        ("sum(`[0.1, 0.2]`)", "0.3"),
        ("sum(`[0.5, 0.5]`)", "1"),
        ("avg(`[1, 2]`)", "1.5"),
        ("avg(`[1, 3]`)", "2"),
        ("avg(`[]`)", "null"),
        ("ceil(`1.2`)", "2"),
        ("floor(`-1.2`)", "-2"),
        ("`-0.0` == `0`", "true"),
        ("`0.10` < `0.2`", "true"),
        ("`-1.5` < `-1.25`", "true"),
        ("`1e400` > `9223372036854775807`", "true"),
        ("`-1e400` < `-9223372036854775808`", "true"),
        ("`1e-400` > `0`", "true"),
        ("`100000000000000000000` > `99999999999999999999`", "true"),
        ("`1e20`", "100000000000000000000"),
        ("`9223372036854775807.0`", "9223372036854775807"),
    ] {
        assert_eq!(found(query, "{}"), expected, "{query}");
    }
}

#[test]
fn ignores_case_by_simple_folding() {
    assert_eq!(found("equals_ignore_case('ΣΤΡΑΣΣΕ', 'στρασςε')", "{}"), "true");
    assert_eq!(found("equals_ignore_case('straße', 'STRASSE')", "{}"), "false");
    assert!(search("equals_ignore_case('a', `1`)", "{}").is_err());
}

#[test]
fn what_authors_get_wrong_is_answered_as_specified() {
    for (query, document, expected) in [
        ("true", r#"{"true":1}"#, "1"),
        ("a[*] != `null`", r#"{"a":[]}"#, "true"),
        ("a[?b] | [0]", r#"{"a":[]}"#, "null"),
        ("@.{x: x}", "false", r#"{"x":null}"#),
        ("@.{x: x}", "null", "null"),
        ("[?`0`]", "[1]", "[1]"),
        ("a", r#"{"a":1,"a":2}"#, "2"),
        ("keys(@)", r#"{"b":1,"a":2}"#, r#"["b","a"]"#),
        ("'it\\'s'", "null", "\"it's\""),
        ("\"x-y\".z", r#"{"x-y":{"z":"π"}}"#, "\"π\""),
    ] {
        assert_eq!(found(query, document), expected, "{query}");
    }
    for query in
        ["vm-configuration", "1", "a == 20", "a =='", "", "[", "a.", "a..b", "foo(", "&a", "`x`"]
    {
        let error = Query::compile(query, &Limits::default()).expect_err(query);
        assert!(matches!(error, QueryError::Syntax { .. }), "{query}: {error}");
    }
}

#[test]
fn run_time_errors_say_what_is_wrong() {
    for (query, message) in [
        ("nope(@)", "there is no JMESPath function `nope`"),
        ("length(`1`)", "`length` takes a string, an array or an object as argument 1, not number"),
        ("length()", "`length` takes 1 argument, not 0"),
        (
            "sort(`[1, \"a\"]`)",
            "`sort` takes only numbers or only strings as argument 1, not array",
        ),
        ("map(@, @)", "`map` takes an expression (`&name`) as argument 1, not object"),
        ("`[1]`[::0]", "a slice's step cannot be 0"),
    ] {
        assert_eq!(search(query, "{}").unwrap_err(), message, "{query}");
    }
}

/// A function, a query that calls it as `F`, and what the query finds; what the function takes.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// No other function finds the same with its query.
const LIBRARY: [Row; 27] = [
    ("abs", "F(`-2`)", "2", "1 argument"),
    ("avg", "F(`[1, 2, 9]`)", "4", "1 argument"),
    ("ceil", "F(`1.2`)", "2", "1 argument"),
    ("contains", "F('abc', 'b')", "true", "2 arguments"),
    ("ends_with", "[F('abc', 'bc'), F('abc', 'b')]", "[true,false]", "2 arguments"),
    ("equals_ignore_case", "F('aB', 'Ab')", "true", "2 arguments"),
    ("floor", "F(`1.8`)", "1", "1 argument"),
    ("join", "F('-', `[\"a\", \"b\"]`)", "\"a-b\"", "2 arguments"),
    ("keys", "F(`{\"a\": \"b\"}`)", "[\"a\"]", "1 argument"),
    ("length", "F('abc')", "3", "1 argument"),
    ("map", "F(&a, `[{\"a\": 1}, {\"a\": 2}]`)", "[1,2]", "2 arguments"),
    ("max", "F(`[1, 9, 2]`)", "9", "1 argument"),
    ("max_by", "F(`[{\"a\": 1}, {\"a\": 9}]`, &a)", "{\"a\":9}", "2 arguments"),
    ("merge", "F(`{\"a\": 1}`, `{\"b\": 2}`)", "{\"a\":1,\"b\":2}", "at least 1 argument"),
    ("min", "F(`[4, 2, 9]`)", "2", "1 argument"),
    ("min_by", "F(`[{\"a\": 9}, {\"a\": 1}]`, &a)", "{\"a\":1}", "2 arguments"),
    ("not_null", "F(`null`, `5`, `6`)", "5", "at least 1 argument"),
    ("reverse", "F(`[2, 3, 1]`)", "[1,3,2]", "1 argument"),
    ("sort", "F(`[2, 3, 1]`)", "[1,2,3]", "1 argument"),
    ("sort_by", "F(`[{\"a\": 2}, {\"a\": 1}]`, &a)", "[{\"a\":1},{\"a\":2}]", "2 arguments"),
    ("starts_with", "[F('abc', 'ab'), F('abc', 'b')]", "[true,false]", "2 arguments"),
    ("sum", "F(`[1, 2, 9]`)", "12", "1 argument"),
    ("to_array", "F(`5`)", "[5]", "1 argument"),
    ("to_number", "F('12')", "12", "1 argument"),
    ("to_string", "F(`12`)", "\"12\"", "1 argument"),
    ("type", "F(`true`)", "\"boolean\"", "1 argument"),
    ("values", "F(`{\"a\": \"b\"}`)", "[\"b\"]", "1 argument"),
];

#[test]
fn each_function_does_what_its_name_says_and_no_other_does_it() {
    assert!(function_names().eq(LIBRARY.map(|(name, ..)| name)));
    for (name, query, expected, _) in LIBRARY {
        for called in function_names() {
            let result = search(&query.replace("F(", &format!("{called}(")), "{}");
            assert_eq!(result.as_deref() == Ok(expected), called == name, "{called}: {result:?}");
        }
    }
}

#[test]
fn each_function_refuses_another_number_of_arguments_than_it_takes() {
    for (name, _, _, takes) in LIBRARY {
        let with = |count: usize| search(&format!("{name}({})", vec!["@"; count].join(", ")), "{}");
        let refused = |count: usize| Err(format!("`{name}` takes {takes}, not {count}"));
        assert_eq!(with(0), refused(0));
        match takes {
            "1 argument" => assert_eq!(with(2), refused(2)),
            "2 arguments" => assert_eq!((with(1), with(3)), (refused(1), refused(3))),
            _ => assert_eq!((with(1), with(20)), (Ok("{}".into()), Ok("{}".into()))),
        }
    }
}

#[test]
fn no_nesting_can_overflow_the_stack() {
    let deep = [
        ("(", "a", ")"),
        ("[", "a", "]"),
        ("!", "a", ""),
        ("a[?", "a", "]"),
        ("{a: ", "a", "}"),
        ("length(", "a", ")"),
        ("a[*].", "a", ""),
        ("", "a", "[]"),
        ("", "a", " == a"),
        ("a.*.", "a", ""),
    ];
    for (open, inner, close) in deep {
        for depth in [1_000, 8_000] {
            let text = [open.repeat(depth), inner.into(), close.repeat(depth)].concat();
            let error = Query::compile(&text, &Limits::default()).expect_err(open);
            let limit = match error {
                QueryError::Limit(exceeded) => exceeded.limit,
                QueryError::Syntax { .. } => panic!("{open}: {error}"),
            };
            assert!(matches!(limit, Limit::JmespathNesting | Limit::JmespathQueryBytes), "{open}");
        }
    }
}

#[test]
fn long_chains_are_not_deep() {
    let chain = vec!["a"; 2_000].join(".");
    assert_eq!(found(&chain, "{}"), "null");
    assert_eq!(found(&vec!["a"; 2_000].join(" || "), r#"{"a":1}"#), "1");
    assert_eq!(found(&vec!["@"; 2_000].join(" | "), "1"), "1");
}

#[test]
fn a_short_query_cannot_make_an_astronomical_value() {
    let doubling = vec!["[@, @]"; 60].join(" | ");
    let limits = Limits::default();
    let query = Query::compile(&doubling, &limits).unwrap();
    let error = query.search(&Json::string("0123456789"), &limits).unwrap_err();
    let SearchError::Limit(exceeded) = error else { panic!("{error}") };
    assert_eq!(exceeded.limit, Limit::Steps);
}

#[test]
fn work_is_bounded() {
    let list = Json::array((0..2_000).map(Json::Integer).collect());
    let limits = Limits::default();
    // Each element looks at the whole list.
    let query = Query::compile("map(&length(`[1,2,3]`[?contains(@, @)] || `[]`), [*])", &limits);
    assert!(query.unwrap().search(&list, &limits).is_err());
    let squared = Json::array(vec![list.clone(); 2_000]);
    let query =
        Query::compile("[][] | [] | [?@ > `-1`] | map(&abs(@), @) | sort(@)", &limits).unwrap();
    let error = query.search(&squared, &limits).unwrap_err();
    let SearchError::Limit(exceeded) = error else { panic!("{error}") };
    assert_eq!(exceeded.limit, Limit::MemoryBytes);
}
