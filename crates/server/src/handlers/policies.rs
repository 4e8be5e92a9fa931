//! `/policies/{type}`: get, set, reset (`docs/maa/policies.md#routes`).

use std::sync::Arc;

use avouch_engine::{PolicyInForce, PolicyRefused};
use avouch_store::{Edit, Expected, NewPolicy, PolicyReset, Sequence, SignedRequest, StoreError};
use avouch_token::policy_jws::{
    NO_POLICY_JWS, PolicyEncoding, PolicyJws, ResetJws, VerifiedSigner,
};
use avouch_wire::{EvidenceKind, UnixTime, base64url, beginning};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Map, Value};

use super::access::Authorized;
use super::result_token;
use super::signers::{Signers, stored_signer};
use crate::http::UnreadBody;
use crate::state::AppState;
use crate::{ApiError, Fault, Provider};

/// Times that a decision is made anew because a signer was added or removed meanwhile.
const ATTEMPTS: usize = 4;

/// `GET`: the policy JWS, byte for byte, in a token of the service.
pub(super) async fn get(request: &Authorized<'_>, name: &str) -> Result<Response<Body>, ApiError> {
    let (state, provider) = (request.state, request.provider);
    let attestation_type = known(name)?;
    // What does not compile any more is shown all the same.
    let compiled = provider.policy(attestation_type).ok().flatten();
    let jws = match compiled {
        Some(policy) => policy.jws().to_owned(),
        None => stored(state, provider, attestation_type).await?,
    };
    let claim = Value::String(jws);
    let claims = Map::from_iter([("x-ms-policy".to_owned(), claim)]);
    result_token(request, claims).await
}

/// The policy as it was set, or MAA's form of "no policy".
async fn stored(
    state: &AppState,
    provider: &Provider,
    attestation_type: EvidenceKind,
) -> Result<String, ApiError> {
    match provider.tenant().policy(attestation_type) {
        Some(policy) => {
            let jws = state.providers.stored_jws(provider.tenant(), policy).await?;
            String::from_utf8(jws).map_err(|error| super::internal(&error).into())
        }
        None => Ok(NO_POLICY_JWS.to_owned()),
    }
}

