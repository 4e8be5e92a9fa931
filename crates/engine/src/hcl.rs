//! Runtime data that speak as a confidential machine's paravisor does, beside SNP and TDX evidence.

use avouch_azure::{RuntimeClaims, RuntimeClaimsError};
use avouch_claims::BoundData;
use avouch_wire::failed_check;
use thiserror::Error;

/// Why a paravisor's runtime data are refused that the evidence binds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HclRefused {
    /// They are not what a paravisor writes.
    #[error(transparent)]
    Claims(#[from] RuntimeClaimsError),
    /// The guest below the paravisor may have bound them.
    #[error(
        "the runtime data speak as a paravisor does, and the report is of VMPL {vmpl}, expected 0"
    )]
    Vmpl {
        /// The privilege level that asked for the report.
        vmpl: u32,
    },
    /// Something stands where a paravisor writes zeros.
    #[error("the report data are not zeros behind the hash of the runtime data")]
    ReportData,
}

failed_check!(HclRefused {
    Self::Claims(error) => (error.check(), RuntimeClaimsError::checks()),
    Self::Vmpl { .. } => "hcl-vmpl",
    Self::ReportData => "hcl-report-data",
});

/// Refuses what speaks as a paravisor does and was not bound at its privilege, or names two attestation
/// keys. On Intel's hardware there are no such levels: whether it is a paravisor that speaks, reference
/// values say.
pub(crate) fn check_spoken(
    runtime_data: Option<&BoundData>,
    vmpl: Option<u32>,
) -> Result<(), HclRefused> {
    let members = runtime_data.and_then(BoundData::json);
    let Some(members) = members.filter(|members| RuntimeClaims::are_spoken(members)) else {
        return Ok(());
    };
    check_vmpl(vmpl)?;
    Ok(RuntimeClaims::check_spoken(members)?)
}

/// Refuses any level but that of the paravisor.
pub(crate) const fn check_vmpl(vmpl: Option<u32>) -> Result<(), HclRefused> {
    match vmpl {
        None | Some(0) => Ok(()),
        Some(vmpl) => Err(HclRefused::Vmpl { vmpl }),
    }
}
