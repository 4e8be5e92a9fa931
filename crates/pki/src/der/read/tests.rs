//! Lengths and integers at the edges of their forms.

use super::*;
use crate::der::{ENUMERATED, write};

#[test]
fn a_length_is_read_in_its_shortest_form_only() {
    let read = |bytes: &[u8]| length(&mut Cursor::new("Test", bytes), "length");
    for (bytes, expected) in [
        (&[0][..], 0),
        (&[0x7f], 0x7f),
        (&[0x81, 0x80], 0x80),
        (&[0x81, 0xff], 0xff),
        (&[0x82, 1, 0], 0x100),
        (&[0x82, 0xff, 0xff], 0xffff),
        (&[0x83, 1, 0, 0], 0x01_0000),
        (&[0x84, 1, 2, 3, 4], 0x0102_0304),
    ] {
        assert_eq!(read(bytes), Ok(expected), "{bytes:x?}");
    }
    for (bytes, reason) in [
        (&[][..], "1 bytes needed"),
        (&[0x81], "1 bytes needed"),
        (&[0x80, 0, 0], "not definite or over 4 GiB"),
        (&[0x85, 1, 0, 0, 0, 0], "not definite or over 4 GiB"),
        (&[0xff; 130], "not definite or over 4 GiB"),
        (&[0x81, 0], "not in its shortest form"),
        (&[0x81, 0x7f], "not in its shortest form"),
        (&[0x82, 0, 0xff], "not in its shortest form"),
        (&[0x84, 0, 1, 0, 0], "not in its shortest form"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(reason), "{bytes:x?}: {error}");
    }
}

#[test]
fn an_element_of_another_tag_is_refused() {
    let of_tag = |tag| open(&mut Cursor::new("Test", &[INTEGER, 1, 5]), "field", tag);
    assert_eq!(of_tag(INTEGER).unwrap().rest(), [5]);
    assert!(of_tag(OCTET_STRING).is_err());
}

#[test]
fn a_magnitude_is_read_if_it_is_not_negative_and_in_its_shortest_form() {
    let read = |content: &[u8]| {
        let der = write::element(INTEGER, content);
        unsigned(&mut Cursor::new("Test", &der), "integer").map(<[u8]>::to_vec).ok()
    };
    for (content, expected) in [
        (&[0][..], &[][..]),
        (&[1], &[1]),
        (&[0x7f], &[0x7f]),
        (&[0x7f, 0xff], &[0x7f, 0xff]),
        (&[0, 0x80], &[0x80]),
        (&[0, 0xff, 0], &[0xff, 0]),
    ] {
        assert_eq!(read(content).as_deref(), Some(expected), "{content:x?}");
    }
    for content in [&[][..], &[0x80], &[0xff], &[0, 0], &[0, 0x7f], &[0, 1, 0], &[0, 0, 0x80]] {
        assert_eq!(read(content), None, "{content:x?}");
    }
}

#[test]
fn a_number_is_read_in_its_shortest_form_up_to_its_limit() {
    let read = |content: &[u8], limit: u32| {
        let bytes = write::element(ENUMERATED, content);
        number(&mut Cursor::new("Test", &bytes), "number", ENUMERATED, limit).ok()
    };
    for (content, expected) in [
        (&[0][..], 0),
        (&[0x7f], 0x7f),
        (&[0, 0x80], 0x80),
        (&[0, 0xff], 0xff),
        (&[1, 2], 0x0102),
        (&[0x7f, 0], 0x7f00),
        (&[0, 0x80, 1], 0x8001),
        (&[0, 0xff, 0xff], 0xffff),
        (&[1, 0x80, 1], 0x01_8001),
        (&[0x7f, 0xff, 0xff, 0xff], 0x7fff_ffff),
        (&[0, 0xff, 0xff, 0xff, 0xff], u32::MAX),
    ] {
        assert_eq!(read(content, u32::MAX), Some(expected), "{content:x?}");
        assert_eq!(read(content, expected), Some(expected), "{content:x?}");
        let below = expected.checked_sub(1);
        assert_eq!(below.and_then(|limit| read(content, limit)), None, "{content:x?}");
    }
    for content in [
        &[][..],
        &[0x80],
        &[0, 0x7f],
        &[0, 0],
        &[0x80, 0],
        &[0, 0x7f, 1],
        &[0; 4],
        &[1, 0, 0, 0, 0],
        &[0, 0x80, 0, 0, 0, 0],
    ] {
        assert_eq!(read(content, u32::MAX), None, "{content:x?}");
    }
}

#[test]
fn octets_are_as_many_as_asked_for() {
    let read = |count: usize| {
        let bytes = write::octet_string(&vec![7; count]);
        octets::<3>(&mut Cursor::new("Test", &bytes), "octets").ok()
    };
    assert_eq!(read(3), Some(Hex([7; 3])));
    assert_eq!((read(2), read(4)), (None, None));
}
