//! What keeps a TCB from a better level: which component, by how much, and what it would clear.

use std::fmt;

use serde::Serialize;

use crate::collateral::{ComponentLevel, PlatformLevel};
use crate::error::{TcbMoment, TcbPart};
use crate::pck_extension::PckTcb;
use crate::status::{ComponentStatus, TcbStatus};
use crate::td_report::TeeTcbSvn;

/// One security version that is too low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingSvn {
    /// Which one, in words, such as `SGX component 3 (OS/VMM, TXT SINIT)`.
    pub component: String,
    /// What the evidence has.
    pub has: u16,
    /// What the better level asks for.
    pub needs: u16,
    /// `needs` less `has`, at least 1.
    pub short_by: u16,
}

/// Why one part of the TCB is not better than it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// Platform, TDX module or quoting enclave.
    pub part: TcbPart,
    /// As launched, or as it runs now.
    pub moment: TcbMoment,
    /// Its status now, never `UpToDate`.
    pub status: TcbStatus,
    /// The status that the nearest better level would give; `None` if no level is better, so that
    /// only hardened software or configuration beyond the TCB helps.
    pub better_status: Option<TcbStatus>,
    /// Security versions below that level.
    pub missing: Vec<MissingSvn>,
    /// Advisories that would no longer apply at that level.
    pub cleared_advisory_ids: Vec<String>,
}

impl fmt::Display for MissingSvn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { component, has, needs, short_by } = self;
        write!(f, "{component} is {has}, needs {needs} (short by {short_by})")
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) is {}", self.part, self.moment, self.status)?;
        let Some(better) = self.better_status else {
            return f.write_str("; no level of this TCB info is better");
        };
        write!(f, "; for {better}: {}", join(&self.missing))?;
        if !self.cleared_advisory_ids.is_empty() {
            write!(f, "; clears {}", self.cleared_advisory_ids.join(", "))?;
        }
        Ok(())
    }
}

fn join(missing: &[MissingSvn]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The shortfall of a platform at `matched`. The better level is the nearest above it among those
/// with the best status that any level above has.
pub(crate) fn of_platform(
    moment: TcbMoment,
    levels: &[PlatformLevel],
    matched: &PlatformLevel,
    pck: &PckTcb,
    tdx: Option<&TeeTcbSvn>,
) -> Option<Shortfall> {
    if matched.status == TcbStatus::UpToDate {
        return None;
    }
    let above = || levels.iter().take_while(|level| !std::ptr::eq(*level, matched));
    let best = above().map(|level| level.status).min().filter(|best| *best < matched.status);
    // Highest first, so the last one is the nearest.
    let better = best.and_then(|best| above().filter(|level| level.status == best).last());
    Some(Shortfall {
        part: TcbPart::Platform,
        moment,
        status: matched.status,
        better_status: best,
        missing: better.map(|level| missing(level, pck, tdx)).unwrap_or_default(),
        cleared_advisory_ids: better
            .map(|level| cleared(&matched.advisory_ids, &level.advisory_ids))
            .unwrap_or_default(),
    })
}

/// The shortfall of a TDX module or quoting enclave at `matched`.
pub(crate) fn of_component(
    part: TcbPart,
    moment: TcbMoment,
    levels: &[ComponentLevel],
    matched: &ComponentLevel,
    svn: u16,
) -> Option<Shortfall> {
    if matched.status == ComponentStatus::UpToDate {
        return None;
    }
    let better = levels
        .iter()
        .take_while(|level| level.isv_svn > matched.isv_svn)
        .filter(|level| level.status == ComponentStatus::UpToDate)
        .last();
    let component = match part {
        TcbPart::TdxModule => "TDX module SVN",
        TcbPart::QuotingEnclave => "quoting enclave ISVSVN",
        TcbPart::Platform => "platform",
    };
    Some(Shortfall {
        part,
        moment,
        status: matched.status.into(),
        better_status: better.map(|level| level.status.into()),
        missing: better
            .and_then(|level| short(component.to_owned(), svn, level.isv_svn))
            .into_iter()
            .collect(),
        cleared_advisory_ids: better
            .map(|level| cleared(&matched.advisory_ids, &level.advisory_ids))
            .unwrap_or_default(),
    })
}

/// What a platform that fits no level lacks for the lowest one, in words.
pub(crate) fn below_all(levels: &[PlatformLevel], pck: &PckTcb, tdx: Option<&TeeTcbSvn>) -> String {
    levels.last().map(|lowest| join(&missing(lowest, pck, tdx))).unwrap_or_default()
}

fn missing(level: &PlatformLevel, pck: &PckTcb, tdx: Option<&TeeTcbSvn>) -> Vec<MissingSvn> {
    let needs = Needs {
        sgx_components: &level.sgx_components,
        sgx_names: &level.sgx_component_names,
        pce_svn: level.pce_svn,
        tdx_components: level.tdx_components.as_ref(),
        tdx_names: &level.tdx_component_names,
    };
    needs.missing(pck, tdx)
}

/// Lowest security versions of a platform, with names of components where there are some.
pub(crate) struct Needs<'a> {
    pub(crate) sgx_components: &'a [u8; 16],
    pub(crate) sgx_names: &'a [String],
    pub(crate) pce_svn: u16,
    pub(crate) tdx_components: Option<&'a [u8; 16]>,
    pub(crate) tdx_names: &'a [String],
}

impl Needs<'_> {
    /// What a platform lacks for them.
    pub(crate) fn missing(&self, pck: &PckTcb, tdx: Option<&TeeTcbSvn>) -> Vec<MissingSvn> {
        let mut list = Vec::new();
        let (names, needs) = (self.sgx_names, self.sgx_components);
        list.extend(missing_components("SGX", names, &pck.components, needs, 0));
        list.extend(short("PCESVN".to_owned(), pck.pce_svn, self.pce_svn));
        if let (Some(svn), Some(needs)) = (tdx, self.tdx_components) {
            let (names, skip) = (self.tdx_names, svn.first_platform_component());
            list.extend(missing_components("TDX", names, svn.components(), needs, skip));
        }
        list
    }
}

/// The components from index `skip` on in which `has` is below `needs`.
fn missing_components(
    tee: &'static str,
    names: &[String],
    has: &[u8; 16],
    needs: &[u8; 16],
    skip: usize,
) -> Vec<MissingSvn> {
    let label = |index: usize| {
        let number = index.saturating_add(1);
        match names.get(index).filter(|name| !name.is_empty()) {
            Some(name) => format!("{tee} component {number} ({name})"),
            None => format!("{tee} component {number}"),
        }
    };
    has.iter()
        .zip(needs)
        .enumerate()
        .skip(skip)
        .filter_map(|(index, (has, needs))| short(label(index), u16::from(*has), u16::from(*needs)))
        .collect()
}

fn short(component: String, has: u16, needs: u16) -> Option<MissingSvn> {
    let short_by = needs.checked_sub(has).filter(|difference| *difference > 0)?;
    Some(MissingSvn { component, has, needs, short_by })
}

fn cleared(matched: &[String], better: &[String]) -> Vec<String> {
    matched.iter().filter(|id| !better.contains(id)).cloned().collect()
}

#[cfg(test)]
mod tests;
