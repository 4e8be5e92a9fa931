//! `avouch key publish`, `activate`, `retire`, `rotate`, `remove`, `rewrap`

use std::time::Duration;

use avouch_server::keys::{KeyPlan, SigningToken};
use avouch_server::vault::rewrapped_vault_key;
use avouch_store::{KeyPurpose, KeyRecord, KeyState, PageRequest};
use avouch_wire::UnixTime;
use serde_json::{Value, json};

use super::list::Row;
use super::records::{Records, Which};
use super::{RotateArgs, WhichArgs};
use crate::commands::serve::with_cause;
use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// Within that time running instances hear of a change of keys.
pub(super) const INSTANCES_HEAR: Duration = Duration::from_secs(5);

pub(super) async fn publish(
    records: &Records,
    args: &WhichArgs,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let which = records.which(args).await?;
    let made = published(records, &which).await?;
    told(records, "published", &made, output)
}

pub(super) async fn activate(
    records: &Records,
    kid: &str,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let key = records.key(kid).await?;
    if key.state == KeyState::Published && records.now < key.not_before {
        return Err(Failure::Other(format!(
            "key {} may sign from {} on: clients that keep key sets may not know it before",
            key.kid, key.not_before
        )));
    }
    let edit = records.edit();
    let active = records.store.activate_key(&key.kid, &edit).await.map_err(with_cause)?;
    told(records, "activated", &active, output)
}

pub(super) async fn retire(
    records: &Records,
    kid: &str,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let key = records.key(kid).await?;
    let edit = records.edit();
    let retired = records.store.retire_key(&key.kid, &edit).await.map_err(with_cause)?;
    told(records, "retired", &retired, output)
}

pub(super) async fn remove(
    records: &Records,
    kid: &str,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let key = records.key(kid).await?;
    records.store.delete_key(&key.kid, &records.edit()).await.map_err(with_cause)?;
    if SigningToken::holds_key_of(&key) {
        // Instances that have not heard of it still make its certificate.
        tokio::time::sleep(INSTANCES_HEAR).await;
    }
    records.custody.destroy(&key).map_err(|error| {
        Failure::Other(format!(
            "{} is removed, but still in its token: {error}; `avouch key sweep` finds it",
            key.kid
        ))
    })?;
    let answer = json!({ "done": "removed", "kid": key.kid });
    output.answer(&answer, || format!("removed {}: what it signed is refused", key.kid))?;
    Ok(Verdict::Yes)
}

/// The next step: each is safe to repeat, and none lets a key sign that clients cannot know.
pub(super) async fn rotate(
    records: &Records,
    args: &RotateArgs,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let which = records.which(&args.which).await?;
    if args.now {
        let made = add(records, &which, records.now).await?;
        let edit = records.edit();
        let active = records.store.activate_key(&made.kid, &edit).await.map_err(with_cause)?;
        return told(records, "activated", &active, output);
    }
    let all = records.all().await?;
    let in_scope = |record: &&KeyRecord| record.scope() == which.scope();
    let waiting = all.iter().filter(in_scope).filter(|key| key.state == KeyState::Published);
    if let Some(next) = KeyPlan::next(which.scope(), &all, records.now) {
        let edit = records.edit();
        let active = records.store.activate_key(&next.kid, &edit).await.map_err(with_cause)?;
        return told(records, "activated", &active, output);
    }
    if let Some(first) = waiting.min_by_key(|key| key.not_before) {
        let text = format!(
            "nothing to do yet: {} may sign from {} on; rotate again then",
            first.kid, first.not_before
        );
        let answer = json!({ "done": "nothing", "key": Row::of(first, records) });
        output.answer(&answer, || text)?;
        return Ok(Verdict::No);
    }
    let made = published(records, &which).await?;
    told(records, "published", &made, output)
}

/// Wraps all keys anew that are wrapped under a former master key.
pub(super) async fn rewrap(records: &Records, output: OutputOptions) -> Result<Verdict, Failure> {
    let first = records.custody.master.first().name();
    let (mut done_kids, mut unopened) = (Vec::new(), Vec::new());
    for record in records.all().await? {
        if record.wrapping_key == first {
            continue;
        }
        let wrapped = match records.custody.rewrapped(&record) {
            Ok(Some((wrapped, _))) => wrapped,
            // A token keeps it, under no master key.
            Ok(None) => continue,
            Err(_) => {
                unopened.push(record.kid);
                continue;
            }
        };
        let (edit, revision) = (records.edit(), record.revision);
        let done = records.store.rewrap_key(&record.kid, revision, &wrapped, first, &edit).await;
        done.map_err(with_cause)?;
        done_kids.push(record.kid);
    }
    rewrap_vault(records, &mut done_kids, &mut unopened).await?;
    let answer = json!({ "master_key": first, "rewrapped": done_kids, "unopened": unopened });
    output.answer(&answer, || {
        let mut text = format!("{} keys are wrapped anew under {first}", done_kids.len());
        for kid in &unopened {
            text.push_str(&format!("\n{kid} cannot be opened"));
        }
        text
    })?;
    Ok(Verdict::of(unopened.is_empty()))
}

/// The same for the keys of the vault, those of deleted names too.
async fn rewrap_vault(
    records: &Records,
    done: &mut Vec<String>,
    unopened: &mut Vec<String>,
) -> Result<(), Failure> {
    let first = records.custody.master.first().name();
    let mut page = Some(PageRequest::first());
    while let Some(request) = page {
        let found = records.store.vault_keys_not_under(first, request).await.map_err(with_cause)?;
        page = found.next_request(request);
        for key in found.items {
            let named = format!("{}/{}", key.name, key.version);
            let Ok((wrapped, name)) = rewrapped_vault_key(&key, &records.custody.master) else {
                unopened.push(named);
                continue;
            };
            let (edit, wrapped) = (records.edit(), (wrapped.as_slice(), name));
            let store = &records.store;
            let rewrapped =
                store.rewrap_vault_key(&key.name, &key.version, key.revision, wrapped, &edit);
            rewrapped.await.map_err(with_cause)?;
            done.push(named);
        }
    }
    Ok(())
}

/// A new key that may sign once clients had the time to see it. For the CA of reports nobody must wait:
/// its certificate comes with each report.
async fn published(records: &Records, which: &Which) -> Result<KeyRecord, Failure> {
    let seconds = match which.purpose {
        KeyPurpose::ReportCa => 0,
        KeyPurpose::Token | KeyPurpose::Report => records.plan.publish_seconds,
    };
    add(records, which, records.now.saturating_add_seconds(seconds)).await
}

async fn add(records: &Records, which: &Which, not_before: UnixTime) -> Result<KeyRecord, Failure> {
    let Which { purpose, provider, spec } = *which;
    let new = records.custody.make(spec, purpose, provider, not_before);
    let new = new.map_err(Failure::other)?;
    let stored = records.store.publish_key(&new.record(), &records.edit()).await;
    if stored.is_err() && matches!(records.store.key(new.kid()).await, Ok(None)) {
        // Nothing is left of a key that nobody knows. What is not known now, a sweep finds.
        let _ = records.custody.destroy_new(&new);
    }
    stored.map_err(with_cause)
}

fn told(
    records: &Records,
    done: &'static str,
    key: &KeyRecord,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let row = Row::of(key, records);
    let answer: Value = json!({ "done": done, "key": row });
    output.answer(&answer, || format!("{done} {}", row.text()))?;
    Ok(Verdict::Yes)
}
