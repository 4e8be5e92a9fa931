//! `[auth]`: who may do what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use avouch_store::ProviderName;
use avouch_token::Algorithm;
use serde::Deserialize;

use super::ConfigError;
use super::appraisal::by_name;
use crate::auth::NamedRole;

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Whether the attest routes need no token, as with MAA.
    pub anonymous_attest: bool,
    /// Whether an Isolated provider takes each signed policy, reset and certificate request only
    /// once.
    pub signed_requests_once: bool,
    /// A file of tokens for small installations: see `docs/configuration.md`.
    pub token_file: Option<PathBuf>,
    /// `[[auth.issuers]]`: who issues bearer tokens.
    pub issuers: Vec<IssuerConfig>,
    /// `[[auth.certificates]]`: which holders of client certificates have which role.
    pub certificates: Vec<CertificateRule>,
    /// `[auth.providers.NAME]`: what differs for one provider.
    pub providers: BTreeMap<String, ProviderAuth>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            anonymous_attest: true,
            signed_requests_once: false,
            token_file: None,
            issuers: Vec::new(),
            certificates: Vec::new(),
            providers: BTreeMap::new(),
        }
    }
}

/// `[auth.providers.NAME]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderAuth {
    /// Whether this provider's attest routes need no token.
    pub anonymous_attest: Option<bool>,
}

/// `[[auth.issuers]]`: an OpenID Connect issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// `iss` of its tokens; its metadata is at `{issuer}/.well-known/openid-configuration`.
    pub issuer: String,
    /// Audiences that mean this service; compared exactly.
    pub audiences: Vec<String>,
    /// Signature algorithms that are accepted.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// PEM file of the CA of the issuer's web server, where it is not a public one.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// `[[auth.issuers.roles]]`: which claims give which role; without one its tokens may only
    /// read the default provider's policy, as any token may with MAA.
    #[serde(default)]
    pub roles: Vec<RoleRule>,
}

/// `[[auth.certificates]]`: a client whose certificate, issued by a CA of `server.tls.client_ca`,
/// has this common name has the role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRule {
    /// Common name of the certificate's subject; compared exactly.
    pub common_name: String,
    /// What the rule gives.
    pub role: NamedRole,
    /// Only for these providers; without it for all, those yet to come too.
    #[serde(default)]
    pub providers: Option<Vec<String>>,
}

/// `[[auth.issuers.roles]]`: a token whose claim has the value has the role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRule {
    /// What the rule gives.
    pub role: NamedRole,
    /// Name of the claim, such as `groups`, `roles`, `sub` or `scp`.
    pub claim: String,
    /// The value that it has, or that is among its values: an array, or words between spaces.
    pub value: String,
    /// Only for these providers; without it for all, those yet to come too.
    #[serde(default)]
    pub providers: Option<Vec<String>>,
}

fn algorithms() -> Vec<String> {
    ["RS256", "PS256", "ES256", "ES384"].map(str::to_owned).to_vec()
}

impl AuthConfig {
    /// Whether a provider's attest routes need no token.
    #[must_use]
    pub fn anonymous_attest(&self, provider: &str) -> bool {
        self.providers
            .get(&provider.to_ascii_lowercase())
            .and_then(|own| own.anonymous_attest)
            .unwrap_or(self.anonymous_attest)
    }

    /// Whether there is a way to be more than anonymous.
    pub(super) fn names_somebody(&self) -> bool {
        self.token_file.is_some() || !self.issuers.is_empty() || !self.certificates.is_empty()
    }

    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        for (index, rule) in self.certificates.iter_mut().enumerate() {
            let key = format!("auth.certificates[{index}]");
            if rule.common_name.is_empty() {
                return Err(ConfigError::value(key, "common_name must not be empty"));
            }
            granted_providers(rule.role, &mut rule.providers)
                .map_err(|message| ConfigError::value(format!("{key}.providers"), message))?;
        }
        self.providers = by_name("auth.providers", std::mem::take(&mut self.providers))?;
        let mut seen = Vec::new();
        for (index, issuer) in self.issuers.iter_mut().enumerate() {
            issuer.check().map_err(|error| error.within(&format!("auth.issuers[{index}]")))?;
            if seen.contains(&issuer.issuer) {
                let message = format!("{:?} is named twice", issuer.issuer);
                return Err(ConfigError::value("auth.issuers", message));
            }
            seen.push(issuer.issuer.clone());
        }
        Ok(())
    }
}

impl IssuerConfig {
    /// The algorithms as what they are; unknown names were refused while loading.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect()
    }

    fn check(&mut self) -> Result<(), ConfigError> {
        check_issuer(&self.issuer).map_err(|message| ConfigError::value("issuer", message))?;
        if self.audiences.is_empty() {
            let message = "names no audience, so a token for any other service would do here";
            return Err(ConfigError::value("audiences", message));
        }
        if self.algorithms.is_empty() {
            return Err(ConfigError::value("algorithms", "names no algorithm"));
        }
        if let Some(name) = self.algorithms.iter().find(|name| Algorithm::from_name(name).is_none())
        {
            let message =
                format!("{name:?} is not one of RS256, RS384, RS512, PS256, ES256, ES384");
            return Err(ConfigError::value("algorithms", message));
        }
        for (index, rule) in self.roles.iter_mut().enumerate() {
            granted_providers(rule.role, &mut rule.providers).map_err(|message| {
                ConfigError::value(format!("roles[{index}].providers"), message)
            })?;
            if rule.claim.is_empty() || rule.value.is_empty() {
                let message = "claim and value must not be empty";
                return Err(ConfigError::value(format!("roles[{index}]"), message));
            }
        }
        Ok(())
    }
}

/// The providers that a role is for, in the form in which they are compared; none for one at the vault.
pub(crate) fn granted_providers(
    role: NamedRole,
    providers: &mut Option<Vec<String>>,
) -> Result<(), String> {
    match (role, &providers) {
        (NamedRole::Vault(_), Some(_)) => {
            Err("a role at the vault is of no provider: leave it out".to_owned())
        }
        _ => provider_keys(providers),
    }
}

/// Puts names of providers into the form in which they are compared. An empty list is refused: a
/// template that filled in nobody must not give a role everywhere.
fn provider_keys(providers: &mut Option<Vec<String>>) -> Result<(), String> {
    let Some(providers) = providers else { return Ok(()) };
    if providers.is_empty() {
        return Err("names nobody: leave it out for all providers".to_owned());
    }
    for name in providers {
        *name = ProviderName::key_of(name).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// An https URL; plain HTTP only on this very machine.
fn check_issuer(issuer: &str) -> Result<(), String> {
    let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|host| {
        issuer.strip_prefix(host).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with([':', '/']) && !rest.contains(['@', '?', '#'])
        })
    });
    if local { Ok(()) } else { super::sections::check_public_url(issuer) }
}
