//! Fetching an issuer's metadata and keys, bounded in size and time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use avouch_token::Jwks;
use avouch_wire::json::parse_object;
use reqwest::{Certificate, Client, StatusCode, redirect};
use serde_json::Value;
use thiserror::Error;

/// Largest metadata or key set read, in bytes: as much as [`Jwks::parse`] takes.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest wait for metadata and keys together.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why an issuer's keys cannot be had.
#[derive(Debug, Error)]
pub enum OidcError {
    /// The CA file cannot be used.
    #[error("cannot use the CA file {path}: {reason}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(reqwest::Error),
    /// The issuer does not answer.
    #[error("{url} does not answer: {source}")]
    Request {
        /// What was asked for.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The issuer takes too long.
    #[error("{issuer} gives no keys within {seconds} seconds")]
    Slow {
        /// The issuer.
        issuer: String,
        /// The limit.
        seconds: u64,
    },
    /// The issuer answers with something else than 200.
    #[error("{url} answers {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
    },
    /// The answer is too long.
    #[error("the answer of {url} is over {limit} bytes")]
    TooLong {
        /// What was asked for.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// The answer is not what it must be.
    #[error("{url}: {reason}")]
    Content {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl OidcError {
    /// Whether the issuer answered, and with something else than its keys: not where its web server says itself
    /// that it cannot just now.
    pub(super) fn is_answer(&self) -> bool {
        match self {
            Self::TooLong { .. } | Self::Content { .. } => true,
            Self::Status { status, .. } => {
                !status.is_server_error() && *status != StatusCode::TOO_MANY_REQUESTS
            }
            Self::CaFile { .. } | Self::Client(_) | Self::Request { .. } | Self::Slow { .. } => {
                false
            }
        }
    }
}

/// Fetches the keys of one issuer.
#[derive(Debug)]
pub(super) struct Fetcher {
    issuer: String,
    spelling: Spelling,
    client: Client,
}

/// How an issuer has to write its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As it is configured (OpenID Connect Discovery, section 4.3).
    Exact,
    /// With or without one slash at its end, as authorities of release policies do.
    WithOrWithoutSlash,
}

impl Fetcher {
    pub(super) fn new(
        issuer: &str,
        ca_file: Option<&Path>,
        spelling: Spelling,
    ) -> Result<Self, OidcError> {
        // The first provider installed in a process stays; there is only one in ours.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
        if let Some(path) = ca_file {
            let failed = |reason: String| OidcError::CaFile { path: path.to_owned(), reason };
            let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|error| failed(error.to_string()))?;
            if certificates.is_empty() {
                return Err(failed("holds no certificate".to_owned()));
            }
            builder = builder.tls_certs_only(certificates);
        }
        let client = builder.build().map_err(OidcError::Client)?;
        Ok(Self { issuer: issuer.to_owned(), spelling, client })
    }

    /// `iss` of the issuer.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The metadata, then the keys that it names, within a time for both.
    pub(super) async fn fetch(&self) -> Result<Jwks, OidcError> {
        let both = self.metadata_then_keys();
        tokio::time::timeout(TIMEOUT, both).await.unwrap_or_else(|_| {
            Err(OidcError::Slow { issuer: self.issuer.clone(), seconds: TIMEOUT.as_secs() })
        })
    }

    async fn metadata_then_keys(&self) -> Result<Jwks, OidcError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata = self.get(&url).await?;
        let content =
            |url: &str, reason: String| OidcError::Content { url: url.to_owned(), reason };
        let metadata = parse_object(&metadata, BODY_BYTES_MAX)
            .map_err(|error| content(&url, error.to_string()))?;
        // Whoever answers must say that it is this issuer (OpenID Connect Discovery, 4.3).
        let named = metadata.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if !self.is_named(named) {
            return Err(content(&url, "names another issuer".to_owned()));
        }
        let keys_url = metadata
            .get("jwks_uri")
            .and_then(Value::as_str)
            .ok_or_else(|| content(&url, "names no jwks_uri".to_owned()))?;
        // An issuer on https may not send us to plain http.
        if self.issuer.starts_with("https://") && !keys_url.starts_with("https://") {
            return Err(content(&url, "jwks_uri does not begin with https://".to_owned()));
        }
        let keys = self.get(keys_url).await?;
        Jwks::parse(&keys).map_err(|error| content(keys_url, error.to_string()))
    }

    fn is_named(&self, name: &str) -> bool {
        let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
        match self.spelling {
            Spelling::Exact => name == self.issuer,
            Spelling::WithOrWithoutSlash => bare(name) == bare(&self.issuer),
        }
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, OidcError> {
        let failed = |source| OidcError::Request { url: url.to_owned(), source };
        let mut answer = self.client.get(url).send().await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(OidcError::Status { url: url.to_owned(), status: answer.status() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len().saturating_add(chunk.len()) > BODY_BYTES_MAX {
                return Err(OidcError::TooLong { url: url.to_owned(), limit: BODY_BYTES_MAX });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
