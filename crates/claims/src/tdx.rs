//! TDX: the EAT profile of MAA's `tdxvm` tokens.

use avouch_dcap::{TcbStatus, TdReport};

use crate::ServiceClaim;
use crate::claim::both;

/// Claims from the report of a trust domain whose quote verified with `status`.
///
/// `dbgstat` looks at the whole "TD under debug" byte, `tdx_td_attributes_debug` at bit 0 alone.
/// `tdx_seamsvn` is the little-endian number in the first two bytes of TEE_TCB_SVN.
///
/// # Source
/// `docs/maa/token.md#tdx`.
#[must_use]
pub fn tdx(report: &TdReport, status: TcbStatus) -> Vec<ServiceClaim> {
    let attributes = report.td_attributes;
    let seam_svn = u16::from_le_bytes([
        report.tee_tcb_svn.module_svn(),
        report.tee_tcb_svn.module_major_version(),
    ]);
    let debug_status = if attributes.is_untrusted() { "enabled" } else { "disabled" };
    vec![
        both("eat_profile", "https://aka.ms/maa-eat-profile-tdxvm"),
        both("intuse", "generic"),
        both("dbgstat", debug_status),
        both("attester_tcb_status", status.as_str()),
        both("tdx_mrtd", report.mr_td.to_string()),
        both("tdx_mrseam", report.mr_seam.to_string()),
        both("tdx_mrsignerseam", report.mr_signer_seam.to_string()),
        both("tdx_mrconfigid", report.mr_config_id.to_string()),
        both("tdx_mrowner", report.mr_owner.to_string()),
        both("tdx_mrownerconfig", report.mr_owner_config.to_string()),
        both("tdx_rtmr0", report.rtmr0.to_string()),
        both("tdx_rtmr1", report.rtmr1.to_string()),
        both("tdx_rtmr2", report.rtmr2.to_string()),
        both("tdx_rtmr3", report.rtmr3.to_string()),
        both("tdx_report_data", report.report_data.to_string()),
        both("tdx_seam_attributes", report.seam_attributes.to_string()),
        both("tdx_td_attributes", attributes.0.to_string()),
        both("tdx_xfam", report.xfam.0.to_string()),
        both("tdx_tee_tcb_svn", report.tee_tcb_svn.0.to_string()),
        both("tdx_seamsvn", seam_svn),
        both("tdx_td_attributes_debug", attributes.debug()),
        both("tdx_td_attributes_key_locker", attributes.key_locker()),
        both("tdx_td_attributes_perfmon", attributes.perfmon()),
        both("tdx_td_attributes_protection_keys", attributes.protection_keys()),
        both("tdx_td_attributes_septve_disable", attributes.septve_disable()),
    ]
}
