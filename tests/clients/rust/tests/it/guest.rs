//! Crate `azure-guest-attestation-sdk` in platform mode: it builds the request from what a VM's vTPM and
//! host would give, and sends it. It trusts public CAs only, so it is given a loopback address
//! that leads to the service.

use std::net::SocketAddr;
use std::sync::Arc;

use azure_guest_attestation_sdk::client::{CvmEvidence, Endorsement, EndorsementKind};
use azure_guest_attestation_sdk::guest_attest::build_tee_only_payload_from_evidence;
use azure_guest_attestation_sdk::guest_attest::provider::submit_tee_only;
use azure_guest_attestation_sdk::report::CvmReportType;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::support::{ca, certificates, minted, url};
use crate::tokens::verified;

/// What arrives at a loopback port goes on to the service over TLS; ends with the test.
async fn relay() -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let (host, port) = (url().host_str().unwrap().to_owned(), url().port().unwrap());
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let far = TcpStream::connect((host.as_str(), port)).await.unwrap();
            let name = ServerName::try_from(host.clone()).unwrap();
            let mut far = connector.connect(name, far).await.unwrap();
            // A client that has what it wanted may just go.
            let _ = copy_bidirectional(&mut near, &mut far).await;
        }
    });
    format!("http://{address}")
}

fn snp() -> (CvmEvidence, Option<Endorsement>) {
    let evidence = CvmEvidence {
        report_type: CvmReportType::SnpVmReport,
        tee_report: minted("snp-json", "report.bin"),
        runtime_claims: None,
        runtime_data: minted("snp-json", "runtime-data.json"),
        platform_quote: Vec::new(),
    };
    let data = certificates("snp-json");
    let endorsement = Endorsement { kind: EndorsementKind::Vcek, data, endorsement_response: None };
    (evidence, Some(endorsement))
}

fn tdx() -> (CvmEvidence, Option<Endorsement>) {
    let evidence = CvmEvidence {
        report_type: CvmReportType::TdxVmReport,
        tee_report: Vec::new(),
        runtime_claims: None,
        runtime_data: minted("tdx-json", "runtime-data.json"),
        platform_quote: minted("tdx-json", "quote.bin"),
    };
    (evidence, None)
}

/// Builds and sends as the crate does for a VM.
async fn attest(
    evidence: CvmEvidence,
    endorsement: Option<Endorsement>,
) -> Result<String, std::io::Error> {
    let endpoint = relay().await;
    tokio::task::spawn_blocking(move || {
        let (payload, kind) =
            build_tee_only_payload_from_evidence(&evidence, endorsement.as_ref())?;
        submit_tee_only(&payload, &endpoint, kind)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn platforms_of_both_kinds_are_attested_and_their_tokens_verify() {
    for ((evidence, endorsement), kind) in [(snp(), "sevsnpvm"), (tdx(), "tdxvm")] {
        let held: Value = serde_json::from_slice(&evidence.runtime_data).unwrap();
        let token = attest(evidence, endorsement).await.unwrap();
        let claims = verified(&token).await;
        assert_eq!(claims["x-ms-attestation-type"], kind);
        assert_eq!(claims["x-ms-runtime"], held);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_bound_is_refused_in_the_words_of_the_service() {
    for (mut evidence, endorsement) in [snp(), tdx()] {
        evidence.runtime_data = json!({"keys": []}).to_string().into_bytes();
        let error = attest(evidence, endorsement).await.unwrap_err().to_string();
        assert!(error.contains("400") && error.contains("InvalidParameter"), "{error}");
        assert!(error.contains("runtime-data"), "{error}");
    }
}
