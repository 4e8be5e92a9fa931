//! Machines that attest: how each attested last, and what changed since the state that it is compared
//! with.
//!
//! They are written beside the order of all writes: what decides about tokens never rests on them. What
//! they raise is kept in the same transaction, so no alert is lost between a record and its telling.

mod held;

use std::collections::BTreeMap;

use avouch_wire::{UnixTime, encode_hex};
use held::Channel;
use serde_json::{Map, Value as Json, json};

use crate::alert::{Alert, AlertKind, NewAlert};
use crate::columns::columns;
use crate::digest::sha256;
use crate::driver::Tx;
use crate::error::StoreError;
use crate::limits::{MACHINE_FACTS_BYTES_MAX, MACHINES_MAX, SIGHTING_BATCH_MAX, TEXT_CHARS_MAX};
use crate::names::{ProviderId, ProviderName, check_size};
use crate::page::{Page, PageRequest};
use crate::store::{About, Edit, Store};

/// What a machine showed, by name, such as `pcr7`.
pub type MachineFacts = BTreeMap<String, String>;

/// How a machine's attestation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineVerdict {
    /// It got a token.
    Permitted,
    /// It got none.
    Refused,
}

impl MachineVerdict {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Permitted, Self::Refused].into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// One attestation of a machine.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The provider that appraised it.
    pub provider: ProviderId,
    /// What tells the machine from others at this provider.
    pub machine: String,
    /// Kind of the evidence.
    pub kind: String,
    /// When: of what is fresh, the moment that it is proven to be later than. What is as old as what is
    /// known changes nothing that is proven, however often it is told.
    pub at: UnixTime,
    /// How it ended.
    pub verdict: MachineVerdict,
    /// The check that refused it.
    pub refused_by: Option<String>,
    /// What it showed.
    pub facts: MachineFacts,
    /// Whether it is proven that the machine made the evidence now. What is not may be an old message
    /// that somebody sends again: it changes nothing but the [`Unproven`] part of the record.
    pub is_fresh: bool,
}

/// What is known of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its number; later ones have higher ones.
    pub id: u64,
    /// The provider at which it attests.
    pub provider: ProviderName,
    /// What tells it from others there.
    pub machine: String,
    /// Kind of its evidence.
    pub kind: String,
    /// When it was seen first.
    pub first_at: UnixTime,
    /// When it attested last, proven to be fresh; none if it never did.
    pub last_at: Option<UnixTime>,
    /// How that ended.
    pub verdict: Option<MachineVerdict>,
    /// The check that refused it then.
    pub refused_by: Option<String>,
    /// What it showed then.
    pub facts: MachineFacts,
    /// What it is compared with: what it showed when it was first permitted, or when an operator last
    /// accepted its state.
    pub baseline: MachineFacts,
    /// Since when.
    pub baseline_at: Option<UnixTime>,
    /// What evidence said of it whose freshness nothing proves.
    pub unproven: Unproven,
    /// Whether it has been silent for too long.
    pub is_silent: bool,
}

/// What is known of a machine by evidence that may be an old message, sent again by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unproven {
    /// When such evidence came last.
    pub at: Option<UnixTime>,
    /// How that ended.
    pub verdict: Option<MachineVerdict>,
    /// The check that refused it then.
    pub refused_by: Option<String>,
    /// What it showed then.
    pub facts: Option<MachineFacts>,
    /// When it raised an alert last.
    pub told_at: Option<UnixTime>,
}

/// A fact that differs from the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactChange {
    /// Which one.
    pub name: String,
    /// In the baseline.
    pub before: Option<String>,
    /// Now.
    pub now: Option<String>,
}

impl Machine {
    /// What unproven evidence differs in from the baseline, by name; nothing without one.
    #[must_use]
    pub fn unproven_changes(&self) -> Vec<FactChange> {
        match (&self.unproven.facts, self.baseline_at) {
            (Some(facts), Some(_)) => changes(&self.baseline, facts),
            _ => Vec::new(),
        }
    }

    /// SHA-256 of what it showed last, in hex: names a state.
    #[must_use]
    pub fn facts_sha256(&self) -> String {
        encode_hex(&sha256(text(&self.facts).as_bytes()))
    }

    /// What differs from the baseline, by name; nothing without one.
    #[must_use]
    pub fn changes(&self) -> Vec<FactChange> {
        if self.baseline_at.is_none() {
            return Vec::new();
        }
        changes(&self.baseline, &self.facts)
    }
}

