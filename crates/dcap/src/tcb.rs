//! Which TCB level a platform, a TDX module and a quoting enclave reach, and the verdict of all.

use avouch_wire::UnixTime;
use serde::Serialize;

use crate::collateral::{
    EnclaveIdentity, EvaluationDataNumbers, PlatformLevel, TcbInfo, TdxModule, TdxModuleIdentity,
    level_of, lowest,
};
use crate::error::{TcbMoment, TcbPart, VerifyError};
use crate::pck_extension::PckTcb;
use crate::report_body::EnclaveReport;
use crate::shortfall::{self, Shortfall};
use crate::status::{ComponentStatus, TcbStatus, converge, relaunch};
use crate::td_report::{TdReport, TeeTcbSvn};

/// What Intel says of one part of the TCB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartVerdict {
    /// Status of the level that the part reaches.
    pub status: TcbStatus,
    /// Date of that level.
    pub tcb_date: UnixTime,
    /// Advisories of that level.
    pub advisory_ids: Vec<String>,
}

/// What Intel says of the TCB as a whole and in parts, by one TCB info and one QE identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TcbVerdict {
    /// The converged status. Never `Revoked`: that fails verification. `NotSupported` if no level fits
    /// the platform and an exception accepts it.
    #[serde(rename = "tcb_status")]
    pub status: TcbStatus,
    /// The converged status of TDX module and quoting enclave alone, where no level fits the platform.
    #[serde(rename = "listed_tcb_status", skip_serializing_if = "Option::is_none")]
    pub listed_status: Option<TcbStatus>,
    /// Advisories of platform, TDX module and quoting enclave, each once, in that order.
    pub advisory_ids: Vec<String>,
    /// The oldest date of platform, TDX module and quoting enclave.
    pub tcb_date: UnixTime,
    /// The platform: processor, microcode, PCE, and TDX components; absent if no level fits it.
    #[serde(rename = "platform_tcb", skip_serializing_if = "Option::is_none")]
    pub platform: Option<PartVerdict>,
    /// The TDX module, if it has a major version and so levels of its own.
    #[serde(rename = "tdx_module_tcb", skip_serializing_if = "Option::is_none")]
    pub tdx_module: Option<PartVerdict>,
    /// The quoting enclave.
    #[serde(rename = "qe_tcb")]
    pub quoting_enclave: PartVerdict,
    /// The converged status of what runs now, for TD 1.5.
    #[serde(rename = "current_tcb_status", skip_serializing_if = "Option::is_none")]
    pub current_status: Option<TcbStatus>,
    /// By which TCB recoveries this was judged.
    pub evaluation_data_numbers: EvaluationDataNumbers,
    /// For each status that is not `UpToDate`: what is short, by how much, and what a better level
    /// would clear.
    pub shortfalls: Vec<Shortfall>,
    /// Of the first TCB that no level fits, what the lowest level asks for beyond it.
    #[serde(skip)]
    pub(crate) below_levels: Option<BelowLevels>,
}

/// A TCB below every level of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BelowLevels {
    pub(crate) moment: TcbMoment,
    /// What the lowest level asks for beyond it, in words.
    pub(crate) short: String,
}

/// The outcome for one of the two TCBs of a TD, or the only one of an enclave.
struct MomentVerdict<'a> {
    status: TcbStatus,
    /// The status without the platform's.
    listed_status: TcbStatus,
    platform: Result<&'a PlatformLevel, BelowLevels>,
    module: Option<PartVerdict>,
    shortfalls: Vec<Shortfall>,
}

/// Judges an enclave's platform.
pub(crate) fn judge_enclave(
    info: &TcbInfo,
    identity: &EnclaveIdentity,
    pck: &PckTcb,
    qe_report: &EnclaveReport,
) -> Result<TcbVerdict, VerifyError> {
    let qe = quoting_enclave(identity, qe_report)?;
    let launch = judge_moment(info, pck, None, TcbMoment::Launch, &qe)?;
    Ok(conclude(info, identity, qe, launch, None))
}

/// Judges a TD's platform and module, for TD 1.5 both as launched and as they are now.
///
/// Source: Intel's quote verification library of 2026, TCB level selection and relaunch.
pub(crate) fn judge_td(
    info: &TcbInfo,
    identity: &EnclaveIdentity,
    pck: &PckTcb,
    qe_report: &EnclaveReport,
    td: &TdReport,
) -> Result<TcbVerdict, VerifyError> {
    let qe = quoting_enclave(identity, qe_report)?;
    check_module(info, td)?;
    let launch = judge_moment(info, pck, Some(&td.tee_tcb_svn), TcbMoment::Launch, &qe)?;
    let current = td
        .v15
        .as_ref()
        .map(|v15| judge_moment(info, pck, Some(&v15.tee_tcb_svn2), TcbMoment::Current, &qe));
    Ok(conclude(info, identity, qe, launch, current.transpose()?))
}

