//! The fifth step of trust: what a publisher says stands in a public ledger, so that it cannot say something else
//! to somebody else.
//!
//! A *signed statement* is a `COSE_Sign1` of the publisher's over a document ([`VerifiedStatement`]). A ledger that
//! registers it gives a *receipt*: a proof that the statement is in its tree, under a root that the ledger signed
//! ([`VerifiedReceipt`]). A statement with receipts is *transparent* ([`TransparentStatement`]).
//!
//! Publishers of lists pin a key. Microsoft's services have no list, but statements about the code of each release, signed
//! under certificates ([`VerifiedCodeStatement`], [`TransparentCodeStatement`]).
//!
//! Proven by a receipt: a ledger with a pinned key has this very statement. Not proven: that the ledger shows the same
//! tree to everybody, or that anybody looked. Ledgers are not asked anything here.

mod ccf;
mod code;
mod error;
mod ledger;
mod receipt;
mod rfc9162;
mod statement;

use std::fmt;

use avouch_engine::Workload;
use avouch_token::BarePublicKey;
use avouch_wire::UnixTime;
use receipt::Receipts;

pub use code::{CodePublisher, VerifiedCodeStatement};
pub use error::{ReceiptError, StatementError, TransparencyError};
pub use ledger::{LedgerKey, LedgerKeyError};
pub use receipt::{LedgerTree, RECEIPT_BYTES_MAX, VerifiedReceipt};
pub use statement::{
    STATEMENT_BYTES_MAX, STATEMENT_CONTENT_TYPE, StatementHead, VerifiedStatement, with_receipts,
    write_statement,
};

use crate::{
    KnownPublication, Measurements, Publication, UnpublishedMeasurement, UvmMeasurement,
    WorkloadMeasurement,
};

/// A statement of a pinned publisher that a pinned ledger registered.
///
/// Only [`TransparentStatement::verify`] makes one.
#[derive(Debug, Clone)]
pub struct TransparentStatement {
    statement: VerifiedStatement,
    receipts: Vec<VerifiedReceipt>,
}

impl TransparentStatement {
    /// Verifies a statement with its receipts, in its own headers or beside it.
    ///
    /// Receipts of other ledgers than those given are left out; one of the others must hold. Of those beside the
    /// statement, at most 8, each must; those in its headers, which whoever passes it on may write, are left out if they
    /// do not.
    ///
    /// # Errors
    /// [`TransparencyError`] naming the check that failed.
    pub fn verify(
        statement: &[u8],
        beside: &[Vec<u8>],
        publishers: &[BarePublicKey],
        ledgers: &[LedgerKey],
        at: UnixTime,
    ) -> Result<Self, TransparencyError> {
        let (statement, within) = VerifiedStatement::verify(statement, publishers, at)?;
        let all = Receipts { within, beside };
        let receipts = VerifiedReceipt::verify_all(&all, statement.registered(), ledgers, at)?;
        Ok(Self { statement, receipts })
    }

    /// The statement.
    #[must_use]
    pub const fn statement(&self) -> &VerifiedStatement {
        &self.statement
    }

    /// The receipts that hold, at least one.
    #[must_use]
    pub fn receipts(&self) -> &[VerifiedReceipt] {
        &self.receipts
    }

    /// That the statement is over this very issue of the list.
    ///
    /// # Errors
    /// [`TransparencyError::OtherDocument`] with both digests.
    pub fn check_covers(
        self,
        publication: &Publication,
    ) -> Result<TransparentPublication, TransparencyError> {
        self.covering(publication, publication.measurements())
    }

    /// The same of an issue that a relying party keeps: what it lists counts from when that party was told.
    ///
    /// # Errors
    /// As [`TransparentStatement::check_covers`].
    pub fn check_covers_known(
        self,
        known: &KnownPublication,
    ) -> Result<TransparentPublication, TransparencyError> {
        self.covering(known.publication(), known.measurements())
    }

    fn covering(
        self,
        publication: &Publication,
        measurements: &Measurements,
    ) -> Result<TransparentPublication, TransparencyError> {
        let expected = publication.sha256()?;
        let found = self.statement.payload_sha256();
        if expected != found {
            return Err(TransparencyError::OtherDocument { expected, found });
        }
        Ok(TransparentPublication { transparent: self, measurements: measurements.clone() })
    }
}

/// An issue of a publisher's list that stands in a ledger, and what it lists. Only [`TransparentStatement::check_covers`]
/// and [`TransparentStatement::check_covers_known`] make one.
#[derive(Debug, Clone)]
pub struct TransparentPublication {
    transparent: TransparentStatement,
    measurements: Measurements,
}

