//! TCB info v2 and v3, for SGX and TDX.

use avouch_wire::UnixTime;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// A TCB info document (Intel PCS API v3 for version 2, v4 for version 3).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TcbInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'static str>,
    pub(crate) version: u32,
    pub(crate) issue_date: UnixTime,
    pub(crate) next_update: UnixTime,
    pub(crate) fmspc: String,
    pub(crate) pce_id: String,
    pub(crate) tcb_type: u32,
    pub(crate) tcb_evaluation_data_number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tdx_module: Option<TdxModule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tdx_module_identities: Option<Vec<TdxModuleIdentity>>,
    pub(crate) tcb_levels: Vec<TcbLevel>,
}

/// The TDX module of version 0.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TdxModule {
    pub(crate) mrsigner: String,
    pub(crate) attributes: String,
    pub(crate) attributes_mask: String,
}

/// A TDX module of a later version and its levels.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TdxModuleIdentity {
    pub(crate) id: String,
    pub(crate) mrsigner: String,
    pub(crate) attributes: String,
    pub(crate) attributes_mask: String,
    pub(crate) tcb_levels: Vec<SvnLevel>,
}

/// A platform TCB level.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TcbLevel {
    pub(crate) tcb: Tcb,
    pub(crate) tcb_date: UnixTime,
    pub(crate) tcb_status: String,
    #[serde(rename = "advisoryIDs", skip_serializing_if = "Vec::is_empty")]
    pub(crate) advisory_ids: Vec<String>,
}

/// The SVNs that a level asks for.
#[derive(Debug, Clone)]
pub(crate) struct Tcb {
    /// `sgxtcbcomp01svn` and so on, instead of arrays.
    pub(crate) flat: bool,
    pub(crate) sgx: Vec<u32>,
    pub(crate) pce_svn: u32,
    pub(crate) tdx: Option<Vec<u32>>,
}

/// A level with one SVN: of a TDX module or of a quoting enclave.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SvnLevel {
    pub(crate) tcb: IsvSvn,
    pub(crate) tcb_date: UnixTime,
    pub(crate) tcb_status: String,
    #[serde(rename = "advisoryIDs", skip_serializing_if = "Vec::is_empty")]
    pub(crate) advisory_ids: Vec<String>,
}

/// The SVN that such a level asks for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct IsvSvn {
    pub(crate) isvsvn: u32,
}

#[derive(Serialize)]
struct Component {
    svn: u32,
}

impl Serialize for Tcb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let components = |svns: &[u32]| -> Vec<Component> {
            svns.iter().map(|svn| Component { svn: *svn }).collect()
        };
        if self.flat {
            for (number, svn) in (1..).zip(&self.sgx) {
                let _: u32 = number;
                map.serialize_entry(&format!("sgxtcbcomp{number:02}svn"), svn)?;
            }
        } else {
            map.serialize_entry("sgxtcbcomponents", &components(&self.sgx))?;
        }
        map.serialize_entry("pcesvn", &self.pce_svn)?;
        if let Some(tdx) = &self.tdx {
            map.serialize_entry("tdxtcbcomponents", &components(tdx))?;
        }
        map.end()
    }
}
