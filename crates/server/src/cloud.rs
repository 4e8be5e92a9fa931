//! What Azure's tools are told of this service as a cloud
//! (`docs/maa/control-plane.md#what-azures-tools-ask-first`).

use serde_json::json;

use crate::config::{AuthConfig, CloudConfig};
use crate::providers::ProviderUrls;

/// The cloud that this service is to `az cloud register` and to Terraform's `metadata_host`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cloud {
    /// The answer to `GET /metadata/endpoints`, where an identity provider is configured.
    pub(crate) metadata: Option<String>,
    /// The tenant that subscriptions belong to.
    pub(crate) tenant: String,
    login_endpoint: Option<String>,
}

impl Cloud {
    /// The cloud of a configuration. Tools ask for tokens of the first audience.
    #[must_use]
    pub fn new(config: &CloudConfig, auth: &AuthConfig, urls: &ProviderUrls) -> Self {
        let metadata = config
            .login_endpoint
            .as_ref()
            .map(|login| metadata(login, config, &audiences(config, auth, urls), urls));
        let (tenant, login_endpoint) = (config.tenant.clone(), config.login_endpoint.clone());
        Self { metadata, tenant, login_endpoint }
    }

    /// Where clients of the vault get tokens: the operator's identity provider; without one a name that
    /// only clients with tokens of their own do not ask.
    pub(crate) fn authorization(&self, urls: &ProviderUrls) -> String {
        let login = self.login_endpoint.as_deref().unwrap_or_else(|| urls.root());
        let tenant = if self.tenant.is_empty() { "common" } else { &self.tenant };
        format!("{}/{tenant}", login.trim_end_matches('/'))
    }
}

/// Those of the configuration, else of all issuers, else the service's own URL.
fn audiences(config: &CloudConfig, auth: &AuthConfig, urls: &ProviderUrls) -> Vec<String> {
    let mut audiences = config.audiences.clone();
    if audiences.is_empty() {
        audiences = auth.issuers.iter().flat_map(|one| one.audiences.clone()).collect();
    }
    if audiences.is_empty() {
        audiences.push(urls.root().to_owned());
    }
    audiences
}

/// One object for every version. Azure's own services (graph, vaults, storage) do not exist here:
/// where tools insist on a name for one they get ours, at which nothing of it answers.
fn metadata(
    login_endpoint: &str,
    config: &CloudConfig,
    audiences: &[String],
    urls: &ProviderUrls,
) -> String {
    let (root, zone) = (urls.root(), urls.zone());
    let metadata = json!({
        "name": "Avouch",
        "portal": root,
        "authentication": {
            "loginEndpoint": login_endpoint,
            "audiences": audiences,
            "tenant": config.tenant,
            "identityProvider": config.identity_provider,
        },
        "graph": root,
        "graphAudience": root,
        "media": root,
        "resourceManager": root,
        "attestationResourceId": "https://attest.azure.net",
        "suffixes": {
            "keyVaultDns": format!("vault.{zone}"),
            "storage": format!("storage.{zone}"),
            "attestationEndpoint": zone,
        },
    });
    metadata.to_string()
}
