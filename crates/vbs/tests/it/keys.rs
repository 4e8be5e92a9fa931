//! Which numbers are a key to sign reports by.

use avouch_vbs::{KEY_BITS_MAX, KEY_BITS_MIN, SigningKey};
use avouch_wire::FailedCheck as _;

fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), &'static str> {
    SigningKey::of(modulus, exponent).map(drop).map_err(|error| error.check())
}

/// An odd number of so many bits.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    bytes[0] >>= bytes.len() * 8 - bits;
    bytes
}

#[test]
fn keys_are_as_long_as_they_must_be_and_no_longer() {
    for bits in [KEY_BITS_MIN, 3072, 4096, KEY_BITS_MAX] {
        assert_eq!(check(&modulus(bits), &[1, 0, 1]), Ok(()), "{bits}");
    }
    for bits in [8, 1024, KEY_BITS_MIN - 1, KEY_BITS_MAX + 8] {
        assert_eq!(check(&modulus(bits), &[1, 0, 1]), Err("vbs-identity-key-length"), "{bits}");
    }
    let filled = [vec![0; 128], modulus(1024)].concat();
    assert_eq!(check(&filled, &[1, 0, 1]), Err("vbs-identity-key-length"));
}

#[test]
fn exponents_are_odd_and_neither_one_nor_huge() {
    let modulus = modulus(KEY_BITS_MIN);
    for exponent in [&[3][..], &[0, 3], &[1, 0, 1], &[0xff; 4]] {
        assert_eq!(check(&modulus, exponent), Ok(()), "{exponent:?}");
    }
    for exponent in
        [&[][..], &[0], &[1], &[0, 0, 1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1], &[0xff; 256]]
    {
        assert_eq!(check(&modulus, exponent), Err("vbs-identity-key-exponent"), "{exponent:?}");
    }
}

#[test]
fn a_modulus_that_is_even_is_none() {
    let mut even = modulus(KEY_BITS_MIN);
    even[255] = 0xfe;
    assert_eq!(check(&even, &[1, 0, 1]), Err("vbs-identity-key-modulus"));
}

#[test]
fn a_key_is_told_by_its_numbers() {
    let key = |exponent| SigningKey::of(&modulus(KEY_BITS_MIN), exponent).unwrap().sha256();
    assert_eq!(key(&[1, 0, 1]), key(&[0, 1, 0, 1]));
    assert_ne!(key(&[1, 0, 1]), key(&[3]));
}
