//! The vault: keys that are released to attested workloads, in the words of Azure Key Vault, under a host
//! name of its own.
//!
//! Requests under that host are routed by rows of their own (`route/vault.rs`) and answered in
//! `handlers/vault.rs`. What decides about a release is in `avouch-release`.

mod authorities;
mod body;
mod bundle;
mod material;
mod policy;
mod purge;
mod rate;
mod read_keys;
mod signer;

use std::sync::Arc;

use arc_swap::ArcSwap;
use avouch_release::{Operators, ReleaseSigner, TokenRules};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use rate::Rates;
use thiserror::Error;

pub(crate) use authorities::Authorities;
pub use body::{Asked, VaultBody, random_count, read_vault_body};
pub(crate) use body::{Change, NewVersion};
pub(crate) use bundle::{deleted_bundle, deleted_item, item, key_bundle};
pub use material::{VaultMaterialError, rewrapped_vault_key};
pub(crate) use material::{
    WrappedFor, is_wrapped_for, material_for_release, rewrapped_for, wrap_new,
};
pub(crate) use policy::{KeptPolicy, set_again};
pub use purge::keep_purged;
pub(crate) use read_keys::{ReadKey, ReadKeys};
pub use signer::{SignerFileError, development_signer, release_signer};

use crate::auth::OidcError;
use crate::config::VaultConfig;
use crate::{Cloud, ProviderUrls};

/// Keys that one caller may make or import in a minute: one of RSA takes up to seconds.
const CREATIONS_PER_MINUTE_MAX: u32 = 120;

/// Keys that are released, and what is asked for that.
pub struct Vault {
    host: String,
    url: String,
    challenge: HeaderValue,
    signer: ArcSwap<ReleaseSigner>,
    operators: Operators,
    rules: TokenRules,
    recoverable_days: u32,
    authorities: Authorities,
    rates: Rates,
    creations: Rates,
    read_keys: ReadKeys,
}

/// Why there cannot be a vault.
#[derive(Debug, Error)]
pub enum VaultSetupError {
    /// An authority's CA file.
    #[error(transparent)]
    Authority(#[from] OidcError),
    /// An address that no header field can hold.
    #[error("vault.resource and cloud.login_endpoint do not go into a header field")]
    Challenge,
}

impl Vault {
    /// A vault under its host, or none where the configuration has no host for it.
    ///
    /// # Errors
    /// [`VaultSetupError`].
    pub fn new(
        config: &VaultConfig,
        urls: &ProviderUrls,
        cloud: &Cloud,
        signer: ReleaseSigner,
    ) -> Result<Option<Self>, VaultSetupError> {
        let Some(host) = &config.host else { return Ok(None) };
        let port = urls.port();
        let parent = host.split_once('.').map_or("", |(_, parent)| parent);
        let resource = config.resource.clone().unwrap_or_else(|| format!("https://{parent}{port}"));
        let authorization = cloud.authorization(urls);
        let challenge =
            format!("Bearer authorization=\"{authorization}\", resource=\"{resource}\"");
        Ok(Some(Self {
            host: host.clone(),
            url: format!("https://{host}{port}"),
            challenge: HeaderValue::try_from(challenge).map_err(|_| VaultSetupError::Challenge)?,
            signer: ArcSwap::from_pointee(signer),
            operators: config.operators(),
            rules: config.token_rules(),
            recoverable_days: config.recoverable_days,
            authorities: Authorities::new(&config.authorities)?,
            rates: Rates::new(config.releases_per_minute_max),
            creations: Rates::new(CREATIONS_PER_MINUTE_MAX),
            read_keys: ReadKeys::new(),
        }))
    }

    /// Whether a request is for the vault: HTTP/2 has the host in the target, HTTP/1.1 in a field.
    pub(crate) fn is_asked(&self, head: &Parts) -> bool {
        let field = || head.headers.get(axum::http::header::HOST)?.to_str().ok();
        let authority = head.uri.authority().map(|authority| authority.as_str()).or_else(field);
        let host = authority.unwrap_or_default().split(':').next().unwrap_or_default();
        host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case(&self.host)
    }

    /// Its URL, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `WWW-Authenticate` of an answer 401.
    pub(crate) const fn challenge(&self) -> &HeaderValue {
        &self.challenge
    }

    pub(crate) fn signer(&self) -> Arc<ReleaseSigner> {
        self.signer.load_full()
    }

    /// Signs answers by another key, or under newer certificates, from now on.
    pub fn replace_signer(&self, signer: ReleaseSigner) {
        self.signer.store(Arc::new(signer));
    }

    pub(crate) const fn operators(&self) -> Operators {
        self.operators
    }

    pub(crate) const fn rules(&self) -> &TokenRules {
        &self.rules
    }

    pub(crate) const fn recoverable_days(&self) -> u32 {
        self.recoverable_days
    }

    pub(crate) const fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    pub(crate) const fn rates(&self) -> &Rates {
        &self.rates
    }

    /// How many keys each caller may make or import.
    pub(crate) const fn creations(&self) -> &Rates {
        &self.creations
    }

    /// The keys that were released last.
    pub(crate) const fn read_keys(&self) -> &ReadKeys {
        &self.read_keys
    }

    /// The identifier of a version: a URL.
    pub(crate) fn kid(&self, name: &str, version: &str) -> String {
        format!("{}/keys/{name}/{version}", self.url)
    }
}
