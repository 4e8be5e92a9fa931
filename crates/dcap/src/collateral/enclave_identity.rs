//! Identity of Intel's own enclaves: who signs quotes, and in which versions.

use avouch_pki::Window;
use avouch_wire::Hex;
use serde::Deserialize;

use super::document::{JsonTime, checked_text};
use super::levels::{ComponentLevel, RawComponentLevel, component_levels};
use crate::error::DocumentError;

/// Which of Intel's enclaves an identity is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnclaveId {
    /// Quoting enclave of SGX.
    Qe,
    /// Quoting enclave of TDX.
    TdQe,
    /// Quote verification enclave.
    Qve,
    /// Quote appraisal enclave.
    Qae,
}

impl EnclaveId {
    /// Intel's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qe => "QE",
            Self::TdQe => "TD_QE",
            Self::Qve => "QVE",
            Self::Qae => "QAE",
        }
    }
}

/// An enclave identity of version 2, parsed. Whether Intel signed it is another matter.
///
/// Source: Intel PCS API v4, "Get Quoting Enclave Identity".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnclaveIdentity {
    /// The quoting enclave that it identifies: that of SGX or of TDX.
    pub id: EnclaveId,
    /// From `issueDate` to `nextUpdate`.
    pub window: Window,
    /// `tcbEvaluationDataNumber`: which TCB recovery this judges by.
    pub evaluation_data_number: u32,
    /// MISCSELECT that the report must have under the mask, 4 bytes.
    pub misc_select: Hex<4>,
    /// Which bits of MISCSELECT matter.
    pub misc_select_mask: Hex<4>,
    /// ATTRIBUTES that the report must have under the mask, 16 bytes.
    pub attributes: Hex<16>,
    /// Which bits of ATTRIBUTES matter.
    pub attributes_mask: Hex<16>,
    /// MRSIGNER, 32 bytes.
    pub mr_signer: Hex<32>,
    /// Product id that the enclave must have.
    pub isv_prod_id: u16,
    /// Levels, highest first; at least one.
    pub levels: Vec<ComponentLevel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawIdentity {
    id: String,
    version: u32,
    issue_date: JsonTime,
    next_update: JsonTime,
    tcb_evaluation_data_number: u32,
    miscselect: Hex<4>,
    miscselect_mask: Hex<4>,
    attributes: Hex<16>,
    attributes_mask: Hex<16>,
    mrsigner: Hex<32>,
    isvprodid: u16,
    tcb_levels: Vec<RawComponentLevel>,
}

impl EnclaveIdentity {
    /// Parses the inner object, `enclaveIdentity`.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let raw: RawIdentity = serde_json::from_str(checked_text(text.as_bytes())?)?;
        if raw.version != 2 {
            return Err(DocumentError::Version { found: raw.version, supported: "2" });
        }
        let id = [EnclaveId::Qe, EnclaveId::TdQe, EnclaveId::Qve, EnclaveId::Qae]
            .into_iter()
            .find(|id| id.as_str() == raw.id)
            .ok_or(DocumentError::Id(raw.id))?;
        Ok(Self {
            id,
            window: Window { not_before: raw.issue_date.0, not_after: raw.next_update.0 },
            evaluation_data_number: raw.tcb_evaluation_data_number,
            misc_select: raw.miscselect,
            misc_select_mask: raw.miscselect_mask,
            attributes: raw.attributes,
            attributes_mask: raw.attributes_mask,
            mr_signer: raw.mrsigner,
            isv_prod_id: raw.isvprodid,
            levels: component_levels("tcbLevels", raw.tcb_levels)?,
        })
    }
}
