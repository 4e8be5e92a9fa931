//! Policies: the one in force per provider and attestation type, and all before it.

use avouch_wire::{EvidenceKind, UnixTime, base64url, encode_hex};
use serde_json::json;

use crate::actor::{Actor, ActorKind};
use crate::columns::columns;
use crate::digest::sha256;
use crate::driver::Value;
use crate::error::StoreError;
use crate::limits::{POLICY_JWS_BYTES_MAX, SIGNER_JWK_BYTES_MAX};
use crate::names::{ProviderId, check_size};
use crate::page::{Page, PageRequest};
use crate::provider::{Provider, TrustModel};
use crate::store::{Edit, Store, WriteTx, same};

/// Who signed a policy JWS, as the caller verified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key as JSON, as `x-ms-policy-signer` shows it.
    pub jwk: String,
    /// SHA-256 of the signer's certificate in DER, or of the key's SPKI when there is none.
    pub thumbprint: [u8; 32],
}

/// A policy to be put in force. The caller has parsed it and verified its signature.
#[derive(Debug, Clone)]
pub struct NewPolicy<'a> {
    /// The JWS exactly as received, after unquoting and trimming. Stored byte for byte.
    pub jws: &'a [u8],
    /// SHA-256 as in `x-ms-policy-hash` (`docs/maa/policies.md#hashes`).
    pub text_hash: [u8; 32],
    /// Who signed it; `None` for an unsigned JWS.
    pub signer: Option<Signer>,
}

/// A reset to the default policy. The caller has verified its signature.
#[derive(Debug, Clone)]
pub struct PolicyReset<'a> {
    /// The JWS with empty body exactly as received.
    pub jws: &'a [u8],
    /// Who signed it; `None` for an unsigned JWS.
    pub signer: Option<Signer>,
}

/// The policy in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// 1, 2, 3, … per provider and attestation type; resets count too.
    pub revision: u64,
    /// Place in the order of all writes.
    pub sequence: u64,
    /// The JWS exactly as received.
    pub jws: Vec<u8>,
    /// SHA-256 of [`Policy::jws`], as in `x-ms-policy-token-hash`.
    pub token_hash: [u8; 32],
    /// SHA-256 as in `x-ms-policy-hash`.
    pub text_hash: [u8; 32],
    /// Who signed it; none for an unsigned JWS.
    pub signer: Option<Signer>,
    /// When it was set.
    pub at: UnixTime,
    /// Who asked for it.
    pub actor: Actor,
}

/// What a revision did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyAction {
    /// Put a policy in force.
    Set,
    /// Went back to the default policy.
    Reset,
}

impl PolicyAction {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Reset => "reset",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Set, Self::Reset].into_iter().find(|action| action.as_str() == text)
    }
}

/// One entry of a policy's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRevision {
    /// 1, 2, 3, … per provider and attestation type.
    pub revision: u64,
    /// Place in the order of all writes.
    pub sequence: u64,
    /// Set or reset.
    pub action: PolicyAction,
    /// SHA-256 of the JWS.
    pub token_hash: [u8; 32],
    /// SHA-256 as in `x-ms-policy-hash`; a reset has none.
    pub text_hash: Option<[u8; 32]>,
    /// Who signed it; none for an unsigned JWS.
    pub signer: Option<Signer>,
    /// Revision and token hash of the policy it replaced; `None` if that was the default.
    pub previous: Option<(u64, [u8; 32])>,
    /// When, in whole seconds.
    pub at: UnixTime,
    /// Who asked for it.
    pub actor: Actor,
}

columns! {
    policy_columns, read_policy -> Policy {
        revision: u64,
        sequence: u64,
        jws: bytes,
        token_hash: digest,
        text_hash: digest,
        signer_jwk: opt_text,
        signer_thumbprint: opt_digest,
        at: time,
        actor: text,
        actor_kind: word(ActorKind::parse),
    } => Policy {
        revision,
        sequence,
        jws,
        token_hash,
        text_hash,
        signer: Signer::stored(signer_jwk, signer_thumbprint),
        at,
        actor: Actor::stored(actor_kind, actor),
    }
}

