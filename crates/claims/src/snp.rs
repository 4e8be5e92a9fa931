//! SEV-SNP.

use avouch_snp::VerifiedReport;

use crate::ServiceClaim;
use crate::claim::both;

/// Claims from a verified report.
///
/// The SVN claims are those of REPORTED_TCB: the TCB that the signature proves.
/// `x-ms-compliance-status` is the status that the operator's reference values give to the guest, or an
/// endorsement of its measurement; without one the claim is absent.
///
/// # Source
/// `docs/maa/token.md#sev-snp`.
#[must_use]
pub fn snp(report: &VerifiedReport, compliance_status: Option<&str>) -> Vec<ServiceClaim> {
    let body = report.body();
    let tcb = report.reported_tcb();
    let mut claims = vec![
        both("x-ms-sevsnpvm-authorkeydigest", body.author_key_digest.to_string()),
        both("x-ms-sevsnpvm-bootloader-svn", tcb.boot_loader),
        both("x-ms-sevsnpvm-familyId", body.family_id.to_string()),
        both("x-ms-sevsnpvm-guestsvn", body.guest_svn),
        both("x-ms-sevsnpvm-hostdata", body.host_data.to_string()),
        both("x-ms-sevsnpvm-idkeydigest", body.id_key_digest.to_string()),
        both("x-ms-sevsnpvm-imageId", body.image_id.to_string()),
        both("x-ms-sevsnpvm-is-debuggable", body.policy.debug_allowed()),
        both("x-ms-sevsnpvm-launchmeasurement", body.measurement.to_string()),
        both("x-ms-sevsnpvm-microcode-svn", tcb.microcode),
        both("x-ms-sevsnpvm-migration-allowed", body.policy.migrate_ma_allowed()),
        both("x-ms-sevsnpvm-reportdata", body.report_data.to_string()),
        both("x-ms-sevsnpvm-reportid", body.report_id.to_string()),
        both("x-ms-sevsnpvm-smt-allowed", body.policy.smt_allowed()),
        both("x-ms-sevsnpvm-snpfw-svn", tcb.snp),
        both("x-ms-sevsnpvm-tee-svn", tcb.tee),
        both("x-ms-sevsnpvm-vmpl", body.vmpl),
    ];
    claims.extend(compliance_status.map(|status| both("x-ms-compliance-status", status)));
    claims
}
