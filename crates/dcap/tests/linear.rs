//! Readers of foreign bytes at their worst: twice the input takes twice the instructions.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

use avouch_dcap::open_enclave::{Endorsements, OpenEnclave};
use avouch_dcap::{
    Collateral, CollateralParts, DOCUMENT_BYTES_MAX, EnclaveIdentity, PckExtension, Quote, TcbInfo,
    TrustAnchors,
};
use avouch_linear::{Shape, check};
use avouch_wire::UnixTime;

/// The largest body of a request, and the largest blob of endorsements.
const BODY_BYTES_MAX: usize = 1 << 20;
/// The largest extension: its length has two bytes.
const EXTENSION_BYTES_MAX: usize = 1 << 16;

/// As many numbered copies as fit, between what begins and what ends a text.
fn filled(bytes: usize, begin: &str, copy: impl Fn(usize) -> String, end: &str) -> Vec<u8> {
    let room = bytes.saturating_sub(begin.len() + end.len());
    let copies: String = (0..room / copy(99_999).len()).map(copy).collect();
    [begin, &copies, end].concat().into_bytes()
}

/// Collateral whose first chain to be read is the input.
fn read_chain(input: &[u8]) {
    let signature = "0".repeat(128);
    let tcb_info = format!(r#"{{"tcbInfo":{{}},"signature":"{signature}"}}"#);
    let qe_identity = format!(r#"{{"enclaveIdentity":{{}},"signature":"{signature}"}}"#);
    let collateral = Collateral::from_parts(&CollateralParts {
        tcb_info: tcb_info.as_bytes(),
        tcb_info_issuer_chain: b"",
        qe_identity: qe_identity.as_bytes(),
        qe_identity_issuer_chain: b"",
        root_ca_crl: b"3000",
        pck_crl: b"3000",
        pck_crl_issuer_chain: input,
    });
    let at = UnixTime::from_seconds(0).unwrap();
    collateral.unwrap().verify(&TrustAnchors::none(), at).unwrap_err();
}

fn read_text(input: &[u8], read: fn(&str)) {
    read(std::str::from_utf8(input).unwrap());
}

const DATES: &str = r#""issueDate":"2024-01-01T00:00:00Z","nextUpdate":"2024-02-01T00:00:00Z""#;
const LEVEL: &str = r#""tcbDate":"2024-01-01T00:00:00Z","tcbStatus":"OutOfDate""#;

/// A TCB info up to the list that begins with `lists`.
fn tcb_info(lists: &str) -> String {
    let zeros = "0".repeat(96);
    let module = format!(
        r#"{{"mrsigner":"{zeros}","attributes":"0000000000000000","attributesMask":"0000000000000000"}}"#
    );
    format!(
        r#"{{"id":"TDX","version":3,{DATES},"fmspc":"000000000000","pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":1,"tdxModule":{module},{lists}"#
    )
}

fn level(number: usize) -> String {
    let svns = vec![r#"{"svn":1}"#; 16].join(",");
    format!(
        r#"{{"tcb":{{"sgxtcbcomponents":[{svns}],"pcesvn":{number},"tdxtcbcomponents":[{svns}]}},{LEVEL}}}"#
    )
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "levels",
        bytes_max: DOCUMENT_BYTES_MAX,
        make: |bytes| {
            let begin = tcb_info(&format!(r#""tcbLevels":[{}"#, level(65_535)));
            filled(bytes, &begin, |number| format!(",{}", level(number)), "]}")
        },
        read: |input| read_text(input, |text| drop(TcbInfo::parse(text).unwrap())),
    },
    Shape {
        name: "enclave-levels",
        bytes_max: DOCUMENT_BYTES_MAX,
        make: |bytes| {
            let (mask, signer) = ("0".repeat(32), "0".repeat(64));
            let level = |number| format!(r#"{{"tcb":{{"isvsvn":{number}}},{LEVEL}}}"#);
            let begin = format!(
                r#"{{"id":"QE","version":2,{DATES},"tcbEvaluationDataNumber":1,"miscselect":"00000000","miscselectMask":"00000000","attributes":"{mask}","attributesMask":"{mask}","mrsigner":"{signer}","isvprodid":1,"tcbLevels":[{}"#,
                level(65_535)
            );
            filled(bytes, &begin, |number| format!(",{}", level(number)), "]}")
        },
        read: |input| read_text(input, |text| drop(EnclaveIdentity::parse(text).unwrap())),
    },
    Shape {
        name: "unknown-members",
        bytes_max: DOCUMENT_BYTES_MAX,
        make: |bytes| filled(bytes, r#"{"a":0"#, |number| format!(r#","{number}":0"#), "}"),
        read: |input| drop(Collateral::parse_json(input)),
    },
    Shape {
        name: "blocks-begun",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| filled(bytes, "", |_| "-----BEGIN CERTIFICATE-----\n".to_owned(), ""),
        read: read_chain,
    },
    Shape {
        name: "blocks-begun-and-one-ended",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let begin = |_| "-----BEGIN CERTIFICATE-----\n".to_owned();
            filled(bytes, "", begin, "-----END CERTIFICATE-----")
        },
        read: read_chain,
    },
    Shape {
        name: "nested-elements",
        bytes_max: EXTENSION_BYTES_MAX,
        make: |bytes| {
            let inner = u16::try_from(bytes - 4).unwrap_or(u16::MAX).to_be_bytes();
            let empty = [0x30, 0].repeat((bytes - 4) / 2);
            [[0x30, 0x82].as_slice(), &inner, &empty].concat()
        },
        read: |input| drop(PckExtension::parse(input)),
    },
    Shape {
        name: "any-bytes",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| [3_u8, 0, 2, 0].repeat(bytes / 4),
        read: |input| {
            drop(Quote::parse(input));
            drop(OpenEnclave::parse(input));
            drop(Endorsements::parse(input));
        },
    },
];

#[test]
fn twice_the_input_takes_twice_the_instructions() {
    check("twice_the_input_takes_twice_the_instructions", SHAPES);
}
