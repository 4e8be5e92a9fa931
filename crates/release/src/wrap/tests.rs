//! Vectors of Project Wycheproof through the two parts of wrapping, and both together.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

use avouch_pki::PublicKey;
use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use wycheproof::{TestResult, keywrap, rsa_oaep};

use super::*;

#[test]
fn rsa_oaep_opens_what_wycheproof_calls_valid_and_nothing_else() {
    use rsa_oaep::TestName as T;
    for (name, algorithm, tests) in [
        (T::Rsa2048Sha1Mgf1Sha1, WrapAlgorithm::RsaAesSha1, 30),
        (T::Rsa2048Sha256Mgf1Sha256, WrapAlgorithm::RsaAesSha256, 30),
        (T::Rsa2048Sha384Mgf1Sha384, WrapAlgorithm::RsaAesSha384, 30),
        (T::Rsa3072Sha256Mgf1Sha256, WrapAlgorithm::RsaAesSha256, 30),
        (T::Rsa4096Sha256Mgf1Sha256, WrapAlgorithm::RsaAesSha256, 30),
        // A hash of OAEP and another of MGF1 is none of ours.
        (T::Rsa2048Sha256Mgf1Sha1, WrapAlgorithm::RsaAesSha256, 30),
        (T::Rsa2048Sha384Mgf1Sha1, WrapAlgorithm::RsaAesSha384, 30),
    ] {
        let is_mixed = matches!(name, T::Rsa2048Sha256Mgf1Sha1 | T::Rsa2048Sha384Mgf1Sha1);
        let (mut run, mut opened) = (0, 0);
        for group in &rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let private = UnwrappingKey::from_pkcs8_der(&group.pkcs8).unwrap();
            for test in &group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let found = open_oaep(&private.0, algorithm, &test.ct);
                // What was sealed with a label does not open without one.
                let is_ours = test.label.is_empty() && !is_mixed;
                match (test.result, is_ours) {
                    (TestResult::Valid, true) => {
                        assert_eq!(found.unwrap().as_slice(), test.pt.as_slice(), "{what}");
                        opened += 1;
                    }
                    (TestResult::Acceptable, true) => {}
                    _ => assert!(found.is_none(), "{what}"),
                }
                run += 1;
            }
        }
        assert!(run >= tests && (is_mixed || opened > 5), "{name:?}: {run}, {opened} opened");
    }
}

#[test]
fn aes_key_wrap_with_padding_opens_what_wycheproof_calls_valid_and_nothing_else() {
    let (mut run, mut opened) = (0, 0);
    for group in
        &keywrap::TestSet::load(keywrap::TestName::AesKeyWrapWithPadding).unwrap().test_groups
    {
        for test in &group.tests {
            let Ok(kek) = <&[u8; KEK_BYTES]>::try_from(test.key.as_slice()) else { continue };
            let what = format!("{}: {}", test.tc_id, test.comment);
            let found = unwrap_padded(kek, &test.ct);
            match test.result {
                TestResult::Valid => {
                    assert_eq!(found.unwrap().as_slice(), test.pt.as_slice(), "{what}");
                    let mut out = vec![0; test.pt.len() + PADDING_BYTES_MAX];
                    let length = wrap_padded(kek, &test.pt, &mut out).unwrap();
                    assert_eq!(&out[..length], test.ct.as_slice(), "{what}");
                    opened += 1;
                }
                TestResult::Invalid => assert!(found.is_none(), "{what}"),
                TestResult::Acceptable => {}
            }
            run += 1;
        }
    }
    assert!(run > 50 && opened > 15, "{run}, {opened} opened");
}

#[test]
fn aes_key_wrap_without_padding_is_another_thing_and_never_opens() {
    let mut run = 0;
    for group in &keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap().test_groups {
        for test in &group.tests {
            let Ok(kek) = <&[u8; KEK_BYTES]>::try_from(test.key.as_slice()) else { continue };
            assert!(unwrap_padded(kek, &test.ct).is_none(), "{}: {}", test.tc_id, test.comment);
            run += 1;
        }
    }
    assert!(run > 30, "{run}");
}

