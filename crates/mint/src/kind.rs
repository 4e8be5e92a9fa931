//! Kinds of evidence, and the named ways to break each.

use std::{fmt, str::FromStr};

use crate::{MintError, intel, snp};

/// A kind of evidence that can be minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A bare SGX ECDSA quote v3, as `POST /attest/SgxEnclave` takes it.
    Sgx,
    /// An SGX quote in an Open Enclave wrapper, as `POST /attest/OpenEnclave` takes it.
    OpenEnclave,
    /// A TDX quote v4 or v5, as `POST /attest/TdxVm` takes it.
    Tdx,
    /// An AMD SEV-SNP report, as `POST /attest/SevSnpVm` takes it.
    Snp,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Sgx, Self::OpenEnclave, Self::Tdx, Self::Snp];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::OpenEnclave => "open-enclave",
            Self::Tdx => "tdx",
            Self::Snp => "snp",
        }
    }

    /// The ways in which evidence of this kind can be broken, each wrong in one point only.
    #[must_use]
    pub fn breaks(self) -> &'static [Break] {
        match self {
            Self::Sgx | Self::OpenEnclave | Self::Tdx => intel::breaks(self),
            Self::Snp => snp::breaks(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = MintError;

    fn from_str(text: &str) -> Result<Self, MintError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| MintError::UnknownKind(text.to_owned()))
    }
}

/// One named way in which evidence can be wrong.
///
/// Everything else stays consistent: what is signed after the point of the break is signed again,
/// so that only a verifier that makes this one check refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// Name on the command line, in kebab case.
    pub name: &'static str,
    /// What is wrong, in one line.
    pub what: &'static str,
    /// Which step refuses.
    pub stage: Stage,
    /// The `check()` of the refusal.
    pub expected_check: &'static str,
}

/// The step that refuses broken evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Verification of the evidence against its endorsements.
    Verification,
    /// The evidence verifies; the data beside it is not what it binds.
    Binding,
    /// The evidence verifies and binds; acceptance refuses it, with default settings or, where it
    /// is debuggable, with `refuse_debuggable`.
    Acceptance,
}

impl Stage {
    /// The name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Binding => "binding",
            Self::Acceptance => "acceptance",
        }
    }
}