columns! {
    revision_columns, read_revision -> PolicyRevision {
        revision: u64,
        sequence: u64,
        action: word(PolicyAction::parse),
        token_hash: digest,
        text_hash: opt_digest,
        signer_jwk: opt_text,
        signer_thumbprint: opt_digest,
        previous_revision: opt_u64,
        previous_token_hash: opt_digest,
        at: time,
        actor: text,
        actor_kind: word(ActorKind::parse),
    } => PolicyRevision {
        revision,
        sequence,
        action,
        token_hash,
        text_hash,
        signer: Signer::stored(signer_jwk, signer_thumbprint),
        previous: previous_revision.zip(previous_token_hash),
        at,
        actor: Actor::stored(actor_kind, actor),
    }
}

impl Signer {
    pub(crate) fn stored(jwk: Option<String>, thumbprint: Option<[u8; 32]>) -> Option<Self> {
        jwk.zip(thumbprint).map(|(jwk, thumbprint)| Self { jwk, thumbprint })
    }
}

impl Store {
    /// Puts a policy in force and adds it to the history. After `Ok` it survives a crash.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the provider is gone; [`StoreError::Conflict`] if a revision in
    /// `edit.expected` is no longer current; [`StoreError::RequestSeen`]; [`StoreError::Invalid`] for an unsigned policy on an
    /// Isolated provider; [`StoreError::Limit`].
    pub async fn set_policy(
        &self,
        provider: ProviderId,
        attestation_type: EvidenceKind,
        new: &NewPolicy<'_>,
        edit: &Edit<'_>,
    ) -> Result<Policy, StoreError> {
        check_jws(new.jws, new.signer.as_ref())?;
        let mut write = self.begin_write("set a policy", edit).await?;
        let provider = write.provider(provider).await?;
        check_signed(&provider, new.signer.as_ref())?;
        let token_hash = sha256(new.jws);
        write.accept_request(&provider, Some(&token_hash)).await?;
        let step = write.next_step(&provider, attestation_type).await?;
        let entry = PolicyRevision {
            revision: step.revision,
            sequence: write.sequence.0,
            action: PolicyAction::Set,
            token_hash,
            text_hash: Some(new.text_hash),
            signer: new.signer.clone(),
            previous: step.previous,
            at: edit.at,
            actor: edit.actor.clone(),
        };
        write.add_revision(&provider, attestation_type, &entry, new.jws).await?;
        write
            .tx
            .execute(
                "insert into policies (provider_id, attestation_type, revision) \
                 values ($1, $2, $3) on conflict (provider_id, attestation_type) \
                 do update set revision = excluded.revision",
                &[
                    provider.id.0.into(),
                    attestation_type.policy_name().into(),
                    entry.revision.into(),
                ],
            )
            .await?;
        write.finish_policy(&provider, attestation_type, "policy-set", &entry).await?;
        write.commit().await?;
        Ok(Policy {
            revision: entry.revision,
            sequence: entry.sequence,
            jws: new.jws.to_vec(),
            token_hash,
            text_hash: new.text_hash,
            signer: entry.signer,
            at: entry.at,
            actor: entry.actor,
        })
    }

    /// Goes back to the default policy. Returns the history entry, or `None` when the default was
    /// in force already; both are successes.
    ///
    /// # Errors
    /// As [`Store::set_policy`].
    pub async fn reset_policy(
        &self,
        provider: ProviderId,
        attestation_type: EvidenceKind,
        reset: &PolicyReset<'_>,
        edit: &Edit<'_>,
    ) -> Result<Option<PolicyRevision>, StoreError> {
        check_jws(reset.jws, reset.signer.as_ref())?;
        let mut write = self.begin_write("reset a policy", edit).await?;
        let provider = write.provider(provider).await?;
        check_signed(&provider, reset.signer.as_ref())?;
        let token_hash = sha256(reset.jws);
        write.accept_request(&provider, Some(&token_hash)).await?;
        let step = write.next_step(&provider, attestation_type).await?;
        if step.previous.is_none() {
            let details =
                json!({ "attestationType": attestation_type.policy_name(), "changed": false });
            write.audit("policy-reset", Some(provider.about()), &details).await?;
            write.commit().await?;
            return Ok(None);
        }
        let entry = PolicyRevision {
            revision: step.revision,
            sequence: write.sequence.0,
            action: PolicyAction::Reset,
            token_hash,
            text_hash: None,
            signer: reset.signer.clone(),
            previous: step.previous,
            at: edit.at,
            actor: edit.actor.clone(),
        };
        write.add_revision(&provider, attestation_type, &entry, reset.jws).await?;
        write
            .tx
            .execute(
                "delete from policies where provider_id = $1 and attestation_type = $2",
                &[provider.id.0.into(), attestation_type.policy_name().into()],
            )
            .await?;
        write.finish_policy(&provider, attestation_type, "policy-reset", &entry).await?;
        write.commit().await?;
        Ok(Some(entry))
    }

