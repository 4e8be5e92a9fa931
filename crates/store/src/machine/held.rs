//! Alerts that are held back: whoever can make a machine raise one after the other makes it raise one after
//! each pause, which tells all that changed since the one before.

use std::collections::BTreeMap;

use avouch_wire::UnixTime;
use serde_json::{Value as Json, json};

use crate::alert::{AlertKind, NewAlert};
use crate::driver::Tx;
use crate::error::StoreError;
use crate::names::ProviderName;

/// Facts that one alert tells of.
const CHANGES_MAX: usize = 64;

/// Which alerts of a machine wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// Those by evidence that is proven to be fresh.
    Proven,
    /// Those by evidence that may be old: anybody who has two old messages can send them in turn.
    Unproven,
}

impl Channel {
    /// For so long after an alert of a machine its next one waits.
    pub(super) const fn pause_seconds(self) -> i64 {
        match self {
            Self::Proven => 600,
            Self::Unproven => 3_600,
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Proven => "select told_at, held from machines where id = $1",
            Self::Unproven => {
                "select unproven_told_at as told_at, unproven_held as held from machines \
                 where id = $1"
            }
        }
    }

    const fn write_held(self) -> &'static str {
        match self {
            Self::Proven => "update machines set held = $2 where id = $1",
            Self::Unproven => "update machines set unproven_held = $2 where id = $1",
        }
    }

    const fn write_told(self) -> &'static str {
        match self {
            Self::Proven => "update machines set held = null, told_at = $2 where id = $1",
            Self::Unproven => {
                "update machines set unproven_held = null, unproven_told_at = $2 where id = $1"
            }
        }
    }
}

/// Gives an alert to tell now; within the pause after the last one it is held back.
pub(super) async fn tell_or_hold(
    tx: &mut Tx,
    machine: u64,
    channel: Channel,
    raised: NewAlert,
) -> Result<Option<NewAlert>, StoreError> {
    let (told_at, held) = standing(tx, machine, channel).await?;
    let ends_at = |told: UnixTime| told.saturating_add_seconds(channel.pause_seconds());
    if told_at.is_some_and(|told| raised.at < ends_at(told)) {
        let held = Held::with(held, &raised).to_text();
        tx.execute(channel.write_held(), &[machine.into(), held.as_str().into()]).await?;
        return Ok(None);
    }
    tx.execute(channel.write_told(), &[machine.into(), raised.at.into()]).await?;
    Ok(Some(match held {
        Some(held) => held.told_with(raised),
        None => raised,
    }))
}

/// Gives what was held back, and begins the next pause.
pub(super) async fn release(
    tx: &mut Tx,
    machine: u64,
    channel: Channel,
    at: UnixTime,
) -> Result<Option<Held>, StoreError> {
    let (_, held) = standing(tx, machine, channel).await?;
    tx.execute(channel.write_told(), &[machine.into(), at.into()]).await?;
    Ok(held)
}

/// When a machine raised an alert last, and what was held back since.
async fn standing(
    tx: &mut Tx,
    machine: u64,
    channel: Channel,
) -> Result<(Option<UnixTime>, Option<Held>), StoreError> {
    let Some(mut row) = tx.fetch_optional(channel.select(), &[machine.into()]).await? else {
        return Ok((None, None));
    };
    let told_at = row.opt_time("machines.told_at")?;
    let held = row.opt_word("machines.held", Held::parse)?;
    Ok((told_at, held))
}

/// Alerts of a machine since the last one that was told, as one.
#[derive(Debug, PartialEq)]
pub(super) struct Held {
    kind: AlertKind,
    details: serde_json::Map<String, Json>,
    count: u64,
    since: UnixTime,
}

impl Held {
    /// One more.
    fn with(held: Option<Self>, raised: &NewAlert) -> Self {
        let (count, since) = held.as_ref().map_or((0, raised.at), |held| (held.count, held.since));
        let (kind, details) = match &held {
            Some(held) => held.merged(raised),
            None => (raised.kind, raised.details.clone()),
        };
        Self { kind, details, count: count.saturating_add(1), since }
    }

    /// Both: a refusal among them is told as one, and of each fact what it became last.
    fn merged(&self, raised: &NewAlert) -> (AlertKind, serde_json::Map<String, Json>) {
        let is_refused = [self.kind, raised.kind].contains(&AlertKind::Refused);
        let kind = if is_refused { AlertKind::Refused } else { raised.kind };
        let mut details = self.details.clone();
        details.extend(raised.details.clone());
        let mut changes = BTreeMap::new();
        for change in of(&raised.details).iter().chain(of(&self.details)) {
            let name = change.get("name").and_then(Json::as_str).unwrap_or_default();
            if changes.len() < CHANGES_MAX {
                changes.entry(name).or_insert(change);
            }
        }
        details.insert("changes".to_owned(), changes.into_values().cloned().collect());
        (kind, details)
    }

    /// As one alert with another one.
    fn told_with(self, raised: NewAlert) -> NewAlert {
        let (kind, details) = self.merged(&raised);
        let NewAlert { provider, machine, at, .. } = raised;
        Self { kind, details, ..self }.into_alert(provider, machine, at)
    }

    /// As the alert that tells it.
    pub(super) fn into_alert(
        self,
        provider: ProviderName,
        machine: String,
        at: UnixTime,
    ) -> NewAlert {
        let Self { kind, mut details, count, since } = self;
        details.insert("heldBack".to_owned(), count.into());
        details.insert("heldSince".to_owned(), since.to_rfc3339().into());
        NewAlert { provider, machine, kind, at, details }
    }

    fn to_text(&self) -> String {
        let Self { kind, details, count, since } = self;
        let (kind, since) = (kind.as_str(), since.seconds());
        json!({ "kind": kind, "details": details, "count": count, "since": since }).to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        let held: Json = serde_json::from_str(text).ok()?;
        Some(Self {
            kind: AlertKind::parse(held.get("kind")?.as_str()?)?,
            details: held.get("details")?.as_object()?.clone(),
            count: held.get("count")?.as_u64()?,
            since: UnixTime::from_seconds(held.get("since")?.as_i64()?).ok()?,
        })
    }
}

fn of(details: &serde_json::Map<String, Json>) -> &[Json] {
    details.get("changes").and_then(Json::as_array).map_or(&[], Vec::as_slice)
}
