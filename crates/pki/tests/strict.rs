//! What the readers of certificates and CRLs refuse though a lenient reader takes it.
#![cfg(test)]
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

mod support;

use avouch_pki::{
    Certificate, CertificateError, Crl, CrlError, KeyError, Name, PublicKey, Serial,
    SignatureScheme, oid,
};
use avouch_wire::{FailedCheck as _, UnixTime};
use support::der::{
    BIT_STRING, BOOLEAN, IDENTIFIER, INTEGER, OCTET_STRING, SEQUENCE, SET, UTF8, attribute,
    common_name, element, extension, private_identifier, sequence,
};
use support::raw::{RawCertificate, RawCrl, ecdsa_sha384, entry, p256_key, utc};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 29, 19];
const KEY_USAGE: [u8; 3] = [0x55, 29, 15];
const EXTENDED_KEY_USAGE: [u8; 3] = [0x55, 29, 37];

type Change = (&'static str, fn(&mut RawCertificate));

fn refused(changes: &[Change]) {
    Certificate::parse(&RawCertificate::good().der()).unwrap();
    for (what, change) in changes {
        let mut certificate = RawCertificate::good();
        change(&mut certificate);
        assert!(Certificate::parse(&certificate.der()).is_err(), "taken: {what}");
    }
}

fn with_extension(identifier: &[u8], value: &[u8]) -> Result<Certificate, CertificateError> {
    let mut certificate = RawCertificate::good();
    certificate.extensions = vec![extension(identifier, true, value)];
    Certificate::parse(&certificate.der())
}

#[test]
fn reads_a_certificate_made_part_by_part() {
    let certificate = Certificate::parse(&RawCertificate::good().der()).unwrap();
    assert!(certificate.is_ca());
    assert_eq!(certificate.subject().common_name(), Some("Leaf"));
    assert_eq!(certificate.issuer().to_string(), "CN=Root");
    assert_eq!(certificate.serial().as_bytes(), [5]);
    assert_eq!(certificate.not_before().to_rfc3339(), "2020-01-01T00:00:00Z");
    assert_eq!(certificate.not_after().to_rfc3339(), "2049-12-31T23:59:59Z");
    assert_eq!(certificate.extended_key_usages(), ["1.3.6.1.5.5.7.3.2"]);
    assert_eq!(certificate.extensions().len(), 4);
}

#[test]
fn the_outer_algorithm_equals_the_inner_one_at_its_own_place() {
    let differ = |change: fn(&mut RawCertificate)| {
        let mut certificate = RawCertificate::good();
        change(&mut certificate);
        Certificate::parse(&certificate.der()).unwrap_err()
    };
    let text = "signature algorithm is 1.2.840.10045.4.3.2 inside of the signed part and \
                1.2.840.10045.4.3.3 outside";
    let mismatch = CertificateError::AlgorithmMismatch(text.to_owned());
    assert_eq!(differ(|one| one.outer_algorithm = ecdsa_sha384()), mismatch);
    // Not even if the bytes stand somewhere else in the signed part.
    assert_eq!(
        differ(|one| {
            one.outer_algorithm = ecdsa_sha384();
            one.extensions.push(extension(&private_identifier(1), false, &ecdsa_sha384()));
        }),
        mismatch
    );
    // The same algorithm is not called another.
    let parameters = differ(|one| {
        one.outer_algorithm = element(0x30, b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00");
    });
    let text = "the parameters of signature algorithm 1.2.840.10045.4.3.2 differ inside and outside of \
                the signed part";
    assert_eq!(parameters, CertificateError::AlgorithmMismatch(text.to_owned()));
    // Nor is what is no algorithm at all.
    let malformed = differ(|one| one.outer_algorithm = element(0x30, &[]));
    assert!(matches!(malformed, CertificateError::Malformed(_)), "{malformed}");
}

#[test]
fn names_that_read_alike_are_told_apart_by_their_types_of_string() {
    let name = |tag, text: &str| {
        let der = element(SEQUENCE, &attribute(&[0x55, 4, 3], tag, text.as_bytes()));
        Name::from_der(&der).unwrap()
    };
    let (utf8, printable, other) = (name(UTF8, "Root"), name(0x13, "Root"), name(UTF8, "Other"));
    assert!(utf8 != printable && utf8.only_reads_like(&printable));
    let texts = ["CN=Root (written as UTF8String)", "CN=Root (written as PrintableString)"];
    let (found, expected) = utf8.told_from(&printable);
    assert_eq!([found.as_str(), expected.as_str()], texts);
    for one in [&utf8, &other] {
        assert!(!utf8.only_reads_like(one));
        assert_eq!(utf8.told_from(one), (utf8.to_string(), one.to_string()));
    }
}

#[test]
fn malformed_basic_constraints_are_not_absent_ones() {
    let values: [&[u8]; 10] = [
        &[],
        &[0x30],
        &[0x30, 0x03, 0x01, 0x01, 0x01],
        &[0x30, 0x00, 0x00],
        &[0x30, 0x03, 0x02, 0x01, 0xff],
        &[0x30, 0x04, 0x02, 0x02, 0x00, 0x01],
        &[0x30, 0x06, 0x02, 0x01, 0x00, 0x01, 0x01, 0xff],
        &[0x30, 0x08, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00, 0x05, 0x00],
        // A path length of more than 32 bits.
        &[0x30, 0x0a, 0x01, 0x01, 0xff, 0x02, 0x05, 0x01, 0x00, 0x00, 0x00, 0x00],
        &[0x31, 0x03, 0x01, 0x01, 0xff],
    ];
    for value in values {
        let error = with_extension(&BASIC_CONSTRAINTS, value).unwrap_err();
        let named = matches!(
            error,
            CertificateError::MalformedExtension { oid: oid::BASIC_CONSTRAINTS, .. }
        );
        assert!(named, "{value:02x?}: {error}");
    }
    for (value, ca) in [
        (&[0x30, 0x00][..], false),
        (&[0x30, 0x03, 0x01, 0x01, 0xff], true),
        // FALSE written out, as tools in wide use have it.
        (&[0x30, 0x03, 0x01, 0x01, 0x00], false),
        (&[0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00], true),
    ] {
        assert_eq!(with_extension(&BASIC_CONSTRAINTS, value).unwrap().is_ca(), ca, "{value:02x?}");
    }
}

#[test]
fn malformed_key_usages_are_refused() {
    for value in [
        &[][..],
        &[0x03, 0x00],
        &[0x03, 0x01, 0x01],
        &[0x03, 0x02, 0x08, 0x80],
        // A bit that does not count is set.
        &[0x03, 0x02, 0x02, 0x06],
        &[0x03, 0x02, 0x01, 0x06, 0x00],
        &[0x04, 0x02, 0x01, 0x06],
    ] {
        assert!(with_extension(&KEY_USAGE, value).is_err(), "{value:02x?}");
    }
    // No bit at all, and bits in two bytes, of which one is not counted.
    for value in
        [&[0x03, 0x02, 0x01, 0x06][..], &[0x03, 0x01, 0x00], &[0x03, 0x03, 0x07, 0x06, 0x80]]
    {
        with_extension(&KEY_USAGE, value).unwrap();
    }
    let purpose = element(IDENTIFIER, b"\x2b\x06\x01");
    for value in [
        element(SEQUENCE, &[]),
        purpose.clone(),
        element(SEQUENCE, &[purpose.as_slice(), &[5, 0]].concat()),
        [element(SEQUENCE, &purpose), vec![0]].concat(),
        element(SEQUENCE, &element(IDENTIFIER, b"\x2b\x86")),
    ] {
        assert!(with_extension(&EXTENDED_KEY_USAGE, &value).is_err(), "{value:02x?}");
    }
    with_extension(&EXTENDED_KEY_USAGE, &element(SEQUENCE, &purpose)).unwrap();
}

#[test]
fn booleans_have_one_form() {
    let identifier = element(IDENTIFIER, &private_identifier(1));
    let value = element(OCTET_STRING, &[1]);
    for (boolean, critical) in [
        (element(BOOLEAN, &[0xff]), Some(true)),
        (element(BOOLEAN, &[0x00]), Some(false)),
        (Vec::new(), Some(false)),
        (element(BOOLEAN, &[0x01]), None),
        (element(BOOLEAN, &[]), None),
        (element(BOOLEAN, &[0xff, 0xff]), None),
    ] {
        let mut certificate = RawCertificate::good();
        certificate.extensions.push(sequence(&[&identifier, &boolean, &value]));
        let read = Certificate::parse(&certificate.der()).ok();
        assert_eq!(read.map(|read| read.extensions()[4].critical), critical, "{boolean:02x?}");
    }
}

#[test]
fn whatever_stands_after_an_unreadable_part_of_a_name_is_not_ignored() {
    let good = attribute(&[0x55, 4, 3], UTF8, b"Leaf");
    let bad: [Vec<u8>; 9] = [
        element(SET, &[]),
        element(SET, &[0x30, 0x00]),
        element(SEQUENCE, &[]),
        // No value, a value too many, a value that is cut.
        element(SET, &element(SEQUENCE, &element(IDENTIFIER, &[0x55, 4, 3]))),
        element(SET, &sequence(&[&element(IDENTIFIER, &[0x55, 4, 3]), &[5, 0, 5, 0]])),
        element(SET, &sequence(&[&element(IDENTIFIER, &[0x55, 4, 3]), &[0x0c, 9, 1]])),
        // An identifier that is none, and one of another class.
        element(SET, &sequence(&[&element(IDENTIFIER, &[0x55, 0x84]), &element(UTF8, b"x")])),
        element(SET, &sequence(&[&element(0x86, &[0x55, 4, 3]), &element(UTF8, b"x")])),
        // A tag of two bytes.
        element(SET, &sequence(&[&element(IDENTIFIER, &[0x55, 4, 3]), &[0x1f, 0x0c, 1, 0x78]])),
    ];
    Name::from_der(&sequence(&[&good, &good])).unwrap();
    for bad in &bad {
        for name in
            [sequence(&[&good, bad]), sequence(&[bad, &good]), sequence(&[&good, bad, &good])]
        {
            assert!(Name::from_der(&name).is_none(), "{name:02x?}");
            let mut certificate = RawCertificate::good();
            certificate.subject = name;
            assert!(Certificate::parse(&certificate.der()).is_err());
        }
    }
    assert!(Name::from_der(&[sequence(&[&good]), vec![0]].concat()).is_none());
}

#[test]
fn names_are_written_as_text_in_their_order() {
    let joined = element(
        SET,
        &[
            sequence(&[&element(IDENTIFIER, &[0x55, 4, 10]), &element(0x13, b"x")]),
            sequence(&[&element(IDENTIFIER, &[0x55, 4, 11]), &element(0x1e, b"\0y\x20\xac")]),
        ]
        .concat(),
    );
    let name = sequence(&[
        &attribute(&[0x55, 4, 6], 0x13, b"US"),
        &joined,
        &attribute(&private_identifier(1), OCTET_STRING, &[0xab]),
        &attribute(&[0x55, 4, 3], UTF8, b"z"),
    ]);
    let name = Name::from_der(&name).unwrap();
    assert_eq!(name.to_string(), "C=US, O=x + OU=y\u{20ac}, 1.3.6.1.4.1.16385=AB, CN=z");
    assert_eq!(name.common_name(), Some("z"));
    // Text that is none is shown as bytes, and is no common name.
    let name =
        Name::from_der(&element(SEQUENCE, &attribute(&[0x55, 4, 3], UTF8, &[0xff]))).unwrap();
    assert_eq!((name.common_name(), name.label()), (None, "CN=FF"));
    // UTF-16 has two bytes for each unit.
    let halved = element(SEQUENCE, &attribute(&[0x55, 4, 3], 0x1e, b"\0y\x20"));
    assert_eq!(Name::from_der(&halved).unwrap().to_string(), "CN=007920");
    // The first of several common names.
    let common = |text: &[u8]| attribute(&[0x55, 4, 3], UTF8, text);
    let two = Name::from_der(&sequence(&[&common(b"first"), &common(b"second")])).unwrap();
    assert_eq!((two.common_name(), two.label()), (Some("first"), "first"));
    assert_eq!(two.to_string(), "CN=first, CN=second");
}

#[test]
fn attributes_of_names_have_their_usual_names() {
    const UID: &[u8] = b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01";
    const DC: &[u8] = b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19";
    const EMAIL: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";
    let of_x520 = [
        (3, "CN"),
        (4, "surname"),
        (5, "serialNumber"),
        (6, "C"),
        (7, "L"),
        (8, "ST"),
        (9, "streetAddress"),
        (10, "O"),
        (11, "OU"),
        (12, "title"),
        (17, "postalCode"),
        (42, "givenName"),
        (46, "dnQualifier"),
    ];
    let mut rows: Vec<(Vec<u8>, &str)> =
        of_x520.map(|(arc, written)| (vec![0x55, 4, arc], written)).into();
    rows.extend([(UID.to_vec(), "uid"), (DC.to_vec(), "DC"), (EMAIL.to_vec(), "Email")]);
    for (identifier, written) in rows {
        let name = Name::from_der(&element(SEQUENCE, &attribute(&identifier, UTF8, b"x"))).unwrap();
        assert_eq!(name.to_string(), format!("{written}=x"));
    }
}

#[test]
fn every_element_stands_at_its_place_with_its_own_tag() {
    refused(&[
        ("version 2", |one| one.version = element(0xa0, &element(INTEGER, &[1]))),
        ("no version", |one| one.version = Vec::new()),
        ("version with more inside", |one| {
            one.version = element(0xa0, &[&element(INTEGER, &[2])[..], &[5, 0]].concat());
        }),
        ("version of another class", |one| one.version = element(0x60, &element(INTEGER, &[2]))),
        ("serial number that is an OCTET STRING", |one| one.serial = element(OCTET_STRING, &[5])),
        ("empty serial number", |one| one.serial = element(INTEGER, &[])),
        ("serial number in a longer form", |one| one.serial = element(INTEGER, &[0, 5])),
        ("serial number of 22 bytes", |one| one.serial = element(INTEGER, &[5; 22])),
        ("serial number in a context class", |one| one.serial = element(0x82, &[5])),
        ("issuer in a context class", |one| one.issuer[0] = 0xb0),
        ("subject as a SET", |one| one.subject[0] = 0x31),
        ("three dates", |one| {
            let date = utc("200101000000Z");
            one.validity = sequence(&[&date, &date, &date]);
        }),
        ("one date", |one| one.validity = sequence(&[&utc("200101000000Z")])),
        ("identifiers in the wrong order", |one| {
            one.identifiers = [element(0x82, &[0, 1]), element(0x81, &[0, 1])].concat();
        }),
        ("no list of extensions", |one| one.more = vec![5, 0]),
        ("two lists of extensions", |one| {
            one.more = element(0xa3, &element(SEQUENCE, &extension(&[0x2a, 3], false, &[])));
        }),
        ("an empty list of extensions", |one| {
            one.extensions = Vec::new();
            one.more = element(0xa3, &element(SEQUENCE, &[]));
        }),
        ("extensions with more after them", |one| {
            let list = element(SEQUENCE, &one.extensions.concat());
            one.extensions = Vec::new();
            one.more = element(0xa3, &[list, vec![5, 0]].concat());
        }),
        ("an extension with more inside", |one| {
            let identifier = element(IDENTIFIER, &private_identifier(1));
            one.extensions.push(sequence(&[&identifier, &element(OCTET_STRING, &[1]), &[5, 0]]));
        }),
        ("an extension in a context class", |one| one.extensions[3][0] = 0xb0),
        ("an extension without a value", |one| {
            one.extensions.push(sequence(&[&element(IDENTIFIER, &private_identifier(1))]));
        }),
        ("an algorithm with more inside", |one| {
            let more =
                sequence(&[&element(IDENTIFIER, b"\x2a\x86\x48\xce\x3d\x04\x03\x02"), &[5, 0]]);
            one.inner_algorithm.clone_from(&more);
            one.outer_algorithm = more;
        }),
        ("a signature with unused bits", |one| one.signature = element(BIT_STRING, &[1, 2])),
        ("a signature without content", |one| one.signature = element(BIT_STRING, &[])),
        ("more after the signature", |one| one.signature.extend([5, 0])),
        ("a key with more inside", |one| {
            let key = p256_key();
            one.public_key = element(SEQUENCE, &[&key[2..], &[5, 0]].concat());
        }),
    ]);
    let mut certificate = RawCertificate::good();
    certificate.version = Vec::new();
    let error = Certificate::parse(&certificate.der()).unwrap_err();
    assert_eq!(error, CertificateError::Version);
    // The siblings that are right.
    let mut certificate = RawCertificate::good();
    certificate.identifiers = [element(0x81, &[0, 1]), element(0x82, &[0, 1])].concat();
    Certificate::parse(&certificate.der()).unwrap();
    certificate.extensions = Vec::new();
    Certificate::parse(&certificate.der()).unwrap();
    // Zero and negative serial numbers exist, and those of 20 bytes beside the sign.
    for serial in [&[0][..], &[0xff], &[&[0], [0xff; 20].as_slice()].concat()] {
        certificate.serial = element(INTEGER, serial);
        Certificate::parse(&certificate.der()).unwrap();
    }
}

#[test]
fn lengths_are_definite_and_in_their_shortest_form() {
    refused(&[
        ("a length of two bytes for 127", |one| {
            let list = element(0x81, &[0; 127]);
            one.identifiers = [&[0x81, 0x81], &list[1..]].concat();
        }),
        ("a length of two bytes for five", |one| one.serial = vec![INTEGER, 0x81, 1, 5]),
        ("a length with a leading zero", |one| {
            one.subject = [&[SEQUENCE, 0x82, 0, 0x80][..], &[0; 0x80]].concat();
        }),
        ("an indefinite length", |one| {
            one.subject = [&[SEQUENCE, 0x80], &one.subject[2..], &[0, 0]].concat();
        }),
        ("a length beyond the end", |one| one.more = vec![0xa3, 0x84, 0xff, 0xff, 0xff, 0xff]),
        ("a length of five bytes", |one| one.more = vec![0xa3, 0x85, 1, 0, 0, 0, 0]),
        ("no length", |one| one.more = vec![0xa3]),
    ]);
    for length in [127, 128, 255, 256] {
        let mut certificate = RawCertificate::good();
        certificate.identifiers = element(0x81, &vec![0; length]);
        Certificate::parse(&certificate.der()).unwrap();
    }
}

#[test]
fn times_are_in_utc_with_seconds_and_on_the_calendar() {
    let read = |date: Vec<u8>| {
        let mut certificate = RawCertificate::good();
        certificate.validity = sequence(&[&date, &utc("491231235959Z")]);
        Certificate::parse(&certificate.der()).map(|read| read.not_before().to_rfc3339())
    };
    for (date, moment) in [
        (utc("500101000000Z"), "1950-01-01T00:00:00Z"),
        (utc("491231235959Z"), "2049-12-31T23:59:59Z"),
        (utc("240229000000Z"), "2024-02-29T00:00:00Z"),
        (element(0x18, b"20240229000000Z"), "2024-02-29T00:00:00Z"),
        (element(0x18, b"99991231235959Z"), "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(read(date).unwrap(), moment);
    }
    for text in [
        "2301290000Z",
        "230229000000Z",
        "231301000000Z",
        "230100000000Z",
        "230101240000Z",
        "230101006000Z",
        "230101000000",
        "230101000000+0000",
        "230101000000z",
        "23010100000-Z",
        "",
        "20230101000000Z",
    ] {
        assert!(read(utc(text)).is_err(), "{text}");
    }
    for text in ["230101000000Z", "20230101000000.5Z", "20230101000000", "+2023010100000Z"] {
        assert!(read(element(0x18, text.as_bytes())).is_err(), "{text}");
    }
    assert!(read(element(0x0c, b"230101000000Z")).is_err());
}

#[test]
fn extensions_are_few_and_differ() {
    let many = |count: usize| {
        let mut certificate = RawCertificate::good();
        certificate.extensions =
            (0..count).map(|arc| extension(&private_identifier(arc), false, &[])).collect();
        certificate
    };
    Certificate::parse(&many(64).der()).unwrap();
    assert!(matches!(
        Certificate::parse(&many(65).der()).unwrap_err(),
        CertificateError::Malformed(_)
    ));
    let mut twice = many(64);
    twice.extensions[63] = twice.extensions[0].clone();
    assert_eq!(
        Certificate::parse(&twice.der()).unwrap_err(),
        CertificateError::DuplicateExtension("1.3.6.1.4.1.16384".to_owned())
    );
}

#[test]
fn names_are_short() {
    let read = |length: usize| {
        let mut certificate = RawCertificate::good();
        certificate.subject = common_name(&"x".repeat(length));
        Certificate::parse(&certificate.der())
    };
    // An attribute around the text, three times with a length of three bytes, once of two elements.
    let around = common_name(&"x".repeat(4000)).len() - 4000;
    read(4096 - around).unwrap();
    let error = read(4096 - around + 1).unwrap_err().to_string();
    assert!(error.contains("over the limit of 4096 bytes"), "{error}");
}

#[test]
fn long_names_are_shown_by_their_beginning() {
    let shown =
        |length: usize| Name::from_der(&common_name(&"x".repeat(length))).unwrap().to_string();
    assert_eq!(shown(253), format!("CN={}", "x".repeat(253)));
    assert_eq!(shown(254), format!("CN={}…", "x".repeat(253)));
}

#[test]
fn certificates_and_crls_are_read_up_to_a_size() {
    let certificate = |bytes: usize| {
        let of = |value: usize| {
            let mut raw = RawCertificate::good();
            raw.extensions = vec![extension(&private_identifier(1), false, &vec![0; value])];
            raw.der()
        };
        let around = of(40_000).len() - 40_000;
        of(bytes - around)
    };
    let limit = 64 * 1024;
    assert_eq!(certificate(limit).len(), limit);
    Certificate::parse(&certificate(limit)).unwrap();
    assert_eq!(
        Certificate::parse(&certificate(limit + 1)).unwrap_err(),
        CertificateError::TooLarge { found: limit + 1, limit }
    );
    let crl = |bytes: usize| {
        let of = |value: usize| {
            let mut raw = RawCrl::good();
            raw.extensions = vec![extension(&private_identifier(1), false, &vec![0; value])];
            raw.der()
        };
        let around = of(100_000).len() - 100_000;
        of(bytes - around)
    };
    let limit = 4 * 1024 * 1024;
    Crl::parse(&crl(limit)).unwrap();
    let error = Crl::parse(&crl(limit + 1)).unwrap_err();
    assert_eq!(error, CrlError::TooLarge { found: limit + 1, limit });
}

fn assert_read_alike(der: &[u8], read: &Certificate) {
    let (rest, found) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    assert_eq!(found.raw_serial(), read.serial().as_bytes());
    assert_eq!(found.subject().as_raw(), read.subject().as_der());
    assert_eq!(found.issuer().as_raw(), read.issuer().as_der());
    assert_eq!(found.public_key().raw, read.public_key().spki_der());
    assert_eq!(found.validity().not_before.timestamp(), read.not_before().seconds());
    assert_eq!(found.validity().not_after.timestamp(), read.not_after().seconds());
    assert_eq!(found.extensions().len(), read.extensions().len());
    assert_eq!(found.is_ca(), read.is_ca());
    for (theirs, ours) in found.extensions().iter().zip(read.extensions()) {
        assert_eq!((theirs.value, theirs.critical), (ours.value.as_slice(), ours.critical));
    }
}

fn assert_crl_read_alike(der: &[u8], read: &Crl) {
    let (rest, found) = CertificateRevocationList::from_der(der).unwrap();
    assert!(rest.is_empty());
    assert_eq!(found.issuer().as_raw(), read.issuer().as_der());
    assert_eq!(found.last_update().timestamp(), read.this_update().seconds());
    let next = found.next_update().map(|moment| moment.timestamp());
    assert_eq!(next, read.next_update().map(UnixTime::seconds));
    let mut serials: Vec<&[u8]> =
        found.iter_revoked_certificates().map(|entry| entry.raw_serial()).collect();
    serials.sort_unstable();
    let listed: Vec<&[u8]> = read.untrusted_revoked().iter().map(Serial::as_bytes).collect();
    assert_eq!(listed, serials);
}

/// Where this reader takes changed bytes the library does too, and sees the same: it is the stricter
/// of the two. Each byte is given each other value, in a certificate and in a CRL.
#[test]
fn what_is_read_the_library_reads_too() {
    let good = [RawCertificate::good().der(), RawCrl::good().der()];
    let (mut certificates, mut crls) = (0, 0);
    for good in &good {
        for index in 0..good.len() {
            for change in 1..=255_u8 {
                let mut der = good.clone();
                der[index] ^= change;
                if let Ok(read) = Certificate::parse(&der) {
                    certificates += 1;
                    assert_read_alike(&der, &read);
                }
                if let Ok(read) = Crl::parse(&der) {
                    crls += 1;
                    assert_crl_read_alike(&der, &read);
                }
            }
        }
    }
    assert!(certificates > 10_000 && crls > 10_000, "{certificates}, {crls}");
}

type CrlChange = (&'static str, fn(&mut RawCrl));

#[test]
fn crls_are_read_as_strictly() {
    let good = Crl::parse(&RawCrl::good().der()).unwrap();
    assert_eq!(good.untrusted_revoked().len(), 2);
    assert_eq!(good.untrusted_number(), Some([7].as_slice()));
    assert_eq!(good.next_update().unwrap().to_rfc3339(), "2027-02-01T00:00:00Z");
    let changes: [CrlChange; 17] = [
        ("version 1 written out", |one| one.version = element(INTEGER, &[0])),
        ("extensions in version 1", |one| {
            one.version = Vec::new();
            one.entries = Vec::new();
        }),
        ("entry extensions in version 1", |one| {
            one.version = Vec::new();
            one.extensions = Vec::new();
        }),
        ("another algorithm outside", |one| one.outer_algorithm = ecdsa_sha384()),
        ("its bytes inside at another place", |one| {
            one.outer_algorithm = ecdsa_sha384();
            one.extensions.push(extension(&private_identifier(1), false, &ecdsa_sha384()));
        }),
        ("three dates", |one| one.next_update = utc("270201000000Z").repeat(2)),
        ("no date", |one| {
            one.this_update = Vec::new();
            one.next_update = Vec::new();
        }),
        ("an entry without a date", |one| {
            one.entries.push(sequence(&[&element(INTEGER, &[9])]));
        }),
        ("an entry with more inside", |one| {
            let list = element(SEQUENCE, &extension(&[0x55, 29, 21], false, &[]));
            let (serial, date) = (element(INTEGER, &[9]), utc("260101000000Z"));
            one.entries.push(sequence(&[&serial, &date, &list, &[5, 0]]));
        }),
        ("an entry in a context class", |one| one.entries[0][0] = 0xb0),
        ("a serial number in a longer form", |one| one.entries.push(entry(&[0, 9], &[]))),
        ("the number twice", |one| one.extensions.push(one.extensions[0].clone())),
        ("a negative number", |one| {
            one.extensions = vec![extension(&[0x55, 29, 20], false, &element(INTEGER, &[0x80]))];
        }),
        ("a number with more after it", |one| {
            let number = [&element(INTEGER, &[7])[..], &[5, 0]].concat();
            one.extensions = vec![extension(&[0x55, 29, 20], false, &number)];
        }),
        ("more after the list of extensions", |one| {
            let list = element(SEQUENCE, &one.extensions.concat());
            one.extensions = Vec::new();
            one.more = element(0xa0, &[&list[..], &[5, 0]].concat());
        }),
        ("more after the extensions", |one| one.more = vec![5, 0]),
        ("65 extensions", |one| {
            one.extensions =
                (0..65).map(|arc| extension(&private_identifier(arc), false, &[])).collect();
        }),
    ];
    for (what, change) in changes {
        let mut crl = RawCrl::good();
        change(&mut crl);
        assert_eq!(Crl::parse(&crl.der()).unwrap_err().check(), "crl-malformed", "{what}");
    }
    let trailing = [RawCrl::good().der(), vec![0]].concat();
    assert_eq!(Crl::parse(&trailing).unwrap_err().check(), "crl-malformed");
    let mut other = RawCrl::good();
    other.next_update = element(0x18, b"20500101000000Z");
    other.extensions = vec![extension(&[0x55, 29, 20], false, &element(INTEGER, &[0]))];
    let read = Crl::parse(&other.der()).unwrap();
    assert_eq!(read.next_update().unwrap().to_rfc3339(), "2050-01-01T00:00:00Z");
    assert_eq!(read.untrusted_number(), Some([0].as_slice()));
    assert_eq!(read.rsa_signature_scheme(), None);
    let pkcs1 = sequence(&[&element(IDENTIFIER, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), &[5, 0]]);
    other.inner_algorithm.clone_from(&pkcs1);
    other.outer_algorithm = pkcs1;
    let read = Crl::parse(&other.der()).unwrap();
    assert_eq!(read.rsa_signature_scheme(), Some(SignatureScheme::RsaPkcs1Sha256));
    // Version 1 without extensions, and a list without entries, are right.
    let mut plain = RawCrl::good();
    plain.version = Vec::new();
    plain.extensions = Vec::new();
    plain.entries = vec![entry(&[9], &[])];
    Crl::parse(&plain.der()).unwrap();
    plain.entries = Vec::new();
    plain.next_update = Vec::new();
    assert_eq!(Crl::parse(&plain.der()).unwrap().next_update(), None);
}

#[test]
fn a_crl_extension_that_must_be_understood_is_refused() {
    let with = |identifier: &[u8], critical: bool, value: &[u8]| {
        let mut crl = RawCrl::good();
        crl.extensions.push(extension(identifier, critical, value));
        Crl::parse(&crl.der()).map(drop).map_err(|error| error.check())
    };
    let unknown = private_identifier(1);
    assert_eq!(with(&unknown, true, &[5, 0]), Err("crl-extension"));
    assert_eq!(with(&unknown, false, &[5, 0]), Ok(()));
    // What makes the list incomplete is refused either way; the authority's key identifier narrows nothing.
    for narrowing in [[0x55, 29, 27], [0x55, 29, 28], [0x55, 29, 46]] {
        assert_eq!(with(&narrowing, true, &element(INTEGER, &[1])), Err("crl-extension"));
        assert_eq!(with(&narrowing, false, &element(INTEGER, &[1])), Err("crl-extension"));
    }
    assert_eq!(with(&[0x55, 29, 35], true, &[0x30, 0]), Ok(()));
    let mut crl = RawCrl::good();
    crl.extensions = vec![extension(&[0x55, 29, 20], true, &element(INTEGER, &[7]))];
    Crl::parse(&crl.der()).unwrap();
}

#[test]
fn an_entry_that_means_more_than_its_serial_number_is_refused() {
    let with = |identifier: &[u8], critical: bool| {
        let mut crl = RawCrl::good();
        crl.entries.push(entry(&[9], &[extension(identifier, critical, &[0x30, 0])]));
        Crl::parse(&crl.der()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(with(&private_identifier(1), false), Ok(()));
    assert_eq!(
        with(&private_identifier(1), true),
        Err("CRL extension 1.3.6.1.4.1.16385 is not accepted".to_owned())
    );
    // Another issuer for this entry and those after it.
    for critical in [true, false] {
        assert_eq!(
            with(&[0x55, 29, 29], critical),
            Err("CRL extension 2.5.29.29 is not accepted".to_owned())
        );
    }
}

#[test]
fn keys_with_another_form_of_their_parameters_are_refused() {
    let rsa = |parameters: &[u8], key: &[u8]| {
        let algorithm =
            sequence(&[&element(IDENTIFIER, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), parameters]);
        PublicKey::from_spki(&sequence(&[&algorithm, &element(BIT_STRING, &[&[0], key].concat())]))
    };
    let modulus = element(INTEGER, &[&[0], [0xc5; 256].as_slice()].concat());
    let exponent = element(INTEGER, &[1, 0, 1]);
    let key = sequence(&[&modulus, &exponent]);
    rsa(&[5, 0], &key).unwrap();
    for (parameters, key) in [
        (&[][..], key.clone()),
        (&[5, 1, 0], key.clone()),
        (&[5, 0, 5, 0], key.clone()),
        (&[5, 0], [key.clone(), vec![0]].concat()),
        (&[5, 0], sequence(&[&modulus])),
        (&[5, 0], sequence(&[&modulus, &exponent, &exponent])),
        (&[5, 0], sequence(&[&element(INTEGER, &[0xc5; 256]), &exponent])),
        (&[5, 0], sequence(&[&element(INTEGER, &[0; 257]), &exponent])),
    ] {
        assert!(matches!(rsa(parameters, &key), Err(KeyError::Malformed(_))), "{parameters:02x?}");
    }
}
