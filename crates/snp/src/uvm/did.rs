//! `did:x509` identifiers, as far as UVM endorsements use them.

use std::fmt;

use avouch_wire::{Hex, base64url};

use super::UvmError;

/// `did:x509:0:sha256:<fingerprint>::eku:<oid>`: whoever holds a certificate with this extended key
/// usage under the CA certificate of this SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DidX509 {
    text: String,
    ca_fingerprint: Hex<32>,
    extended_key_usage: String,
}

/// Longest identifier; real ones have 92 characters.
const LENGTH_MAX: usize = 256;

impl DidX509 {
    /// Reads an identifier with exactly one policy, `eku`, and a SHA-256 fingerprint.
    ///
    /// # Errors
    /// [`UvmError::Did`] with the text.
    ///
    /// # Source
    /// did:x509 method specification, version 0.
    pub fn parse(text: &str) -> Result<Self, UvmError> {
        let refused = || UvmError::Did { found: text.chars().take(LENGTH_MAX).collect() };
        if text.len() > LENGTH_MAX {
            return Err(refused());
        }
        let rest = text.strip_prefix("did:x509:0:sha256:").ok_or_else(refused)?;
        let (fingerprint, policy) = rest.split_once("::").ok_or_else(refused)?;
        let oid = policy.strip_prefix("eku:").ok_or_else(refused)?;
        let bytes = base64url::decode(fingerprint).map_err(|_| refused())?;
        let ca_fingerprint = Hex(bytes.try_into().map_err(|_| refused())?);
        let dotted = oid
            .split('.')
            .all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()));
        if !dotted || fingerprint.contains('=') {
            return Err(refused());
        }
        Ok(Self { text: text.to_owned(), ca_fingerprint, extended_key_usage: oid.to_owned() })
    }

    /// SHA-256 of a CA certificate above the signer's.
    #[must_use]
    pub const fn ca_fingerprint(&self) -> &Hex<32> {
        &self.ca_fingerprint
    }

    /// The extended key usage that the signer's certificate must have, dotted.
    #[must_use]
    pub fn extended_key_usage(&self) -> &str {
        &self.extended_key_usage
    }

    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for DidX509 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
