//! The workload that a TEE runs.

use avouch_dcap::{Body, EnclaveReport, TdReport, VerifiedQuote};
use avouch_snp::VerifiedReport;
use avouch_snp::uvm::VerifiedUvmEndorsement;
use avouch_wire::Hex;

/// Verified evidence of what runs in a TEE: for who compares all of it, not only what claims say.
#[derive(Debug, Clone, Copy)]
pub enum Workload<'a> {
    /// An enclave of SGX.
    Enclave {
        /// The quote that verified.
        quote: &'a VerifiedQuote,
        /// What it says of the enclave.
        report: &'a EnclaveReport,
    },
    /// A trust domain.
    TrustDomain {
        /// The quote that verified.
        quote: &'a VerifiedQuote,
        /// What it says of the domain.
        report: &'a TdReport,
    },
    /// A guest of SEV-SNP.
    Guest {
        /// The report that verified.
        report: &'a VerifiedReport,
        /// The endorsement of its utility VM, if one came along that counts.
        uvm: Option<&'a VerifiedUvmEndorsement>,
    },
}

impl<'a> Workload<'a> {
    /// What a quote is of.
    pub(crate) const fn of_quote(quote: &'a VerifiedQuote) -> Self {
        match quote.body() {
            Body::Enclave(report) => Self::Enclave { quote, report },
            Body::Td(report) => Self::TrustDomain { quote, report },
        }
    }

    /// The 64 bytes that the workload had put into its evidence.
    #[must_use]
    pub const fn report_data(&self) -> &'a Hex<64> {
        match self {
            Self::Enclave { report, .. } => &report.report_data,
            Self::TrustDomain { report, .. } => &report.report_data,
            Self::Guest { report, .. } => &report.body().report_data,
        }
    }

    /// What the evidence is called.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Enclave { .. } => "SGX quote",
            Self::TrustDomain { .. } => "TDX quote",
            Self::Guest { .. } => "SEV-SNP report",
        }
    }
}