    /// The policy in force, or `None` while that is the default policy.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn policy(
        &self,
        provider: ProviderId,
        attestation_type: EvidenceKind,
    ) -> Result<Option<Policy>, StoreError> {
        let rows = self
            .read(
                "read a policy",
                concat!(
                    "select ",
                    policy_columns!("r."),
                    " from policies p join policy_revisions r on r.provider_id = p.provider_id \
                     and r.attestation_type = p.attestation_type and r.revision = p.revision \
                     where p.provider_id = $1 and p.attestation_type = $2"
                ),
                &[provider.0.into(), attestation_type.policy_name().into()],
            )
            .await?;
        rows.into_iter().next().map(read_policy).transpose()
    }

    /// History of a policy, newest first. The mark of a page is the revision to continue below.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn policy_history(
        &self,
        provider: ProviderId,
        attestation_type: EvidenceKind,
        page: PageRequest,
    ) -> Result<Page<PolicyRevision>, StoreError> {
        let below = if page.after == 0 { u64::MAX } else { page.after };
        let rows = self
            .read(
                "read the history of a policy",
                concat!(
                    "select ",
                    revision_columns!(),
                    " from policy_revisions where provider_id = $1 and attestation_type = $2 \
                     and revision < $3 order by revision desc limit $4"
                ),
                &[
                    provider.0.into(),
                    attestation_type.policy_name().into(),
                    below.into(),
                    u64::from(page.rows_max()).into(),
                ],
            )
            .await?;
        let items = rows.into_iter().map(read_revision).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, page, |entry| entry.revision))
    }

    /// The JWS of one history entry, exactly as received.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn policy_revision_jws(
        &self,
        provider: ProviderId,
        attestation_type: EvidenceKind,
        revision: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self
            .read(
                "read a policy revision",
                "select jws from policy_revisions where provider_id = $1 \
                 and attestation_type = $2 and revision = $3",
                &[provider.0.into(), attestation_type.policy_name().into(), revision.into()],
            )
            .await?;
        rows.into_iter().next().map(|mut row| row.bytes("jws")).transpose()
    }
}

/// Where the history of one policy stands.
struct Step {
    /// The revision this write makes.
    revision: u64,
    /// The policy in force before it.
    previous: Option<(u64, [u8; 32])>,
}

