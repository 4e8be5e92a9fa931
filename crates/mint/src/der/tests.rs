use super::*;

#[test]
fn writes_lengths_in_the_shortest_form() {
    assert_eq!(octet_string(&[7; 127])[..2], [0x04, 127]);
    assert_eq!(octet_string(&[7; 128])[..3], [0x04, 0x81, 128]);
    assert_eq!(octet_string(&[7; 256])[..4], [0x04, 0x82, 1, 0]);
}

#[test]
fn writes_integers_positive_and_minimal() {
    assert_eq!(integer_u64(0), [2, 1, 0]);
    assert_eq!(integer_u64(127), [2, 1, 127]);
    assert_eq!(integer_u64(128), [2, 2, 0, 128]);
    assert_eq!(integer(&[0, 0, 1, 2]), [2, 2, 1, 2]);
}

#[test]
fn writes_object_identifiers_in_base_128() {
    // 1.2.840.113741.1.13.1, the SGX extension.
    let expected = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1];
    assert_eq!(oid(&[1, 2, 840, 113_741, 1, 13, 1]), expected);
}

#[test]
fn writes_times_as_rfc_5280_wants_them() {
    let in_2049 = UnixTime::from_rfc3339("2049-12-31T23:59:59Z").unwrap();
    assert_eq!(time(in_2049), [b"\x17\x0d".as_slice(), b"491231235959Z"].concat());
    let in_2050 = in_2049.saturating_add_seconds(1);
    assert_eq!(time(in_2050), [b"\x18\x0f".as_slice(), b"20500101000000Z"].concat());
}
