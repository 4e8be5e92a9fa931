use super::*;

#[test]
fn lengths_are_in_their_shortest_form() {
    for (length, expected) in
        [(0, &[4, 0][..]), (0x7f, &[4, 0x7f]), (0x80, &[4, 0x81, 0x80]), (0x100, &[4, 0x82, 1, 0])]
    {
        assert!(octet_string(&vec![7; length]).starts_with(expected), "{length}");
    }
}

#[test]
fn integers_are_not_negative_and_in_their_shortest_form() {
    for (magnitude, expected) in [
        (&[][..], &[2, 1, 0][..]),
        (&[0, 0], &[2, 1, 0]),
        (&[0, 1], &[2, 1, 1]),
        (&[0x7f], &[2, 1, 0x7f]),
        (&[0x80], &[2, 2, 0, 0x80]),
        (&[0, 0xff, 0], &[2, 3, 0, 0xff, 0]),
    ] {
        assert_eq!(integer(magnitude), expected, "{magnitude:x?}");
    }
    assert_eq!(integer_u64(0), [2, 1, 0]);
    assert_eq!(integer_u64(128), [2, 2, 0, 128]);
}

#[test]
fn arcs_of_identifiers_are_in_groups_of_seven_bits() {
    assert_eq!(oid(&[1, 2, 3]), [6, 2, 0x2a, 3]);
    assert_eq!(oid(&[1, 3, 127, 128]), [6, 4, 0x2b, 0x7f, 0x81, 0]);
    let rsa = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    assert_eq!(oid(&[1, 2, 840, 113_549, 1, 1, 1]), rsa);
}

#[test]
fn times_are_as_rfc_5280_wants_them() {
    for (moment, tag, expected) in [
        ("1949-12-31T23:59:59Z", GENERALIZED_TIME, "19491231235959Z"),
        ("1950-01-01T00:00:00Z", UTC_TIME, "500101000000Z"),
        ("2049-12-31T23:59:59Z", UTC_TIME, "491231235959Z"),
        ("2050-01-01T00:00:00Z", GENERALIZED_TIME, "20500101000000Z"),
    ] {
        let written = time(UnixTime::from_rfc3339(moment).unwrap());
        assert_eq!(written, element(tag, expected.as_bytes()), "{moment}");
    }
}
