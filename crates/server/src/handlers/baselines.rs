//! `GET /tcbbaselines/{type}`

use std::sync::Arc;

use avouch_engine::TcbBaseline;
use avouch_wire::EvidenceKind;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Authorized;
use crate::api_version::ApiVersion;
use crate::state::AppState;
use crate::{ApiError, Provider, query, respond};

/// What MAA documents of a baseline besides its number: the least platform software on Linux and
/// on Windows.
///
/// Source: `docs/maa/attest.md#tcb-baselines`.
const DOCUMENTED: [(u32, &str, &str); 6] = [
    (10, "2.9", "2.7.101.2"),
    (11, "2.13.3", "2.13.100.2"),
    (12, "2.13.3", "2.13.100.2"),
    (13, "2.17", "2.16"),
    (14, "2.17", "2.16"),
    (15, "2.17", "2.16"),
];

/// Lists the baselines whose endorsements are at hand, and which of them the policy selects.
pub(super) async fn get(
    request: &Authorized<'_>,
    kind: EvidenceKind,
) -> Result<Response<Body>, ApiError> {
    let (state, provider) = (Arc::clone(request.state), Arc::clone(request.provider));
    let (version, query) = (request.version, request.query.map(str::to_owned));
    // The policy's configuration rules are evaluated.
    let list = move || list(&state, &provider, kind, version, query.as_deref());
    request.work.run(list).await
}

fn list(
    state: &AppState,
    provider: &Provider,
    kind: EvidenceKind,
    version: ApiVersion,
    query: Option<&str>,
) -> Result<Response<Body>, ApiError> {
    let baselines = state.engine.tcb_baselines(kind).ok_or_else(|| {
        ApiError::bad_request(format!("{} evidence has no TCB baselines", kind.policy_name()))
    })?;
    let selected = selected(provider, kind, &baselines);
    let body = if version == ApiVersion::V2022_09_01Preview {
        let only_selected = has_flag(query, "provideCurrentTcbInPolicy");
        let shown = baselines
            .iter()
            .filter(|one| !only_selected || Some(one.evaluation_data_number) == selected);
        Value::Array(shown.map(preview_row).collect())
    } else {
        let rows: Vec<Value> = baselines.iter().map(|one| row(one, selected)).collect();
        json!({ "tcbBaselines": rows })
    };
    Ok(respond::json(StatusCode::OK, body.to_string()))
}

/// The number that the policy in force asks for; without one, the highest at hand.
fn selected(provider: &Provider, kind: EvidenceKind, baselines: &[TcbBaseline]) -> Option<u32> {
    let asked = provider
        .policy(kind)
        .ok()
        .flatten()
        .and_then(|policy| policy.configuration().ok())
        .and_then(|configuration| configuration.sgx_tcb_identifier().parse().ok());
    asked.or_else(|| baselines.last().map(|one| one.evaluation_data_number))
}

fn has_flag(query: Option<&str>, name: &str) -> bool {
    query::values(query, name).any(|value| value.eq_ignore_ascii_case("true"))
}

fn documented(number: u32) -> (&'static str, &'static str) {
    let found = DOCUMENTED.into_iter().find(|(known, ..)| *known == number);
    found.map_or(("", ""), |(_, linux, windows)| (linux, windows))
}

/// Without a zone, as MAA's own example has it.
fn date_time(baseline: &TcbBaseline) -> String {
    baseline.tcb_date.to_rfc3339().trim_end_matches('Z').to_owned()
}

fn row(baseline: &TcbBaseline, selected: Option<u32>) -> Value {
    let number = baseline.evaluation_data_number;
    let (linux, windows) = documented(number);
    json!({
        "tcbIdentifier": number.to_string(),
        "tcbEvaluationDataNumber": number,
        "tcbReleaseDate": date_time(baseline),
        "minimumPswLinuxVersion": linux,
        "minimumPswWindowsVersion": windows,
        "isSelectedTcb": Some(number) == selected,
    })
}

fn preview_row(baseline: &TcbBaseline) -> Value {
    let (linux, windows) = documented(baseline.evaluation_data_number);
    json!({
        "tcbEvaluationDataNumber": baseline.evaluation_data_number.to_string(),
        "tcbReleaseDate": date_time(baseline),
        "minimumPswLinuxVersion": linux,
        "minimumPswWindowsVersion": windows,
    })
}
