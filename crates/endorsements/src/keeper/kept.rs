//! What is at hand: proven, bounded in memory, and when each thing is to be fetched again.

use std::collections::HashMap;
use std::time::Duration;

use avouch_wire::UnixTime;

use super::KeeperSettings;
use crate::{EndorsementName, EndorsementSet, Proven, Published, TcbEvaluation};

/// What the maps around a thing take, about, here and with those who judge.
const OVERHEAD_BYTES: usize = 512;

/// Everything that was fetched and proven.
#[derive(Debug, Default)]
pub(super) struct Kept {
    by_name: HashMap<EndorsementName, Held>,
    bytes: usize,
    /// Those of them that never go for others.
    bytes_of_few: usize,
}

/// One thing at hand.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) published: Published,
    pub(super) proven: Proven,
    /// When to ask for a newer one.
    pub(super) refresh_at: UnixTime,
    /// Nobody has confirmed it for longer than it may serve.
    pub(super) withdrawn: bool,
    /// What it takes, read as those who judge need it.
    bytes: usize,
}

/// Whether a thing found room, and what had to go for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) found: bool,
    pub(super) gone: Vec<EndorsementName>,
}

impl Held {
    pub(super) fn new(
        published: Published,
        proven: Proven,
        fresh_for: Option<Duration>,
        settings: &KeeperSettings,
        chance: f64,
    ) -> Self {
        let refresh_at = refresh_at(&published, &proven, fresh_for, settings, chance);
        let read = EndorsementSet::default().with(vec![published.clone()]);
        let bytes = read.bytes().saturating_add(OVERHEAD_BYTES);
        Self { published, proven, refresh_at, withdrawn: false, bytes }
    }

    /// Whether it may be judged by.
    pub(super) fn serves(&self, at: UnixTime) -> bool {
        !self.withdrawn && self.proven.window().check(at).is_ok()
    }

    /// Whether to ask for a newer one; also when the clock was set back to before it was fetched.
    pub(super) fn is_due(&self, at: UnixTime) -> bool {
        at >= self.refresh_at || at < self.published.fetched_at
    }

    /// Whether the last word of a source on it is too old. What a key is certified for never changes.
    pub(super) fn is_too_old(&self, settings: &KeeperSettings, at: UnixTime) -> bool {
        settings.age_max.is_some_and(|age| {
            !is_vcek(&self.published.name) && at > later(self.published.fetched_at, age)
        })
    }
}

impl Kept {
    pub(super) fn get(&self, name: &EndorsementName) -> Option<&Held> {
        self.by_name.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.by_name.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Held> {
        self.by_name.values_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Everything that serves those who judge.
    pub(super) fn serving(&self) -> Vec<Published> {
        self.iter().filter(|held| !held.withdrawn).map(|held| held.published.clone()).collect()
    }

    /// Keeps a thing in place of what had its name. Where memory is full, VCEKs and then TCB infos go that
    /// were fetched longest ago, never CRLs nor chains; nothing goes in vain.
    pub(super) fn put(&mut self, held: Held, bytes_max: usize) -> Room {
        let before = self.remove(&held.published.name);
        let left = bytes_max.checked_sub(held.bytes).filter(|left| self.bytes_of_few <= *left);
        let Some(left) = left else {
            // What was at hand stays where the new one has no room.
            before.into_iter().for_each(|before| self.insert(before));
            return Room { found: false, gone: Vec::new() };
        };
        let gone = self.make_room(left);
        self.insert(held);
        Room { found: true, gone }
    }

    fn insert(&mut self, held: Held) {
        let name = held.published.name;
        self.bytes = self.bytes.saturating_add(held.bytes);
        if is_one_of_few(&name) {
            self.bytes_of_few = self.bytes_of_few.saturating_add(held.bytes);
        }
        self.by_name.insert(name, held);
    }

    fn remove(&mut self, name: &EndorsementName) -> Option<Held> {
        let held = self.by_name.remove(name)?;
        self.bytes = self.bytes.saturating_sub(held.bytes);
        if is_one_of_few(name) {
            self.bytes_of_few = self.bytes_of_few.saturating_sub(held.bytes);
        }
        Some(held)
    }

    /// Down to seven eighths of what is allowed, so that it is not called for each.
    fn make_room(&mut self, bytes_max: usize) -> Vec<EndorsementName> {
        if self.bytes <= bytes_max {
            return Vec::new();
        }
        let mut many: Vec<(bool, UnixTime, EndorsementName)> = self
            .iter()
            .filter(|held| !is_one_of_few(&held.published.name))
            .map(|held| {
                let Published { name, fetched_at, .. } = &held.published;
                (!is_vcek(name), *fetched_at, *name)
            })
            .collect();
        many.sort_unstable();
        let (target, mut gone) = (bytes_max.saturating_sub(bytes_max / 8), Vec::new());
        for (_, _, name) in many {
            if self.bytes <= target {
                break;
            }
            self.remove(&name);
            gone.push(name);
        }
        gone
    }
}

pub(super) const fn is_vcek(name: &EndorsementName) -> bool {
    matches!(name, EndorsementName::Vcek(..))
}

/// CRLs, chains and the identities of quoting enclaves: of these there are few, whoever asks. What comes
/// in numbers, or is named by a sender, must not take their place.
pub(super) const fn is_one_of_few(name: &EndorsementName) -> bool {
    match name {
        EndorsementName::PckCrl(_)
        | EndorsementName::RootCaCrl
        | EndorsementName::VekChain(..)
        | EndorsementName::AmdCrl(..) => true,
        EndorsementName::QeIdentity { evaluation, .. } => {
            matches!(evaluation, TcbEvaluation::Standard | TcbEvaluation::Early)
        }
        EndorsementName::TcbInfo { .. } | EndorsementName::Vcek(..) | EndorsementName::TpmCa(_) => {
            false
        }
    }
}

/// Every `refresh`, or later if its source says that it is fresh for longer, and in any case when two
/// thirds of its remaining time have passed; a tenth of that earlier by chance, so that not all come at
/// once. A VCEK only by its time.
fn refresh_at(
    published: &Published,
    proven: &Proven,
    fresh_for: Option<Duration>,
    settings: &KeeperSettings,
    chance: f64,
) -> UnixTime {
    let from = published.fetched_at;
    let remaining = proven.window().not_after.seconds().saturating_sub(from.seconds());
    let remaining = Duration::from_secs(u64::try_from(remaining).unwrap_or(0));
    let mut pause = remaining.mul_f64(2.0 / 3.0);
    if !is_vcek(&published.name) {
        pause = pause.min(settings.refresh.max(fresh_for.unwrap_or_default()));
    }
    let earlier = pause.mul_f64(chance.clamp(0.0, 1.0) / 10.0);
    later(from, pause.saturating_sub(earlier).max(settings.retry_first))
}

pub(super) fn later(at: UnixTime, time: Duration) -> UnixTime {
    at.saturating_add_seconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
