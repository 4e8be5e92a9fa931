//! SGX and Open Enclave.

use avouch_dcap::{CollateralHashes, EnclaveReport};
use avouch_wire::json::{CanonicalJson, write_string};
use avouch_wire::{Hex, base64url, encode_hex};

use crate::claim::{both, policy_only, token_only};
use crate::{BoundData, ServiceClaim};

/// Claims from the report of an enclave whose quote verified.
///
/// * `quote_hash`: SHA-256 of the evidence as submitted, wrapper and padding included; in the 2018
///   preview without the header of an Open Enclave report.
/// * `runtime_data`: becomes the `ehd` claims if it is binary.
///
/// The claims of key separation and sharing are made only if the enclave uses it: without KSS the
/// processor leaves these fields zero and old ones call them reserved.
///
/// # Source
/// `docs/maa/token.md#sgx-and-open-enclave`.
#[must_use]
pub fn sgx(
    report: &EnclaveReport,
    collateral: &CollateralHashes,
    quote_hash: &Hex<32>,
    runtime_data: Option<&BoundData>,
) -> Vec<ServiceClaim> {
    let [mr_enclave, mr_signer] =
        [report.mr_enclave, report.mr_signer].map(|measured| encode_hex(measured.as_bytes()));
    let is_debuggable = report.attributes.is_debuggable();
    let collateral = collateral_claim(collateral, quote_hash);
    let mut claims = vec![
        both("x-ms-sgx-is-debuggable", is_debuggable),
        both("x-ms-sgx-mrenclave", mr_enclave.clone()),
        both("x-ms-sgx-mrsigner", mr_signer.clone()),
        both("x-ms-sgx-product-id", report.isv_prod_id),
        both("x-ms-sgx-svn", report.isv_svn),
        both("x-ms-sgx-report-data", encode_hex(report.report_data.as_bytes())),
        both("x-ms-sgx-collateral", collateral.clone()),
        token_only("maa-attestationcollateral", collateral),
        policy_only("$is-debuggable", is_debuggable),
        policy_only("$sgx-mrenclave", mr_enclave),
        policy_only("$sgx-mrsigner", mr_signer),
        policy_only("$product-id", report.isv_prod_id),
        policy_only("$svn", report.isv_svn),
        policy_only("$tee", "sgx"),
    ];
    if let Some(held) = runtime_data.and_then(BoundData::binary) {
        let text = base64url::encode(held);
        claims.push(both("x-ms-sgx-ehd", text.clone()));
        claims.push(token_only("maa-ehd", text.clone()));
        claims.push(token_only("aas-ehd", text));
    }
    if report.attributes.has_kss() {
        claims.push(both("x-ms-sgx-config-id", report.config_id.to_string()));
        claims.push(both("x-ms-sgx-config-svn", report.config_svn));
        let extended = report.isv_ext_prod_id.to_string();
        claims.push(both("x-ms-sgx-isv-extended-product-id", extended));
        claims.push(both("x-ms-sgx-isv-family-id", report.isv_family_id.to_string()));
    }
    claims
}

fn collateral_claim(hashes: &CollateralHashes, quote_hash: &Hex<32>) -> CanonicalJson {
    let rows = [
        ("qeidcertshash", &hashes.qe_identity_certs),
        ("qeidcrlhash", &hashes.qe_identity_crl),
        ("qeidhash", &hashes.qe_identity),
        ("quotehash", quote_hash),
        ("tcbinfocertshash", &hashes.tcb_info_certs),
        ("tcbinfocrlhash", &hashes.tcb_info_crl),
        ("tcbinfohash", &hashes.tcb_info),
    ];
    CanonicalJson::object(rows, |hash, out| write_string(&encode_hex(hash.as_bytes()), out))
}
