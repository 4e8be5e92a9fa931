//! `[token_exchange]`: which providers give short tokens for attestation tokens, and for whom.

use std::collections::BTreeMap;

use avouch_store::ProviderName;
use avouch_token::ATTESTATION_LIFETIME_SECONDS;
use avouch_wire::UnixTime;
use serde::Deserialize;

use super::ConfigError;
use crate::token_exchange::SubjectTemplate;

/// Longest life of a short token, in seconds.
const LIFETIME_SECONDS_MAX: u32 = 3600;
/// Most exchanges in a minute.
const EXCHANGES_PER_MINUTE_MAX: u32 = 60_000;
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
    /// The moment by which the provider was made that is meant: one that is made later, under the same name, exchanges
    /// nothing. The provider at the root needs none: it is there as long as the service.
    #[serde(default)]
    pub made_before: Option<UnixTime>,
    /// How long a short token lives, in seconds: an hour at most, and never longer than the token that it was
    /// given for.
    #[serde(default = "lifetime_seconds")]
    pub lifetime_seconds: u32,
    /// How long after its issue an attestation token can be exchanged, in seconds.
    #[serde(default = "token_age_seconds_max")]
    pub token_age_seconds_max: u32,
    /// How old the moment in data that evidence binds may be, in seconds.
    #[serde(default = "evidence_age_seconds_max")]
    pub evidence_age_seconds_max: u32,
    /// How many exchanges in a minute are written down, and so done, for all anonymous senders together, half of that
    /// for each of them, and as many for each caller who shows who he is.
    #[serde(default = "exchanges_per_minute")]
    pub exchanges_per_minute: u32,
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
    /// What must say that an attestation token may be exchanged for this audience.
    #[serde(default)]
    pub audience_bound_by: AudienceBinding,
    /// Whether evidence that binds no key gets nothing.
    #[serde(default)]
    pub key_must_be_bound: bool,
    /// Whether workloads that somebody can look into with a debugger get nothing.
    #[serde(default = "refuse_debuggable")]
    pub refuse_debuggable: bool,
}

/// What says for which audience an attestation token was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudienceBinding {
    /// The evidence, in data that it binds, with the moment at which that was made.
    #[default]
    Evidence,
    /// The `nonce` of the attestation token: whoever sees the evidence can have one made with any nonce, whoever
    /// is shown the token cannot. For tokens alone: evidence itself must bind the audience here too.
    Nonce,
    /// Nothing: whoever sees the evidence or the token can exchange it for any audience.
    Nothing,
}

const fn lifetime_seconds() -> u32 {
    600
}

const fn token_age_seconds_max() -> u32 {
    300
}

const fn evidence_age_seconds_max() -> u32 {
    300
}

const fn exchanges_per_minute() -> u32 {
    120
}

const fn refuse_debuggable() -> bool {
    true
}

impl TokenExchangeConfig {
    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        let providers = std::mem::take(&mut self.providers);
        for (name, exchange) in providers {
            let key = format!("token_exchange.providers.{name}");
            let own = ProviderName::key_of(&name)
                .map_err(|error| ConfigError::value(&key, error.to_string()))?;
            if exchange.made_before.is_none() && own != ProviderName::DEFAULT {
                let message =
                    "is not there: name the moment by which the provider was made that is meant";
                return Err(ConfigError::value(format!("{key}.made_before"), message));
            }
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
            (
                "evidence_age_seconds_max",
                self.evidence_age_seconds_max,
                1,
                ATTESTATION_LIFETIME_SECONDS,
            ),
            ("exchanges_per_minute", self.exchanges_per_minute, 2, EXCHANGES_PER_MINUTE_MAX),
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

    /// Whether a provider that was made at this moment is the one that is meant.
    pub(crate) fn means_one_made_at(&self, made_at: UnixTime) -> bool {
        self.made_before.is_none_or(|before| made_at < before)
    }

    /// The rule for an audience, if there are short tokens for it.
    pub(crate) fn rule(&self, audience: &str) -> Option<&AudienceRule> {
        self.audiences.iter().find(|rule| rule.audience == audience)
    }
}
