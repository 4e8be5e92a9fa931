//! `/certificates`: whose policies an Isolated provider takes
//! (`docs/maa/policies.md#policy-certificates`).

use std::sync::Arc;

use avouch_pki::Certificate;
use avouch_store::{CertificateChange, StoreError};
use avouch_token::policy_jws::{CertificateJws, CertificateOperation, check_policy_certificate};
use avouch_token::signer_jwk;
use axum::body::Body;
use axum::http::Response;
use serde_json::{Map, Value, json};

use super::access::Authorized;
use super::policies::contended;
use super::signers::Signers;
use super::{internal, result_token};
use crate::http::UnreadBody;
use crate::{ApiError, Provider};

/// Times that a decision is made anew because another writer was faster.
const ATTEMPTS: usize = 4;

/// `GET`: the certificates in a token of the service; none for trust model AAD.
pub(super) async fn get(request: &Authorized<'_>) -> Result<Response<Body>, ApiError> {
    let stored = Arc::clone(request.provider);
    let claims = request.work.run(move || certificate_claims(&stored)).await?;
    result_token(request, claims).await
}

fn certificate_claims(provider: &Provider) -> Result<Map<String, Value>, ApiError> {
    let stored = provider.tenant().certificates.iter();
    let keys = stored
        .map(|one| Ok(signer_jwk(&[Certificate::parse(&one.der).map_err(|e| internal(&e))?])))
        .collect::<Result<Vec<_>, ApiError>>()?;
    let claim = ("x-ms-policy-certificates".to_owned(), json!({ "keys": keys }));
    Ok(Map::from_iter([claim]))
}

impl Authorized<'_> {
    /// `POST :add` and `:remove`, signed by a holder of one of the certificates; both idempotent.
    pub(super) async fn change_certificates(
        &self,
        operation: CertificateOperation,
        body: UnreadBody,
    ) -> Result<Response<Body>, ApiError> {
        if !self.provider.is_isolated() {
            return Err(ApiError::invalid_operation("The operation is disallowed"));
        }
        let body = body.read().await?;
        let parse = move || -> Result<_, ApiError> {
            let jws = CertificateJws::parse(&body, operation)?;
            if operation == CertificateOperation::Add {
                // As at creation: what can never vouch could be left as the only one.
                check_policy_certificate(jws.certificate())?;
            }
            Ok(Arc::new(jws))
        };
        let jws = self.work.run(parse).await?;
        if let CertificateChange::Changed(sequence) = self.store_change(operation, &jws).await? {
            self.state.providers.saw(sequence).await;
        }
        let result = match operation {
            CertificateOperation::Add => "IsPresent",
            CertificateOperation::Remove => "IsAbsent",
        };
        let claims = Map::from_iter([
            ("x-ms-certificate-thumbprint".to_owned(), jws.thumbprint().into()),
            ("x-ms-policycertificates-result".to_owned(), result.into()),
        ]);
        result_token(self, claims).await
    }

    async fn store_change(
        &self,
        operation: CertificateOperation,
        jws: &Arc<CertificateJws>,
    ) -> Result<CertificateChange, ApiError> {
        let (store, id) = (self.state.providers.store(), self.provider.tenant().provider.id);
        let now = self.state.clock.now();
        for _ in 0..ATTEMPTS {
            let signers = Signers::read(store, id).await?;
            let edit = self.edit(signers.expected(), now, Some(jws.signer()))?;
            let (provider, judged) = (Arc::clone(self.provider), Arc::clone(jws));
            let check = move || signers.check(&provider, Some(judged.signer()), now);
            self.work.run(check).await?;
            let der = jws.certificate().der();
            let written = match operation {
                CertificateOperation::Add => store.add_policy_certificate(id, der, &edit).await,
                CertificateOperation::Remove => {
                    store.remove_policy_certificate(id, der, &edit).await
                }
            };
            match written {
                Err(StoreError::Conflict { .. }) => {}
                done => return Ok(done?),
            }
        }
        Err(contended().into())
    }
}
