//! What the service may do at this moment, known without asking anybody.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use avouch_store::{KeyPurpose, KeyState};
use serde_json::{Value, json};

use crate::keys::KeyKeeper;
use crate::state::AppState;
use crate::{ApiError, query};

/// The longest that a database which is asked several times a second may have been silent.
const SILENT_MAX: Duration = Duration::from_secs(5);

/// What only the process knows of itself; what is known of the database the store keeps.
#[derive(Default)]
pub struct Readiness {
    stopping: AtomicBool,
    last_reload: AtomicU8,
    lost_log_lines: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
}

/// How the last reload ended, or that there was none, by number.
const RELOADS: [&str; 3] = ["none", "done", "failed"];

impl Readiness {
    /// The service is about to end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the service is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// A reload took place, or failed.
    pub fn reloaded(&self, done: bool) {
        self.last_reload.store(if done { 1 } else { 2 }, Ordering::Relaxed);
    }

    /// Says how to count the lines of the log that could not be written.
    pub fn count_lost_log_lines(&self, count: impl Fn() -> u64 + Send + Sync + 'static) {
        // Whoever came first stays.
        let _ = self.lost_log_lines.set(Box::new(count));
    }
}

/// What somebody wants to use the service for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Everything,
    Attest,
    Administer,
}

impl Purpose {
    /// `for=attest` or `for=administer` in a query; everything without.
    ///
    /// # Errors
    /// 400 for another purpose.
    pub(crate) fn from_query(query: Option<&str>) -> Result<Self, ApiError> {
        match query::values(query, "for").next() {
            None => Ok(Self::Everything),
            Some("attest") => Ok(Self::Attest),
            Some("administer") => Ok(Self::Administer),
            Some(_) => Err(ApiError::invalid_parameter("for: attest or administer is expected")),
        }
    }
}

/// What the service may be used for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abilities {
    attest: bool,
    administer: bool,
}

impl Abilities {
    pub(crate) fn of(state: &AppState) -> Self {
        let stays = !state.readiness.is_stopping();
        let providers = &state.providers;
        Self {
            attest: stays && providers.are_current() && providers.keys().unusable().is_none(),
            administer: stays && database(state) == "ok" && providers.are_followed(),
        }
    }

    pub(crate) const fn suffice_for(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Everything => self.attest && self.administer,
            Purpose::Attest => self.attest,
            Purpose::Administer => self.administer,
        }
    }
}

/// What is known of the database.
fn database(state: &AppState) -> &'static str {
    let health = state.providers.store().health();
    let silent = health.last_contact().elapsed() > SILENT_MAX;
    match (health.reads.works && !silent, health.writes.works) {
        (true, true) => "ok",
        (true, false) => "read-only",
        (false, _) => "unavailable",
    }
}

/// How many keys there are in each state, by what they sign. Where a file has the key for tokens, that is the
/// active one.
fn signing_keys(state: &AppState) -> Vec<Value> {
    let set = state.providers.keys().set();
    let of_purpose = |purpose: KeyPurpose| {
        let count = |state| set.count(purpose, state);
        json!({
            "purpose": purpose.as_str(),
            "published": count(KeyState::Published),
            "active": count(KeyState::Active),
            "retired": count(KeyState::Retired),
        })
    };
    KeyPurpose::ALL.into_iter().map(of_purpose).collect()
}

/// How many keys for tokens there are with each keeper: what a TEE's evidence for them is worth hangs on that.
fn signing_keys_kept(state: &AppState) -> Value {
    let set = state.providers.keys().set();
    KeyKeeper::ALL.into_iter().map(|keeper| (keeper.name(), set.kept_by(keeper))).collect()
}

/// All that is known, for people and programs.
pub(crate) fn report(state: &AppState, abilities: Abilities) -> Value {
    let readiness = &state.readiness;
    let remembered = state.engine.remembered();
    let reload = usize::from(readiness.last_reload.load(Ordering::Relaxed));
    let mut report = json!({
        "ready": abilities.suffice_for(Purpose::Everything),
        "may_attest": abilities.attest,
        "may_administer": abilities.administer,
        "stopping": readiness.is_stopping(),
        "database": database(state),
        "providers": state.providers.count(),
        "providers_current_seconds_ago": state.providers.age().as_secs(),
        "providers_followed": state.providers.are_followed(),
        "signing_keys": signing_keys(state),
        "signing_keys_kept": signing_keys_kept(state),
        "signing_keys_usable": state.providers.keys().are_all_usable(),
        "tee": state.tee.report(),
        "endorsements": state.engine.endorsement_summary(),
        "endorsements_imported": state.at_hand.imported_revision(),
        "appraisal_time_pinned": state.clock.is_pinned(),
        "last_reload": RELOADS.get(reload),
        "log_lines_lost": readiness.lost_log_lines.get().map_or(0, |count| count()),
        "work_waiting": state.work.waiting(),
        "providers_ready": state.providers.ready_count(),
        "evidence_kept": state.evidence.kept(),
        "evidence_lost": state.evidence.lost(),
        "exchanges_refused": state.exchanges.refused(),
        "exchanges_put_off": state.exchanges.put_off(),
        "evidence_remembered": remembered.entries,
        "evidence_remembered_bytes": remembered.bytes,
    });
    if let (Some(machines), Some(members)) = (state.monitoring.report(), report.as_object_mut()) {
        members.insert("machines".to_owned(), machines);
    }
    if let (Some(members), Some(fetched)) = (report.as_object_mut(), state.at_hand.fetched()) {
        members.insert("endorsements_fetched".to_owned(), fetched);
    }
    report
}
