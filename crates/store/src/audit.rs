//! The audit trail: what was done and what was refused, by whom, kept when providers go.
//!
//! Every write of this crate adds its own entry in the same transaction. The server appends what
//! happens outside the store, such as refused requests. Entries are never changed or removed
//! through this crate, and triggers in the database refuse it to everyone who has not dropped
//! them first.

use avouch_wire::UnixTime;
use serde_json::{Map, Value as Json};

use crate::actor::{Actor, ActorKind};
use crate::columns::columns;
use crate::error::StoreError;
use crate::limits::{AUDIT_BATCH_MAX, AUDIT_DETAILS_BYTES_MAX};
use crate::names::{ProviderId, ProviderName, check_size, checked_text};
use crate::page::{Page, PageRequest};
use crate::store::{Sequence, Store, next_sequence};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// Done.
    Succeeded,
    /// Refused.
    Refused,
}

impl AuditOutcome {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Succeeded, Self::Refused].into_iter().find(|it| it.as_str() == text)
    }
}

/// An entry to be appended.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// When, in whole seconds.
    pub at: UnixTime,
    /// Who asked for it.
    pub actor: Actor,
    /// What, such as `policy-set`.
    pub action: String,
    /// Succeeded or refused.
    pub outcome: AuditOutcome,
    /// The provider it was about.
    pub provider: Option<(ProviderId, ProviderName)>,
    /// More, as a JSON object. No secrets: it stays.
    pub details: Map<String, Json>,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Place in the order of all writes.
    pub sequence: Sequence,
    /// When, in whole seconds.
    pub at: UnixTime,
    /// Who asked for it.
    pub actor: Actor,
    /// What, such as `policy-set`.
    pub action: String,
    /// Succeeded or refused.
    pub outcome: AuditOutcome,
    /// The provider it was about, which may be gone.
    pub provider: Option<(ProviderId, ProviderName)>,
    /// More, as `docs/schemas/service.md#details-of-changes` has it.
    pub details: Map<String, Json>,
}

columns! {
    entry_columns, read_entry -> AuditEntry {
        sequence: u64,
        at: time,
        actor: text,
        actor_kind: word(ActorKind::parse),
        action: text,
        outcome: word(AuditOutcome::parse),
        provider_id: opt_u64,
        provider_name: opt_text,
        details: word(|text| serde_json::from_str(text).ok()),
    } => AuditEntry {
        sequence: Sequence(sequence),
        at,
        actor: Actor::stored(actor_kind, actor),
        action,
        outcome,
        provider: provider_id.map(ProviderId).zip(provider_name.map(ProviderName::stored)),
        details,
    }
}

impl Store {
    /// Appends entries, all or none, and returns the sequence of the last.
    ///
    /// # Errors
    /// [`StoreError::Limit`]; [`StoreError::Invalid`]; [`StoreError::Unavailable`].
    pub async fn append_audit(&self, entries: &[NewAuditEntry]) -> Result<Sequence, StoreError> {
        check_size("audit entries in one call", entries.len(), AUDIT_BATCH_MAX)?;
        let details = entries.iter().map(checked_details).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.inner.database.begin_write("append to the audit trail").await?;
        let count = entries.len() as u64;
        let last = next_sequence(&mut tx, count).await?;
        let first = last.0.saturating_sub(count).saturating_add(1);
        for (sequence, (entry, details)) in (first..).zip(entries.iter().zip(&details)) {
            let provider = entry.provider.as_ref();
            tx.execute(
                "insert into audit (sequence, at, actor, actor_kind, action, outcome, \
                 provider_id, provider_name, provider_key, details) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                &[
                    sequence.into(),
                    entry.at.into(),
                    entry.actor.id().into(),
                    entry.actor.kind().as_str().into(),
                    entry.action.as_str().into(),
                    entry.outcome.as_str().into(),
                    provider.map(|(id, _)| id.0).into(),
                    provider.map(|(_, name)| name.as_str()).into(),
                    provider.map(|(_, name)| name.key()).into(),
                    details.as_str().into(),
                ],
            )
            .await?;
        }
        tx.commit().await?;
        self.read_back(last).await?;
        Ok(last)
    }

    /// The audit trail, oldest first; the mark of a page is a sequence. With a name, only what
    /// was done to providers of that name, all of them: a [`ProviderId`] tells them apart.
    ///
    /// # Errors
    /// [`StoreError::InvalidName`]; [`StoreError::Unavailable`].
    pub async fn audit(
        &self,
        provider_name: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let (after, rows_max) = (page.after.into(), u64::from(page.rows_max()).into());
        let operation = "read the audit trail";
        let rows = match provider_name {
            None => {
                self.read(
                    operation,
                    concat!(
                        "select ",
                        entry_columns!(),
                        " from audit where sequence > $1 order by sequence limit $2"
                    ),
                    &[after, rows_max],
                )
                .await?
            }
            Some(name) => {
                let key = ProviderName::key_of(name)?;
                self.read(
                    operation,
                    concat!(
                        "select ",
                        entry_columns!(),
                        " from audit where provider_key = $3 and sequence > $1 \
                         order by sequence limit $2"
                    ),
                    &[after, rows_max, key.as_str().into()],
                )
                .await?
            }
        };
        let items = rows.into_iter().map(read_entry).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, page, |entry| entry.sequence.0))
    }
}

fn checked_details(entry: &NewAuditEntry) -> Result<String, StoreError> {
    checked_text("audit action", &entry.action)?;
    let text = Json::Object(entry.details.clone()).to_string();
    check_size("bytes of audit details", text.len(), AUDIT_DETAILS_BYTES_MAX)?;
    Ok(text)
}
