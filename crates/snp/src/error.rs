//! Why a report, a chain or a binding is refused.

use avouch_pki::{
    Certificate, CertificateError, CrlError, KeyKind, OutsideWindow, PathError, PathErrorKind,
    SignatureScheme, pem::PemError,
};
use avouch_wire::{Hex, ParseError, ParseErrorKind, UnixTime, excerpt};
use thiserror::Error;

use crate::{BindingError, Cpuid, Product, RawTcb, VekKind};

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

impl ReportError {
    /// The stable name of the check that failed.
    #[must_use]
    pub fn check(&self) -> &'static str {
        match self {
            Self::Length { .. } => "report-length",
            Self::Field(error) => field_check(error),
            Self::Version { .. } => "report-version",
            Self::SignatureAlgorithm { .. } => "signature-algorithm",
            Self::SigningKey { .. } => "signing-key",
            Self::ChipKeyMasked { .. } => "chip-key-masked",
            Self::KeyFlagsReserved { .. } => "key-flags-reserved",
            Self::Vmpl { .. } => "vmpl",
            Self::PolicyReservedBit { .. } => "policy-reserved-bit",
            Self::SignatureRange { .. } => "signature-range",
        }
    }
}

fn field_check(error: &ParseError) -> &'static str {
    match (error.field, &error.kind) {
        ("signature_r_padding" | "signature_s_padding", _) => "signature-padding",
        ("signature_reserved", _) => "signature-reserved",
        (_, ParseErrorKind::Short { .. } | ParseErrorKind::Trailing { .. }) => "report-length",
        _ => "report-reserved",
    }
}

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

impl ChainError {
    /// The stable name of the check that failed.
    #[must_use]
    pub const fn check(&self) -> &'static str {
        match self {
            Self::Pem(_) => "chain-pem",
            Self::Certificate { .. } => "chain-certificate",
            Self::Crl(error) => error.check(),
            Self::Foreign { .. } => "chain-foreign-certificate",
            Self::TooMany { .. } => "chain-too-large",
            Self::LeafCount { .. } | Self::NoneForReport { .. } => "chain-leaf-count",
        }
    }
}

/// Why an extension of a VCEK or VLEK is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VekExtensionError {
    /// It is not there.
    #[error("extension {name} ({oid}) is missing")]
    Missing {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
    },
    /// It is there and must not be.
    #[error("extension {name} ({oid}) must not stand in a {kind} certificate of {product}")]
    Unexpected {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
        /// Kind of the certificate.
        kind: VekKind,
        /// Product of the certificate.
        product: Product,
    },
    /// Not a DER INTEGER from 0 to 255 in its shortest form.
    #[error("extension {name} ({oid}) is no integer from 0 to 255 in DER: {found}")]
    Integer {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
        /// The bytes in hex.
        found: String,
    },
    /// Not a DER IA5String.
    #[error("extension {name} ({oid}) is no IA5String in DER: {found}")]
    Text {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
        /// The bytes in hex.
        found: String,
    },
    /// A structure version that is not known.
    #[error("structure version is {found}, expected 0 or 1")]
    StructureVersion {
        /// The version.
        found: u8,
    },
    /// Neither raw nor wrapped in an OCTET STRING.
    #[error("hardware id has {found} bytes, expected {expected}, raw or as an OCTET STRING")]
    HardwareId {
        /// Bytes of the id itself.
        expected: usize,
        /// Bytes of the extension's value.
        found: usize,
    },
}

impl VekExtensionError {
    /// The stable name of the check that failed.
    #[must_use]
    pub const fn check(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "vek-extension-missing",
            Self::Unexpected { .. } => "vek-extension-unexpected",
            Self::Integer { .. } => "vek-extension-integer",
            Self::Text { .. } => "vek-extension-text",
            Self::StructureVersion { .. } => "vek-structure-version",
            Self::HardwareId { .. } => "vek-hardware-id",
        }
    }
}

