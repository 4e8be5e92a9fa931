//! What vendors publish, each thing under a name of its own: what is asked for, kept and shown.

use std::fmt;
use std::str::FromStr;

use avouch_dcap::{TcbEvaluation, TeeType};
use avouch_snp::{Product, VekKind};
use avouch_wire::{Hex, excerpt};
use thiserror::Error;

/// One thing that a vendor publishes and that is fetched by itself.
///
/// Its text form is a path, the vendor first: `intel/sgx/tcb-info/00606a000000/standard`,
/// `intel/tdx/qe-identity/early`, `intel/pck-crl/platform`, `intel/root-ca-crl`,
/// `amd/milan/vcek-chain`, `amd/milan/vlek-crl`, `amd/milan/vcek/CHIP-ID/TCB`, `tpm/ca/SHA-256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndorsementName {
    /// Intel's TCB info of one family of platforms, signed JSON.
    TcbInfo {
        /// SGX or TDX.
        tee: TeeType,
        /// Family of platforms.
        fmspc: Hex<6>,
        /// Of which TCB recovery.
        evaluation: TcbEvaluation,
    },
    /// Intel's identity of the quoting enclave, signed JSON.
    QeIdentity {
        /// SGX or TDX.
        tee: TeeType,
        /// Of which TCB recovery.
        evaluation: TcbEvaluation,
    },
    /// CRL of one of Intel's two PCK CAs.
    PckCrl(PckCa),
    /// CRL of Intel's root CA.
    RootCaCrl,
    /// AMD's ASK or ASVK of a product with the ARK above.
    VekChain(Product, VekKind),
    /// CRL of a product's ARK, as it is published for VCEKs or VLEKs.
    AmdCrl(Product, VekKind),
    /// The VCEK of one chip at one TCB.
    Vcek(Product, VcekId),
    /// A CA of TPMs below a root, by the SHA-256 of its certificate.
    TpmCa(Hex<32>),
}

/// Who issued a PCK certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PckCa {
    /// Of platforms with one socket.
    Processor,
    /// Of Xeon Scalable platforms.
    Platform,
}

/// What AMD derives a VCEK from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VcekId {
    /// CHIP_ID of a report; of Turin the first 8 bytes count, the others are zero.
    pub chip_id: Hex<64>,
    /// REPORTED_TCB of a report, in memory order.
    pub tcb: Hex<8>,
}

/// A text that is no name of an endorsement.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no name of an endorsement, such as intel/sgx/qe-identity/standard")]
pub struct NameError {
    text: String,
}

/// Whose evidence a thing is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// SGX and TDX.
    Intel,
    /// SEV-SNP.
    Amd,
    /// TPMs, of whatever manufacturer.
    Tpm,
}

impl EndorsementName {
    /// Whether Intel publishes it.
    #[must_use]
    pub fn is_of_intel(&self) -> bool {
        self.whose() == Whose::Intel
    }

    pub(crate) const fn whose(&self) -> Whose {
        match self {
            Self::TcbInfo { .. } | Self::QeIdentity { .. } | Self::PckCrl(_) | Self::RootCaCrl => {
                Whose::Intel
            }
            Self::VekChain(..) | Self::AmdCrl(..) | Self::Vcek(..) => Whose::Amd,
            Self::TpmCa(_) => Whose::Tpm,
        }
    }

    /// By which TCB recovery; none of what is the same for all.
    #[must_use]
    pub const fn evaluation(&self) -> Option<TcbEvaluation> {
        match *self {
            Self::TcbInfo { evaluation, .. } | Self::QeIdentity { evaluation, .. } => {
                Some(evaluation)
            }
            _ => None,
        }
    }

    /// The same by another TCB recovery, where there are several.
    #[must_use]
    pub const fn with_evaluation(self, evaluation: TcbEvaluation) -> Self {
        match self {
            Self::TcbInfo { tee, fmspc, .. } => Self::TcbInfo { tee, fmspc, evaluation },
            Self::QeIdentity { tee, .. } => Self::QeIdentity { tee, evaluation },
            other => other,
        }
    }
}

