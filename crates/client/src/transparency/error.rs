//! Why a statement is not transparent.

use avouch_cose::Sign1Error;
use avouch_snp::uvm::UvmError;
use avouch_token::SignError;
use avouch_wire::{Hex, ParseError, UnixTime, excerpt, failed_check};
use thiserror::Error;

use crate::PublicationError;

/// Why a signed statement does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementError {
    /// No tagged `COSE_Sign1` within the bounds.
    #[error("statement: {0}")]
    Form(#[from] Sign1Error),
    /// A protected header is missing or not as it must be.
    #[error("statement: protected header {name}: {reason}")]
    Header {
        /// Its name and number.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// It is over another sort of document.
    #[error("statement: content type is {}, expected {expected:?}", excerpt(.found))]
    ContentType {
        /// What the header says.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// Signed by nobody who is pinned.
    #[error("statement: signed by key {}, which is none of the {trusted} that are trusted", excerpt(.found))]
    UnknownKey {
        /// The key that it names.
        found: String,
        /// How many are trusted.
        trusted: usize,
    },
    /// The certificate beside the signature is of another key.
    #[error("statement: the first certificate of x5chain is of key {found}, kid names {expected}")]
    Certificate {
        /// SHA-256 of the certificate's key.
        found: Hex<32>,
        /// SHA-256 of the key that is named.
        expected: Hex<32>,
    },
    /// The key makes no such signatures.
    #[error("statement: alg is {found}, the key signs by {expected}")]
    Algorithm {
        /// What the header says.
        found: String,
        /// What goes with the key.
        expected: &'static str,
    },
    /// The signature does not hold.
    #[error("statement: the signature does not hold under key {key}")]
    Signature {
        /// SHA-256 of the key.
        key: Hex<32>,
    },
    /// It was signed later than the moment of judgement.
    #[error("statement: issued at {issued_at}, it is {at}")]
    Future {
        /// When it says that it was issued.
        issued_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
    /// Nobody who is trusted says it of itself, or it is about something else.
    #[error(
        "statement: issuer {} with subject {} is none that is trusted",
        excerpt(.issuer),
        excerpt(.subject)
    )]
    Publisher {
        /// `iss`.
        issuer: String,
        /// `sub`.
        subject: String,
    },
    /// The signer is not of the sort that its issuer names.
    #[error("statement: {0}")]
    Signer(#[from] UvmError),
    /// Its security version is too low.
    #[error("statement: svn is {}, at least {minimum} is required", shown(.found))]
    Svn {
        /// The version, if it has one.
        found: Option<u64>,
        /// The least.
        minimum: u64,
    },
    /// It says nothing of code that could be compared.
    #[error("statement: payload: {0}")]
    Payload(String),
    /// It cannot be made with this key.
    #[error("a statement is signed by P-256, P-384 or Ed25519; this key signs by {0}")]
    Unsupported(&'static str),
    /// The key cannot be used.
    #[error("statement: {0}")]
    Sign(#[from] SignError),
}

failed_check!(StatementError {
    Self::Form(_) => "statement-form",
    Self::Header { .. } => "statement-header",
    Self::ContentType { .. } => "statement-content-type",
    Self::UnknownKey { .. } => "statement-key",
    Self::Certificate { .. } => "statement-key",
    Self::Algorithm { .. } => "statement-algorithm",
    Self::Signature { .. } => "statement-signature",
    Self::Future { .. } => "statement-issued-at",
    Self::Publisher { .. } => "statement-publisher",
    Self::Signer(_) => "statement-signer",
    Self::Svn { .. } => "statement-svn",
    Self::Payload(_) => "statement-payload",
    Self::Unsupported(_) => "statement-algorithm",
    Self::Sign(_) => "statement-signature",
});

fn shown(svn: &Option<u64>) -> String {
    svn.map_or_else(|| "absent".to_owned(), |svn| svn.to_string())
}

/// Why a receipt does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// No tagged `COSE_Sign1` within the bounds.
    #[error("receipt: {0}")]
    Form(#[from] Sign1Error),
    /// A header is missing or not as it must be.
    #[error("receipt: header {name}: {reason}")]
    Header {
        /// Its name and number.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A tree of another sort.
    #[error(
        "receipt: vds (395) is {found}, known are 1 (RFC9162_SHA256) and 2 (CCF_LEDGER_SHA256)"
    )]
    DataStructure {
        /// What the header says.
        found: String,
    },
    /// The proof is no CBOR within the bounds.
    #[error("receipt: {0}")]
    ProofBounds(ParseError),
    /// The proof is not of the form that its tree has.
    #[error("receipt: inclusion proof: {0}")]
    Proof(String),
    /// It is the receipt of something else.
    #[error("receipt: it is for {found}, the statement is {expected}")]
    OtherStatement {
        /// What the leaf has.
        found: Hex<32>,
        /// SHA-256 of the statement.
        expected: Hex<32>,
    },
    /// The ledger's key makes no such signatures.
    #[error("receipt: alg is {found}, which the key of {ledger} does not sign by")]
    Algorithm {
        /// What the header says.
        found: String,
        /// The ledger.
        ledger: String,
    },
    /// The root that the proof leads to is not the one that the ledger signed.
    #[error("receipt: the root that the proof leads to is not signed by the key of {ledger}")]
    Signature {
        /// The ledger.
        ledger: String,
    },
    /// It was given later than the moment of judgement.
    #[error("receipt: given at {registered_at}, it is {at}")]
    Future {
        /// When it says that it was given.
        registered_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
    /// No receipt of a ledger that is pinned.
    #[error(
        "there is no receipt of a trusted ledger: {found} receipts, {trusted} ledgers are trusted"
    )]
    NoneOfTrusted {
        /// How many receipts there are.
        found: usize,
        /// How many ledgers are trusted.
        trusted: usize,
    },
    /// More than accepted.
    #[error("{found} receipts are over the limit of {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
}

failed_check!(ReceiptError {
    Self::Form(_) => "receipt-form",
    Self::Header { .. } => "receipt-header",
    Self::DataStructure { .. } => "receipt-data-structure",
    Self::ProofBounds(_) => "receipt-proof",
    Self::Proof(_) => "receipt-proof",
    Self::OtherStatement { .. } => "receipt-statement",
    Self::Algorithm { .. } => "receipt-algorithm",
    Self::Signature { .. } => "receipt-signature",
    Self::Future { .. } => "receipt-registered-at",
    Self::NoneOfTrusted { .. } => "receipt-ledger",
    Self::TooMany { .. } => "receipt-form",
});

/// Why nothing is known to stand in a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransparencyError {
    /// The statement does not count.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// No receipt counts.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// It is registered, and is over another document.
    #[error(
        "the registered statement is over SHA-256 {found}, the list of measurements is {expected}"
    )]
    OtherDocument {
        /// SHA-256 of the list.
        expected: Hex<32>,
        /// SHA-256 of the statement's payload.
        found: Hex<32>,
    },
    /// The list cannot be written.
    #[error(transparent)]
    Document(#[from] PublicationError),
}

failed_check!(TransparencyError {
    Self::Statement(error) => (error.check(), StatementError::checks()),
    Self::Receipt(error) => (error.check(), ReceiptError::checks()),
    Self::OtherDocument { .. } => "statement-document",
    Self::Document(_) => "measurements-document",
});
