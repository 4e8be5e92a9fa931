//! `avouch key sweep`

use avouch_server::keys::UnrecordedKey;
use serde_json::{Value, json};

use super::change::INSTANCES_HEAR;
use super::records::Records;
use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// Shows the keys that the token has and no record names; destroys those that no record names a little later, either.
pub(super) async fn sweep(
    records: &Records,
    destroy: bool,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let mut found = unrecorded(records).await?;
    if destroy && !found.is_empty() {
        // An instance may just be making one.
        tokio::time::sleep(INSTANCES_HEAR).await;
        let still = unrecorded(records).await?;
        found.retain(|key| still.contains(key));
        let token = records.custody.token.iter();
        for (token, key) in token.flat_map(|token| found.iter().map(move |key| (token, key))) {
            token.destroy_unrecorded(key).map_err(Failure::other)?;
        }
    }
    let row = |key: &UnrecordedKey| json!({ "id": key.id(), "label": key.label() });
    let rows: Vec<Value> = found.iter().map(row).collect();
    let answer = json!({ "unrecorded": rows, "destroyed": destroy });
    output.answer(&answer, || {
        let done = if destroy { "destroyed" } else { "no record names" };
        let mut text = format!("{} keys that no record names", found.len());
        for key in &found {
            text.push_str(&format!("\n{done} {} ({})", key.id(), key.label()));
        }
        text
    })?;
    Ok(Verdict::of(destroy || found.is_empty()))
}

async fn unrecorded(records: &Records) -> Result<Vec<UnrecordedKey>, Failure> {
    let token = records.custody.token.as_ref().ok_or_else(|| {
        Failure::Other("the configuration names no PKCS#11 token: there is nothing to sweep".into())
    })?;
    token.unrecorded(&records.all().await?).map_err(Failure::other)
}