/// A certificate's place in AMD's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateRole {
    /// VCEK or VLEK.
    Vek,
    /// ASK or ASVK.
    Intermediate,
    /// ARK.
    Root,
}

impl std::fmt::Display for CertificateRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Vek => "endorsement key",
            Self::Intermediate => "intermediate",
            Self::Root => "root",
        })
    }
}

/// Why a report or its chain does not verify.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The report is malformed or unsigned.
    #[error("report is malformed: {0}")]
    Report(#[from] ReportError),
    /// The certificates or CRLs are malformed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A link of the chain does not hold.
    #[error("{role} {source}")]
    Path {
        /// Place of the certificate.
        role: CertificateRole,
        /// What does not hold.
        source: PathError,
    },
    /// A certificate is signed by another scheme than AMD's.
    #[error("{role} certificate is signed by {found:?}, expected RSASSA-PSS with SHA-384")]
    CertificateScheme {
        /// Place of the certificate.
        role: CertificateRole,
        /// The scheme; `None` if it is not an RSA one.
        found: Option<SignatureScheme>,
    },
    /// A CRL is signed by another scheme than AMD's.
    #[error("CRL is signed by {found:?}, expected RSASSA-PSS with SHA-384")]
    CrlScheme {
        /// The scheme; `None` if it is not an RSA one.
        found: Option<SignatureScheme>,
    },
    /// The endorsement key's issuer has no name of AMD's.
    #[error("issuer of the {kind} is {found:?}, expected SEV-<product> or SEV-VLEK-<product>")]
    VekIssuer {
        /// Kind of the certificate.
        kind: VekKind,
        /// Its issuer.
        found: String,
    },
    /// A certificate that should be an intermediate has no name of AMD's.
    #[error("common name is {found:?}, expected SEV-<product> or SEV-VLEK-<product>")]
    IntermediateName {
        /// Its common name, or its whole subject without one.
        found: String,
    },
    /// A VCEK issued by an ASVK, or a VLEK by an ASK.
    #[error("a {found} certificate is issued by {issuer:?}, which issues {expected} certificates")]
    VekIssuerKind {
        /// What the issuer issues.
        expected: VekKind,
        /// What the certificate says it is.
        found: VekKind,
        /// The issuer.
        issuer: String,
    },
    /// No root of this product is trusted.
    #[error("no root key is trusted for {product}")]
    NoRoot {
        /// The product.
        product: Product,
    },
    /// The intermediate was neither sent nor pinned.
    #[error("no certificate of {issuer:?}, the issuer of the endorsement key")]
    IntermediateMissing {
        /// The issuer's name.
        issuer: String,
    },
    /// The endorsement key is no P-384 key.
    #[error("endorsement key is {found}, expected P-384")]
    VekKey {
        /// What it is.
        found: KeyKind,
    },
    /// An extension of the endorsement key's certificate.
    #[error(transparent)]
    Extension(#[from] VekExtensionError),
    /// The product in the certificate is not the one in its issuer's name.
    #[error("certificate names product {found:?}, its issuer's is {expected}")]
    ProductName {
        /// Product of the issuer.
        expected: Product,
        /// Product name in the certificate.
        found: String,
    },
    /// A CRL that no trusted root issued.
    #[error("no trusted root has the name of CRL issuer {issuer:?}")]
    CrlIssuer {
        /// Who is said to have issued it.
        issuer: String,
    },
    /// A CRL does not verify or is not current.
    #[error(transparent)]
    Crl(CrlError),
    /// CRLs are required and there is none of this root.
    #[error("no CRL of {root:?}, although revocation must be checked")]
    CrlMissing {
        /// The root.
        root: String,
    },
    /// The intermediate is revoked.
    #[error("{intermediate:?} with serial number {serial} is revoked by {root:?}")]
    IntermediateRevoked {
        /// The intermediate.
        intermediate: String,
        /// Its serial number in hex.
        serial: String,
        /// The root whose CRL names it.
        root: String,
    },
    /// A chain that was verified before is not valid at the moment judged at.
    #[error("endorsement key or a certificate above it is {0}")]
    KeyWindow(OutsideWindow),
    /// The report was signed by another kind of key.
    #[error("report says {report} signed it, the certificate is a {certificate}")]
    SigningKeyKind {
        /// `SIGNING_KEY` of the report.
        report: VekKind,
        /// Kind of the certificate.
        certificate: VekKind,
    },
    /// The processor is of no family with a known root.
    #[error("processor family {:#x} model {:#x} is no Milan, Genoa or Turin", .cpuid.family, .cpuid.model)]
    UnknownProduct {
        /// CPUID values of the report.
        cpuid: Cpuid,
    },
    /// Report and chain are of different products.
    #[error("report is of {report}, the chain of {certificate}")]
    ProductMismatch {
        /// Product of the report.
        report: Product,
        /// Product of the chain.
        certificate: Product,
    },
    /// The report's signature was not made by the endorsement key.
    #[error("{}", unsigned(.kind, .product, .differs.as_deref()))]
    Signature {
        /// Kind of the key.
        kind: VekKind,
        /// Its product.
        product: Product,
        /// In what the certificate is not for this report, as far as the report can be believed:
        /// another chip or another TCB.
        differs: Option<Box<Self>>,
    },
    /// Reserved bytes of a TCB version are not zero.
    #[error("{tcb} {found} has reserved bytes of {product} that are not zero")]
    TcbReserved {
        /// Which TCB of the report.
        tcb: &'static str,
        /// Its bytes.
        found: RawTcb,
        /// The product whose layout was used.
        product: Product,
    },
    /// The key was not certified for the TCB that the report states.
    #[error(
        "the certificate is for another TCB: {component} of REPORTED_TCB is {reported}, the \
         certificate is for {certified}"
    )]
    TcbMismatch {
        /// The part.
        component: &'static str,
        /// Its level in the report.
        reported: u8,
        /// Its level in the certificate.
        certified: u8,
    },
    /// The key was certified for another chip.
    #[error(
        "the certificate is of another chip: CHIP_ID is {report}, the certificate is for hardware \
         id {certified}"
    )]
    ChipId {
        /// `CHIP_ID`.
        report: Hex<64>,
        /// The certificate's hardware id, 64 or 8 bytes in hex.
        certified: String,
    },
    /// Runtime or init-time data is not what the report binds.
    #[error(transparent)]
    Binding(#[from] BindingError),
}

