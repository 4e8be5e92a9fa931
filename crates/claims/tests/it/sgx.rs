//! SGX and Open Enclave.

use avouch_claims::SeenBy::{Both, Policy, Token};
use avouch_claims::{BoundData, DataType, HeldData, ServiceClaim, sgx};
use avouch_dcap::{Body, CollateralHashes, VerifiedQuote, bind_runtime_data};
use avouch_mint::{Kss, Options, mint};
use avouch_pki::digest::sha256;
use avouch_wire::{EvidenceKind, Hex, decode_hex};
use serde_json::{Value, json};

use crate::expect::{
    Row, assert_claims, at, boolean, counting, counting_hex, integer, json as object, text,
};
use crate::intel::minted;

const HELD: &[u8] = b"held by the enclave";
const HELD_BASE64URL: &str = "aGVsZCBieSB0aGUgZW5jbGF2ZQ";
/// SHA-256 of it, and the zeros that fill the report data.
const REPORT_DATA: &str = "027359203dfc50105cd83ed4ff47f02ff5ed62b4b27611267aa566d15c7743b3\
                           0000000000000000000000000000000000000000000000000000000000000000";

/// An enclave whose fields all differ.
fn options() -> Options {
    let mut options = Options::new(at());
    options.runtime_data = Some(avouch_mint::HeldData::binary(HELD));
    options.enclave.mr_enclave = Some(counting(0x11));
    options.enclave.mr_signer = Some(counting(0x22));
    options.enclave.isv_prod_id = 0x3334;
    options.enclave.isv_svn = 0x4445;
    options
}

fn kss() -> Kss {
    Kss {
        config_id: Some(counting(0x55)),
        config_svn: 0x6667,
        isv_ext_prod_id: counting(0x77),
        isv_family_id: counting(0x88),
    }
}

/// Hashes that all differ, as those of real collateral do not.
fn hashes() -> CollateralHashes {
    CollateralHashes {
        tcb_info_certs: Hex(counting(0xa0)),
        tcb_info: Hex(counting(0xa1)),
        tcb_info_crl: Hex(counting(0xa2)),
        qe_identity_certs: Hex(counting(0xa3)),
        qe_identity: Hex(counting(0xa4)),
        qe_identity_crl: Hex(counting(0xa5)),
        pck_crl: Hex(counting(0xa6)),
    }
}

fn collateral() -> Value {
    let hash = |first| counting_hex(first, 32).to_json();
    json!({
        "qeidcertshash": hash(0xa3),
        "qeidcrlhash": hash(0xa5),
        "qeidhash": hash(0xa4),
        "quotehash": hash(0xa7),
        "tcbinfocertshash": hash(0xa0),
        "tcbinfocrlhash": hash(0xa2),
        "tcbinfohash": hash(0xa1),
    })
}

fn claims(quote: &VerifiedQuote, held: Option<DataType>) -> Vec<ServiceClaim> {
    let Body::Enclave(report) = quote.body() else { panic!("a quote of an enclave") };
    let held = held.map(|data_type| {
        let data = HeldData { bytes: HELD.to_vec(), data_type };
        BoundData::bind(&data, |bytes| bind_runtime_data(quote, sha256(bytes))).unwrap()
    });
    sgx(report, &hashes(), &Hex(counting(0xa7)), held.as_ref())
}

/// What every enclave of [`options`] gives.
fn rows(debuggable: bool) -> Vec<Row> {
    vec![
        (Both, "x-ms-sgx-is-debuggable", boolean(debuggable)),
        (Both, "x-ms-sgx-mrenclave", counting_hex(0x11, 32)),
        (Both, "x-ms-sgx-mrsigner", counting_hex(0x22, 32)),
        (Both, "x-ms-sgx-product-id", integer(13108)),
        (Both, "x-ms-sgx-svn", integer(17477)),
        (Both, "x-ms-sgx-report-data", text(REPORT_DATA)),
        (Both, "x-ms-sgx-collateral", object(collateral())),
        (Token, "maa-attestationcollateral", object(collateral())),
        (Policy, "$is-debuggable", boolean(debuggable)),
        (Policy, "$sgx-mrenclave", counting_hex(0x11, 32)),
        (Policy, "$sgx-mrsigner", counting_hex(0x22, 32)),
        (Policy, "$product-id", integer(13108)),
        (Policy, "$svn", integer(17477)),
        (Policy, "$tee", text("sgx")),
    ]
}

