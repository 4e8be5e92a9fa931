//! Levels of a part with one SVN: a TDX module or a quoting enclave.

use avouch_wire::UnixTime;
use serde::Deserialize;

use super::document::JsonTime;
use crate::error::DocumentError;
use crate::status::ComponentStatus;

/// One level: the SVN that it asks for, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentLevel {
    /// Lowest `ISVSVN`.
    pub isv_svn: u16,
    /// Date of the TCB.
    pub tcb_date: UnixTime,
    /// Status at this level.
    pub status: ComponentStatus,
    /// Security advisories that concern this level.
    pub advisory_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RawComponentLevel {
    tcb: RawTcb,
    tcb_date: JsonTime,
    tcb_status: String,
    #[serde(default, rename = "advisoryIDs")]
    advisory_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTcb {
    isvsvn: u16,
}

/// Sorts levels, highest first; an empty list and equal SVNs are refused.
pub(super) fn component_levels(
    field: &'static str,
    raw: Vec<RawComponentLevel>,
) -> Result<Vec<ComponentLevel>, DocumentError> {
    if raw.is_empty() {
        return Err(DocumentError::Field { field, problem: "is empty" });
    }
    let mut levels = raw
        .into_iter()
        .map(|level| component_level(field, level))
        .collect::<Result<Vec<_>, _>>()?;
    levels.sort_by_key(|level| std::cmp::Reverse(level.isv_svn));
    for (higher, lower) in levels.iter().zip(levels.iter().skip(1)) {
        if higher.isv_svn == lower.isv_svn {
            let key = format!("isvsvn {}", higher.isv_svn);
            return Err(DocumentError::EqualLevels { field, key });
        }
    }
    Ok(levels)
}

fn component_level(
    field: &'static str,
    raw: RawComponentLevel,
) -> Result<ComponentLevel, DocumentError> {
    let status = match raw.tcb_status.as_str() {
        "UpToDate" => ComponentStatus::UpToDate,
        "OutOfDate" => ComponentStatus::OutOfDate,
        "Revoked" => ComponentStatus::Revoked,
        _ => {
            let expected = "UpToDate, OutOfDate, Revoked".to_owned();
            return Err(DocumentError::Status { field, found: raw.tcb_status, expected });
        }
    };
    Ok(ComponentLevel {
        isv_svn: raw.tcb.isvsvn,
        tcb_date: raw.tcb_date.0,
        status,
        advisory_ids: raw.advisory_ids,
    })
}

/// The level of a part: the first, highest first, that its SVN reaches.
pub(crate) fn level_of(levels: &[ComponentLevel], isv_svn: u16) -> Option<&ComponentLevel> {
    levels.iter().find(|level| isv_svn >= level.isv_svn)
}

/// The lowest SVN that Intel lists.
pub(crate) fn lowest(levels: &[ComponentLevel]) -> u16 {
    levels.last().map_or(0, |level| level.isv_svn)
}
