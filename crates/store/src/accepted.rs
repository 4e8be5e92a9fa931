//! Which signed requests an Isolated provider has accepted.
//!
//! A signature does not age: whoever may set policies could send an old signed policy once more,
//! and history hands them out. A provider that takes each only once refuses that.

use crate::driver::Value;
use crate::error::StoreError;
use crate::limits::ACCEPTED_REQUESTS_MAX;
use crate::provider::{Provider, TrustModel};
use crate::store::WriteTx;

impl WriteTx<'_> {
    /// Keeps that the request of this write was accepted, or refuses it if it was before and may be
    /// only once. `token_hash` is that of the policy or reset: those accepted by a program of
    /// schema 2 are known by it alone, and only while history holds them.
    ///
    /// Providers that take unsigned policies keep nothing: there is no signer to replay.
    pub(crate) async fn accept_request(
        &mut self,
        provider: &Provider,
        token_hash: Option<&[u8; 32]>,
    ) -> Result<(), StoreError> {
        let Some(request) = self.edit.request else { return Ok(()) };
        if provider.trust_model != TrustModel::Isolated {
            return Ok(());
        }
        let seen = || StoreError::RequestSeen { provider: provider.name.to_string() };
        if request.once && self.is_in_history(provider, token_hash).await? {
            return Err(seen());
        }
        self.make_room(provider, request.once).await?;
        let added = self
            .tx
            .execute(
                "insert into accepted_tokens (provider_id, signed_hash, sequence) \
                 values ($1, $2, $3) on conflict (provider_id, signed_hash) do nothing",
                &[provider.id.0.into(), (&request.signed_hash).into(), self.sequence.0.into()],
            )
            .await?;
        if request.once && added == 0 { Err(seen()) } else { Ok(()) }
    }

    async fn is_in_history(
        &mut self,
        provider: &Provider,
        token_hash: Option<&[u8; 32]>,
    ) -> Result<bool, StoreError> {
        let Some(token_hash) = token_hash else { return Ok(false) };
        let sql = "select revision from policy_revisions where provider_id = $1 \
                   and token_hash = $2 limit 1";
        let values = [provider.id.0.into(), token_hash.into()];
        Ok(self.tx.fetch_optional(sql, &values).await?.is_some())
    }

    /// Where none may come twice none may be forgotten; elsewhere the oldest are.
    async fn make_room(&mut self, provider: &Provider, once: bool) -> Result<(), StoreError> {
        let key: [Value<'_>; 1] = [provider.id.0.into()];
        let sql = "select count(*) from accepted_tokens where provider_id = $1";
        let found =
            self.tx.fetch_optional(sql, &key).await?.map_or(Ok(0), |mut row| row.u64("count"))?;
        if found < ACCEPTED_REQUESTS_MAX {
            return Ok(());
        }
        if once {
            let what = "signed requests that one provider remembers";
            let found = found.saturating_add(1);
            return Err(StoreError::Limit { what, found, allowed: ACCEPTED_REQUESTS_MAX });
        }
        self.tx
            .execute(
                "delete from accepted_tokens where provider_id = $1 and sequence = \
                 (select min(o.sequence) from accepted_tokens o where o.provider_id = $1)",
                &key,
            )
            .await
            .map(|_| ())
    }
}
