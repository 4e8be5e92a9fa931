//! Which algorithms, parameters and forms of key are taken.
#![cfg(test)]

mod support;

use avouch_pki::{Certificate, KeyError, PublicKey, SignatureScheme, pem};
use support::der::{BIT_STRING, IDENTIFIER, INTEGER, SEQUENCE, element, sequence};
use support::raw::RawCertificate;

const NULL: [u8; 2] = [5, 0];
const MGF1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
const PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const SHA384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
const SHA512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";

fn identifier(content: &[u8]) -> Vec<u8> {
    element(IDENTIFIER, content)
}

/// What a certificate with this signature algorithm says about it, or why it is refused.
fn scheme(algorithm: Vec<u8>) -> Result<Option<SignatureScheme>, String> {
    let mut certificate = RawCertificate::good();
    certificate.inner_algorithm.clone_from(&algorithm);
    certificate.outer_algorithm = algorithm;
    let read = Certificate::parse(&certificate.der()).map_err(|error| error.to_string())?;
    Ok(read.rsa_signature_scheme())
}

/// The parts of RSASSA-PSS parameters, each of which a test may replace.
#[derive(Clone)]
struct Pss {
    hash: Vec<u8>,
    mask: Vec<u8>,
    salt: Vec<u8>,
    trailer: Vec<u8>,
    /// After the trailer, and after the parameters.
    more: Vec<u8>,
    after: Vec<u8>,
}

fn hash(identified: &[u8]) -> Vec<u8> {
    element(0xa0, &sequence(&[&identifier(identified), &NULL]))
}

fn mask(function: &[u8], over: &[u8]) -> Vec<u8> {
    element(0xa1, &sequence(&[&identifier(function), &sequence(&[&identifier(over), &NULL])]))
}

fn salt(bytes: &[u8]) -> Vec<u8> {
    element(0xa2, &element(INTEGER, bytes))
}

fn trailer(number: u8) -> Vec<u8> {
    element(0xa3, &element(INTEGER, &[number]))
}

impl Pss {
    fn new(over: &[u8], salt_bytes: u8) -> Self {
        let (hash, mask) = (hash(over), mask(MGF1, over));
        let nothing = Vec::new;
        let salt = salt(&[salt_bytes]);
        Self { hash, mask, salt, trailer: nothing(), more: nothing(), after: nothing() }
    }

    fn read(&self) -> Result<Option<SignatureScheme>, String> {
        let parameters = sequence(&[&self.hash, &self.mask, &self.salt, &self.trailer, &self.more]);
        scheme(sequence(&[&identifier(PSS), &parameters, &self.after]))
    }
}

#[test]
fn pss_is_taken_with_one_hash_throughout_and_a_salt_of_its_length() {
    for (over, salt_bytes, expected) in [
        (SHA256, 32, SignatureScheme::RsaPssSha256),
        (SHA384, 48, SignatureScheme::RsaPssSha384),
        (SHA512, 64, SignatureScheme::RsaPssSha512),
    ] {
        assert_eq!(Pss::new(over, salt_bytes).read(), Ok(Some(expected)));
        for other in [salt_bytes - 1, salt_bytes + 1] {
            assert!(Pss::new(over, other).read().unwrap_err().contains("not supported"), "{other}");
        }
    }
    let mut with_trailer = Pss::new(SHA256, 32);
    with_trailer.trailer = trailer(1);
    assert_eq!(with_trailer.read(), Ok(Some(SignatureScheme::RsaPssSha256)));
    // The hashes' parameters may be left out.
    let mut bare = Pss::new(SHA256, 32);
    let sha256 = sequence(&[&identifier(SHA256)]);
    bare.hash = element(0xa0, &sha256);
    bare.mask = element(0xa1, &sequence(&[&identifier(MGF1), &sha256]));
    assert_eq!(bare.read(), Ok(Some(SignatureScheme::RsaPssSha256)));
}