impl FactChange {
    /// As `docs/schemas/service.md#machines` has it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({ "name": self.name, "before": self.before, "now": self.now })
    }
}

/// What differs between two states.
fn changes(before: &MachineFacts, now: &MachineFacts) -> Vec<FactChange> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let change = |name: &String| {
        let (before, now) = (before.get(name).cloned(), now.get(name).cloned());
        (before != now).then(|| FactChange { name: name.clone(), before, now })
    };
    names.into_iter().filter_map(change).collect()
}

columns! {
    machine_columns, read_machine -> Machine {
        id: u64,
        name: text,
        machine: text,
        kind: text,
        first_at: time,
        last_at: opt_time,
        verdict: opt_word(MachineVerdict::parse),
        refused_by: opt_text,
        facts: word(|text| serde_json::from_str(text).ok()),
        baseline: word(|text| serde_json::from_str(text).ok()),
        baseline_at: opt_time,
        unproven_at: opt_time,
        unproven_verdict: opt_word(MachineVerdict::parse),
        unproven_refused_by: opt_text,
        unproven_facts: opt_word(|text| serde_json::from_str(text).ok()),
        unproven_told_at: opt_time,
        is_silent: u64,
    } => Machine {
        id,
        provider: ProviderName::stored(name),
        machine,
        kind,
        first_at,
        last_at,
        verdict,
        refused_by,
        facts,
        baseline,
        baseline_at,
        unproven: Unproven {
            at: unproven_at,
            verdict: unproven_verdict,
            refused_by: unproven_refused_by,
            facts: unproven_facts,
            told_at: unproven_told_at,
        },
        is_silent: is_silent != 0,
    }
}

/// Selects machines with the names of their providers.
macro_rules! select_machines {
    ($narrowed:literal) => {
        concat!(
            "select ",
            machine_columns!(),
            " from (select m.id, m.provider_id, p.name, m.machine, m.kind, m.first_at, m.last_at, \
             m.verdict, m.refused_by, m.facts, m.baseline, m.baseline_at, m.unproven_at, \
             m.unproven_verdict, m.unproven_refused_by, m.unproven_facts, m.unproven_told_at, \
             m.is_silent, m.told_at, m.held, m.unproven_held from machines m join providers p on p.id = m.provider_id) known ",
            $narrowed
        )
    };
}

const SELECT_ONE: &str = select_machines!("where provider_id = $1 and machine = $2");
const SELECT_PAGE: &str =
    select_machines!("where provider_id = $1 and id > $2 order by id limit $3");
const SELECT_SILENT: &str =
    select_machines!("where is_silent = 0 and last_at < $1 order by id limit 1000");
const SELECT_SILENT_UNPROVEN: &str = select_machines!(
    "where is_silent = 0 and last_at is null and unproven_at < $1 order by id limit 1000"
);
/// Machines with an alert that was held back until the pause ended. Each column has its own moment.
const SELECT_HELD: [(Channel, &str); 2] = [
    (
        Channel::Proven,
        select_machines!("where held is not null and told_at <= $1 order by id limit 1000"),
    ),
    (
        Channel::Unproven,
        select_machines!(
            "where unproven_held is not null and unproven_told_at <= $1 order by id limit 1000"
        ),
    ),
];
/// The oldest that was never permitted, as far as is known.
const EVICT_NEVER_PERMITTED: &str = "delete from machines where id = (select id from machines where provider_id = $1 and \
     baseline_at is null and coalesce(unproven_verdict, 'refused') = 'refused' order by id limit 1)";
/// Different proofs of one machine that count as of one second.
const COUNTED_MAX: usize = 16;

/// What came of accepting a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineChange {
    /// It is the baseline.
    Set,
    /// There is no such machine.
    Unknown,
    /// Nothing is proven of the machine, so there is nothing to accept.
    Unproven,
    /// It shows another state than the one that was looked at.
    Differs(Box<Machine>),
}

/// What came of noting.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Noted {
    /// The alerts that were raised.
    pub alerts: Vec<Alert>,
    /// Older alerts that were let go of for them and had not been delivered.
    pub evicted_undelivered: u64,
    /// Attestations of machines for which there was no room.
    pub without_room: u64,
}

impl Noted {
    async fn keep(
        &mut self,
        tx: &mut Tx,
        alert: NewAlert,
        is_told: bool,
    ) -> Result<(), StoreError> {
        let (alert, evicted) = crate::alert::keep(tx, alert, is_told).await?;
        self.evicted_undelivered = self.evicted_undelivered.saturating_add(evicted);
        self.alerts.push(alert);
        Ok(())
    }
}

