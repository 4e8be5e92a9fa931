//! Twice the input costs twice the instructions, whatever is in it.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod support;

use std::hint::black_box;

use avouch_linear::Shape;
use avouch_pki::{Certificate, Crl, Name, PublicKey, pem};
use support::der::{
    IDENTIFIER, INTEGER, OCTET_STRING, SEQUENCE, SET, UTF8, attribute, element, extension,
    private_identifier, sequence,
};
use support::raw::{RawCertificate, RawCrl, entry};

/// The largest certificate read.
const CERTIFICATE_BYTES: usize = 60 * 1024;
/// The largest body of a request.
const BODY_BYTES: usize = 1024 * 1024;

fn read_certificate(der: &[u8]) {
    drop(black_box(Certificate::parse(der)));
}

fn read_crl(der: &[u8]) {
    drop(black_box(Crl::parse(der)));
}

fn read_pem(text: &[u8]) {
    drop(black_box(pem::certificates(text, usize::MAX)));
}

/// As many parts as fit into `bytes`.
fn parts(bytes: usize, part: impl Fn(usize) -> Vec<u8>) -> Vec<Vec<u8>> {
    let size = part(0).len();
    (0..bytes / size).map(part).collect()
}

fn with_extensions(bytes: usize, part: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut certificate = RawCertificate::good();
    certificate.extensions = parts(bytes, part);
    certificate.der()
}

fn with_value(identifier: &[u8], value: &[u8]) -> Vec<u8> {
    let mut certificate = RawCertificate::good();
    certificate.extensions = vec![extension(identifier, false, value)];
    certificate.der()
}

fn with_subject(content: &[u8]) -> Vec<u8> {
    let mut certificate = RawCertificate::good();
    certificate.subject = element(SEQUENCE, content);
    certificate.der()
}

fn with_entries(bytes: usize, part: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut crl = RawCrl::good();
    crl.entries = parts(bytes, part);
    crl.der()
}

fn with_crl_extensions(bytes: usize, part: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut crl = RawCrl::good();
    crl.extensions = parts(bytes, part);
    crl.der()
}

/// Serial numbers of three bytes, falling.
fn serial(index: usize) -> Vec<u8> {
    let number = (0x7f_ffff_usize - index).to_be_bytes();
    number[5..].to_vec()
}

fn nested(bytes: usize) -> Vec<u8> {
    // Each level has two to five bytes: so many levels that each length is right.
    let mut inner = Vec::new();
    while inner.len() < bytes.min(4000) {
        inner = element(SEQUENCE, &inner);
    }
    inner
}

fn repeated(part: &[u8], bytes: usize) -> Vec<u8> {
    part.repeat(bytes / part.len())
}

const fn shape(
    name: &'static str,
    bytes_max: usize,
    make: fn(usize) -> Vec<u8>,
    read: fn(&[u8]),
) -> Shape {
    Shape { name, bytes_max, make, read }
}

const CERTIFICATES: &[Shape] = &[
    shape(
        "many-extensions",
        CERTIFICATE_BYTES,
        |bytes| with_extensions(bytes, |index| extension(&private_identifier(index), false, &[])),
        read_certificate,
    ),
    shape(
        "large-extensions",
        CERTIFICATE_BYTES,
        |bytes| {
            let value = vec![0; bytes / 64 - 20];
            with_extensions(bytes, |index| extension(&private_identifier(index), false, &value))
        },
        read_certificate,
    ),
    shape(
        "long-identifiers",
        CERTIFICATE_BYTES,
        |bytes| {
            let identifier =
                |index: usize| [private_identifier(index), vec![0x81; bytes / 64 - 20], vec![1]];
            with_extensions(bytes, |index| extension(&identifier(index).concat(), false, &[]))
        },
        read_certificate,
    ),
    shape(
        "many-arcs",
        CERTIFICATE_BYTES,
        |bytes| {
            let identifier = |index: usize| [private_identifier(index), vec![1; bytes / 64 - 20]];
            with_extensions(bytes, |index| extension(&identifier(index).concat(), false, &[]))
        },
        read_certificate,
    ),
    shape(
        "many-purposes",
        CERTIFICATE_BYTES,
        |bytes| {
            let purposes = repeated(&element(IDENTIFIER, &[0x2a, 3]), bytes);
            with_value(&[0x55, 29, 37], &element(SEQUENCE, &purposes))
        },
        read_certificate,
    ),
    shape(
        "many-alternative-names",
        CERTIFICATE_BYTES,
        |bytes| {
            with_value(&[0x55, 29, 17], &element(SEQUENCE, &repeated(&element(0x82, b"a"), bytes)))
        },
        read_certificate,
    ),
    shape(
        "long-key-usage",
        CERTIFICATE_BYTES,
        |bytes| with_value(&[0x55, 29, 15], &element(3, &vec![0; bytes])),
        read_certificate,
    ),
    shape(
        "many-name-parts",
        CERTIFICATE_BYTES,
        |bytes| with_subject(&repeated(&attribute(&[0x55, 4, 3], UTF8, b""), bytes)),
        read_certificate,
    ),
    shape(
        "one-large-name-part",
        CERTIFICATE_BYTES,
        |bytes| {
            let pair = sequence(&[&element(IDENTIFIER, &[0x55, 4, 3]), &element(UTF8, b"")]);
            with_subject(&element(SET, &repeated(&pair, bytes)))
        },
        read_certificate,
    ),
    shape(
        "long-name",
        CERTIFICATE_BYTES,
        |bytes| with_subject(&attribute(&[0x55, 4, 10], UTF8, &vec![b'x'; bytes])),
        read_certificate,
    ),
    shape(
        "nested-lengths",
        CERTIFICATE_BYTES,
        |bytes| {
            let mut certificate = RawCertificate::good();
            certificate.more = nested(bytes);
            certificate.der()
        },
        read_certificate,
    ),
    shape(
        "long-signature",
        CERTIFICATE_BYTES,
        |bytes| {
            let mut certificate = RawCertificate::good();
            certificate.signature = element(3, &vec![0; bytes]);
            certificate.der()
        },
        read_certificate,
    ),
    shape(
        "long-modulus",
        CERTIFICATE_BYTES,
        |bytes| {
            let key = sequence(&[&element(INTEGER, &vec![1; bytes]), &element(INTEGER, &[3])]);
            let mut certificate = RawCertificate::good();
            let algorithm =
                sequence(&[&element(IDENTIFIER, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), &[5, 0]]);
            certificate.public_key = sequence(&[&algorithm, &element(3, &[vec![0], key].concat())]);
            certificate.der()
        },
        read_certificate,
    ),
];

