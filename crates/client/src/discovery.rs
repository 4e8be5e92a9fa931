//! What a service publishes of itself: its metadata and its keys, judged for the name that was chosen.

use avouch_token::{Check, Jwks, Outcome};
use avouch_wire::excerpt;
use avouch_wire::json::parse_object;
use serde_json::Value;

use crate::checks::Checks;

/// Where a service's metadata are, below its URL.
pub const METADATA_PATH: &str = "/.well-known/openid-configuration";
/// Largest metadata document read, in bytes; a service's has about one thousand.
const METADATA_BYTES_MAX: usize = 64 * 1024;

/// The two documents of a service, judged.
#[derive(Debug)]
pub struct Discovered {
    checks: Vec<Check>,
    keys: Option<Jwks>,
}

impl Discovered {
    /// Judges the bytes of the metadata and of the key set that came from the service that must call itself
    /// `issuer`: its metadata must name that very issuer and, as the place of its keys, `{issuer}/certs`.
    ///
    /// What this proves is no more than the connection that the bytes came by.
    #[must_use]
    pub fn judge(metadata: &[u8], keys: &[u8], issuer: &str) -> Self {
        let mut checks = Checks::default();
        let metadata = parse_object(metadata, METADATA_BYTES_MAX).unwrap_or_default();
        for (check, member, expected) in [
            ("provider-issuer", "issuer", issuer.to_owned()),
            ("provider-keys-url", "jwks_uri", keys_url(issuer)),
        ] {
            match metadata.get(member).and_then(Value::as_str) {
                Some(found) if found == expected => checks.passed(check, found),
                Some(found) => checks.failed(
                    check,
                    format!("{member} is {}, expected {expected:?}", excerpt(found)),
                ),
                None => checks.failed(check, format!("metadata names no {member}")),
            }
        }
        let keys = match Jwks::parse(keys) {
            Ok(keys) => {
                let (good, bad) = (keys.keys().len(), keys.unusable().len());
                let count = format!("{good} of {} usable", good.saturating_add(bad));
                checks.passed("provider-keys", count);
                Some(keys)
            }
            Err(error) => {
                checks.failed("provider-keys", error.to_string());
                None
            }
        };
        Self { checks: checks.0, keys }
    }

    /// Every check in order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The keys, whatever the metadata say; none if they cannot be read.
    #[must_use]
    pub const fn untrusted_keys(&self) -> Option<&Jwks> {
        self.keys.as_ref()
    }

    /// The keys, if every check passed.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn into_keys(self) -> Result<Jwks, Check> {
        match self.checks.into_iter().find(|check| check.outcome == Outcome::Failed) {
            Some(failed) => Err(failed),
            // Keys that cannot be read are a failed check.
            None => Ok(self.keys.unwrap_or_default()),
        }
    }
}

/// Where the keys of a service are.
pub(crate) fn keys_url(issuer: &str) -> String {
    format!("{issuer}/certs")
}
