//! The stable name of the check behind each error.

use avouch_pki::{CrlError, OutsideWindow, PathError, PathErrorKind};
use avouch_wire::ParseError;

use super::{CertificateRole, ChainName, CrlName, Dated, DocumentName, VerifyError};

/// Check names of one kind of dated or certified thing.
struct Names {
    name: &'static str,
    key: &'static str,
    issuer: &'static str,
    signature: &'static str,
    not_yet_valid: &'static str,
    expired: &'static str,
    usage: &'static str,
    extension: &'static str,
    revoked: &'static str,
    malformed: &'static str,
    id: &'static str,
}

macro_rules! names {
    ($prefix:literal) => {
        Names {
            name: concat!($prefix, "-name"),
            key: concat!($prefix, "-key"),
            issuer: concat!($prefix, "-issuer"),
            signature: concat!($prefix, "-signature"),
            not_yet_valid: concat!($prefix, "-not-yet-valid"),
            expired: concat!($prefix, "-expired"),
            usage: concat!($prefix, "-usage"),
            extension: concat!($prefix, "-extension"),
            revoked: concat!($prefix, "-revoked"),
            malformed: concat!($prefix, "-malformed"),
            id: concat!($prefix, "-id"),
        }
    };
}

static PCK_CERTIFICATE: Names = names!("pck-certificate");
static PCK_CA: Names = names!("pck-ca-certificate");
static TCB_SIGNER: Names = names!("tcb-signing-certificate");
static ROOT: Names = names!("root-certificate");
static ROOT_CA_CRL: Names = names!("root-ca-crl");
static PCK_CRL: Names = names!("pck-crl");
static TCB_INFO: Names = names!("tcb-info");
static QE_IDENTITY: Names = names!("qe-identity");

impl ChainName {
    const fn check(self) -> &'static str {
        match self {
            Self::Pck => "pck-chain",
            Self::PckCrlIssuer => "pck-crl-issuer-chain",
            Self::TcbInfoIssuer => "tcb-info-issuer-chain",
            Self::QeIdentityIssuer => "qe-identity-issuer-chain",
        }
    }
}

impl CertificateRole {
    const fn names(self) -> &'static Names {
        match self {
            Self::PckLeaf => &PCK_CERTIFICATE,
            Self::PckCa => &PCK_CA,
            Self::TcbSigner => &TCB_SIGNER,
            Self::Root => &ROOT,
        }
    }
}

impl CrlName {
    const fn names(self) -> &'static Names {
        match self {
            Self::RootCa => &ROOT_CA_CRL,
            Self::Pck => &PCK_CRL,
        }
    }
}

impl DocumentName {
    const fn names(self) -> &'static Names {
        match self {
            Self::TcbInfo => &TCB_INFO,
            Self::QeIdentity => &QE_IDENTITY,
        }
    }
}

impl Dated {
    const fn names(self) -> &'static Names {
        match self {
            Self::Certificate(role) => role.names(),
            Self::Crl(name) => name.names(),
            Self::Document(name) => name.names(),
        }
    }
}

