//! What a keeper has, what expires when, what is under way and what fails: for people and probes.

use avouch_wire::UnixTime;
use serde::{Serialize, Serializer};

use super::kept::{Held, later};
use super::{Inner, KeeperSettings, State};
use crate::EndorsementName;

/// Most rows of each list; the counts beside them are of all.
const ROWS_MAX: usize = 256;

/// A look at a keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// When.
    pub at: UnixTime,
    /// What needs attention, soonest to expire first.
    pub alerts: Vec<Alert>,
    /// How many things are at hand.
    pub kept_count: usize,
    /// Bytes that they take, about.
    pub kept_bytes: usize,
    /// Things at hand, soonest to expire first.
    pub kept: Vec<KeptStatus>,
    /// How many things are being fetched.
    pub under_way_count: usize,
    /// Some of them.
    #[serde(serialize_with = "as_texts")]
    pub under_way: Vec<EndorsementName>,
    /// How many names could not be had of late.
    pub failures_count: usize,
    /// Some of them.
    pub failures: Vec<FailureStatus>,
    /// The sources, in order.
    pub sources: Vec<SourceStatus>,
    /// The task that refreshes.
    pub refresher: RefresherStatus,
    /// Why the store does not work, if it does not.
    pub shelf_failure: Option<String>,
    /// What the store held at the start that did not verify.
    pub refused_at_start: Vec<String>,
}

/// Something at hand that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// What.
    #[serde(serialize_with = "as_text")]
    pub name: EndorsementName,
    /// Its last moment in force.
    pub not_after: UnixTime,
    /// What is wrong, in words.
    pub what: String,
}

/// Something at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptStatus {
    /// What.
    #[serde(serialize_with = "as_text")]
    pub name: EndorsementName,
    /// Who gave it.
    pub source: String,
    /// When a source last confirmed it.
    pub fetched_at: UnixTime,
    /// First moment in force.
    pub not_before: UnixTime,
    /// Last moment in force.
    pub not_after: UnixTime,
    /// When a source is asked for a newer one.
    pub refresh_at: UnixTime,
    /// Intel's number, of documents.
    pub evaluation_data_number: Option<u32>,
    /// Whether it is judged by.
    pub serves: bool,
    /// Why it could not be refreshed of late.
    pub last_failure: Option<String>,
}

/// Something that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureStatus {
    /// What.
    #[serde(serialize_with = "as_text")]
    pub name: EndorsementName,
    /// Why.
    pub reason: String,
    /// How often in a row.
    pub attempts: u32,
    /// Seconds until it is tried again if somebody wants it.
    pub retry_seconds: u64,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// How often it was asked.
    pub asked: u64,
    /// How often in vain.
    pub failed: u64,
    /// Seconds for which it is left alone.
    pub rests_seconds: u64,
    /// What went wrong last.
    pub last_failure: Option<String>,
}

/// The task that refreshes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RefresherStatus {
    /// Whether it runs.
    pub is_running: bool,
    /// How often it ended, which it never should.
    pub ends: u64,
    /// Why it ended last.
    pub last_end: Option<String>,
}

pub(super) fn of(inner: &Inner) -> Status {
    let (at, now) = (inner.clock.now(), inner.clock.elapsed());
    let sources = inner.sources.iter().map(|asked| {
        let of_late = asked.of_late();
        SourceStatus {
            name: asked.source.name().to_string(),
            asked: of_late.asked,
            failed: of_late.failed,
            rests_seconds: of_late.turns.rest(now).as_secs(),
            last_failure: of_late.last_failure.clone(),
        }
    });
    let sources = sources.collect();
    let state = inner.state();
    let mut held: Vec<&Held> = state.kept.iter().collect();
    held.sort_unstable_by_key(|held| (held.proven.window().not_after, held.published.name));
    let failures = state.failures.iter().take(ROWS_MAX).map(|(name, failed)| FailureStatus {
        name: *name,
        reason: failed.error.reason.to_string(),
        attempts: failed.attempts,
        retry_seconds: failed.retry_at.saturating_sub(now).as_secs(),
    });
    Status {
        at,
        alerts: alerts(&state, &inner.settings, at),
        kept_count: state.kept.len(),
        kept_bytes: state.kept.bytes(),
        kept: held.into_iter().take(ROWS_MAX).map(|held| row(&state, held, at)).collect(),
        under_way_count: state.flights.len(),
        under_way: state.flights.keys().take(ROWS_MAX).copied().collect(),
        failures_count: state.failures.len(),
        failures: failures.collect(),
        sources,
        refresher: state.refresher.clone(),
        shelf_failure: state.shelf_failure.clone(),
        refused_at_start: state.refused_at_start.iter().take(ROWS_MAX).cloned().collect(),
    }
}

fn row(state: &State, held: &Held, at: UnixTime) -> KeptStatus {
    let (published, window) = (&held.published, held.proven.window());
    KeptStatus {
        name: published.name,
        source: published.source.to_string(),
        fetched_at: published.fetched_at,
        not_before: window.not_before,
        not_after: window.not_after,
        refresh_at: held.refresh_at,
        evaluation_data_number: held.proven.evaluation_data_number(),
        serves: held.serves(at),
        last_failure: last_failure(state, &published.name),
    }
}

fn last_failure(state: &State, name: &EndorsementName) -> Option<String> {
    state.failures.get(name).map(|failed| failed.error.reason.to_string())
}

/// What has expired or soon will, or has not been confirmed for too long; the soonest first.
pub(super) fn alerts(state: &State, settings: &KeeperSettings, at: UnixTime) -> Vec<Alert> {
    let soon = later(at, settings.alert_before);
    let mut found: Vec<Alert> = state
        .kept
        .iter()
        .filter_map(|held| {
            let window = held.proven.window();
            let mut what = if window.check(at).is_err() {
                "it is not in force".to_owned()
            } else if held.withdrawn {
                format!("no source has confirmed it since {}", held.published.fetched_at)
            } else if window.not_after <= soon {
                format!("it expires at {}", window.not_after)
            } else {
                return None;
            };
            if let Some(failure) = last_failure(state, &held.published.name) {
                what.push_str(&format!(", and no newer one could be fetched: {failure}"));
            }
            Some(Alert { name: held.published.name, not_after: window.not_after, what })
        })
        .collect();
    found.sort_unstable_by_key(|alert| (alert.not_after, alert.name));
    found.truncate(ROWS_MAX);
    found
}

fn as_text<S: Serializer>(name: &EndorsementName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

fn as_texts<S: Serializer>(names: &[EndorsementName], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().map(ToString::to_string))
}
