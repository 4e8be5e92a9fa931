//! Identities of quoting enclaves.

use avouch_wire::UnixTime;
use serde::Serialize;

use super::tcb_info::SvnLevel;

/// An enclave identity document, version 2.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnclaveIdentity {
    pub(crate) id: &'static str,
    pub(crate) version: u32,
    pub(crate) issue_date: UnixTime,
    pub(crate) next_update: UnixTime,
    pub(crate) tcb_evaluation_data_number: u32,
    pub(crate) miscselect: String,
    pub(crate) miscselect_mask: String,
    pub(crate) attributes: String,
    pub(crate) attributes_mask: String,
    pub(crate) mrsigner: String,
    pub(crate) isvprodid: u32,
    pub(crate) tcb_levels: Vec<SvnLevel>,
}