impl Authorized<'_> {
    /// `PUT`: puts a policy in force, signed or unsigned as the provider's trust model wants it.
    pub(super) async fn set_policy(
        &self,
        name: &str,
        body: UnreadBody,
    ) -> Result<Response<Body>, ApiError> {
        let attestation_type = known(name)?;
        let body = body.read().await?;
        let parse = move || -> Result<_, ApiError> {
            Ok(Arc::new(PolicyJws::parse(&body, PolicyEncoding::default())?))
        };
        let jws = self.work.run(parse).await?;
        let stored = self.store_policy(attestation_type, &jws).await?;
        self.state.providers.saw(Sequence(stored)).await;
        let mut claims = Map::new();
        claims.insert("x-ms-policy-result".to_owned(), "Updated".into());
        claims.insert("x-ms-policy-token-hash".to_owned(), jws.token_hash().into());
        if let Some(signer) = jws.signer() {
            claims.insert("x-ms-policy-signer".to_owned(), signer.jwk());
        }
        result_token(self, claims).await
    }

    async fn store_policy(
        &self,
        attestation_type: EvidenceKind,
        jws: &Arc<PolicyJws>,
    ) -> Result<u64, ApiError> {
        let (store, id) = (self.state.providers.store(), self.provider.tenant().provider.id);
        let now = self.state.clock.now();
        let mut compiled = false;
        for _ in 0..ATTEMPTS {
            let signers = Signers::read(store, id).await?;
            let expected = signers.expected();
            let (provider, judged) = (Arc::clone(self.provider), Arc::clone(jws));
            let judge = move || {
                signers.check(&provider, judged.signer(), now)?;
                // After the trust model: who may not set policies learns nothing of theirs.
                if compiled { Ok(()) } else { check_compiles(&judged) }
            };
            self.work.run(judge).await?;
            compiled = true;
            let text_hash = hash_bytes(&jws.policy_hash())?;
            let signer = jws.signer().map(stored_signer).transpose()?;
            let new = NewPolicy { jws: jws.raw().as_bytes(), text_hash, signer };
            let edit = self.edit(expected, now, jws.signer())?;
            match store.set_policy(id, attestation_type, &new, &edit).await {
                Ok(policy) => return Ok(policy.sequence),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(contended().into())
    }

    /// `POST :reset`: back to the default policy.
    pub(super) async fn reset_policy(
        &self,
        name: &str,
        body: UnreadBody,
    ) -> Result<Response<Body>, ApiError> {
        let attestation_type = known(name)?;
        let body = body.read().await?;
        let parse = move || -> Result<_, ApiError> { Ok(Arc::new(ResetJws::parse(&body)?)) };
        let jws = self.work.run(parse).await?;
        if let Some(sequence) = self.store_reset(attestation_type, &jws).await? {
            self.state.providers.saw(Sequence(sequence)).await;
        }
        let claims = Map::from_iter([("x-ms-policy-result".to_owned(), "Removed".into())]);
        result_token(self, claims).await
    }

    /// The sequence of the write, or none if the default policy was in force already.
    async fn store_reset(
        &self,
        attestation_type: EvidenceKind,
        jws: &Arc<ResetJws>,
    ) -> Result<Option<u64>, ApiError> {
        let (store, id) = (self.state.providers.store(), self.provider.tenant().provider.id);
        let now = self.state.clock.now();
        for _ in 0..ATTEMPTS {
            let signers = Signers::read(store, id).await?;
            let expected = signers.expected();
            let (provider, judged) = (Arc::clone(self.provider), Arc::clone(jws));
            self.work.run(move || signers.check(&provider, judged.signer(), now)).await?;
            let signer = jws.signer().map(stored_signer).transpose()?;
            let reset = PolicyReset { jws: jws.raw().as_bytes(), signer };
            let edit = self.edit(expected, now, jws.signer())?;
            match store.reset_policy(id, attestation_type, &reset, &edit).await {
                Ok(done) => return Ok(done.map(|revision| revision.sequence)),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(contended().into())
    }
}

impl Authorized<'_> {
    /// A write by this caller, perhaps carrying out what a signer wants.
    pub(super) fn edit(
        &self,
        expected: Expected,
        now: UnixTime,
        signer: Option<&VerifiedSigner>,
    ) -> Result<Edit<'_>, ApiError> {
        let edit = Edit::new(self.actor()?, now).expecting(expected);
        let Some(signer) = signer else { return Ok(edit) };
        let once = self.state.providers.signed_requests_once();
        Ok(edit.carrying_out(SignedRequest { signed_hash: *signer.signed_hash(), once }))
    }
}

fn check_compiles(jws: &PolicyJws) -> Result<(), ApiError> {
    match PolicyInForce::from_jws(jws.raw().as_bytes()) {
        Ok(_) => Ok(()),
        Err(PolicyRefused::Parsing { message }) => Err(ApiError::policy_parsing(message)),
        Err(PolicyRefused::Jws(error)) => Err(error.into()),
    }
}

fn hash_bytes(text: &str) -> Result<[u8; 32], ApiError> {
    let bytes = base64url::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.ok_or_else(Fault::internal)?)
}

pub(super) fn contended() -> Fault {
    Fault::unavailable("The policy certificates change all the time; try again.")
}

/// The type that a route names. Policies can be set for every one that MAA has, also where this
/// build does not appraise such evidence yet.
pub(super) fn known(name: &str) -> Result<EvidenceKind, ApiError> {
    EvidenceKind::from_policy_name(name).ok_or_else(|| unserved(name))
}

/// 400, never 404: clients take it as "no policy" (`docs/maa/policies.md#routes`).
pub(super) fn unserved(name: &str) -> ApiError {
    let name = beginning(name, 64);
    ApiError::bad_request(format!("{name} attestation is not supported by this provider"))
}
