//! TDX: the EAT profile of MAA's `tdxvm` tokens.

use avouch_bootlog::ccel::{ProvenKeys, ProvenLog};
use avouch_dcap::{TcbStatus, TdReport};
use avouch_wire::Hex;
use serde_json::{Map, Value, json};

use crate::ServiceClaim;
use crate::claim::both;

/// Claims from the report of a trust domain whose quote verified with `status`.
///
/// `dbgstat` looks at the whole "TD under debug" byte, `tdx_td_attributes_debug` at bit 0 alone.
/// `tdx_seamsvn` is the little-endian number in the first two bytes of TEE_TCB_SVN.
/// `avouch-tdx-module` is the name by which Intel lists the TDX module that launched the domain, and
/// `avouch-tdx-module-svn` its security version in that list; absent of modules that Intel lists with the
/// platform.
/// `x-ms-compliance-status` is the status that the operator's reference values give to the domain;
/// without one the claim is absent.
///
/// # Source
/// `docs/maa/token.md#tdx`.
#[must_use]
pub fn tdx(
    report: &TdReport,
    status: TcbStatus,
    compliance_status: Option<&str>,
) -> Vec<ServiceClaim> {
    let attributes = report.td_attributes;
    let seam_svn = u16::from_le_bytes([
        report.tee_tcb_svn.module_svn(),
        report.tee_tcb_svn.module_major_version(),
    ]);
    let debug_status = if attributes.is_untrusted() { "enabled" } else { "disabled" };
    let mut claims = vec![
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
    ];
    if report.tee_tcb_svn.module_major_version() != 0 {
        let name = format!("TDX_{:02X}", report.tee_tcb_svn.module_major_version());
        claims.push(both("avouch-tdx-module", name));
        claims.push(both("avouch-tdx-module-svn", report.tee_tcb_svn.module_svn()));
    }
    claims.extend(compliance_status.map(|status| both("x-ms-compliance-status", status)));
    claims
}

/// Most elements of a list in a claim: more would make tokens that nobody takes.
const LIST_MAX: usize = 64;

/// Claims from the event log that came along with a trust domain's quote, of registers that the quote
/// explains: what the domain's firmware measured. Which firmware that is, `tdx_mrtd` tells.
///
/// Where the log proves nothing about secure boot, the claims about it are absent, and lists of more
/// than 64 elements are.
///
/// # Source
/// `docs/evidence/tdx.md`: MAA has none of them.
#[must_use]
pub fn tdx_event_log(log: &ProvenLog) -> Vec<ServiceClaim> {
    let mut claims = vec![both("avouch-event-log", summary(log))];
    claims.extend(log.secure_boot.map(|is_on| both("avouch-secure-boot", is_on)));
    if let Some(ProvenKeys { pk, kek, db, dbx, .. }) = &log.secure_boot_keys {
        let row = |name, value: &Hex<32>| both(name, value.to_string());
        claims.extend([
            row("avouch-secure-boot-pk", pk),
            row("avouch-secure-boot-kek", kek),
            row("avouch-secure-boot-db", db),
            row("avouch-secure-boot-dbx", dbx),
        ]);
    }
    claims
}

/// Registers that the log explains, the images in them, and by which entries they were let run.
fn summary(log: &ProvenLog) -> Value {
    let explained = log.registers.iter().filter(|(_, register)| register.verdict == "explained");
    let registers: Vec<&str> = explained.map(|(name, _)| *name).collect();
    let mut members = Map::from_iter([("registers".to_owned(), json!(registers))]);
    let mut list = |name: &str, values: Vec<Value>| {
        if values.len() <= LIST_MAX {
            members.insert(name.to_owned(), Value::Array(values));
        }
    };
    if let Some(images) = &log.images {
        list("images", images.iter().map(|image| json!(image.digest.to_string())).collect());
    }
    if log.secure_boot.is_some() {
        let authority = |one: &avouch_bootlog::ccel::ProvenAuthority| json!({ "source": one.source, "sha256": one.sha256.to_string() });
        list("authorities", log.authorities.iter().map(authority).collect());
    }
    Value::Object(members)
}
