//! What the TEE that the service runs in says of its signing keys.
//!
//! The evidence for a key has as its report data the digest of that key, and stands in the key's certificates.
//! It is made for each key that signs tokens, did or will; anew before its certificates end and after
//! `tee.refresh_seconds`, and only for as many keys as key sets have room for. A TEE that fails or does not answer stops nobody: certificates keep what there is
//! until it has ended, or have none, and `/readyz` says why.

mod plan;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use avouch_pki::PublicKey;
use avouch_store::{KeyPurpose, KeyState};
use avouch_tee::{EvidenceSource, Later, OwnEvidence, SourceName, TeeError, TeeWorker};
use avouch_token::{EvidenceExtension, key_report_data};
use avouch_wire::UnixTime;
use serde_json::{Value, json};

use self::plan::{is_due, pause, with_room};
use crate::clock::Clock;
use crate::config::TeeConfig;
use crate::keys::{HeldKey, KeySet, SigningKeys};
use crate::supervised::supervise;

/// The longest that the start waits for the first evidence, or for what is looked at to find a TEE.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How long a TEE is not asked again for a key for which it gave evidence, however soon that ends.
const LEFT_ALONE: Duration = Duration::from_secs(60);
/// How often keys and evidence are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Evidence for keys, by their names.
pub type EvidenceOfKeys = HashMap<String, Arc<KeyEvidence>>;

/// What the TEE said of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvidence {
    kind: &'static str,
    extension: EvidenceExtension,
    made_at: UnixTime,
    holds_until: Option<UnixTime>,
}

impl KeyEvidence {
    /// What can be published of it.
    fn new(evidence: &OwnEvidence, made_at: UnixTime) -> Result<Self, TeeError> {
        let holds_until = evidence.holds_until();
        if let Some(until) = holds_until.filter(|until| *until <= made_at) {
            return Err(TeeError::Expired { until });
        }
        let extension = evidence.extension()?;
        Ok(Self { kind: evidence.kind(), extension, made_at, holds_until })
    }

    /// Bytes of it in a certificate.
    const fn bytes(&self) -> usize {
        match &self.extension {
            EvidenceExtension::Raw(bytes) => bytes.len(),
            EvidenceExtension::Described { evidence_json, .. } => evidence_json.len(),
        }
    }

    /// As certificates carry it.
    #[must_use]
    pub const fn extension(&self) -> &EvidenceExtension {
        &self.extension
    }
}

/// The TEE of this instance, or that there is none, and what it has said.
#[derive(Debug)]
pub struct OwnTee {
    worker: Option<Arc<TeeWorker>>,
    answer_within: Duration,
    refresh_seconds: i64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    evidence: EvidenceOfKeys,
    /// How often in a row it failed, and when it may be asked again.
    failed_in_a_row: u32,
    again_at: Option<Instant>,
    failures: u64,
    last_failure: Option<(UnixTime, TeeError)>,
    /// When it last gave evidence for each key.
    last_given: HashMap<String, Instant>,
    /// How many keys have evidence in their certificates, and how many have not.
    with: usize,
    without: usize,
}

impl Known {
    /// Those of the keys for whose evidence there is room.
    fn with_room<'k>(&self, keys: &'k [TokenKey]) -> HashSet<&'k str> {
        let bytes_of = |kid: &str| self.evidence.get(kid).map(|evidence| evidence.bytes());
        let largest = self.evidence.values().map(|evidence| evidence.bytes()).max();
        let wanting = keys.iter().map(|key| (key.kid.as_str(), key.provider));
        with_room(wanting, bytes_of, largest.unwrap_or_default())
    }
}

/// A key that signs tokens, did or will.
struct TokenKey {
    kid: String,
    key: PublicKey,
    /// The number of the provider that it is for; none if all share it.
    provider: Option<u64>,
}

impl OwnTee {
    /// No TEE.
    #[must_use]
    pub fn none() -> Self {
        Self::new(None, &TeeConfig::default())
    }

