//! Project Wycheproof's vectors through the signature schemes in use: each invalid signature is
//! refused, each valid one accepted.
#![cfg(test)]
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

use avouch_pki::{PublicKey, SignatureScheme as Scheme};
use wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify, rsa_pss_verify};

/// Checks one vector; `acceptable` ones may go either way, so that there is nothing to check.
fn check(what: &str, key: &PublicKey, scheme: Scheme, test: (&[u8], &[u8], TestResult)) -> bool {
    let (message, signature, expected) = test;
    let verified = key.verify(scheme, message, signature).is_ok();
    match expected {
        TestResult::Valid => assert!(verified, "{what}: a valid signature is refused"),
        TestResult::Invalid => assert!(!verified, "{what}: an invalid signature is accepted"),
        TestResult::Acceptable => {}
    }
    verified
}

#[test]
fn ecdsa_in_der_and_as_two_numbers() {
    use ecdsa::TestName as T;
    let sets = [
        (T::EcdsaSecp256r1Sha256, Scheme::EcdsaP256Sha256),
        (T::EcdsaSecp256r1Sha256P1363, Scheme::EcdsaP256Sha256Fixed),
        (T::EcdsaSecp384r1Sha256, Scheme::EcdsaP384Sha256),
        (T::EcdsaSecp384r1Sha384, Scheme::EcdsaP384Sha384),
        (T::EcdsaSecp384r1Sha384P1363, Scheme::EcdsaP384Sha384Fixed),
        (T::EcdsaSecp521r1Sha512, Scheme::EcdsaP521Sha512),
        (T::EcdsaSecp521r1Sha512P1363, Scheme::EcdsaP521Sha512Fixed),
    ];
    for (name, scheme) in sets {
        let set = ecdsa::TestSet::load(name).unwrap();
        let (mut run, mut accepted) = (0, 0);
        for group in &set.test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            for test in &group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                run += 1;
                accepted +=
                    usize::from(check(&what, &key, scheme, (&test.msg, &test.sig, test.result)));
            }
        }
        assert!(run > 150 && accepted > 50, "{name:?}: {run} run, {accepted} accepted");
    }
}

#[test]
fn rsa_with_pkcs1_padding() {
    use rsa_pkcs1_verify::TestName as T;
    let sets = [
        (T::Rsa2048Sha256, Scheme::RsaPkcs1Sha256),
        (T::Rsa2048Sha384, Scheme::RsaPkcs1Sha384),
        (T::Rsa2048Sha512, Scheme::RsaPkcs1Sha512),
        (T::Rsa3072Sha256, Scheme::RsaPkcs1Sha256),
        (T::Rsa3072Sha384, Scheme::RsaPkcs1Sha384),
        (T::Rsa3072Sha512, Scheme::RsaPkcs1Sha512),
        (T::Rsa4096Sha256, Scheme::RsaPkcs1Sha256),
        (T::Rsa4096Sha384, Scheme::RsaPkcs1Sha384),
        (T::Rsa4096Sha512, Scheme::RsaPkcs1Sha512),
        (T::Rsa8192Sha256, Scheme::RsaPkcs1Sha256),
        (T::Rsa8192Sha384, Scheme::RsaPkcs1Sha384),
        (T::Rsa8192Sha512, Scheme::RsaPkcs1Sha512),
    ];
    for (name, scheme) in sets {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        let (mut run, mut accepted) = (0, 0);
        for group in &set.test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            for test in &group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                run += 1;
                accepted +=
                    usize::from(check(&what, &key, scheme, (&test.msg, &test.sig, test.result)));
            }
        }
        assert!(run > 100 && accepted > 5, "{name:?}: {run} run, {accepted} accepted");
    }
}

#[test]
fn rsa_with_pss_padding_and_a_salt_as_long_as_the_hash() {
    use rsa_pss_verify::TestName as T;
    let sets = [
        (T::RsaPss2048Sha256Mgf1SaltLen32, Scheme::RsaPssSha256),
        (T::RsaPss3072Sha256Mgf1SaltLen32, Scheme::RsaPssSha256),
        (T::RsaPss4096Sha256Mgf1SaltLen32, Scheme::RsaPssSha256),
        (T::RsaPss2048Sha384Mgf1SaltLen48, Scheme::RsaPssSha384),
        (T::RsaPss4096Sha384Mgf1SaltLen48, Scheme::RsaPssSha384),
        (T::RsaPss4096Sha512Mgf1SaltLen64, Scheme::RsaPssSha512),
    ];
    for (name, scheme) in sets {
        let set = rsa_pss_verify::TestSet::load(name).unwrap();
        let (mut run, mut accepted) = (0, 0);
        for group in &set.test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            for test in &group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                run += 1;
                accepted +=
                    usize::from(check(&what, &key, scheme, (&test.msg, &test.sig, test.result)));
            }
        }
        assert!(run > 50 && accepted > 5, "{name:?}: {run} run, {accepted} accepted");
    }
}

/// Signatures that are valid with another salt, hash or mask are none of ours.
#[test]
fn other_parameters_of_pss_are_refused() {
    use rsa_pss_verify::TestName as T;
    let others = [
        T::RsaPss2048Sha1Mgf1SaltLen20,
        T::RsaPss2048Sha256Mgf1SaltLen0,
        T::RsaPss2048Sha256Mgf1Sha1_20,
        T::RsaPss2048Sha512_256Mgf1SaltLen32,
        T::RsaPss4096Sha512Mgf1SaltLen32,
    ];
    let mut refused = 0;
    for name in others {
        for group in &rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
                for scheme in [Scheme::RsaPssSha256, Scheme::RsaPssSha384, Scheme::RsaPssSha512] {
                    let verified = key.verify(scheme, &test.msg, &test.sig);
                    assert!(verified.is_err(), "{name:?} {} under {scheme:?}", test.tc_id);
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
