//! The keys of a running instance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use avouch_store::{
    Actor, ActorKind, Edit, KeyPurpose, KeyRecord, KeyState, KeysVersion, ProviderId, Store,
    StoreError,
};
use avouch_token::{Algorithm, KeySpec, Signer, SigningKey, SigningKeyError};
use avouch_wire::UnixTime;
use thiserror::Error;
use tokio::task::AbortHandle;

use super::custody::Custody;
use super::left::Left;
use super::master::{MasterKey, MasterKeyError, MasterKeys, WrapError};
use super::new::NewSigningKey;
use super::pkcs11::TokenKeyError;
use super::plan::{Due, KeyPlan};
use super::set::{HeldKey, KeyKeeper, KeySet, ProviderKeys};
use crate::clock::Clock;
use crate::config::SigningConfig;
use crate::supervised::supervise;
use crate::tee::EvidenceOfKeys;

/// Why signing keys cannot be had. Nothing of a private key is in it.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The store does not answer, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made or read.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    /// A master key is none.
    #[error(transparent)]
    Master(#[from] MasterKeyError),
    /// A private key could not be wrapped or unwrapped.
    #[error("the private key of signing key {kid}: {source}")]
    Wrap {
        /// The key's identifier.
        kid: String,
        /// Why.
        source: WrapError,
    },
    /// A record holds another key than it says.
    #[error("the record of signing key {kid} holds another key")]
    OtherKey {
        /// The identifier in the record.
        kid: String,
    },
    /// Neither a key file nor a master key.
    #[error("there is neither a key file nor a master key")]
    NoKey,
    /// A key file whose key no provider would sign with any more.
    #[error(
        "signing.key_file has a key for {file}, and {list} lists none for it: what it signed would not be \
         believed any more; list its kind until that has expired"
    )]
    OtherAlgorithm {
        /// Algorithm of the key in the file.
        file: &'static str,
        /// The setting that lists other keys.
        list: String,
    },
    /// No key signs for a purpose.
    #[error("no active key signs {purpose} by {algorithm}: `avouch key rotate` makes one")]
    NoActiveKey {
        /// What should be signed.
        purpose: &'static str,
        /// By which algorithm.
        algorithm: &'static str,
    },
    /// A token that keeps keys failed.
    #[error(transparent)]
    Token(#[from] TokenKeyError),
    /// The task that made a key ended: a mistake of this program.
    #[error("the task that made a key ended: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

impl KeysError {
    /// Whether a token that is away, and may come back, is the reason.
    const fn passes(&self) -> bool {
        matches!(self, Self::Token(TokenKeyError::Away { .. } | TokenKeyError::Failed { .. }))
    }
}

/// The longest between two looks at the records.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How soon whoever keeps the keys must say that they can be used.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Pause after a failure.
const RETRY: Duration = Duration::from_millis(500);

/// The signing keys that an instance has: one set at a time, kept current by a task of its own.
pub struct SigningKeys {
    set: ArcSwap<KeySet>,
    /// An operator's key, which signs all tokens where there is one and no master key.
    file: Option<Arc<SigningKey>>,
    /// The name of the key in the database that a file brought.
    brought: Option<String>,
    config: SigningConfig,
    plan: KeyPlan,
    custody: Arc<Custody>,
    store: Store,
    /// The last moment of which it is known that the records were as the set is.
    current_at: Mutex<Instant>,
    unusable: Mutex<Unusable>,
    left: Arc<Left>,
    tasks: OnceLock<[AbortHandle; 2]>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys").field("set", &self.set()).finish_non_exhaustive()
    }
}

impl Drop for SigningKeys {
    fn drop(&mut self) {
        for task in self.tasks.get().into_iter().flatten() {
            task.abort();
        }
    }
}

/// Why keys that sign cannot be used, if some cannot: what the last probe found.
#[derive(Debug, Default)]
struct Unusable {
    /// One that providers share.
    shared: Option<String>,
    /// One that a single provider has.
    own: Option<String>,
}

