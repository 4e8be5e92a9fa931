//! The rows of a bundle's file, as they are written.

use avouch_wire::{Hex, base64url};
use serde::{Deserialize, Serialize};

use super::BundleError;
use crate::EndorsementName;

/// How every bundle of this version begins.
pub(super) const HEAD: &str = "{\"format\":\"avouch-endorsements\",\"version\":1,\"manifest\":[\n";

/// The first member and its value: what makes a file a bundle, of whatever version.
pub(super) const MARK: &str = "{\"format\":\"avouch-endorsements\"";

/// The version that is written and read.
pub(super) const VERSION: u32 = 1;

/// What there is to know about one thing without its body.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManifestRow {
    pub(super) name: String,
    /// Of the body.
    pub(super) sha256: Hex<32>,
    /// Length of the body.
    pub(super) bytes: usize,
    pub(super) not_before: String,
    pub(super) not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evaluation_data_number: Option<u32>,
    /// In hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crl_number: Option<String>,
    /// SHA-256 of its issuer chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer_chain: Option<Hex<32>>,
}

/// A body or an issuer chain under its hash: text as it is, DER in base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContentRow {
    pub(super) sha256: Hex<32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base64: Option<String>,
}

impl ContentRow {
    /// The body of what is published under `name`.
    pub(super) fn of_body(
        name: EndorsementName,
        sha256: Hex<32>,
        body: &[u8],
    ) -> Result<Self, BundleError> {
        match name {
            EndorsementName::TcbInfo { .. }
            | EndorsementName::QeIdentity { .. }
            | EndorsementName::VekChain(..) => Self::of_text(name, sha256, body),
            EndorsementName::PckCrl(_)
            | EndorsementName::RootCaCrl
            | EndorsementName::AmdCrl(..)
            | EndorsementName::Vcek(..)
            | EndorsementName::TpmCa(_) => {
                let base64 = Some(base64url::encode_standard(body));
                Ok(Self { sha256, text: None, base64 })
            }
        }
    }

    /// The issuer chain of what is published under `name`.
    pub(super) fn of_chain(
        name: EndorsementName,
        sha256: Hex<32>,
        chain: &[u8],
    ) -> Result<Self, BundleError> {
        Self::of_text(name, sha256, chain)
    }

    fn of_text(name: EndorsementName, sha256: Hex<32>, bytes: &[u8]) -> Result<Self, BundleError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| BundleError::NotText { name: name.to_string() })?;
        Ok(Self { sha256, text: Some(text.to_owned()), base64: None })
    }
}
