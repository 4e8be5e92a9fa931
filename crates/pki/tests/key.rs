//! Keys, signatures and PEM.

#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test fails by panicking")]

mod support;

use avouch_pki::{KeyKind, PublicKey, SignatureError, SignatureScheme, digest, pem};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RSA_PSS_SHA384, RsaEncoding,
};

#[test]
fn raw_ecdsa_signatures_verify_and_their_tampered_siblings_do_not() {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let signature = pair.sign(&random, b"message").unwrap();
    let xy: [u8; 64] = pair.public_key().as_ref()[1..].try_into().unwrap();
    let key = PublicKey::p256(&xy);
    let scheme = SignatureScheme::EcdsaP256Sha256Fixed;
    key.verify(scheme, b"message", signature.as_ref()).unwrap();
    assert!(key.verify(scheme, b"massage", signature.as_ref()).is_err());
    assert!(key.verify(scheme, b"message", &signature.as_ref()[1..]).is_err());
    assert!(key.verify(scheme, b"message", &[0; 64]).is_err());
    for byte in 0..64 {
        let mut flipped = signature.as_ref().to_vec();
        flipped[byte] ^= 0x80;
        assert!(key.verify(scheme, b"message", &flipped).is_err());
    }
    assert_eq!(
        key.verify(SignatureScheme::EcdsaP384Sha384Fixed, b"message", &[0; 96]),
        Err(SignatureError::WrongKeyKind {
            key: KeyKind::P256,
            scheme: SignatureScheme::EcdsaP384Sha384Fixed
        })
    );
    assert!(PublicKey::p256(&[0; 64]).verify(scheme, b"message", signature.as_ref()).is_err());
}

#[test]
fn an_rsa_key_that_was_read_for_one_scheme_serves_the_others_as_a_fresh_one_does() {
    let random = SystemRandom::new();
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let spki = pair.public_key().as_der().unwrap();
    let fresh = || PublicKey::from_spki(spki.as_ref()).unwrap();
    let used = fresh();
    let sign = |padding: &'static dyn RsaEncoding| {
        let mut signature = vec![0; 256];
        pair.sign(padding, &random, b"message", &mut signature).unwrap();
        signature
    };
    let signed = [
        (SignatureScheme::RsaPssSha384, sign(&RSA_PSS_SHA384)),
        (SignatureScheme::RsaPssSha256, sign(&RSA_PSS_SHA256)),
        (SignatureScheme::RsaPkcs1Sha256, sign(&RSA_PKCS1_SHA256)),
    ];
    for _ in 0..2 {
        for (scheme, _) in &signed {
            for (of, signature) in &signed {
                for message in [b"message", b"massage"] {
                    let expected = fresh().verify(*scheme, message, signature);
                    assert_eq!(expected.is_ok(), scheme == of && message == b"message");
                    assert_eq!(used.verify(*scheme, message, signature), expected);
                    assert_eq!(used.clone().verify(*scheme, message, signature), expected);
                }
            }
        }
    }
    assert_eq!(used, fresh());
    let other = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let other = PublicKey::from_spki(other.public_key().as_der().unwrap().as_ref()).unwrap();
    assert_ne!(used, other);
    assert!(other.verify(signed[0].0, b"message", &signed[0].1).is_err());
}

#[test]
fn keys_survive_the_round_trip_through_spki() {
    for (algorithm, kind) in [
        (&ECDSA_P256_SHA256_FIXED_SIGNING, KeyKind::P256),
        (&ECDSA_P384_SHA384_FIXED_SIGNING, KeyKind::P384),
    ] {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let key = match kind {
            KeyKind::P256 => PublicKey::p256(point.try_into().unwrap()),
            _ => PublicKey::p384(point.try_into().unwrap()),
        };
        let again = PublicKey::from_spki(key.spki_der()).unwrap();
        assert_eq!((again.kind(), &again), (kind, &key));
        assert!(PublicKey::from_spki(&key.spki_der()[1..]).is_err());
        assert!(PublicKey::from_spki(&[key.spki_der(), &[0]].concat()).is_err());
    }
}

#[test]
fn digests_match_published_values() {
    assert_eq!(
        digest::sha256(b"abc").to_string(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(digest::sha1(b"abc").to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert!(digest::sha384(b"abc").to_string().starts_with("cb00753f45a35e8bb5a03d699ac65007"));
    assert!(digest::sha512(b"abc").to_string().starts_with("ddaf35a193617abacc417349ae204131"));
    assert_eq!(digest::sha256_of_parts(&[b"a", b"bc"]), digest::sha256(b"abc"));
}

#[test]
fn pem_reads_what_it_writes_and_what_quotes_carry() {
    let der = vec![0x30; 100];
    let text = pem::encode("CERTIFICATE", &der);
    assert!(text.lines().all(|line| line.len() <= 64) && text.ends_with("-----\n"));
    let variants = [
        text.clone(),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("{text}\0"),
        format!("subject: x\n{text}text between\n{text}"),
        // White space inside of lines, dashes before and between blocks.
        text.replace("MD", " M\tD\x0c\r"),
        text.replace('\n', "\n\n \n"),
        format!("--- -----BEGIN- ---{text}-----END----\n-{text}"),
    ];
    for variant in variants {
        let blocks = pem::certificates(variant.as_bytes(), 2).unwrap();
        assert!(blocks.iter().all(|block| *block == der), "{variant:?}");
    }
}

#[test]
fn pem_refuses_what_is_no_certificate_list() {
    let text = pem::encode("CERTIFICATE", &[1, 2, 3]);
    let refused: [(String, &str); 8] = [
        (String::new(), "no certificate block"),
        (text.repeat(3), "more than 2 certificate blocks"),
        (pem::encode("PRIVATE KEY", &[1]), "block 0 is \"PRIVATE KEY\", expected \"CERTIFICATE\""),
        (text.replace("-----END", "-----STOP"), "block 0 has no matching end line"),
        (text.replace("AQID", "A!ID"), "block 0: character 1 ('!') is not in the alphabet"),
        // The place is counted without white space, wherever that stands.
        (text.replace("AQID", " A Q\nI!"), "block 0: character 3 ('!') is not in the alphabet"),
        (text.replace("AQID", "AQ-D"), "block 0: character 2 ('-') is not in the alphabet"),
        (format!("{text}{}", &text[..40]), "block 1 has no matching end line"),
    ];
    for (text, message) in refused {
        assert_eq!(pem::certificates(text.as_bytes(), 2).unwrap_err().to_string(), message);
    }
    assert!(pem::certificates(&[0xff, 0xfe], 2).is_err());
}
