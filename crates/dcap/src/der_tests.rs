//! Lengths and integers at the edges of their forms.

use super::*;

#[test]
fn a_length_is_read_in_its_shortest_form_of_at_most_two_bytes() {
    let read = |bytes: &[u8]| length(&mut Cursor::new("Test", bytes), "length").ok();
    for (bytes, expected) in [
        (&[0][..], 0),
        (&[0x7f], 0x7f),
        (&[0x81, 0x80], 0x80),
        (&[0x81, 0xff], 0xff),
        (&[0x82, 1, 0], 0x100),
        (&[0x82, 0xff, 0xff], 0xffff),
    ] {
        assert_eq!(read(bytes), Some(expected), "{bytes:x?}");
    }
    for bytes in
        [&[][..], &[0x80], &[0x81], &[0x81, 0], &[0x81, 0x7f], &[0x82, 0, 0xff], &[0x83, 1, 0, 0]]
    {
        assert_eq!(read(bytes), None, "{bytes:x?}");
    }
}

#[test]
fn an_integer_is_read_in_its_shortest_form_up_to_its_limit() {
    let read = |content: &[u8], limit: u16| {
        let length = u8::try_from(content.len()).unwrap_or_default();
        let bytes = [&[INTEGER, length], content].concat();
        unsigned(&mut Cursor::new("Test", &bytes), "integer", INTEGER, limit).ok()
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
    ] {
        assert_eq!(read(content, u16::MAX), Some(expected), "{content:x?}");
        assert_eq!(read(content, expected), Some(expected), "{content:x?}");
        let below = expected.checked_sub(1);
        assert_eq!(below.and_then(|limit| read(content, limit)), None, "{content:x?}");
    }
    for content in
        [&[][..], &[0x80], &[0, 0x7f], &[0, 0], &[0x80, 0], &[0, 0x7f, 1], &[1, 0x80, 1], &[0; 4]]
    {
        assert_eq!(read(content, u16::MAX), None, "{content:x?}");
    }
}
