//! A list of measurements in a file: bare, as an issue, or signed.

use std::path::PathBuf;

use avouch_client::{
    CodePublisher, IssueError, KnownPublication, LedgerKey, Measurements, Publication,
    TransparencyError, TransparentCode, TransparentCodeStatement, TransparentPublication,
    TransparentStatement, UvmMeasurement, VerifiedPublication,
};
use avouch_token::BarePublicKey;
use avouch_wire::json::parse_object;
use avouch_wire::{FailedCheck as _, UnixTime};

use crate::failure::{Failure, read};

/// What a file holds, and who vouches for it.
pub(in crate::commands) enum Issued {
    /// A list that says nothing of itself.
    Bare(Measurements),
    /// An issue that nobody signed.
    Unsigned(Publication),
    /// One that a pinned key signed, and that is in force.
    Signed(Box<VerifiedPublication>),
}

/// Why what was read does not count.
pub(in crate::commands) struct NotIssued {
    pub(in crate::commands) check: &'static str,
    pub(in crate::commands) message: String,
}

impl Issued {
    pub(in crate::commands) const fn measurements(&self) -> &Measurements {
        match self {
            Self::Bare(list) => list,
            Self::Unsigned(issue) => issue.measurements(),
            Self::Signed(issue) => issue.publication().measurements(),
        }
    }

    /// The issue, if it is one.
    pub(in crate::commands) const fn publication(&self) -> Option<&Publication> {
        match self {
            Self::Bare(_) => None,
            Self::Unsigned(issue) => Some(issue),
            Self::Signed(issue) => Some(issue.publication()),
        }
    }
}

/// Reads what `bytes` hold, called `name`. Where keys are given it must be signed by one, and where none is given
/// nothing signed is read: whoever has a signed list has a key to check it by.
pub(in crate::commands) fn read_issued(
    name: &str,
    bytes: &[u8],
    keys: &[BarePublicKey],
    at: UnixTime,
) -> Result<Result<Issued, NotIssued>, Failure> {
    let named = |reason: &dyn std::fmt::Display| Failure::Other(format!("{name}: {reason}"));
    let refused = |error: &IssueError| NotIssued {
        check: error.check(),
        message: format!("{name}: {error}"),
    };
    let text = String::from_utf8_lossy(bytes);
    if !keys.is_empty() {
        let verified = VerifiedPublication::verify(&text, keys, at);
        return Ok(verified
            .map(|issue| Issued::Signed(Box::new(issue)))
            .map_err(|error| refused(&error)));
    }
    if !text.trim_start().starts_with('{') {
        let hint =
            "signed, or no list of measurements: give the publisher's key by --publisher-key";
        return Err(named(&hint));
    }
    // What names its publisher is an issue.
    let is_issue = parse_object(bytes, bytes.len())
        .is_ok_and(|members| members.contains_key("publisher") || members.contains_key("sequence"));
    if !is_issue {
        return Measurements::parse(bytes).map(Issued::Bare).map(Ok).map_err(|error| named(&error));
    }
    let issue = Publication::parse(bytes).map_err(|error| named(&error))?;
    match issue.check_in_force(at) {
        Ok(()) => Ok(Ok(Issued::Unsigned(issue))),
        Err(error) => Ok(Err(refused(&error))),
    }
}

/// How an issue stands in a ledger.
pub(in crate::commands) type Transparency = Result<TransparentPublication, TransparencyError>;

/// The list that a ledger should have: as its publisher issued it, or as it counts for whoever keeps it.
#[derive(Clone, Copy)]
pub(in crate::commands) enum IssuedList<'a> {
    Issue(&'a Publication),
    Known(&'a KnownPublication),
}

/// Who may bear witness: files of a call.
pub(in crate::commands) struct Witnesses<'a> {
    pub(in crate::commands) receipts: &'a [PathBuf],
    pub(in crate::commands) ledger_keys: &'a [PathBuf],
}

impl Witnesses<'_> {
    /// Verifies a statement over a list, with its receipts.
    pub(in crate::commands) fn verify(
        &self,
        statement: &[u8],
        list: IssuedList<'_>,
        publishers: &[BarePublicKey],
        at: UnixTime,
    ) -> Result<Transparency, Failure> {
        let (ledgers, receipts) = (self.ledgers()?, self.receipts()?);
        let verified = TransparentStatement::verify(statement, &receipts, publishers, &ledgers, at);
        Ok(verified.and_then(|transparent| match list {
            IssuedList::Issue(issue) => transparent.check_covers(issue),
            IssuedList::Known(known) => transparent.check_covers_known(known),
        }))
    }

    /// Verifies a statement over code, with its receipts.
    pub(in crate::commands) fn verify_code(
        &self,
        statement: &[u8],
        publishers: &[CodePublisher],
        vms: &[UvmMeasurement],
        at: UnixTime,
    ) -> Result<Result<TransparentCode, TransparencyError>, Failure> {
        let (ledgers, receipts) = (self.ledgers()?, self.receipts()?);
        let verified =
            TransparentCodeStatement::verify(statement, &receipts, publishers, &ledgers, at);
        Ok(verified.and_then(|transparent| transparent.code(vms)))
    }

    fn ledgers(&self) -> Result<Vec<LedgerKey>, Failure> {
        let mut ledgers = Vec::new();
        for path in self.ledger_keys {
            let name = path.display().to_string();
            let keys = LedgerKey::read(&name, &read(path)?);
            ledgers.extend(keys.map_err(|error| Failure::Other(format!("{name}: {error}")))?);
        }
        Ok(ledgers)
    }

    fn receipts(&self) -> Result<Vec<Vec<u8>>, Failure> {
        self.receipts.iter().map(|path| read(path)).collect()
    }
}