impl VerifyError {
    /// The stable name of the check that failed.
    #[must_use]
    pub fn check(&self) -> &'static str {
        match self {
            Self::Report(error) => error.check(),
            Self::Chain(error) => error.check(),
            Self::Path { role, source } => path_check(*role, &source.kind),
            Self::CertificateScheme { role: CertificateRole::Vek, .. } => "vek-signature-algorithm",
            Self::CertificateScheme { role: CertificateRole::Intermediate, .. } => {
                "intermediate-signature-algorithm"
            }
            Self::CertificateScheme { role: CertificateRole::Root, .. } => {
                "root-signature-algorithm"
            }
            Self::CrlScheme { .. } => "crl-signature-algorithm",
            Self::VekIssuer { .. } => "vek-issuer",
            Self::IntermediateName { .. } => "intermediate-name",
            Self::VekIssuerKind { .. } => "vek-issuer-kind",
            Self::NoRoot { .. } => "root-missing",
            Self::IntermediateMissing { .. } => "intermediate-missing",
            Self::VekKey { .. } => "vek-key-kind",
            Self::Extension(error) => error.check(),
            Self::ProductName { .. } => "vek-product-name",
            Self::CrlIssuer { .. } => "crl-issuer-name",
            Self::Crl(error) => error.check(),
            Self::CrlMissing { .. } => "crl-missing",
            Self::IntermediateRevoked { .. } => "intermediate-revoked",
            Self::KeyWindow(OutsideWindow::NotYetValid { .. }) => "vek-not-yet-valid",
            Self::KeyWindow(OutsideWindow::Expired { .. }) => "vek-expired",
            Self::SigningKeyKind { .. } => "signing-key-mismatch",
            Self::UnknownProduct { .. } => "product-unknown",
            Self::ProductMismatch { .. } => "product-mismatch",
            Self::Signature { .. } => "report-signature",
            Self::TcbReserved { .. } => "tcb-reserved",
            Self::TcbMismatch { .. } => "tcb-mismatch",
            Self::ChipId { .. } => "chip-id-mismatch",
            Self::Binding(error) => error.check(),
        }
    }
}

