//! Why evidence or collateral is refused: which check, and both sides of it.

use avouch_pki::{
    CertificateError, CrlError, KeyKind, OutsideWindow, PathError, PathErrorKind, pem::PemError,
};
use avouch_wire::{Hex, ParseError};
use thiserror::Error;

use crate::collateral::DocumentError;
use crate::header::TeeType;

/// A chain of certificates, by where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainName {
    /// In the quote: PCK certificate, PCK CA, root.
    Pck,
    /// With the PCK CRL: PCK CA, root.
    PckCrlIssuer,
    /// With the TCB info: TCB signing certificate, root.
    TcbInfoIssuer,
    /// With the QE identity: TCB signing certificate, root.
    QeIdentityIssuer,
}

impl ChainName {
    pub(crate) const fn certificates(self) -> usize {
        match self {
            Self::Pck => 3,
            Self::PckCrlIssuer | Self::TcbInfoIssuer | Self::QeIdentityIssuer => 2,
        }
    }

    pub(crate) const fn shape(self) -> &'static str {
        match self {
            Self::Pck => "one PCK certificate, its CA and the root that issued the CA",
            Self::PckCrlIssuer => "one PCK CA and the root that issued it",
            Self::TcbInfoIssuer | Self::QeIdentityIssuer => {
                "one TCB signing certificate and the root that issued it"
            }
        }
    }

    const fn check(self) -> &'static str {
        match self {
            Self::Pck => "pck-chain",
            Self::PckCrlIssuer => "pck-crl-issuer-chain",
            Self::TcbInfoIssuer => "tcb-info-issuer-chain",
            Self::QeIdentityIssuer => "qe-identity-issuer-chain",
        }
    }
}

impl std::fmt::Display for ChainName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pck => "PCK chain",
            Self::PckCrlIssuer => "PCK CRL issuer chain",
            Self::TcbInfoIssuer => "TCB info issuer chain",
            Self::QeIdentityIssuer => "QE identity issuer chain",
        })
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateRole {
    /// The PCK certificate of a platform.
    PckLeaf,
    /// Processor CA or Platform CA.
    PckCa,
    /// The signer of TCB infos and identities.
    TcbSigner,
    /// A copy of the root.
    Root,
}

impl std::fmt::Display for CertificateRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PckLeaf => "PCK certificate",
            Self::PckCa => "PCK CA certificate",
            Self::TcbSigner => "TCB signing certificate",
            Self::Root => "root certificate",
        })
    }
}

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

/// A CRL, by what it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrlName {
    /// By the root: PCK CAs and TCB signing certificates.
    RootCa,
    /// By a PCK CA: PCK certificates.
    Pck,
}

impl CrlName {
    const fn names(self) -> &'static Names {
        match self {
            Self::RootCa => &ROOT_CA_CRL,
            Self::Pck => &PCK_CRL,
        }
    }
}

impl std::fmt::Display for CrlName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RootCa => "root CA CRL",
            Self::Pck => "PCK CRL",
        })
    }
}

/// A signed JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentName {
    /// TCB info.
    TcbInfo,
    /// Identity of the quoting enclave.
    QeIdentity,
}

impl DocumentName {
    const fn names(self) -> &'static Names {
        match self {
            Self::TcbInfo => &TCB_INFO,
            Self::QeIdentity => &QE_IDENTITY,
        }
    }
}

impl std::fmt::Display for DocumentName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TcbInfo => "TCB info",
            Self::QeIdentity => "QE identity",
        })
    }
}

/// Something with a span of validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// A certificate, with all above it.
    Certificate(CertificateRole),
    /// A CRL.
    Crl(CrlName),
    /// A signed document.
    Document(DocumentName),
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

impl std::fmt::Display for Dated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Certificate(role) => role.fmt(f),
            Self::Crl(name) => name.fmt(f),
            Self::Document(name) => name.fmt(f),
        }
    }
}

