//! When keys are made, published, activated and removed: decided from records and time alone.

use std::collections::BTreeSet;

use avouch_pki::{KeyKind, PublicKey};
use avouch_store::{KeyPurpose, KeyRecord, KeyScope, KeyState, ProviderId};
use avouch_token::{Algorithm, KeySpec};
use avouch_wire::UnixTime;

/// Difference of the clocks of instances that is allowed for, in seconds.
const CLOCKS_SECONDS: i64 = 300;
/// Keys that sign in turn while one report lives. All of them stay in key sets, which clients bound.
const KEYS_PER_REPORT_LIFE: i64 = 12;
/// Kind of the keys that sign reports and certify those that do.
const REPORT_SPEC: KeySpec = KeySpec::Rsa2048;

/// What there shall be of shared keys, and when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    /// Kinds of shared keys for tokens: of each, one is active. None where a file has the key.
    pub token_specs: Vec<KeySpec>,
    /// How long a key signs, in seconds; none: until somebody rotates by hand.
    pub rotate_seconds: Option<i64>,
    /// How many keys stand ready in key sets behind each that signs, where rotation is scheduled.
    pub published_ahead: u32,
    /// How long a key stands in key sets before it may sign, in seconds.
    pub publish_seconds: i64,
    /// The longest life of an attestation token, in seconds.
    pub token_seconds: i64,
    /// The longest life of a report, in seconds.
    pub report_seconds: i64,
    /// How long an instance may go on signing with what it last knew, in seconds.
    pub unaware_seconds: i64,
}

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// No key signs: one is to be made that does.
    Make {
        /// What it is to sign.
        purpose: KeyPurpose,
        /// Its kind.
        spec: KeySpec,
    },
    /// Too few keys stand ready.
    Publish {
        /// What it will sign.
        purpose: KeyPurpose,
        /// The provider that it is for; none if all share it.
        provider: Option<ProviderId>,
        /// Its kind.
        spec: KeySpec,
        /// How many shall stand ready.
        wanted: u32,
    },
    /// A key has signed long enough, and this one is next.
    Activate {
        /// The next one.
        kid: String,
    },
    /// Nothing that was signed by keys retired by then counts any more.
    Remove {
        /// What they signed.
        purpose: KeyPurpose,
        /// They were retired then or before.
        retired_by: UnixTime,
    },
}

impl KeyPlan {
    /// What is to be done at a moment.
    #[must_use]
    pub fn due(&self, records: &[KeyRecord], now: UnixTime) -> Vec<Due> {
        let mut due: Vec<Due> = self.missing(records).collect();
        if let Some(seconds) = self.rotate_seconds {
            let mut seen = BTreeSet::new();
            for active in records.iter().filter(|record| record.state == KeyState::Active) {
                if self.rotates(active) && seen.insert(&active.kid) {
                    let seconds = self.signs_for(active.purpose, seconds);
                    due.extend(self.rotation(active, records, seconds, now));
                }
            }
        }
        due.extend(self.removals(records, now));
        due
    }

    /// How long a key stays in key sets after it signed last, in seconds.
    #[must_use]
    pub const fn retired_seconds(&self, purpose: KeyPurpose) -> i64 {
        let life = match purpose {
            KeyPurpose::Token => self.token_seconds,
            KeyPurpose::Report | KeyPurpose::ReportCa => self.report_seconds,
        };
        life.saturating_add(self.unaware_seconds).saturating_add(CLOCKS_SECONDS)
    }

    /// The most shared keys that there come to be at once, if nobody rotates by hand.
    #[must_use]
    pub fn shared_keys_max(&self) -> u64 {
        let kinds = u64::try_from(self.token_specs.len()).unwrap_or(u64::MAX);
        let tokens = self.keys_max(KeyPurpose::Token).saturating_mul(kinds);
        // The CA of reports, and one that somebody published beside it.
        tokens.saturating_add(self.keys_max(KeyPurpose::Report)).saturating_add(2)
    }

    /// Of one purpose and algorithm: one signs, some stand ready, and others stay until what they signed has
    /// expired.
    fn keys_max(&self, purpose: KeyPurpose) -> u64 {
        let Some(seconds) = self.rotate_seconds else { return 1 };
        let signs_for = self.signs_for(purpose, seconds).max(1);
        let retired = self.retired_seconds(purpose).checked_div(signs_for).unwrap_or_default();
        let retired = u64::try_from(retired).unwrap_or_default().saturating_add(1);
        retired.saturating_add(self.published_ahead.into()).saturating_add(1)
    }

    /// How long a key for a purpose signs, in seconds, where keys for tokens sign for `seconds`.
    fn signs_for(&self, purpose: KeyPurpose, seconds: i64) -> i64 {
        match purpose {
            KeyPurpose::Token => seconds,
            KeyPurpose::Report | KeyPurpose::ReportCa => {
                seconds.max(self.report_seconds / KEYS_PER_REPORT_LIFE)
            }
        }
    }