impl VerifyError {
    /// The stable name of the check that failed.
    #[must_use]
    pub fn check(&self) -> &'static str {
        match self {
            Self::Malformed(error) => structure_check(error),
            Self::CertificationData { .. } => "certification-data-type",
            Self::Pem { chain, .. }
            | Self::Certificate { chain, .. }
            | Self::ChainShape { chain, .. } => chain.check(),
            Self::UnknownRoot { .. } => "trust-anchor",
            Self::MixedRoots { .. } => "mixed-trust-anchors",
            Self::CertificateName { role, .. } => role.names().name,
            Self::CertificateKey { role, .. } => role.names().key,
            Self::Path { role, source } => path_check(*role, source),
            Self::CertificateRevoked { role, .. } => role.names().revoked,
            Self::PckExtension(_) | Self::PckExtensionMissing(_) => "pck-extension",
            Self::Crl { crl, source } => crl_check(*crl, source),
            Self::PckCrlOfOtherCa { .. } => "pck-crl-of-other-ca",
            Self::DocumentSignature(document) => document.names().signature,
            Self::Document { document, .. } => document.names().malformed,
            Self::OutsideWindow { what, source } => window_check(what.names(), source),
            Self::EvaluationDataNumber { .. } => "evaluation-data-number",
            Self::TcbInfoTee { .. } => TCB_INFO.id,
            Self::QeIdentityId { .. } => QE_IDENTITY.id,
            Self::Fmspc { .. } => "fmspc",
            Self::PceId { .. } => "pce-id",
            Self::OtherPlatform { .. } => "other-platform",
            Self::QeReportSignature => "qe-report-signature",
            Self::QeReportBinding { .. } => "qe-report-binding",
            Self::QeDebuggable { .. } => "qe-debuggable",
            Self::QeMrSigner { .. } => "qe-mr-signer",
            Self::QeIsvProdId { .. } => "qe-isv-prod-id",
            Self::QeMiscSelect { .. } => "qe-misc-select",
            Self::QeAttributes { .. } => "qe-attributes",
            Self::QeTcbLevel { .. } => "qe-tcb-level",
            Self::QuoteSignature => "quote-signature",
            Self::TcbLevel { .. } => "tcb-level",
            Self::TdxModuleIdentity { .. } => "tdx-module-identity",
            Self::TdxModuleMrSigner { .. } => "tdx-module-mr-signer",
            Self::TdxModuleAttributes { .. } => "tdx-module-attributes",
            Self::TdxModuleTcbLevel { .. } => "tdx-module-tcb-level",
            Self::TcbRevoked { .. } => "tcb-revoked",
        }
    }
}

/// The check that a parse error of evidence stands for: a field with a meaning of its own, or
/// the structure as a whole.
#[must_use]
pub fn structure_check(error: &ParseError) -> &'static str {
    match error.field {
        "version" => "quote-version",
        "attestation_key_type" => "attestation-key-type",
        "tee_type" => "tee-type",
        "qe_vendor_id" => "qe-vendor-id",
        "body_type" => "body-type",
        "body_size" => "body-size",
        "signature_data_length" => "signature-data-length",
        "qe_authentication_data" => "qe-authentication-data-length",
        "outer_certification_data_type" | "certification_data_type" => "certification-data-type",
        "outer_certification_data_length" | "certification_data_length" => {
            "certification-data-length"
        }
        "open_enclave_version" => "open-enclave-version",
        "open_enclave_type" => "open-enclave-type",
        "open_enclave_format" => "open-enclave-format",
        "open_enclave_size" => "open-enclave-size",
        _ => "quote-structure",
    }
}

fn path_check(role: CertificateRole, error: &PathError) -> &'static str {
    let names = role.names();
    match &error.kind {
        PathErrorKind::IssuerName { .. } | PathErrorKind::IssuerNotCa { .. } => names.issuer,
        PathErrorKind::Signature { .. } => names.signature,
        PathErrorKind::OutsideWindow(source) => window_check(names, source),
        PathErrorKind::NotCa
        | PathErrorKind::CaAsLeaf
        | PathErrorKind::KeyUsage { .. }
        | PathErrorKind::PathLength => names.usage,
        PathErrorKind::UnknownCriticalExtension(_) | PathErrorKind::UnsupportedConstraint(_) => {
            names.extension
        }
        PathErrorKind::AnchorMismatch { .. } => names.signature,
    }
}

fn crl_check(crl: CrlName, error: &CrlError) -> &'static str {
    let names = crl.names();
    match error {
        CrlError::Malformed(_)
        | CrlError::TooLarge { .. }
        | CrlError::UnsupportedAlgorithm(_)
        | CrlError::DuplicateExtension(_) => names.malformed,
        CrlError::Extension(_) => names.extension,
        CrlError::IssuerName { .. } => names.issuer,
        CrlError::IssuerKeyUsage { .. } => names.usage,
        CrlError::Signature { .. } => names.signature,
        CrlError::NoNextUpdate { .. } => names.expired,
        CrlError::OutsideWindow { source, .. } => window_check(names, source),
    }
}

const fn window_check(names: &'static Names, error: &OutsideWindow) -> &'static str {
    match error {
        OutsideWindow::NotYetValid { .. } => names.not_yet_valid,
        OutsideWindow::Expired { .. } => names.expired,
    }
}
