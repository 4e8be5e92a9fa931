//! Where the recorded evidence lies, and how it is read.

use std::path::PathBuf;

use avouch_tpm::{
    AcceptableKey, AkRules, Attest, AttestationKey, HashAlgorithm, PcrValue, Public, Signature,
};
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
    let path = folder().expect("recorded evidence").join("tpm").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A recorded exchange with the service.
pub(crate) fn exchange(name: &str) -> Value {
    let path = folder().expect("recorded evidence").join("maa-wire").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The files of a folder, by path below the folder of evidence.
pub(crate) fn files(below: &str) -> Vec<String> {
    let path = folder().expect("recorded evidence").join("tpm").join(below);
    let entries = std::fs::read_dir(path).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| format!("{below}/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    names.sort();
    names
}

pub(crate) fn text(path: &str) -> String {
    String::from_utf8(read(path)).unwrap().trim().to_owned()
}

pub(crate) fn hex(path: &str) -> Vec<u8> {
    decode_hex(&text(path)).unwrap()
}

pub(crate) fn json(path: &str) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

pub(crate) fn base64(value: &Value) -> Vec<u8> {
    base64url::decode_either(value.as_str().unwrap()).unwrap()
}

pub(crate) fn moment(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

pub(crate) fn attest(path: &str) -> Attest {
    Attest::parse(&read(path)).unwrap()
}

pub(crate) fn signature(path: &str) -> Signature {
    Signature::parse(&read(path)).unwrap()
}

/// A `TPM2B_PUBLIC`.
pub(crate) fn public(path: &str) -> Public {
    Public::parse_sized(&read(path)).unwrap()
}

/// An attestation key that nothing binds: these tests judge what it signed.
pub(crate) fn key(path: &str) -> AttestationKey {
    AcceptableKey::of(&public(path), AkRules::default()).unwrap().self_asserted()
}

/// The values that a quote selects, of those that `tpm2_pcrread` wrote.
pub(crate) fn values(path: &str, quote: &Attest) -> Vec<PcrValue> {
    selected(&all_values(path), quote)
}

/// Those of all values that a quote selects.
pub(crate) fn selected(all: &[PcrValue], quote: &Attest) -> Vec<PcrValue> {
    let avouch_tpm::Attested::Quote { selection, .. } = quote.untrusted_attested() else {
        panic!("not a quote")
    };
    let is_selected = |value: &&PcrValue| {
        u8::try_from(value.index).is_ok_and(|pcr| selection.of(value.bank).contains(pcr))
    };
    all.iter().filter(is_selected).cloned().collect()
}

fn all_values(path: &str) -> Vec<PcrValue> {
    let (mut values, mut bank) = (Vec::new(), None);
    for line in text(path).lines() {
        let (name, value) = line.split_once(':').unwrap();
        let (name, value) = (name.trim(), value.trim());
        if value.is_empty() {
            bank = bank_named(name);
            continue;
        }
        let digest = decode_hex(value.strip_prefix("0x").unwrap()).unwrap();
        let value = |bank| PcrValue { bank, index: name.parse().unwrap(), digest };
        values.extend(bank.map(value));
    }
    values
}

fn bank_named(name: &str) -> Option<HashAlgorithm> {
    [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512]
        .into_iter()
        .find(|bank| bank.name() == name)
}
