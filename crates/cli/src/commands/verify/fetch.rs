//! What a service publishes: metadata and keys, fetched within limits.

use std::path::Path;
use std::time::Duration;

use avouch_token::Jwks;
use reqwest::{Client, redirect};
use serde_json::Value;

use super::Steps;
use crate::commands::serve::runtime;
use crate::failure::{Failure, read};

/// Largest document read from a service, in bytes; a key set with embedded quotes has about 40 KB.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Time for one document, in seconds.
const TIMEOUT_SECONDS: u64 = 30;
/// Time to connect, in seconds.
const CONNECT_TIMEOUT_SECONDS: u64 = 10;

/// The two documents of a service, as they came.
pub(super) struct Provider {
    metadata: Vec<u8>,
    keys: Vec<u8>,
}

/// The URL without a slash at its end; nothing but HTTPS says who answers.
pub(super) fn normal_url(text: &str) -> Result<String, Failure> {
    let url = reqwest::Url::parse(text)
        .map_err(|error| Failure::Other(format!("--provider {text:?}: {error}")))?;
    if url.scheme() != "https" {
        let reason = "only https says who answers";
        return Err(Failure::Other(format!("--provider {text:?}: {reason}")));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        let reason = "a URL without user, query and fragment is expected";
        return Err(Failure::Other(format!("--provider {text:?}: {reason}")));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Fetches metadata and keys.
pub(super) fn provider(url: &str, ca: Option<&Path>) -> Result<Provider, Failure> {
    let client = client(ca)?;
    runtime()?.block_on(async {
        let metadata = format!("{url}/.well-known/openid-configuration");
        Ok(Provider {
            metadata: document(&client, &metadata).await?,
            keys: document(&client, &format!("{url}/certs")).await?,
        })
    })
}

fn client(ca: Option<&Path>) -> Result<Client, Failure> {
    // The first provider installed stays; there is only one in this process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = Client::builder()
        .https_only(true)
        .redirect(redirect::Policy::none())
        .timeout(Duration::from_secs(TIMEOUT_SECONDS))
        .connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_SECONDS));
    if let Some(path) = ca {
        let named = |error: reqwest::Error| Failure::Other(format!("{}: {error}", path.display()));
        let certificate = reqwest::Certificate::from_pem(&read(path)?).map_err(named)?;
        builder = builder.tls_certs_merge([certificate]);
    }
    builder.build().map_err(|error| Failure::Other(with_causes(&error)))
}

async fn document(client: &Client, url: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: reqwest::Error| Failure::Other(format!("{url}: {}", with_causes(&error)));
    let mut response = client.get(url).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(Failure::Other(format!("{url}: the service answered {}", response.status())));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len().saturating_add(chunk.len()) > DOCUMENT_BYTES_MAX {
            let limit = DOCUMENT_BYTES_MAX;
            return Err(Failure::Other(format!("{url}: over the limit of {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// An error with what caused it; the outermost alone says little of a TLS failure.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

impl Steps {
    /// Judges what a service publishes; its keys, if they can be read.
    pub(super) fn provider(&mut self, url: &str, provider: &Provider) -> Option<Jwks> {
        let metadata: Option<Value> = serde_json::from_slice(&provider.metadata).ok();
        let member = |name: &str| metadata.as_ref()?.get(name)?.as_str().map(str::to_owned);
        match member("issuer") {
            Some(issuer) if issuer == url => self.passed("provider-issuer", issuer),
            Some(issuer) => {
                self.failed("provider-issuer", format!("issuer is {issuer:?}, expected {url:?}"));
            }
            None => self.failed("provider-issuer", "metadata names no issuer"),
        }
        let expected = format!("{url}/certs");
        match member("jwks_uri") {
            Some(found) if found == expected => self.passed("provider-keys-url", found),
            Some(found) => self.failed(
                "provider-keys-url",
                format!("jwks_uri is {found:?}, expected {expected:?}"),
            ),
            None => self.failed("provider-keys-url", "metadata names no jwks_uri"),
        }
        match Jwks::parse(&provider.keys) {
            Ok(keys) => {
                let (good, bad) = (keys.keys().len(), keys.unusable().len());
                self.passed(
                    "provider-keys",
                    format!("{good} of {} usable", good.saturating_add(bad)),
                );
                Some(keys)
            }
            Err(error) => {
                self.failed("provider-keys", error.to_string());
                None
            }
        }
    }
}