impl TransparentPublication {
    /// The statement and its receipts.
    #[must_use]
    pub const fn transparent(&self) -> &TransparentStatement {
        &self.transparent
    }

    /// What the list has that stands in the ledger.
    #[must_use]
    pub const fn measurements(&self) -> &Measurements {
        &self.measurements
    }
}

/// A statement about code, of a trusted publisher, that a pinned ledger registered.
///
/// Only [`TransparentCodeStatement::verify`] makes one.
#[derive(Debug, Clone)]
pub struct TransparentCodeStatement {
    statement: VerifiedCodeStatement,
    receipts: Vec<VerifiedReceipt>,
}

impl TransparentCodeStatement {
    /// Verifies a statement with its receipts, as [`TransparentStatement::verify`].
    ///
    /// # Errors
    /// [`TransparencyError`] naming the check that failed.
    pub fn verify(
        statement: &[u8],
        beside: &[Vec<u8>],
        publishers: &[CodePublisher],
        ledgers: &[LedgerKey],
        at: UnixTime,
    ) -> Result<Self, TransparencyError> {
        let (statement, within) = VerifiedCodeStatement::verify(statement, publishers, at)?;
        let all = Receipts { within, beside };
        let receipts = VerifiedReceipt::verify_all(&all, statement.registered(), ledgers, at)?;
        Ok(Self { statement, receipts })
    }

    /// The statement.
    #[must_use]
    pub const fn statement(&self) -> &VerifiedCodeStatement {
        &self.statement
    }

    /// The receipts that hold, at least one.
    #[must_use]
    pub fn receipts(&self) -> &[VerifiedReceipt] {
        &self.receipts
    }

    /// What it says of code: the `mrenclave` (and `mrsigner`) of `sgx-enclave`, or a guest whose host data are the hash of
    /// `security-policy-base64`, in one of these utility VMs.
    ///
    /// # Errors
    /// [`TransparencyError::Statement`] if its payload says neither.
    pub fn code(self, vms: &[UvmMeasurement]) -> Result<TransparentCode, TransparencyError> {
        let code = self.statement.code(vms)?;
        Ok(TransparentCode { transparent: self, code })
    }
}

/// Code that a trusted publisher stated in a ledger. Only [`TransparentCodeStatement::code`] makes one.
#[derive(Debug, Clone)]
pub struct TransparentCode {
    transparent: TransparentCodeStatement,
    code: Vec<WorkloadMeasurement>,
}

impl TransparentCode {
    /// The statement and its receipts.
    #[must_use]
    pub const fn transparent(&self) -> &TransparentCodeStatement {
        &self.transparent
    }

    /// Whether a workload is this code; says whose.
    ///
    /// # Errors
    /// [`UnpublishedMeasurement::NotListed`] saying in what it differs least.
    pub fn judge(&self, workload: &Workload<'_>) -> Result<String, UnpublishedMeasurement> {
        let publisher = self.transparent.statement.publisher();
        let svn = self.transparent.statement.svn();
        let mut nearest = None::<Vec<String>>;
        for one in &self.code {
            let Some(mismatches) = one.mismatches(workload) else { continue };
            if mismatches.is_empty() {
                let svn = svn.map(|svn| format!(", svn {svn}")).unwrap_or_default();
                return Ok(format!("{:?} of {}{svn}", publisher.subject, publisher.issuer));
            }
            if nearest.as_ref().is_none_or(|known| mismatches.len() < known.len()) {
                nearest = Some(mismatches);
            }
        }
        let nearest = nearest.map(|of| (publisher.subject.clone(), of.join("; ")));
        Err(UnpublishedMeasurement::NotListed { listed: self.code.len(), nearest })
    }
}

impl fmt::Display for TransparentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransparentCodeStatement { statement, receipts } = &self.transparent;
        let (publisher, issued_at) = (&statement.publisher().issuer, statement.issued_at());
        write!(f, "the statement of {publisher} of {issued_at} is registered: ")?;
        write_all(f, receipts)
    }
}

impl fmt::Display for TransparentPublication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransparentStatement { statement, receipts } = &self.transparent;
        write!(
            f,
            "the statement of {} of {} is registered: ",
            statement.issuer(),
            statement.issued_at()
        )?;
        write_all(f, receipts)
    }
}

fn write_all(f: &mut fmt::Formatter<'_>, receipts: &[VerifiedReceipt]) -> fmt::Result {
    for (index, receipt) in receipts.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{receipt}")?;
    }
    Ok(())
}
