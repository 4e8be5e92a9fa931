//! The kinds of evidence, and what each is called where.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A kind of evidence. One arm here, one crate, one table of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A bare Intel SGX quote.
    Sgx,
    /// An Open Enclave report or evidence around an SGX quote.
    OpenEnclave,
    /// An Intel TDX quote.
    Tdx,
    /// An AMD SEV-SNP report with its certificates.
    Snp,
}

impl EvidenceKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Sgx, Self::OpenEnclave, Self::Tdx, Self::Snp];

    /// The name in routes: `/attest/{name}` and `/policies/{name}`.
    #[must_use]
    pub const fn route_name(self) -> &'static str {
        match self {
            Self::Sgx => "SgxEnclave",
            Self::OpenEnclave => "OpenEnclave",
            Self::Tdx => "TdxVm",
            Self::Snp => "SevSnpVm",
        }
    }

    /// The kind that a route names, in any case.
    #[must_use]
    pub fn from_route(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.route_name().eq_ignore_ascii_case(name))
    }

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

    /// What evidence of it is called in a sentence, with its article.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sgx => "an SGX quote",
            Self::OpenEnclave => "an Open Enclave report or evidence",
            Self::Tdx => "a TDX quote",
            Self::Snp => "an SEV-SNP report",
        }
    }

    /// Whether people call it so: by its name here, in routes, in claims or by its vendor, in any
    /// case, with or without hyphens and underscores. Each word is one kind's only.
    #[must_use]
    pub fn is_called(self, text: &str) -> bool {
        let plain = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
        let word = plain(text);
        let others: &[&str] = match self {
            Self::Sgx => &[],
            Self::OpenEnclave => &["oe"],
            Self::Tdx => &["tdxvm", "inteltdx"],
            Self::Snp => &["sevsnp", "sevsnpvm", "amdsevsnp"],
        };
        word == plain(self.name())
            || word == plain(self.route_name())
            || others.contains(&word.as_str())
    }

    /// The member of the request body that holds the evidence.
    #[must_use]
    pub const fn evidence_member(self) -> &'static str {
        match self {
            Self::Sgx | Self::Tdx => "quote",
            Self::OpenEnclave | Self::Snp => "report",
        }
    }

    /// The Intel TEE that it is evidence of, if it is one.
    #[must_use]
    pub const fn intel_tee(self) -> Option<avouch_dcap::TeeType> {
        match self {
            Self::Sgx | Self::OpenEnclave => Some(avouch_dcap::TeeType::Sgx),
            Self::Tdx => Some(avouch_dcap::TeeType::Tdx),
            Self::Snp => None,
        }
    }

    /// The value of `x-ms-attestation-type`.
    #[must_use]
    pub const fn attestation_type(self) -> &'static str {
        match self {
            Self::Sgx | Self::OpenEnclave => "sgx",
            Self::Tdx => "tdxvm",
            Self::Snp => "sevsnpvm",
        }
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EvidenceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.is_called(text)).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no kind of evidence; kinds are: {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::EvidenceKind;

    #[test]
    fn each_kind_has_one_name_and_answers_to_the_others_that_people_use() {
        for (kind, names) in [
            (EvidenceKind::Sgx, &["sgx", "SgxEnclave", "SGX"][..]),
            (EvidenceKind::OpenEnclave, &["open-enclave", "OpenEnclave", "open_enclave", "oe"]),
            (EvidenceKind::Tdx, &["tdx", "TdxVm", "tdxvm", "intel-tdx"]),
            (EvidenceKind::Snp, &["snp", "sev-snp", "sevsnpvm", "SevSnpVm", "SEV_SNP"]),
        ] {
            for name in names {
                assert_eq!(name.parse(), Ok(kind), "{name}");
            }
            assert_eq!(kind.to_string(), names[0]);
        }
        for stranger in ["", "-", "sev", "sgx2", "azureguest", "tpm"] {
            let error = stranger.parse::<EvidenceKind>().unwrap_err();
            assert!(error.contains("sgx, open-enclave, tdx, snp"), "{error}");
        }
    }
}