impl Store {
    /// Notes attestations of machines, in order, and gives the alerts that they raise. Those are kept;
    /// with `is_told` they are to be delivered, see [`Store::due_alerts`].
    ///
    /// A machine that is refused raises one when the check that refuses it changes; one whose facts
    /// differ from its baseline when they change: at most once in ten minutes for each machine; what comes
    /// before is held back, see [`Store::note_held`]. What is not fresh raises the same, marked
    /// `"fresh": false` and at most once an hour, and changes nothing that is proven. A
    /// state that was permitted before what is known of the machine is no news. Of providers that are gone,
    /// nothing is noted. Beyond [`MACHINES_MAX`] a machine that was never permitted gives way to a new one;
    /// where all were, nothing is noted of the new one.
    ///
    /// # Errors
    /// [`StoreError::Limit`]; [`StoreError::Unavailable`].
    pub async fn note_sightings(
        &self,
        sightings: &[Sighting],
        is_told: bool,
    ) -> Result<Noted, StoreError> {
        check_size("sightings in one call", sightings.len(), SIGHTING_BATCH_MAX)?;
        for one in sightings {
            check_size("identity of a machine", one.machine.len(), TEXT_CHARS_MAX)?;
            check_size("facts of a machine", text(&one.facts).len(), MACHINE_FACTS_BYTES_MAX)?;
        }
        let mut tx = self.inner.database.begin_write("note machines").await?;
        // Also makes instances that note machines at once wait for each other.
        let mut numbers = Numbers::lock(&mut tx).await?;
        let mut noted = Noted::default();
        for sighting in sightings {
            if let Some(alert) = note(&mut tx, &mut numbers, sighting).await? {
                noted.keep(&mut tx, alert, is_told).await?;
            }
        }
        noted.without_room = numbers.without_room;
        numbers.release(&mut tx).await?;
        tx.commit().await?;
        Ok(noted)
    }

