//! Keys, signatures and PEM.
#![cfg(test)]
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

mod support;

use std::borrow::Cow;

use avouch_pki::{KeyError, KeyKind, PublicKey, SignatureError, SignatureScheme, digest, pem};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RsaEncoding,
};
use support::der;

#[test]
fn raw_ecdsa_signatures_verify_and_their_tampered_siblings_do_not() {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let signature = pair.sign(&random, b"message").unwrap();
    let xy: [u8; 64] = pair.public_key().as_ref()[1..].try_into().unwrap();
    let scheme = SignatureScheme::EcdsaP256Sha256Fixed;
    for key in [PublicKey::p256(&xy), PublicKey::p256(&xy).serving_again()] {
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
    }
    let nowhere = PublicKey::p256(&[0; 64]);
    for nowhere in [nowhere.clone(), nowhere.serving_again()] {
        assert!(nowhere.verify(scheme, b"message", signature.as_ref()).is_err());
    }
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
        (&ECDSA_P521_SHA512_FIXED_SIGNING, KeyKind::P521),
    ] {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let key = match kind {
            KeyKind::P256 => PublicKey::p256(point.try_into().unwrap()),
            KeyKind::P384 => PublicKey::p384(point.try_into().unwrap()),
            _ => PublicKey::p521(point.try_into().unwrap()),
        };
        let again = PublicKey::from_spki(key.spki_der()).unwrap();
        assert_eq!((again.kind(), &again), (kind, &key));
        assert!(PublicKey::from_spki(&key.spki_der()[1..]).is_err());
        assert!(PublicKey::from_spki(&[key.spki_der(), &[0]].concat()).is_err());
    }
}

#[test]
fn p521_signatures_verify_and_their_tampered_siblings_do_not() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
    let key = PublicKey::p521(pair.public_key().as_ref()[1..].try_into().unwrap());
    let scheme = SignatureScheme::EcdsaP521Sha512Fixed;
    key.verify(scheme, b"message", signature.as_ref()).unwrap();
    assert!(key.verify(scheme, b"massage", signature.as_ref()).is_err());
    for byte in 0..132 {
        let mut flipped = signature.as_ref().to_vec();
        flipped[byte] ^= 1;
        assert!(key.verify(scheme, b"message", &flipped).is_err(), "{byte}");
    }
    let other = SignatureScheme::EcdsaP384Sha384Fixed;
    assert_eq!(
        key.verify(other, b"message", signature.as_ref()),
        Err(SignatureError::WrongKeyKind { key: KeyKind::P521, scheme: other })
    );
}

/// A modulus of 2048 bits whose two primes are of the form `k * M + (65537^a mod M)`; made for this
/// test.
const ROCA_WEAK: &str = "da7c66dddb34bdd47ac5b29e63b3536576a51807a8d2dca302aa89712bc2309080221d9938610f8872c7bb06\
    876e3e36d82ec3d075d09eda5a10a4a432113fa45157ccf99190e49f3a1a68589be9e8315ef1365ca46e190e\
    a34ca9a6a8c4418cd81f10ca8ff036be5812f14ed029715524ca3429022bba67740ca5bd87c42abee366b3ef\
    0accadb070728e4bf5eac127770e62f4150025c8f5aad3a02d5dd4443e40b647bb81607ce5156d255f3a868b\
    5ecac700dcf45586266074530ac8361127b655eac793972303fb6064c992db90520a48cd9e9e67730841d381\
    93ddfc1780f4317abf0a94e0a9192e3ae6a94b0bede1708a81d234cfcf51289a710407e1";

fn rsa_spki(modulus: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if modulus[0] < 0x80 { &[] } else { &[0] };
    let modulus = der::element(der::INTEGER, &[sign, modulus].concat());
    let key = der::sequence(&[&modulus, &der::element(der::INTEGER, &[1, 0, 1])]);
    let identifier = der::element(der::IDENTIFIER, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
    let algorithm = der::sequence(&[&identifier, &[5, 0]]);
    der::sequence(&[&algorithm, &der::element(der::BIT_STRING, &[vec![0], key].concat())])
}

#[test]
fn refuses_rsa_keys_that_can_be_factored() {
    let weak = avouch_wire::decode_hex(ROCA_WEAK).unwrap();
    assert_eq!(PublicKey::from_spki(&rsa_spki(&weak)), Err(KeyError::Roca));
    let mut certificate = support::raw::RawCertificate::good();
    certificate.public_key = rsa_spki(&weak);
    assert_eq!(
        avouch_pki::Certificate::parse(&certificate.der()).unwrap_err().to_string(),
        "RSA key was made by a method that lets it be factored (ROCA, CVE-2017-15361)"
    );
    let mut sound = weak;
    sound[100] ^= 4;
    PublicKey::from_spki(&rsa_spki(&sound)).unwrap();
    for size in [rsa::KeySize::Rsa2048, rsa::KeySize::Rsa3072, rsa::KeySize::Rsa4096] {
        let pair = rsa::KeyPair::generate(size).unwrap();
        PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref()).unwrap();
    }
}

