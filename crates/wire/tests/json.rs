//! The canonical writer and the strict reader.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

use avouch_wire::json::{
    CanonicalJson, JsonError, first_inexact_number, object_to_canonical, parse_embedded_object,
    parse_object, parse_value, to_canonical, write_string,
};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn canonical_json_sorts_names_by_bytes_at_every_level() {
    let value = json!({"b": 1, "a": {"d": [], "c": {}}, "B": [{"y": 1, "x": 2}], "ä": 0, "": -1});
    assert_eq!(
        to_canonical(&value),
        r#"{"":-1,"B":[{"x":2,"y":1}],"a":{"c":{},"d":[]},"b":1,"ä":0}"#
    );
}

#[test]
fn members_alone_are_written_as_their_object_is() {
    for value in [json!({}), json!({"b": [1, {"d": 0, "c": null}], "a": "x\"y"})] {
        let members = value.as_object().unwrap();
        assert_eq!(object_to_canonical(members), to_canonical(&value));
    }
}

#[test]
fn canonical_strings_escape_only_what_must_be() {
    let value = json!("a \"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é€𝄞");
    assert_eq!(
        to_canonical(&value),
        r#""a \"\\/\b\f\n\r\t\u0001\u001f"#.to_owned() + "\u{7f}é€𝄞\""
    );
}

#[test]
fn a_character_is_escaped_wherever_it_stands_and_no_other() {
    for length in 1..50 {
        let plain = "x".repeat(length);
        assert_eq!(to_canonical(&json!(plain)), format!("\"{plain}\""));
        for at in 0..length {
            let (before, after) = (&plain[..at], &plain[at + 1..]);
            for (character, escaped) in [("\"", "\\\""), ("\\", "\\\\"), ("\u{1f}", "\\u001f")] {
                let text = [before, character, after].concat();
                let expected = format!("\"{before}{escaped}{after}\"");
                assert_eq!(to_canonical(&json!(text)), expected);
            }
        }
    }
}

#[test]
fn a_document_is_its_canonical_text() {
    let value = json!({"b": [1, {"d": 0, "c": null}], "a": "x\"y", "n": u64::MAX, "f": 0.5});
    let document = CanonicalJson::from(&value);
    assert_eq!(document.as_str(), to_canonical(&value));
    assert_eq!(&*document.to_shared(), document.as_str());
    assert_eq!(document.to_value(), value);
    assert_eq!(CanonicalJson::from(value.as_object().unwrap()), document);
    assert_ne!(CanonicalJson::from(&json!({"a": 1})), CanonicalJson::from(&json!({"a": 2})));
}