    /// Raises the alerts that were held back because their machines had raised one shortly before: of each
    /// machine one, which tells all that changed in between.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn note_held(&self, at: UnixTime, is_told: bool) -> Result<Noted, StoreError> {
        let since =
            |channel: Channel| at.saturating_add_seconds(channel.pause_seconds().saturating_neg());
        let mut is_any = false;
        for (channel, sql) in SELECT_HELD {
            let found =
                self.read("look for alerts held back", sql, &[since(channel).into()]).await?;
            is_any = is_any || !found.is_empty();
        }
        if !is_any {
            return Ok(Noted::default());
        }
        let mut tx = self.inner.database.begin_write("raise alerts held back").await?;
        let numbers = Numbers::lock(&mut tx).await?;
        let mut noted = Noted::default();
        for (channel, sql) in SELECT_HELD {
            for row in tx.fetch(sql, &[since(channel).into()]).await? {
                let Machine { id, provider, machine, .. } = read_machine(row)?;
                if let Some(held) = held::release(&mut tx, id, channel, at).await? {
                    noted.keep(&mut tx, held.into_alert(provider, machine, at), is_told).await?;
                }
            }
        }
        numbers.release(&mut tx).await?;
        tx.commit().await?;
        Ok(noted)
    }

    /// Notes the silence of machines that have not attested since `since`, and gives the alerts: one for
    /// each, until it attests again. A machine that never proved to be fresh is silent if not even
    /// unproven evidence came.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn note_silence(
        &self,
        since: UnixTime,
        at: UnixTime,
        is_told: bool,
    ) -> Result<Noted, StoreError> {
        let mut is_any = false;
        for sql in [SELECT_SILENT, SELECT_SILENT_UNPROVEN] {
            let found = self.read("look for silent machines", sql, &[since.into()]).await?;
            is_any = is_any || !found.is_empty();
        }
        // Whoever may only read has no business here, unless there is something to do.
        if !is_any {
            return Ok(Noted::default());
        }
        let mut tx = self.inner.database.begin_write("note silent machines").await?;
        let numbers = Numbers::lock(&mut tx).await?;
        let mut rows = tx.fetch(SELECT_SILENT, &[since.into()]).await?;
        rows.extend(tx.fetch(SELECT_SILENT_UNPROVEN, &[since.into()]).await?);
        let mut noted = Noted::default();
        for machine in rows.into_iter().map(read_machine) {
            let machine = machine?;
            tx.execute("update machines set is_silent = 1 where id = $1", &[machine.id.into()])
                .await?;
            let details = match (machine.last_at, machine.unproven.at) {
                (None, Some(last)) => json!({ "lastUnprovenAt": last.to_rfc3339() }),
                (last, _) => json!({ "lastAttestedAt": last.map(UnixTime::to_rfc3339) }),
            };
            let alert = NewAlert {
                provider: machine.provider,
                machine: machine.machine,
                kind: AlertKind::Silent,
                at,
                details: object(&details),
            };
            noted.keep(&mut tx, alert, is_told).await?;
        }
        numbers.release(&mut tx).await?;
        tx.commit().await?;
        Ok(noted)
    }

    /// The machines of a provider, in the order in which they were first seen; the mark of a page is
    /// their number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn machines(
        &self,
        provider: ProviderId,
        page: PageRequest,
    ) -> Result<Page<Machine>, StoreError> {
        let values = [provider.0.into(), page.after.into(), u64::from(page.rows_max()).into()];
        let rows = self.read("read machines", SELECT_PAGE, &values).await?;
        let items = rows.into_iter().map(read_machine).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, page, |machine| machine.id))
    }

    /// One machine of a provider.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn machine(
        &self,
        provider: ProviderId,
        machine: &str,
    ) -> Result<Option<Machine>, StoreError> {
        let values = [provider.0.into(), machine.into()];
        let rows = self.read("read a machine", SELECT_ONE, &values).await?;
        rows.into_iter().next().map(read_machine).transpose()
    }

    /// Accepts what a machine showed last as its baseline, if that is the state that was looked at:
    /// `seen` is its [`Machine::facts_sha256`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn set_machine_baseline(
        &self,
        provider: ProviderId,
        machine: &str,
        seen: &str,
        edit: &Edit<'_>,
    ) -> Result<BaselineChange, StoreError> {
        let mut write = self.begin_write("change what is known of a machine", edit).await?;
        let values = [provider.0.into(), machine.into()];
        let Some(row) = write.tx.fetch(SELECT_ONE, &values).await?.into_iter().next() else {
            return Ok(BaselineChange::Unknown);
        };
        let known = read_machine(row)?;
        if known.last_at.is_none() {
            return Ok(BaselineChange::Unproven);
        }
        let facts = text(&known.facts);
        let sql = "update machines set baseline = facts, baseline_at = $2 \
                   where id = $1 and facts = $3";
        let values = [known.id.into(), edit.at.into(), facts.as_str().into()];
        // Another instance may note one meanwhile.
        if known.facts_sha256() != seen || write.tx.execute(sql, &values).await? == 0 {
            return Ok(BaselineChange::Differs(Box::new(known)));
        }
        let about = About { id: provider, name: known.provider.as_str() };
        let details = json!({ "machine": machine });
        write.audit("machine-baseline", Some(about), &details).await?;
        write.commit().await?;
        Ok(BaselineChange::Set)
    }

    /// Forgets a machine; its alerts stay. False if there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn forget_machine(
        &self,
        provider: ProviderId,
        machine: &str,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let mut write = self.begin_write("change what is known of a machine", edit).await?;
        let sql = "delete from machines where provider_id = $1 and machine = $2";
        if write.tx.execute(sql, &[provider.0.into(), machine.into()]).await? == 0 {
            return Ok(false);
        }
        let select = "select name from providers where id = $1";
        let row = write.tx.fetch_optional(select, &[provider.0.into()]).await?;
        let name = row.map(|mut row| row.text("name")).transpose()?;
        let about = name.as_deref().map(|name| About { id: provider, name });
        write.audit("machine-forget", about, &json!({ "machine": machine })).await?;
        write.commit().await?;
        Ok(true)
    }
}

