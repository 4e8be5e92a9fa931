//! The cursor names structure, field and absolute offset.
#![cfg(test)]

use avouch_wire::{Cursor, ParseErrorKind};

#[test]
fn reads_integers_of_both_byte_orders() {
    let mut cursor = Cursor::new("S", &[1, 2, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5]);
    assert_eq!(cursor.u8("a").unwrap(), 1);
    assert_eq!(cursor.u16_le("b").unwrap(), 2);
    assert_eq!(cursor.u32_be("c").unwrap(), 0x0003_0000);
    cursor.take("d", 1).unwrap();
    assert_eq!(cursor.u64_le("e").unwrap(), 4);
    assert_eq!(cursor.rest(), &[5]);
    cursor.finish().unwrap();
}

#[test]
fn a_short_field_is_reported_with_structure_field_and_offset() {
    let mut cursor = Cursor::new("Quote", &[0; 5]);
    cursor.u32_le("version").unwrap();
    let error = cursor.u16_le("key_type").unwrap_err();
    assert_eq!(error.to_string(), "Quote.key_type at byte 0x4: 2 bytes needed, 1 left");
}

#[test]
fn offsets_inside_a_sub_structure_are_absolute() {
    let mut cursor = Cursor::new("Outer", &[0; 10]);
    cursor.take("head", 6).unwrap();
    let mut inner = cursor.sub("inner", "Inner", 4).unwrap();
    inner.u16_le("x").unwrap();
    assert_eq!(inner.u32_le("y").unwrap_err().offset, 8);
    assert_eq!(inner.finish().unwrap_err().kind, ParseErrorKind::Trailing { extra: 2 });
}

#[test]
fn a_length_over_its_limit_is_refused_before_use() {
    let mut cursor = Cursor::new("S", &[0xff; 8]);
    let error = cursor.length_u32_le("length", 100).unwrap_err();
    assert_eq!(error.kind, ParseErrorKind::OverLimit { value: 0xffff_ffff, limit: 100 });
    assert_eq!(error.offset, 0);
}

#[test]
fn reserved_bytes_must_be_zero() {
    assert!(Cursor::new("S", &[0; 4]).zeros("reserved", 4).is_ok());
    let error = Cursor::new("S", &[0, 1]).zeros("reserved", 2).unwrap_err();
    assert_eq!(error.kind, ParseErrorKind::ReservedNotZero { found: "0001".into() });
}

#[test]
fn a_number_that_must_have_one_value_is_refused_where_it_stands() {
    let bytes = [9, 7, 0, 0, 0];
    let mut cursor = Cursor::new("S", &bytes);
    cursor.u8("first").unwrap();
    cursor.clone().expect_u32_le("second", 7).unwrap();
    for expected in [0, 6, 8, 0x0700_0000] {
        let error = cursor.clone().expect_u32_le("second", expected).unwrap_err();
        let text = format!("S.second at byte 0x1: expected {expected}, found 7");
        assert_eq!(error.to_string(), text);
    }
    cursor.u8("x").unwrap();
    let short = cursor.expect_u32_le("third", 0).unwrap_err();
    assert_eq!(short.kind, ParseErrorKind::Short { needed: 4, left: 3 });
}

#[test]
fn a_length_is_taken_up_to_its_limit() {
    let bytes = 5_u32.to_le_bytes();
    for limit in [5, 6] {
        assert_eq!(Cursor::new("S", &bytes).length_u32_le("length", limit), Ok(5));
    }
    let error = Cursor::new("S", &bytes).length_u32_le("length", 4).unwrap_err();
    assert_eq!(error.to_string(), "S.length at byte 0x0: 5 is over the limit of 4");
    let error = Cursor::new("S", &bytes).over_limit("count", 3_u8, 2);
    assert_eq!(error.kind, ParseErrorKind::OverLimit { value: 3, limit: 2 });
}
