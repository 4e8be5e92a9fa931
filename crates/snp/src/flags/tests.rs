//! Each bit has one name and each name one bit.

use serde_json::{Map, Value};

use super::*;

/// The names that are true in a bit field as JSON.
fn names(json: &Value) -> Vec<&str> {
    let members = json.as_object().map(Map::iter).into_iter().flatten();
    members
        .filter(|(_, value)| **value == Value::Bool(true))
        .map(|(name, _)| name.as_str())
        .collect()
}

#[test]
fn each_bit_of_a_guest_policy_has_its_name() {
    for (number, name) in [
        (16, Some("smt_allowed")),
        (17, None),
        (18, Some("migrate_ma_allowed")),
        (19, Some("debug_allowed")),
        (20, Some("single_socket")),
        (21, Some("cxl_allowed")),
        (22, Some("mem_aes_256_xts")),
        (23, Some("rapl_dis")),
        (24, Some("ciphertext_hiding_dram")),
        (25, Some("page_swap_disable")),
        (26, None),
        (63, None),
    ] {
        let policy = GuestPolicy(1 << number);
        let json = serde_json::to_value(policy).unwrap_or_default();
        assert_eq!(names(&json), Vec::from_iter(name), "{number}");
        assert_eq!(json.as_object().map(Map::len), Some(13));
        assert_eq!(policy.reserved_one(), number == 17);
        let unknown = if number > 25 { policy.0 } else { 0 };
        assert_eq!(policy.unknown_bits(), unknown, "{number}");
        assert_eq!(json["unknown_bits"], format!("{unknown:#x}"));
    }
    let policy = GuestPolicy(0x0302);
    let json = serde_json::to_value(policy).unwrap_or_default();
    assert_eq!((policy.abi_major(), policy.abi_minor()), (3, 2));
    assert_eq!((&json["abi_major"], &json["abi_minor"]), (&Value::from(3), &Value::from(2)));
    assert_eq!(json["raw"], "0x302");
}

#[test]
fn each_bit_of_the_platform_information_has_its_name() {
    for (number, name) in [
        (0, Some("smt_en")),
        (1, Some("tsme_en")),
        (2, Some("ecc_en")),
        (3, Some("rapl_dis")),
        (4, Some("ciphertext_hiding_dram_en")),
        (5, Some("alias_check_complete")),
        (6, None),
        (7, Some("tio_en")),
        (8, None),
    ] {
        let info = PlatformInfo(1 << number);
        let json = serde_json::to_value(info).unwrap_or_default();
        assert_eq!(names(&json), Vec::from_iter(name), "{number}");
        assert_eq!(json.as_object().map(Map::len), Some(9));
        let unknown = if name.is_none() { info.0 } else { 0 };
        assert_eq!(info.unknown_bits(), unknown, "{number}");
    }
}

#[test]
fn key_flags_are_two_bits_a_key_of_three_and_a_reserved_rest() {
    for (raw, expected) in [
        (0, (false, false, 0, 0)),
        (1, (true, false, 0, 0)),
        (2, (false, true, 0, 0)),
        (4, (false, false, 1, 0)),
        (8, (false, false, 2, 0)),
        (0x1c, (false, false, 7, 0)),
        (0x1f, (true, true, 7, 0)),
        (0x20, (false, false, 0, 0x20)),
        (0x8000_0000, (false, false, 0, 0x8000_0000)),
    ] {
        let flags = KeyFlags(raw);
        let found =
            (flags.author_key_en(), flags.mask_chip_key(), flags.signing_key(), flags.reserved());
        assert_eq!(found, expected, "{raw:#x}");
    }
    for (kind, number, name) in [(VekKind::Vcek, 0, "VCEK"), (VekKind::Vlek, 1, "VLEK")] {
        assert_eq!((kind.signing_key(), kind.to_string().as_str()), (number, name));
    }
}
