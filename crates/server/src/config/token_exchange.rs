//! `[token_exchange]`: which providers give short tokens for attestation tokens, and for whom.

use std::collections::BTreeMap;

use avouch_store::ProviderName;
use avouch_token::ATTESTATION_LIFETIME_SECONDS;
use serde::Deserialize;

use super::ConfigError;
use crate::token_exchange::SubjectTemplate;

/// Longest life of a short token, in seconds.
const LIFETIME_SECONDS_MAX: u32 = 3600;
/// Longest audience, in bytes.
const AUDIENCE_BYTES_MAX: usize = 256;

/// `[token_exchange]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenExchangeConfig {
    /// `[token_exchange.providers.NAME]`: providers that are not named exchange nothing.
    pub providers: BTreeMap<String, ProviderExchange>,
}

/// `[token_exchange.providers.NAME]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderExchange {
    /// How long a short token lives, in seconds: an hour at most, and never longer than the token that it was
    /// given for.
    #[serde(default = "lifetime_seconds")]
    pub lifetime_seconds: u32,
    /// How long after its issue an attestation token can be exchanged, in seconds.
    #[serde(default = "token_age_seconds_max")]
    pub token_age_seconds_max: u32,
    /// For whom there are short tokens.
    pub audiences: Vec<AudienceRule>,
}

/// `[[token_exchange.providers.NAME.audiences]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudienceRule {
    /// `aud` of the short token, as the consumer expects it.
    pub audience: String,
    /// `sub` of the short token: text with names of claims in braces.
    pub subject: SubjectTemplate,
    /// Whether the attestation token must have this very audience as its `nonce`. Without that, whoever was
    /// shown an attestation token can exchange it.
    #[serde(default = "yes")]
    pub nonce_must_be_audience: bool,
    /// Whether evidence that binds no key gets nothing.
    #[serde(default)]
    pub key_must_be_bound: bool,
}

const fn lifetime_seconds() -> u32 {
    600
}

const fn token_age_seconds_max() -> u32 {
    300
}

const fn yes() -> bool {
    true
}

impl TokenExchangeConfig {
    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        let providers = std::mem::take(&mut self.providers);
        for (name, exchange) in providers {
            let key = format!("token_exchange.providers.{name}");
            let own = ProviderName::key_of(&name)
                .map_err(|error| ConfigError::value(&key, error.to_string()))?;
            exchange.check(&key)?;
            if self.providers.insert(own, exchange).is_some() {
                return Err(ConfigError::value(&key, "is there twice, in other case"));
            }
        }
        Ok(())
    }
}

impl ProviderExchange {
    fn check(&self, key: &str) -> Result<(), ConfigError> {
        let bounds = [
            ("lifetime_seconds", self.lifetime_seconds, 60, LIFETIME_SECONDS_MAX),
            ("token_age_seconds_max", self.token_age_seconds_max, 1, ATTESTATION_LIFETIME_SECONDS),
        ];
        for (member, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                let message = format!("{value} is not between {least} and {most}");
                return Err(ConfigError::value(format!("{key}.{member}"), message));
            }
        }
        let refused =
            |message: String| Err(ConfigError::value(format!("{key}.audiences"), message));
        if self.audiences.is_empty() {
            return refused("names nobody: leave the provider out".to_owned());
        }
        for (index, rule) in self.audiences.iter().enumerate() {
            let audience = &rule.audience;
            let is_good = !audience.is_empty()
                && audience.len() <= AUDIENCE_BYTES_MAX
                && audience.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_good {
                let most = AUDIENCE_BYTES_MAX;
                return refused(format!(
                    "{audience:?} is not 1 to {most} characters of printable ascii"
                ));
            }
            if self.audiences.iter().take(index).any(|other| other.audience == *audience) {
                return refused(format!("{audience:?} is there twice"));
            }
        }
        Ok(())
    }

    /// The rule for an audience, if there are short tokens for it.
    pub(crate) fn rule(&self, audience: &str) -> Option<&AudienceRule> {
        self.audiences.iter().find(|rule| rule.audience == audience)
    }
}
