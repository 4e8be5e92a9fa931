//! The `report` document of MAA's `POST /attest/SevSnpVm`.

use avouch_wire::{base64url, failed_check};
use serde::Deserialize;
use thiserror::Error;

use crate::chain::{SENT_BYTES_MAX, SENT_CERTIFICATES_MAX, limit};
use crate::{Chain, ChainError, Report, ReportError, ReportVersions};

/// Most bytes of the document; clients send 10 to 40 KiB.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Most endorsements of the utility VM in one document; clients send one.
const UVM_MAX: usize = 16;

/// Why a document is not SEV-SNP evidence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MaaRequestError {
    /// Larger than any client sends.
    #[error("report document has {found} bytes, over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not the JSON object that it should be.
    #[error("{document} is not the expected JSON object: {reason}")]
    Json {
        /// `report` or `Endorsements`.
        document: &'static str,
        /// What the JSON reader says, with line and column.
        reason: String,
    },
    /// A member is not base64.
    #[error("{member} is not base64url: {source}")]
    Base64 {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        source: base64url::DecodeError,
    },
    /// More endorsements than accepted.
    #[error("{found} UVM endorsements are over the limit of {limit}")]
    TooManyUvm {
        /// How many there are.
        found: usize,
        /// How many are accepted.
        limit: usize,
    },
    /// `VcekCertChain` is larger than any chain.
    #[error("VcekCertChain: {0}")]
    Certificates(ChainError),
    /// `SnpReport` is malformed.
    #[error("SnpReport: {0}")]
    Report(#[from] ReportError),
}

failed_check!(MaaRequestError {
    Self::TooLarge { .. } => "snp-document-size",
    Self::Json { .. } => "snp-document-json",
    Self::Base64 { .. } => "snp-document-base64",
    Self::TooManyUvm { .. } => "snp-document-uvm-count",
    Self::Certificates(error) => (error.check(), ChainError::checks()),
    Self::Report(error) => (error.check(), ReportError::checks()),
});

/// Evidence of an SEV-SNP guest in MAA's form: parsed, not trusted.
#[derive(Debug, Clone)]
pub struct SnpEvidence {
    report: Report,
    certificates: Vec<u8>,
    uvm_endorsements: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct ReportDocument {
    #[serde(rename = "SnpReport")]
    snp_report: String,
    #[serde(rename = "VcekCertChain")]
    vcek_cert_chain: String,
    #[serde(rename = "Endorsements", default)]
    endorsements: Option<String>,
}

#[derive(Deserialize)]
struct EndorsementsDocument {
    #[serde(rename = "Uvm", default)]
    uvm: Option<Vec<String>>,
}

impl SnpEvidence {
    /// Reads the document, after the request's `report` was base64url-decoded:
    /// `{"SnpReport", "VcekCertChain", "Endorsements"?}`, each base64url; `Endorsements` holds
    /// `{"Uvm": [base64url, …]}`.
    ///
    /// Clients pad or do not, and mix the two base64 alphabets: both are accepted everywhere.
    /// Members of other names are ignored, a name twice is refused. Reports of version 2 to 5.
    ///
    /// # Errors
    /// [`MaaRequestError`] naming the member.
    ///
    /// # Source
    /// MAA's REST specification, `AttestSevSnpVmRequest.report`; the members as clients send them.
    pub fn parse(document: &[u8]) -> Result<Self, MaaRequestError> {
        Self::parse_versions(document, ReportVersions::Known)
    }

    /// As [`SnpEvidence::parse`], with a choice of report versions.
    ///
    /// # Errors
    /// As [`SnpEvidence::parse`].
    pub fn parse_versions(
        document: &[u8],
        versions: ReportVersions,
    ) -> Result<Self, MaaRequestError> {
        if document.len() > DOCUMENT_BYTES_MAX {
            let (found, limit) = (document.len(), DOCUMENT_BYTES_MAX);
            return Err(MaaRequestError::TooLarge { found, limit });
        }
        let outer: ReportDocument = json("report", document)?;
        let report = decode("SnpReport", &outer.snp_report)?;
        let report = Report::parse_versions(&report, versions)?;
        let certificates = decode("VcekCertChain", &outer.vcek_cert_chain)?;
        limit("bytes of certificates", certificates.len(), SENT_BYTES_MAX)
            .map_err(MaaRequestError::Certificates)?;
        let uvm_endorsements = match outer.endorsements.as_deref() {
            None | Some("") => Vec::new(),
            Some(text) => uvm_endorsements(text)?,
        };
        Ok(Self { report, certificates, uvm_endorsements })
    }

    /// The report.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// The certificates as sent, for [`crate::ChainCacheKey`] and [`Chain::parse_sent`].
    #[must_use]
    pub fn certificates(&self) -> &[u8] {
        &self.certificates
    }

    /// The certificates, sorted; at most 16, in at most 64 KiB.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn chain(&self) -> Result<Chain, ChainError> {
        Chain::parse_at_most(&[&self.certificates], SENT_CERTIFICATES_MAX)
    }

    /// Endorsements of the utility VM, each a `COSE_Sign1` for [`crate::uvm::verify`].
    pub fn uvm_endorsements(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.uvm_endorsements.iter().map(Vec::as_slice)
    }
}

fn uvm_endorsements(text: &str) -> Result<Vec<Vec<u8>>, MaaRequestError> {
    let inner: EndorsementsDocument = json("Endorsements", &decode("Endorsements", text)?)?;
    let uvm = inner.uvm.unwrap_or_default();
    if uvm.len() > UVM_MAX {
        return Err(MaaRequestError::TooManyUvm { found: uvm.len(), limit: UVM_MAX });
    }
    uvm.iter().map(|text| decode("Endorsements.Uvm", text)).collect()
}

fn json<'a, T: Deserialize<'a>>(
    document: &'static str,
    bytes: &'a [u8],
) -> Result<T, MaaRequestError> {
    avouch_wire::json::read_object(bytes)
        .map_err(|reason| MaaRequestError::Json { document, reason })
}

/// Base64 of either alphabet, padded or not.
fn decode(member: &'static str, text: &str) -> Result<Vec<u8>, MaaRequestError> {
    let decoded = if text.contains(['+', '/']) {
        base64url::decode(&text.replace('+', "-").replace('/', "_"))
    } else {
        base64url::decode(text)
    };
    decoded.map_err(|source| MaaRequestError::Base64 { member, source })
}
