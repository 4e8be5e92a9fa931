//! A file of tokens, for small installations: hashes and roles, never the tokens themselves.

use std::path::{Path, PathBuf};

use avouch_store::{Actor, ActorKind};
use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{Caller, Grant, NamedRole};
use crate::config::granted_providers;

/// Shortest token accepted, in bytes: the hash of a short one could be guessed from the file.
const TOKEN_BYTES_MIN: usize = 32;

/// Why a token file cannot be used.
#[derive(Debug, Error)]
pub enum StaticTokensError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no token file.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// The tokens of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticTokens {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    sha256: [u8; 32],
    caller: Caller,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tokens: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    sha256: String,
    role: NamedRole,
    #[serde(default)]
    providers: Option<Vec<String>>,
}

impl StaticTokens {
    /// Reads `[[tokens]]` with `name`, `sha256` (hex of the token's hash), `role` and perhaps
    /// `providers`.
    ///
    /// # Errors
    /// [`StaticTokensError`].
    pub fn load(path: &Path) -> Result<Self, StaticTokensError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StaticTokensError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
            .map_err(|message| StaticTokensError::Format { path: path.to_owned(), message })
    }

    /// Reads the text of a token file.
    ///
    /// # Errors
    /// A sentence saying what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut entries: Vec<Entry> = Vec::new();
        for row in file.tokens {
            let name = row.name.clone();
            let entry = row.entry().map_err(|error| format!("token {name:?}: {error}"))?;
            if entries.iter().any(|other| other.sha256 == entry.sha256) {
                return Err(format!("token {name:?}: another entry has the same hash"));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// The caller whose token this is.
    ///
    /// Every entry is compared, each in constant time: how long it takes tells nothing.
    pub(super) fn caller(&self, token: &str) -> Option<Caller> {
        if token.len() < TOKEN_BYTES_MIN {
            return None;
        }
        let found = digest(&SHA256, token.as_bytes());
        let mut caller = None;
        for entry in &self.entries {
            if bool::from(entry.sha256.as_slice().ct_eq(found.as_ref())) {
                caller = Some(entry.caller.clone());
            }
        }
        caller
    }
}

impl Row {
    fn entry(mut self) -> Result<Entry, String> {
        let bytes = avouch_wire::decode_hex(&self.sha256).map_err(|error| error.to_string())?;
        let sha256 = <[u8; 32]>::try_from(bytes)
            .map_err(|bytes| format!("sha256 has {} bytes, 32 are needed", bytes.len()))?;
        let actor = Actor::new(ActorKind::Key, self.name).map_err(|error| error.to_string())?;
        granted_providers(self.role, &mut self.providers)
            .map_err(|message| format!("providers: {message}"))?;
        let grant = Grant::new(self.role, self.providers);
        Ok(Entry { sha256, caller: Caller::new(actor, vec![grant]) })
    }
}
