//! What the service proves about itself, by the evidence in its signing certificate.

use avouch_dcap::{Body, Quote};
use avouch_pki::Certificate;
use avouch_snp::{Report, ReportVersions};
use avouch_token::{ServiceEvidence, VerifiedToken, check_key_binding};
use avouch_wire::FailedCheck as _;

use crate::client::Steps;

/// Whether there is evidence, whether it can be read, and whether it is for the key that signed.
///
/// The evidence itself is not verified here: that takes the vendor's endorsements of its time.
pub(super) fn judge(token: &VerifiedToken, steps: &mut Steps) {
    const EVIDENCE: &str = "service-evidence";
    let Some(certificate) = token.key().untrusted_certificates().first() else {
        steps.not_checked(
            EVIDENCE,
            "the signing key has no certificate: the service proves nothing about itself",
        );
        return;
    };
    match evidence_of(certificate) {
        Ok(None) => steps.not_checked(
            EVIDENCE,
            "no quote in the signing certificate: the service proves nothing about itself",
        ),
        Err(error) => steps.failed(EVIDENCE, error),
        Ok(Some(Found { what, report_data })) => {
            steps.not_checked(
                EVIDENCE,
                format!("{what} in the signing certificate; its signature and chain are not verified here"),
            );
            match check_key_binding(token.key().key(), &report_data) {
                Ok(()) => steps.passed(
                    "service-key-binding",
                    "the report data is the digest of the key that signed the token",
                ),
                Err(error) => steps.failed(error.check(), error.to_string()),
            }
        }
    }
}

/// Evidence that was read: what it is, and the 64 bytes that its TEE was given.
struct Found {
    what: &'static str,
    report_data: [u8; 64],
}

fn evidence_of(certificate: &Certificate) -> Result<Option<Found>, String> {
    let evidence =
        ServiceEvidence::of_certificate(certificate).map_err(|error| error.to_string())?;
    let Some(evidence) = evidence else { return Ok(None) };
    match &evidence {
        ServiceEvidence::Quote(quote) => of_quote(quote).map(Some),
        // The Open Enclave header has 16 bytes.
        ServiceEvidence::OpenEnclaveReport(report) => {
            of_quote(report.get(16..).unwrap_or_default()).map(Some)
        }
        ServiceEvidence::Described { tee_kind, .. } => {
            let parts = evidence.sev_snp().map_err(|error| error.to_string())?;
            let parts = parts.ok_or_else(|| format!("evidence of kind {tee_kind:?}"))?;
            let report = Report::parse_versions(&parts.report, ReportVersions::KnownAndSix)
                .map_err(|error| error.to_string())?;
            let report_data = report.untrusted_body().report_data.0;
            Ok(Some(Found { what: "SEV-SNP report", report_data }))
        }
    }
}

fn of_quote(bytes: &[u8]) -> Result<Found, String> {
    let quote = Quote::parse(bytes).map_err(|error| error.to_string())?;
    Ok(match quote.body() {
        Body::Enclave(report) => Found { what: "SGX quote", report_data: report.report_data.0 },
        Body::Td(report) => Found { what: "TDX quote", report_data: report.report_data.0 },
    })
}
