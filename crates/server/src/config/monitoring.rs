//! `[monitoring]`: which machines are watched, and who is told.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// `[monitoring]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitoringConfig {
    /// Whether machines are recorded, and what they do raises alerts.
    pub enabled: bool,
    /// After how many seconds without an attestation a machine is silent; never, if absent.
    pub silence_seconds: Option<u32>,
    /// Who is told of alerts.
    pub webhook: Option<WebhookConfig>,
}

/// `[monitoring.webhook]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where alerts are sent: `https`, or `http` on loopback.
    pub url: String,
    /// The file with the secret that signs them: `whsec_` and base64.
    pub secret_file: PathBuf,
    /// PEM: the only CAs that its TLS certificate may be from.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl MonitoringConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.silence_seconds.is_some_and(|seconds| seconds < 60) {
            let text = "less than a minute of silence says nothing";
            return Err(ConfigError::value("monitoring.silence_seconds", text));
        }
        Ok(())
    }

    /// Relative paths start from the folder of the configuration.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let webhook = self.webhook.iter_mut();
        webhook.flat_map(|webhook| {
            std::iter::once(&mut webhook.secret_file).chain(&mut webhook.ca_file)
        })
    }
}
