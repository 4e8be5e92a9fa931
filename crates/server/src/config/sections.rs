//! The sections of the file and what each key means.

use std::net::SocketAddr;
use std::path::PathBuf;

use avouch_engine::REMEMBERED_BYTES;
use avouch_store::StoreOptions;
use serde::Deserialize;

use super::{
    AppraisalConfig, AuditConfig, AuthConfig, ConfigError, EndorsementsConfig, MonitoringConfig,
    PublicationConfig, SigningConfig, TeeConfig, TokenExchangeConfig, TpmConfig, VaultConfig,
};
use crate::http::PrivateNetworks;
use crate::{Limits, WorkLimits};

/// The whole file. Relative paths in it start from the folder that the file is in.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the service answers and under which name.
    pub server: ServerConfig,
    /// Where providers, policies and audit trail are kept.
    pub database: DatabaseConfig,
    /// Who may do what.
    pub auth: AuthConfig,
    /// The keys that sign tokens and reports.
    pub signing: SigningConfig,
    /// `[endorsements]`: where the vendors' files are.
    pub endorsements: EndorsementsConfig,
    /// What Azure's tools are told of this service as a cloud.
    pub cloud: CloudConfig,
    /// What is accepted of evidence that verified.
    pub appraisal: AppraisalConfig,
    /// Which providers give short tokens for attestation tokens.
    pub token_exchange: TokenExchangeConfig,
    /// What the publisher of the service's code says, handed out.
    pub publication: PublicationConfig,
    /// Conversations with TPMs.
    pub tpm: TpmConfig,
    /// The service's own evidence.
    pub tee: TeeConfig,
    /// What is kept of what was appraised.
    pub audit: AuditConfig,
    /// Which machines are watched, and who is told.
    pub monitoring: MonitoringConfig,
    /// Keys that are released to attested workloads.
    pub vault: VaultConfig,
    /// How much an outsider may ask for.
    pub limits: LimitsConfig,
    /// What the service tells of itself.
    pub telemetry: TelemetryConfig,
    /// What only `--dev` allows.
    pub dev: DevConfig,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port to listen on.
    pub listen: Option<SocketAddr>,
    /// URL under which clients reach the default provider: its `iss`. Without trailing slash.
    pub public_url: Option<String>,
    /// Providers are also found by host name, `{name}.{base_domain}`.
    pub base_domain: Option<String>,
    /// What there is at the root.
    pub root_provider: RootProvider,
    /// Ranges of addresses from which providers with `publicNetworkAccess` `Disabled` are reached.
    pub private_networks: PrivateNetworks,
    /// Folder for the embedded database and for what the service makes itself.
    pub data_dir: Option<PathBuf>,
    /// `[server.tls]`; none with `--dev`.
    pub tls: Option<TlsConfig>,
}

/// What there is at the root of the service, for clients whose requests have lost the path of their
/// provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootProvider {
    /// The default provider, like any other.
    #[default]
    Served,
    /// The default provider, whose policies nobody changes.
    ReadOnly,
    /// No provider.
    Absent,
}

/// `[cloud]`: what `az cloud register` and Terraform's `metadata_host` read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudConfig {
    /// Where tools log in: the operator's identity provider. Without it there is no metadata.
    pub login_endpoint: Option<String>,
    /// The tenant that tools log in to, such as `adfs`.
    pub tenant: String,
    /// The kind of identity provider, in Azure's words.
    pub identity_provider: String,
    /// Audiences of the tokens that tools get; those of `auth.issuers` without.
    pub audiences: Vec<String>,
}

impl Default for CloudConfig {
    fn default() -> Self {
        Self {
            login_endpoint: None,
            tenant: "adfs".to_owned(),
            identity_provider: "ADFS".to_owned(),
            audiences: Vec::new(),
        }
    }
}

/// `[server.tls]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM, the server's certificate first.
    pub certificates: PathBuf,
    /// PEM; PKCS#8, PKCS#1 or SEC 1.
    pub private_key: PathBuf,
    /// PEM: CAs whose certificates clients may present, for `[[auth.certificates]]`.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}