impl fmt::Display for EndorsementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TcbInfo { tee, fmspc, evaluation } => {
                write!(f, "intel/{}/tcb-info/{fmspc}/{evaluation}", word(tee))
            }
            Self::QeIdentity { tee, evaluation } => {
                write!(f, "intel/{}/qe-identity/{evaluation}", word(tee))
            }
            Self::PckCrl(ca) => write!(f, "intel/pck-crl/{}", ca.name()),
            Self::RootCaCrl => f.write_str("intel/root-ca-crl"),
            Self::VekChain(product, kind) => {
                write!(f, "amd/{}/{}-chain", word(product), word(kind))
            }
            Self::AmdCrl(product, kind) => write!(f, "amd/{}/{}-crl", word(product), word(kind)),
            Self::Vcek(product, VcekId { chip_id, tcb }) => {
                write!(f, "amd/{}/vcek/{chip_id}/{tcb}", word(product))
            }
            Self::TpmCa(sha256) => write!(f, "tpm/ca/{sha256}"),
        }
    }
}

impl EndorsementName {
    /// Whether it is a document of a TCB recovery that is chosen by its number.
    #[must_use]
    pub const fn is_of_numbered_recovery(&self) -> bool {
        matches!(
            self,
            Self::TcbInfo { evaluation: TcbEvaluation::Number(_), .. }
                | Self::QeIdentity { evaluation: TcbEvaluation::Number(_), .. }
        )
    }
}

impl FromStr for EndorsementName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.splitn(6, '/').collect();
        let found = match parts.as_slice() {
            ["intel", "root-ca-crl"] => Some(Self::RootCaCrl),
            ["intel", "pck-crl", ca] => PckCa::from_name(ca).map(Self::PckCrl),
            ["intel", tee, "qe-identity", evaluation] => tee_of(tee)
                .zip(evaluation.parse().ok())
                .map(|(tee, evaluation)| Self::QeIdentity { tee, evaluation }),
            ["intel", tee, "tcb-info", fmspc, evaluation] => tee_of(tee)
                .zip(hex(fmspc).zip(evaluation.parse().ok()))
                .map(|(tee, (fmspc, evaluation))| Self::TcbInfo { tee, fmspc, evaluation }),
            ["amd", product, "vcek", chip_id, tcb] => product_of(product)
                .zip(hex(chip_id).zip(hex(tcb)))
                .map(|(product, (chip_id, tcb))| Self::Vcek(product, VcekId { chip_id, tcb })),
            ["amd", product, of_product] => product_of(product).and_then(|product| {
                let (kind, what) = of_product.split_once('-')?;
                match what {
                    "chain" => Some(Self::VekChain(product, kind_of(kind)?)),
                    "crl" => Some(Self::AmdCrl(product, kind_of(kind)?)),
                    _ => None,
                }
            }),
            ["tpm", "ca", sha256] => hex(sha256).map(Self::TpmCa),
            _ => None,
        };
        // Each thing has one name: other spellings are none.
        found
            .filter(|name| name.to_string() == text)
            .ok_or_else(|| NameError { text: excerpt(text).to_string() })
    }
}

impl PckCa {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Processor, Self::Platform];

    /// `processor` or `platform`, as in Intel's queries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Platform => "platform",
        }
    }

    /// The common name of its certificate.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Processor => "Intel SGX PCK Processor CA",
            Self::Platform => "Intel SGX PCK Platform CA",
        }
    }

    /// The CA of a name in Intel's queries.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ca| ca.name() == name)
    }

    /// The CA of a common name.
    #[must_use]
    pub fn from_common_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ca| ca.common_name() == name)
    }
}

fn word(name: impl fmt::Display) -> String {
    name.to_string().to_lowercase()
}

fn hex<const N: usize>(text: &str) -> Option<Hex<N>> {
    Hex::from_hex(text).ok()
}

fn tee_of(text: &str) -> Option<TeeType> {
    [TeeType::Sgx, TeeType::Tdx].into_iter().find(|tee| word(tee) == text)
}

fn product_of(text: &str) -> Option<Product> {
    Product::ALL.into_iter().find(|product| word(product) == text)
}

fn kind_of(text: &str) -> Option<VekKind> {
    [VekKind::Vcek, VekKind::Vlek].into_iter().find(|kind| word(kind) == text)
}

#[cfg(test)]
mod tests;
