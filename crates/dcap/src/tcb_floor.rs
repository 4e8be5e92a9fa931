//! The lowest TCB of a platform that an operator takes, component by component.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pck_extension::PckTcb;
use crate::shortfall::{MissingSvn, Needs};
use crate::td_report::TeeTcbSvn;

/// Lowest security versions of a platform, in the form of Intel's TCB levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcbFloor {
    /// Lowest SGX component SVNs, 16 of them, as the PCK certificate has them.
    pub sgx_components: [u8; 16],
    /// Lowest `PCESVN`.
    pub pce_svn: u16,
    /// Lowest TDX component SVNs, 16 of them, as `TEE_TCB_SVN` has them; the first two are the TDX
    /// module's, and do not count where Intel lists modules by themselves. TDX only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tdx_components: Option<[u8; 16]>,
}

/// Security versions that are below a floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct BelowFloor(pub Vec<MissingSvn>);

impl fmt::Display for BelowFloor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, svn) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{svn}")?;
        }
        Ok(())
    }
}

impl TcbFloor {
    /// That of a platform as it is.
    pub(crate) fn of(pck: &PckTcb, tdx: Option<&TeeTcbSvn>) -> Self {
        Self {
            sgx_components: pck.components,
            pce_svn: pck.pce_svn,
            tdx_components: tdx.map(|svn| *svn.components()),
        }
    }

    /// What is below it: nothing if the platform is not. A floor without TDX components holds for
    /// no TD.
    pub(crate) fn below(&self, pck: &PckTcb, tdx: Option<&TeeTcbSvn>) -> Option<BelowFloor> {
        let needs = Needs {
            sgx_components: &self.sgx_components,
            sgx_names: &[],
            pce_svn: self.pce_svn,
            tdx_components: Some(self.tdx_components.as_ref().unwrap_or(&[u8::MAX; 16])),
            tdx_names: &[],
        };
        let missing = needs.missing(pck, tdx);
        (!missing.is_empty()).then_some(BelowFloor(missing))
    }
}
