//! Structures: what reads, and what does not.

use avouch_tpm::{
    AcceptableKey, AkRules, Attest, AttestError, Attested, HashAlgorithm, Public, PublicError,
    Scheme, Signature, SignatureError,
};
use avouch_wire::FailedCheck as _;

use super::recordings::{absent, public, read};

#[test]
fn a_structure_is_read_to_its_end_and_not_beyond() {
    if absent() {
        return;
    }
    let quote = read("produced/tpm/quote-2banks.attest");
    let signature = read("produced/tpm/quote-2banks.sig");
    let public = read("produced/tpm/ak-p256.tpm2b_public");
    Attest::parse(&quote).unwrap();
    for length in 0..quote.len() {
        Attest::parse(&quote[..length]).unwrap_err();
    }
    for length in 0..signature.len() {
        Signature::parse(&signature[..length]).unwrap_err();
    }
    for length in 0..public.len() {
        Public::parse_sized(&public[..length]).unwrap_err();
    }
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();
    assert_eq!(Attest::parse(&longer(&quote)).unwrap_err().check(), "tpm-attest-structure");
    let error = Signature::parse(&longer(&signature)).unwrap_err();
    assert_eq!(error.check(), "tpm-signature-structure");
    let error = Public::parse_sized(&longer(&public)).unwrap_err();
    assert_eq!(error.check(), "tpm-public-structure");
    // Bare and sized forms are told by the field they stand in, never guessed.
    Public::parse(&public).unwrap_err();
    Public::parse(&public[2..]).unwrap();
    let sized = [&u16::try_from(quote.len()).unwrap().to_be_bytes(), quote.as_slice()].concat();
    assert_eq!(Attest::parse_sized(&sized).unwrap(), Attest::parse(&quote).unwrap());
    Attest::parse(&sized).unwrap_err();
}

#[test]
fn recorded_keys_say_what_the_tcg_templates_say() {
    if absent() {
        return;
    }
    for (path, attributes) in [
        ("produced/tpm/ak-rsassa.tpm2b_public", 0x0005_0072),
        ("produced/tpm/ak-p256.tpm2b_public", 0x0005_0072),
        ("produced/tpm/ek-rsa2048.tpm2b_public", 0x0003_00b2),
        ("produced/tpm/ek-p256.tpm2b_public", 0x0003_00b2),
        ("produced/tpm/key.tpm2b_public", 0x0004_0072),
        ("azure/trusted-launch-windows/aik.tpm2b_public", 0x0005_0472),
    ] {
        assert_eq!(public(path).attributes().0, attributes, "{path}");
    }
    assert_eq!(public("produced/tpm/ek-p256.tpm2b_public").scheme(), Scheme::Open);
    assert_eq!(public("produced/tpm/ek-p256.tpm2b_public").auth_policy().len(), 32);
}

/// A P-256 attestation key as `tpm2_createak` makes it, with these bytes of the public area replaced.
fn changed(at: usize, bytes: &[u8]) -> Result<Public, PublicError> {
    let mut public = ecc_public();
    public[at..][..bytes.len()].copy_from_slice(bytes);
    Public::parse(&public)
}

/// Type, nameAlg, attributes, authPolicy, symmetric, scheme and hash, curve, kdf, point.
fn ecc_public() -> Vec<u8> {
    let head = [
        0x00, 0x23, 0x00, 0x0b, 0x00, 0x05, 0x00, 0x72, 0x00, 0x00, 0x00, 0x10, 0x00, 0x18, 0x00,
        0x0b, 0x00, 0x03, 0x00, 0x10,
    ];
    [head.as_slice(), &[0, 32], &[1; 32], &[0, 32], &[2; 32]].concat()
}