impl Unusable {
    const fn is_any(&self) -> bool {
        self.shared.is_some() || self.own.is_some()
    }
}

/// What the records were when they were read last.
#[derive(Default)]
struct Known {
    version: Option<KeysVersion>,
    records: Arc<Vec<KeyRecord>>,
}

/// What keys are opened with, beside the threads that answer requests.
struct Opening {
    before: Arc<KeySet>,
    custody: Arc<Custody>,
    file: Option<Arc<SigningKey>>,
    brought: Option<String>,
}

impl SigningKeys {
    /// The keys of a service as its configuration has it.
    ///
    /// With a master key, all keys are in the store's records: those that there are, and those that the
    /// plan wants; an operator's file is then the first key for tokens if there is none yet. What is due and
    /// cannot be done, as where the database takes no writes, is tried again later. Without one,
    /// `file` signs all tokens for ever, and the keys for reports are in the records, wrapped under a master
    /// key that belongs to that file: they are made anew where the file is a new one.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn open(
        config: &SigningConfig,
        file: Option<SigningKey>,
        custody: Option<Custody>,
        unaware_seconds: u64,
        store: &Store,
        clock: Clock,
    ) -> Result<Arc<Self>, KeysError> {
        let now = clock.now();
        let (custody, file, first) = match (custody, file) {
            // Keys for reports are wrapped under the file's key, where there was no master key before.
            (Some(custody), Some(first)) => {
                let of_file = MasterKey::of_signing_key(&first.to_pkcs8_der()?)?;
                let master = custody.master.with_former(of_file);
                (Custody { master, ..custody }, None, Some(first))
            }
            (Some(custody), None) => (custody, None, None),
            (None, Some(file)) => {
                let master = MasterKey::of_signing_key(&file.to_pkcs8_der()?)?;
                let custody = Custody::wrapping(MasterKeys::new(master, Vec::new()));
                (custody, Some(Arc::new(file)), None)
            }
            (None, None) => return Err(KeysError::NoKey),
        };
        let keys = Self {
            set: ArcSwap::default(),
            brought: first.as_ref().map(|key| key.kid().to_owned()),
            file,
            config: config.clone(),
            plan: config.plan(unaware_seconds),
            custody: Arc::new(custody),
            store: store.clone(),
            current_at: Mutex::new(Instant::now()),
            unusable: Mutex::default(),
            left: Arc::default(),
            tasks: OnceLock::new(),
        };
        if let Some(first) = first {
            keys.adopt(&first, now).await?;
            keys.take_over(&first, now).await?;
        }
        if keys.file.is_some() {
            keys.replace_foreign(now).await?;
        }
        let mut known = Known::default();
        // Keys that stand ready are published for those that were just made.
        for _ in 0..2 {
            keys.look(&mut known).await?;
            keys.catch_up(&mut known, now).await.unwrap_or_else(|error| not_done(&error));
        }
        // Whoever attests must be able to sign.
        keys.check_signing()?;
        let keys = Arc::new(keys);
        let (followed, probed, store) =
            (Arc::downgrade(&keys), Arc::downgrade(&keys), store.clone());
        let following = move || follow(Weak::clone(&followed), store.clone(), clock);
        let probing = move || probe(Weak::clone(&probed));
        // They are set once, here.
        let _ = keys.tasks.set([
            supervise("signing keys", following),
            supervise("whether signing keys can be used", probing),
        ]);
        Ok(keys)
    }

    /// The keys of a service whose only setting is an operator's file.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn of_file(file: SigningKey, store: &Store) -> Result<Arc<Self>, KeysError> {
        let unaware = crate::config::DatabaseConfig::default().served_without_seconds_max;
        let config = SigningConfig::default();
        Self::open(&config, Some(file), None, unaware, store, Clock::system()).await
    }

    /// The keys of this moment.
    #[must_use]
    pub fn set(&self) -> Arc<KeySet> {
        self.set.load_full()
    }

    /// The last moment of which it is known that these were all keys.
    #[must_use]
    pub fn current_at(&self) -> Instant {
        *self.current_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long after [`SigningKeys::current_at`] these keys may be published: what other instances signed
    /// before has expired then, and who removed a key from all key sets may rely on it.
    #[must_use]
    pub fn published_for(&self) -> Duration {
        let seconds = self.plan.retired_seconds(KeyPurpose::Token);
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    /// The algorithms of a provider's token keys, the one that signs first.
    #[must_use]
    pub fn algorithms(&self, provider: &str) -> Vec<Algorithm> {
        match &self.file {
            Some(key) => vec![key.algorithm()],
            None => self.config.algorithms(provider),
        }
    }

    /// What wraps and unwraps the records.
    #[must_use]
    pub fn master(&self) -> &MasterKeys {
        &self.custody.master
    }

    /// Why some key that signs for providers that share it cannot be used at this moment: the token that keeps it is
    /// away.
    #[must_use]
    pub fn unusable(&self) -> Option<String> {
        self.last_probe().shared.clone()
    }

    /// Whether all keys that sign can be used, those of single providers too.
    #[must_use]
    pub fn are_all_usable(&self) -> bool {
        !self.last_probe().is_any()
    }

    fn last_probe(&self) -> MutexGuard<'_, Unusable> {
        self.unusable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks whoever keeps the keys that sign whether they can be used.
    fn probe(&self) {
        let set = self.set();
        let mut found = Unusable::default();
        for key in set.keys().iter().filter(|key| key.state == KeyState::Active) {
            if let Err(error) = key.signer.probe() {
                let of_its_kind =
                    if key.provider.is_none() { &mut found.shared } else { &mut found.own };
                of_its_kind.get_or_insert_with(|| error.to_string());
            }
        }
        let mut last = self.last_probe();
        match (last.is_any(), found.is_any()) {
            (false, true) => {
                let error = found.shared.as_ref().or(found.own.as_ref());
                tracing::error!(error, "a signing key cannot be used");
            }
            (true, false) => tracing::info!("all signing keys can be used again"),
            _ => {}
        }
        *last = found;
    }

    /// The keys of a provider in a set of this service.
    ///
    /// # Errors
    /// [`KeysError::NoActiveKey`].
    pub fn of_provider(
        &self,
        set: &KeySet,
        name: &str,
        id: u64,
    ) -> Result<ProviderKeys, KeysError> {
        let algorithms = self.algorithms(name);
        set.of_provider(id, &algorithms).ok_or_else(|| KeysError::NoActiveKey {
            purpose: "tokens and reports",
            algorithm: algorithms.first().map_or("any algorithm", |algorithm| algorithm.name()),
        })
    }

    /// Takes the records as they are, does what is due, and takes them as they are then.
    async fn tick(&self, known: &mut Known, now: UnixTime) -> Result<(), KeysError> {
        self.look(known).await?;
        self.catch_up(known, now).await
    }

    /// Does what is due. One thing that cannot be done keeps no other from being done: the first error is given
    /// at the end.
    async fn catch_up(&self, known: &mut Known, now: UnixTime) -> Result<(), KeysError> {
        // What another key file has taken over is for its instances to do.
        if known.records.iter().any(|record| self.is_replaced(record)) {
            return Ok(());
        }
        let due = self.plan.due(&known.records, now);
        self.clear_up(&known.records, due.is_empty()).await;
        if due.is_empty() {
            return Ok(());
        }
        let mut outcome = Ok(());
        for due in due {
            let done = self.carry_out(due, &known.records, now).await;
            outcome = outcome.and(done);
        }
        self.look(known).await?;
        outcome
    }

    /// That each configured provider has a key that signs.
    fn check_signing(&self) -> Result<(), KeysError> {
        let set = self.set();
        // Numbers of providers begin at 1: this one has no keys of its own.
        let mut names = self.config.providers.keys().map(String::as_str).chain([""]);
        names.try_for_each(|name| self.of_provider(&set, name, 0).map(drop))
    }

    /// Reads the records anew if any changed. What was known stays where one that signs cannot be read.
    async fn look(&self, known: &mut Known) -> Result<(), KeysError> {
        let looked_at = Instant::now();
        let version = self.store.keys_version().await?;
        if known.version.as_ref() != Some(&version) {
            let records = Arc::new(self.store.all_keys().await?);
            let opening = Opening {
                before: self.set(),
                custody: Arc::clone(&self.custody),
                file: self.file.clone(),
                brought: self.brought.clone(),
            };
            // A token is asked for each key that was not known.
            let asked = Arc::clone(&records);
            let opened = tokio::task::spawn_blocking(move || opening.keys_of(&asked));
            let (keys, is_whole) = opened.await??;
            let keys = Arc::new(keys);
            // Evidence may come at the same time.
            self.set.rcu(|set| set.with_keys(Arc::clone(&keys)));
            // What changed since the version was read is read again the next time; so is everything while a
            // token does not say whether it has a key.
            *known = Known { version: is_whole.then_some(version), records };
        }
        *self.current_at.lock().unwrap_or_else(PoisonError::into_inner) = looked_at;
        Ok(())
    }

    /// Puts this evidence in the place of what there was.
    pub(crate) fn take_evidence(&self, evidence: EvidenceOfKeys) {
        let evidence = Arc::new(evidence);
        self.set.rcu(|set| set.with_evidence(Arc::clone(&evidence)));
    }

    /// Of several instances that do the same, one does it.
    async fn carry_out(
        &self,
        due: Due,
        records: &[KeyRecord],
        now: UnixTime,
    ) -> Result<(), KeysError> {
        let actor = service()?;
        let edit = Edit::new(&actor, now);
        match due {
            Due::Make { purpose, spec } => {
                let new = self.new_key(spec, purpose, None, now).await?;
                let made = self.store.ensure_active_key(&new.record(), &edit).await;
                let (made, new) = self.kept(made, spec, new)?;
                if made.kid == new.kid() {
                    told(&made, "a signing key was made, and signs");
                } else {
                    self.discard(spec, new).await;
                }
            }
            Due::Publish { purpose, provider, spec, wanted } => {
                let not_before = now.saturating_add_seconds(self.plan.publish_seconds);
                let new = self.new_key(spec, purpose, provider, not_before).await?;
                let made = self.store.ensure_published_key(&new.record(), wanted, &edit).await;
                let (made, new) = self.kept(made, spec, new)?;
                match made {
                    Some(made) => told(&made, "a signing key was published"),
                    None => self.discard(spec, new).await,
                }
            }
            Due::Activate { kid } => match self.store.activate_key(&kid, &edit).await {
                Ok(active) => told(&active, "a signing key signs now"),
                // Another instance was ahead of this one by more than one key.
                Err(StoreError::KeyState { .. } | StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            Due::Remove { purpose, retired_by } => {
                let over = records.iter().filter(|record| {
                    record.purpose == purpose
                        && record.state == KeyState::Retired
                        && record.retired_at.is_some_and(|at| at <= retired_by)
                });
                let over: Vec<KeyRecord> = over.cloned().collect();
                let count = self.store.delete_retired_keys(purpose, retired_by, &edit).await?;
                tracing::info!(count, purpose = purpose.as_str(), "retired keys were removed");
                self.left.keep_records(over);
                tell_undestroyed(self.destroy_left().await);
            }
        }
        Ok(())
    }

    /// Takes an operator's key as the first that signs tokens by its algorithm.
    async fn adopt(&self, file: &SigningKey, now: UnixTime) -> Result<(), KeysError> {
        let records = self.store.all_keys().await?;
        let tokens = || records.iter().filter(|record| record.purpose == KeyPurpose::Token);
        if tokens().next().is_none() {
            self.check_listed(file.algorithm())?;
        }
        // A database that takes no writes may have all that is needed.
        let signs = |record: &KeyRecord| {
            record.state == KeyState::Active
                && record.provider.is_none()
                && record.algorithm == file.algorithm().name()
        };
        if tokens().any(signs) {
            return Ok(());
        }
        let new = NewSigningKey::of(file, KeyPurpose::Token, None, &self.custody.master, now)?;
        let actor = service()?;
        self.store.ensure_active_key(&new.record(), &Edit::new(&actor, now)).await?;
        Ok(())
    }

    /// That the only key so far stays in all key sets.
    fn check_listed(&self, file: Algorithm) -> Result<(), KeysError> {
        let providers = self.config.providers.iter();
        let providers =
            providers.map(|(name, one)| (format!("signing.providers.{name}.keys"), &one.keys));
        let lists = std::iter::once(("signing.keys".to_owned(), &self.config.keys));
        let other = lists
            .chain(providers)
            .find(|(_, keys)| keys.iter().all(|spec| spec.algorithm() != file));
        match other {
            Some((list, _)) => Err(KeysError::OtherAlgorithm { file: file.name(), list }),
            None => Ok(()),
        }
    }

    /// Wraps the keys of a service that had only a key file under its master key, so that the file can go.
    async fn take_over(&self, file: &SigningKey, now: UnixTime) -> Result<(), KeysError> {
        let of_file = MasterKey::of_signing_key(&file.to_pkcs8_der()?)?;
        let actor = service()?;
        let edit = Edit::new(&actor, now);
        for record in self.store.all_keys().await? {
            if record.wrapping_key != of_file.name() {
                continue;
            }
            let Some((wrapped, name)) = self.custody.rewrapped(&record)? else { continue };
            let done = self.store.rewrap_key(&record.kid, record.revision, &wrapped, name, &edit);
            match done.await {
                // Another instance did the same.
                Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => {}
                done => drop(done?),
            }
        }
        Ok(())
    }

    /// Puts keys for reports in the place of those that are wrapped under a master key of another file.
    async fn replace_foreign(&self, now: UnixTime) -> Result<(), KeysError> {
        let actor = service()?;
        let edit = Edit::new(&actor, now);
        for record in self.store.all_keys().await? {
            if !self.is_replaced(&record) {
                continue;
            }
            told(&record, "a signing key belongs to another key file, and signs no more");
            let new = self.generate(KeySpec::Rsa2048, record.purpose, None, now).await?;
            self.store.replace_active_key(&record.kid, &new.record(), &edit).await?;
        }
        Ok(())
    }

    /// Whether an instance with another key file made this the key that signs reports.
    fn is_replaced(&self, record: &KeyRecord) -> bool {
        self.file.is_some()
            && record.state == KeyState::Active
            && record.purpose != KeyPurpose::Token
            && record.provider.is_none()
            && !self.custody.master.knows(&record.wrapping_key)
    }

    /// Makes a key beside the threads that answer requests.
    async fn generate(
        &self,
        spec: KeySpec,
        purpose: KeyPurpose,
        provider: Option<ProviderId>,
        not_before: UnixTime,
    ) -> Result<NewSigningKey, KeysError> {
        let custody = Arc::clone(&self.custody);
        let made = move || custody.make(spec, purpose, provider, not_before);
        tokio::task::spawn_blocking(made).await?
    }

    /// A key that could not be stored before, or a new one if it can be stored.
    async fn new_key(
        &self,
        spec: KeySpec,
        purpose: KeyPurpose,
        provider: Option<ProviderId>,
        not_before: UnixTime,
    ) -> Result<NewSigningKey, KeysError> {
        if let Some(new) = self.left.take(spec, purpose, provider, not_before) {
            return Ok(new);
        }
        self.store.check_writable().await?;
        self.generate(spec, purpose, provider, not_before).await
    }

    /// What the store says of a new key, and that key; which is kept for the next time if it says nothing good.
    fn kept<T>(
        &self,
        stored: Result<T, StoreError>,
        spec: KeySpec,
        new: NewSigningKey,
    ) -> Result<(T, NewSigningKey), KeysError> {
        match stored {
            Ok(stored) => Ok((stored, new)),
            Err(error) => {
                self.left.keep(spec, new);
                Err(error.into())
            }
        }
    }

    /// Destroys what nobody needs: keys that were made in vain, and those that a token did not destroy when
    /// it was to.
    async fn clear_up(&self, records: &[KeyRecord], all_done: bool) {
        for (spec, new) in self.left.settle(records, all_done) {
            self.discard(spec, new).await;
        }
        // A token that is away is told of once, when a key was removed.
        if self.left.has_undestroyed() && self.destroy_left().await.is_ok() {
            tracing::info!("all keys that were removed are destroyed in their token now");
        }
    }

    /// Another instance made such a key: of this one nothing is left, or it is used the next time.
    async fn discard(&self, spec: KeySpec, new: NewSigningKey) {
        let custody = Arc::clone(&self.custody);
        let destroyed = tokio::task::spawn_blocking(move || (custody.destroy_new(&new), new)).await;
        match destroyed {
            Ok((Ok(()), _)) => {}
            Ok((Err(error), new)) => {
                tell_undestroyed(Err(error));
                self.left.keep(spec, new);
            }
            Err(error) => tell_undestroyed(Err(error.into())),
        }
    }

    /// Destroys keys whose records are gone, where they were not in the records.
    async fn destroy_left(&self) -> Result<(), KeysError> {
        let (left, custody) = (Arc::clone(&self.left), Arc::clone(&self.custody));
        tokio::task::spawn_blocking(move || left.destroy(&custody)).await?
    }
}

impl Opening {
    /// Who has the key of a record: of the one that a file brought, that file too.
    fn keeper(&self, record: &KeyRecord) -> KeyKeeper {
        if self.brought.as_ref() == Some(&record.kid) {
            return KeyKeeper::File;
        }
        self.custody.keeper(record)
    }

    /// The keys of records: those that were known, and those that can be opened. And whether that is all that can
    /// be had of them.
    fn keys_of(&self, records: &[KeyRecord]) -> Result<(Vec<HeldKey>, bool), KeysError> {
        let mut is_whole = true;
        let known: HashMap<&str, &HeldKey> =
            self.before.keys().iter().map(|key| (key.signer.kid(), key)).collect();
        let mut keys: Vec<HeldKey> = self.file.iter().map(of_file).collect();
        for record in records {
            // A file's key may also be in the records, from before or for later.
            if keys.iter().any(|key| key.signer.kid() == record.kid) {
                continue;
            }
            // In another record it does not open, in a running instance either.
            let known = known.get(record.kid.as_str()).filter(|key| is_of(key, record));
            let signer = match known {
                Some(key) => Ok(Arc::clone(&key.signer)),
                None => self.custody.open(record),
            };
            match signer {
                Ok(signer) => keys.push(held(record, signer, self.keeper(record))),
                Err(error) if self.file.is_none() && record.state == KeyState::Active => {
                    return Err(error);
                }
                // With a key file other keys for tokens sign nothing, and those for reports may be of
                // instances with another file.
                Err(error) => {
                    is_whole &= !error.passes();
                    tracing::warn!(%error, "a signing key is left out of key sets");
                }
            }
        }
        if self.file.is_some() {
            keep_signing(&mut keys, records);
        }
        Ok((keys, is_whole))
    }
}

/// Keeps the keys current until nobody has them any more. A failure is logged once for each reason.
async fn follow(keys: Weak<SigningKeys>, store: Store, clock: Clock) {
    let mut known = Known::default();
    let mut changes = None;
    let mut last_failure = None;
    loop {
        if changes.is_none() {
            changes = store.subscribe().await.ok();
            // After a failover the database may count other changes under the numbers that were seen.
            known.version = None;
        }
        match &mut changes {
            Some(feed) => {
                // Whatever was changed, the version tells whether it was keys.
                if let Ok(Err(_)) = tokio::time::timeout(LOOK_EVERY, feed.next_batch()).await {
                    changes = None;
                    tokio::time::sleep(RETRY).await;
                }
            }
            None => tokio::time::sleep(RETRY).await,
        }
        let Some(keys) = keys.upgrade() else { return };
        let failure = keys.tick(&mut known, clock.now()).await.err().map(|error| error.to_string());
        if let Some(error) = &failure {
            if last_failure != failure {
                tracing::error!(%error, "signing keys are not as they should be");
            }
            tokio::time::sleep(RETRY).await;
        }
        last_failure = failure;
    }
}

fn tell_undestroyed(done: Result<(), KeysError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "a key that nobody needs is left in its token");
    }
}

/// Asks again and again whether the keys that sign can be used, until nobody has them any more.
async fn probe(keys: Weak<SigningKeys>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(keys) = keys.upgrade() else { return };
        let asked = Arc::clone(&keys);
        let mut probe = tokio::task::spawn_blocking(move || asked.probe());
        if tokio::time::timeout(ANSWERS_WITHIN, &mut probe).await.is_err() {
            let why = "a token that keeps signing keys does not answer".to_owned();
            keys.last_probe().shared = Some(why);
            // Nobody else asks it meanwhile.
            let _ = probe.await;
        }
    }
}

