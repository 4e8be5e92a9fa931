//! The fifth step of trust: what a publisher says stands in a public ledger, so that it cannot say something else
//! to somebody else.
//!
//! A *signed statement* is a `COSE_Sign1` of the publisher's over a document ([`VerifiedStatement`]). A ledger that
//! registers it gives a *receipt*: a proof that the statement is in its tree, under a root that the ledger signed
//! ([`VerifiedReceipt`]). A statement with receipts is *transparent* ([`TransparentStatement`]).
//!
//! Proven by a receipt: a ledger with a pinned key has this very statement. Not proven: that the ledger shows the same
//! tree to everybody, or that anybody looked. Ledgers are not asked anything here.

mod ccf;
mod error;
mod ledger;
mod receipt;
mod rfc9162;
mod statement;

use std::fmt;

use avouch_token::BarePublicKey;
use avouch_wire::UnixTime;

pub use error::{ReceiptError, StatementError, TransparencyError};
pub use ledger::{LedgerKey, LedgerKeyError};
pub use receipt::{LedgerTree, RECEIPT_BYTES_MAX, VerifiedReceipt};
pub use statement::{
    STATEMENT_BYTES_MAX, STATEMENT_CONTENT_TYPE, StatementHead, VerifiedStatement, with_receipts,
    write_statement,
};

use crate::Publication;

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
    /// Receipts of other ledgers than those given are left out; of the others each must hold, and there must be one.
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
        let all: Vec<&[u8]> = within.iter().chain(beside).map(Vec::as_slice).collect();
        let receipts = VerifiedReceipt::verify_all(&all, &statement, ledgers, at)?;
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
        let expected = publication.sha256()?;
        let found = self.statement.payload_sha256();
        if expected != found {
            return Err(TransparencyError::OtherDocument { expected, found });
        }
        Ok(TransparentPublication { transparent: self })
    }
}

/// An issue of a publisher's list that stands in a ledger. Only [`TransparentStatement::check_covers`] makes one.
#[derive(Debug, Clone)]
pub struct TransparentPublication {
    transparent: TransparentStatement,
}

impl TransparentPublication {
    /// The statement and its receipts.
    #[must_use]
    pub const fn transparent(&self) -> &TransparentStatement {
        &self.transparent
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
        for (index, receipt) in receipts.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{receipt}")?;
        }
        Ok(())
    }
}
