#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn writes_what_the_library_writes() {
    for arcs in [
        &[1, 2, 840, 113_549, 1, 1, 10][..],
        &[2, 5, 29, 15],
        &[1, 3, 6, 1, 4, 1, 3704, 1, 3, 9],
        &[2, 16, 840, 1, 101, 3, 4, 2, 2],
        &[0, 9],
        &[1, 39],
    ] {
        let oid = Oid::from(arcs).unwrap();
        assert_eq!(dotted(&oid), oid.to_id_string());
    }
}

#[test]
fn the_first_arc_is_at_most_two() {
    // 2.999 is the registered example.
    assert_eq!(written(&[0x88, 0x37]).as_deref(), Some("2.999"));
    assert_eq!(written(&[0x50]).as_deref(), Some("2.0"));
    assert_eq!(written(&[0x4f]).as_deref(), Some("1.39"));
}

#[test]
fn leaves_what_it_cannot_write_to_the_library() {
    for content in [
        &[][..],
        &[0x80],
        &[0x2a, 0x86],
        &[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ] {
        assert_eq!(written(content), None);
    }
}
