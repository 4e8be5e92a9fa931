//! Alerts over HTTP, signed: the receiver knows whom they are from, and each by its id.

use std::path::PathBuf;
use std::time::Duration;

use avouch_store::Alert;
use avouch_wire::{UnixTime, base64url};
use aws_lc_rs::hmac;
use reqwest::{Certificate, Client, StatusCode, Url, redirect};
use serde_json::json;
use thiserror::Error;

use crate::config::WebhookConfig;

/// Alerts sent between two looks at the clock.
pub(super) const AT_ONCE_MAX: u32 = 100;
/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest pause between two attempts, in seconds.
const PAUSE_SECONDS_MAX: i64 = 3_600;
/// Fewest bytes of a secret.
const SECRET_BYTES_MIN: usize = 24;

/// Where alerts are sent.
pub struct Webhook {
    url: Url,
    key: hmac::Key,
    client: Client,
}

/// Why alerts cannot be sent.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// A file cannot be read.
    #[error("cannot read {path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The secret is none.
    #[error("{0}: a secret is whsec_ and at least 24 bytes in base64")]
    Secret(PathBuf),
    /// The URL is none that alerts may go to.
    #[error("monitoring.webhook.url: {0}")]
    Url(String),
    /// The receiver does not answer.
    #[error("the receiver does not answer: {0}")]
    Request(#[from] reqwest::Error),
    /// The receiver answers with something else than success.
    #[error("the receiver answers {0}")]
    Status(StatusCode),
}

impl Webhook {
    /// From the configuration.
    ///
    /// # Errors
    /// [`WebhookError`] for files and URL.
    pub fn new(config: &WebhookConfig) -> Result<Self, WebhookError> {
        let read = |path: &PathBuf| {
            let failed = |error: std::io::Error| WebhookError::File {
                path: path.clone(),
                reason: error.to_string(),
            };
            std::fs::read(path).map_err(failed)
        };
        let secret = secret(&read(&config.secret_file)?)
            .ok_or_else(|| WebhookError::Secret(config.secret_file.clone()))?;
        let mut client =
            Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).no_proxy();
        if let Some(path) = &config.ca_file {
            client = client.tls_certs_only(Certificate::from_pem_bundle(&read(path)?)?);
        }
        let url = url(&config.url).map_err(WebhookError::Url)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        Ok(Self { url, key, client: client.build()? })
    }

    /// Sends an alert, once.
    ///
    /// # Source
    /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, and `webhook-signature`, HMAC-SHA256 over
    /// `id.timestamp.body`.
    pub(super) async fn send(&self, alert: &Alert, now: UnixTime) -> Result<(), WebhookError> {
        let (id, timestamp) = (format!("alert-{}", alert.id), now.seconds().to_string());
        let body = json!({
            "type": format!("machine.{}", alert.kind.as_str()),
            "timestamp": alert.at.to_rfc3339(),
            "data": {
                "alert": alert.id,
                "provider": alert.provider.to_string(),
                "machine": alert.machine,
                "details": alert.details,
            },
        })
        .to_string();
        let signature = hmac::sign(&self.key, format!("{id}.{timestamp}.{body}").as_bytes());
        let answer = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header(
                "webhook-signature",
                format!("v1,{}", base64url::encode_standard(signature.as_ref())),
            )
            .body(body)
            .send()
            .await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(WebhookError::Status(status)),
        }
    }
}

/// When an alert that did not arrive is sent again: after 10 seconds, then twice as long each time, up to
/// an hour.
pub(super) fn again_at(alert: &Alert, now: UnixTime) -> UnixTime {
    let doubled = u32::try_from(alert.attempts).ok().and_then(|shift| 10_i64.checked_shl(shift));
    let pause = doubled.filter(|pause| (1..PAUSE_SECONDS_MAX).contains(pause));
    now.saturating_add_seconds(pause.unwrap_or(PAUSE_SECONDS_MAX))
}

fn secret(file: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(file).ok()?.trim().strip_prefix("whsec_")?;
    base64url::decode_standard(text).ok().filter(|secret| secret.len() >= SECRET_BYTES_MIN)
}

/// Alerts tell what a machine runs: they go over TLS, or stay on this machine.
fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_loopback = match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|host| host.is_loopback()),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err("https is needed, except on loopback".to_owned()),
    }
}

#[cfg(test)]
mod tests;