/// The first 2048-bit key of Wycheproof's: both halves.
fn pair() -> (WrappingKey, UnwrappingKey) {
    let set = rsa_oaep::TestSet::load(rsa_oaep::TestName::Rsa2048Sha1Mgf1Sha1).unwrap();
    let group = &set.test_groups[0];
    let public = PublicKey::rsa(&group.key.n, &group.key.e).unwrap();
    let key =
        OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public.spki_der()).unwrap());
    let private = UnwrappingKey::from_pkcs8_der(&group.pkcs8).unwrap();
    (WrappingKey::for_tests(key.unwrap()), private)
}

fn kek(byte: u8) -> KeyEncryptionKey {
    KeyEncryptionKey::from_random(&mut [byte; KEK_BYTES])
}

#[test]
fn keys_of_every_length_come_out_as_they_went_in() {
    let (public, private) = pair();
    for length in [1, 7, 8, 9, 15, 16, 17, 31, 32, 138, 1218, 2374, KEY_BYTES_MAX] {
        let key: Vec<u8> = (0..=250).cycle().take(length).collect();
        let wrapped = wrap(&public, WrapAlgorithm::RsaAesSha256, &kek(3), &key).unwrap();
        assert_eq!(wrapped.len(), 256 + (length.div_ceil(8) + 1) * 8);
        let opened = unwrap(&private, WrapAlgorithm::RsaAesSha256, &wrapped).unwrap();
        assert_eq!(*opened, key);
    }
}

#[test]
fn a_key_of_no_bytes_or_too_many_is_not_wrapped() {
    let (public, _) = pair();
    for length in [0, KEY_BYTES_MAX + 1] {
        let refused = wrap(&public, WrapAlgorithm::default(), &kek(3), &vec![1; length]);
        assert_eq!(refused, Err(WrapError::Length { length }));
    }
}

#[test]
fn a_ciphertext_that_ends_in_a_zero_opens() {
    use avouch_wire::base64url;
    let (public, private) = pair();
    // One in 256 does; the second part depends on nothing but these bytes.
    let wrapped = (33..64)
        .flat_map(|length| (0..=u8::MAX).map(move |byte| (byte, length)))
        .map(|(byte, length)| {
            wrap(&public, WrapAlgorithm::RsaAesSha1, &kek(byte), &vec![byte; length]).unwrap()
        })
        .find(|wrapped| wrapped.ends_with(&[0]))
        .unwrap();
    let text = base64url::encode(&wrapped);
    let received = base64url::decode(&text).unwrap();
    assert_eq!(received, wrapped);
    assert!(unwrap(&private, WrapAlgorithm::RsaAesSha1, &received).is_ok());
    let cut = &received[..received.len() - 1];
    let refused = unwrap(&private, WrapAlgorithm::RsaAesSha1, cut).unwrap_err();
    assert!(matches!(refused, UnwrapError::Length { .. }));
}

#[test]
fn another_algorithm_does_not_open() {
    let (public, private) = pair();
    for by in WrapAlgorithm::ALL {
        let wrapped = wrap(&public, by, &kek(3), b"secret").unwrap();
        for with in WrapAlgorithm::ALL {
            let opened = unwrap(&private, with, &wrapped);
            if by == with {
                assert_eq!(*opened.unwrap(), b"secret");
            } else {
                assert_eq!(opened.unwrap_err(), UnwrapError::DoesNotOpen, "{by} {with}");
            }
        }
    }
}

#[test]
fn a_truncated_ciphertext_does_not_open() {
    let (public, private) = pair();
    let wrapped = wrap(&public, WrapAlgorithm::RsaAesSha1, &kek(3), &[5; 40]).unwrap();
    for length in 0..wrapped.len() {
        assert!(unwrap(&private, WrapAlgorithm::RsaAesSha1, &wrapped[..length]).is_err());
    }
    let longer = [wrapped.as_slice(), &[0; 8]].concat();
    assert!(unwrap(&private, WrapAlgorithm::RsaAesSha1, &longer).is_err());
}

