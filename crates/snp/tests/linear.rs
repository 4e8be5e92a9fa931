//! Readers of foreign bytes at their worst: twice the input takes twice the instructions.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

use avouch_linear::{Shape, check};
use avouch_snp::ghcb::{CertificateTable, Guid};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::uvm::UntrustedUvmDocument;
use avouch_snp::{Chain, ChainCacheKey, Endorsements, TrustAnchors};
use avouch_wire::base64url;

/// The largest body of a request.
const BODY_BYTES_MAX: usize = 1 << 20;
/// The largest certificate table.
const TABLE_BYTES_MAX: usize = 1 << 16;
/// The largest endorsement of a utility VM.
const ENVELOPE_BYTES_MAX: usize = 1 << 17;

/// As many copies as fit, between what begins and what ends a text.
fn filled(bytes: usize, begin: &str, copy: &str, end: &str) -> Vec<u8> {
    let copies = bytes.saturating_sub(begin.len() + end.len()) / copy.len();
    [begin, &copy.repeat(copies), end].concat().into_bytes()
}

/// As a request's certificates are read, and an operator's file.
fn read_certificates(input: &[u8]) {
    drop(Endorsements::parse(&[input]));
    drop(Chain::parse_beside(&[input], 16, &TrustAnchors::amd()));
    let _ = ChainCacheKey::of(&[input]);
}

fn read_table(input: &[u8]) {
    if let Ok(table) = CertificateTable::parse(input) {
        let _ = ChainCacheKey::of(&table.certificates());
        drop(Chain::parse_sent(&table.certificates(), &TrustAnchors::amd()));
    }
}

fn read_document(input: &[u8]) {
    if let Ok(evidence) = SnpEvidence::parse(input) {
        drop(evidence.chain());
    }
}

fn read_endorsement(input: &[u8]) {
    drop(UntrustedUvmDocument::parse(input));
}

const CRL_BEGINS: &str = "-----BEGIN X509 CRL-----\n";
const CERTIFICATE_BEGINS: &str = "-----BEGIN CERTIFICATE-----\n";

/// A table with one body of `bytes` for each of the entries that it may have.
fn table(bytes: usize, body: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let known = [Guid::VCEK, Guid::VLEK, Guid::ASK, Guid::ARK, Guid::CRL];
    let entries = known.len() + 1;
    let each = (bytes - entries * 24) / known.len();
    let (mut table, mut bodies) = (Vec::new(), Vec::new());
    for guid in known {
        let offset = entries * 24 + bodies.len();
        table.extend(guid.0);
        table.extend(u32::try_from(offset).unwrap().to_le_bytes());
        table.extend(u32::try_from(each).unwrap().to_le_bytes());
        let mut body = body(each);
        body.resize(each, b' ');
        bodies.extend(body);
    }
    table.extend([0; 24]);
    [table, bodies].concat()
}

/// A `COSE_Sign1` with this protected header, empty besides.
fn envelope(header: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).unwrap().to_be_bytes();
    [&[0xd2, 0x84, 0x5a], length.as_slice(), header, &[0xa0, 0x40, 0x40]].concat()
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "lists-begun",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| filled(bytes, "", CRL_BEGINS, ""),
        read: read_certificates,
    },
    Shape {
        name: "lists-begun-and-one-ended",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| filled(bytes, "", CRL_BEGINS, "-----END X509 CRL-----"),
        read: read_certificates,
    },
    Shape {
        name: "certificates-begun-and-one-ended",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| filled(bytes, "", CERTIFICATE_BEGINS, "-----END CERTIFICATE-----"),
        read: read_certificates,
    },
    Shape {
        name: "table-of-lists-begun",
        bytes_max: TABLE_BYTES_MAX,
        make: |bytes| table(bytes, |each| filled(each, "", CRL_BEGINS, "")),
        read: read_table,
    },
    Shape {
        name: "members",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| filled(bytes, r#"{"SnpReport":"""#, r#","a":0"#, "}"),
        read: read_document,
    },
    Shape {
        name: "escapes",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| filled(bytes, r#"{"SnpReport":""#, r"\u0041", r#""}"#),
        read: read_document,
    },
    Shape {
        name: "endorsements",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let report = base64url::encode([0; 1184]);
            let inner = filled(bytes / 2, r#"{"Uvm":[0"#, ",0", "]}");
            let inner = base64url::encode(inner);
            format!(r#"{{"SnpReport":"{report}","VcekCertChain":"","Endorsements":"{inner}"}}"#)
                .into_bytes()
        },
        read: read_document,
    },
    Shape {
        name: "headers",
        bytes_max: ENVELOPE_BYTES_MAX,
        // A map of as many pairs as its length says: a number of four bytes, zero.
        make: |bytes| {
            let pairs = u32::try_from((bytes - 64) / 6).unwrap();
            let mut header = [&[0xba], pairs.to_be_bytes().as_slice()].concat();
            for number in 0..pairs {
                header.push(0x1a);
                header.extend((number | 0x0100_0000).to_be_bytes());
                header.push(0);
            }
            envelope(&header)
        },
        read: read_endorsement,
    },
    Shape {
        name: "chain-of-many",
        bytes_max: ENVELOPE_BYTES_MAX,
        make: |bytes| {
            let many = u32::try_from(bytes - 64).unwrap();
            let head =
                [&[0xa2, 1, 0x38, 37, 0x18, 33, 0x9a], many.to_be_bytes().as_slice()].concat();
            envelope(&[head, vec![0x40; bytes - 64]].concat())
        },
        read: read_endorsement,
    },
];

#[test]
fn twice_the_input_takes_twice_the_instructions() {
    check("twice_the_input_takes_twice_the_instructions", SHAPES);
}
