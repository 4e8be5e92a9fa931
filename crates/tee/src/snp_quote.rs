//! A report of SEV-SNP with what goes with it.

use avouch_wire::{Hex, base64url};
use serde_json::{Map, Value};

use crate::TeeError;

/// Length of a report, in bytes.
const REPORT_BYTES: usize = 1184;
/// Where REPORT_DATA and REPORTED_TCB stand in it, in bytes.
const REPORT_DATA_AT: usize = 0x50;
const REPORTED_TCB_AT: usize = 0x180;

/// A report, the certificates that came with it, and the endorsements of the utility VM, if any did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnpQuote {
    report: Vec<u8>,
    certificates: Option<String>,
    uvm_endorsements: Option<Vec<u8>>,
}

impl SnpQuote {
    /// A report over these bytes, and its certificates: VCEK or VLEK, and what stands above it, PEM.
    ///
    /// # Errors
    /// [`TeeError::ReportLength`], [`TeeError::OtherReportData`].
    pub fn new(
        report: Vec<u8>,
        report_data: &[u8; 64],
        certificates: Option<String>,
    ) -> Result<Self, TeeError> {
        let quote = Self::of_paravisor(report, certificates)?;
        let found = quote.report_data();
        if found.0 != *report_data {
            return Err(other_report_data(report_data, &found));
        }
        Ok(quote)
    }

    /// A report whose report data are not for its reader to choose.
    ///
    /// # Errors
    /// [`TeeError::ReportLength`].
    pub(crate) fn of_paravisor(
        report: Vec<u8>,
        certificates: Option<String>,
    ) -> Result<Self, TeeError> {
        if report.len() != REPORT_BYTES {
            return Err(TeeError::ReportLength { found: report.len(), expected: REPORT_BYTES });
        }
        Ok(Self { report, certificates, uvm_endorsements: None })
    }

    /// The same with endorsements of the utility VM: a `COSE_Sign1`.
    #[must_use]
    pub fn with_uvm_endorsements(self, uvm_endorsements: Option<Vec<u8>>) -> Self {
        Self { uvm_endorsements, ..self }
    }

    /// The report, 1184 bytes.
    #[must_use]
    pub fn report(&self) -> &[u8] {
        &self.report
    }

    /// VCEK or VLEK and what stands above it, PEM; none where the host gave none.
    #[must_use]
    pub fn certificates(&self) -> Option<&str> {
        self.certificates.as_deref()
    }

    /// What the report says it is over.
    #[must_use]
    pub fn report_data(&self) -> Hex<64> {
        Hex(self.bytes_at(REPORT_DATA_AT))
    }

    /// REPORTED_TCB, 16 hex digits of the little-endian number.
    #[must_use]
    pub fn reported_tcb(&self) -> String {
        format!("{:016x}", u64::from_le_bytes(self.bytes_at(REPORTED_TCB_AT)))
    }

    /// `report` of MAA's request: with certificates the JSON document, else the report alone; base64url.
    #[must_use]
    pub fn maa_report(&self) -> String {
        match self.certificates {
            None => base64url::encode(&self.report),
            Some(_) => base64url::encode(Value::Object(self.document()).to_string()),
        }
    }

    /// `{"SnpReport", "VcekCertChain", "Endorsements"?}`, as in MAA's requests and signing certificates.
    #[must_use]
    pub fn document(&self) -> Map<String, Value> {
        let mut document = Map::new();
        let mut put = |name: &str, bytes: &[u8]| {
            document.insert(name.to_owned(), base64url::encode(bytes).into());
        };
        put("SnpReport", &self.report);
        put("VcekCertChain", self.certificates.as_deref().unwrap_or_default().as_bytes());
        if let Some(cose) = &self.uvm_endorsements {
            let inner = serde_json::json!({"Uvm": [base64url::encode(cose)]});
            put("Endorsements", inner.to_string().as_bytes());
        }
        document
    }

    /// Its length was looked at when it was made.
    fn bytes_at<const N: usize>(&self, at: usize) -> [u8; N] {
        let found = self.report.get(at..).and_then(|rest| rest.first_chunk::<N>());
        found.copied().unwrap_or([0; N])
    }
}

pub(crate) fn other_report_data(expected: &[u8; 64], found: &Hex<64>) -> TeeError {
    TeeError::OtherReportData { expected: Hex(*expected).to_string(), found: found.to_string() }
}
