//! Policy certificates: whose policies an Isolated provider takes.

use avouch_wire::{UnixTime, encode_hex};
use serde_json::json;

use crate::actor::{Actor, ActorKind};
use crate::columns::columns;
use crate::digest::sha256;
use crate::error::StoreError;
use crate::limits::{CERTIFICATE_BYTES_MAX, POLICY_CERTIFICATES_MAX};
use crate::names::{ProviderId, check_size};
use crate::provider::{Provider, TrustModel};
use crate::store::{Edit, Sequence, Store, WriteTx};

/// A policy certificate as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyCertificate {
    /// SHA-256 of the DER: what makes two certificates the same.
    pub thumbprint: [u8; 32],
    /// The certificate, DER, at most 16 KiB.
    pub der: Vec<u8>,
    /// When it was added.
    pub added_at: UnixTime,
    /// Who added it.
    pub added_by: Actor,
}

/// The policy certificates of a provider as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyCertificates {
    /// Revision for [`crate::Expected::signers`].
    pub revision: u64,
    /// In the order of their addition; empty for an AAD provider.
    pub certificates: Vec<PolicyCertificate>,
}

/// What adding or removing a certificate did; both are idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateChange {
    /// The set is another now.
    Changed(Sequence),
    /// It was so already.
    Unchanged,
}

columns! {
    certificate_columns, read_certificate -> PolicyCertificate {
        thumbprint: digest,
        der: bytes,
        added_at: time,
        added_by: text,
        added_by_kind: word(ActorKind::parse),
    } => PolicyCertificate {
        thumbprint,
        der,
        added_at,
        added_by: Actor::stored(added_by_kind, added_by),
    }
}
#[expect(clippy::single_component_path_imports, reason = "so a macro is handed on")]
pub(crate) use certificate_columns;

impl Store {
    /// The policy certificates of a provider.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Unavailable`].
    pub async fn policy_certificates(
        &self,
        provider: ProviderId,
    ) -> Result<PolicyCertificates, StoreError> {
        let mut tx = self.begin_read("read policy certificates").await?;
        let revision = tx
            .fetch_optional(
                "select signers_revision from providers where id = $1",
                &[provider.0.into()],
            )
            .await?
            .ok_or_else(|| StoreError::NotFound { what: "provider", name: provider.to_string() })?
            .u64("signers_revision")?;
        let rows = tx
            .fetch(
                concat!(
                    "select ",
                    certificate_columns!(),
                    " from policy_certificates where provider_id = $1 order by sequence, position"
                ),
                &[provider.0.into()],
            )
            .await?;
        tx.commit().await?;
        let certificates = rows.into_iter().map(read_certificate).collect::<Result<_, _>>()?;
        Ok(PolicyCertificates { revision, certificates })
    }

    /// Adds a policy certificate. The caller has verified that the request was signed by one of
    /// the certificates of the revision in `edit.expected.signers`.
    ///
    /// # Errors
    /// [`StoreError::NotIsolated`]; [`StoreError::NotFound`]; [`StoreError::Conflict`];
    /// [`StoreError::Limit`]; [`StoreError::RequestSeen`].
    pub async fn add_policy_certificate(
        &self,
        provider: ProviderId,
        der: &[u8],
        edit: &Edit<'_>,
    ) -> Result<CertificateChange, StoreError> {
        let mut write = self.begin_write("add a policy certificate", edit).await?;
        let provider = write.isolated_provider(provider).await?;
        let changed = write.insert_certificate(provider.id, der, 0).await?;
        write.count_certificates(&provider).await?;
        write.finish_certificate(&provider, "certificate-add", der, changed).await
    }

    /// Removes a policy certificate, but never the last one.
    ///
    /// # Errors
    /// [`StoreError::LastCertificate`]; [`StoreError::NotIsolated`]; [`StoreError::NotFound`] for
    /// the provider; [`StoreError::Conflict`]; [`StoreError::RequestSeen`].
    pub async fn remove_policy_certificate(
        &self,
        provider: ProviderId,
        der: &[u8],
        edit: &Edit<'_>,
    ) -> Result<CertificateChange, StoreError> {
        let mut write = self.begin_write("remove a policy certificate", edit).await?;
        let provider = write.isolated_provider(provider).await?;
        let removed = write
            .tx
            .execute(
                "delete from policy_certificates where provider_id = $1 and thumbprint = $2",
                &[provider.id.0.into(), (&sha256(der)).into()],
            )
            .await?;
        // Counted after the removal, in the same turn: of two removals at once, one finds this.
        if write.count_certificates(&provider).await? == 0 {
            let provider = provider.name.to_string();
            return Err(StoreError::LastCertificate { provider });
        }
        write.finish_certificate(&provider, "certificate-remove", der, removed > 0).await
    }
}

impl WriteTx<'_> {
    async fn isolated_provider(&mut self, id: ProviderId) -> Result<Provider, StoreError> {
        let provider = self.provider(id).await?;
        if provider.trust_model != TrustModel::Isolated {
            return Err(StoreError::NotIsolated { provider: provider.name.to_string() });
        }
        self.accept_request(&provider, None).await?;
        self.check_provider(&provider)?;
        Ok(provider)
    }

    async fn count_certificates(&mut self, provider: &Provider) -> Result<u64, StoreError> {
        let found = self
            .tx
            .fetch_optional(
                "select count(*) from policy_certificates where provider_id = $1",
                &[provider.id.0.into()],
            )
            .await?
            .map_or(Ok(0), |mut row| row.u64("count"))?;
        if found > POLICY_CERTIFICATES_MAX {
            let what = "policy certificates of one provider";
            return Err(StoreError::Limit { what, found, allowed: POLICY_CERTIFICATES_MAX });
        }
        Ok(found)
    }

    async fn finish_certificate(
        mut self,
        provider: &Provider,
        action: &'static str,
        der: &[u8],
        changed: bool,
    ) -> Result<CertificateChange, StoreError> {
        let about = Some(provider.about());
        let details = json!({ "thumbprint": encode_hex(&sha256(der)), "changed": changed });
        self.audit(action, about, &details).await?;
        if changed {
            self.tx
                .execute(
                    "update providers set signers_revision = $1 where id = $2",
                    &[self.sequence.0.into(), provider.id.0.into()],
                )
                .await?;
            self.change("policy-certificates", about, None).await?;
        }
        let sequence = self.commit().await?;
        Ok(if changed {
            CertificateChange::Changed(sequence)
        } else {
            CertificateChange::Unchanged
        })
    }

    /// Adds one certificate to a set; false if it was there.
    pub(crate) async fn insert_certificate(
        &mut self,
        provider: ProviderId,
        der: &[u8],
        position: u64,
    ) -> Result<bool, StoreError> {
        check_size("bytes of a policy certificate", der.len(), CERTIFICATE_BYTES_MAX)?;
        if der.is_empty() {
            return Err(StoreError::Invalid { field: "policy certificate", reason: "empty" });
        }
        let inserted = self
            .tx
            .execute(
                "insert into policy_certificates (provider_id, thumbprint, der, sequence, position, \
                 added_at, added_by, added_by_kind) values ($1, $2, $3, $4, $5, $6, $7, $8) \
                 on conflict (provider_id, thumbprint) do nothing",
                &[
                    provider.0.into(),
                    (&sha256(der)).into(),
                    der.into(),
                    self.sequence.0.into(),
                    position.into(),
                    self.edit.at.into(),
                    self.edit.actor.id().into(),
                    self.edit.actor.kind().as_str().into(),
                ],
            )
            .await?;
        Ok(inserted > 0)
    }
}
