//! Why certificates and CRLs are refused before any signature is looked at.

use avouch_pki::{CertificateError, CrlError, pem::PemError};
use avouch_wire::{Hex, excerpt, failed_check};
use thiserror::Error;

use crate::VekKind;

/// Why bytes are not a set of AMD's certificates and CRLs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// Not PEM, and not DER either.
    #[error("certificates: {0}")]
    Pem(#[from] PemError),
    /// A certificate that cannot be read.
    #[error("certificate {index}: {source}")]
    Certificate {
        /// Its place in the input, from 0.
        index: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A CRL that cannot be read.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// A certificate that is none of AMD's.
    #[error("certificate {} is no VCEK, VLEK, ASK, ASVK or ARK", excerpt(.name))]
    Foreign {
        /// Its common name, or its whole subject without one.
        name: String,
    },
    /// More input than any chain has.
    #[error("{found} {what} are over the limit of {limit}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are accepted.
        limit: usize,
    },
    /// Not the certificates of exactly one VCEK or VLEK.
    #[error("{found} VCEK or VLEK certificates, expected 1, or several of one key")]
    LeafCount {
        /// How many there are.
        found: usize,
    },
    /// None of several at hand is for the chip of the report.
    #[error("{}", none_for_report(.found, .kind, .chip_id))]
    NoneForReport {
        /// How many there are.
        found: usize,
        /// The kind of key that signed, as the report says.
        kind: VekKind,
        /// `CHIP_ID`.
        chip_id: Hex<64>,
    },
}

fn none_for_report(found: &usize, kind: &VekKind, chip_id: &Hex<64>) -> String {
    if chip_id.0 == [0; 64] {
        return format!(
            "which of the {found} VCEK or VLEK certificates at hand is for this report cannot be told: its \
             CHIP_ID is masked, and none came along"
        );
    }
    format!(
        "none of the {found} VCEK or VLEK certificates at hand is a {kind} for this report's chip: CHIP_ID \
         is {chip_id}"
    )
}

failed_check!(ChainError {
    Self::Pem(_) => "chain-pem",
    Self::Certificate { .. } => "chain-certificate",
    Self::Crl(error) => (error.check(), CrlError::checks()),
    Self::Foreign { .. } => "chain-foreign-certificate",
    Self::TooMany { .. } => "chain-too-large",
    Self::LeafCount { .. } | Self::NoneForReport { .. } => "chain-leaf-count",
});
