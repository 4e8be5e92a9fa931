//! What is left of keys: those that were made and could not be stored, and those whose records are gone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use avouch_store::{KeyPurpose, KeyRecord, ProviderId};
use avouch_token::KeySpec;
use avouch_wire::UnixTime;

use super::custody::Custody;
use super::held::KeysError;
use super::new::NewSigningKey;

/// How long a write that failed may still come true.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// A key without a record. Where the database fails again and again, the same one serves until it does not:
/// a token would be full otherwise, and each costs time.
#[derive(Debug)]
struct Unsaved {
    spec: KeySpec,
    new: NewSigningKey,
    since: Instant,
}

/// Bounded by what is due at once, and by how many records there are.
#[derive(Debug, Default)]
pub(super) struct Left {
    unsaved: Mutex<Vec<Unsaved>>,
    /// Records that are gone, whose keys a token may still have.
    undestroyed: Mutex<Vec<KeyRecord>>,
}

impl Left {
    /// A key that was made for this and could not be stored.
    pub(super) fn take(
        &self,
        spec: KeySpec,
        purpose: KeyPurpose,
        provider: Option<ProviderId>,
        not_before: UnixTime,
    ) -> Option<NewSigningKey> {
        let mut unsaved = self.unsaved();
        let fits = |one: &Unsaved| {
            let scope = one.new.record().scope;
            one.spec == spec && (scope.purpose, scope.provider) == (purpose, provider)
        };
        let index = unsaved.iter().position(fits)?;
        Some(unsaved.swap_remove(index).new.not_before(not_before))
    }

    /// Keeps a key whose record could not be written, as far as is known.
    pub(super) fn keep(&self, spec: KeySpec, new: NewSigningKey) {
        self.unsaved().push(Unsaved { spec, new, since: Instant::now() });
    }

    /// Keeps records whose keys are to be destroyed.
    pub(super) fn keep_records(&self, records: impl IntoIterator<Item = KeyRecord>) {
        self.undestroyed().extend(records);
    }

    /// Forgets the keys that have a record after all, and gives those that nobody needs.
    ///
    /// `all_done` says that nothing more is to be made.
    pub(super) fn settle(
        &self,
        records: &[KeyRecord],
        all_done: bool,
    ) -> Vec<(KeySpec, NewSigningKey)> {
        let mut unsaved = self.unsaved();
        unsaved.retain(|one| records.iter().all(|record| record.kid != one.new.kid()));
        let is_over = |one: &mut Unsaved| all_done && one.since.elapsed() >= SETTLES_WITHIN;
        unsaved.extract_if(.., is_over).map(|one| (one.spec, one.new)).collect()
    }

    /// Whether a key is still to be destroyed.
    pub(super) fn has_undestroyed(&self) -> bool {
        !self.undestroyed().is_empty()
    }

    /// Destroys what can be, and keeps the rest for the next time.
    ///
    /// # Errors
    /// Why the first of them could not be destroyed.
    pub(super) fn destroy(&self, custody: &Custody) -> Result<(), KeysError> {
        let mut outcome = Ok(());
        let records = std::mem::take(&mut *self.undestroyed());
        for record in records {
            if let Err(error) = custody.destroy(&record) {
                self.keep_records([record]);
                outcome = outcome.and(Err(error));
            }
        }
        outcome
    }

    fn unsaved(&self) -> MutexGuard<'_, Vec<Unsaved>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn undestroyed(&self) -> MutexGuard<'_, Vec<KeyRecord>> {
        self.undestroyed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