/// A part of the TCB that has a status of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcbPart {
    /// Processor, microcode, PCE: the platform's TCB level.
    Platform,
    /// The TDX module.
    TdxModule,
    /// The quoting enclave.
    QuotingEnclave,
}

impl std::fmt::Display for TcbPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Platform => "platform",
            Self::TdxModule => "TDX module",
            Self::QuotingEnclave => "quoting enclave",
        })
    }
}

/// Which of the two TCBs of a TD 1.5 report: `TEE_TCB_SVN` or `TEE_TCB_SVN2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcbMoment {
    /// What the TD was launched under; the only one of enclaves and of TD 1.0.
    Launch,
    /// What runs now.
    Current,
}

impl std::fmt::Display for TcbMoment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Launch => "launch",
            Self::Current => "current",
        })
    }
}

/// Why evidence or collateral does not verify.
///
/// Exhaustive on purpose: whoever turns these into answers must decide about each.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The evidence has not the shape of a quote.
    #[error("quote is malformed: {0}")]
    Malformed(#[from] ParseError),
    /// The quote does not hold its PCK chain.
    #[error("certification data of type {found} cannot be verified: needs {needs}")]
    CertificationData {
        /// Type in the quote; only 5 holds a chain.
        found: u16,
        /// What would be needed.
        needs: &'static str,
    },
    /// A chain is not PEM.
    #[error("{chain} is not PEM: {source}")]
    Pem {
        /// Which chain.
        chain: ChainName,
        /// What is wrong.
        source: PemError,
    },
    /// A certificate does not parse.
    #[error("{chain}, certificate {index}: {source}")]
    Certificate {
        /// Which chain.
        chain: ChainName,
        /// Index in it, from 0.
        index: usize,
        /// What is wrong.
        source: CertificateError,
    },
    /// A chain has too few, too many or other certificates.
    #[error("{chain} must be {expected}, found {found}")]
    ChainShape {
        /// Which chain.
        chain: ChainName,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The root of a chain is none that is trusted.
    #[error("root {name:?} with key {key_sha256} is not trusted, trusted are {trusted:?}")]
    UnknownRoot {
        /// Its name.
        name: String,
        /// SHA-256 of its SubjectPublicKeyInfo.
        key_sha256: Hex<32>,
        /// Labels of the trusted anchors.
        trusted: Vec<String>,
    },
    /// Parts that must rest on one root rest on two.
    #[error("{what} rests on root {found:?}, the rest on {expected:?}")]
    MixedRoots {
        /// The part that differs.
        what: &'static str,
        /// Root of the rest.
        expected: String,
        /// Root of the part.
        found: String,
    },
    /// A certificate is of another kind, by its name.
    #[error("{role} must be named {expected:?}, found {found:?}")]
    CertificateName {
        /// What it should be.
        role: CertificateRole,
        /// Common name wanted.
        expected: String,
        /// Subject found.
        found: String,
    },
    /// A certificate's key is not P-256.
    #[error("{role} must have a P-256 key, found {found}")]
    CertificateKey {
        /// Which certificate.
        role: CertificateRole,
        /// Kind of its key.
        found: KeyKind,
    },
    /// A certificate is not validly issued.
    #[error("{role}: {source}")]
    Path {
        /// Which certificate.
        role: CertificateRole,
        /// What is wrong.
        source: PathError,
    },
    /// A certificate is on its issuer's CRL.
    #[error("{role} with serial {serial} is revoked by the {crl}")]
    CertificateRevoked {
        /// Which certificate.
        role: CertificateRole,
        /// Its serial number.
        serial: String,
        /// The CRL that lists it.
        crl: CrlName,
    },
    /// The PCK certificate has no or a bad Intel extension.
    #[error("extension of the PCK certificate: {0}")]
    PckExtension(ParseError),
    /// The PCK certificate has no Intel extension.
    #[error("PCK certificate has no extension {0}")]
    PckExtensionMissing(&'static str),
    /// A CRL is not accepted.
    #[error("{crl}: {source}")]
    Crl {
        /// Which CRL.
        crl: CrlName,
        /// What is wrong.
        source: CrlError,
    },
    /// The PCK CRL is that of another CA than the one that issued the PCK certificate.
    #[error("PCK CRL is of {found:?}, PCK certificate was issued by {expected:?}")]
    PckCrlOfOtherCa {
        /// Issuer of the PCK certificate.
        expected: String,
        /// Issuer of the CRL.
        found: String,
    },
    /// A document's signature does not hold.
    #[error("signature of the {0} does not verify under its signer's key")]
    DocumentSignature(DocumentName),
    /// A signed document does not make sense.
    #[error("{document} is malformed: {source}")]
    Document {
        /// Which document.
        document: DocumentName,
        /// What is wrong.
        source: DocumentError,
    },
    /// Something is judged outside of its validity.
    #[error("{what} is {source}")]
    OutsideWindow {
        /// What it is.
        what: Dated,
        /// Which end it misses.
        source: OutsideWindow,
    },
    /// The two documents are of different TCB recoveries, although one was asked for.
    #[error(
        "evaluation data number {expected} asked for, TCB info has {tcb_info}, QE identity \
         {qe_identity}"
    )]
    EvaluationDataNumber {
        /// The number asked for.
        expected: u32,
        /// Number of the TCB info.
        tcb_info: u32,
        /// Number of the QE identity.
        qe_identity: u32,
    },
    /// The TCB info is for the other TEE.
    #[error("TCB info is for {found}, quote is {expected}")]
    TcbInfoTee {
        /// TEE of the quote.
        expected: TeeType,
        /// TEE of the TCB info.
        found: TeeType,
    },
    /// The identity is of another enclave.
    #[error("identity is of {found:?}, expected {expected:?}")]
    QeIdentityId {
        /// Id wanted.
        expected: &'static str,
        /// Id found.
        found: &'static str,
    },
    /// The TCB info is of another kind of platform.
    #[error("TCB info is for FMSPC {found}, PCK certificate has {expected}")]
    Fmspc {
        /// FMSPC of the PCK certificate.
        expected: Hex<6>,
        /// FMSPC of the TCB info.
        found: Hex<6>,
    },
    /// The TCB info is of another PCE.
    #[error("TCB info is for PCEID {found}, PCK certificate has {expected}")]
    PceId {
        /// PCEID of the PCK certificate.
        expected: Hex<2>,
        /// PCEID of the TCB info.
        found: Hex<2>,
    },
    /// The quote is not of the platform that was verified.
    #[error("quote rests on other signature data ({found}) than the platform ({expected})")]
    OtherPlatform {
        /// Digest of what the platform proof rests on.
        expected: Hex<32>,
        /// Digest of the quote's.
        found: Hex<32>,
    },
    /// The QE report was not signed by the PCK.
    #[error("QE report signature does not verify under the PCK certificate's key")]
    QeReportSignature,
    /// The QE report does not vouch for the attestation key.
    #[error(
        "QE report data is {found}, SHA-256 of attestation key and authentication data is {expected}"
    )]
    QeReportBinding {
        /// Hash of attestation key and QE authentication data.
        expected: Hex<32>,
        /// First 32 bytes of the QE's report data.
        found: Hex<32>,
    },
    /// The quoting enclave is debuggable.
    #[error("quoting enclave is debuggable: attributes {attributes}")]
    QeDebuggable {
        /// Its attributes.
        attributes: Hex<16>,
    },
    /// The quoting enclave's signer is another one.
    #[error("quoting enclave has MRSIGNER {found}, expected {expected}")]
    QeMrSigner {
        /// Of the identity.
        expected: Hex<32>,
        /// Of the QE report.
        found: Hex<32>,
    },
    /// The quoting enclave is another product.
    #[error("quoting enclave has ISVPRODID {found}, expected {expected}")]
    QeIsvProdId {
        /// Of the identity.
        expected: u16,
        /// Of the QE report.
        found: u16,
    },
    /// The quoting enclave's MISCSELECT differs where it matters.
    #[error("quoting enclave has MISCSELECT {found} under mask {mask}, expected {expected}")]
    QeMiscSelect {
        /// Of the identity.
        expected: Hex<4>,
        /// Of the QE report.
        found: Hex<4>,
        /// Which bits matter.
        mask: Hex<4>,
    },
    /// The quoting enclave's attributes differ where it matters.
    #[error("quoting enclave has attributes {found} under mask {mask}, expected {expected}")]
    QeAttributes {
        /// Of the identity.
        expected: Hex<16>,
        /// Of the QE report.
        found: Hex<16>,
        /// Which bits matter.
        mask: Hex<16>,
    },
    /// The quoting enclave is older than any that Intel lists.
    #[error("quoting enclave has ISVSVN {found}, lowest level is {lowest}")]
    QeTcbLevel {
        /// ISVSVN of the QE report.
        found: u16,
        /// Lowest ISVSVN of the identity.
        lowest: u16,
    },
    /// The quote was not signed by the attestation key.
    #[error("quote signature does not verify under the attestation key")]
    QuoteSignature,
    /// The platform is below every level that Intel lists: not supported, which is worse than out
    /// of date.
    #[error("no TCB level fits the {moment} TCB: {short}")]
    TcbLevel {
        /// Which TCB of the quote.
        moment: TcbMoment,
        /// What the lowest level asks for beyond what the platform has.
        short: String,
    },
    /// Intel lists no TDX module of this major version.
    #[error("{moment} TDX module TDX_{found:02X} is not listed, listed are {listed:?}")]
    TdxModuleIdentity {
        /// Which TCB of the quote.
        moment: TcbMoment,
        /// Major version in `TEE_TCB_SVN`.
        found: u8,
        /// Ids in the TCB info.
        listed: Vec<String>,
    },
    /// The TDX module has another signer.
    #[error("TDX module has MRSIGNERSEAM {found}, expected {expected}")]
    TdxModuleMrSigner {
        /// Of the module identity.
        expected: Hex<48>,
        /// Of the TD report.
        found: Hex<48>,
    },
    /// The TDX module's attributes are not those of a production module.
    #[error("TDX module has SEAMATTRIBUTES {found}, expected {expected} and all zero")]
    TdxModuleAttributes {
        /// Of the module identity.
        expected: Hex<8>,
        /// Of the TD report.
        found: Hex<8>,
    },
    /// The TDX module is older than any that Intel lists.
    #[error("{moment} TDX module has SVN {found}, lowest level is {lowest}")]
    TdxModuleTcbLevel {
        /// Which TCB of the quote.
        moment: TcbMoment,
        /// SVN in `TEE_TCB_SVN`.
        found: u8,
        /// Lowest SVN of the module identity.
        lowest: u16,
    },
    /// Intel has revoked a part of the TCB.
    #[error("{moment} TCB of the {part} is revoked; advisories {advisory_ids:?}")]
    TcbRevoked {
        /// Which TCB of the quote.
        moment: TcbMoment,
        /// Which part.
        part: TcbPart,
        /// What Intel says about it.
        advisory_ids: Vec<String>,
    },
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
        PathErrorKind::UnknownCriticalExtension(_) => names.extension,
        PathErrorKind::AnchorMismatch { .. } => names.signature,
    }
}

fn crl_check(crl: CrlName, error: &CrlError) -> &'static str {
    let names = crl.names();
    match error {
        CrlError::Malformed | CrlError::TooLarge { .. } | CrlError::UnsupportedAlgorithm(_) => {
            names.malformed
        }
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
