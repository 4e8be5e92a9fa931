//! Vectors: real evidence and collateral, read at run time and never part of the project.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    reason = "a test may stop the process; each test binary uses its own part"
)]

use std::path::{Path, PathBuf};

use avouch_wire::UnixTime;
use serde_json::Value;

/// The folder of Intel vectors, or `None` with a printed notice if there is none.
///
/// # Panics
/// If `AVOUCH_VECTORS_REQUIRED` is set and the folder is absent.
pub fn vectors() -> Option<PathBuf> {
    let root = std::env::var("AVOUCH_VECTORS").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors").to_owned()
    });
    let folder = Path::new(&root).join("intel");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "vectors are required and {} does not exist",
        folder.display()
    );
    println!("skipped: no vectors at {}", folder.display());
    None
}

pub fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&read(folder, name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn time(seconds: &Value) -> UnixTime {
    UnixTime::from_seconds(seconds.as_i64().expect("seconds")).expect("in range")
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is not a text in {value}"))
}

/// What a name in the manifest is made of: the quote inside of whatever wraps it.
pub fn unwrap_quote<'a>(name: &str, bytes: &'a [u8]) -> avouch_dcap::Quote<'a> {
    use avouch_dcap::{Quote, open_enclave::OpenEnclave};
    if !name.starts_with("oe/") || name.contains("noheader") {
        return Quote::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    OpenEnclave::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    Quote::parse(&bytes[16..]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Applies the byte operations of `mutations.json`.
pub fn apply(bytes: &mut Vec<u8>, operations: &Value) {
    for operation in operations.as_array().expect("operations") {
        let offset = || usize::try_from(operation["offset"].as_u64().expect("offset")).unwrap();
        let hex = || avouch_wire::decode_hex(text(operation, "hex")).expect("hex");
        match text(operation, "op") {
            "set" => {
                let (offset, new) = (offset(), hex());
                bytes[offset..offset + new.len()].copy_from_slice(&new);
            }
            "xor" => {
                bytes[offset()] ^= u8::try_from(operation["value"].as_u64().unwrap()).unwrap();
            }
            "truncate" => {
                bytes.truncate(usize::try_from(operation["length"].as_u64().unwrap()).unwrap());
            }
            "append" => bytes.extend(hex()),
            other => panic!("unknown operation {other}"),
        }
    }
}
