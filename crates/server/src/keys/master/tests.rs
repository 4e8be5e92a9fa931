//! What is wrapped opens under its own key, for its own record, and as it was.

use super::{MasterKey, MasterKeyError, MasterKeys, WrapError};

const FIRST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefe";

fn keys(first: &str, former: &[&str]) -> MasterKeys {
    let former = former.iter().map(|text| MasterKey::parse(text).unwrap()).collect();
    MasterKeys::new(MasterKey::parse(first).unwrap(), former)
}

#[test]
fn what_is_wrapped_opens_for_its_context_under_its_key_only() {
    let master = keys(FIRST, &[]);
    let wrapped = master.wrap(b"private", b"record").unwrap();
    let name = master.first().name().to_owned();
    let open = |wrapped: &[u8], context: &[u8]| master.unwrap(&name, wrapped, context);
    assert_eq!(open(&wrapped, b"record").unwrap().as_slice(), b"private");
    assert_eq!(open(&wrapped, b"another").unwrap_err(), WrapError::Damaged);
    for index in 1..wrapped.len() {
        let mut damaged = wrapped.clone();
        damaged[index] ^= 1;
        assert_eq!(open(&damaged, b"record").unwrap_err(), WrapError::Damaged, "{index}");
        assert!(open(&wrapped[..index], b"record").is_err(), "{index}");
    }
    assert_eq!(open(&[], b"record").unwrap_err(), WrapError::Form);
    let mut other_form = wrapped.clone();
    other_form[0] = 2;
    assert_eq!(open(&other_form, b"record").unwrap_err(), WrapError::Form);
    let other = keys(OTHER, &[]).unwrap(&name, &wrapped, b"record").unwrap_err();
    assert!(matches!(other, WrapError::OtherMasterKey { .. }), "{other}");
    // What is wrapped twice does not show that it is the same.
    assert_ne!(master.wrap(b"private", b"record").unwrap(), wrapped);
}

#[test]
fn a_former_master_key_still_unwraps_and_wraps_no_more() {
    let (old, both) = (keys(FIRST, &[]), keys(OTHER, &[FIRST]));
    let wrapped = old.wrap(b"private", b"record").unwrap();
    assert!(both.knows(old.first().name()) && both.knows(both.first().name()));
    assert!(!old.knows(both.first().name()));
    let opened = both.unwrap(old.first().name(), &wrapped, b"record").unwrap();
    assert_eq!(opened.as_slice(), b"private");
    let wrapped = both.wrap(b"private", b"record").unwrap();
    assert!(old.unwrap(both.first().name(), &wrapped, b"record").is_err());
}

#[test]
fn a_master_key_is_64_hex_digits_and_shows_nowhere() {
    let key = MasterKey::parse(&format!(" {}\n", FIRST.to_uppercase())).unwrap();
    assert_eq!(key.name(), MasterKey::parse(FIRST).unwrap().name());
    assert_ne!(key.name(), MasterKey::parse(OTHER).unwrap().name());
    for text in [
        "",
        FIRST.strip_prefix('0').unwrap(),
        &format!("{FIRST}0"),
        &FIRST.replace('f', "g"),
        &FIRST.replace("00", "é"),
    ] {
        assert_eq!(MasterKey::parse(text).unwrap_err(), MasterKeyError::Form, "{text}");
    }
    let shown = format!("{:?} {:?}", key, keys(FIRST, &[OTHER]));
    assert!(!shown.contains("0011") && !FIRST.contains(key.name()), "{shown}");
    // Every purpose has a secret of its own, and none is the key.
    assert_ne!(*key.derive(b"one"), *key.derive(b"two"));
    assert_ne!(
        *MasterKey::of_signing_key(b"one").unwrap().derive(b""),
        *MasterKey::of_signing_key(b"two").unwrap().derive(b"")
    );
}

/// Vectors of Project Wycheproof, put into the form in which keys are stored.
#[test]
fn aes_gcm_opens_what_wycheproof_calls_valid_and_nothing_else() {
    use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, NONCE_LEN, UnboundKey};
    use wycheproof::TestResult;
    use wycheproof::aead::{TestName, TestSet};

    let (mut opened, mut refused) = (0, 0);
    for group in &TestSet::load(TestName::AesGcm).unwrap().test_groups {
        for test in &group.tests {
            let is_ours =
                test.key.len() == 32 && test.nonce.len() == NONCE_LEN && test.tag.len() == 16;
            let Ok(key) = UnboundKey::new(&AES_256_GCM, &test.key) else { continue };
            let key = LessSafeKey::new(key);
            let secret = zeroize::Zeroizing::new([0; 32]);
            let master = MasterKey { name: "wycheproof".to_owned(), key, secret, is_sealed: false };
            let (nonce, ct, tag) = (&test.nonce[..], &test.ct[..], &test.tag[..]);
            let wrapped = [&[super::FORM][..], nonce, ct, tag].concat();
            let found = master.unwrap(&wrapped, &test.aad);
            let what = format!("{}: {}", test.tc_id, test.comment);
            if test.result == TestResult::Valid && is_ours {
                assert_eq!(found.unwrap().as_slice(), test.pt.as_slice(), "{what}");
                // What is wrapped now opens too, and under a nonce of its own.
                let again = master.wrap(&test.pt, &test.aad).unwrap();
                assert_ne!(&again[1..=NONCE_LEN], nonce);
                assert_eq!(
                    master.unwrap(&again, &test.aad).unwrap().as_slice(),
                    test.pt.as_slice()
                );
                opened += 1;
            } else {
                // Changed, or with a nonce or tag of a length that the form does not have.
                assert_eq!(found.unwrap_err(), WrapError::Damaged, "{what}");
                refused += 1;
            }
        }
    }
    assert!(opened > 30 && refused > 20, "{opened} opened, {refused} refused");
}