/// `[database]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://…`, or a path for SQLite. Without it `avouch.db` in the data directory.
    pub url: Option<String>,
    /// A file that holds the URL, where it has a password in it.
    pub url_file: Option<PathBuf>,
    /// How long providers and policies are served from memory while the database is out of reach,
    /// in seconds.
    pub served_without_seconds_max: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: None, url_file: None, served_without_seconds_max: 3600 }
    }
}

/// `[telemetry]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Which lines are logged, such as `info` or `warn,avouch_server=debug`; `info` without.
    pub log_filter: Option<String>,
    /// The form of a line.
    pub log_format: LogFormat,
    /// A file for the log, which is appended to; standard error without.
    pub log_file: Option<PathBuf>,
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// The largest request body, in bytes; 1 KiB to 16 MiB.
    pub body_bytes_max: u64,
    /// The largest head of a request, in bytes; 8 KiB to 1 MiB.
    pub head_bytes_max: u64,
    /// Bytes of memory for all connections and requests together; over it requests are 429.
    pub memory_bytes_max: u64,
    /// The longest that a request may take to arrive, in seconds; also how long a connection may
    /// be idle and an answer may wait.
    pub request_seconds_max: u64,
    /// The longest that a TLS handshake may take, in seconds.
    pub handshake_seconds_max: u64,
    /// Connections open at once.
    pub connections_max: u64,
    /// Connections of one address open at once.
    pub address_connections_max: u64,
    /// TLS handshakes of one address under way.
    pub address_handshakes_max: u64,
    /// Requests of one address under way; over it they are 429.
    pub address_requests_max: u64,
    /// Threads that appraise; one for each processor without.
    pub work_threads: u64,
    /// Threads beside them, for work of senders that take little processor time.
    pub work_light_threads: u64,
    /// Requests that wait for one of them; over it requests are 503.
    pub work_waiting_max: u64,
    /// Of them, those of one address.
    pub work_waiting_per_address_max: u64,
    /// The longest that a request may wait and be worked on, in seconds.
    pub work_seconds_max: u64,
    /// How long a service that was told to stop still takes connections while it is not ready, in
    /// seconds.
    pub unready_seconds: u64,
    /// Bytes of policies held in memory; others are read from the database when needed.
    pub policy_bytes_max: u64,
    /// Providers held ready with compiled policies; others are made ready when needed.
    pub providers_ready_max: u64,
    /// Bytes that these take, with their compiled policies.
    pub providers_ready_bytes_max: u64,
    /// Bytes of platforms, endorsement keys and collateral that are remembered as verified.
    pub remembered_bytes_max: u64,
    /// Bytes of old policies kept of each provider; the oldest go first, never one in force.
    pub history_bytes_max: u64,
    /// Old policies kept of each provider and type of evidence.
    pub history_revisions_max: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let (http, work) = (Limits::default(), WorkLimits::default());
        let store = StoreOptions::default();
        Self {
            body_bytes_max: http.body_bytes_max as u64,
            head_bytes_max: http.head_bytes_max as u64,
            memory_bytes_max: http.memory_bytes_max as u64,
            request_seconds_max: http.request_seconds_max,
            handshake_seconds_max: http.handshake_seconds_max,
            connections_max: http.connections_max as u64,
            address_connections_max: http.address_connections_max as u64,
            address_handshakes_max: http.address_handshakes_max as u64,
            address_requests_max: http.address_requests_max as u64,
            work_threads: work.threads as u64,
            work_light_threads: work.light_threads as u64,
            work_waiting_max: work.waiting_max as u64,
            work_waiting_per_address_max: work.waiting_per_address_max as u64,
            work_seconds_max: work.seconds_max,
            unready_seconds: http.unready_seconds,
            policy_bytes_max: 256 << 20,
            providers_ready_max: 10_000,
            providers_ready_bytes_max: 256 << 20,
            remembered_bytes_max: REMEMBERED_BYTES,
            history_bytes_max: store.history_bytes_max,
            history_revisions_max: store.history_revisions_max,
        }
    }
}