fn unsigned(kind: &VekKind, product: &Product, differs: Option<&VerifyError>) -> String {
    match differs {
        Some(differs) => format!("the {kind} of {product} did not sign the report: {differs}"),
        None => format!("report signature does not verify under the {kind} of {product}"),
    }
}

/// The check's name, led by the certificate's place in the chain.
const fn path_check(role: CertificateRole, kind: &PathErrorKind) -> &'static str {
    let [vek, intermediate, root] = match kind {
        PathErrorKind::IssuerName { .. } => {
            ["vek-issuer-name", "intermediate-issuer-name", "root-issuer-name"]
        }
        PathErrorKind::Signature { .. } => {
            ["vek-signature", "intermediate-signature", "root-signature"]
        }
        PathErrorKind::OutsideWindow(OutsideWindow::NotYetValid { .. }) => {
            ["vek-not-yet-valid", "intermediate-not-yet-valid", "root-not-yet-valid"]
        }
        PathErrorKind::OutsideWindow(OutsideWindow::Expired { .. }) => {
            ["vek-expired", "intermediate-expired", "root-expired"]
        }
        PathErrorKind::IssuerNotCa { .. } => {
            ["vek-issuer-not-ca", "intermediate-issuer-not-ca", "root-issuer-not-ca"]
        }
        PathErrorKind::NotCa => ["vek-not-ca", "intermediate-not-ca", "root-not-ca"],
        PathErrorKind::CaAsLeaf => ["vek-is-ca", "intermediate-is-ca", "root-is-ca"],
        PathErrorKind::KeyUsage { .. } => {
            ["vek-key-usage", "intermediate-key-usage", "root-key-usage"]
        }
        PathErrorKind::PathLength => {
            ["vek-path-length", "intermediate-path-length", "root-path-length"]
        }
        PathErrorKind::UnknownCriticalExtension(_) | PathErrorKind::UnsupportedConstraint(_) => {
            ["vek-critical-extension", "intermediate-critical-extension", "root-critical-extension"]
        }
        PathErrorKind::AnchorMismatch { .. } => {
            ["vek-foreign", "intermediate-foreign", "root-foreign"]
        }
    };
    match role {
        CertificateRole::Vek => vek,
        CertificateRole::Intermediate => intermediate,
        CertificateRole::Root => root,
    }
}

/// A window that `at` lies outside of, as a failed link of the chain.
pub(crate) fn outside(
    role: CertificateRole,
    certificate: &str,
    window: avouch_pki::Window,
    at: UnixTime,
) -> Result<(), VerifyError> {
    window.check(at).map_err(|outside| VerifyError::Path {
        role,
        source: PathError {
            certificate: certificate.to_owned(),
            kind: PathErrorKind::OutsideWindow(outside),
        },
    })
}

/// AMD signs certificates and CRLs by one scheme only: RSASSA-PSS with SHA-384, MGF1 with SHA-384
/// and a salt of 48 bytes.
pub(crate) const AMD_SCHEME: SignatureScheme = SignatureScheme::RsaPssSha384;

/// Refuses a certificate that is signed by another scheme, whoever signed it.
pub(crate) fn check_scheme(
    role: CertificateRole,
    certificate: &Certificate,
) -> Result<(), VerifyError> {
    match certificate.rsa_signature_scheme() {
        Some(AMD_SCHEME) => Ok(()),
        found => Err(VerifyError::CertificateScheme { role, found }),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
