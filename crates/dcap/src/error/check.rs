//! The stable name of the check behind each error.

use avouch_pki::{CrlChecks, PathChecks, WindowChecks, crl_checks, path_checks, window_checks};
use avouch_wire::failed_check;

use super::{CertificateRole, ChainName, CrlName, Dated, DocumentName, QuoteError, VerifyError};

/// Names of the checks of one kind of certificate.
struct CertificateChecks {
    path: PathChecks,
    name: &'static str,
    key: &'static str,
    revoked: &'static str,
}

macro_rules! certificate_checks {
    ($name:literal) => {
        CertificateChecks {
            path: path_checks!(
                $name,
                issuer_name: "issuer",
                issuer_not_ca: "issuer",
                not_ca: "usage",
                ca_as_leaf: "usage",
                key_usage: "usage",
                path_length: "usage",
                critical_extension: "extension",
                unsupported_constraint: "extension",
                foreign_root: "signature",
            ),
            name: concat!($name, "-name"),
            key: concat!($name, "-key"),
            revoked: concat!($name, "-revoked"),
        }
    };
}

macro_rules! crl_checks_of {
    ($name:literal) => {
        crl_checks!($name, issuer_name: "issuer", issuer_key_usage: "usage", next_update: "expired")
    };
}

/// Names of the checks of one kind of document.
struct DocumentChecks {
    signature: &'static str,
    malformed: &'static str,
    id: &'static str,
    window: WindowChecks,
}

macro_rules! document_checks {
    ($name:literal) => {
        DocumentChecks {
            signature: concat!($name, "-signature"),
            malformed: concat!($name, "-malformed"),
            id: concat!($name, "-id"),
            window: window_checks!($name),
        }
    };
}

static PCK_CERTIFICATE: CertificateChecks = certificate_checks!("pck-certificate");
static PCK_CA: CertificateChecks = certificate_checks!("pck-ca-certificate");
static TCB_SIGNER: CertificateChecks = certificate_checks!("tcb-signing-certificate");
static ROOT: CertificateChecks = certificate_checks!("root-certificate");
static ROOT_CA_CRL: CrlChecks = crl_checks_of!("root-ca-crl");
static PCK_CRL: CrlChecks = crl_checks_of!("pck-crl");
static TCB_INFO: DocumentChecks = document_checks!("tcb-info");
static QE_IDENTITY: DocumentChecks = document_checks!("qe-identity");

impl ChainName {
    const fn check(self) -> &'static str {
        match self {
            Self::Pck => "pck-chain",
            Self::PckCrlIssuer => "pck-crl-issuer-chain",
            Self::TcbInfoIssuer => "tcb-info-issuer-chain",
            Self::QeIdentityIssuer => "qe-identity-issuer-chain",
        }
    }

    fn checks() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::check)
    }
}

impl CertificateRole {
    const fn checks(self) -> &'static CertificateChecks {
        match self {
            Self::PckLeaf => &PCK_CERTIFICATE,
            Self::PckCa => &PCK_CA,
            Self::TcbSigner => &TCB_SIGNER,
            Self::Root => &ROOT,
        }
    }
}

impl CrlName {
    pub(crate) const fn checks(self) -> &'static CrlChecks {
        match self {
            Self::RootCa => &ROOT_CA_CRL,
            Self::Pck => &PCK_CRL,
        }
    }
}

impl DocumentName {
    const fn checks(self) -> &'static DocumentChecks {
        match self {
            Self::TcbInfo => &TCB_INFO,
            Self::QeIdentity => &QE_IDENTITY,
        }
    }
}

impl Dated {
    const fn checks(self) -> &'static WindowChecks {
        match self {
            Self::Certificate(role) => &role.checks().path.window,
            Self::Crl(name) => &name.checks().window,
            Self::Document(name) => &name.checks().window,
        }
    }
}

/// One name of each kind of certificate.
fn of_roles(name: fn(&CertificateChecks) -> &'static str) -> impl Iterator<Item = &'static str> {
    CertificateRole::ALL.into_iter().map(move |role| name(role.checks()))
}

fn of_paths() -> impl Iterator<Item = &'static str> {
    CertificateRole::ALL.into_iter().flat_map(|role| role.checks().path.all())
}

fn of_crls() -> impl Iterator<Item = &'static str> {
    CrlName::ALL.into_iter().flat_map(|name| name.checks().all())
}

fn of_documents() -> impl Iterator<Item = &'static str> {
    DocumentName::ALL.into_iter().flat_map(|name| {
        let checks = name.checks();
        let [not_yet_valid, expired] = checks.window.all();
        [checks.signature, checks.malformed, checks.id, not_yet_valid, expired]
    })
}

failed_check!(VerifyError {
    Self::Malformed(error) => (error.check(), QuoteError::checks()),
    Self::CertificationData { .. } => "certification-data-type",
    Self::Pem { chain, .. }
    | Self::Certificate { chain, .. }
    | Self::ChainShape { chain, .. } => (chain.check(), ChainName::checks()),
    Self::UnknownRoot { .. } => "trust-anchor",
    Self::MixedRoots { .. } => "mixed-trust-anchors",
    Self::CertificateName { role, .. } => (role.checks().name, of_roles(|checks| checks.name)),
    Self::CertificateKey { role, .. } => (role.checks().key, of_roles(|checks| checks.key)),
    Self::Path { role, source } => (role.checks().path.of(&source.kind), of_paths()),
    Self::CertificateRevoked { role, .. } => (
        role.checks().revoked,
        of_roles(|checks| checks.revoked)
    ),
    Self::PckExtension(_) | Self::PckExtensionMissing(_) => "pck-extension",
    Self::Crl { crl, source } => (crl.checks().of(source), of_crls()),
    Self::PckCrlOfOtherCa { .. } => "pck-crl-of-other-ca",
    Self::DocumentSignature(document) => (document.checks().signature, of_documents()),
    Self::Document { document, .. } => (document.checks().malformed),
    // Certificates, CRLs and documents have these names above.
    Self::OutsideWindow { what, source } => (what.checks().of(source)),
    Self::EvaluationDataNumber { .. } => "evaluation-data-number",
    Self::TcbInfoTee { .. } => (TCB_INFO.id),
    Self::QeIdentityId { .. } => (QE_IDENTITY.id),
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
});
