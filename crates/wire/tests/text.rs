//! Hex, base64url and times as text.
#![cfg(test)]

use avouch_wire::{Hex, UnixTime, base64url, decode_hex};
use proptest::prelude::*;

#[test]
fn hex_reads_both_cases_and_prints_lower_case() {
    assert_eq!(Hex::<2>::from_hex("aBfF").unwrap().to_string(), "abff");
    assert!(Hex::<2>::from_hex("abff00").is_err());
    assert!(decode_hex("abc").is_err());
    assert_eq!(decode_hex("0g").unwrap_err().to_string(), "character 1 is not a hex digit");
}

#[test]
fn base64url_takes_complete_padding_and_nothing_looser() {
    assert_eq!(base64url::decode("_-8").unwrap(), [0xff, 0xef]);
    assert_eq!(base64url::decode("_-8=").unwrap(), [0xff, 0xef]);
    assert_eq!(base64url::decode("").unwrap(), Vec::<u8>::new());
    for wrong in ["_-8==", "_-9", "_", "+/8", "_- 8", "_-8\n", "=", "===="] {
        assert!(base64url::decode(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(
        base64url::decode("ab+c").unwrap_err().to_string(),
        "character 2 ('+') is not in the alphabet"
    );
}

#[test]
fn standard_base64_refuses_the_url_alphabet() {
    assert_eq!(base64url::decode_standard("/+8=").unwrap(), [0xff, 0xef]);
    assert!(base64url::decode_standard("_-8=").is_err());
}

#[test]
fn either_alphabet_is_read_and_never_both_in_one_text() {
    for text in ["_-8", "_-8=", "/+8", "/+8="] {
        assert_eq!(base64url::decode_either(text).unwrap(), [0xff, 0xef], "{text}");
    }
    for (text, refused) in [
        ("_+8=", "character 0 ('_')"),
        ("/-8=", "character 1 ('-')"),
        ("/*8=", "character 1 ('*')"),
        ("a*", "character 1 ('*')"),
        ("/+8==", "not canonical"),
        ("/+9=", "not canonical"),
        (" /+8", "character 0 (' ')"),
    ] {
        let error = base64url::decode_either(text).unwrap_err().to_string();
        assert!(error.contains(refused), "{text}: {error}");
    }
}

#[test]
fn appending_base64url_keeps_what_stands_before() {
    let mut text = String::from("head.");
    base64url::encode_append([0xff, 0xef], &mut text);
    assert_eq!(text, "head._-8");
}

#[test]
fn times_are_made_of_their_parts_on_the_calendar() {
    for (date, time, text) in [
        ((1970, 1, 1), (0, 0, 0), "1970-01-01T00:00:00Z"),
        ((1950, 12, 31), (23, 59, 59), "1950-12-31T23:59:59Z"),
        ((2024, 2, 29), (12, 30, 1), "2024-02-29T12:30:01Z"),
        ((9999, 12, 31), (23, 59, 59), "9999-12-31T23:59:59Z"),
        ((0, 1, 1), (0, 0, 0), "0000-01-01T00:00:00Z"),
    ] {
        assert_eq!(UnixTime::from_utc(date, time).unwrap().to_rfc3339(), text);
    }
    for (date, time) in [
        ((2023, 2, 29), (0, 0, 0)),
        ((2023, 0, 1), (0, 0, 0)),
        ((2023, 13, 1), (0, 0, 0)),
        ((2023, 1, 0), (0, 0, 0)),
        ((2023, 1, 1), (24, 0, 0)),
        ((2023, 1, 1), (0, 60, 0)),
        ((2023, 1, 1), (0, 0, 60)),
        ((-1, 1, 1), (0, 0, 0)),
    ] {
        assert_eq!(UnixTime::from_utc(date, time), None, "{date:?} {time:?}");
    }
}

#[test]
fn times_are_rfc3339_in_and_out() {
    let moment = UnixTime::from_rfc3339("2021-07-01T22:13:13+02:00").unwrap();
    assert_eq!(moment.seconds(), 1_625_170_393);
    assert_eq!(moment.to_string(), "2021-07-01T20:13:13Z");
    assert!(UnixTime::from_rfc3339("2021-07-01").is_err());
    assert!(UnixTime::from_seconds(i64::MAX).is_err());
    assert_eq!(moment.saturating_add_seconds(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
}

proptest! {
    #[test]
    fn base64url_and_hex_round_trip(bytes: Vec<u8>) {
        prop_assert_eq!(base64url::decode(&base64url::encode(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(base64url::decode_standard(&base64url::encode_standard(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(decode_hex(&avouch_wire::encode_hex(&bytes)).unwrap(), bytes);
    }

    #[test]
    fn no_text_makes_the_decoders_panic(text: String) {
        let _ = base64url::decode(&text);
        let _ = decode_hex(&text);
        let _ = UnixTime::from_rfc3339(&text);
    }
}
