//! `[endorsements]`: files, and where everything else is fetched.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use avouch_endorsements::{Budget, KeeperSettings, SourceConfig, SourceKind};
use avouch_snp::CrlRule;
use serde::Deserialize;

use super::{CollateralServerConfig, ConfigError};

/// `[endorsements]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndorsementsConfig {
    /// Files and folders, absolute or from the file's folder.
    pub paths: Vec<PathBuf>,
    /// Leave damaged files of folders out, with a warning, instead of refusing to start.
    pub skip_damaged: bool,
    /// Of which of AMD's roots there must be a CRL; see [`EndorsementsConfig::amd_crl_rule`].
    pub amd_crl: Option<CrlRule>,
    /// Never fetch anything.
    pub offline: bool,
    /// Where to fetch, in order; the vendors' own services without.
    pub sources: Option<Vec<SourceSection>>,
    /// The longest that a request waits for what is being fetched, in seconds.
    pub wait_seconds_max: u64,
    /// How often a source is asked for something newer, in seconds.
    pub refresh_seconds: u64,
    /// How long something serves that no source has confirmed since, in seconds; as long as it is in
    /// force without.
    pub age_seconds_max: Option<u64>,
    /// How long before something expires that is said, in seconds.
    pub alert_seconds: u64,
    /// Bytes of what was fetched.
    pub memory_bytes_max: u64,
    /// `[endorsements.server]`: what is served to a site.
    pub server: CollateralServerConfig,
}

impl Default for EndorsementsConfig {
    fn default() -> Self {
        let usual = KeeperSettings::default();
        Self {
            paths: Vec::new(),
            skip_damaged: false,
            amd_crl: None,
            offline: false,
            sources: None,
            wait_seconds_max: 10,
            refresh_seconds: usual.refresh.as_secs(),
            age_seconds_max: None,
            alert_seconds: usual.alert_before.as_secs(),
            memory_bytes_max: u64::try_from(usual.bytes_max).unwrap_or(u64::MAX),
            server: CollateralServerConfig::default(),
        }
    }
}

/// `[[endorsements.sources]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSection {
    /// What speaks there.
    pub kind: SourceKind,
    /// Address below which its paths begin.
    pub url: String,
    /// What people call it; its address without.
    #[serde(default)]
    pub name: Option<String>,
    /// Address of Intel's root CRL, for a `pcs` or `thim` that does not have it.
    #[serde(default)]
    pub root_ca_crl_url: Option<String>,
    /// PEM: the only CAs that its TLS certificate may be of; those of the system without.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Proxy to go through.
    #[serde(default)]
    pub proxy: Option<String>,
    /// The longest wait for an answer, in seconds.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// Requests that it takes at once.
    #[serde(default)]
    pub burst: Option<NonZeroU32>,
    /// Seconds in which the right to one more request grows.
    #[serde(default)]
    pub pause_seconds: Option<u64>,
}

impl SourceSection {
    fn source(&self) -> Result<SourceConfig, ConfigError> {
        let name = self.name.clone().unwrap_or_else(|| self.url.clone());
        let mut source = SourceConfig::new(name, self.kind, self.url.clone());
        source.root_ca_crl_url.clone_from(&self.root_ca_crl_url);
        source.proxy.clone_from(&self.proxy);
        if let Some(path) = &self.ca_file {
            source.ca_pem = Some(std::fs::read(path).map_err(|error| ConfigError::Read {
                path: path.clone(),
                reason: error.to_string(),
            })?);
        }
        source.timeout = self.timeout_seconds.map_or(source.timeout, Duration::from_secs);
        let usual = source.budget;
        source.budget = Budget {
            burst: self.burst.unwrap_or(usual.burst),
            pause: self.pause_seconds.map_or(usual.pause, Duration::from_secs),
            ..usual
        };
        Ok(source)
    }
}

impl EndorsementsConfig {
    /// Where to fetch, in order; empty where nothing is fetched. In development, where evidence and
    /// roots are made up, only sources that are named are asked.
    ///
    /// # Errors
    /// [`ConfigError::Read`] for a CA file.
    pub fn sources(&self, development: bool) -> Result<Vec<SourceConfig>, ConfigError> {
        if self.offline {
            return Ok(Vec::new());
        }
        match &self.sources {
            Some(sources) => sources.iter().map(SourceSection::source).collect(),
            None if development => Ok(Vec::new()),
            None => Ok(vec![SourceConfig::intel(), SourceConfig::amd()]),
        }
    }

    /// Refuses times and sizes that make no sense, and ages that would switch revocation off.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        const YEAR: u64 = 366 * 86_400;
        let ranges = [
            ("wait_seconds_max", Some(self.wait_seconds_max), 0, 600),
            ("refresh_seconds", Some(self.refresh_seconds), 60, YEAR),
            ("age_seconds_max", self.age_seconds_max, 60, YEAR),
            ("alert_seconds", Some(self.alert_seconds), 0, YEAR),
            ("memory_bytes_max", Some(self.memory_bytes_max), 1 << 20, 1 << 40),
        ];
        for (key, value, least, most) in ranges {
            let key = format!("endorsements.{key}");
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                let found = value.unwrap_or_default();
                let message = format!("{found} is not between {least} and {most}");
                return Err(ConfigError::value(&key, message));
            }
        }
        if self.age_seconds_max.is_some() && self.amd_crl == Some(CrlRule::WhereKept) {
            let message = "with amd_crl = \"where-kept\" nothing would be revoked any more once the \
                           last CRL is too old; set amd_crl to \"required\"";
            return Err(ConfigError::value("endorsements.age_seconds_max", message));
        }
        Ok(())
    }

    /// Whether anything is fetched.
    #[must_use]
    pub fn is_fetching(&self, development: bool) -> bool {
        let named = self.sources.as_ref();
        !self.offline && named.map_or(!development, |sources| !sources.is_empty())
    }

    /// Of which of AMD's roots there must be a CRL. Where the configuration does not say: of all if
    /// there is a source that publishes them, since then none is missing by chance.
    #[must_use]
    pub fn amd_crl_rule(&self, development: bool) -> CrlRule {
        let is_kds = |source: &SourceSection| source.kind == SourceKind::Kds;
        let published = self.sources.as_ref().is_none_or(|sources| sources.iter().any(is_kds));
        let usual = if self.is_fetching(development) && published {
            CrlRule::Required
        } else {
            CrlRule::default()
        };
        self.amd_crl.unwrap_or(usual)
    }

    /// Limits and times of who keeps what was fetched.
    #[must_use]
    pub fn keeper(&self) -> KeeperSettings {
        KeeperSettings {
            refresh: Duration::from_secs(self.refresh_seconds),
            age_max: self.age_seconds_max.map(Duration::from_secs),
            alert_before: Duration::from_secs(self.alert_seconds),
            bytes_max: usize::try_from(self.memory_bytes_max).unwrap_or(usize::MAX),
            ..KeeperSettings::default()
        }
    }

    /// The longest that a request waits.
    #[must_use]
    pub const fn wait_max(&self) -> Duration {
        Duration::from_secs(self.wait_seconds_max)
    }
}
