//! Files of endorsements, bundles and queries at their worst: twice the input takes twice the
//! instructions.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod support;

use std::sync::Arc;

use avouch_endorsements::{Bundle, MirrorPath, Published, recognise};
use avouch_linear::{Shape, check};
use avouch_wire::{EvidenceKind, Hex, encode_hex};
use support::{at, intel_parts, minted};

/// A file is at most 8 MiB; what grows faster than it should shows in less.
const FILE_BYTES_MAX: usize = 1 << 18;
/// The target of a request.
const QUERY_BYTES_MAX: usize = 8 << 10;

fn file(bytes: &[u8]) {
    drop(recognise(bytes, &Arc::from("file")));
}

fn bundle(bytes: &[u8]) {
    drop(Bundle::read(bytes, "file", at()));
}

fn query(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    for path in [MirrorPath::TcbInfo(avouch_dcap::TeeType::Sgx), MirrorPath::CrlOfAddress] {
        drop(path.request(Some(text)));
    }
    drop(MirrorPath::Vcek(avouch_snp::Product::Milan, text.to_owned()).request(Some(text)));
}

/// TCB infos of as many families of platforms as fit, which nobody signed, with one issuer chain.
fn tcb_infos(bytes: usize, chain: &str) -> Vec<Arc<Published>> {
    let [info, ..] = intel_parts(&minted(EvidenceKind::Sgx, |_| {}), support::STANDARD);
    let text = std::str::from_utf8(&info.body).unwrap();
    let each = |number: u32| {
        let [_, high, low, lowest] = number.to_be_bytes();
        let fmspc = Hex([0xff, high, low, lowest, 0, 0]);
        let body = text.replace(&support::FMSPC.to_string(), &fmspc.to_string());
        let name = info.name.to_string().replace(&support::FMSPC.to_string(), &fmspc.to_string());
        Arc::new(support::thing(name.parse().unwrap(), body.as_bytes(), chain.as_bytes()))
    };
    // A row and a body.
    (0..u32::try_from(bytes / (text.len() + 400)).unwrap()).map(each).collect()
}

fn bundle_of(things: Vec<Arc<Published>>) -> Vec<u8> {
    Bundle::new(things).unwrap().write().unwrap()
}

/// One row as often as it fits into half of the file, over a body that fills the other half.
fn one_row_over_and_over(bytes: usize) -> Vec<u8> {
    let [info, ..] = intel_parts(&minted(EvidenceKind::Sgx, |_| {}), support::STANDARD);
    let padded = [&*info.body, " ".repeat(bytes / 2).as_bytes()].concat();
    let thing = support::thing(info.name, &padded, b"");
    let written = String::from_utf8(bundle_of(vec![Arc::new(thing)])).unwrap();
    let row = written.lines().nth(1).unwrap();
    let rows = vec![row; bytes / 2 / row.len()].join(",\n");
    written.replacen(row, &rows, 1).into_bytes()
}

const FILES: &[Shape] = &[
    Shape {
        name: "certificates-begun",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| "-----BEGIN CERTIFICATE-----\n".repeat(bytes / 28).into_bytes(),
        read: file,
    },
    Shape {
        name: "lists-of-nothing",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| {
            "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"
                .repeat(bytes / 54)
                .into_bytes()
        },
        read: file,
    },
    Shape {
        name: "dashes",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| vec![b'-'; bytes],
        read: file,
    },
    Shape {
        name: "hex-of-der",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| encode_hex(&vec![0x30; bytes / 2]).into_bytes(),
        read: file,
    },
    Shape {
        name: "sequences-in-sequences",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| [0x30, 0x80].repeat(bytes / 2),
        read: file,
    },
    Shape {
        name: "members",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| format!(r#"{{"tcb_info":0{}}}"#, r#","a":0"#.repeat(bytes / 6)).into_bytes(),
        read: file,
    },
    Shape {
        name: "json-in-json",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| {
            let inner = format!(r#"{{\"tcbInfo\":[{}0]}}"#, "0,".repeat(bytes / 2));
            format!(r#"{{"issuer_chain":"","tcb_info_json":"{inner}"}}"#).into_bytes()
        },
        read: file,
    },
    Shape {
        name: "brackets",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| format!(r#"{{"a":{}"#, "[".repeat(bytes)).into_bytes(),
        read: file,
    },
    Shape {
        name: "base64",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| "eyJ2Y2VrQ2VydCI6IiI".repeat(bytes / 19).into_bytes(),
        read: file,
    },
    Shape {
        name: "lines",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| "a: b\n".repeat(bytes / 5).into_bytes(),
        read: file,
    },
];

const BUNDLES: &[Shape] = &[
    Shape {
        name: "platforms-that-share-a-long-chain",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| bundle_of(tcb_infos(bytes, &"x".repeat(16 * 1024))),
        read: bundle,
    },
    Shape {
        name: "one-row-over-and-over",
        bytes_max: FILE_BYTES_MAX,
        make: one_row_over_and_over,
        read: bundle,
    },
    Shape {
        name: "contents-of-nothing",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| {
            let row = format!("{{\"sha256\":\"{}\",\"text\":\"\"}},\n", "0".repeat(64));
            let head = "{\"format\":\"avouch-endorsements\",\"version\":1,\"manifest\":[\n\n],\"contents\":[\n";
            format!("{head}{}", row.repeat(bytes / row.len())).into_bytes()
        },
        read: bundle,
    },
    Shape {
        name: "as-a-file",
        bytes_max: FILE_BYTES_MAX,
        make: |bytes| bundle_of(tcb_infos(bytes, "")),
        read: file,
    },
];

const QUERIES: &[Shape] = &[
    Shape {
        name: "ands",
        bytes_max: QUERY_BYTES_MAX,
        make: |bytes| vec![b'&'; bytes],
        read: query,
    },
    Shape {
        name: "escaped-names",
        bytes_max: QUERY_BYTES_MAX,
        make: |bytes| "%66mspc&".repeat(bytes / 8).into_bytes(),
        read: query,
    },
    Shape {
        name: "an-address-with-a-query",
        bytes_max: QUERY_BYTES_MAX,
        make: |bytes| {
            let address = "uri=https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?";
            format!("{address}{}", "%26c%61".repeat(bytes / 7)).into_bytes()
        },
        read: query,
    },
];

#[test]
fn doubling_a_file_of_endorsements_doubles_its_cost() {
    check("doubling_a_file_of_endorsements_doubles_its_cost", FILES);
}

#[test]
fn doubling_a_bundle_doubles_its_cost() {
    check("doubling_a_bundle_doubles_its_cost", BUNDLES);
}

#[test]
fn doubling_the_query_of_a_client_doubles_its_cost() {
    check("doubling_the_query_of_a_client_doubles_its_cost", QUERIES);
}

#[test]
fn the_hard_bundles_are_what_they_are_meant_to_be() {
    let whole = Bundle::read(&bundle_of(tcb_infos(1 << 16, "chain")), "file", at()).unwrap();
    assert!(whole.things().len() > 10, "{}", whole.things().len());
    let error = Bundle::read(&one_row_over_and_over(1 << 16), "file", at()).unwrap_err();
    assert!(error.to_string().contains("manifest row 2 is there twice"), "{error}");
}
