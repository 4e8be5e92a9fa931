//! What a signed token is.

use std::fmt;

/// What a token of the service is. Each kind is signed by keys of its own, so that neither passes for the
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TokenKind {
    /// An attestation token, or the result of a policy or certificate request.
    #[default]
    Attestation,
    /// A report of a TPM or of a VBS enclave.
    Report,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attestation => "attestation tokens",
            Self::Report => "reports",
        })
    }
}
