//! DER at the edges of its forms.
#![allow(clippy::unwrap_used, reason = "tests over known data; a failed one may stop anywhere")]

use super::*;
use crate::signing::rsa_parts;

/// The length that these octets stand for, or the words of the refusal.
fn length(octets: &[u8]) -> Result<usize, String> {
    read_length(&mut Cursor::new("Test", octets), "length").map_err(|error| error.to_string())
}

#[test]
fn a_length_is_read_in_its_shortest_form_only() {
    for (octets, expected) in [
        (&[0][..], 0),
        (&[0x7f], 0x7f),
        (&[0x81, 0x80], 0x80),
        (&[0x81, 0xff], 0xff),
        (&[0x82, 1, 0], 0x100),
        (&[0x83, 1, 0, 0], 0x01_0000),
        (&[0x84, 1, 2, 3, 4], 0x0102_0304),
    ] {
        assert_eq!(length(octets), Ok(expected), "{octets:x?}");
    }
    for (octets, reason) in [
        (&[0x80, 0, 0][..], "indefinite or longer than four octets"),
        (&[0x85, 1, 0, 0, 0, 0], "indefinite or longer than four octets"),
        (&[0xff; 130], "indefinite or longer than four octets"),
        (&[0x81, 0], "not in its shortest form"),
        (&[0x81, 0x7f], "not in its shortest form"),
        (&[0x82, 0, 0xff], "not in its shortest form"),
        (&[0x84, 0, 1, 0, 0], "not in its shortest form"),
    ] {
        let error = length(octets).unwrap_err();
        assert!(error.contains(reason), "{octets:x?}: {error}");
    }
}

#[test]
fn an_element_of_another_tag_is_refused() {
    let of_tag = |tag| read(&mut Cursor::new("Test", &[INTEGER, 1, 5]), "field", tag);
    assert_eq!(of_tag(INTEGER).unwrap(), [5]);
    assert!(of_tag(OCTET_STRING).is_err());
}

#[test]
fn an_integer_is_read_if_it_is_not_negative_and_in_its_shortest_form() {
    let integer = |content: &[u8]| {
        let der = element(INTEGER, content);
        read_unsigned(&mut Cursor::new("Test", &der), "integer").map(<[u8]>::to_vec).ok()
    };
    for (content, expected) in [
        (&[0][..], &[0][..]),
        (&[1], &[1]),
        (&[0x7f], &[0x7f]),
        (&[0x7f, 0xff], &[0x7f, 0xff]),
        (&[0, 0x80], &[0x80]),
        (&[0, 0xff, 0], &[0xff, 0]),
    ] {
        assert_eq!(integer(content).as_deref(), Some(expected), "{content:x?}");
    }
    for content in [&[][..], &[0x80], &[0xff], &[0, 0], &[0, 0x7f], &[0, 1, 0], &[0, 0, 0x80]] {
        assert_eq!(integer(content), None, "{content:x?}");
    }
}

#[test]
fn what_is_written_is_in_its_shortest_form() {
    for (magnitude, expected) in [
        (&[][..], &[2, 1, 0][..]),
        (&[0, 0], &[2, 1, 0]),
        (&[0, 1], &[2, 1, 1]),
        (&[0x7f], &[2, 1, 0x7f]),
        (&[0x80], &[2, 2, 0, 0x80]),
        (&[0, 0xff, 0], &[2, 3, 0, 0xff, 0]),
    ] {
        assert_eq!(unsigned_integer(magnitude), expected, "{magnitude:x?}");
    }
    for (length, expected) in
        [(0, &[4, 0][..]), (0x7f, &[4, 0x7f]), (0x80, &[4, 0x81, 0x80]), (0x100, &[4, 0x82, 1, 0])]
    {
        assert!(octet_string(&vec![7; length]).starts_with(expected), "{length}");
    }
}

#[test]
fn arcs_of_identifiers_are_written_in_groups_of_seven_bits() {
    assert_eq!(object_identifier(&[1, 2, 3]), [6, 2, 0x2a, 3]);
    assert_eq!(object_identifier(&[1, 3, 127, 128]), [6, 4, 0x2b, 0x7f, 0x81, 0]);
    let rsa = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    assert_eq!(object_identifier(&[1, 2, 840, 113_549, 1, 1, 1]), rsa);
}

#[test]
fn an_rsa_key_ends_where_its_exponent_ends() {
    let (modulus, exponent) = (unsigned_integer(&[0xc1, 5]), unsigned_integer(&[1, 0, 1]));
    let key = sequence(&[&modulus, &exponent]);
    assert_eq!(rsa_parts(&key).unwrap(), (&[0xc1, 5][..], &[1, 0, 1][..]));
    assert!(rsa_parts(&[key, vec![5, 0]].concat()).is_err());
    assert!(rsa_parts(&sequence(&[&modulus, &exponent, &[5, 0]])).is_err());
}