    /// The key that is to sign next of those that compete with another: the oldest that may.
    #[must_use]
    pub fn next<'r>(
        scope: KeyScope<'_>,
        records: &'r [KeyRecord],
        now: UnixTime,
    ) -> Option<&'r KeyRecord> {
        let ready = records.iter().filter(|record| {
            record.scope() == scope
                && record.state == KeyState::Published
                && record.not_before <= now
        });
        ready.min_by_key(|record| (record.not_before, record.created_at, record.kid.as_str()))
    }

    fn missing(&self, records: &[KeyRecord]) -> impl Iterator<Item = Due> {
        let wanted = self.token_specs.iter().map(|spec| (KeyPurpose::Token, *spec));
        let reports = [(KeyPurpose::ReportCa, REPORT_SPEC), (KeyPurpose::Report, REPORT_SPEC)];
        wanted.chain(reports).filter_map(|(purpose, spec)| {
            let scope = KeyScope { purpose, provider: None, algorithm: spec.algorithm().name() };
            let is_active =
                |record: &KeyRecord| record.state == KeyState::Active && record.scope() == scope;
            (!records.iter().any(is_active)).then_some(Due::Make { purpose, spec })
        })
    }

    /// Whether rotation of a key is scheduled: not that of the CA, which others may have pinned, nor of
    /// keys for tokens where a file has the one that signs.
    fn rotates(&self, active: &KeyRecord) -> bool {
        match active.purpose {
            KeyPurpose::Token => !self.token_specs.is_empty(),
            KeyPurpose::Report => true,
            KeyPurpose::ReportCa => false,
        }
    }

    fn rotation(
        &self,
        active: &KeyRecord,
        records: &[KeyRecord],
        rotate_seconds: i64,
        now: UnixTime,
    ) -> Vec<Due> {
        let scope = active.scope();
        let mut due = Vec::new();
        let ready = records
            .iter()
            .filter(|record| record.scope() == scope && record.state == KeyState::Published)
            .count();
        let ready = u32::try_from(ready).unwrap_or(u32::MAX);
        // All at once: who reads a key set and never again must know them from the beginning.
        if let Some(spec) = self.spec_after(active) {
            let (purpose, provider) = (active.purpose, active.provider);
            let publish = Due::Publish { purpose, provider, spec, wanted: self.published_ahead };
            let missing = usize::try_from(self.published_ahead.saturating_sub(ready));
            due.extend(std::iter::repeat_n(publish, missing.unwrap_or_default()));
        }
        let since = active.activated_at.unwrap_or(active.created_at);
        if since.saturating_add_seconds(rotate_seconds) <= now
            && let Some(next) = Self::next(scope, records, now)
        {
            due.push(Due::Activate { kid: next.kid.clone() });
        }
        due
    }

    /// The kind of the key that comes after another: what is configured for that algorithm, if all share
    /// it, else what the other is.
    #[must_use]
    pub fn spec_after(&self, active: &KeyRecord) -> Option<KeySpec> {
        let of_algorithm = |spec: &KeySpec| spec.algorithm().name() == active.algorithm;
        let configured = self.token_specs.iter().copied().find(of_algorithm);
        match (active.purpose, active.provider) {
            (KeyPurpose::Token, None) if configured.is_some() => configured,
            _ => spec_of(active),
        }
    }

    fn removals(&self, records: &[KeyRecord], now: UnixTime) -> Vec<Due> {
        let mut due = Vec::new();
        for purpose in KeyPurpose::ALL {
            let retired_by =
                now.saturating_add_seconds(self.retired_seconds(purpose).saturating_neg());
            let is_over = |record: &KeyRecord| {
                record.purpose == purpose
                    && record.state == KeyState::Retired
                    && record.retired_at.is_some_and(|at| at <= retired_by)
            };
            if records.iter().any(is_over) {
                due.push(Due::Remove { purpose, retired_by });
            }
        }
        due
    }
}

/// The kind of a stored key.
fn spec_of(record: &KeyRecord) -> Option<KeySpec> {
    let key = PublicKey::from_spki(&record.public_key).ok()?;
    let spec = match key.kind() {
        KeyKind::Rsa { modulus_bits: 2048 } => KeySpec::Rsa2048,
        KeyKind::Rsa { modulus_bits: 3072 } => KeySpec::Rsa3072,
        KeyKind::Rsa { modulus_bits: 4096 } => KeySpec::Rsa4096,
        KeyKind::P256 => KeySpec::P256,
        KeyKind::P384 => KeySpec::P384,
        _ => return None,
    };
    Algorithm::from_name(&record.algorithm).filter(|found| *found == spec.algorithm())?;
    Some(spec)
}

#[cfg(test)]
mod tests;
