//! `/avouch/machines`: when machines attested last, how that ended, and what changed since their
//! baseline; and the alerts that they raised.

use std::sync::Arc;

use avouch_store::{Alert, BaselineChange, Edit, FactChange, Machine};
use avouch_wire::UnixTime;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Authorized;
use super::paging::{Paging, next_query};
use crate::body::JsonBody;
use crate::http::UnreadBody;
use crate::monitoring::MachineProof;
use crate::{ApiError, Fault, respond};

/// Machines, or alerts, in one answer.
const ROWS_MAX: u32 = 100;

/// `GET /avouch/machines`, in the order in which they were first seen.
pub(super) async fn list(request: &Authorized<'_>) -> Result<Response<Body>, ApiError> {
    let page = Paging::from_query(request.query)?.page(ROWS_MAX);
    let store = request.state.providers.store();
    let found = store.machines(request.provider.tenant().provider.id, page).await?;
    let shown: Vec<Value> = found.items.iter().map(machine).collect();
    let query = found.next.map(|next| next_query(page, next));
    Ok(listed(request, shown, "machines", query))
}

/// `GET /avouch/alerts`, oldest first.
pub(super) async fn alerts(request: &Authorized<'_>) -> Result<Response<Body>, ApiError> {
    let page = Paging::from_query(request.query)?.page(ROWS_MAX);
    let store = request.state.providers.store();
    let found = store.alerts(request.provider.tenant().provider.id, page).await?;
    let shown: Vec<Value> = found.items.iter().map(alert).collect();
    let query = found.next.map(|next| next_query(page, next));
    Ok(listed(request, shown, "alerts", query))
}

/// `GET /avouch/machines/{machine}`.
pub(super) async fn get(request: &Authorized<'_>, name: &str) -> Result<Response<Body>, ApiError> {
    let store = request.state.providers.store();
    let found = store.machine(request.provider.tenant().provider.id, name).await?;
    let found = found.ok_or_else(|| unknown(name))?;
    Ok(respond::json(StatusCode::OK, machine(&found).to_string()))
}

/// `POST /avouch/machines/{machine}:baseline`: what it showed last, and the sender looked at, is as it should
/// be.
pub(super) async fn set_baseline(
    request: &Authorized<'_>,
    name: &str,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    let body = body.read().await?;
    let body = JsonBody::parse(&body)?;
    let seen = body.string("seen")?.ok_or_else(|| {
        ApiError::invalid_parameter("seen: the facts_sha256 of the state to accept is missing")
    })?;
    let edit = Edit::new(request.actor()?, request.state.clock.now());
    let id = request.provider.tenant().provider.id;
    let store = request.state.providers.store();
    match store.set_machine_baseline(id, name, seen, &edit).await? {
        BaselineChange::Set => get(request, name).await,
        BaselineChange::Unknown => Err(unknown(name)),
        BaselineChange::Unproven => {
            Err(Fault::conflict("Nothing is proven of this machine yet.").into())
        }
        BaselineChange::Differs(now) => Err(Fault::precondition_failed(differs(&now)).into()),
    }
}

/// What a machine shows in place of what was looked at.
fn differs(now: &Machine) -> String {
    let changes = now.changes();
    let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    let changed = match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    };
    let at = now.last_at.map(UnixTime::to_rfc3339).unwrap_or_default();
    format!(
        "Not what was seen: at {at} it showed {}, which differs from its baseline in: {changed}.",
        now.facts_sha256()
    )
}

/// `POST /avouch/machines:confirm`: whoever has the token that was sealed to a machine has it from there, so
/// the machine was alive, in the state that was attested. It is taken, and noted soon after.
pub(super) async fn confirm(
    request: &Authorized<'_>,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    if !request.state.monitoring.is_on() {
        return Err(Fault::not_found("No machines are watched here.").into());
    }
    let body = body.read().await?;
    let (state, provider) = (Arc::clone(request.state), Arc::clone(request.provider));
    let note = move || -> Result<Value, ApiError> {
        let body = JsonBody::parse(&body)?;
        let token = body.string("token")?.unwrap_or_default();
        let (id, now) = (provider.tenant().provider.id, state.clock.appraisal_time());
        let proof = MachineProof::open(token, state.tpm.keys(), id.get(), now)
            .map_err(|error| ApiError::invalid_parameter(error.to_string()))?;
        let (machine, at) = (proof.machine().to_owned(), proof.at());
        let attestation = proof.into_attestation(id).ok_or_else(Fault::internal)?;
        if !state.monitoring.offer(attestation) {
            return Err(Fault::too_many_requests(1).into());
        }
        Ok(json!({ "machine": machine, "attested_at": at.map(UnixTime::to_rfc3339) }))
    };
    let noted = request.work.run(note).await?;
    Ok(respond::json(StatusCode::ACCEPTED, noted.to_string()))
}

/// `DELETE /avouch/machines/{machine}`: it will not attest again.
pub(super) async fn forget(
    request: &Authorized<'_>,
    name: &str,
) -> Result<Response<Body>, ApiError> {
    let edit = Edit::new(request.actor()?, request.state.clock.now());
    let id = request.provider.tenant().provider.id;
    if !request.state.providers.store().forget_machine(id, name, &edit).await? {
        return Err(unknown(name));
    }
    Ok(respond::json(StatusCode::OK, json!({ "machine": name, "forgotten": true }).to_string()))
}

fn unknown(name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    Fault::not_found(format!("No machine {name} has attested here.")).into()
}

fn listed(
    request: &Authorized<'_>,
    shown: Vec<Value>,
    of: &str,
    query: Option<String>,
) -> Response<Body> {
    let mut body = json!({ "value": shown });
    if let (Some(query), Some(members)) = (query, body.as_object_mut()) {
        let url = request.state.providers.urls().of(request.provider.name());
        members.insert("nextLink".to_owned(), format!("{url}/avouch/{of}?{query}").into());
    }
    respond::json(StatusCode::OK, body.to_string())
}

fn machine(machine: &Machine) -> Value {
    let changes: Vec<Value> = machine.changes().iter().map(FactChange::to_json).collect();
    let unproven = machine.unproven_changes();
    let unproven_changes: Vec<Value> = unproven.iter().map(FactChange::to_json).collect();
    json!({
        "machine": machine.machine,
        "kind": machine.kind,
        "first_at": machine.first_at.to_rfc3339(),
        "last_at": machine.last_at.map(|at| at.to_rfc3339()),
        "verdict": machine.verdict.map(|verdict| verdict.as_str()),
        "refused_by": machine.refused_by,
        "facts": machine.facts,
        "facts_sha256": machine.facts_sha256(),
        "baseline": machine.baseline,
        "baseline_at": machine.baseline_at.map(|at| at.to_rfc3339()),
        "changes": changes,
        "unproven_at": machine.unproven.at.map(|at| at.to_rfc3339()),
        "unproven_verdict": machine.unproven.verdict.map(|verdict| verdict.as_str()),
        "unproven_refused_by": machine.unproven.refused_by,
        "unproven_facts": machine.unproven.facts,
        "unproven_changes": unproven_changes,
        "silent": machine.is_silent,
    })
}

fn alert(alert: &Alert) -> Value {
    json!({
        "alert": alert.id,
        "machine": alert.machine,
        "kind": alert.kind.as_str(),
        "at": alert.at.to_rfc3339(),
        "details": alert.details,
    })
}
