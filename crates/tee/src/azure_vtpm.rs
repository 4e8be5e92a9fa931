//! Confidential machines whose paravisor reports by the virtual TPM, as Azure's do.

use std::path::PathBuf;

use avouch_attester::{NvStorage, TpmError};
use avouch_azure::{HardwareReport, HclReport, RuntimeClaims};
use avouch_wire::Hex;

use crate::boundary::{self, BLOB_BYTES_MAX};
use crate::intel_quote;
use crate::snp_quote::other_report_data;
use crate::{EvidenceSource, Host, OwnEvidence, SnpCertificates, SnpQuote, SourceName, TeeError};

/// Where the paravisor leaves its report.
pub const HCL_REPORT_INDEX: u32 = 0x0140_0001;
/// Where a guest writes 64 bytes that the next report's runtime data name.
pub const USER_DATA_INDEX: u32 = 0x0140_0002;
/// How often it is tried while somebody else writes in between.
const ATTEMPTS: u32 = 5;
/// What the report area of a trust domain begins with, in bytes.
const TD_REPORT_BYTES: usize = 1024;
/// Where that area begins in the report.
const AREA_AT: usize = 32;

/// Opens the storage of a TPM.
type OpensNv = Box<dyn Fn() -> Result<Box<dyn NvStorage>, TpmError> + Send>;

/// The virtual TPM, opened for each question, and where the rest comes from.
///
/// What such evidence binds goes a step further than elsewhere: the hardware's report is over the runtime
/// data, and the guest's 64 bytes are in these. The measurement is the paravisor's, not the guest's.
pub struct AzureVtpm {
    open: OpensNv,
    host: Option<Host>,
    certificates: Option<PathBuf>,
}

impl AzureVtpm {
    /// A machine whose TPM holds a report of a paravisor.
    ///
    /// # Errors
    /// [`TeeError::Absent`] if NV index 0x01400001 holds none.
    pub fn new(
        open: impl Fn() -> Result<Box<dyn NvStorage>, TpmError> + Send + 'static,
    ) -> Result<Self, TeeError> {
        let absent =
            |reason: String| TeeError::Absent { source_name: SourceName::AzureVtpm.name(), reason };
        let report = open().and_then(|mut nv| nv.read_nv(HCL_REPORT_INDEX));
        let report = report.map_err(|error| absent(error.to_string()))?;
        HclReport::parse(&report)
            .map_err(|error| absent(format!("NV index 0x01400001: {error}")))?;
        Ok(Self { open: Box::new(open), host: None, certificates: None })
    }

    /// The same, asking a host's service for certificates and quotes.
    #[must_use]
    pub fn with_host(self, host: Option<Host>) -> Self {
        Self { host, ..self }
    }

    /// The same with the certificates of the chip in a file: then no host is asked for them.
    #[must_use]
    pub fn with_certificates(self, certificates: Option<PathBuf>) -> Self {
        Self { certificates, ..self }
    }

    fn attempt(&self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        let mut nv = (self.open)()?;
        nv.write_nv(USER_DATA_INDEX, report_data)?;
        let bytes = nv.read_nv(HCL_REPORT_INDEX)?;
        let report = HclReport::parse(&bytes)?;
        let runtime_data = report.untrusted_runtime_data().to_vec();
        let claims = RuntimeClaims::parse(&runtime_data)?;
        let user_data = Hex(claims.user_data().copied().unwrap_or([0; 64]));
        if user_data.0 != *report_data {
            return Err(other_report_data(report_data, &user_data));
        }
        match report.hardware() {
            HardwareReport::Snp(area) => {
                let certificates = self.snp_certificates()?;
                let quote = SnpQuote::of_paravisor(area.to_vec(), certificates)?;
                report.check_binding(&quote.report_data().0)?;
                Ok(OwnEvidence::AzureSnp { quote, runtime_data })
            }
            HardwareReport::Tdx(td_report) => {
                report.check_binding(&td_report.report_data.0)?;
                let end = AREA_AT.saturating_add(TD_REPORT_BYTES);
                let area = bytes.get(AREA_AT..end).unwrap_or_default();
                let host = self.host.as_ref().ok_or_else(|| TeeError::Host {
                    url: "tee.host_endpoint".to_owned(),
                    reason: "quotes of a trust domain are made by the host".to_owned(),
                })?;
                let (quote, found) = intel_quote::read(&host.td_quote(area)?)?;
                report.check_binding(&found.0)?;
                Ok(OwnEvidence::AzureTdx { quote, runtime_data })
            }
        }
    }

    fn snp_certificates(&self) -> Result<Option<String>, TeeError> {
        let certificates = match (&self.certificates, &self.host) {
            (Some(file), _) => {
                let bytes = boundary::read(file, BLOB_BYTES_MAX)?;
                SnpCertificates::read(&bytes, &file.display().to_string())?
            }
            (None, Some(host)) => host.snp_certificates()?,
            (None, None) => return Ok(None),
        };
        Ok(Some(certificates.pem().to_owned()))
    }
}

impl EvidenceSource for AzureVtpm {
    fn name(&self) -> &'static str {
        SourceName::AzureVtpm.name()
    }

    fn evidence(&mut self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        let mut attempts = 0_u32;
        loop {
            attempts = attempts.saturating_add(1);
            match self.attempt(report_data) {
                Err(TeeError::OtherReportData { .. }) if attempts < ATTEMPTS => {}
                done => return done,
            }
        }
    }
}
