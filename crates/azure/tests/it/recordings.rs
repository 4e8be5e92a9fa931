//! Where the recorded evidence lies, and how it is read.

use std::path::PathBuf;

use avouch_wire::{UnixTime, base64url, decode_hex};
use serde_json::Value;

/// The folder of recorded evidence, unless it is absent and need not be there.
fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    if root.join("tpm").is_dir() {
        return Some(root);
    }
    let required = std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_some();
    assert!(!required, "recorded evidence is required and absent");
    eprintln!("skipped: no recorded evidence (set AVOUCH_VECTORS)");
    None
}

/// Whether there is nothing to test with.
pub(crate) fn absent() -> bool {
    folder().is_none()
}

pub(crate) fn read(path: &str) -> Vec<u8> {
    let path = folder().expect("recorded evidence").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn json(path: &str) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

pub(crate) fn moment(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

/// Bytes as recordings write them: an array, hex, or base64 of either alphabet.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Array(numbers) => {
            numbers.iter().map(|number| number.as_u64().unwrap().try_into().unwrap()).collect()
        }
        Value::String(text) => decode_hex(text)
            .ok()
            .or_else(|| base64url::decode_either(text).ok())
            .unwrap_or_else(|| panic!("neither hex nor base64: {text}")),
        _ => panic!("no bytes"),
    }
}

/// The DER of every certificate in PEM.
pub(crate) fn ders(pem: &[u8]) -> Vec<Vec<u8>> {
    avouch_pki::pem::certificates_or_der(pem, 16).unwrap()
}
