//! `[tee]`: the service's own evidence.

use std::path::PathBuf;
use std::time::Duration;

use avouch_tee::{SourceName, TeeSettings};
use serde::{Deserialize, Deserializer};

use super::ConfigError;

/// `[tee]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeeConfig {
    /// Which TEE the service runs in: `auto`, `none`, `configfs-tsm`, `gramine`, `azure-vtpm`.
    #[serde(deserialize_with = "source")]
    pub source: SourceName,
    /// Folder of configfs-TSM.
    pub configfs: PathBuf,
    /// Folder of Gramine's pseudo-files.
    pub gramine: PathBuf,
    /// The virtual TPM, as its library names it.
    pub tcti: String,
    /// The service by which a host gives certificates and quotes, for `azure-vtpm`.
    pub host_endpoint: String,
    /// Certificates of the chip, for SEV-SNP, where its host gives none.
    pub certificates: Option<PathBuf>,
    /// Endorsements of the utility VM.
    pub uvm_endorsements: Option<PathBuf>,
    /// How old evidence becomes, in seconds; 60 to a year.
    pub refresh_seconds: u32,
    /// How long the TEE may take for an answer, in seconds; 1 to 600.
    pub answer_seconds_max: u32,
}

impl Default for TeeConfig {
    fn default() -> Self {
        let settings = TeeSettings::default();
        Self {
            source: settings.source,
            configfs: settings.configfs,
            gramine: settings.gramine,
            tcti: settings.tcti,
            host_endpoint: settings.host_endpoint.unwrap_or_default(),
            certificates: None,
            uvm_endorsements: None,
            refresh_seconds: 86_400,
            answer_seconds_max: 30,
        }
    }
}

impl TeeConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("refresh_seconds", self.refresh_seconds, 60, 31_536_000),
            ("answer_seconds_max", self.answer_seconds_max, 1, 600),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let message = format!("{value} is not between {least} and {most}");
                return Err(ConfigError::value(format!("tee.{key}"), message));
            }
        }
        let endpoint = &self.host_endpoint;
        if !endpoint.is_empty() && !endpoint.starts_with("http://") {
            let message = format!("{endpoint:?} does not begin with http://; \"\" asks no host");
            return Err(ConfigError::value("tee.host_endpoint", message));
        }
        Ok(())
    }

    /// Relative paths start from the folder of the configuration.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let folders = [&mut self.configfs, &mut self.gramine];
        let files = [&mut self.certificates, &mut self.uvm_endorsements];
        folders.into_iter().chain(files.into_iter().flatten())
    }

    /// Where sources are, and which is wanted.
    #[must_use]
    pub fn settings(&self) -> TeeSettings {
        let endpoint = &self.host_endpoint;
        TeeSettings {
            source: self.source,
            configfs: self.configfs.clone(),
            gramine: self.gramine.clone(),
            tcti: self.tcti.clone(),
            host_endpoint: (!endpoint.is_empty()).then(|| endpoint.clone()),
            certificates: self.certificates.clone(),
            uvm_endorsements: self.uvm_endorsements.clone(),
        }
    }

    /// How long the TEE may take for an answer.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        Duration::from_secs(self.answer_seconds_max.into())
    }
}

fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SourceName, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