#[test]
fn pss_with_other_parameters_is_refused() {
    type Change = (fn(&mut Pss), &'static str);
    let changes: [Change; 18] = [
        (|one| one.hash = hash(SHA384), "hash 2.16.840.1.101.3.4.2.2"),
        (|one| one.hash = hash(SHA1), "hash 1.3.14.3.2.26"),
        (|one| one.hash = Vec::new(), "hash 1.3.14.3.2.26"),
        (|one| one.mask = mask(MGF1, SHA384), "over 2.16.840.1.101.3.4.2.2"),
        (|one| one.mask = mask(PSS, SHA256), "mask 1.2.840.113549.1.1.10"),
        (|one| one.mask = Vec::new(), "over 1.3.14.3.2.26"),
        (|one| one.salt = Vec::new(), "salt of 20 bytes"),
        (|one| one.salt = salt(&[48]), "salt of 48 bytes"),
        // Lengths whose last byte alone would do.
        (|one| one.salt = salt(&[1, 32]), "salt of 288 bytes"),
        (|one| one.salt = salt(&[1, 0, 0, 32]), "salt of 16777248 bytes"),
        (|one| one.salt = salt(&[1, 0, 0, 0, 32]), "over 32 bits"),
        (|one| one.trailer = trailer(2), "trailer 2"),
        (|one| one.more = NULL.to_vec(), "malformed"),
        (|one| one.after = NULL.to_vec(), "malformed"),
        (
            |one| one.salt = element(0xa2, &[&element(INTEGER, &[32])[..], &NULL].concat()),
            "malformed",
        ),
        (
            |one| one.hash = element(0xa0, &sequence(&[&identifier(SHA256), &NULL, &NULL])),
            "malformed",
        ),
        (
            |one| {
                let sha256 = sequence(&[&identifier(SHA256), &NULL]);
                one.mask = element(0xa1, &sequence(&[&identifier(MGF1), &sha256, &NULL]));
            },
            "malformed",
        ),
        (|one| one.hash = element(0xa0, &sequence(&[&identifier(SHA256), &[1, 0]])), "malformed"),
    ];
    for (index, (change, message)) in changes.into_iter().enumerate() {
        let mut pss = Pss::new(SHA256, 32);
        change(&mut pss);
        let error = pss.read().unwrap_err();
        assert!(error.contains(message), "{index}: {error}");
    }
    let without = scheme(sequence(&[&identifier(PSS)])).unwrap_err();
    assert!(without.contains("without parameters"), "{without}");
}

#[test]
fn pkcs1_has_null_as_parameters_or_none() {
    for (last, expected) in [
        (11, SignatureScheme::RsaPkcs1Sha256),
        (12, SignatureScheme::RsaPkcs1Sha384),
        (13, SignatureScheme::RsaPkcs1Sha512),
    ] {
        let named = identifier(&[b"\x2a\x86\x48\x86\xf7\x0d\x01\x01".as_slice(), &[last]].concat());
        assert_eq!(scheme(sequence(&[&named, &NULL])), Ok(Some(expected)));
        assert_eq!(scheme(sequence(&[&named])), Ok(Some(expected)));
        assert!(scheme(sequence(&[&named, &[1, 1, 0]])).is_err());
        assert!(scheme(sequence(&[&named, &NULL, &NULL])).is_err());
    }
}

/// Made for this test: self-signed, on each curve with each hash that is taken under it.
#[test]
fn each_curve_signs_certificates_with_each_of_its_hashes() {
    let text = include_bytes!("data/ecdsa.pem");
    let all = pem::certificates(text, 7).unwrap();
    let mut kinds = Vec::new();
    for der in &all {
        let certificate = Certificate::parse(der).unwrap();
        let key = certificate.public_key();
        let name = certificate.subject().to_string();
        assert!(certificate.is_signed_by(key), "{name}");
        assert_eq!(certificate.rsa_signature_scheme(), None);
        kinds.push(key.kind().to_string());
        let mut flipped = der.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let flipped = Certificate::parse(&flipped).unwrap();
        assert!(!flipped.is_signed_by(key), "{name}");
    }
    assert_eq!(kinds, ["P-256", "P-256", "P-384", "P-384", "P-521", "P-521", "P-521"]);
}

#[test]
fn a_point_is_uncompressed_and_as_long_as_its_curve_has_it() {
    let spki = |algorithm: &[u8], curve: &[u8], point: &[u8]| {
        let algorithm = sequence(&[&identifier(algorithm), &identifier(curve)]);
        let point = element(BIT_STRING, &[&[0], point].concat());
        PublicKey::from_spki(&element(SEQUENCE, &[algorithm, point].concat()))
    };
    const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
    const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
    let point = |first: u8, length: usize| [vec![first], vec![7; length - 1]].concat();
    for (curve, length) in
        [(P256, 65), (b"\x2b\x81\x04\x00\x22", 97), (b"\x2b\x81\x04\x00\x23", 133)]
    {
        let key = spki(EC, curve, &point(4, length)).unwrap();
        assert_eq!(key.raw(), point(4, length));
        for wrong in [
            point(2, length),
            point(0, length),
            point(2, length.div_ceil(2)),
            point(4, length - 1),
            point(4, length + 1),
        ] {
            assert!(matches!(spki(EC, curve, &wrong), Err(KeyError::Unsupported(_))), "{wrong:?}");
        }
    }
    assert_eq!(PublicKey::p384(&[7; 96]).raw(), point(4, 97));
    // ECDH only (RFC 5480, section 2.1.2), Ed25519, and a curve that is not taken.
    for (algorithm, curve) in [
        (b"\x2b\x81\x04\x01\x0c".as_slice(), P256),
        (b"\x2b\x65\x70", P256),
        (EC, b"\x2b\x81\x04\x00\x0a"),
    ] {
        let error = spki(algorithm, curve, &point(4, 65)).unwrap_err();
        assert!(matches!(error, KeyError::Unsupported(_)), "{error}");
    }
}
