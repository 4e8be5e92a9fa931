//! What CBOR may cost to decode, judged before it is decoded.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

/// Deepest nesting; the deepest that messages here have is six.
const DEPTH_MAX: usize = 16;
/// Most data items, whatever they are; a receipt with the longest path has under 300.
const ITEMS_MAX: usize = 4096;

/// Checks that bytes are one well-formed data item of CBOR (RFC 8949), at most 16 deep and of at most 4096
/// items, all of definite length, with no simple values but `false`, `true` and `null`; nothing is allocated.
///
/// # Errors
/// [`ParseError`] with `structure` as the structure, and the offset.
pub fn check_bounds(structure: &'static str, bytes: &[u8]) -> Result<(), ParseError> {
    let mut cursor = Cursor::new(structure, bytes);
    let mut left = ITEMS_MAX;
    item(&mut cursor, DEPTH_MAX, &mut left)?;
    cursor.finish()
}

fn item(cursor: &mut Cursor<'_>, depth: usize, left: &mut usize) -> Result<(), ParseError> {
    let over = |what, limit: usize| cursor.over_limit(what, limit.saturating_add(1), limit);
    let Some(below) = depth.checked_sub(1) else { return Err(over("depth", DEPTH_MAX)) };
    let Some(fewer) = left.checked_sub(1) else { return Err(over("items", ITEMS_MAX)) };
    *left = fewer;
    let head = cursor.u8("initial byte")?;
    let (major, short) = (head >> 5, head & 0x1f);
    let value = argument(cursor, short)?;
    let items = match major {
        0 | 1 => 0,
        2 | 3 => {
            let length = usize::try_from(value).unwrap_or(usize::MAX);
            cursor.take("string", length)?;
            0
        }
        4 => value,
        5 => value.saturating_mul(2),
        6 => 1,
        // `false`, `true`, `null` and floats. Readers take `undefined` for `null`: one message would have two texts.
        _ if matches!(short, 20..=22 | 25..=27) => 0,
        _ => {
            let kind = ParseErrorKind::Malformed(format!("simple value {value}"));
            return Err(cursor.error("simple value", kind));
        }
    };
    // Each item has a byte: no count is believed that the bytes cannot hold.
    let limit = u64::try_from(cursor.remaining()).unwrap_or(u64::MAX);
    if items > limit {
        return Err(cursor.over_limit("count", items, limit));
    }
    (0..items).try_for_each(|_| item(cursor, below, left))
}

/// The number in or behind the initial byte.
fn argument(cursor: &mut Cursor<'_>, short: u8) -> Result<u64, ParseError> {
    match short {
        0..=23 => Ok(u64::from(short)),
        24 => cursor.u8("argument").map(u64::from),
        25 => cursor.u16_be("argument").map(u64::from),
        26 => cursor.u32_be("argument").map(u64::from),
        27 => cursor.u64_be("argument"),
        31 => {
            let kind = ParseErrorKind::Malformed("indefinite length".to_owned());
            Err(cursor.error("argument", kind))
        }
        _ => {
            let kind = ParseErrorKind::Malformed("reserved additional information".to_owned());
            Err(cursor.error("argument", kind))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8]) -> Result<(), String> {
        check_bounds("Message", bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn one_whole_item_of_definite_length_passes_and_what_is_next_to_it_does_not() {
        for good in [
            &[0x00][..],
            &[0x18, 0xff],
            &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x42, 1, 2],
            &[0x62, b'a', b'b'],
            &[0x82, 0xf4, 0xf6],
            &[0xa1, 0x01, 0x80],
            &[0xd2, 0x84, 0x40, 0xa0, 0xf6, 0x40],
            &[0xf9, 0x3c, 0x00],
        ] {
            assert_eq!(check(good), Ok(()), "{good:x?}");
            let longer = [good, &[0]].concat();
            assert!(check(&longer).unwrap_err().contains("unexpected bytes"), "{good:x?}");
            for length in 0..good.len() {
                assert!(check(&good[..length]).is_err(), "{good:x?} {length}");
            }
        }
        for (bad, said) in [
            (&[0x9f, 0xff][..], "argument at byte 0x1: indefinite length"),
            (&[0x5f, 0x40, 0xff], "indefinite length"),
            (&[0x1c], "argument at byte 0x1: reserved additional information"),
            (&[0xf7], "simple value 23"),
            (&[0xe0], "simple value 0"),
            (&[0xf8, 0x20], "simple value 32"),
            (&[0x58, 0x05, 1], "5 bytes needed, 1 left"),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "over the limit of 0"),
            (&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "over the limit of 0"),
            (&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "bytes needed"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.contains(said), "{bad:x?}: {error}");
        }
    }

    #[test]
    fn depth_and_number_of_items_are_bounded() {
        let nested = |depth: usize| [vec![0x81; depth.saturating_sub(1)], vec![0x00]].concat();
        assert_eq!(check(&nested(DEPTH_MAX)), Ok(()));
        assert!(check(&nested(DEPTH_MAX.saturating_add(1))).unwrap_err().contains("Message.depth"));
        assert!(check(&nested(100_000)).unwrap_err().contains("Message.depth"));
        let list = |items: u16| {
            let [high, low] = items.to_be_bytes();
            [vec![0x99, high, low], vec![0x00; usize::from(items)]].concat()
        };
        assert_eq!(check(&list(4095)), Ok(()));
        assert!(check(&list(4096)).unwrap_err().contains("Message.items"));
    }
}