struct QeVerdict {
    component: ComponentStatus,
    verdict: PartVerdict,
    shortfall: Option<Shortfall>,
}

fn quoting_enclave(
    identity: &EnclaveIdentity,
    report: &EnclaveReport,
) -> Result<QeVerdict, VerifyError> {
    let svn = report.isv_svn;
    let level = level_of(&identity.levels, svn)
        .ok_or_else(|| VerifyError::QeTcbLevel { found: svn, lowest: lowest(&identity.levels) })?;
    let part = TcbPart::QuotingEnclave;
    refuse_revoked(TcbMoment::Launch, part, level.status.into(), &level.advisory_ids)?;
    Ok(QeVerdict {
        component: level.status,
        verdict: PartVerdict {
            status: level.status.into(),
            tcb_date: level.tcb_date,
            advisory_ids: level.advisory_ids.clone(),
        },
        shortfall: shortfall::of_component(part, TcbMoment::Launch, &identity.levels, level, svn),
    })
}

fn judge_moment<'a>(
    info: &'a TcbInfo,
    pck: &PckTcb,
    tdx: Option<&TeeTcbSvn>,
    moment: TcbMoment,
    qe: &QeVerdict,
) -> Result<MomentVerdict<'a>, VerifyError> {
    let platform = info.levels.iter().find(|level| level_fits(level, pck, tdx));
    let platform = platform
        .ok_or_else(|| BelowLevels { moment, short: shortfall::below_all(&info.levels, pck, tdx) });
    let mut shortfalls = Vec::new();
    let (mut status, mut listed_status) = (TcbStatus::NotSupported, TcbStatus::UpToDate);
    if let Ok(level) = platform {
        refuse_revoked(moment, TcbPart::Platform, level.status, &level.advisory_ids)?;
        shortfalls.extend(shortfall::of_platform(moment, &info.levels, level, pck, tdx));
        status = level.status;
    }
    let mut module = None;
    if let Some(svn) = tdx.filter(|svn| svn.module_major_version() != 0) {
        let (component, verdict, shortfall) = judge_module(info, svn, moment)?;
        status = converge(status, component);
        listed_status = converge(listed_status, component);
        module = Some(verdict);
        shortfalls.extend(shortfall);
    }
    let status = converge(status, qe.component);
    let listed_status = converge(listed_status, qe.component);
    Ok(MomentVerdict { status, listed_status, platform, module, shortfalls })
}

/// Whether a platform reaches a level in every component.
fn level_fits(level: &PlatformLevel, pck: &PckTcb, tdx: Option<&TeeTcbSvn>) -> bool {
    let reaches = |has: &[u8; 16], needs: &[u8; 16], skip: usize| {
        has.iter().zip(needs).skip(skip).all(|(has, needs)| has >= needs)
    };
    let sgx = reaches(&pck.components, &level.sgx_components, 0) && pck.pce_svn >= level.pce_svn;
    let tdx = match (tdx, &level.tdx_components) {
        (None, None) => true,
        (Some(svn), Some(needs)) => {
            reaches(svn.components(), needs, svn.first_platform_component())
        }
        (None, Some(_)) | (Some(_), None) => false,
    };
    sgx && tdx
}

fn judge_module(
    info: &TcbInfo,
    svn: &TeeTcbSvn,
    moment: TcbMoment,
) -> Result<(ComponentStatus, PartVerdict, Option<Shortfall>), VerifyError> {
    let identity = module_identity(info, svn, moment)?;
    let found = svn.module_svn();
    let level = level_of(&identity.levels, u16::from(found)).ok_or_else(|| {
        VerifyError::TdxModuleTcbLevel { moment, found, lowest: lowest(&identity.levels) }
    })?;
    let part = TcbPart::TdxModule;
    refuse_revoked(moment, part, level.status.into(), &level.advisory_ids)?;
    let verdict = PartVerdict {
        status: level.status.into(),
        tcb_date: level.tcb_date,
        advisory_ids: level.advisory_ids.clone(),
    };
    let shortfall =
        shortfall::of_component(part, moment, &identity.levels, level, u16::from(found));
    Ok((level.status, verdict, shortfall))
}