impl LimitsConfig {
    /// The limits of the HTTP server.
    #[must_use]
    pub fn http(&self) -> Limits {
        Limits {
            body_bytes_max: size(self.body_bytes_max),
            head_bytes_max: size(self.head_bytes_max),
            memory_bytes_max: size(self.memory_bytes_max),
            request_seconds_max: self.request_seconds_max,
            handshake_seconds_max: self.handshake_seconds_max,
            connections_max: size(self.connections_max),
            address_connections_max: size(self.address_connections_max),
            address_handshakes_max: size(self.address_handshakes_max),
            address_requests_max: size(self.address_requests_max),
            unready_seconds: self.unready_seconds,
        }
    }

    /// The limits of what takes processor time.
    #[must_use]
    pub fn work(&self) -> WorkLimits {
        WorkLimits {
            threads: size(self.work_threads),
            light_threads: size(self.work_light_threads),
            waiting_max: size(self.work_waiting_max),
            waiting_per_address_max: size(self.work_waiting_per_address_max),
            seconds_max: self.work_seconds_max,
        }
    }

    /// What connections and the largest bodies need.
    fn memory_bytes_min(&self) -> u64 {
        self.http().memory_bytes_min() as u64
    }

    /// How the store is opened.
    #[must_use]
    pub fn store(&self) -> StoreOptions {
        StoreOptions {
            history_bytes_max: self.history_bytes_max,
            history_revisions_max: self.history_revisions_max,
            ..StoreOptions::default()
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("body_bytes_max", self.body_bytes_max, 1024, 16 << 20),
            ("head_bytes_max", self.head_bytes_max, 8 << 10, 1 << 20),
            ("request_seconds_max", self.request_seconds_max, 1, 3600),
            ("handshake_seconds_max", self.handshake_seconds_max, 1, 3600),
            ("connections_max", self.connections_max, 1, 1_000_000),
            ("memory_bytes_max", self.memory_bytes_max, self.memory_bytes_min(), 1 << 40),
            ("address_connections_max", self.address_connections_max, 1, 1_000_000),
            ("address_handshakes_max", self.address_handshakes_max, 1, 1_000_000),
            ("address_requests_max", self.address_requests_max, 1, 1_000_000),
            ("work_threads", self.work_threads, 1, 1024),
            ("work_light_threads", self.work_light_threads, 0, 1024),
            ("work_waiting_max", self.work_waiting_max, 1, 1_000_000),
            ("work_waiting_per_address_max", self.work_waiting_per_address_max, 1, 1_000_000),
            ("work_seconds_max", self.work_seconds_max, 1, 600),
            ("unready_seconds", self.unready_seconds, 0, 600),
            ("policy_bytes_max", self.policy_bytes_max, 0, u64::MAX),
            ("providers_ready_max", self.providers_ready_max, 1, 1_000_000),
            ("providers_ready_bytes_max", self.providers_ready_bytes_max, 1 << 20, 1 << 40),
            ("remembered_bytes_max", self.remembered_bytes_max, 0, 1 << 40),
            ("history_bytes_max", self.history_bytes_max, 1 << 20, 1 << 40),
            ("history_revisions_max", self.history_revisions_max, 1, 1_000_000),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let message = format!("{value} is not between {least} and {most}");
                return Err(ConfigError::value(format!("limits.{key}"), message));
            }
        }
        Ok(())
    }
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// `[dev]`: refused unless the service is started with `--dev`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DevConfig {
    /// Judge evidence at this moment (RFC 3339) instead of now.
    pub appraise_at: Option<String>,
}