/// An instance whose key file others have replaced signs reports with its own last key until it ends.
fn keep_signing(keys: &mut [HeldKey], records: &[KeyRecord]) {
    for purpose in [KeyPurpose::ReportCa, KeyPurpose::Report] {
        let signs = |key: &HeldKey| key.purpose == purpose && key.state == KeyState::Active;
        if keys.iter().any(signs) {
            continue;
        }
        let retired_at = |key: &HeldKey| {
            let record = records.iter().find(|record| record.kid == key.signer.kid());
            record.and_then(|record| record.retired_at)
        };
        let own = keys.iter_mut().filter(|key| key.purpose == purpose);
        if let Some(last) = own.max_by_key(|key| retired_at(key)) {
            last.state = KeyState::Active;
        }
    }
}

fn not_done(error: &KeysError) {
    tracing::error!(%error, "something that is due of signing keys cannot be done yet");
}

/// Whether a key is held for what its record says now.
fn is_of(key: &HeldKey, record: &KeyRecord) -> bool {
    let provider = record.provider.map(ProviderId::get);
    (key.purpose, key.provider) == (record.purpose, provider)
        && key.signer.algorithm().name() == record.algorithm
        && key.signer.public_key().spki_der() == record.public_key
}

fn told(record: &KeyRecord, what: &'static str) {
    let (kid, purpose, algorithm) = (&record.kid, record.purpose.as_str(), &record.algorithm);
    tracing::info!(kid, purpose, algorithm, "{what}");
}

/// Who changes keys by itself.
fn service() -> Result<Actor, StoreError> {
    Actor::new(ActorKind::Application, "avouch")
}

fn of_file(key: &Arc<SigningKey>) -> HeldKey {
    let signer = Arc::clone(key) as Arc<dyn Signer>;
    let keeper = KeyKeeper::File;
    HeldKey { signer, purpose: KeyPurpose::Token, provider: None, state: KeyState::Active, keeper }
}

fn held(record: &KeyRecord, signer: Arc<dyn Signer>, keeper: KeyKeeper) -> HeldKey {
    let (purpose, state) = (record.purpose, record.state);
    HeldKey { signer, purpose, provider: record.provider.map(ProviderId::get), state, keeper }
}
