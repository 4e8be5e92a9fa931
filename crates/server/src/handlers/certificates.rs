//! `/certificates`: whose policies an Isolated provider takes (`maa-rest-api.md` section 5.8).

use avouch_pki::Certificate;
use avouch_store::{CertificateChange, Edit, StoreError};
use avouch_token::policy_jws::{CertificateJws, CertificateOperation};
use avouch_token::signer_jwk;
use axum::body::Body;
use axum::http::Response;
use serde_json::{Map, json};

use super::policies::contended;
use super::signers::Signers;
use super::{internal, result_token};
use crate::auth::Caller;
use crate::state::AppState;
use crate::{ApiError, Provider};

/// Times that a decision is made anew because another writer was faster.
const ATTEMPTS: usize = 4;

/// `GET`: the certificates in a token of the service; none for trust model AAD.
pub(super) fn get(state: &AppState, provider: &Provider) -> Result<Response<Body>, ApiError> {
    let stored = provider.tenant().certificates.iter();
    let keys = stored
        .map(|one| Ok(signer_jwk(&[Certificate::parse(&one.der).map_err(|e| internal(&e))?])))
        .collect::<Result<Vec<_>, ApiError>>()?;
    let claim = ("x-ms-policy-certificates".to_owned(), json!({ "keys": keys }));
    result_token(state, provider, &Map::from_iter([claim]))
}

/// `POST :add` and `:remove`, signed by a holder of one of the certificates; both idempotent.
pub(super) async fn change(
    state: &AppState,
    provider: &Provider,
    operation: CertificateOperation,
    caller: &Caller,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    if !provider.is_isolated() {
        return Err(ApiError::invalid_operation("The operation is disallowed"));
    }
    let jws = CertificateJws::parse(body, operation)?;
    let done = store_change(state, provider, operation, caller, &jws).await?;
    if let CertificateChange::Changed(sequence) = done {
        state.providers.saw(sequence).await;
    }
    let result = match operation {
        CertificateOperation::Add => "IsPresent",
        CertificateOperation::Remove => "IsAbsent",
    };
    let claims = [
        ("x-ms-certificate-thumbprint".to_owned(), jws.thumbprint().into()),
        ("x-ms-policycertificates-result".to_owned(), result.into()),
    ];
    result_token(state, provider, &Map::from_iter(claims))
}

async fn store_change(
    state: &AppState,
    provider: &Provider,
    operation: CertificateOperation,
    caller: &Caller,
    jws: &CertificateJws,
) -> Result<CertificateChange, ApiError> {
    let (store, id, now) =
        (state.providers.store(), provider.tenant().provider.id, state.clock.now());
    for _ in 0..ATTEMPTS {
        let signers = Signers::read(store, id).await?;
        signers.check(provider, Some(jws.signer()), now)?;
        let edit = Edit::new(caller.actor()?, now).expecting(signers.expected());
        let der = jws.certificate().der();
        let written = match operation {
            CertificateOperation::Add => store.add_policy_certificate(id, der, &edit).await,
            CertificateOperation::Remove => store.remove_policy_certificate(id, der, &edit).await,
        };
        match written {
            Err(StoreError::Conflict { .. }) => {}
            done => return Ok(done?),
        }
    }
    Err(contended())
}
