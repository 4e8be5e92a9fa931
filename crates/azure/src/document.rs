//! The document of a guest attestation request, as its public clients write it.

mod isolation;
mod system;
mod tpm_info;

use std::borrow::Cow;

use avouch_wire::json::{self, JsonError};
use avouch_wire::{base64url, failed_check};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use thiserror::Error;

pub use isolation::Isolation;
pub use system::OperatingSystem;
pub(crate) use tpm_info::TpmInfo;

use isolation::IsolationInfo;

/// Longest document: that of the service's largest body.
const DOCUMENT_BYTES_MAX: usize = 4 << 20;
/// Longest payload of the client's: it stands in the token.
const PAYLOAD_BYTES_MAX: usize = 16 * 1024;
/// The one version of the protocol whose requests say all that is verified.
const PROTOCOL_VERSION: &str = "2.0";

/// Why a document is not a guest attestation request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// Larger than any client sends.
    #[error("the document has {found} bytes, over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not the JSON object that it should be.
    #[error("the document is not the expected JSON object: {reason}")]
    Json {
        /// What the JSON reader says, with line and column.
        reason: String,
    },
    /// A member is not base64.
    #[error("{member} is not base64: {source}")]
    Base64 {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        source: base64url::DecodeError,
    },
    /// A member has another value than is expected.
    #[error("{member}: expected {expected}")]
    Member {
        /// The member.
        member: &'static str,
        /// What is expected of it.
        expected: &'static str,
    },
    /// Another version of the protocol.
    #[error("AttestationProtocolVersion is {found:?}, expected \"{PROTOCOL_VERSION}\"")]
    ProtocolVersion {
        /// The version.
        found: String,
    },
    /// Isolation of a kind that is not verified.
    #[error("IsolationInfo.Type is {found:?}, expected TrustedLaunch, SevSnp or Tdx")]
    IsolationType {
        /// The type.
        found: String,
    },
    /// Evidence of isolation where there is none, or none where it is said to be.
    #[error("IsolationInfo.Evidence {problem} isolation {kind}")]
    IsolationEvidence {
        /// What is wrong.
        problem: &'static str,
        /// The type.
        kind: &'static str,
    },
    /// What the client wants to see in the token cannot stand there.
    #[error("ClientPayload: {0}")]
    Payload(JsonError),
}

failed_check!(DocumentError {
    Self::TooLarge { .. } => "guest-document-size",
    Self::Json { .. } => "guest-document-json",
    Self::Base64 { .. } => "guest-document-base64",
    Self::Member { .. } => "guest-document-member",
    Self::ProtocolVersion { .. } => "guest-protocol-version",
    Self::IsolationType { .. } => "guest-isolation-type",
    Self::IsolationEvidence { .. } => "guest-isolation-evidence",
    Self::Payload(_) => "guest-client-payload",
});

/// A request as its bytes say it is: nothing in it is verified.
#[derive(Debug, Clone)]
pub struct AttestationInfo {
    system: OperatingSystem,
    log: Vec<u8>,
    client_payload: Option<Map<String, Value>>,
    pub(crate) tpm: TpmInfo,
    isolation: Isolation,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "AttestationProtocolVersion", borrow)]
    protocol_version: Cow<'a, str>,
    #[serde(rename = "OSType", borrow)]
    os_type: Cow<'a, str>,
    #[serde(rename = "OSDistro", borrow)]
    os_distro: Cow<'a, str>,
    #[serde(rename = "OSBuild", borrow)]
    os_build: Cow<'a, str>,
    #[serde(rename = "OSVersionMajor", borrow)]
    os_version_major: system::Version<'a>,
    #[serde(rename = "OSVersionMinor", borrow)]
    os_version_minor: system::Version<'a>,
    #[serde(rename = "TcgLogs", borrow, default)]
    tcg_logs: Option<Cow<'a, str>>,
    #[serde(rename = "ClientPayload", borrow, default)]
    client_payload: Option<&'a RawValue>,
    #[serde(rename = "TpmInfo", borrow)]
    tpm_info: tpm_info::Written<'a>,
    #[serde(rename = "IsolationInfo", borrow)]
    isolation_info: IsolationInfo<'a>,
}

