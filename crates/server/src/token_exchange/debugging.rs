//! Whether nobody can look into a workload with a debugger, by what its attestation token says.

use serde_json::{Map, Value};

use super::ATTESTATION_TYPE;

/// The claim of reports that the report of an enclave came with.
const ENCLAVE: &str = "avouch-enclave-is-debuggable";

/// Why a workload counts as one that can be debugged: the claim that does not deny it.
///
/// Of what isolates a virtual machine from its host the claims within count, too. A report of a TPM is about
/// a machine whose administrator looks into it anyway: of that nothing is asked here, but of an enclave on it
/// that Windows shields from him it is.
pub(super) fn undenied(claims: &Map<String, Value>) -> Option<&'static str> {
    let attested = claims.get(ATTESTATION_TYPE).and_then(Value::as_str).unwrap_or_default();
    let denial = match attested {
        "sgx" => ("x-ms-sgx-is-debuggable", Value::Bool(false)),
        "sevsnpvm" => ("x-ms-sevsnpvm-is-debuggable", Value::Bool(false)),
        "tdxvm" => ("dbgstat", Value::from("disabled")),
        "azurevm" => ("x-ms-azurevm-debuggersdisabled", Value::Bool(true)),
        "vtpm" => ("avouch-vtpm-debuggersdisabled", Value::Bool(true)),
        "tpm" if !claims.contains_key(ENCLAVE) => return None,
        "tpm" => (ENCLAVE, Value::Bool(false)),
        _ => return Some(ATTESTATION_TYPE),
    };
    let (name, denies) = denial;
    if claims.get(name) != Some(&denies) {
        return Some(name);
    }
    match claims.get("x-ms-isolation-tee") {
        None => None,
        Some(Value::Object(isolation)) => undenied(isolation),
        Some(_) => Some("x-ms-isolation-tee"),
    }
}
