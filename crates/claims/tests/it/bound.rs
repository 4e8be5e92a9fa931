//! Held data: bound first, then read, and never as another number than was hashed.

use std::convert::Infallible;

use avouch_claims::{BoundData, DataType, HeldData, HeldDataError, ServiceClaim, common};

fn read(text: &str) -> Result<BoundData, HeldDataError<Infallible>> {
    let data = HeldData { bytes: text.into(), data_type: DataType::Json };
    BoundData::bind(&data, |_| Ok(()))
}

/// At the top, in an array, in an object, and deep in both.
fn everywhere(number: &str) -> [String; 4] {
    [
        format!(r#"{{"a":{number}}}"#),
        format!(r#"{{"a":[1,"x",{number}]}}"#),
        format!(r#"{{"a":{{"b":true,"c":{number}}}}}"#),
        format!(r#"{{"a":[[],[{{"b":[{{"c":[0,{number} , 1]}}]}}]]}}"#),
    ]
}

#[test]
fn a_number_that_a_token_would_show_as_another_is_refused_wherever_it_stands() {
    for number in [
        "123456789012345678901",
        "-18446744073709551616",
        "9223372036854775808e1",
        "1.000000000000000005",
        "0.1000000000000000000000000000000001",
        "123e-10000000",
        "1e-400",
        "-4e-324",
        "1e-99999999999999999999",
        "12345678901234567.5",
    ] {
        for text in everywhere(number) {
            match read(&text) {
                Err(HeldDataError::InexactNumber(found)) => assert_eq!(found, number, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_number_that_a_token_shows_with_its_value_is_taken_wherever_it_stands() {
    for number in [
        "0",
        "-0",
        "-0.0",
        "0e99999999999999999999",
        "18446744073709551615",
        "-9223372036854775808",
        "0.1",
        "1.10",
        "2.50e3",
        "1E22",
        "1e+22",
        "123456789012345680000",
        "1e-7",
        "5e-324",
        "1.7976931348623157e308",
    ] {
        for text in everywhere(number) {
            assert!(read(&text).is_ok(), "{text}");
        }
    }
}

#[test]
fn digits_within_texts_and_names_are_no_numbers() {
    let texts = [
        r#"{"1.000000000000000005":"123456789012345678901"}"#,
        r#"{"a\"1e-400":["\\\"1e-400","\\",1]}"#,
        r#"{"a":"\\"," 1e-400 ":"-"}"#,
    ];
    for text in texts {
        assert!(read(text).is_ok(), "{text}");
    }
    assert!(read(r#"{"a":"\\","b":1e-400}"#).is_err());
}

#[test]
fn a_refusal_quotes_no_more_of_a_number_than_a_person_reads() {
    let text = format!(r#"{{"a":1{}}}"#, "0".repeat(100_000) + ".5");
    // Too large for any double, which the reader of JSON says itself.
    assert!(matches!(read(&text), Err(HeldDataError::Json(_))));
    let text = format!(r#"{{"a":0.1{}1}}"#, "0".repeat(100_000));
    let Err(refused @ HeldDataError::InexactNumber(_)) = read(&text) else { panic!("taken") };
    let message = refused.to_string();
    assert!(message.len() < 120, "{message}");
    assert!(message.contains("0.1000"), "{message}");
}

#[test]
fn data_that_the_evidence_does_not_bind_is_not_read() {
    let data = HeldData { bytes: b"no JSON".to_vec(), data_type: DataType::Json };
    let refused = BoundData::bind(&data, |_| Err("not bound"));
    assert_eq!(refused, Err(HeldDataError::NotBound("not bound")));
}

#[test]
fn what_is_checked_is_what_was_sent_white_space_and_final_nuls_included() {
    let sent = b" {\"a\":1} \n\0\0".to_vec();
    let data = HeldData { bytes: sent.clone(), data_type: DataType::Json };
    let mut checked = Vec::new();
    let bound = BoundData::bind(&data, |bytes| {
        checked = bytes.to_vec();
        Ok::<(), Infallible>(())
    });
    assert_eq!(bound.unwrap().json().unwrap().len(), 1);
    assert_eq!(checked, sent);
}

#[test]
fn json_that_is_no_object_or_names_a_member_twice_or_is_too_large_is_refused() {
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(256 * 1024));
    for text in ["", "\0", "[]", "1", "{", "{}x", "{}\0x", r#"{"a":1,"a":1}"#, &large] {
        assert!(matches!(read(text), Err(HeldDataError::Json(_))), "{}", text.len());
    }
    assert!(read("{}").is_ok());
}

#[test]
fn json_may_have_a_hundred_levels_and_no_more() {
    let levels = |count: usize| "{\"a\":".repeat(count - 1) + "{}" + &"}".repeat(count - 1);
    let text = levels(100);
    let claims = common("sgx", Some(&read(&text).unwrap()), None);
    let nested = ServiceClaim::nested("x-ms-isolation-tee", &claims).value.to_json();
    assert_eq!(nested["x-ms-runtime"].to_string(), text);
    assert!(matches!(read(&levels(101)), Err(HeldDataError::Json(_))));
}

#[test]
fn json_may_be_as_large_as_256_kib_and_no_larger() {
    let of_length = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    assert!(read(&of_length(256 * 1024)).is_ok());
    assert!(matches!(read(&of_length(256 * 1024 + 1)), Err(HeldDataError::Json(_))));
}

#[test]
fn bytes_may_be_as_many_as_256_kib_and_no_more_and_are_hashed_first() {
    let read = |bytes: usize, bound| {
        let data = HeldData { bytes: vec![7; bytes], data_type: DataType::Binary };
        BoundData::bind(&data, |_| if bound { Ok(()) } else { Err("not bound") }).map(drop)
    };
    let limit = 256 * 1024;
    assert_eq!(read(limit, true), Ok(()));
    let length = limit + 1;
    assert_eq!(read(length, true), Err(HeldDataError::TooLong { length, limit }));
    assert_eq!(read(length, false), Err(HeldDataError::NotBound("not bound")));
}

#[test]
fn bytes_are_kept_as_they_are_and_are_no_json() {
    let data = HeldData { bytes: b"{}\0".to_vec(), data_type: DataType::Binary };
    let bound = BoundData::bind(&data, |_| Ok::<(), Infallible>(())).unwrap();
    assert_eq!(bound.binary(), Some(b"{}\0".as_slice()));
    assert_eq!(bound.json(), None);
    let json = read("{}").unwrap();
    assert_eq!((json.binary(), json.json().unwrap().len()), (None, 0));
}