impl AttestationInfo {
    /// Reads the document, after the request's `AttestationInfo` was base64url-decoded.
    ///
    /// Binary members are base64 of either alphabet, padded or not; versions are numbers or texts of
    /// numbers; a public area may stand with the two names that a TPM answers beside it. Members of other
    /// names are ignored, a name twice is refused.
    ///
    /// # Errors
    /// [`DocumentError`] naming the member.
    ///
    /// # Source
    /// `docs/maa/attest.md#azure-guests`.
    pub fn parse(document: &[u8]) -> Result<Self, DocumentError> {
        if document.len() > DOCUMENT_BYTES_MAX {
            let (found, limit) = (document.len(), DOCUMENT_BYTES_MAX);
            return Err(DocumentError::TooLarge { found, limit });
        }
        let written: Document<'_> =
            json::read_object(document).map_err(|reason| DocumentError::Json { reason })?;
        if written.protocol_version != PROTOCOL_VERSION {
            let found = written.protocol_version.chars().take(16).collect();
            return Err(DocumentError::ProtocolVersion { found });
        }
        let log = written.tcg_logs.map_or(Ok(Vec::new()), |text| decode("TcgLogs", &text))?;
        let client_payload = written.client_payload.filter(|payload| payload.get() != "null");
        Ok(Self {
            system: OperatingSystem {
                os_type: system::text("OSType", &written.os_type)?,
                distro: system::text("OSDistro", &written.os_distro)?,
                build: system::text("OSBuild", &written.os_build)?,
                version_major: written.os_version_major.number("OSVersionMajor")?,
                version_minor: written.os_version_minor.number("OSVersionMinor")?,
            },
            log,
            client_payload: client_payload.map(payload).transpose()?,
            tpm: TpmInfo::decode(&written.tpm_info)?,
            isolation: Isolation::decode(written.isolation_info)?,
        })
    }

    /// What the client says of its system.
    #[must_use]
    pub const fn untrusted_system(&self) -> &OperatingSystem {
        &self.system
    }

    /// The firmware's log; empty if none was sent.
    #[must_use]
    pub fn untrusted_log(&self) -> &[u8] {
        &self.log
    }

    /// What the client wants to see in the token, as it wrote it.
    #[must_use]
    pub const fn untrusted_client_payload(&self) -> Option<&Map<String, Value>> {
        self.client_payload.as_ref()
    }

    /// How the machine is isolated from its host, by the client's word, with evidence for its own verifier.
    #[must_use]
    pub const fn untrusted_isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// The certificate of the attestation key, if one was sent; padding may stand behind it.
    #[must_use]
    pub fn untrusted_ak_certificate(&self) -> Option<&[u8]> {
        Some(self.tpm.ak_certificate.as_slice()).filter(|der| !der.is_empty())
    }
}

/// Strictly, because two readers of one text must see the same.
fn payload(raw: &RawValue) -> Result<Map<String, Value>, DocumentError> {
    let text = raw.get().as_bytes();
    let members =
        json::parse_embedded_object(text, PAYLOAD_BYTES_MAX).map_err(DocumentError::Payload)?;
    if json::first_inexact_number(text).is_some() {
        let (member, expected) = ("ClientPayload", "numbers that can be carried exactly");
        return Err(DocumentError::Member { member, expected });
    }
    Ok(members)
}

/// Base64 of either alphabet, padded or not.
fn decode(member: &'static str, text: &str) -> Result<Vec<u8>, DocumentError> {
    base64url::decode_either(text).map_err(|source| DocumentError::Base64 { member, source })
}
