//! Why evidence or collateral is refused: which check, and both sides of it.

mod check;
mod document;
mod quote;
mod subjects;

use avouch_pki::{CertificateError, CrlError, KeyKind, OutsideWindow, PathError, pem::PemError};
use avouch_wire::{Hex, ParseError};
use thiserror::Error;

pub use document::DocumentError;
pub use quote::QuoteError;
pub use subjects::{CertificateRole, ChainName, CrlName, Dated, DocumentName, TcbMoment, TcbPart};

use crate::header::TeeType;

fn listed(exceptions: &[String]) -> String {
    exceptions.iter().map(|exception| format!("; {exception}")).collect()
}

/// Why evidence or collateral does not verify.
///
/// Exhaustive on purpose: whoever turns these into answers must decide about each.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The evidence has not the shape of a quote.
    #[error("quote is malformed: {0}")]
    Malformed(#[from] QuoteError),
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
    #[error("no TCB level fits the {moment} TCB: {short}{}", listed(.exceptions))]
    TcbLevel {
        /// Which TCB of the quote.
        moment: TcbMoment,
        /// What the lowest level asks for beyond what the platform has.
        short: String,
        /// The operator's exceptions for such platforms, each with why it does not hold.
        exceptions: Vec<String>,
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
