//! `[database] url`: which database, and how safely it is reached.

use std::path::PathBuf;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::driver::{PostgresTarget, SqliteTarget};
use crate::error::StoreError;

/// Where a store lives.
#[derive(Debug)]
pub(crate) enum Location {
    Sqlite(SqliteTarget),
    Postgres(Box<PostgresTarget>),
}

impl Location {
    /// Reads `postgres://…`, `postgresql://…`, `sqlite:PATH`, `:memory:` or a bare path.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return postgres(text).map(|target| Self::Postgres(Box::new(target)));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path == ":memory:" {
            return Ok(Self::Sqlite(SqliteTarget::Memory));
        }
        // A mistyped scheme must not become a file of that name.
        if path.is_empty() || path.contains("://") || path.contains('\0') {
            return Err(invalid("neither a PostgreSQL URL nor a path for SQLite"));
        }
        Ok(Self::Sqlite(SqliteTarget::File(PathBuf::from(path))))
    }
}

/// The driver's own default falls back to plain text when the server offers no TLS. Over a
/// network that would be whoever answers first, so without `sslmode` the server's certificate
/// and name are checked; on a socket or loopback there is nothing to protect against.
fn postgres(url: &str) -> Result<PostgresTarget, StoreError> {
    let connect = PgConnectOptions::from_str(url)
        // The driver's message may quote the URL, which holds the password.
        .map_err(|_| invalid("not a valid PostgreSQL URL"))?;
    let says_ssl_mode = url.split_once('?').is_some_and(|(_, query)| {
        query.split('&').any(|pair| pair.starts_with("sslmode=") || pair.starts_with("ssl-mode="))
    });
    let local = connect.get_socket().is_some()
        || connect.get_host().starts_with('/')
        || matches!(connect.get_host(), "localhost" | "127.0.0.1" | "::1" | "[::1]");
    let connect =
        if says_ssl_mode || local { connect } else { connect.ssl_mode(PgSslMode::VerifyFull) };
    Ok(PostgresTarget { connect })
}

fn invalid(reason: &str) -> StoreError {
    StoreError::Location { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