impl Config {
    /// Checks what no single value tells, and puts names into their one form.
    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        if let Some(url) = &mut self.server.public_url {
            while url.ends_with('/') {
                url.pop();
            }
            check_public_url(url)
                .map_err(|message| ConfigError::value("server.public_url", message))?;
        }
        if let Some(domain) = &mut self.server.base_domain {
            domain.make_ascii_lowercase();
            check_domain(domain)
                .map_err(|message| ConfigError::value("server.base_domain", message))?;
        }
        if let Some(url) = &self.cloud.login_endpoint {
            check_public_url(url)
                .map_err(|message| ConfigError::value("cloud.login_endpoint", message))?;
        }
        if self.database.url.is_some() && self.database.url_file.is_some() {
            let message = "is given beside database.url; only one of the two can count";
            return Err(ConfigError::value("database.url_file", message));
        }
        self.tpm.check()?;
        self.tee.check()?;
        let client_ca = self.server.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if !client_ca && !self.auth.certificates.is_empty() {
            let message = "no client can present a certificate: set server.tls.client_ca";
            return Err(ConfigError::value("auth.certificates", message));
        }
        self.endorsements.check()?;
        let (most, seconds) = (366 * 86_400, self.database.served_without_seconds_max);
        if !(1..=most).contains(&seconds) {
            let message = format!("{seconds} is not between 1 and {most}");
            return Err(ConfigError::value("database.served_without_seconds_max", message));
        }
        self.signing.check(seconds)?;
        self.limits.check()?;
        self.audit.check()?;
        self.monitoring.check()?;
        self.token_exchange.check()?;
        self.appraisal.check()?;
        self.vault.check(&self.server)?;
        self.auth.check()
    }

    /// Refuses a configuration with which the service would be insecure or useless to others.
    ///
    /// # Errors
    /// [`ConfigError::Insecure`] with everything that is missing, not only the first.
    pub fn check_production(&self) -> Result<(), ConfigError> {
        let mut missing = Vec::new();
        let mut need = |given: bool, sentence: &str| {
            if !given {
                missing.push(sentence.to_owned());
            }
        };
        need(
            self.server.tls.is_some(),
            "no TLS certificate: set server.tls.certificates and server.tls.private_key",
        );
        need(
            self.server.public_url.is_some(),
            "no public URL, which tokens name as their issuer: set server.public_url",
        );
        need(
            self.auth.names_somebody(),
            "nobody who could administer it: set auth.issuers (OpenID Connect), auth.token_file or \
             auth.certificates",
        );
        need(
            self.signing.names_a_key(),
            "no key to sign tokens with: set signing.key_file (PKCS#8 PEM, RSA of 2048 bits); \
             `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out signing-key.pem` makes \
             one; or set signing.master_key_file (docs/keys.md)",
        );
        need(
            self.vault.host.is_none() || self.signing.has_master_key(),
            "vault.host is set, and the keys of a vault are wrapped under a master key: set \
             signing.master_key_file (docs/keys.md)",
        );
        need(
            self.vault.host.is_none() || self.vault.has_certificate(),
            "vault.host is set, and answers of a vault are signed under a certificate for its host: set \
             vault.certificates and vault.private_key (docs/key-release.md)",
        );
        need(
            self.dev.appraise_at.is_none(),
            "dev.appraise_at is set, which only --dev allows: remove it",
        );
        if missing.is_empty() { Ok(()) } else { Err(ConfigError::Insecure { missing }) }
    }
}

/// An https URL with a host, perhaps a path, and nothing after it.
pub(super) fn check_public_url(url: &str) -> Result<(), String> {
    let Some(rest) = url.strip_prefix("https://") else {
        return Err(format!("{url:?} does not begin with https://"));
    };
    let graphic = rest.bytes().all(|byte| byte.is_ascii_graphic());
    if rest.is_empty() || rest.starts_with('/') || !graphic || rest.contains(['?', '#', '@', '\\'])
    {
        return Err(format!("{url:?} is not a URL of host, perhaps port and path"));
    }
    Ok(())
}

pub(super) fn check_domain(domain: &str) -> Result<(), String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_local = domain == "localhost";
    if domain.len() <= 253 && (is_local || domain.contains('.')) && domain.split('.').all(label) {
        return Ok(());
    }
    Err(format!("{domain:?} is not a domain name such as attest.example.org"))
}
