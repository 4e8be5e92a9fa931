//! One request, one answer within limits.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, redirect};
use tokio::runtime::{Builder, Runtime};

use crate::failure::{Failure, read};
use crate::guest::Resolve;

/// Largest body that the service takes unless it is configured otherwise, in bytes.
pub(crate) const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Largest answer read, in bytes. A key set with embedded quotes has about 40 KB, a page of a
/// thousand providers under 1 MB, the token around the largest policy under 3 MB.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Time for one answer, in seconds.
const TIMEOUT_SECONDS: u64 = 30;
/// Time to connect, in seconds.
const CONNECT_TIMEOUT_SECONDS: u64 = 10;

/// A client that does no more than it was told: no redirects, no plain HTTP, no endless answers.
pub(crate) struct Http {
    client: Client,
    runtime: Runtime,
}

/// What is to be sent.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) bearer: Option<&'a HeaderValue>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Option<String>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    /// When to come again, in seconds, if it says so.
    pub(crate) retry_after_seconds: Option<u32>,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// Trusts the system's CAs, or those in `ca` (PEM) and no other.
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self, Failure> {
        Self::resolving(ca, &[])
    }

    /// The same, which finds these names without DNS.
    pub(crate) fn resolving(ca: Option<&Path>, names: &[Resolve]) -> Result<Self, Failure> {
        // The first provider installed stays; there is only one in this process.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = Client::builder()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(TIMEOUT_SECONDS))
            .connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_SECONDS));
        if let Some(path) = ca {
            let named = |reason: String| Failure::Other(format!("{}: {reason}", path.display()));
            let bundle = reqwest::Certificate::from_pem_bundle(&read(path)?)
                .map_err(|error| named(with_causes(&error)))?;
            if bundle.is_empty() {
                return Err(named("no certificate in PEM".to_owned()));
            }
            builder = builder.tls_certs_only(bundle);
        }
        for Resolve { host, address } in names {
            builder = builder.resolve(host, *address);
        }
        let client = builder.build().map_err(|error| Failure::Other(with_causes(&error)))?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::other)?;
        Ok(Self { client, runtime })
    }

    /// Sends a request and reads its answer, whatever its status.
    pub(crate) fn send(&self, request: Request<'_>) -> Result<Answer, Failure> {
        self.runtime.block_on(send(&self.client, request))
    }

    /// Fetches what anybody may read.
    pub(crate) fn get(&self, url: String) -> Result<Answer, Failure> {
        let (method, content_type) = (Method::GET, "application/json");
        self.send(Request { method, url, bearer: None, content_type, body: None })
    }
}

async fn send(client: &Client, request: Request<'_>) -> Result<Answer, Failure> {
    let Request { method, url, bearer, content_type, body } = request;
    let failed = |error: reqwest::Error| Failure::Other(format!("{url}: {}", with_causes(&error)));
    let mut builder = client.request(method, &url);
    if let Some(bearer) = bearer {
        builder = builder.header(reqwest::header::AUTHORIZATION, bearer.clone());
    }
    if let Some(body) = body {
        builder = builder.header(CONTENT_TYPE, content_type).body(body);
    }
    let mut response = builder.send().await.map_err(failed)?;
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok());
    let retry_after_seconds = retry_after.and_then(|text| text.parse().ok());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
            let limit = ANSWER_BYTES_MAX;
            return Err(Failure::Other(format!("{url}: over the limit of {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { url, status, retry_after_seconds, body })
}

/// An error with what caused it; the outermost alone says little of a TLS failure.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    if text.contains("UnknownIssuer") {
        text.push_str(
            "; nobody trusted here has issued the service's certificate: if its CA is your own, name \
             the CA's certificate with --ca FILE (of `serve --dev`: avouch-data/tls/ca.pem)",
        );
    }
    text
}