/// Notes one attestation; the alert that it raises, if it does.
async fn note(
    tx: &mut Tx,
    numbers: &mut Numbers,
    sighting: &Sighting,
) -> Result<Option<NewAlert>, StoreError> {
    let values = [sighting.provider.0.into(), sighting.machine.as_str().into()];
    let known = tx.fetch(SELECT_ONE, &values).await?.into_iter().next().map(read_machine);
    let known = match known.transpose()? {
        Some(known) => known,
        None => match first(tx, numbers, sighting).await? {
            Some(new) => new,
            None => return Ok(None),
        },
    };
    if !sighting.is_fresh {
        return note_unproven(tx, &known, sighting).await;
    }
    let is_permitted = sighting.verdict == MachineVerdict::Permitted;
    // What proves it may be shown late, and again.
    if known.last_at.is_some_and(|last| last > sighting.at) {
        if is_permitted {
            return Ok(None);
        }
        // Of an instance whose clock is behind, perhaps.
        let late = Sighting { is_fresh: false, ..sighting.clone() };
        return note_unproven(tx, &known, &late).await;
    }
    let mut counted = match known.last_at {
        Some(last) if last == sighting.at => counted(tx, known.id).await?,
        _ => Vec::new(),
    };
    let proof = hash(sighting);
    if counted.contains(&proof) || counted.len() >= COUNTED_MAX {
        return Ok(None);
    }
    counted.push(proof);
    let is_first_good = is_permitted && known.baseline_at.is_none();
    let (baseline, baseline_at) = match is_first_good {
        true => (&sighting.facts, Some(sighting.at)),
        false => (&known.baseline, known.baseline_at),
    };
    tx.execute(
        "update machines set kind = $2, last_at = $3, verdict = $4, refused_by = $5, facts = $6, \
         baseline = $7, baseline_at = $8, counted = $9, is_silent = 0 where id = $1",
        &[
            known.id.into(),
            sighting.kind.as_str().into(),
            sighting.at.into(),
            sighting.verdict.as_str().into(),
            sighting.refused_by.as_deref().into(),
            text(&sighting.facts).as_str().into(),
            text(baseline).as_str().into(),
            baseline_at.into(),
            counted.join(" ").as_str().into(),
        ],
    )
    .await?;
    let last = State { verdict: known.verdict, refused_by: &known.refused_by, facts: &known.facts };
    let before = known.baseline_at.map(|_| &known.baseline);
    match raised(&known, before, Some(last), sighting) {
        Some(raised) => held::tell_or_hold(tx, known.id, Channel::Proven, raised).await,
        None => Ok(None),
    }
}

/// Hashes of what counted as of the moment of the last proven attestation.
async fn counted(tx: &mut Tx, machine: u64) -> Result<Vec<String>, StoreError> {
    let sql = "select counted from machines where id = $1";
    let row = tx.fetch_optional(sql, &[machine.into()]).await?;
    let counted = row.map(|mut row| row.opt_text("counted")).transpose()?.flatten();
    Ok(counted.iter().flat_map(|all| all.split(' ')).map(str::to_owned).collect())
}

/// Hash of how an attestation ended and what it showed.
fn hash(sighting: &Sighting) -> String {
    let Sighting { verdict, refused_by, facts, .. } = sighting;
    let parts = json!([verdict.as_str(), refused_by, facts]);
    encode_hex(&sha256(parts.to_string().as_bytes()))
}

/// Notes an attestation that may be an old message: beside what is proven, which it changes nothing of.
async fn note_unproven(
    tx: &mut Tx,
    known: &Machine,
    sighting: &Sighting,
) -> Result<Option<NewAlert>, StoreError> {
    let Unproven { at, verdict, refused_by, facts, .. } = &known.unproven;
    tx.execute(
        "update machines set unproven_at = $2, unproven_verdict = $3, unproven_refused_by = $4, \
         unproven_facts = $5, \
         is_silent = case when last_at is null then 0 else is_silent end where id = $1",
        &[
            known.id.into(),
            (*at).max(Some(sighting.at)).into(),
            sighting.verdict.as_str().into(),
            sighting.refused_by.as_deref().into(),
            text(&sighting.facts).as_str().into(),
        ],
    )
    .await?;
    let last = facts.as_ref().map(|facts| State { verdict: *verdict, refused_by, facts });
    let before = known.baseline_at.map(|_| &known.baseline).or(facts.as_ref());
    match raised(known, before, last, sighting) {
        Some(raised) => held::tell_or_hold(tx, known.id, Channel::Unproven, raised).await,
        None => Ok(None),
    }
}

/// How an attestation ended, and what it showed.
struct State<'a> {
    verdict: Option<MachineVerdict>,
    refused_by: &'a Option<String>,
    facts: &'a MachineFacts,
}