    fn new(worker: Option<TeeWorker>, config: &TeeConfig) -> Self {
        Self {
            worker: worker.map(Arc::new),
            answer_within: config.answer_within(),
            refresh_seconds: config.refresh_seconds.into(),
            known: Mutex::default(),
        }
    }

    /// The TEE that the configuration names, or that is there. One that is only looked for and does not answer, or
    /// not as it should, is looked for again with each question.
    ///
    /// # Errors
    /// [`TeeError`] if one is demanded and not there, or a file that is named cannot be used.
    pub async fn open(config: &TeeConfig) -> Result<Self, TeeError> {
        let (settings, within) = (config.settings(), START_WITHIN.min(config.answer_within()));
        let later = settings.clone();
        let chosen = tokio::task::spawn_blocking(move || settings.choose_within(within));
        let source = match chosen.await.unwrap_or(Err(TeeError::Ended)) {
            Err(error) if config.source == SourceName::Auto && !later.names_the_file_of(&error) => {
                tracing::warn!(%error, "what may be a TEE cannot be asked: it is tried again");
                Some(Box::new(Later::new(later)) as Box<dyn EvidenceSource>)
            }
            chosen => chosen?,
        };
        let worker = source.map(TeeWorker::start).transpose()?;
        Ok(Self::new(worker, config))
    }

    /// Makes evidence for keys, at first within a bounded time, then for as long as somebody has the keys.
    pub async fn keep(self: &Arc<Self>, keys: &Arc<SigningKeys>, clock: Clock) {
        if self.worker.is_none() {
            return;
        }
        // What is not there by then comes later.
        let _ = tokio::time::timeout(START_WITHIN, self.tick(keys, clock)).await;
        self.publish(keys);
        let (tee, keys) = (Arc::clone(self), Arc::downgrade(keys));
        let begin = move || follow(Arc::clone(&tee), Weak::clone(&keys), clock);
        drop(supervise("evidence for keys", begin));
    }

    /// Makes what is due, and hands it to the keys.
    async fn tick(&self, keys: &SigningKeys, clock: Clock) {
        let Some(worker) = &self.worker else { return };
        let set = keys.set();
        let now = clock.now();
        let due = self.due(&set, now);
        // What has ended, and what came when nobody waited any more.
        self.publish(keys);
        for TokenKey { kid, key, .. } in due {
            let (worker, within) = (Arc::clone(worker), self.answer_within);
            let asked = tokio::task::spawn_blocking(move || {
                worker.evidence(&key_report_data(&key).0, within)
            });
            let evidence = asked.await.unwrap_or(Err(TeeError::Ended));
            match evidence.and_then(|evidence| KeyEvidence::new(&evidence, clock.now())) {
                Ok(evidence) => self.made(&kid, evidence),
                Err(error) => {
                    self.failed(&error, clock.now());
                    break;
                }
            }
        }
        self.publish(keys);
    }

    /// Hands the keys what is known, if they have other evidence: their certificates are made anew then.
    fn publish(&self, keys: &SigningKeys) {
        let set = keys.set();
        let mut known = self.known();
        let of_tokens = token_keys(&set);
        let has_room = known.with_room(&of_tokens);
        let mut shown = known.evidence.clone();
        shown.retain(|kid, _| has_room.contains(kid.as_str()));
        known.with = shown.len();
        known.without = of_tokens.len().saturating_sub(shown.len());
        if *set.all_evidence() != shown {
            keys.take_evidence(shown);
        }
    }

