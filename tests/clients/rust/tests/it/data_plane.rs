//! Crate `azure_svc_attestation`. It cuts the path off its endpoint, so the provider is the one at the
//! root.

use std::sync::Arc;

use azure_svc_attestation::Client;
use azure_svc_attestation::models::{
    AttestSevSnpVmRequest, AttestSgxEnclaveRequest, DataType, RuntimeData,
};
use serde_json::Value;

use crate::support::{Credential, base64url, certificates, minted, no_patience, transport, url};
use crate::tokens::verified;

fn client() -> Client {
    Client::builder(Arc::new(Credential))
        .endpoint(url())
        .transport(transport())
        .retry(no_patience())
        .build()
        .unwrap()
}

fn runtime_data(data: &[u8]) -> Option<RuntimeData> {
    Some(RuntimeData { data: Some(base64url(data)), data_type: Some(DataType::Json) })
}

fn sgx() -> AttestSgxEnclaveRequest {
    AttestSgxEnclaveRequest {
        quote: Some(base64url(&minted("sgx-json", "quote.bin"))),
        runtime_data: runtime_data(&minted("sgx-json", "runtime-data.json")),
        ..AttestSgxEnclaveRequest::new()
    }
}

#[tokio::test]
async fn an_enclave_is_attested_and_its_token_verifies() {
    let answer = client().attestation_client().attest_sgx_enclave(sgx()).await.unwrap();
    let claims = verified(&answer.token.unwrap()).await;
    assert_eq!(claims["x-ms-attestation-type"], "sgx");
    let held: Value = serde_json::from_slice(&minted("sgx-json", "runtime-data.json")).unwrap();
    assert_eq!(claims["x-ms-runtime"], held);
}

#[tokio::test]
async fn a_confidential_vm_is_attested_and_its_token_verifies() {
    let document = serde_json::json!({
        "SnpReport": base64url(&minted("snp-json", "report.bin")),
        "VcekCertChain": base64url(&certificates("snp-json")),
    });
    let request = AttestSevSnpVmRequest {
        report: Some(base64url(document.to_string().as_bytes())),
        runtime_data: runtime_data(&minted("snp-json", "runtime-data.json")),
        ..AttestSevSnpVmRequest::new()
    };
    let answer = client().attestation_client().attest_sev_snp_vm(request).await.unwrap();
    assert_eq!(verified(&answer.token.unwrap()).await["x-ms-attestation-type"], "sevsnpvm");
}

#[tokio::test]
async fn other_runtime_data_is_refused_with_a_code_and_a_reason() {
    let request = AttestSgxEnclaveRequest { runtime_data: runtime_data(b"{}"), ..sgx() };
    let error = client().attestation_client().attest_sgx_enclave(request).await.unwrap_err();
    let error = error.as_http_error().expect("an answer of the service");
    assert_eq!(u16::from(error.status()), 400);
    assert_eq!(error.error_code(), Some("InvalidParameter"));
    let message = error.error_message().unwrap();
    assert!(message.contains("runtime"), "{message}");
}

#[tokio::test]
async fn metadata_keys_and_the_policy_in_force_are_read() {
    let metadata = client().metadata_configuration_client().get().await.unwrap();
    assert_eq!(metadata.issuer.as_deref(), Some(crate::support::issuer().as_str()));
    let keys = client().signing_certificates_client().get().await.unwrap();
    assert!(!keys.keys.is_empty());
    let policy = client().policy_client().get("SgxEnclave").await.unwrap();
    let claims = verified(&policy.token.unwrap()).await;
    assert!(claims["x-ms-policy"].is_string(), "{claims}");
}
