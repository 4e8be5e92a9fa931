//! Why the store did not do what it was asked.

use avouch_wire::excerpt;
use thiserror::Error;

/// The error below ours, kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation on the store failed.
///
/// After any error nothing of the operation is in the database, with one exception: when the
/// connection breaks during the commit itself ([`StoreError::Unavailable`]) the write may have
/// happened, as with every database; the caller reads again.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The thing is not there (any more).
    #[error("{what} {} does not exist", excerpt(.name))]
    NotFound {
        /// Kind of thing, such as `provider`.
        what: &'static str,
        /// Its name or number.
        name: String,
    },
    /// Something of that name is there already.
    #[error("{what} {} exists already", excerpt(.name))]
    AlreadyExists {
        /// Kind of thing, such as `provider`.
        what: &'static str,
        /// Its name or number.
        name: String,
    },
    /// Another writer was faster: read again, decide again.
    #[error("{what} was changed by another writer: expected revision {expected}, found {found}")]
    Conflict {
        /// Whose revision was compared.
        what: &'static str,
        /// The revision the caller had decided on.
        expected: u64,
        /// The revision in the database.
        found: u64,
    },
    /// More or larger than allowed.
    #[error("{what}: {found} exceeds the limit of {allowed}")]
    Limit {
        /// What was counted, with its unit.
        what: &'static str,
        /// The count or size asked for.
        found: u64,
        /// The largest allowed.
        allowed: u64,
    },
    /// A name outside the rules.
    #[error("{what} name {} is invalid: {reason}", excerpt(.name))]
    InvalidName {
        /// Kind of thing, such as `provider`.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// A value outside the rules.
    #[error("{field} is invalid: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// An Isolated provider keeps at least one policy certificate.
    #[error("the last policy certificate of provider {provider:?} cannot be removed")]
    LastCertificate {
        /// The provider.
        provider: String,
    },
    /// Policy certificates belong to Isolated providers only.
    #[error("provider {provider:?} has trust model AAD and therefore no policy certificates")]
    NotIsolated {
        /// The provider.
        provider: String,
    },
    /// An Isolated provider was told to take no signed request twice.
    #[error("provider {provider:?} has accepted this signed request before")]
    RequestSeen {
        /// The provider.
        provider: String,
    },
    /// A signing key is not in the state that the operation starts from.
    #[error("key {kid:?} is {found}, expected {expected}")]
    KeyState {
        /// The key.
        kid: String,
        /// The state it has.
        found: &'static str,
        /// The states the operation accepts.
        expected: &'static str,
    },
    /// The database cannot be reached, is busy beyond the time-out, is read-only or full.
    #[error("database is unavailable to {operation}")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// What the driver said.
        source: Cause,
    },
    /// The database refused something we believed correct: a bug here, or a foreign hand there.
    #[error("database refused to {operation}")]
    Database {
        /// What was being done.
        operation: &'static str,
        /// What the driver said.
        source: Cause,
    },
    /// A stored value is not what this program writes.
    #[error("column {column} holds a value that this program does not write: {reason}")]
    Corrupt {
        /// Column, as named in the query.
        column: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database was made by a newer program; going back is not supported.
    #[error("database has schema {found}, this program knows up to {known}")]
    SchemaTooNew {
        /// Version in the database.
        found: u32,
        /// Newest version this program knows.
        known: u32,
    },
    /// The database was made by an older program, and is not to be upgraded here.
    #[error(
        "database has schema {found}, this program needs {known}: start its service with it first"
    )]
    SchemaTooOld {
        /// Version in the database.
        found: u32,
        /// Version this program needs.
        known: u32,
    },
    /// A migration in the database is not the one this program has under that number.
    #[error("migration {version} in the database differs from the one in this program")]
    SchemaDiffers {
        /// Number of the migration.
        version: u32,
    },
    /// `[database] url` is neither a PostgreSQL URL nor a SQLite path.
    #[error("database location is invalid: {reason}")]
    Location {
        /// What is wrong; never holds the URL, which may hold a password.
        reason: String,
    },
}

impl StoreError {
    /// Sorts a driver error: what may pass with time against what will not.
    pub(crate) fn from_driver(operation: &'static str, error: sqlx::Error) -> Self {
        if passes_with_time(&error) {
            Self::Unavailable { operation, source: Box::new(error) }
        } else {
            Self::Database { operation, source: Box::new(error) }
        }
    }

    /// The sentence, and those of the errors below it, for the log.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }

    /// True when the same call may succeed later without anyone changing its arguments.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

fn passes_with_time(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed
        // The driver counts a transaction as open: its connection is about to be replaced.
        | sqlx::Error::InvalidSavePointStatement => true,
        sqlx::Error::Database(inner) => inner.code().is_some_and(|code| code_passes(&code)),
        _ => false,
    }
}

/// SQLSTATE classes of PostgreSQL, or extended result codes of SQLite as decimal text.
fn code_passes(code: &str) -> bool {
    const SQLSTATE_CLASSES: [&str; 6] = [
        "08", // connection exception
        "25", // invalid transaction state: read-only standby, idle time-out
        "40", // serialization failure, deadlock
        "53", // insufficient resources
        "57", // operator intervention: shutdown, statement time-out
        "58", // system error
    ];
    // Lock not available (lock_timeout).
    if code == "55P03" {
        return true;
    }
    if code.len() == 5 && code.get(..2).is_some_and(|class| SQLSTATE_CLASSES.contains(&class)) {
        return true;
    }
    // SQLITE_BUSY 5, LOCKED 6, READONLY 8, IOERR 10, FULL 13, CANTOPEN 14 and their extensions.
    code.parse::<u32>()
        .is_ok_and(|number| code.len() < 5 && matches!(number & 0xff, 5 | 6 | 8 | 10 | 13 | 14))
}
