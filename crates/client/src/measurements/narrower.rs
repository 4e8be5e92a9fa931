//! Which of two measurements says more exactly what runs, where both name the same workload: then what both pin
//! is the same, and only what one of them leaves open makes it the broader.

use super::{EnclaveMeasurement, GuestMeasurement, TrustDomainMeasurement, WorkloadMeasurement};

impl WorkloadMeasurement {
    /// Whether every workload that this one allows the other allows too, given that both allow a certain one.
    pub(super) fn is_no_broader_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sgx(one), Self::Sgx(other)) => one.is_no_broader_than(other),
            (Self::Tdx(one), Self::Tdx(other)) => one.is_no_broader_than(other),
            (Self::Snp(one), Self::Snp(other)) => one.is_no_broader_than(other),
            _ => false,
        }
    }
}

impl EnclaveMeasurement {
    /// `MRENCLAVE` alone fixes the code, and so everything else.
    const fn is_no_broader_than(&self, other: &Self) -> bool {
        self.mr_enclave.is_some()
            || (other.mr_enclave.is_none()
                && pins(&self.mr_signer, &other.mr_signer)
                && pins(&self.isv_prod_id, &other.isv_prod_id)
                && is_no_lower(self.minimum_isv_svn, other.minimum_isv_svn))
    }
}

impl TrustDomainMeasurement {
    const fn is_no_broader_than(&self, other: &Self) -> bool {
        pins(&self.rtmr0, &other.rtmr0) && pins(&self.rtmr3, &other.rtmr3)
    }
}

impl GuestMeasurement {
    /// A launch digest fixes the utility VM; host data are apart from both.
    fn is_no_broader_than(&self, other: &Self) -> bool {
        let of_vm = match (&self.uvm, &other.uvm) {
            _ if self.measurement.is_some() => true,
            _ if other.measurement.is_some() => false,
            (Some(own), Some(other)) => own.minimum_svn >= other.minimum_svn,
            (_, None) => true,
            (None, Some(_)) => false,
        };
        of_vm && pins(&self.host_data, &other.host_data)
    }
}

/// Whether one says what the other says.
const fn pins<T>(own: &Option<T>, other: &Option<T>) -> bool {
    own.is_some() || other.is_none()
}

const fn is_no_lower(own: Option<u16>, other: Option<u16>) -> bool {
    match (own, other) {
        (Some(own), Some(other)) => own >= other,
        (Some(_), None) => true,
        (None, other) => other.is_none(),
    }
}