const OTHERS: &[Shape] = &[
    shape(
        "crl-entries",
        BODY_BYTES,
        |bytes| with_entries(bytes, |index| entry(&serial(index), &[])),
        read_crl,
    ),
    shape(
        "crl-entry-extensions",
        BODY_BYTES,
        |bytes| {
            let one = extension(&[0x55, 29, 21], false, &element(0x0a, &[1]));
            with_entries(bytes, |index| entry(&serial(index), std::slice::from_ref(&one)))
        },
        read_crl,
    ),
    shape(
        "crl-entries-full-of-extensions",
        BODY_BYTES,
        |bytes| {
            let list: Vec<Vec<u8>> =
                (0..64).map(|arc| extension(&private_identifier(arc), false, &[])).collect();
            with_entries(bytes, |index| entry(&serial(index), &list))
        },
        read_crl,
    ),
    shape(
        "crl-extensions",
        BODY_BYTES,
        |bytes| {
            with_crl_extensions(bytes, |index| extension(&private_identifier(index), false, &[]))
        },
        read_crl,
    ),
    shape(
        "crl-large-extensions",
        BODY_BYTES,
        |bytes| {
            let value = element(OCTET_STRING, &vec![0; bytes / 64]);
            with_crl_extensions(bytes, |index| extension(&private_identifier(index), false, &value))
        },
        read_crl,
    ),
    shape(
        "crl-long-number",
        BODY_BYTES,
        |bytes| {
            let mut crl = RawCrl::good();
            crl.extensions =
                vec![extension(&[0x55, 29, 20], false, &element(INTEGER, &vec![1; bytes]))];
            crl.der()
        },
        read_crl,
    ),
    shape(
        "pem-blocks",
        BODY_BYTES,
        |bytes| repeated(pem::encode("CERTIFICATE", &[1, 2, 3]).as_bytes(), bytes),
        read_pem,
    ),
    shape(
        "pem-one-large-block",
        BODY_BYTES,
        |bytes| pem::encode("CERTIFICATE", &vec![7; bytes * 3 / 4]).into_bytes(),
        read_pem,
    ),
    shape(
        "pem-white-space",
        BODY_BYTES,
        |bytes| {
            let text = pem::encode("CERTIFICATE", &vec![7; bytes / 4]);
            text.replace('B', "B \t").into_bytes()
        },
        read_pem,
    ),
    shape(
        "pem-begins",
        BODY_BYTES,
        |bytes| repeated(b"-----BEGIN CERTIFICATE-----\n", bytes),
        read_pem,
    ),
    shape(
        "pem-begins-of-others",
        BODY_BYTES,
        |bytes| repeated(b"-----BEGIN X509 CRL-----\n", bytes),
        read_pem,
    ),
    shape("pem-dashes", BODY_BYTES, |bytes| vec![b'-'; bytes], read_pem),
    shape("pem-half-begins", BODY_BYTES, |bytes| repeated(b"-----BEGIN", bytes), read_pem),
    shape(
        "pem-half-ends",
        BODY_BYTES,
        |bytes| {
            [b"-----BEGIN CERTIFICATE-----\n".to_vec(), repeated(b"-----END CERT", bytes)].concat()
        },
        read_pem,
    ),
    shape(
        "pem-empty-blocks",
        BODY_BYTES,
        |bytes| repeated(b"-----BEGIN CERTIFICATE----------END CERTIFICATE-----", bytes),
        read_pem,
    ),
    shape(
        "name-alone",
        BODY_BYTES,
        |bytes| element(SEQUENCE, &repeated(&attribute(&[0x55, 4, 3], UTF8, b""), bytes)),
        |der| drop(black_box(Name::from_der(der))),
    ),
    shape(
        "key-alone",
        BODY_BYTES,
        |bytes| element(SEQUENCE, &vec![0x30; bytes]),
        |der| drop(black_box(PublicKey::from_spki(der))),
    ),
];

#[test]
fn certificates_are_read_in_linear_time() {
    avouch_linear::check("certificates_are_read_in_linear_time", CERTIFICATES);
}

#[test]
fn crls_pem_names_and_keys_are_read_in_linear_time() {
    avouch_linear::check("crls_pem_names_and_keys_are_read_in_linear_time", OTHERS);
}
