//! How the machine is isolated from its host, as the client says.

use std::borrow::Cow;

use serde::Deserialize;

use super::{DocumentError, decode};

/// How the machine is isolated from its host, by the client's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolation {
    /// Not at all: a virtual TPM, and firmware that measures.
    TrustedLaunch,
    /// SEV-SNP.
    SevSnp {
        /// The `report` document of `SevSnpVm`: report and certificates.
        proof: Vec<u8>,
        /// The runtime data that the report binds.
        runtime_data: Vec<u8>,
    },
    /// TDX.
    Tdx {
        /// A quote.
        proof: Vec<u8>,
        /// The runtime data that the quote binds.
        runtime_data: Vec<u8>,
    },
}

#[derive(Deserialize)]
pub(super) struct IsolationInfo<'a> {
    #[serde(rename = "Type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "Evidence", borrow, default)]
    evidence: Option<Evidence<'a>>,
}

#[derive(Deserialize)]
struct Evidence<'a> {
    #[serde(rename = "Proof", borrow)]
    proof: Cow<'a, str>,
    #[serde(rename = "RunTimeData", borrow)]
    runtime_data: Cow<'a, str>,
}

impl Isolation {
    pub(super) fn decode(written: IsolationInfo<'_>) -> Result<Self, DocumentError> {
        let misfit = |problem, kind| DocumentError::IsolationEvidence { problem, kind };
        match (&*written.kind, written.evidence) {
            ("TrustedLaunch", None) => Ok(Self::TrustedLaunch),
            ("TrustedLaunch", Some(_)) => Err(misfit("stands beside", "TrustedLaunch")),
            ("SevSnp", Some(evidence)) => {
                let (proof, runtime_data) = evidence.parts()?;
                Ok(Self::SevSnp { proof, runtime_data })
            }
            ("SevSnp", None) => Err(misfit("is missing for", "SevSnp")),
            ("Tdx", Some(evidence)) => {
                let (proof, runtime_data) = evidence.parts()?;
                Ok(Self::Tdx { proof, runtime_data })
            }
            ("Tdx", None) => Err(misfit("is missing for", "Tdx")),
            (other, _) => {
                Err(DocumentError::IsolationType { found: other.chars().take(32).collect() })
            }
        }
    }
}

impl Evidence<'_> {
    fn parts(&self) -> Result<(Vec<u8>, Vec<u8>), DocumentError> {
        let proof = decode("IsolationInfo.Evidence.Proof", &self.proof)?;
        Ok((proof, decode("IsolationInfo.Evidence.RunTimeData", &self.runtime_data)?))
    }
}
