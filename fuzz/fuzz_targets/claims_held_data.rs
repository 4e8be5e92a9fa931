//! Any bytes as held data that the evidence binds: no panic; JSON that becomes a claim keeps its
//! reading, whoever reads the token's text of it.
#![no_main]

use std::convert::Infallible;

use avouch_claims::{BoundData, DataType, HeldData, HeldDataError, common};
use avouch_wire::json::to_canonical;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn bind(bytes: &[u8], data_type: DataType) -> Result<BoundData, HeldDataError<Infallible>> {
    BoundData::bind(&HeldData { bytes: bytes.to_vec(), data_type }, |_| Ok(()))
}

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(bind(bytes, DataType::Binary).unwrap().binary(), Some(bytes));
    match bind(bytes, DataType::Json) {
        Ok(bound) => {
            let object = bound.json().expect("JSON is an object");
            let text = to_canonical(&Value::Object(object.clone()));
            let again = bind(text.as_bytes(), DataType::Json).expect("what is claimed reads");
            let again = again.json().expect("JSON is an object");
            assert_eq!(to_canonical(&Value::Object(again.clone())), text);
            assert!(common("sgx", Some(&bound), None).iter().any(|row| row.name == "x-ms-runtime"));
        }
        Err(error) => assert!(error.to_string().len() < 4096),
    }
});
