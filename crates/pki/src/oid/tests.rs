#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and makes its numbers up"
)]

use std::borrow::Cow;

use x509_parser::oid_registry::Oid;

use super::algorithm as known;
use super::*;

/// An identifier by its content bytes.
fn by_content(content: &[u8]) -> Oid<'_> {
    Oid::new(Cow::Borrowed(content))
}

/// As the readers ask: form first, then text.
fn text_of(content: &[u8]) -> Option<String> {
    is_well_formed(content).then(|| dotted(content))
}

/// Base-128 groups of one arc.
fn group(arc: u128) -> Vec<u8> {
    let groups = (128 - arc.leading_zeros()).div_ceil(7).max(1);
    let more = |index: u32| if index == 0 { 0 } else { 0x80 };
    (0..groups).rev().map(|index| (arc >> (7 * index)) as u8 & 0x7f | more(index)).collect()
}

/// xorshift64: the same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn random_identifiers_read_as_the_library_writes_them() {
    let mut numbers = Numbers(0x5eed);
    let mut compared = 0;
    for _ in 0..20_000 {
        let first = (numbers.next() % 0x80) as u8;
        let (mut content, mut arcs) = (vec![first], Vec::new());
        for _ in 0..numbers.next() % 12 {
            // Arcs of every length up to 64 bits.
            let arc = u128::from(numbers.next() >> (numbers.next() % 64));
            content.extend(group(arc));
            arcs.push(arc);
        }
        let expected = match first {
            0..40 => format!("0.{first}"),
            40..80 => format!("1.{}", first - 40),
            _ => format!("2.{}", first - 80),
        };
        let expected = arcs.iter().fold(expected, |text, arc| format!("{text}.{arc}"));
        let oid = by_content(&content);
        assert_eq!(text_of(&content).as_deref(), Some(expected.as_str()), "{content:02x?}");
        // The library misreads a first group from 120 on, and gives up on arcs from 63 bits on.
        if first < 120 && content.len() > 1 && arcs.iter().all(|arc| *arc < 1 << 63) {
            compared += 1;
            assert_eq!(oid.to_id_string(), expected);
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn the_first_arc_is_at_most_two() {
    for (content, text) in [
        (&[0x00][..], "0.0"),
        (&[0x27], "0.39"),
        (&[0x28], "1.0"),
        (&[0x4f], "1.39"),
        (&[0x50], "2.0"),
        (&[0x7f], "2.47"),
        (&[0x81, 0x00], "2.48"),
        // The registered example of ITU-T X.690, section 8.19.5.
        (&[0x88, 0x37, 0x03], "2.999.3"),
    ] {
        assert_eq!(text_of(content).as_deref(), Some(text));
    }
}

#[test]
fn arcs_up_to_64_bits_are_written_in_full_and_others_as_bytes() {
    for (arc, text) in [
        (0_u128, "2.5.0"),
        (9, "2.5.9"),
        (10, "2.5.10"),
        (127, "2.5.127"),
        (128, "2.5.128"),
        (16_383, "2.5.16383"),
        (16_384, "2.5.16384"),
        (u128::from(u64::MAX), "2.5.18446744073709551615"),
        (u128::from(u64::MAX) + 1, "5582808080808080808000"),
    ] {
        let content = [vec![0x55], group(arc)].concat();
        assert_eq!(text_of(&content).as_deref(), Some(text));
    }
}

#[test]
fn what_is_no_identifier_has_no_text() {
    for content in [
        &[][..],
        // An arc without end.
        &[0x80],
        &[0x2a, 0x86],
        &[0x55, 0x1d, 0x8f],
        // Key usage, with an arc longer than it need be.
        &[0x55, 0x1d, 0x80, 0x0f],
        &[0x80, 0x55, 0x1d, 0x0f],
    ] {
        assert_eq!(text_of(content), None, "{content:02x?}");
    }
    assert_eq!(text_of(&[0x55, 0x1d, 0x0f]).as_deref(), Some(KEY_USAGE));
}

#[test]
fn algorithms_are_the_identifiers_that_they_are_called() {
    for (content, text) in [
        (known::RSA_ENCRYPTION, "1.2.840.113549.1.1.1"),
        (known::MGF1, "1.2.840.113549.1.1.8"),
        (known::RSASSA_PSS, "1.2.840.113549.1.1.10"),
        (known::RSA_SHA256, "1.2.840.113549.1.1.11"),
        (known::RSA_SHA384, "1.2.840.113549.1.1.12"),
        (known::RSA_SHA512, "1.2.840.113549.1.1.13"),
        (known::EC_PUBLIC_KEY, "1.2.840.10045.2.1"),
        (known::P256, "1.2.840.10045.3.1.7"),
        (known::P384, "1.3.132.0.34"),
        (known::P521, "1.3.132.0.35"),
        (known::ECDSA_SHA256, "1.2.840.10045.4.3.2"),
        (known::ECDSA_SHA384, "1.2.840.10045.4.3.3"),
        (known::ECDSA_SHA512, "1.2.840.10045.4.3.4"),
        (known::SHA256, "2.16.840.1.101.3.4.2.1"),
        (known::SHA384, "2.16.840.1.101.3.4.2.2"),
        (known::SHA512, "2.16.840.1.101.3.4.2.3"),
    ] {
        assert_eq!(text_of(content).as_deref(), Some(text));
    }
}