/// What an attestation raises: beside the state that it is compared with, if there is one, and the last
/// one.
fn raised(
    known: &Machine,
    before: Option<&MachineFacts>,
    last: Option<State<'_>>,
    sighting: &Sighting,
) -> Option<NewAlert> {
    let changed = before.map_or_else(Vec::new, |before| changes(before, &sighting.facts));
    let changed: Vec<Json> = changed.iter().map(FactChange::to_json).collect();
    let is_known = last.is_some_and(|last| {
        last.verdict == Some(sighting.verdict)
            && *last.refused_by == sighting.refused_by
            && *last.facts == sighting.facts
    });
    let (kind, is_news, details) = match sighting.verdict {
        MachineVerdict::Refused => {
            let details = json!({ "refusedBy": sighting.refused_by, "changes": changed });
            (AlertKind::Refused, true, details)
        }
        MachineVerdict::Permitted => {
            (AlertKind::Changed, !changed.is_empty(), json!({ "changes": changed }))
        }
    };
    let mut details = object(&details);
    if !sighting.is_fresh {
        details.insert("fresh".to_owned(), false.into());
    }
    (is_news && !is_known).then(|| NewAlert {
        provider: known.provider.clone(),
        machine: sighting.machine.clone(),
        kind,
        at: sighting.at,
        details,
    })
}

/// A machine that was not known; none where its provider is gone or there is no room.
async fn first(
    tx: &mut Tx,
    numbers: &mut Numbers,
    sighting: &Sighting,
) -> Result<Option<Machine>, StoreError> {
    if !numbers.make_room(tx, sighting.provider).await? {
        return Ok(None);
    }
    let id = numbers.next(sighting.provider);
    let written = tx
        .execute(
            "insert into machines (id, provider_id, machine, kind, first_at, facts, baseline, \
             is_silent) select $1, p.id, $3, $4, $5, '{}', '{}', 0 from providers p where p.id = $2",
            &[
                id.into(),
                sighting.provider.0.into(),
                sighting.machine.as_str().into(),
                sighting.kind.as_str().into(),
                sighting.at.into(),
            ],
        )
        .await?;
    if written == 0 {
        return Ok(None);
    }
    let values = [sighting.provider.0.into(), sighting.machine.as_str().into()];
    let row = tx.fetch(SELECT_ONE, &values).await?.into_iter().next();
    row.map(read_machine).transpose()
}

/// The numbers of machines, held by one transaction: none is added beside it.
struct Numbers {
    last: u64,
    /// How many machines each provider has, counted once.
    known: BTreeMap<u64, u64>,
    /// Attestations of machines for which there was no room.
    without_room: u64,
}

impl Numbers {
    async fn lock(tx: &mut Tx) -> Result<Self, StoreError> {
        let sql = "update store_state set value = value where name = 'machines' returning value";
        let row = tx.fetch_optional(sql, &[]).await?;
        let missing = StoreError::Corrupt { column: "store_state.value", reason: "missing" };
        let last = row.ok_or(missing)?.u64("store_state.value")?;
        Ok(Self { last, known: BTreeMap::new(), without_room: 0 })
    }

    /// How many machines a provider has.
    async fn known(&mut self, tx: &mut Tx, provider: ProviderId) -> Result<u64, StoreError> {
        if let Some(known) = self.known.get(&provider.0) {
            return Ok(*known);
        }
        let sql = "select count(*) from machines where provider_id = $1";
        let row = tx.fetch_optional(sql, &[provider.0.into()]).await?;
        let known = row.map_or(Ok(0), |mut row| row.u64("machines.count"))?;
        self.known.insert(provider.0, known);
        Ok(known)
    }

    /// Whether a provider has room for one more: who was never permitted gives way.
    async fn make_room(&mut self, tx: &mut Tx, provider: ProviderId) -> Result<bool, StoreError> {
        let known = self.known(tx, provider).await?;
        if known < MACHINES_MAX {
            return Ok(true);
        }
        let evicted = tx.execute(EVICT_NEVER_PERMITTED, &[provider.0.into()]).await?;
        self.known.insert(provider.0, known.saturating_sub(evicted));
        self.without_room = self.without_room.saturating_add(u64::from(evicted == 0));
        Ok(evicted > 0)
    }

    /// The number of a machine that a provider has from now on.
    fn next(&mut self, provider: ProviderId) -> u64 {
        let known = self.known.entry(provider.0).or_default();
        *known = known.saturating_add(1);
        self.last = self.last.saturating_add(1);
        self.last
    }

    async fn release(self, tx: &mut Tx) -> Result<(), StoreError> {
        let sql = "update store_state set value = $1 where name = 'machines'";
        tx.execute(sql, &[self.last.into()]).await.map(|_| ())
    }
}

fn text(facts: &MachineFacts) -> String {
    // Texts by name: there is nothing in it that JSON cannot hold.
    serde_json::to_string(facts).unwrap_or_default()
}

fn object(value: &Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap_or_default()
}
