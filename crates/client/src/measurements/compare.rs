//! A workload beside a measurement.

use std::fmt::Display;

use avouch_dcap::{EnclaveReport, TdReport};
use avouch_engine::Workload;
use avouch_snp::VerifiedReport;
use avouch_snp::uvm::VerifiedUvmEndorsement;

use super::{
    EnclaveMeasurement, GuestMeasurement, TrustDomainMeasurement, UvmMeasurement,
    WorkloadMeasurement,
};

impl WorkloadMeasurement {
    /// That it means certain code.
    pub(super) const fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Sgx(of) => of.check(),
            // All that it must say, its type demands.
            Self::Tdx(_) => Ok(()),
            Self::Snp(of) => of.check(),
        }
    }

    pub(super) const fn is_of_the_same_tee(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Sgx(_), Self::Sgx(_))
                | (Self::Tdx(_), Self::Tdx(_))
                | (Self::Snp(_), Self::Snp(_))
        )
    }

    /// Everything in which a workload differs, nothing if it is that code; none if it is of another TEE.
    pub(crate) fn mismatches(&self, workload: &Workload<'_>) -> Option<Vec<String>> {
        Some(match (self, workload) {
            (Self::Sgx(of), Workload::Enclave { report, .. }) => of.mismatches(report),
            (Self::Tdx(of), Workload::TrustDomain { report, .. }) => of.mismatches(report),
            (Self::Snp(of), Workload::Guest { report, uvm }) => of.mismatches(report, *uvm),
            _ => return None,
        })
    }
}

impl EnclaveMeasurement {
    const fn check(&self) -> Result<(), &'static str> {
        let is_product = self.mr_signer.is_some()
            && self.isv_prod_id.is_some()
            && self.minimum_isv_svn.is_some();
        if self.mr_enclave.is_some() || is_product {
            return Ok(());
        }
        Err("neither mr_enclave, nor mr_signer with isv_prod_id and minimum_isv_svn")
    }

    fn mismatches(&self, report: &EnclaveReport) -> Vec<String> {
        let differing = [
            other("MRENCLAVE", &report.mr_enclave, self.mr_enclave.as_ref()),
            other("MRSIGNER", &report.mr_signer, self.mr_signer.as_ref()),
            other("ISVPRODID", &report.isv_prod_id, self.isv_prod_id.as_ref()),
            below("ISVSVN", report.isv_svn, self.minimum_isv_svn),
        ];
        differing.into_iter().flatten().collect()
    }
}

impl TrustDomainMeasurement {
    fn mismatches(&self, report: &TdReport) -> Vec<String> {
        let differing = [
            other("MRTD", &report.mr_td, Some(&self.mr_td)),
            other("RTMR[0]", &report.rtmr0, self.rtmr0.as_ref()),
            other("RTMR[1]", &report.rtmr1, Some(&self.rtmr1)),
            other("RTMR[2]", &report.rtmr2, Some(&self.rtmr2)),
            other("RTMR[3]", &report.rtmr3, self.rtmr3.as_ref()),
            report.has_service_td().then(|| "a service TD is or may be bound".to_owned()),
        ];
        differing.into_iter().flatten().collect()
    }
}

impl GuestMeasurement {
    const fn check(&self) -> Result<(), &'static str> {
        match (&self.measurement, &self.uvm, &self.host_data) {
            (None, None, _) => Err("neither measurement nor uvm"),
            (None, Some(_), None) => Err("uvm without host_data"),
            _ => Ok(()),
        }
    }

    fn mismatches(
        &self,
        report: &VerifiedReport,
        uvm: Option<&VerifiedUvmEndorsement>,
    ) -> Vec<String> {
        let body = report.body();
        let vmpl = (body.vmpl != 0).then(|| format!("VMPL is {}, expected 0", body.vmpl));
        let differing = [
            other("MEASUREMENT", &body.measurement, self.measurement.as_ref()),
            other("HOST_DATA", &body.host_data, self.host_data.as_ref()),
            vmpl,
        ];
        let uvm = self.uvm.iter().flat_map(|expected| expected.mismatches(uvm));
        differing.into_iter().flatten().chain(uvm).collect()
    }
}

impl UvmMeasurement {
    fn mismatches(&self, found: Option<&VerifiedUvmEndorsement>) -> Vec<String> {
        let Some(facts) = found.map(VerifiedUvmEndorsement::facts) else {
            return vec!["no endorsement of the utility VM that counts came along".to_owned()];
        };
        let differing = [
            other("issuer of the utility VM", &facts.issuer, Some(&self.issuer)),
            other("feed of the utility VM", &facts.feed, Some(&self.feed)),
            below("SVN of the utility VM", facts.svn, Some(self.minimum_svn)),
        ];
        differing.into_iter().flatten().collect()
    }
}

fn other<T: PartialEq + Display>(what: &str, found: &T, expected: Option<&T>) -> Option<String> {
    let expected = expected?;
    (found != expected).then(|| format!("{what} is {found}, expected {expected}"))
}

fn below<T: PartialOrd + Display>(what: &str, found: T, minimum: Option<T>) -> Option<String> {
    let minimum = minimum?;
    (found < minimum).then(|| format!("{what} is {found}, at least {minimum} is expected"))
}