fn module_identity<'a>(
    info: &'a TcbInfo,
    svn: &TeeTcbSvn,
    moment: TcbMoment,
) -> Result<&'a TdxModuleIdentity, VerifyError> {
    let found = svn.module_major_version();
    info.tdx_module_identities.iter().find(|identity| identity.major_version == found).ok_or_else(
        || VerifyError::TdxModuleIdentity {
            moment,
            found,
            listed: info.tdx_module_identities.iter().map(TdxModuleIdentity::id).collect(),
        },
    )
}

/// Signer and attributes of the TDX module, by the identity of the module at launch. All bits of
/// the attributes must be zero, not only those under Intel's mask: another value is a module that
/// is not for production.
fn check_module(info: &TcbInfo, td: &TdReport) -> Result<(), VerifyError> {
    let module: &TdxModule = match td.tee_tcb_svn.module_major_version() {
        0 => info.tdx_module.as_ref().ok_or_else(|| VerifyError::TdxModuleIdentity {
            moment: TcbMoment::Launch,
            found: 0,
            listed: Vec::new(),
        })?,
        _ => &module_identity(info, &td.tee_tcb_svn, TcbMoment::Launch)?.module,
    };
    if td.mr_signer_seam != module.mr_signer {
        let (expected, found) = (module.mr_signer, td.mr_signer_seam);
        return Err(VerifyError::TdxModuleMrSigner { expected, found });
    }
    if td.seam_attributes != module.attributes || !td.seam_attributes.is_zero() {
        let (expected, found) = (module.attributes, td.seam_attributes);
        return Err(VerifyError::TdxModuleAttributes { expected, found });
    }
    Ok(())
}

fn refuse_revoked(
    moment: TcbMoment,
    part: TcbPart,
    status: TcbStatus,
    advisory_ids: &[String],
) -> Result<(), VerifyError> {
    if status != TcbStatus::Revoked {
        return Ok(());
    }
    Err(VerifyError::TcbRevoked { moment, part, advisory_ids: advisory_ids.to_vec() })
}

fn conclude(
    info: &TcbInfo,
    identity: &EnclaveIdentity,
    qe: QeVerdict,
    launch: MomentVerdict<'_>,
    current: Option<MomentVerdict<'_>>,
) -> TcbVerdict {
    let current_status = current.as_ref().map(|current| current.status);
    let status = current_status.map_or(launch.status, |now| relaunch(launch.status, now));
    let listed_now = current.as_ref().map(|current| current.listed_status);
    let listed_status =
        listed_now.map_or(launch.listed_status, |now| relaunch(launch.listed_status, now));
    let below = launch.platform.as_ref().err();
    let below = below.or_else(|| current.as_ref().and_then(|now| now.platform.as_ref().err()));
    let below_levels = below.cloned();
    let platform = launch.platform.as_ref().ok().map(|level| PartVerdict {
        status: level.status,
        tcb_date: level.tcb_date,
        advisory_ids: level.advisory_ids.clone(),
    });
    let mut reported = Reported::default();
    reported.add_moment(&launch);
    // What runs now counts only if it is what makes the verdict worse.
    let mut shortfalls = launch.shortfalls;
    if let Some(current) = current.filter(|current| current.status > launch.status) {
        reported.add_moment(&current);
        shortfalls.extend(current.shortfalls);
    }
    reported.add(qe.verdict.tcb_date, &qe.verdict.advisory_ids);
    shortfalls.extend(qe.shortfall);
    TcbVerdict {
        status,
        tcb_date: reported.oldest.unwrap_or(qe.verdict.tcb_date),
        advisory_ids: reported.advisory_ids,
        listed_status: below_levels.is_some().then_some(listed_status),
        platform,
        tdx_module: launch.module,
        quoting_enclave: qe.verdict,
        current_status,
        evaluation_data_numbers: EvaluationDataNumbers {
            tcb_info: info.evaluation_data_number,
            qe_identity: identity.evaluation_data_number,
        },
        shortfalls,
        below_levels,
    }
}

/// The oldest date and the union of advisories.
#[derive(Default)]
struct Reported {
    oldest: Option<UnixTime>,
    advisory_ids: Vec<String>,
}

impl Reported {
    fn add_moment(&mut self, moment: &MomentVerdict<'_>) {
        if let Ok(level) = &moment.platform {
            self.add(level.tcb_date, &level.advisory_ids);
        }
        if let Some(module) = &moment.module {
            self.add(module.tcb_date, &module.advisory_ids);
        }
    }

    fn add(&mut self, date: UnixTime, advisory_ids: &[String]) {
        self.oldest = Some(self.oldest.map_or(date, |oldest| oldest.min(date)));
        for id in advisory_ids {
            if !self.advisory_ids.contains(id) {
                self.advisory_ids.push(id.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
