//! Machines that attest: how each attested last, and what changed since the state that it is compared
//! with.
//!
//! They are written beside the order of all writes: what decides about tokens never rests on them. What
//! they raise is kept in the same transaction, so no alert is lost between a record and its telling.

use std::collections::BTreeMap;

use avouch_wire::UnixTime;
use serde_json::{Map, Value as Json, json};

use crate::alert::{Alert, AlertKind, NewAlert};
use crate::columns::columns;
use crate::driver::{Tx, Value};
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
    /// When.
    pub at: UnixTime,
    /// How it ended.
    pub verdict: MachineVerdict,
    /// The check that refused it.
    pub refused_by: Option<String>,
    /// What it showed.
    pub facts: MachineFacts,
    /// Whether it is proven that the machine made the evidence now. What is not may be an old message
    /// that somebody sends again: it changes nothing but [`Machine::unproven_at`].
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
    /// When it last sent evidence whose freshness nothing proves.
    pub unproven_at: Option<UnixTime>,
    /// Whether it has been silent for too long.
    pub is_silent: bool,
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
        unproven_at,
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
             m.is_silent from machines m join providers p on p.id = m.provider_id) known ",
            $narrowed
        )
    };
}

const SELECT_ONE: &str = select_machines!("where provider_id = $1 and machine = $2");
const SELECT_PAGE: &str =
    select_machines!("where provider_id = $1 and id > $2 order by id limit $3");
const SELECT_SILENT: &str =
    select_machines!("where is_silent = 0 and last_at < $1 order by id limit 1000");

impl Store {
    /// Notes attestations of machines, in order, and gives the alerts that they raise. Those are kept;
    /// with `is_told` they are to be delivered, see [`Store::due_alerts`].
    ///
    /// A machine that is refused raises one when the check that refuses it changes; one whose facts
    /// differ from its baseline when they change. What is not fresh raises none. Of providers that are
    /// gone, and of machines beyond [`MACHINES_MAX`], nothing is noted.
    ///
    /// # Errors
    /// [`StoreError::Limit`]; [`StoreError::Unavailable`].
    pub async fn note_sightings(
        &self,
        sightings: &[Sighting],
        is_told: bool,
    ) -> Result<Vec<Alert>, StoreError> {
        check_size("sightings in one call", sightings.len(), SIGHTING_BATCH_MAX)?;
        for one in sightings {
            check_size("identity of a machine", one.machine.len(), TEXT_CHARS_MAX)?;
            check_size("facts of a machine", text(&one.facts).len(), MACHINE_FACTS_BYTES_MAX)?;
        }
        let mut tx = self.inner.database.begin_write("note machines").await?;
        // Also makes instances that note machines at once wait for each other.
        let mut numbers = Numbers::lock(&mut tx).await?;
        let mut alerts = Vec::new();
        for sighting in sightings {
            if let Some(alert) = note(&mut tx, &mut numbers, sighting).await? {
                alerts.push(crate::alert::keep(&mut tx, alert, is_told).await?);
            }
        }
        numbers.release(&mut tx).await?;
        tx.commit().await?;
        Ok(alerts)
    }

