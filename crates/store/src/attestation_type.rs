//! The types a provider holds a policy for.

/// An attestation type, in the spelling of MAA's `/policies/{type}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are MAA's and say it all")]
pub enum AttestationType {
    SgxEnclave,
    OpenEnclave,
    Tpm,
    SevSnpVm,
    TdxVm,
    AzureGuest,
    Pluton,
    KeyGuard,
    MdepTz,
    AiHsm,
}

impl AttestationType {
    /// All types.
    pub const ALL: [Self; 10] = [
        Self::SgxEnclave,
        Self::OpenEnclave,
        Self::Tpm,
        Self::SevSnpVm,
        Self::TdxVm,
        Self::AzureGuest,
        Self::Pluton,
        Self::KeyGuard,
        Self::MdepTz,
        Self::AiHsm,
    ];

    /// MAA's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SgxEnclave => "SgxEnclave",
            Self::OpenEnclave => "OpenEnclave",
            Self::Tpm => "Tpm",
            Self::SevSnpVm => "SevSnpVm",
            Self::TdxVm => "TdxVm",
            Self::AzureGuest => "AzureGuest",
            Self::Pluton => "Pluton",
            Self::KeyGuard => "KeyGuard",
            Self::MdepTz => "MdepTz",
            Self::AiHsm => "AiHsm",
        }
    }

    /// Reads a type in any case, as MAA's routes do.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(text))
    }
}

impl std::fmt::Display for AttestationType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
