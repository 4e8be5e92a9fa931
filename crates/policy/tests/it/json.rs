//! JSON: what is accepted, what is refused, and that printing is exact.

use avouch_policy::json::{Json, JsonError, NESTING_MAX};

#[test]
fn prints_compactly_in_document_order_without_escaping() {
    for (text, printed) in [
        (" { \"b\" : 1 , \"a\" : [ true , null ] } ", "{\"b\":1,\"a\":[true,null]}"),
        ("\"\\u03c0 \\/ \\n \\u0001 \\ud83d\\ude00\"", "\"π / \\n \\u0001 😀\""),
        ("1.50", "1.5"),
        ("-0", "0"),
        ("1E2", "100"),
        ("1e-3", "0.001"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"),
    ] {
        let json = Json::parse(text).unwrap();
        assert_eq!(json.to_string(), printed);
        assert_eq!(json.text_bytes(), printed.len(), "{text}");
    }
}

#[test]
fn the_last_of_equal_members_counts_in_large_objects_too() {
    let members: Vec<String> = (0..40).map(|n| format!("\"k{}\":{n}", n % 30)).collect();
    let json = Json::parse(&format!("{{{}}}", members.join(","))).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 30);
    assert_eq!(json.get("k5"), Some(&Json::Integer(35)));
    assert_eq!(json.get("k15"), Some(&Json::Integer(15)));
    assert_eq!(json.get("k30"), None);
    let names: Vec<_> = json.as_object().unwrap().iter().map(|(name, _)| &**name).collect();
    assert_eq!((names[0], names[9], names[29]), ("k0", "k9", "k29"));
}

#[test]
fn refuses_what_is_not_json_with_the_place() {
    for (text, place) in [
        ("", 0),
        ("abc", 0),
        ("01", 1),
        ("1.", 2),
        ("+1", 0),
        ("1e", 2),
        ("[1,]", 3),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("\"a", 2),
        ("\"\u{1}\"", 1),
        ("\"\\x\"", 2),
        ("\"\\ud800\"", 7),
        ("\"\\ud800\\u0041\"", 13),
        ("1 2", 2),
        ("\u{feff}1", 0),
        ("nul", 0),
        ("[1 2]", 3),
    ] {
        let error = Json::parse(text).expect_err(text);
        assert!(
            matches!(error, JsonError::Syntax { offset, .. } if offset == place),
            "{text}: {error}"
        );
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert_eq!(Json::parse(&nested(NESTING_MAX)).unwrap().depth(), NESTING_MAX);
    let error = Json::parse(&nested(NESTING_MAX + 1)).unwrap_err();
    assert_eq!(error, JsonError::TooDeep { offset: NESTING_MAX });
    assert!(Json::parse(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn numbers_of_reasonable_length_are_read_and_longer_ones_refused() {
    assert!(Json::parse(&"9".repeat(1_000)).is_ok());
    let error = Json::parse(&"9".repeat(1_001)).unwrap_err();
    assert_eq!(error.to_string(), "not JSON at byte 0: a number is too long");
}

#[test]
fn equality_is_by_value() {
    let equal = |a: &str, b: &str| Json::parse(a).unwrap() == Json::parse(b).unwrap();
    assert!(equal("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1.0}"));
    assert!(!equal("{\"a\":1}", "{\"a\":1,\"b\":2}"));
    assert!(!equal("[1,2]", "[2,1]"));
    assert!(!equal("1", "\"1\""));
    assert!(!equal("9007199254740993", "9007199254740992"));
}

#[test]
fn documents_of_other_crates_come_in_as_values() {
    let value = serde_json::json!({"a": [1, 2.5, u64::MAX, "x", null, true]});
    let json = Json::from(&value);
    assert_eq!(json.to_string(), "{\"a\":[1,2.5,18446744073709551615,\"x\",null,true]}");
}
