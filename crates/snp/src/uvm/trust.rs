//! Whose endorsements count: operator configuration with Microsoft's published values as default.

use serde::{Deserialize, Serialize};

use super::UvmError;

/// A publisher, what it publishes, and from which version on it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UvmTrustEntry {
    /// The publisher, a `did:x509` identifier.
    pub issuer: String,
    /// The name of what is published.
    pub feed: String,
    /// The least security version.
    pub minimum_svn: u64,
    /// The value of `x-ms-compliance-status` that an accepted endorsement stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_status: Option<String>,
}

/// The publishers that an operator trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UvmTrust {
    /// The publishers; an empty list trusts nobody.
    pub entries: Vec<UvmTrustEntry>,
}

/// `did:x509` of Microsoft's supply chain root (2022) with the extended key usage of the
/// confidential ACI utility VM.
const CONTAINER_PLATFORM: &str =
    "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2";
/// The same root, confidential AKS.
const CONFIDENTIAL_AKS: &str =
    "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.5";

impl Default for UvmTrust {
    /// Microsoft's published values: confidential ACI from SVN 100 on, confidential AKS from 1 on.
    fn default() -> Self {
        let entry = |issuer: &str, feed: &str, minimum_svn, status: &str| UvmTrustEntry {
            issuer: issuer.to_owned(),
            feed: feed.to_owned(),
            minimum_svn,
            compliance_status: Some(status.to_owned()),
        };
        Self {
            entries: vec![
                entry(CONTAINER_PLATFORM, "ContainerPlat-AMD-UVM", 100, "azure-compliant-uvm"),
                entry(CONFIDENTIAL_AKS, "ConfAKS-AMD-UVM", 1, "azure-signed-katacc-uvm"),
            ],
        }
    }
}

impl UvmTrust {
    /// The entry of a publisher and feed.
    ///
    /// # Errors
    /// [`UvmError::Untrusted`] if there is none.
    pub fn entry(&self, issuer: &str, feed: &str) -> Result<&UvmTrustEntry, UvmError> {
        let known = self.entries.iter().find(|entry| entry.issuer == issuer && entry.feed == feed);
        known
            .ok_or_else(|| UvmError::Untrusted { issuer: issuer.to_owned(), feed: feed.to_owned() })
    }
}
