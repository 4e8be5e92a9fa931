//! The claim `pcrs`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{HashAlgorithm, Register, RegisterValues};

#[derive(Debug, Serialize)]
struct Pcrs {
    #[serde(rename = "PCRs")]
    pcrs: Vec<Pcr>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pcr {
    index: u8,
    digests: BTreeMap<&'static str, String>,
}

/// The claim `pcrs`: `{"PCRs":[{"Index":0,"Digests":{"SHA256":"…"}}]}`, each digest in lower-case hex.
///
/// These are the values that the quote proved, whether or not a log explains them.
#[must_use]
pub fn pcrs(proven: &RegisterValues) -> String {
    let mut by_index: BTreeMap<u8, BTreeMap<&'static str, String>> = BTreeMap::new();
    for algorithm in proven.algorithms() {
        for (register, value) in proven.bank(algorithm) {
            if let Register::Pcr(index) = register {
                by_index.entry(index).or_default().insert(name(algorithm), value.to_string());
            }
        }
    }
    let pcrs = by_index.into_iter().map(|(index, digests)| Pcr { index, digests }).collect();
    serde_json::to_string(&Pcrs { pcrs }).unwrap_or_default()
}

/// As policies write banks.
const fn name(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Sha1 => "SHA1",
        HashAlgorithm::Sha256 => "SHA256",
        HashAlgorithm::Sha384 => "SHA384",
        HashAlgorithm::Sha512 => "SHA512",
        HashAlgorithm::Sm3 => "SM3_256",
        HashAlgorithm::Sha3_256 => "SHA3_256",
        HashAlgorithm::Sha3_384 => "SHA3_384",
        HashAlgorithm::Sha3_512 => "SHA3_512",
    }
}
