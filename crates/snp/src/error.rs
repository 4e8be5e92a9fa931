//! Why a report, a chain or a binding is refused.

mod chain;
mod report;
mod role;
mod vek_extension;

use avouch_pki::{CrlError, KeyKind, OutsideWindow, PathError, SignatureScheme};
use avouch_wire::{Hex, failed_check};
use thiserror::Error;

pub use chain::ChainError;
pub use report::ReportError;
pub use role::CertificateRole;
pub use vek_extension::VekExtensionError;

use crate::{BindingError, Cpuid, Product, RawTcb, VekKind};
use role::VEK;

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

failed_check!(VerifyError {
    Self::Report(error) => (error.check(), ReportError::checks()),
    Self::Chain(error) => (error.check(), ChainError::checks()),
    Self::Path { role, source } => (
        role.checks().path.of(&source.kind),
        CertificateRole::path_checks()
    ),
    Self::CertificateScheme { role, .. } => (
        role.checks().signature_algorithm,
        CertificateRole::signature_algorithm_checks()
    ),
    Self::CrlScheme { .. } => "crl-signature-algorithm",
    Self::VekIssuer { .. } => "vek-issuer",
    Self::IntermediateName { .. } => "intermediate-name",
    Self::VekIssuerKind { .. } => "vek-issuer-kind",
    Self::NoRoot { .. } => "root-missing",
    Self::IntermediateMissing { .. } => "intermediate-missing",
    Self::VekKey { .. } => "vek-key-kind",
    Self::Extension(error) => (error.check(), VekExtensionError::checks()),
    Self::ProductName { .. } => "vek-product-name",
    Self::CrlIssuer { .. } => "crl-issuer-name",
    Self::Crl(error) => (error.check(), CrlError::checks()),
    Self::CrlMissing { .. } => "crl-missing",
    Self::IntermediateRevoked { .. } => "intermediate-revoked",
    Self::KeyWindow(source) => (VEK.path.window.of(source), VEK.path.window.all()),
    Self::SigningKeyKind { .. } => "signing-key-mismatch",
    Self::UnknownProduct { .. } => "product-unknown",
    Self::ProductMismatch { .. } => "product-mismatch",
    Self::Signature { .. } => "report-signature",
    Self::TcbReserved { .. } => "tcb-reserved",
    Self::TcbMismatch { .. } => "tcb-mismatch",
    Self::ChipId { .. } => "chip-id-mismatch",
    Self::Binding(error) => (error.check(), BindingError::checks()),
});

fn unsigned(kind: &VekKind, product: &Product, differs: Option<&VerifyError>) -> String {
    match differs {
        Some(differs) => format!("the {kind} of {product} did not sign the report: {differs}"),
        None => format!("report signature does not verify under the {kind} of {product}"),
    }
}
