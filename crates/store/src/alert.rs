//! Alerts that machines raised: kept, and delivered at least once.

use avouch_wire::UnixTime;
use serde_json::{Map, Value as Json};

use crate::columns::columns;
use crate::driver::Tx;
use crate::error::StoreError;
use crate::limits::ALERTS_KEPT;
use crate::names::{ProviderId, ProviderName};
use crate::page::{Page, PageRequest};
use crate::store::Store;

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertKind {
    /// The machine's evidence verified and got no token.
    Refused,
    /// The machine showed another state than its baseline.
    Changed,
    /// The machine has not attested for too long.
    Silent,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Refused, Self::Changed, Self::Silent];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Changed => "changed",
            Self::Silent => "silent",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its number; later ones have higher ones. Whoever is told twice knows it by that.
    pub id: u64,
    /// The provider at which the machine attests.
    pub provider: ProviderName,
    /// What tells the machine from others there.
    pub machine: String,
    /// What it is about.
    pub kind: AlertKind,
    /// When.
    pub at: UnixTime,
    /// More, as `docs/schemas/service.md#alerts` has it.
    pub details: Map<String, Json>,
    /// How often it was sent in vain.
    pub attempts: u64,
}

/// An alert without a number.
pub(crate) struct NewAlert {
    pub(crate) provider: ProviderName,
    pub(crate) machine: String,
    pub(crate) kind: AlertKind,
    pub(crate) at: UnixTime,
    pub(crate) details: Map<String, Json>,
}

columns! {
    alert_columns, read_alert -> Alert {
        id: u64,
        name: text,
        machine: text,
        kind: word(AlertKind::parse),
        at: time,
        details: word(|text| serde_json::from_str(text).ok()),
        attempts: u64,
    } => Alert { id, provider: ProviderName::stored(name), machine, kind, at, details, attempts }
}

/// Selects alerts with the names of their providers.
macro_rules! select_alerts {
    ($narrowed:literal) => {
        concat!(
            "select ",
            alert_columns!(),
            " from (select a.id, a.provider_id, p.name, a.machine, a.kind, a.at, a.details, \
             a.attempts, a.next_at from alerts a join providers p on p.id = a.provider_id) raised ",
            $narrowed
        )
    };
}

const SELECT_PAGE: &str = select_alerts!("where provider_id = $1 and id > $2 order by id limit $3");
// Machines take turns, and so do providers: who raises many alerts does not hold up another one's.
const SELECT_DUE: &str = concat!(
    "select ",
    alert_columns!(),
    " from (select of_machines.*, row_number() over (partition by provider_id order by \
     machine_turn, next_at, id) as provider_turn from (select a.id, a.provider_id, p.name, \
     a.machine, a.kind, a.at, a.details, a.attempts, a.next_at, row_number() over (partition by \
     a.provider_id, a.machine order by a.next_at, a.id) as machine_turn from alerts a join \
     providers p on p.id = a.provider_id where a.next_at <= $1) of_machines) raised \
     order by provider_turn, next_at, id limit $2"
);
const INSERT: &str = "insert into alerts (id, provider_id, machine, kind, at, details, attempts, \
                      next_at) select $1, p.id, $3, $4, $5, $6, 0, $7 from providers p \
                      where p.name_key = $2";
const COUNT: &str = "select count(*) from alerts where provider_id = (select id from providers \
                     where name_key = $1)";
/// Lets go of one: of those that arrived, or that nobody is to be told of, the oldest, if there are any.
const EVICT: &str = "delete from alerts where id = (select id from alerts where provider_id = (select \
                     id from providers where name_key = $1) and id <> $2 order by case when \
                     next_at is null then 0 else 1 end, id limit 1) \
                     returning next_at";

/// Keeps an alert in a transaction, and lets go of the oldest of its provider beyond [`ALERTS_KEPT`],
/// first of those that were delivered; tells how many were let go of that were not.
pub(crate) async fn keep(
    tx: &mut Tx,
    new: NewAlert,
    is_told: bool,
) -> Result<(Alert, u64), StoreError> {
    let sql = "update store_state set value = value + 1 where name = 'alerts' returning value";
    let row = tx.fetch_optional(sql, &[]).await?;
    let missing = StoreError::Corrupt { column: "store_state.value", reason: "missing" };
    let id = row.ok_or(missing)?.u64("store_state.value")?;
    let details = Json::Object(new.details.clone()).to_string();
    let next_at = is_told.then_some(new.at);
    let values = [
        id.into(),
        new.provider.key().into(),
        new.machine.as_str().into(),
        new.kind.as_str().into(),
        new.at.into(),
        details.as_str().into(),
        next_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    let evicted_undelivered = evict(tx, &new.provider, id).await?;
    let NewAlert { provider, machine, kind, at, details } = new;
    Ok((Alert { id, provider, machine, kind, at, details, attempts: 0 }, evicted_undelivered))
}

/// Lets go of what is too much beside the alert of that number.
async fn evict(tx: &mut Tx, provider: &ProviderName, newest: u64) -> Result<u64, StoreError> {
    let row = tx.fetch_optional(COUNT, &[provider.key().into()]).await?;
    let kept = row.map_or(Ok(0), |mut row| row.u64("alerts.count"))?;
    let mut undelivered = 0_u64;
    for _ in ALERTS_KEPT..kept {
        let values = [provider.key().into(), newest.into()];
        let Some(mut row) = tx.fetch_optional(EVICT, &values).await? else { break };
        let is_undelivered = row.opt_time("alerts.next_at")?.is_some();
        undelivered = undelivered.saturating_add(u64::from(is_undelivered));
    }
    Ok(undelivered)
}

impl Store {
    /// The alerts of a provider, oldest first; the mark of a page is their number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn alerts(
        &self,
        provider: ProviderId,
        page: PageRequest,
    ) -> Result<Page<Alert>, StoreError> {
        let values = [provider.0.into(), page.after.into(), u64::from(page.rows_max()).into()];
        let rows = self.read("read alerts", SELECT_PAGE, &values).await?;
        let items = rows.into_iter().map(read_alert).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, page, |alert| alert.id))
    }

    /// Alerts of all providers that are to be delivered by `at`: the oldest first, in turns of their machines and
    /// providers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn due_alerts(&self, at: UnixTime, most: u32) -> Result<Vec<Alert>, StoreError> {
        let values = [at.into(), u64::from(most).into()];
        let rows = self.read("read alerts that are due", SELECT_DUE, &values).await?;
        rows.into_iter().map(read_alert).collect()
    }

    /// Notes that an alert was sent: that it arrived, or, with a moment, that it did not and is to be
    /// sent again then.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn note_delivery(
        &self,
        alert: u64,
        again_at: Option<UnixTime>,
    ) -> Result<(), StoreError> {
        let mut tx = self.inner.database.begin_write("note the delivery of an alert").await?;
        tx.execute(
            "update alerts set attempts = attempts + 1, next_at = $2 where id = $1",
            &[alert.into(), again_at.into()],
        )
        .await?;
        tx.commit().await
    }
}