/// A modulus is as long as its bits, not as its bytes.
#[test]
fn a_modulus_is_measured_in_bits() {
    for (first, bits) in [(0x80_u8, 2048), (0x7f, 2047), (0x01, 2041)] {
        let mut modulus = vec![0xc5; 256];
        modulus[0] = first;
        let key = PublicKey::from_spki(&rsa_spki(&modulus)).unwrap();
        assert_eq!(key.kind(), KeyKind::Rsa { modulus_bits: bits });
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

#[test]
fn the_content_of_a_text_is_the_same_however_it_is_written() {
    for bytes in [1, 47, 48, 49, 96, 1000] {
        let block = |byte: u8| pem::encode("CERTIFICATE", &vec![byte; bytes]);
        let text = block(1) + &block(2);
        let content = text.trim_end().as_bytes();
        for plain in [&*text, text.trim_end(), &format!("{text}\n\n"), &format!("{text}\0")] {
            let found = pem::content(plain.as_bytes(), 2).unwrap();
            assert!(matches!(found, Cow::Borrowed(_)), "{bytes} {plain:?}");
            assert_eq!(found, content, "{bytes} {plain:?}");
        }
        let others = [
            text.replace('\n', "\r\n"),
            format!(" {text}"),
            format!("{text} "),
            text.replace("AQ", "A\nQ"),
            text.replace("AQ", "A Q"),
            text.replace("AQ", "A\u{c}Q"),
            text.replace("-----\n-----", "-----\n\n-----"),
            text.replace("-----\n-----", "-----subject=\n-----"),
            text.replace("-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----"),
            text.replace("\n-----END", "-----END"),
            text.replace("\n-----END", "\n\n-----END"),
        ];
        for other in others {
            let found = pem::content(other.as_bytes(), 2).unwrap();
            assert!(matches!(found, Cow::Owned(_)), "{bytes} {other:?}");
            assert_eq!(found, content, "{bytes} {other:?}");
        }
        for more in [block(3), "-----BEGIN X".to_owned(), "\0-----BEGIN X".to_owned()] {
            assert_eq!(pem::content(format!("{text}{more}").as_bytes(), 2), None, "{more:?}");
        }
        for changed in [text.replacen("AQ", "AR", 1), text.replacen("AQ", "A-", 1), block(1)] {
            assert_ne!(pem::content(changed.as_bytes(), 2).unwrap(), content, "{changed:?}");
        }
    }
}

#[test]
fn the_content_of_a_text_is_that_of_its_blocks_and_where_they_end() {
    let block = |base64: &str| {
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    };
    let content = |text: String| pem::content(text.as_bytes(), 2).unwrap().into_owned();
    let two = block("AAAA") + &block("BBBB");
    assert_eq!(content(two.clone()), content(format!("one\n{}", two.replace("AAAA", "AA\n AA"))));
    assert_ne!(content(two.clone()), content(two.replace("BBBB", "BBBC")));
    assert_ne!(content(two.clone()), content(block("AAAABBBB")));
    assert_ne!(content(two.clone()), content(block("AAAAB") + &block("BBB")));
    assert_eq!(pem::content(two.as_bytes(), 1), None);
    // The line that a block ends with cannot stand within one: it has a space.
    assert_ne!(content(two.clone()), content(block("AAAA\n-----END\nCERTIFICATE-----\nBBBB")));
    let labels = ["CERTIFICATE", "X509 CRL"];
    let mixed = two.replacen("CERTIFICATE", "X509 CRL", 2);
    let found = pem::blocks(mixed.as_bytes(), &labels, 2).unwrap();
    assert_eq!(
        found.iter().map(pem::Block::label).collect::<Vec<_>>(),
        ["X509 CRL", "CERTIFICATE"]
    );
}

#[test]
fn lines_of_pem_have_64_characters_but_for_the_last() {
    let lengths = |bytes: usize| -> Vec<usize> {
        let text = pem::encode("X", &vec![1; bytes]);
        text.lines().filter(|line| !line.starts_with('-')).map(str::len).collect()
    };
    assert_eq!(lengths(45), [60]);
    assert_eq!(lengths(48), [64]);
    assert_eq!(lengths(144), [64, 64, 64]);
    assert_eq!(lengths(145), [64, 64, 64, 4]);
}
