//! Claims of every attestation type.

use avouch_claims::SeenBy::{Both, Policy};
use avouch_claims::{BoundData, DataType, HeldData, common};
use avouch_dcap::{VerifiedQuote, bind_init_time_data, bind_runtime_data};
use avouch_mint::Options;
use avouch_pki::digest::sha256;
use avouch_wire::EvidenceKind;
use serde_json::json;

use crate::expect::{Row, assert_claims, at, json as object, text};
use crate::intel::minted;

const RUNTIME: &str = r#"{"kept":"by the guest","n":1}"#;
const INIT_TIME: &str = r#"{"since":"the start"}"#;

fn rows(attestation_type: &str) -> Vec<Row> {
    vec![
        (Both, "x-ms-ver", text("1.0")),
        (Both, "x-ms-attestation-type", text(attestation_type)),
        (Policy, "ver", text("1.0")),
        (Policy, "tee", text(attestation_type)),
    ]
}

/// A trust domain that binds both data.
fn quote() -> VerifiedQuote {
    let mut options = Options::new(at());
    options.runtime_data = Some(avouch_mint::HeldData::json(RUNTIME));
    options.init_time_data = Some(avouch_mint::HeldData::json(INIT_TIME));
    minted(EvidenceKind::Tdx, &options).1
}

fn runtime(quote: &VerifiedQuote, data_type: DataType) -> BoundData {
    let data = HeldData { bytes: RUNTIME.into(), data_type };
    BoundData::bind(&data, |bytes| bind_runtime_data(quote, sha256(bytes))).unwrap()
}

fn init_time(quote: &VerifiedQuote, data_type: DataType) -> BoundData {
    let data = HeldData { bytes: INIT_TIME.into(), data_type };
    BoundData::bind(&data, |bytes| bind_init_time_data(quote, sha256(bytes))).unwrap()
}

#[test]
fn every_row_of_each_type_without_data() {
    for attestation_type in ["sgx", "tdxvm", "sevsnpvm"] {
        let found = common(attestation_type, None, None);
        assert_claims(attestation_type, &found, &rows(attestation_type));
    }
}

#[test]
fn bound_json_becomes_a_claim_of_its_own_and_bound_bytes_do_not() {
    let quote = quote();
    let (run, init) = (runtime(&quote, DataType::Json), init_time(&quote, DataType::Json));
    let x_ms_runtime = || object(json!({"kept": "by the guest", "n": 1}));
    let x_ms_inittime = || object(json!({"since": "the start"}));

    let mut expected = rows("tdxvm");
    expected.push((Both, "x-ms-runtime", x_ms_runtime()));
    assert_claims("runtime", &common("tdxvm", Some(&run), None), &expected);
    expected.push((Both, "x-ms-inittime", x_ms_inittime()));
    assert_claims("both", &common("tdxvm", Some(&run), Some(&init)), &expected);

    let mut expected = rows("tdxvm");
    expected.push((Both, "x-ms-inittime", x_ms_inittime()));
    assert_claims("init time", &common("tdxvm", None, Some(&init)), &expected);

    let (run, init) = (runtime(&quote, DataType::Binary), init_time(&quote, DataType::Binary));
    assert_claims("bytes", &common("tdxvm", Some(&run), Some(&init)), &rows("tdxvm"));
}

#[test]
fn data_at_the_place_of_the_other_is_not_bound() {
    let quote = quote();
    let data = HeldData { bytes: INIT_TIME.into(), data_type: DataType::Json };
    assert!(BoundData::bind(&data, |bytes| bind_runtime_data(&quote, sha256(bytes))).is_err());
    let data = HeldData { bytes: RUNTIME.into(), data_type: DataType::Json };
    assert!(BoundData::bind(&data, |bytes| bind_init_time_data(&quote, sha256(bytes))).is_err());
}
