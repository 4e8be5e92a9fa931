//! The service by which a host gives its machines what goes with their reports.

use std::sync::Once;
use std::time::Duration;

use avouch_wire::{base64url, json};
use reqwest::{Client, RequestBuilder, redirect};
use serde_json::json;
use tokio::runtime::Builder;

use crate::{SnpCertificates, TeeError};

/// Where certificates of the chip are (Azure's THIM), and where quotes are made of reports.
const CERTIFICATION: &str = "/metadata/THIM/amd/certification";
const QUOTE: &str = "/acc/tdquote";
/// The longest for one answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A host's service over plain HTTP, usually `http://169.254.169.254`. Nothing that it says is believed:
/// certificates and quotes are judged by who receives the evidence.
#[derive(Debug)]
pub struct Host {
    url: String,
    client: Client,
}

impl Host {
    /// The service at this URL.
    ///
    /// # Errors
    /// [`TeeError::Host`] if the URL is not plain HTTP.
    pub fn new(url: &str) -> Result<Self, TeeError> {
        let url = url.trim_end_matches('/').to_owned();
        let failed = |reason: String| TeeError::Host { url: url.clone(), reason };
        if !url.starts_with("http://") {
            return Err(failed("a host's service is reached by http://".to_owned()));
        }
        // The library wants a provider even where nothing is encrypted; the first one stays.
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        });
        // A connection does not outlive the question, whose runtime drives it.
        let client = Client::builder().pool_max_idle_per_host(0).timeout(WITHIN).no_proxy();
        let client = client.redirect(redirect::Policy::none()).build();
        let client = client.map_err(|error| failed(error.to_string()))?;
        Ok(Self { url, client })
    }

    /// The certificates of the chip that this machine runs on.
    ///
    /// # Errors
    /// [`TeeError::Host`], [`TeeError::Certificates`].
    pub fn snp_certificates(&self) -> Result<SnpCertificates, TeeError> {
        let url = format!("{}{CERTIFICATION}", self.url);
        let answer = self.answer(self.client.get(&url).header("Metadata", "true"), &url)?;
        Ok(SnpCertificates::read(&answer, &url)?)
    }

    /// The quote of a trust domain's report (`TDREPORT_STRUCT`).
    ///
    /// # Errors
    /// [`TeeError::Host`].
    pub fn td_quote(&self, td_report: &[u8]) -> Result<Vec<u8>, TeeError> {
        let url = format!("{}{QUOTE}", self.url);
        let body = json!({"report": base64url::encode(td_report)}).to_string();
        let request = self.client.post(&url).header("content-type", "application/json").body(body);
        let answer = self.answer(request, &url)?;
        let quote = json::parse_object(&answer, ANSWER_BYTES_MAX).ok();
        let quote = quote.as_ref().and_then(|members| members.get("quote")?.as_str());
        let quote = quote.and_then(|text| base64url::decode_either(text).ok());
        let reason = "the answer has no quote in base64url".to_owned();
        quote.ok_or(TeeError::Host { url, reason })
    }

    fn answer(&self, request: RequestBuilder, url: &str) -> Result<Vec<u8>, TeeError> {
        let failed = |reason: String| TeeError::Host { url: url.to_owned(), reason };
        // Made for each question: one that is kept could not be dropped where another one runs.
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(error.to_string()))?;
        runtime.block_on(async {
            let mut answer = request.send().await.map_err(|error| failed(with_cause(&error)))?;
            if !answer.status().is_success() {
                return Err(failed(format!("status {}", answer.status().as_u16())));
            }
            let mut bytes = Vec::new();
            while let Some(part) =
                answer.chunk().await.map_err(|error| failed(error.to_string()))?
            {
                if bytes.len().saturating_add(part.len()) > ANSWER_BYTES_MAX {
                    return Err(failed(format!("more than {ANSWER_BYTES_MAX} bytes")));
                }
                bytes.extend_from_slice(&part);
            }
            Ok(bytes)
        })
    }
}

/// The library's own text only says which request failed.
fn with_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