    /// Notes the silence of machines that have not attested since `since`, and gives the alerts: one for
    /// each, until it attests again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn note_silence(
        &self,
        since: UnixTime,
        at: UnixTime,
        is_told: bool,
    ) -> Result<Vec<Alert>, StoreError> {
        let any = self.read("look for silent machines", SELECT_SILENT, &[since.into()]).await?;
        // Whoever may only read has no business here, unless there is something to do.
        if any.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.inner.database.begin_write("note silent machines").await?;
        let numbers = Numbers::lock(&mut tx).await?;
        let rows = tx.fetch(SELECT_SILENT, &[since.into()]).await?;
        let mut alerts = Vec::new();
        for machine in rows.into_iter().map(read_machine) {
            let machine = machine?;
            tx.execute("update machines set is_silent = 1 where id = $1", &[machine.id.into()])
                .await?;
            let last = machine.last_at.map(UnixTime::to_rfc3339);
            let alert = NewAlert {
                provider: machine.provider,
                machine: machine.machine,
                kind: AlertKind::Silent,
                at,
                details: object(&json!({ "lastAttestedAt": last })),
            };
            alerts.push(crate::alert::keep(&mut tx, alert, is_told).await?);
        }
        numbers.release(&mut tx).await?;
        tx.commit().await?;
        Ok(alerts)
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

    /// Accepts what a machine showed last as its baseline. False if there is no such machine, or if it
    /// never attested.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn set_machine_baseline(
        &self,
        provider: ProviderId,
        machine: &str,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let sql = "update machines set baseline = facts, baseline_at = $3 \
                   where provider_id = $1 and machine = $2 and last_at is not null";
        self.edit_machine(provider, machine, edit, "machine-baseline", sql, true).await
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
        let sql = "delete from machines where provider_id = $1 and machine = $2";
        self.edit_machine(provider, machine, edit, "machine-forget", sql, false).await
    }

    async fn edit_machine(
        &self,
        provider: ProviderId,
        machine: &str,
        edit: &Edit<'_>,
        action: &'static str,
        sql: &'static str,
        is_dated: bool,
    ) -> Result<bool, StoreError> {
        let mut write = self.begin_write("change what is known of a machine", edit).await?;
        let mut values: Vec<Value<'_>> = vec![provider.0.into(), machine.into()];
        if is_dated {
            values.push(edit.at.into());
        }
        if write.tx.execute(sql, &values).await? == 0 {
            return Ok(false);
        }
        let select = "select name from providers where id = $1";
        let row = write.tx.fetch_optional(select, &[provider.0.into()]).await?;
        let name = row.map(|mut row| row.text("name")).transpose()?;
        let about = name.as_deref().map(|name| About { id: provider, name });
        write.audit(action, about, &json!({ "machine": machine })).await?;
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
        let values = [known.id.into(), sighting.at.into()];
        tx.execute("update machines set unproven_at = $2 where id = $1", &values).await?;
        return Ok(None);
    }
    let is_permitted = sighting.verdict == MachineVerdict::Permitted;
    let is_first_good = is_permitted && known.baseline_at.is_none();
    let (baseline, baseline_at) = match is_first_good {
        true => (&sighting.facts, Some(sighting.at)),
        false => (&known.baseline, known.baseline_at),
    };
    tx.execute(
        "update machines set kind = $2, last_at = $3, verdict = $4, refused_by = $5, facts = $6, \
         baseline = $7, baseline_at = $8, is_silent = 0 where id = $1",
        &[
            known.id.into(),
            sighting.kind.as_str().into(),
            sighting.at.into(),
            sighting.verdict.as_str().into(),
            sighting.refused_by.as_deref().into(),
            text(&sighting.facts).as_str().into(),
            text(baseline).as_str().into(),
            baseline_at.into(),
        ],
    )
    .await?;
    Ok(raised(&known, sighting))
}

/// What a fresh attestation raises beside what was known before.
fn raised(known: &Machine, sighting: &Sighting) -> Option<NewAlert> {
    let alert = |kind, details: &Json| NewAlert {
        provider: known.provider.clone(),
        machine: sighting.machine.clone(),
        kind,
        at: sighting.at,
        details: object(details),
    };
    let changed: Vec<Json> = match known.baseline_at {
        Some(_) => {
            changes(&known.baseline, &sighting.facts).iter().map(FactChange::to_json).collect()
        }
        None => Vec::new(),
    };
    if sighting.verdict == MachineVerdict::Refused {
        let is_told = known.verdict == Some(MachineVerdict::Refused)
            && known.refused_by == sighting.refused_by
            && known.facts == sighting.facts;
        let details = json!({ "refusedBy": sighting.refused_by, "changes": changed });
        return (!is_told).then(|| alert(AlertKind::Refused, &details));
    }
    let is_told = known.verdict == Some(MachineVerdict::Permitted) && known.facts == sighting.facts;
    let is_new = !changed.is_empty() && !is_told;
    is_new.then(|| alert(AlertKind::Changed, &json!({ "changes": changed })))
}

/// A machine that was not known; none where its provider is gone or there is no room.
async fn first(
    tx: &mut Tx,
    numbers: &mut Numbers,
    sighting: &Sighting,
) -> Result<Option<Machine>, StoreError> {
    let id = numbers.next();
    let written = tx
        .execute(
            "insert into machines (id, provider_id, machine, kind, first_at, facts, baseline, \
             is_silent) select $1, p.id, $3, $4, $5, '{}', '{}', 0 from providers p where p.id = $2 \
             and (select count(*) from machines m where m.provider_id = p.id) < $6",
            &[
                id.into(),
                sighting.provider.0.into(),
                sighting.machine.as_str().into(),
                sighting.kind.as_str().into(),
                sighting.at.into(),
                MACHINES_MAX.into(),
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

/// The numbers of machines, held by one transaction.
struct Numbers(u64);

impl Numbers {
    async fn lock(tx: &mut Tx) -> Result<Self, StoreError> {
        let sql = "update store_state set value = value where name = 'machines' returning value";
        let row = tx.fetch_optional(sql, &[]).await?;
        let missing = StoreError::Corrupt { column: "store_state.value", reason: "missing" };
        Ok(Self(row.ok_or(missing)?.u64("store_state.value")?))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.saturating_add(1);
        self.0
    }

    async fn release(self, tx: &mut Tx) -> Result<(), StoreError> {
        let sql = "update store_state set value = $1 where name = 'machines'";
        tx.execute(sql, &[self.0.into()]).await.map(|_| ())
    }
}

fn text(facts: &MachineFacts) -> String {
    // Texts by name: there is nothing in it that JSON cannot hold.
    serde_json::to_string(facts).unwrap_or_default()
}

fn object(value: &Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap_or_default()
}