fn held_rows() -> Vec<Row> {
    vec![
        (Both, "x-ms-sgx-ehd", text(HELD_BASE64URL)),
        (Token, "maa-ehd", text(HELD_BASE64URL)),
        (Token, "aas-ehd", text(HELD_BASE64URL)),
    ]
}

fn kss_rows() -> Vec<Row> {
    vec![
        (Both, "x-ms-sgx-config-id", counting_hex(0x55, 64)),
        (Both, "x-ms-sgx-config-svn", integer(26215)),
        (Both, "x-ms-sgx-isv-extended-product-id", counting_hex(0x77, 16)),
        (Both, "x-ms-sgx-isv-family-id", counting_hex(0x88, 16)),
    ]
}

#[test]
fn every_row_of_an_enclave_with_and_without_debug_and_key_separation() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::OpenEnclave] {
        for (debug, with_kss) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut options = options();
            options.enclave.debug = debug;
            options.enclave.kss = with_kss.then(kss);
            let (_, quote) = minted(kind, &options);
            let mut expected = rows(debug);
            expected.extend(held_rows());
            if with_kss {
                expected.extend(kss_rows());
            }
            let what = format!("{kind}, debug {debug}, KSS {with_kss}");
            assert_claims(&what, &claims(&quote, Some(DataType::Binary)), &expected);
        }
    }
}

#[test]
fn only_held_data_that_is_binary_becomes_the_ehd_claims() {
    let (_, quote) = minted(EvidenceKind::Sgx, &options());
    assert_claims("nothing held", &claims(&quote, None), &rows(false));

    let mut options = options();
    options.runtime_data = Some(avouch_mint::HeldData::json("{}"));
    let (_, quote) = minted(EvidenceKind::Sgx, &options);
    let Body::Enclave(report) = quote.body() else { panic!("a quote of an enclave") };
    let data = HeldData { bytes: b"{}".to_vec(), data_type: DataType::Json };
    let bound = BoundData::bind(&data, |bytes| bind_runtime_data(&quote, sha256(bytes))).unwrap();
    let made = sgx(report, &hashes(), &Hex(counting(0xa7)), Some(&bound));
    assert!(made.iter().all(|claim| !claim.name.ends_with("ehd")), "{made:?}");
}

/// Each part as it stands in the bundle, followed by a NUL.
#[test]
fn the_hashes_of_the_collateral_are_of_the_parts_that_the_quote_was_judged_by() {
    let (minted, quote) = minted(EvidenceKind::Sgx, &options());
    let bundle: Value = serde_json::from_slice(&minted.endorsements).unwrap();
    let part = |name: &str| bundle.get(name).and_then(Value::as_str).unwrap();
    let hash = |bytes: &[u8]| sha256(&[bytes, &[0]].concat());
    let body = |member: &str, name: &str| {
        let (text, signature) = (part(name), part(&format!("{name}_signature")));
        hash(format!("{{\"{member}\":{text},\"signature\":\"{signature}\"}}").as_bytes())
    };
    let root_ca_crl = hash(&decode_hex(part("root_ca_crl")).unwrap());
    let expected = CollateralHashes {
        tcb_info_certs: hash(part("tcb_info_issuer_chain").as_bytes()),
        tcb_info: body("tcbInfo", "tcb_info"),
        tcb_info_crl: root_ca_crl,
        qe_identity_certs: hash(part("qe_identity_issuer_chain").as_bytes()),
        qe_identity: body("enclaveIdentity", "qe_identity"),
        qe_identity_crl: root_ca_crl,
        pck_crl: hash(&decode_hex(part("pck_crl")).unwrap()),
    };
    assert_eq!(quote.collateral().hashes, expected);
}

#[test]
fn held_data_of_another_enclave_is_not_bound() {
    let (_, quote) = minted(EvidenceKind::Sgx, &options());
    let other = mint(EvidenceKind::Sgx, &Options::new(at())).unwrap().runtime_data.unwrap();
    let data = HeldData { bytes: other.bytes, data_type: DataType::Binary };
    let refused = BoundData::bind(&data, |bytes| bind_runtime_data(&quote, sha256(bytes)));
    assert!(refused.is_err());
}