#[test]
fn a_document_of_members_has_each_name_once_in_order_with_its_last_value() {
    let write = |text: &str, out: &mut String| write_string(text, out);
    let members = [("b", "1"), ("a", "2"), ("b\"", "3"), ("b", "4"), ("a", "5")];
    let document = CanonicalJson::object(members, write);
    assert_eq!(document.as_str(), r#"{"a":"5","b":"4","b\"":"3"}"#);
    assert_eq!(document.to_value(), json!({"a": "5", "b": "4", "b\"": "3"}));
    assert_eq!(CanonicalJson::object([], write).as_str(), "{}");
}

#[test]
fn large_numbers_keep_their_digits() {
    let value = json!([u64::MAX, i64::MIN, 0, -1, true, false, null, 0.5]);
    assert_eq!(
        to_canonical(&value),
        "[18446744073709551615,-9223372036854775808,0,-1,true,false,null,0.5]"
    );
}

#[test]
fn fractions_and_numbers_beyond_64_bits_are_read_to_the_nearest_double() {
    for (text, canonical) in [
        ("6".repeat(95).as_str(), "6.6666666666666666e+94"),
        ("0.1", "0.1"),
        ("2.2250738585072011e-308", "2.225073858507201e-308"),
    ] {
        let value = parse_value(text.as_bytes(), 100).unwrap();
        assert_eq!(to_canonical(&value), canonical);
        let again = parse_value(canonical.as_bytes(), 100).unwrap();
        assert_eq!(to_canonical(&again), canonical);
    }
}

#[test]
fn a_member_named_twice_is_refused_at_any_depth() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"[{"b":{"a":1,"c":2,"a":3}}]"#,
        r#"{"alg":"none","\u0061lg":"RS256"}"#,
    ] {
        let error = parse_value(text.as_bytes(), 100).unwrap_err();
        assert!(error.to_string().contains("is named twice"), "{text}: {error}");
    }
    assert!(parse_value(br#"{"a":{"a":1},"b":{"a":1}}"#, 100).is_ok());
}

#[test]
fn what_is_no_object_too_long_or_too_deep_is_refused() {
    for (text, found) in [
        ("null", "null"),
        ("true", "a boolean"),
        ("1", "a number"),
        ("\"{}\"", "a string"),
        ("[]", "an array"),
    ] {
        let error = parse_object(text.as_bytes(), 100).unwrap_err();
        assert_eq!(error, JsonError::NotObject { found });
    }
    assert!(parse_object(b"{}   ", 5).is_ok());
    assert_eq!(parse_object(b"{}    ", 5).unwrap_err(), JsonError::TooLong { length: 6, limit: 5 });
    for text in [
        "",
        "{",
        "{}x",
        "{} {}",
        "{'a':1}",
        "{\"a\":01}",
        "\u{feff}{}",
        "nul",
        "{\"a\":\"\\ud800\"}",
    ] {
        assert!(
            matches!(parse_value(text.as_bytes(), 100), Err(JsonError::Syntax { .. })),
            "{text:?}"
        );
    }
    assert!(parse_value(b"\"\xff\"", 100).is_err());
    for (begin, end) in [("[", "]"), ("{\"a\":", "}")] {
        let levels = |count: usize| {
            let inner = begin.repeat(count) + "[]" + &end.repeat(count);
            format!("{{\"a\":{inner}}}").into_bytes()
        };
        assert!(
            parse_value(&levels(125), 1000).is_ok() && parse_object(&levels(125), 1000).is_ok()
        );
        let error = parse_value(&levels(126), 1000).unwrap_err().to_string();
        assert!(error.contains("recursion limit"), "{error}");
        let deepest = parse_embedded_object(&levels(98), 1000).unwrap();
        let error = parse_embedded_object(&levels(99), 1000).unwrap_err().to_string();
        assert!(error.ends_with("nested deeper than 100 levels"), "{error}");
        // Within other documents it can still be read.
        let within = json!([[[[{ "a": deepest }]]]]);
        assert_eq!(CanonicalJson::from(&within).to_value(), within);
    }
    assert_eq!(
        parse_value(b"{\n \"a\": x}", 100).unwrap_err().to_string(),
        "line 2 column 7: expected value"
    );
}

#[test]
fn ten_thousand_values_at_all_levels_are_read_and_no_more() {
    // The object, the array, and what is in it.
    let text = |items: usize| format!("{{\"a\":[{}]}}", vec!["0"; items].join(","));
    assert!(parse_value(text(9_998).as_bytes(), usize::MAX).is_ok());
    let error = parse_value(text(9_999).as_bytes(), usize::MAX).unwrap_err();
    assert_eq!(error, JsonError::TooMany { limit: 10_000 });
}

#[test]
fn numbers_that_a_value_holds_as_others_are_found_wherever_they_stand() {
    for exact in [
        "0",
        "-0",
        "-0.0",
        "1",
        "-7",
        "100",
        "1e2",
        "1E22",
        "0.10",
        "1.50",
        "-1.5e-3",
        "120.0e1",
        "18446744073709551615",
        "0e99999999999999999999",
        "-0.000E-99999999999999999999",
    ] {
        for text in [exact.to_owned(), format!("[{exact},1]"), format!("{{\"a\":{exact} }}")] {
            assert_eq!(first_inexact_number(text.as_bytes()), None, "{text}");
        }
    }
    for inexact in [
        "123e-10000000",
        "1e400",
        "1.000000000000000005",
        "-1.000000000000000005",
        "0.30000000000000000001",
        "184467440737095516150",
        "1e99999999999999999999",
        "1E-400",
    ] {
        for text in [
            inexact.to_owned(),
            format!("[1,{inexact},2]"),
            format!("{{\"a\":{{\"b\":{inexact}}},\"c\":2}}"),
        ] {
            assert_eq!(first_inexact_number(text.as_bytes()), Some(inexact), "{text}");
        }
    }
    let texts = br#"{"1e400":["1e400","\\","\"1e400",1]}"#;
    assert_eq!(first_inexact_number(texts), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_json_reads_back_as_the_same_value(value in any_json()) {
        let text = to_canonical(&value);
        prop_assert_eq!(parse_value(text.as_bytes(), usize::MAX).unwrap(), value.clone());
        prop_assert_eq!(to_canonical(&serde_json::from_str(&text).unwrap()), text);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = parse_value(&bytes, 1000);
    }
}
