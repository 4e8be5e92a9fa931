use proptest::prelude::*;

use super::*;

fn reason(text: &str) -> &'static str {
    match ProviderName::parse(text) {
        Err(StoreError::InvalidName { reason, .. }) => reason,
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn accepts_names_of_the_published_pattern_and_keeps_their_case() {
    for text in ["abc", "My-Provider-1", "a23456789012345678901234", "007", "a--b"] {
        assert_eq!(ProviderName::parse(text).unwrap().as_str(), text);
    }
}

#[test]
fn names_that_differ_only_in_case_are_the_same_name() {
    assert_eq!(ProviderName::parse("ABC").unwrap(), ProviderName::parse("abc").unwrap());
    assert_eq!(ProviderName::parse("aBc").unwrap().key(), "abc");
}

#[test]
fn refuses_names_of_wrong_length() {
    for text in ["", "ab", "a234567890123456789012345"] {
        assert_eq!(reason(text), "must have 3 to 24 characters");
    }
}

#[test]
fn refuses_everything_that_means_something_in_a_path_or_host() {
    for text in [
        "../etc",
        "a/b",
        "a%2fb",
        "a\\b",
        "a.b",
        "a b",
        "abc\0",
        "abc\n",
        "a_b",
        "a:b",
        "a@b",
        "..%2f",
        "%2e%2e",
        "Ärger",
        "аbc",
        "ＡＢＣ",
        "abc\u{200b}",
        "K\u{212a}ab",
    ] {
        assert_eq!(reason(text), "only letters a to z, digits and hyphens are allowed", "{text:?}");
    }
}

#[test]
fn refuses_what_is_no_host_name_label_or_shows_as_another() {
    assert_eq!(reason("-abc"), "must not begin or end with a hyphen");
    assert_eq!(reason("abc-"), "must not begin or end with a hyphen");
    assert_eq!(reason("xn--80ak6aa92e"), "must not have hyphens in third and fourth place");
}

#[test]
fn refuses_reserved_names_in_any_case_but_finds_them() {
    for text in ["default", "Default", "CONSOLE", "www"] {
        assert_eq!(reason(text), "reserved for the service");
        assert_eq!(ProviderName::key_of(text).unwrap(), text.to_ascii_lowercase());
    }
    for text in RESERVED_PROVIDER_NAMES {
        assert_eq!(reason(text), "reserved for the service");
    }
}

#[test]
fn resource_groups_follow_the_rules_of_resource_manager() {
    for text in ["rg", "My_group-1.(x)", "größe"] {
        assert!(ResourceScope::parse("sub", text).is_ok(), "{text}");
    }
    for text in ["", "a/b", "ends.", "a b", "a%2fb", "x\0", &"x".repeat(91)] {
        assert!(ResourceScope::parse("sub", text).is_err(), "{text}");
    }
    for text in ["", "a/b", "a b", "ü", &"x".repeat(65)] {
        assert!(ResourceScope::parse(text, "rg").is_err(), "{text}");
    }
}

#[test]
fn resource_scopes_compare_without_case() {
    let scope = |sub, group| ResourceScope::parse(sub, group).unwrap();
    assert!(scope("ABC-1", "Größe").is(&scope("abc-1", "GRÖßE")));
    assert!(!scope("abc-1", "g").is(&scope("abc-2", "g")));
    assert!(!scope("abc-1", "g").is(&scope("abc-1", "h")));
}

proptest! {
    #[test]
    fn whatever_passes_is_its_own_path_segment_and_host_label(text in ".{0,30}|[a-zA-Z0-9-]{2,26}") {
        if let Ok(name) = ProviderName::parse(&text) {
            prop_assert!((3..=24).contains(&text.len()));
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            prop_assert_eq!(name.key(), text.to_ascii_lowercase());
            prop_assert_eq!(ProviderName::parse(name.key()).unwrap(), name);
        }
    }
}
