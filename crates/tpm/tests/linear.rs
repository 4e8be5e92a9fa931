//! Readers of foreign bytes at their worst: twice the input takes twice the instructions.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

use avouch_linear::{Shape, check};
use avouch_tpm::protocol::Received;
use avouch_tpm::{Attest, Public, Signature, TrustAnchors, trim_padding, verify_ek_certificate};
use avouch_wire::{UnixTime, base64url};

/// The largest structure of a TPM that is read: behind a 16-bit size.
const STRUCTURE_BYTES_MAX: usize = 1 << 16;
/// The largest body of a request.
const BODY_BYTES_MAX: usize = 1 << 20;

fn read_structures(input: &[u8]) {
    drop(Attest::parse(input));
    drop(Public::parse(input));
    drop(Signature::parse(input));
}

fn read_message(input: &[u8]) {
    drop(Received::read(&base64url::encode(input)));
}

fn read_certificate(input: &[u8]) {
    let _ = trim_padding(input);
    drop(verify_ek_certificate(input, &[input], &TrustAnchors::none(), UnixTime::EPOCH));
    drop(TrustAnchors::none().with_file(input));
}

/// A request whose payload is this text.
fn request(payload: &str) -> Vec<u8> {
    let header = base64url::encode(r#"{"alg":"PS256","typ":"attReqV2"}"#);
    let payload = base64url::encode(payload);
    format!(r#"{{"request":"{header}.{payload}.AAAA"}}"#).into_bytes()
}

/// As many copies as fit, between what begins and what ends a text.
fn filled(bytes: usize, begin: &str, copy: &str, end: &str) -> String {
    let copies = bytes.saturating_sub(begin.len() + end.len()) / copy.len();
    [begin, &copy.repeat(copies), end].concat()
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "structures-of-zeros",
        bytes_max: STRUCTURE_BYTES_MAX,
        make: |bytes| vec![0; bytes],
        read: read_structures,
    },
    Shape {
        name: "public-with-a-long-modulus",
        bytes_max: STRUCTURE_BYTES_MAX,
        make: |bytes| {
            let head = [0, 1, 0, 11, 0, 5, 0, 0x72, 0, 0, 0, 16, 0, 20, 0, 11, 8, 0, 0, 0, 0, 0];
            let length = u16::try_from(bytes - 32).unwrap().to_be_bytes();
            [head.as_slice(), &length, &vec![0xff; bytes - 32]].concat()
        },
        read: read_structures,
    },
    Shape {
        name: "message-of-members",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| filled(bytes, r#"{"payload":{"type":"aikcert""#, r#","a":0"#, "}}").into(),
        read: read_message,
    },
    Shape {
        name: "request-of-values",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let begin = r#"{"att_type":"basic","att_data":{"tpm_att_data":{"current_attestation":{"pcrs":[0"#;
            request(&filled(bytes / 2, begin, ",0", "]}}}}"))
        },
        read: read_message,
    },
    Shape {
        name: "request-with-a-long-log",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let begin = r#"{"att_type":"basic","att_data":{"challenge":""#;
            request(&filled(bytes / 2, begin, "AAAA", r#""}}"#))
        },
        read: read_message,
    },
    Shape {
        name: "certificates-with-fill",
        bytes_max: STRUCTURE_BYTES_MAX,
        make: |bytes| [[0x30, 0x03, 1, 1, 0].as_slice(), &vec![0xff; bytes - 5]].concat(),
        read: read_certificate,
    },
    Shape {
        name: "certificates-begun",
        bytes_max: STRUCTURE_BYTES_MAX,
        make: |bytes| filled(bytes, "", "-----BEGIN CERTIFICATE-----\n", "").into(),
        read: read_certificate,
    },
];

#[test]
fn twice_the_input_takes_twice_the_instructions() {
    check("twice_the_input_takes_twice_the_instructions", SHAPES);
}
