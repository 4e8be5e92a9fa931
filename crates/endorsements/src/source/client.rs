//! A source that is asked by HTTP.

use std::error::Error as _;
use std::sync::Arc;

use avouch_wire::UnixTime;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderMap, IF_NONE_MATCH};
use reqwest::{Certificate, Client, Proxy, RequestBuilder, Response, redirect};

use super::answer::{body_bytes_max, check_status};
use super::{
    Address, Answer, Budget, Question, Source, SourceConfig, SourceConfigError, SourceError,
    SourceFailure, SourceKind, kds, pcs, read_answer, thim,
};
use crate::{EndorsementName, Published};

/// A service, cache or mirror at a configured address.
#[derive(Debug)]
pub struct HttpSource {
    name: Arc<str>,
    kind: SourceKind,
    base: String,
    root_ca_crl: Option<String>,
    budget: Budget,
    client: Client,
}

impl HttpSource {
    /// Makes its client: no redirects, no proxy but the configured one, bounded waits.
    ///
    /// # Errors
    /// [`SourceConfigError`].
    pub fn new(config: &SourceConfig) -> Result<Self, SourceConfigError> {
        // The first provider installed in a process stays; there is only one in ours.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let failed =
            |reason: String| SourceConfigError::Client { source_name: config.name.clone(), reason };
        let mut builder = Client::builder()
            .connect_timeout(config.connect_timeout)
            .timeout(config.timeout)
            .redirect(redirect::Policy::none())
            .no_proxy();
        if let Some(proxy) = &config.proxy {
            let proxy = Proxy::all(proxy).map_err(|error| failed(format!("proxy: {error}")))?;
            builder = builder.proxy(proxy);
        }
        if let Some(pem) = &config.ca_pem {
            let certificates = Certificate::from_pem_bundle(pem)
                .map_err(|error| failed(format!("CA certificates: {error}")))?;
            if certificates.is_empty() {
                return Err(failed("CA certificates: there is none".to_owned()));
            }
            builder = builder.tls_certs_only(certificates);
        }
        Ok(Self {
            name: config.name.as_str().into(),
            kind: config.kind,
            base: config.base()?,
            root_ca_crl: config.root_ca_crl()?,
            budget: config.budget,
            client: builder.build().map_err(|error| failed(causes(&error)))?,
        })
    }

    fn question(&self, name: &EndorsementName) -> Option<Question> {
        match self.kind {
            SourceKind::Pcs | SourceKind::Pccs => {
                pcs::question(self.kind, self.root_ca_crl.is_some(), name)
            }
            SourceKind::Thim => thim::question(name),
            SourceKind::Kds => kds::question(name),
        }
    }

    fn url(&self, question: &Question) -> String {
        match (question.at, &self.root_ca_crl) {
            (Address::RootCaCrl, Some(url)) => url.clone(),
            _ => format!("{}{}", self.base, question.path),
        }
    }

    fn request(&self, url: &str, kept: Option<&Published>) -> RequestBuilder {
        let mut request = self.client.get(url);
        if self.kind == SourceKind::Thim {
            request = request.header("Metadata", "true");
        }
        // Another source's tag means nothing here.
        let kept = kept.filter(|kept| kept.source == self.name);
        match kept.and_then(|kept| kept.etag.as_deref()) {
            Some(tag) => request.header(IF_NONE_MATCH, tag),
            None => request,
        }
    }

    fn error(&self, path: String, failure: SourceFailure) -> SourceError {
        SourceError { source_name: Arc::clone(&self.name), path, failure }
    }

    async fn ask(
        &self,
        url: &str,
        name: EndorsementName,
        kept: Option<&Published>,
        at: UnixTime,
    ) -> Result<Answer, SourceFailure> {
        let mut response = self.request(url, kept).send().await.map_err(failure)?;
        let status = response.status().as_u16();
        check_status(status, response.headers(), at)?;
        let body = read(&mut response, body_bytes_max(&name)).await?;
        let headers = response.headers();
        read_answer(&self.name, name, status, headers, &body, at)
            .map_err(|failure| with_content_type(failure, headers))
    }
}

impl Source for HttpSource {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn budget(&self) -> Budget {
        self.budget
    }

    fn serves(&self, name: &EndorsementName) -> bool {
        self.question(name).is_some()
    }

    fn fetch<'a>(
        &'a self,
        name: EndorsementName,
        kept: Option<&'a Published>,
        at: UnixTime,
    ) -> BoxFuture<'a, Result<Answer, SourceError>> {
        Box::pin(async move {
            let Some(question) = self.question(&name) else {
                let reason = "it has no such things".to_owned();
                return Err(self.error(name.to_string(), SourceFailure::Content(reason)));
            };
            let url = self.url(&question);
            let answer = self.ask(&url, name, kept, at).await;
            answer.map_err(|failure| self.error(path_of(&url), failure))
        })
    }
}

async fn read(response: &mut Response, limit: usize) -> Result<Vec<u8>, SourceFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(SourceFailure::TooLong { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A page of a gateway in place of the thing is told by its type.
fn with_content_type(failure: SourceFailure, headers: &HeaderMap) -> SourceFailure {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match (failure, content_type) {
        (SourceFailure::Content(reason), Some(found)) => SourceFailure::Content(format!(
            "{reason} (content type {})",
            avouch_wire::excerpt(found)
        )),
        (failure, _) => failure,
    }
}

fn failure(error: reqwest::Error) -> SourceFailure {
    let error = error.without_url();
    let reason = causes(&error);
    if error.is_timeout() {
        SourceFailure::TimedOut(reason)
    } else if error.is_body() || error.is_decode() {
        SourceFailure::BrokeOff(reason)
    } else {
        SourceFailure::Connection(reason)
    }
}

/// An error with all that caused it.
fn causes(error: &reqwest::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(deeper) = cause {
        text.push_str(&format!(": {deeper}"));
        cause = deeper.source();
    }
    text
}

/// Path and query: the host is the source's, whose name stands beside it.
fn path_of(url: &str) -> String {
    let after_host = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    after_host.map_or_else(|| "/".to_owned(), |(_, path)| format!("/{path}"))
}
