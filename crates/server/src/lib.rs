//! MAA's HTTP contract: data plane, authentication, configuration.
//!
//! The shape of a request's way: [`http`] accepts it, names it and bounds it; [`route`] says which
//! [`route::Endpoint`] of which provider it means; a function in [`handlers`] unpacks it, calls the
//! engine and packs the answer. [`error::ApiError`] is the only place where an error becomes a
//! status code. The clock is read here, at the edge, and nowhere below.

mod allowance;
pub mod api_version;
mod at_hand;
pub mod attest_request;
pub mod auth;
pub mod body;
pub mod clock;
pub mod cloud;
pub mod collateral_server;
pub mod config;
pub mod error;
pub mod evidence;
pub mod handlers;
pub mod http;
mod identifiers;
pub mod keys;
mod metrics;
mod monitoring;
pub mod processor;
pub mod provider;
pub mod providers;
pub mod publication;
mod query;
pub mod readiness;
pub mod request_id;
pub mod respond;
pub mod route;
pub mod signing_key;
pub mod state;
mod supervised;
pub mod tee;
mod token_exchange;
pub mod tpm;
pub mod vault;
pub mod work;

pub use at_hand::{AtHand, ImportError, fetched_endorsements};
pub use auth::{Access, Authenticator};
pub use clock::Clock;
pub use cloud::Cloud;
pub use collateral_server::{Collateral, CollateralServer, NotFetched};
pub use config::{Config, ConfigError, Settings};
pub use error::{ApiError, Fault, KeyVaultError, ResourceError};
pub use evidence::EvidenceKeeper;
pub use handlers::TokenExchanges;
pub use http::{
    CurrentTls, DevelopmentCa, Limits, Peer, PrivateNetworks, Server, ServerError, TlsError,
    TlsFiles, server_config,
};
pub use keys::SigningKeys;
pub use monitoring::{Monitoring, Webhook, WebhookError};
pub use provider::Provider;
pub use providers::{ProviderUrls, Providers, ProvidersOptions};
pub use readiness::Readiness;
pub use state::AppState;
pub use tee::OwnTee;
pub use token_exchange::{
    ExchangeRefused, ExchangeRequest, Subject as ExchangeSubject, SubjectTemplate, TemplateError,
};
pub use tpm::TpmConversations;
pub use vault::Vault;
pub use work::{WorkLimits, WorkPool};
