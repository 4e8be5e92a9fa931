//! Why a report is refused before any key is asked.

use avouch_wire::{Hex, ParseError, ParseErrorKind, failed_check};
use thiserror::Error;

/// Why bytes are not a report that could be verified.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReportError {
    /// Not exactly as long as a report.
    #[error("report has {found} bytes, expected {expected}")]
    Length {
        /// Length of every report in bytes.
        expected: usize,
        /// Length of this one.
        found: usize,
    },
    /// A field is not as the layout says.
    #[error(transparent)]
    Field(#[from] ParseError),
    /// A version whose layout is not known, or not allowed.
    #[error("report version {found} is not accepted, known are 2 to {newest}")]
    Version {
        /// `VERSION`.
        found: u32,
        /// The newest accepted.
        newest: u32,
    },
    /// Another signature algorithm.
    #[error("SIGNATURE_ALGO is {found}, expected {expected} (ECDSA P-384 with SHA-384)")]
    SignatureAlgorithm {
        /// The only algorithm.
        expected: u32,
        /// `SIGNATURE_ALGO`.
        found: u32,
    },
    /// Signed by no key, or by one without known rules.
    #[error("SIGNING_KEY is {found}, expected 0 (VCEK) or 1 (VLEK)")]
    SigningKey {
        /// `SIGNING_KEY`.
        found: u32,
    },
    /// The host masked the chip's key: firmware wrote zeros in place of a signature.
    #[error("MASK_CHIP_KEY is set in key flags {key_flags:#x}: the report is not signed")]
    ChipKeyMasked {
        /// The 32 bits at 0x48.
        key_flags: u32,
    },
    /// Key flags that no known layout has.
    #[error("key flags {found:#x} have reserved bits set, known are bits 0 to 4")]
    KeyFlagsReserved {
        /// The 32 bits at 0x48.
        found: u32,
    },
    /// A privilege level that does not exist.
    #[error("VMPL is {found}, expected 0 to 3 or 0xffffffff (requested by the host)")]
    Vmpl {
        /// `VMPL`.
        found: u32,
    },
    /// Bit 17 of the guest policy is 0.
    #[error("guest policy {policy:#x} has bit 17 clear, it must be 1")]
    PolicyReservedBit {
        /// `POLICY`.
        policy: u64,
    },
    /// R or S is zero or not below the order of the group.
    #[error("{component} is {found}, not in 1..n of P-384")]
    SignatureRange {
        /// `signature_r` or `signature_s`.
        component: &'static str,
        /// Its value, big-endian.
        found: Hex<48>,
    },
}

failed_check!(ReportError {
    Self::Length { .. } => "report-length",
    Self::Field(ParseError {
        field: "signature_r_padding" | "signature_s_padding", ..
    }) => "signature-padding",
    Self::Field(ParseError { field: "signature_reserved", .. }) => "signature-reserved",
    Self::Field(ParseError {
        kind: ParseErrorKind::Short { .. } | ParseErrorKind::Trailing { .. }, ..
    }) => "report-length",
    Self::Field(_) => "report-reserved",
    Self::Version { .. } => "report-version",
    Self::SignatureAlgorithm { .. } => "signature-algorithm",
    Self::SigningKey { .. } => "signing-key",
    Self::ChipKeyMasked { .. } => "chip-key-masked",
    Self::KeyFlagsReserved { .. } => "key-flags-reserved",
    Self::Vmpl { .. } => "vmpl",
    Self::PolicyReservedBit { .. } => "policy-reserved-bit",
    Self::SignatureRange { .. } => "signature-range",
});