#[test]
fn a_public_area_is_refused_by_what_is_wrong_in_it() {
    let check = |at, bytes: &[u8]| changed(at, bytes).map(drop).map_err(|error| error.check());
    assert_eq!(check(0, &[0x00, 0x23]), Ok(()));
    assert_eq!(check(0, &[0x00, 0x08]), Err("tpm-public-type"), "a keyed hash");
    assert_eq!(check(0, &[0x00, 0x25]), Err("tpm-public-type"), "a symmetric cipher");
    assert_eq!(check(2, &[0x00, 0x10]), Err("tpm-public-name-algorithm"), "no Name");
    assert_eq!(check(2, &[0x00, 0x12]), Err("tpm-public-name-algorithm"), "SM3");
    assert_eq!(check(4, &[0x80]), Err("tpm-public-attributes"));
    assert_eq!(check(7, &[0x73]), Err("tpm-public-attributes"), "bit 0");
    assert_eq!(check(10, &[0x00, 0x14]), Err("tpm-public-structure"), "a signature as cipher");
    assert_eq!(check(12, &[0x00, 0x14]), Err("tpm-public-structure"), "RSASSA of an ECC key");
    assert_eq!(check(14, &[0x00, 0x99]), Err("tpm-public-structure"), "an unknown hash");
    for curve in [[0x00, 0x01], [0x00, 0x10], [0x00, 0x20], [0x00, 0x00]] {
        assert_eq!(check(16, &curve), Err("tpm-public-curve"), "{curve:?}");
    }
    assert_eq!(check(18, &[0x00, 0x43]), Err("tpm-public-structure"), "a mode as key derivation");
}

#[test]
fn coordinates_may_lack_leading_zeros_and_are_never_too_long() {
    let with_x = |x: &[u8]| {
        let head = &ecc_public()[..20];
        let length = u16::try_from(x.len()).unwrap().to_be_bytes();
        Public::parse(&[head, &length, x, &[0, 32], &[2; 32]].concat())
    };
    let short = with_x(&[7; 31]).unwrap();
    let long = with_x(&[&[0], [7; 31].as_slice()].concat()).unwrap();
    assert_eq!(short.key(), long.key());
    assert_ne!(short.name(), long.name(), "the Name is over the bytes as received");
    assert_eq!(with_x(&[7; 33]).unwrap_err().check(), "tpm-public-structure");
}

#[test]
fn an_attestation_key_breaks_no_rule() {
    let check = |at, bytes: &[u8]| {
        let public = changed(at, bytes).unwrap();
        AcceptableKey::of(&public, AkRules::default()).map(drop).map_err(|error| error.check())
    };
    let attributes = |bits: u32| check(4, &bits.to_be_bytes());
    assert_eq!(attributes(0x0005_0072), Ok(()));
    assert_eq!(attributes(0x0004_0072), Err("ak-restricted"));
    assert_eq!(attributes(0x0001_0072), Err("ak-sign"));
    assert_eq!(attributes(0x0007_0072), Err("ak-decrypt"));
    assert_eq!(attributes(0x0005_0070), Err("ak-fixed-tpm"));
    assert_eq!(attributes(0x0005_0062), Err("ak-fixed-parent"));
    assert_eq!(attributes(0x0005_0052), Err("ak-origin"));
    assert_eq!(attributes(0x000d_0072), Err("ak-x509-sign"));
    assert_eq!(check(14, &[0x00, 0x04]), Err("ak-weak-scheme"), "ECDSA over SHA-1");
    assert_eq!(check(12, &[0x00, 0x1b]), Err("ak-scheme"), "SM2");
    let rules = AkRules { refuse_sha1: false };
    let sha1 = changed(14, &[0x00, 0x04]).unwrap();
    let error = AcceptableKey::of(&sha1, rules).unwrap_err();
    assert_eq!(error.check(), "ak-weak-scheme", "the switch is for RSASSA only");
}

/// An attestation with this type and body.
fn attest_of(kind: u16, body: &[u8]) -> Result<Attest, AttestError> {
    let head = [&[0xff, 0x54, 0x43, 0x47], kind.to_be_bytes().as_slice(), &[0, 0, 0, 0]].concat();
    Attest::parse(&[head, vec![0; 25], body.to_vec()].concat())
}

