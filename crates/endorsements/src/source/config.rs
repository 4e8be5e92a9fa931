//! How a source is configured.

use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use thiserror::Error;

/// What speaks at a source's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Intel's provisioning certification service, version 4 of its API.
    Pcs,
    /// A cache of it on a site, which has the root CA's CRL too.
    Pccs,
    /// Azure's cache of it.
    Thim,
    /// AMD's key distribution service, or a mirror.
    Kds,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// What people call it.
    pub name: String,
    /// What speaks there.
    pub kind: SourceKind,
    /// Address below which its paths begin, `https://` or `http://`.
    pub url: String,
    /// Address of the root CA's CRL, for kinds that do not have it themselves.
    pub root_ca_crl_url: Option<String>,
    /// The only CAs whose TLS certificates it may have, PEM. Without, those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Proxy to go through. The environment's are not used.
    pub proxy: Option<String>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a whole answer.
    pub timeout: Duration,
    /// How often it may be asked.
    pub budget: Budget,
}

/// How often a source may be asked for VCEKs and TCB infos, of which there are many: so many times at
/// once, and once more with each pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests at once.
    pub burst: NonZeroU32,
    /// Time in which the right to one more request grows.
    pub pause: Duration,
    /// Longest that a request waits for its turn; if it would have to wait longer, it fails.
    pub wait_max: Duration,
}

/// Why a source cannot be used.
#[derive(Debug, Error)]
pub enum SourceConfigError {
    /// An address is none.
    #[error("source {source_name:?}: {url:?} is no address of a source: {reason}")]
    Url {
        /// The source.
        source_name: String,
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its CAs or its proxy cannot be used.
    #[error("source {source_name:?}: {reason}")]
    Client {
        /// The source.
        source_name: String,
        /// Why.
        reason: String,
    },
}

/// AMD's service allows about one VCEK per ten seconds.
const KDS_PAUSE: Duration = Duration::from_secs(10);

impl SourceKind {
    /// The word in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcs => "pcs",
            Self::Pccs => "pccs",
            Self::Thim => "thim",
            Self::Kds => "kds",
        }
    }

    /// How often a source of this kind may be asked if nobody says otherwise.
    #[must_use]
    pub const fn budget(self) -> Budget {
        let (burst, pause) = match self {
            Self::Pcs | Self::Pccs | Self::Thim => (64, Duration::from_millis(100)),
            Self::Kds => (4, KDS_PAUSE),
        };
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        Budget { burst, pause, wait_max: Duration::from_secs(60) }
    }
}

impl SourceConfig {
    /// A source of a kind at an address, with the usual limits.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: SourceKind, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            url: url.into(),
            root_ca_crl_url: None,
            ca_pem: None,
            proxy: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
            budget: kind.budget(),
        }
    }

    /// Intel's own service.
    #[must_use]
    pub fn intel() -> Self {
        let crl = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
        Self {
            root_ca_crl_url: Some(crl.to_owned()),
            ..Self::new("Intel PCS", SourceKind::Pcs, "https://api.trustedservices.intel.com")
        }
    }

    /// AMD's own service.
    #[must_use]
    pub fn amd() -> Self {
        Self::new("AMD KDS", SourceKind::Kds, "https://kdsintf.amd.com")
    }

    /// The address below which paths begin, without a slash at its end.
    pub(super) fn base(&self) -> Result<String, SourceConfigError> {
        let url = self.address(&self.url)?;
        if url.query().is_some() {
            return Err(self.url_error(&self.url, "it has a query"));
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }

    pub(super) fn root_ca_crl(&self) -> Result<Option<String>, SourceConfigError> {
        let url = self.root_ca_crl_url.as_deref();
        url.map(|url| Ok(self.address(url)?.to_string())).transpose()
    }

    fn address(&self, text: &str) -> Result<Url, SourceConfigError> {
        let url =
            Url::parse(text).map_err(|error| self.url_error(text, error.to_string().as_str()))?;
        let reason = if !["http", "https"].contains(&url.scheme()) {
            "it begins with neither https:// nor http://"
        } else if !url.username().is_empty() || url.password().is_some() {
            "it has a user's name or password"
        } else if url.fragment().is_some() {
            "it has a fragment"
        } else {
            return Ok(url);
        };
        Err(self.url_error(text, reason))
    }

    fn url_error(&self, url: &str, reason: &str) -> SourceConfigError {
        let (source_name, url) = (self.name.clone(), url.to_owned());
        SourceConfigError::Url { source_name, url, reason: reason.to_owned() }
    }
}
