//! `[vault]`: keys that are released to attested workloads.

use std::path::PathBuf;

use avouch_release::{Authority, Operators, TokenRules};
use serde::Deserialize;

use super::sections::{check_domain, check_public_url};
use super::{ConfigError, ServerConfig};

/// `[vault]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaultConfig {
    /// Host name of its own under which it answers in the words of Azure Key Vault; none without.
    pub host: Option<String>,
    /// PEM: the certificates for the key that signs answers, its own first and the root last. The first is
    /// for `host`: clients compare the two.
    pub certificates: Option<PathBuf>,
    /// PEM, PKCS#8: that key, RSA.
    pub private_key: Option<PathBuf>,
    /// What clients are told to get tokens for; `https://` and what `host` has behind its first dot
    /// without. SDKs take it only if `host` ends with a dot and its host.
    pub resource: Option<String>,
    /// Whether release policies may have operators besides `equals`.
    pub all_operators: bool,
    /// How old the token of a workload may be, in seconds; as old as it lives without.
    pub token_age_seconds_max: Option<u32>,
    /// Whether a token of a workload serves for one release only.
    pub token_single_use: bool,
    /// Releases that one caller may ask for in a minute.
    pub releases_per_minute_max: u32,
    /// For how many days a deleted key can be recovered; 7 to 90.
    pub recoverable_days: u32,
    /// `[[vault.authorities]]`: issuers besides this service whose tokens release policies may take.
    pub authorities: Vec<AuthorityConfig>,
}

/// `[[vault.authorities]]`: its keys are found by its own OpenID metadata.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityConfig {
    /// `iss` of its tokens.
    pub issuer: String,
    /// PEM file of the CA of its web server, where it is not a public one.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// Difference of clocks that is forgiven, in seconds.
const SLACK_SECONDS: u32 = 60;

impl Default for VaultConfig {
    fn default() -> Self {
        Self {
            host: None,
            certificates: None,
            private_key: None,
            resource: None,
            all_operators: false,
            token_age_seconds_max: None,
            token_single_use: false,
            releases_per_minute_max: 120,
            recoverable_days: 90,
            authorities: Vec::new(),
        }
    }
}

impl VaultConfig {
    /// Which operators policies may use when they are imported.
    #[must_use]
    pub const fn operators(&self) -> Operators {
        if self.all_operators { Operators::All } else { Operators::EqualsOnly }
    }

    /// What is asked of tokens of workloads.
    #[must_use]
    pub const fn token_rules(&self) -> TokenRules {
        TokenRules {
            slack_seconds: SLACK_SECONDS,
            age_seconds_max: self.token_age_seconds_max,
            is_single_use: self.token_single_use,
        }
    }

    pub(super) const fn has_certificate(&self) -> bool {
        self.certificates.is_some() && self.private_key.is_some()
    }

    pub(super) fn check(&mut self, server: &ServerConfig) -> Result<(), ConfigError> {
        if let Some(host) = &mut self.host {
            host.make_ascii_lowercase();
            check_host(host, server).map_err(|text| ConfigError::value("vault.host", text))?;
        }
        if self.certificates.is_some() != self.private_key.is_some() {
            let text = "certificates and private_key go together";
            return Err(ConfigError::value("vault.certificates", text));
        }
        if let Some(url) = &self.resource {
            check_public_url(url).map_err(|text| ConfigError::value("vault.resource", text))?;
        }
        let ranges = [
            ("vault.releases_per_minute_max", Some(self.releases_per_minute_max), 1..=1_000_000),
            ("vault.recoverable_days", Some(self.recoverable_days), 7..=90),
            ("vault.token_age_seconds_max", self.token_age_seconds_max, 1..=86_400),
        ];
        for (key, value, range) in ranges {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                let text = format!("{value} is not in {} to {}", range.start(), range.end());
                return Err(ConfigError::value(key, text));
            }
        }
        self.check_authorities()
    }

    fn check_authorities(&self) -> Result<(), ConfigError> {
        let mut seen = Vec::new();
        for (index, one) in self.authorities.iter().enumerate() {
            let key = || format!("vault.authorities[{index}].issuer");
            let authority =
                Authority::parse(&one.issuer).map_err(|error| ConfigError::value(key(), error))?;
            if seen.contains(&authority) {
                return Err(ConfigError::value(key(), format!("{authority} is named twice")));
            }
            seen.push(authority);
        }
        Ok(())
    }

    /// Relative paths start from the folder of the configuration.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = self.certificates.iter_mut().chain(&mut self.private_key);
        files.chain(self.authorities.iter_mut().filter_map(|one| one.ca_file.as_mut()))
    }
}

/// A name of at least two labels, since SDKs want the resource below its first dot; and none that means a
/// provider or the service itself.
fn check_host(host: &str, server: &ServerConfig) -> Result<(), String> {
    check_domain(host)?;
    if !host.contains('.') {
        return Err(format!("{host:?} has no dot; SDKs want a name such as vault.example.org"));
    }
    let root = server.public_url.as_deref().and_then(|url| url.strip_prefix("https://"));
    let root = root.and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    if root.eq_ignore_ascii_case(host) {
        return Err(format!("{host:?} is the host of server.public_url, where providers answer"));
    }
    let domain = server.base_domain.as_deref();
    let below = domain
        .and_then(|domain| host.strip_suffix(domain))
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if below {
        return Err(format!("{host:?} is below server.base_domain, where it is a provider's"));
    }
    Ok(())
}