    /// Forgets what has ended, and gives the keys that want evidence, the ones that sign first.
    fn due(&self, set: &KeySet, now: UnixTime) -> Vec<TokenKey> {
        let mut known = self.known();
        let of_tokens = token_keys(set);
        let is_published = |kid: &str| of_tokens.iter().any(|key| key.kid == kid);
        known.last_given.retain(|kid, _| is_published(kid));
        known.evidence.retain(|kid, evidence| {
            is_published(kid) && evidence.holds_until.is_none_or(|until| now < until)
        });
        if known.again_at.is_some_and(|at| Instant::now() < at) {
            return Vec::new();
        }
        let is_wanted = |key: &TokenKey| {
            let is_old = known.evidence.get(&key.kid).is_none_or(|evidence| {
                is_due(evidence.made_at, evidence.holds_until, self.refresh_seconds, now)
            });
            let last = known.last_given.get(&key.kid);
            is_old && last.is_none_or(|given_at| given_at.elapsed() >= LEFT_ALONE)
        };
        let has_room: HashSet<String> =
            known.with_room(&of_tokens).into_iter().map(str::to_owned).collect();
        of_tokens.into_iter().filter(|key| has_room.contains(&key.kid) && is_wanted(key)).collect()
    }

    fn made(&self, kid: &str, evidence: KeyEvidence) {
        let until = evidence.holds_until.map(|until| until.to_string());
        tracing::info!(kid, kind = evidence.kind, until, "the TEE vouches for a signing key");
        let mut known = self.known();
        (known.failed_in_a_row, known.again_at) = (0, None);
        known.last_given.insert(kid.to_owned(), Instant::now());
        known.evidence.insert(kid.to_owned(), Arc::new(evidence));
    }

    /// Told once for each reason in a row.
    fn failed(&self, error: &TeeError, now: UnixTime) {
        let mut known = self.known();
        let is_known = known.failed_in_a_row > 0
            && known.last_failure.as_ref().is_some_and(|(_, last)| last == error);
        if !is_known {
            tracing::error!(%error, "the TEE gives no evidence; the service goes on without");
        }
        known.failed_in_a_row = known.failed_in_a_row.saturating_add(1);
        known.failures = known.failures.saturating_add(1);
        known.again_at = Instant::now().checked_add(pause(known.failed_in_a_row));
        known.last_failure = Some((now, error.clone()));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `/readyz` says of it.
    #[must_use]
    pub(crate) fn report(&self) -> Value {
        let known = self.known();
        let all = || known.evidence.values();
        let source = self.worker.as_ref().map_or(SourceName::None.name(), |worker| worker.name());
        let mut report = json!({
            "source": source,
            "keys_with_evidence": known.with,
            "keys_without_evidence": known.without,
            "failures": known.failures,
        });
        let text = |moment: UnixTime| Value::from(moment.to_string());
        let members = [
            ("kind", all().next().map(|evidence| Value::from(evidence.kind))),
            ("made_at", all().map(|evidence| evidence.made_at).min().map(text)),
            ("holds_until", all().filter_map(|evidence| evidence.holds_until).min().map(text)),
            (
                "last_failure",
                // Anybody may read it: where things are is for the log.
                known.last_failure.as_ref().map(
                    |(at, error)| json!({"at": at.to_string(), "reason": error.without_places()}),
                ),
            ),
        ];
        if let Some(report) = report.as_object_mut() {
            let there = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
            report.extend(there.map(|(name, value)| (name.to_owned(), value)));
        }
        report
    }
}

/// The keys for tokens, those that sign first.
fn token_keys(set: &KeySet) -> Vec<TokenKey> {
    let of_tokens = || set.keys().iter().filter(|key| key.purpose == KeyPurpose::Token);
    let signing = of_tokens().filter(|key| key.state == KeyState::Active);
    let others = of_tokens().filter(|key| key.state != KeyState::Active);
    let wanting = |held: &HeldKey| TokenKey {
        kid: held.signer.kid().to_owned(),
        key: held.signer.public_key().clone(),
        provider: held.provider,
    };
    signing.chain(others).map(wanting).collect()
}

async fn follow(tee: Arc<OwnTee>, keys: Weak<SigningKeys>, clock: Clock) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(keys) = keys.upgrade() else { return };
        tee.tick(&keys, clock).await;
    }
}

#[cfg(test)]
mod tests;
