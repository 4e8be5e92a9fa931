//! The configuration file: TOML, strict, every key also as an environment variable.
//!
//! `docs/configuration.md` is the handbook of it; a test reads the example there. A [`Config`] that
//! was loaded has values that make sense each for itself; whether the service may be reached by
//! others with it is for [`Config::check_production`].

mod appraisal;
mod audit;
mod auth;
mod collateral_server;
mod endorsements;
mod error;
mod expected_files;
mod load;
mod monitoring;
mod nearest;
mod publication;
mod reference_values;
mod sections;
mod setting;
mod signing;
mod tee;
mod token_exchange;
mod tpm;
mod trust_root;
mod vault;

pub use appraisal::{
    AppraisalConfig, AppraisalOverride, PlatformException, ProviderSettings, ToleratedAdvisory,
};
pub use audit::{AuditConfig, KeepEvidence};
pub(crate) use auth::granted_providers;
pub use auth::{AuthConfig, CertificateRule, IssuerConfig, ProviderAuth, RoleRule};
pub use collateral_server::CollateralServerConfig;
pub use endorsements::{EndorsementsConfig, SourceSection};
pub use error::ConfigError;
pub use expected_files::FilesConfig;
pub use load::Settings;
pub use monitoring::{MonitoringConfig, WebhookConfig};
pub use publication::PublicationConfig;
pub use reference_values::{ReferenceValuesConfig, reference_values};
pub use sections::{
    CloudConfig, Config, DatabaseConfig, DevConfig, LimitsConfig, LogFormat, RootProvider,
    ServerConfig, TelemetryConfig, TlsConfig,
};
pub use signing::{GramineKeyConfig, Pkcs11Config, SigningConfig, SigningOverride};
pub use tee::TeeConfig;
pub use token_exchange::{AudienceBinding, AudienceRule, ProviderExchange, TokenExchangeConfig};
pub use tpm::TpmConfig;
pub use trust_root::{TrustRoot, TrustRoots};
pub use vault::{AuthorityConfig, VaultConfig};