impl WriteTx<'_> {
    /// Checks the expected revisions and finds the next one.
    async fn next_step(
        &mut self,
        provider: &Provider,
        attestation_type: EvidenceKind,
    ) -> Result<Step, StoreError> {
        self.check_provider(provider)?;
        let key: [Value<'_>; 2] = [provider.id.0.into(), attestation_type.policy_name().into()];
        let last = self
            .tx
            .fetch_optional(
                "select revision from policy_revisions where provider_id = $1 \
                 and attestation_type = $2 order by revision desc limit 1",
                &key,
            )
            .await?
            .map_or(Ok(0), |mut row| row.u64("revision"))?;
        let previous = self
            .tx
            .fetch_optional(
                "select r.revision, r.token_hash from policies p join policy_revisions r \
                 on r.provider_id = p.provider_id and r.attestation_type = p.attestation_type \
                 and r.revision = p.revision where p.provider_id = $1 \
                 and p.attestation_type = $2",
                &key,
            )
            .await?
            .map(|mut row| Ok::<_, StoreError>((row.u64("revision")?, row.digest("token_hash")?)))
            .transpose()?;
        let in_force = previous.map_or(0, |(revision, _)| revision);
        same("policy", self.edit.expected.policy, in_force)?;
        Ok(Step { revision: last.saturating_add(1), previous })
    }

    async fn add_revision(
        &mut self,
        provider: &Provider,
        attestation_type: EvidenceKind,
        entry: &PolicyRevision,
        jws: &[u8],
    ) -> Result<(), StoreError> {
        let signer = entry.signer.as_ref();
        let previous = entry.previous.as_ref();
        self.tx
            .execute(
                "insert into policy_revisions (provider_id, attestation_type, revision, \
                 sequence, action, jws, token_hash, text_hash, signer_jwk, signer_thumbprint, \
                 previous_revision, previous_token_hash, at, actor, actor_kind) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                &[
                    provider.id.0.into(),
                    attestation_type.policy_name().into(),
                    entry.revision.into(),
                    entry.sequence.into(),
                    entry.action.as_str().into(),
                    jws.into(),
                    (&entry.token_hash).into(),
                    entry.text_hash.as_ref().into(),
                    signer.map(|signer| signer.jwk.as_str()).into(),
                    signer.map(|signer| &signer.thumbprint).into(),
                    previous.map(|(revision, _)| *revision).into(),
                    previous.map(|(_, token_hash)| token_hash).into(),
                    entry.at.into(),
                    entry.actor.id().into(),
                    entry.actor.kind().as_str().into(),
                ],
            )
            .await
            .map(|_| ())
    }

    /// Drops history beyond the limit, writes audit entry and change.
    async fn finish_policy(
        &mut self,
        provider: &Provider,
        attestation_type: EvidenceKind,
        action: &'static str,
        entry: &PolicyRevision,
    ) -> Result<(), StoreError> {
        let options = &self.store.inner.options;
        let bytes_max = options.history_bytes_max;
        let oldest_kept = entry.revision.saturating_sub(options.history_revisions_max.max(1));
        if oldest_kept > 0 {
            self.tx
                .execute(
                    "delete from policy_revisions where provider_id = $1 \
                     and attestation_type = $2 and revision <= $3",
                    &[
                        provider.id.0.into(),
                        attestation_type.policy_name().into(),
                        oldest_kept.into(),
                    ],
                )
                .await?;
        }
        self.prune_history(provider.id, bytes_max).await?;
        let signer = entry.signer.as_ref().map(|signer| encode_hex(&signer.thumbprint));
        let previous = entry.previous.map(|(_, token_hash)| base64url::encode(token_hash));
        let details = json!({
            "attestationType": attestation_type.policy_name(),
            "changed": true,
            "revision": entry.revision,
            "tokenHash": base64url::encode(entry.token_hash),
            "textHash": entry.text_hash.map(base64url::encode),
            "signerThumbprint": signer,
            "previousTokenHash": previous,
        });
        self.audit(action, Some(provider.about()), &details).await?;
        self.change("policy", Some(provider.about()), Some(attestation_type.policy_name())).await
    }
}

fn check_jws(jws: &[u8], signer: Option<&Signer>) -> Result<(), StoreError> {
    check_size("bytes of a policy", jws.len(), POLICY_JWS_BYTES_MAX)?;
    let Some(signer) = signer else { return Ok(()) };
    check_size("bytes of a signer's key", signer.jwk.len(), SIGNER_JWK_BYTES_MAX)?;
    if signer.jwk.contains('\0') {
        return Err(StoreError::Invalid { field: "signer's key", reason: "holds a zero byte" });
    }
    Ok(())
}

/// The caller verifies signatures; that there is one at all is held here once more.
fn check_signed(provider: &Provider, signer: Option<&Signer>) -> Result<(), StoreError> {
    if provider.trust_model == TrustModel::Isolated && signer.is_none() {
        let reason = "an Isolated provider takes signed policies only";
        return Err(StoreError::Invalid { field: "policy signer", reason });
    }
    Ok(())
}
