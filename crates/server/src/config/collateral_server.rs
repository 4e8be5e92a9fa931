//! `[endorsements.server]`: vendors' endorsements for a site.

use avouch_endorsements::NameRule;
use serde::Deserialize;

/// `[endorsements.server]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollateralServerConfig {
    /// Serve what is at hand to whoever asks, in the words of Intel's and AMD's services.
    pub enabled: bool,
    /// Platforms, numbers and chips that are fetched because somebody asks for them: names of
    /// endorsements, or beginnings of such names with a slash at the end.
    pub fetch: Vec<NameRule>,
    /// Different things that are fetched in a minute because somebody asks for them; with 0 nothing is.
    pub fetches_per_minute_max: u16,
}

impl Default for CollateralServerConfig {
    fn default() -> Self {
        Self { enabled: false, fetch: Vec::new(), fetches_per_minute_max: 30 }
    }
}
