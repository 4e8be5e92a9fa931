//! `avouch key list`

use std::time::Duration;

use avouch_server::config::TeeConfig;
use avouch_store::{KeyPurpose, KeyRecord, KeyState, ProviderId};
use avouch_tee::SourceName;
use avouch_wire::UnixTime;
use serde::Serialize;

use super::records::Records;
use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// A key as it is shown. Nothing of its private half is in it.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) kid: String,
    purpose: &'static str,
    /// Number of the provider that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<u64>,
    algorithm: String,
    pub(super) state: &'static str,
    created_at: String,
    /// From when on it may sign.
    pub(super) not_before: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<String>,
    /// When it leaves key sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone_at: Option<String>,
    /// Name of the master key that it is wrapped under, or of the token that keeps it.
    wrapping_key: String,
    /// Whether the configuration has that master key, or that token the key.
    opens: bool,
}

impl Row {
    pub(super) fn of(record: &KeyRecord, records: &Records) -> Self {
        let text = |moment: UnixTime| moment.to_string();
        Self {
            kid: record.kid.clone(),
            purpose: record.purpose.as_str(),
            provider: record.provider.map(ProviderId::get),
            algorithm: record.algorithm.clone(),
            state: record.state.as_str(),
            created_at: text(record.created_at),
            not_before: text(record.not_before),
            activated_at: record.activated_at.map(text),
            retired_at: record.retired_at.map(text),
            gone_at: records.gone_at(record).map(text),
            wrapping_key: record.wrapping_key.clone(),
            opens: records.opens(record),
        }
    }

    pub(super) fn text(&self) -> String {
        let provider =
            self.provider.map_or_else(String::new, |number| format!(" of provider {number}"));
        let since = match (&self.activated_at, &self.retired_at) {
            (_, Some(at)) => {
                let gone = self.gone_at.as_deref().unwrap_or("never");
                format!("since {at}, in key sets until {gone}")
            }
            (Some(at), None) => format!("since {at}"),
            (None, None) => format!("may sign from {} on", self.not_before),
        };
        let lost = match self.opens {
            true => String::new(),
            false => format!("  cannot be opened: under {}", self.wrapping_key),
        };
        format!(
            "{}  {}{provider}  {}  {}  {since}{lost}",
            self.kid, self.purpose, self.algorithm, self.state
        )
    }
}

/// Where a key stands in the list: with those that it follows or is followed by, the one that signs first. Only
/// keys that are alike in all that is shown but their moments are told apart by their names.
fn place(record: &KeyRecord) -> impl Ord + '_ {
    let purpose = match record.purpose {
        KeyPurpose::Token => 0_u8,
        KeyPurpose::Report => 1,
        KeyPurpose::ReportCa => 2,
    };
    let state = match record.state {
        KeyState::Active => 0_u8,
        KeyState::Published => 1,
        KeyState::Retired => 2,
    };
    let provider = record.provider.map(ProviderId::get);
    let moments = (record.created_at, record.not_before);
    (purpose, provider, &record.algorithm, state, moments, &record.kid)
}

#[derive(Serialize)]
struct Answer {
    /// Name of the master key that wraps new keys.
    master_key: String,
    /// Which TEE there is where the command runs, whose evidence certificates carry.
    tee: &'static str,
    keys: Vec<Row>,
}

/// The longest that a TEE is looked for.
const TEE_WITHIN: Duration = Duration::from_secs(10);

/// The name of the TEE that is there; `none` where the service would find none, or would not start.
async fn tee(config: &TeeConfig) -> &'static str {
    let settings = config.settings();
    let look = move || {
        let found = settings.choose_within(TEE_WITHIN);
        found.ok().flatten().map_or(SourceName::None.name(), |source| source.name())
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(SourceName::None.name())
}

fn tee_text(source: &'static str) -> String {
    match source {
        "none" => "no TEE is here: certificates of keys carry no evidence".to_owned(),
        name => format!("certificates of keys carry evidence of {name}: /readyz says until when"),
    }
}

pub(super) async fn list(records: &Records, output: OutputOptions) -> Result<Verdict, Failure> {
    let mut all = records.all().await?;
    all.sort_by(|one, other| place(one).cmp(&place(other)));
    let keys: Vec<Row> = all.iter().map(|record| Row::of(record, records)).collect();
    let master_key = records.custody.master.first().name().to_owned();
    let answer = Answer { master_key, tee: tee(&records.config.tee).await, keys };
    output.answer(&answer, || {
        if answer.keys.is_empty() {
            return "there are no keys yet: the service makes them at its start".to_owned();
        }
        let rows = answer.keys.iter().map(Row::text);
        rows.chain([tee_text(answer.tee)]).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Verdict::Yes)
}
