//! An administrator at one service: every request goes below one URL, with one token.

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::Value;

use super::http::{Answer, Http, Request};
use super::issuer::Issuer;
use super::{REQUEST_BYTES_MAX, Refusal, ServiceUrl, Stop, Verified};
use crate::failure::Failure;

/// Pages of one list that are read; of a million providers there are a thousand.
const PAGES_MAX: usize = 10_000;
/// Bytes of all pages of a list together.
const LIST_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A service, or one provider of it, and who asks.
pub(crate) struct Session {
    http: Http,
    url: ServiceUrl,
    /// The name that the service must give itself.
    issuer: String,
    bearer: Option<HeaderValue>,
}

impl Session {
    pub(crate) const fn new(
        http: Http,
        url: ServiceUrl,
        issuer: String,
        bearer: Option<HeaderValue>,
    ) -> Self {
        Self { http, url, issuer, bearer }
    }

    pub(crate) const fn url(&self) -> &ServiceUrl {
        &self.url
    }

    /// The keys of the service, which must call itself by the expected name.
    pub(crate) fn issuer(&self) -> Result<Issuer, Stop> {
        Issuer::learn(&self.http, &self.url, &self.issuer)
    }

    /// Sends a request for a path below the URL; an answer that is no success is a refusal.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<String>,
    ) -> Result<Answer, Stop> {
        if let Some(length) = body.as_ref().map(String::len).filter(|&it| it > REQUEST_BYTES_MAX) {
            let limit = REQUEST_BYTES_MAX;
            let text = format!("a request of {length} bytes is over the limit of {limit}");
            return Err(Failure::Other(text).into());
        }
        let (url, bearer) = (self.url.at(path), self.bearer.as_ref());
        let answer = self.http.send(Request { method, url, bearer, content_type, body })?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.explained(Refusal::of_answer(&answer)))
    }

    /// As [`Session::send`], for an answer that is a token of the service.
    pub(crate) fn send_for_token(
        &self,
        issuer: &Issuer,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<String>,
    ) -> Result<Verified, Stop> {
        issuer.verify(&self.send(method, path, content_type, body)?)
    }

    /// A JSON document.
    pub(crate) fn get_json(&self, path: &str) -> Result<Value, Stop> {
        json_of(&self.send(Method::GET, path, "application/json", None)?)
    }

    /// Every item of a list, over all its pages.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, Stop> {
        let (mut items, mut bytes) = (Vec::new(), 0_usize);
        let mut next = path.to_owned();
        for _ in 0..PAGES_MAX {
            let answer = self.send(Method::GET, &next, "application/json", None)?;
            bytes = bytes.saturating_add(answer.body.len());
            if bytes > LIST_BYTES_MAX {
                let text = format!("{}: a list of more than {LIST_BYTES_MAX} bytes", self.url);
                return Err(Failure::Other(text).into());
            }
            let mut page = json_of(&answer)?;
            match page.get_mut("value").map(Value::take) {
                Some(Value::Array(more)) => items.extend(more),
                _ => {
                    let text = "the service answered without a list";
                    return Err(Refusal::invalid_answer("answer-form", text).into());
                }
            }
            match page.get("nextLink").and_then(Value::as_str) {
                Some(link) if !link.is_empty() => {
                    let following = self.below(link)?;
                    if following == next {
                        let text = "a page names itself as the next one";
                        return Err(Refusal::invalid_answer("answer-next-link", text).into());
                    }
                    next = following;
                }
                _ => return Ok(items),
            }
        }
        Err(Failure::Other(format!("{}: over the limit of {PAGES_MAX} pages", self.url)).into())
    }

    /// The path of a link to the next page. It must lead to this service by the URL it was reached
    /// under, or by its own name for itself; either way the token goes to the URL that was given.
    fn below(&self, link: &str) -> Result<String, Stop> {
        let own_name = ServiceUrl::parse("--issuer", &self.issuer)?;
        let path = self.url.path_of(link).or_else(|| own_name.path_of(link));
        path.map(str::to_owned).ok_or_else(|| {
            let text = format!(
                "the next page is at {link:?}, which is not below {}; if that is the service's own \
                 name, say so with --issuer",
                self.url
            );
            Refusal::invalid_answer("answer-next-link", text).into()
        })
    }

    /// With the likely reason of a 401 where none was said.
    fn explained(&self, stop: Stop) -> Stop {
        match stop {
            Stop::Refused(mut refusal) if refusal.status == Some(401) && self.bearer.is_none() => {
                refusal
                    .message
                    .push_str("\nno token was sent: give --token-file FILE, or set AVOUCH_TOKEN");
                Stop::Refused(refusal)
            }
            other => other,
        }
    }
}

/// The body of an answer as JSON.
pub(crate) fn json_of(answer: &Answer) -> Result<Value, Stop> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let text = format!("{}: the answer is no JSON: {error}", answer.url);
        Refusal::invalid_answer("answer-form", text).into()
    })
}