#[test]
fn every_type_of_attestation_reads() {
    let types: [(u16, &[u8]); 8] = [
        (0x8014, &[0, 1, 9, 0, 5, 0, 2, 1, 2]),
        (0x8015, &[0, 0, 0, 0, 0, 0, 0, 1, 0, 11, 0, 0, 0, 0]),
        (0x8016, &[1, 0, 1, 3]),
        (0x8017, &[0, 1, 7, 0, 1, 8]),
        (0x8018, &[0, 0, 0, 1, 0, 11, 3, 1, 0, 0, 0, 1, 5]),
        (0x8019, &[0; 33]),
        (0x801a, &[0, 1, 7, 0, 1, 8]),
        (0x801c, &[0, 1, 7, 0, 1, 8]),
    ];
    for (kind, body) in types {
        let attest = attest_of(kind, body).unwrap();
        assert_eq!(attest.untrusted_attested().tag(), kind);
        let with_more = [body, &[0]].concat();
        assert_eq!(attest_of(kind, &with_more).unwrap_err().check(), "tpm-attest-structure");
    }
    for unknown in [0x8013, 0x801b, 0x801d, 0x0018, 0] {
        assert_eq!(attest_of(unknown, &[]).unwrap_err().check(), "tpm-attest-type");
    }
    assert_eq!(attest_of(0x8016, &[2, 0, 0]).unwrap_err().check(), "tpm-attest-structure");
}

#[test]
fn a_selection_names_each_bank_once_and_no_pcr_beyond_23() {
    let select = |body: &[u8]| attest_of(0x8018, &[body, &[0, 0]].concat());
    let check = |body: &[u8]| select(body).map(drop).map_err(|error| error.check());
    assert_eq!(check(&[0, 0, 0, 0]), Ok(()), "nothing");
    assert_eq!(check(&[0, 0, 0, 1, 0, 11, 4, 1, 0, 0x80, 0]), Ok(()));
    let refused = Err("tpm-attest-structure");
    assert_eq!(check(&[0, 0, 0, 1, 0, 11, 4, 1, 0, 0, 1]), refused, "PCR 24");
    assert_eq!(check(&[0, 0, 0, 1, 0, 11, 5, 1, 0, 0, 0, 0]), refused, "a bitmap of five bytes");
    assert_eq!(check(&[0, 0, 0, 2, 0, 11, 1, 1, 0, 11, 1, 2]), refused, "a bank twice");
    assert_eq!(check(&[0, 0, 0, 1, 0, 16, 1, 1]), refused, "no hash");
    assert_eq!(check(&[0, 0, 0, 17]), refused);
    assert_eq!(check(&[0xff, 0xff, 0xff, 0xff]), refused);
    let attest = select(&[0, 0, 0, 1, 0, 11, 3, 0x81, 0, 0x80]).unwrap();
    let Attested::Quote { selection, .. } = attest.untrusted_attested() else { panic!() };
    let pcrs: Vec<u8> = selection.of(HashAlgorithm::Sha256).iter().collect();
    assert_eq!(pcrs, [0, 7, 23]);
}

#[test]
fn a_signature_is_of_a_known_kind_and_no_half_of_it_is_zero() {
    let check = |bytes: &[u8]| Signature::parse(bytes).map(drop).map_err(|error| error.check());
    assert_eq!(check(&[0, 0x14, 0, 11, 0, 1, 1]), Ok(()));
    assert_eq!(check(&[0, 0x18, 0, 11, 0, 1, 1, 0, 1, 1]), Ok(()));
    for other in [0x05, 0x10, 0x1a, 0x1b, 0x1c] {
        let error = Signature::parse(&[0, other, 0, 11, 0, 1, 1]).unwrap_err();
        assert!(matches!(error, SignatureError::Algorithm { .. }));
    }
    for zero in [[0_u8, 0x18, 0, 11, 0, 1, 0, 0, 1, 1], [0, 0x18, 0, 11, 0, 1, 1, 0, 1, 0]] {
        assert_eq!(check(&zero), Err("tpm-signature-structure"));
    }
    assert_eq!(check(&[0, 0x18, 0, 11, 0, 67]), Err("tpm-signature-structure"));
}
