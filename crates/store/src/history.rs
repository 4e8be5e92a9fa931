//! How much of the history of policies is kept: within a number of revisions and of bytes.
//!
//! Setting a policy over and over must not fill the database. What goes leaves its audit entry
//! with both hashes.

use std::collections::HashSet;

use crate::error::StoreError;
use crate::names::ProviderId;
use crate::store::WriteTx;

impl WriteTx<'_> {
    /// Drops the oldest revisions of a provider that are beyond `bytes_max`, of whatever type. The
    /// newest of each type stays: it is the policy in force, or the reset that ended it, and the
    /// next one is numbered after it.
    pub(crate) async fn prune_history(
        &mut self,
        provider: ProviderId,
        bytes_max: u64,
    ) -> Result<(), StoreError> {
        let total = self
            .tx
            .fetch_optional(
                "select cast(coalesce(sum(length(jws)), 0) as bigint) from policy_revisions \
                 where provider_id = $1",
                &[provider.0.into()],
            )
            .await?
            .map_or(Ok(0), |mut row| row.u64("bytes"))?;
        if total <= bytes_max {
            return Ok(());
        }
        let rows = self
            .tx
            .fetch(
                "select attestation_type, sequence, cast(length(jws) as bigint) \
                 from policy_revisions where provider_id = $1 order by sequence desc",
                &[provider.0.into()],
            )
            .await?;
        let (mut newest, mut older, mut kept) = (HashSet::new(), Vec::new(), 0_u64);
        for mut row in rows {
            let attestation_type = row.text("attestation_type")?;
            let (sequence, bytes) = (row.u64("sequence")?, row.u64("bytes")?);
            if newest.insert(attestation_type) {
                kept = kept.saturating_add(bytes);
            } else {
                older.push((sequence, bytes));
            }
        }
        let beyond = older.into_iter().find(|(_, bytes)| {
            kept = kept.saturating_add(*bytes);
            kept > bytes_max
        });
        let Some((through, _)) = beyond else { return Ok(()) };
        self.tx
            .execute(
                "delete from policy_revisions where provider_id = $1 and sequence <= $2 \
                 and revision < (select max(n.revision) from policy_revisions n \
                 where n.provider_id = policy_revisions.provider_id \
                 and n.attestation_type = policy_revisions.attestation_type)",
                &[provider.0.into(), through.into()],
            )
            .await
            .map(|_| ())
    }
}