#[test]
fn a_ciphertext_with_any_byte_changed_does_not_open() {
    let (public, private) = pair();
    let wrapped = wrap(&public, WrapAlgorithm::RsaAesSha1, &kek(3), &[5; 21]).unwrap();
    for index in (0..256).step_by(16).chain(256..wrapped.len()) {
        let mut changed = wrapped.clone();
        changed[index] ^= 1;
        let opened = unwrap(&private, WrapAlgorithm::RsaAesSha1, &changed);
        assert_eq!(opened.unwrap_err(), UnwrapError::DoesNotOpen, "byte {index}");
    }
}

/// The parts of RFC 5649, section 3, put together by hand around the block cipher's plain key wrap.
fn wrapped_by_hand(kek: &[u8; KEK_BYTES], value: [u8; 8], padded: [u8; 8]) -> Vec<u8> {
    use aws_lc_rs::cipher::{AES_256 as AES, EncryptingKey, UnboundCipherKey};
    let key = UnboundCipherKey::new(&AES, kek).unwrap();
    let key = EncryptingKey::ecb(key).unwrap();
    let mut block = [value, padded].concat();
    key.encrypt(&mut block).unwrap();
    block
}

/// What opens of a block that has this integrity value before this text.
fn opened_by_hand(value: [u8; 8], padded: [u8; 8]) -> Option<Vec<u8>> {
    let kek = [3; KEK_BYTES];
    let opened = unwrap_padded(&kek, &wrapped_by_hand(&kek, value, padded));
    opened.map(|opened| opened.to_vec())
}

/// The alternative initial value of RFC 5649, section 3, with a length.
fn initial_value(length: u32) -> [u8; 8] {
    let [a, b, c, d] = length.to_be_bytes();
    [0xa6, 0x59, 0x59, 0xa6, a, b, c, d]
}

#[test]
fn what_is_wrapped_by_hand_opens() {
    let opened = opened_by_hand(initial_value(3), [1, 2, 3, 0, 0, 0, 0, 0]);
    assert_eq!(opened.unwrap(), [1, 2, 3]);
    assert_eq!(opened_by_hand(initial_value(8), [1; 8]).unwrap(), [1; 8]);
}

#[test]
fn an_altered_integrity_value_does_not_open() {
    for index in 0..4 {
        let mut other = initial_value(8);
        other[index] ^= 1;
        assert!(opened_by_hand(other, [1; 8]).is_none(), "{index}");
    }
    // That of key wrap without padding (RFC 3394).
    assert!(opened_by_hand([0xa6; 8], [1; 8]).is_none());
}

#[test]
fn a_length_of_zero_does_not_open() {
    assert!(opened_by_hand(initial_value(0), [0; 8]).is_none());
}

#[test]
fn a_length_that_is_not_the_blocks_does_not_open() {
    for length in [9, 16, 0xffff_ffff, 0x0300_0000] {
        assert!(opened_by_hand(initial_value(length), [0; 8]).is_none(), "{length}");
    }
}

#[test]
fn padding_that_is_not_zero_does_not_open() {
    for index in 3..8 {
        let mut padded = [1, 2, 3, 0, 0, 0, 0, 0];
        padded[index] = 1;
        assert!(opened_by_hand(initial_value(3), padded).is_none(), "{index}");
    }
}

#[test]
fn a_key_that_is_none_opens_nothing() {
    for bytes in [&[][..], &[0x30, 0], b"-----BEGIN PRIVATE KEY-----"] {
        assert_eq!(UnwrappingKey::from_pkcs8_der(bytes).unwrap_err(), UnwrapError::NoKey);
    }
}

#[test]
fn algorithms_have_the_names_that_clients_send() {
    let names = WrapAlgorithm::ALL.map(WrapAlgorithm::name);
    assert_eq!(names, ["CKM_RSA_AES_KEY_WRAP", "RSA_AES_KEY_WRAP_256", "RSA_AES_KEY_WRAP_384"]);
    for algorithm in WrapAlgorithm::ALL {
        assert_eq!(WrapAlgorithm::from_name(algorithm.name()), Ok(algorithm));
    }
    WrapAlgorithm::from_name("").unwrap_err();
}
