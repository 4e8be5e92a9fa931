//! Providers (tenants): what they are, and how they come and go.

use std::collections::BTreeMap;

use avouch_wire::UnixTime;
use serde_json::{Map, Value as Json, json};

use crate::actor::{Actor, ActorKind};
use crate::columns::columns;
use crate::driver::{Tx, Value};
use crate::error::StoreError;
use crate::limits::{
    POLICY_CERTIFICATES_MAX, PROVIDERS_MAX, TAG_NAME_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX,
};
use crate::names::{
    ProviderId, ProviderName, ResourceScope, check_chars, check_size, checked_text,
    parse_resource_group, parse_subscription,
};
use crate::page::{Page, PageRequest};
use crate::store::{About, Edit, Sequence, Store, WriteTx, same};

/// Who may set policies. Fixed at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrustModel {
    /// Whoever is authorised; signatures are reported, not required.
    Aad,
    /// Only holders of a policy certificate.
    Isolated,
}

impl TrustModel {
    /// MAA's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aad => "AAD",
            Self::Isolated => "Isolated",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Aad, Self::Isolated].into_iter().find(|model| model.as_str() == text)
    }
}

/// A switch of the control plane; unset (`None`) shows as `null` and means enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Toggle {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

impl Toggle {
    /// MAA's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled].into_iter().find(|it| it.as_str() == text)
    }
}

/// A provider as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its number; what writes are addressed to.
    pub id: ProviderId,
    /// Its name.
    pub name: ProviderName,
    /// Subscription and resource group.
    pub scope: ResourceScope,
    /// Location as the creator wrote it.
    pub location: String,
    /// Tags of the resource.
    pub tags: BTreeMap<String, String>,
    /// Who may set policies.
    pub trust_model: TrustModel,
    /// `publicNetworkAccess`; `None` until set.
    pub public_network_access: Option<Toggle>,
    /// `tpmAttestationAuthentication`; `None` until set.
    pub tpm_attestation_authentication: Option<Toggle>,
    /// Sequence of the last change of the fields above.
    pub revision: u64,
    /// Sequence of the last change of the policy certificates.
    pub signers_revision: u64,
    /// Sequence of the last change of anything of this provider, policies included.
    pub version: u64,
    /// When it was made.
    pub created_at: UnixTime,
    /// Who created it.
    pub created_by: Actor,
    /// When the fields above last changed.
    pub updated_at: UnixTime,
    /// Who changed it last.
    pub updated_by: Actor,
}

/// A provider to be made.
#[derive(Debug, Clone)]
pub struct NewProvider {
    /// Its name.
    pub name: ProviderName,
    /// Subscription and resource group.
    pub scope: ResourceScope,
    /// Where its creator says it is; at most 512 characters and without effect.
    pub location: String,
    /// At most 50; names of 512, values of 256 characters.
    pub tags: BTreeMap<String, String>,
    /// First policy certificates in DER, in order. Any makes the provider Isolated, none makes it
    /// AAD. Repetitions count once.
    pub policy_certificates: Vec<Vec<u8>>,
    /// `publicNetworkAccess`; `None` leaves it as it is.
    pub public_network_access: Option<Toggle>,
    /// `tpmAttestationAuthentication`; `None` leaves it as it is.
    pub tpm_attestation_authentication: Option<Toggle>,
}

impl NewProvider {
    /// An AAD provider without tags.
    #[must_use]
    pub fn new(name: ProviderName, scope: ResourceScope, location: impl Into<String>) -> Self {
        Self {
            name,
            scope,
            location: location.into(),
            tags: BTreeMap::new(),
            policy_certificates: Vec::new(),
            public_network_access: None,
            tpm_attestation_authentication: None,
        }
    }

    /// The trust model that follows from the certificates.
    #[must_use]
    pub fn trust_model(&self) -> TrustModel {
        if self.policy_certificates.is_empty() { TrustModel::Aad } else { TrustModel::Isolated }
    }

    fn check(&self) -> Result<(), StoreError> {
        checked_text("location", &self.location)?;
        check_tags(&self.tags)?;
        check_size(
            "policy certificates of one provider",
            self.policy_certificates.len(),
            usize::try_from(POLICY_CERTIFICATES_MAX).unwrap_or(usize::MAX),
        )
    }
}

/// What to change of a provider; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ProviderPatch {
    /// At most 50; names of 512, values of 256 characters.
    pub tags: Option<BTreeMap<String, String>>,
    /// `publicNetworkAccess`; `None` leaves it as it is.
    pub public_network_access: Option<Toggle>,
    /// `tpmAttestationAuthentication`; `None` leaves it as it is.
    pub tpm_attestation_authentication: Option<Toggle>,
}

/// Which providers to list.
#[derive(Debug, Clone, Copy)]
pub enum ProviderFilter<'a> {
    /// Every one.
    All,
    /// Of one subscription.
    Subscription(&'a str),
    /// Of one resource group of a subscription.
    ResourceGroup(&'a str, &'a str),
}

columns! {
    provider_columns, read_provider -> Provider {
        id: u64,
        name: text,
        subscription: text,
        resource_group: text,
        location: text,
        tags: word(|text| serde_json::from_str(text).ok()),
        trust_model: word(TrustModel::parse),
        public_network_access: opt_word(Toggle::parse),
        tpm_attestation_authentication: opt_word(Toggle::parse),
        revision: u64,
        signers_revision: u64,
        version: u64,
        created_at: time,
        created_by: text,
        created_by_kind: word(ActorKind::parse),
        updated_at: time,
        updated_by: text,
        updated_by_kind: word(ActorKind::parse),
    } => Provider {
        id: ProviderId(id),
        name: ProviderName::stored(name),
        scope: ResourceScope::stored(subscription, resource_group),
        location,
        tags,
        trust_model,
        public_network_access,
        tpm_attestation_authentication,
        revision,
        signers_revision,
        version,
        created_at,
        created_by: Actor::stored(created_by_kind, created_by),
        updated_at,
        updated_by: Actor::stored(updated_by_kind, updated_by),
    }
}
#[expect(clippy::single_component_path_imports, reason = "so a macro is handed on")]
pub(crate) use provider_columns;

impl Store {
    /// Makes a provider, with its first policy certificates.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for a name that differs in case at most;
    /// [`StoreError::Limit`]; [`StoreError::Invalid`].
    pub async fn create_provider(
        &self,
        new: &NewProvider,
        edit: &Edit<'_>,
    ) -> Result<Provider, StoreError> {
        new.check()?;
        let mut write = self.begin_write("create a provider", edit).await?;
        let provider = insert_provider(&mut write, new).await?;
        write.commit().await?;
        Ok(provider)
    }

    /// The provider of that name in any case; a name that no provider can have finds none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn provider(&self, name: &str) -> Result<Option<Provider>, StoreError> {
        let Ok(key) = ProviderName::key_of(name) else { return Ok(None) };
        let sql = concat!("select ", provider_columns!(), " from providers where name_key = $1");
        let rows = self.read("read a provider", sql, &[key.as_str().into()]).await?;
        rows.into_iter().next().map(read_provider).transpose()
    }

    /// The provider of that number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn provider_by_id(&self, id: ProviderId) -> Result<Option<Provider>, StoreError> {
        let sql = concat!("select ", provider_columns!(), " from providers where id = $1");
        let rows = self.read("read a provider", sql, &[id.0.into()]).await?;
        rows.into_iter().next().map(read_provider).transpose()
    }

    /// Providers in the order of their creation.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::InvalidName`] for a filter that fits none.
    pub async fn providers(
        &self,
        filter: ProviderFilter<'_>,
        page: PageRequest,
    ) -> Result<Page<Provider>, StoreError> {
        let (after, rows_max) = (page.after.into(), u64::from(page.rows_max()).into());
        let operation = "list providers";
        let rows = match filter {
            ProviderFilter::All => {
                let sql = concat!(
                    "select ",
                    provider_columns!(),
                    " from providers where id > $1 order by id limit $2"
                );
                self.read(operation, sql, &[after, rows_max]).await?
            }
            ProviderFilter::Subscription(subscription) => {
                let subscription = parse_subscription(subscription)?.to_ascii_lowercase();
                let sql = concat!(
                    "select ",
                    provider_columns!(),
                    " from providers where subscription_key = $3 and id > $1 \
                     order by id limit $2"
                );
                let values = [after, rows_max, subscription.as_str().into()];
                self.read(operation, sql, &values).await?
            }
            ProviderFilter::ResourceGroup(subscription, group) => {
                let subscription = parse_subscription(subscription)?.to_ascii_lowercase();
                let group = parse_resource_group(group)?.to_lowercase();
                let sql = concat!(
                    "select ",
                    provider_columns!(),
                    " from providers where subscription_key = $3 and resource_group_key = $4 \
                     and id > $1 order by id limit $2"
                );
                let values = [after, rows_max, subscription.as_str().into(), group.as_str().into()];
                self.read(operation, sql, &values).await?
            }
        };
        let providers = rows.into_iter().map(read_provider).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(providers, page, |provider| provider.id.0))
    }

    /// How many providers there are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn provider_count(&self) -> Result<u64, StoreError> {
        let sql = "select value from store_state where name = 'providers'";
        let rows = self.read("count providers", sql, &[]).await?;
        rows.into_iter().next().map_or(Ok(0), |mut row| row.u64("store_state.value"))
    }

    /// Changes fields of a provider.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if `edit` expects another revision;
    /// [`StoreError::Limit`]; [`StoreError::Invalid`].
    pub async fn update_provider(
        &self,
        id: ProviderId,
        patch: &ProviderPatch,
        edit: &Edit<'_>,
    ) -> Result<Provider, StoreError> {
        let mut write = self.begin_write("update a provider", edit).await?;
        let mut provider = write.provider(id).await?;
        write.check_provider(&provider)?;
        let fields = apply(&mut provider, patch)?;
        provider.revision = write.sequence.0;
        provider.version = write.sequence.0;
        provider.updated_at = edit.at;
        provider.updated_by = edit.actor.clone();
        store_update(&mut write, &provider).await?;
        let about = provider.about();
        write.audit("provider-update", Some(about), &json!({ "fields": fields })).await?;
        write.change("provider-updated", Some(about), None).await?;
        write.commit().await?;
        Ok(provider)
    }

    /// Removes a provider with everything it has: policies and their history, certificates, keys,
    /// connections. Its audit trail stays. Returns the sequence of the write.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if `edit` expects another revision.
    pub async fn delete_provider(
        &self,
        id: ProviderId,
        edit: &Edit<'_>,
    ) -> Result<Sequence, StoreError> {
        let mut write = self.begin_write("delete a provider", edit).await?;
        let provider = write.provider(id).await?;
        write.check_provider(&provider)?;
        let policies = policies_in_force(&mut write.tx, id).await?;
        let keys = write
            .tx
            .execute("delete from signing_keys where provider_id = $1", &[id.0.into()])
            .await?;
        write.uncount("keys", keys).await?;
        write.tx.execute("delete from providers where id = $1", &[id.0.into()]).await?;
        write.uncount("providers", 1).await?;
        let details = json!({
            "subscription": provider.scope.subscription(),
            "resourceGroup": provider.scope.resource_group(),
            "trustModel": provider.trust_model.as_str(),
            "policies": policies,
        });
        write.audit("provider-delete", Some(provider.about()), &details).await?;
        write.change("provider-deleted", Some(provider.about()), None).await?;
        write.commit().await
    }
}

impl Provider {
    pub(crate) fn about(&self) -> About<'_> {
        About { id: self.id, name: self.name.as_str() }
    }
}

impl WriteTx<'_> {
    /// The provider this write is about.
    pub(crate) async fn provider(&mut self, id: ProviderId) -> Result<Provider, StoreError> {
        let sql = concat!("select ", provider_columns!(), " from providers where id = $1");
        self.tx
            .fetch_optional(sql, &[id.0.into()])
            .await?
            .map(read_provider)
            .transpose()?
            .ok_or_else(|| StoreError::NotFound { what: "provider", name: id.to_string() })
    }

    /// Compares what the caller had read of the provider.
    pub(crate) fn check_provider(&self, provider: &Provider) -> Result<(), StoreError> {
        same("provider", self.edit.expected.provider, provider.revision)?;
        same("set of policy certificates", self.edit.expected.signers, provider.signers_revision)
    }
}

async fn insert_provider(
    write: &mut WriteTx<'_>,
    new: &NewProvider,
) -> Result<Provider, StoreError> {
    let actor = write.edit.actor;
    let provider = Provider {
        id: ProviderId(write.sequence.0),
        name: new.name.clone(),
        scope: new.scope.clone(),
        location: new.location.clone(),
        tags: new.tags.clone(),
        trust_model: new.trust_model(),
        public_network_access: new.public_network_access,
        tpm_attestation_authentication: new.tpm_attestation_authentication,
        revision: write.sequence.0,
        signers_revision: write.sequence.0,
        version: write.sequence.0,
        created_at: write.edit.at,
        created_by: actor.clone(),
        updated_at: write.edit.at,
        updated_by: actor.clone(),
    };
    store_insert(write, &provider).await?;
    write.count("providers", 1, "providers", PROVIDERS_MAX).await?;
    for (position, der) in new.policy_certificates.iter().enumerate() {
        write.insert_certificate(provider.id, der, position as u64).await?;
    }
    let details = json!({
        "subscription": provider.scope.subscription(),
        "resourceGroup": provider.scope.resource_group(),
        "location": provider.location,
        "trustModel": provider.trust_model.as_str(),
        "policyCertificates": new.policy_certificates.len(),
    });
    write.audit("provider-create", Some(provider.about()), &details).await?;
    write.change("provider-created", Some(provider.about()), None).await?;
    Ok(provider)
}

/// `status` and `settings` are columns of a first design: nobody reads them, and programs that run
/// beside this one during an upgrade find what they write themselves.
async fn store_insert(write: &mut WriteTx<'_>, provider: &Provider) -> Result<(), StoreError> {
    let tags = tags_text(&provider.tags);
    let (subscription_key, group_key) =
        (provider.scope.subscription_key(), provider.scope.resource_group_key());
    let inserted = write
        .tx
        .execute(
            "insert into providers (id, name, name_key, subscription, subscription_key, \
             resource_group, resource_group_key, location, tags, trust_model, status, \
             public_network_access, tpm_attestation_authentication, settings, revision, \
             signers_revision, version, created_at, created_by, created_by_kind, updated_at, \
             updated_by, updated_by_kind) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'Ready', $11, $12, '{}', $1, $1, $1, \
             $13, $14, $15, $13, $14, $15) on conflict (name_key) do nothing",
            &[
                provider.id.0.into(),
                provider.name.as_str().into(),
                provider.name.key().into(),
                provider.scope.subscription().into(),
                subscription_key.as_str().into(),
                provider.scope.resource_group().into(),
                group_key.as_str().into(),
                provider.location.as_str().into(),
                tags.as_str().into(),
                provider.trust_model.as_str().into(),
                provider.public_network_access.map(Toggle::as_str).into(),
                provider.tpm_attestation_authentication.map(Toggle::as_str).into(),
                provider.created_at.into(),
                provider.created_by.id().into(),
                provider.created_by.kind().as_str().into(),
            ],
        )
        .await?;
    if inserted == 0 {
        let name = provider.name.to_string();
        return Err(StoreError::AlreadyExists { what: "provider", name });
    }
    Ok(())
}

async fn store_update(write: &mut WriteTx<'_>, provider: &Provider) -> Result<(), StoreError> {
    let tags = tags_text(&provider.tags);
    let values: [Value<'_>; 8] = [
        provider.id.0.into(),
        tags.as_str().into(),
        provider.public_network_access.map(Toggle::as_str).into(),
        provider.tpm_attestation_authentication.map(Toggle::as_str).into(),
        provider.revision.into(),
        provider.updated_at.into(),
        provider.updated_by.id().into(),
        provider.updated_by.kind().as_str().into(),
    ];
    write
        .tx
        .execute(
            "update providers set tags = $2, public_network_access = $3, \
             tpm_attestation_authentication = $4, revision = $5, updated_at = $6, \
             updated_by = $7, updated_by_kind = $8 where id = $1",
            &values,
        )
        .await
        .map(|_| ())
}

/// Applies a patch and names the fields it set.
fn apply(provider: &mut Provider, patch: &ProviderPatch) -> Result<Vec<&'static str>, StoreError> {
    let mut fields = Vec::new();
    if let Some(tags) = &patch.tags {
        check_tags(tags)?;
        provider.tags.clone_from(tags);
        fields.push("tags");
    }
    if let Some(toggle) = patch.public_network_access {
        provider.public_network_access = Some(toggle);
        fields.push("publicNetworkAccess");
    }
    if let Some(toggle) = patch.tpm_attestation_authentication {
        provider.tpm_attestation_authentication = Some(toggle);
        fields.push("tpmAttestationAuthentication");
    }
    Ok(fields)
}

/// Token hashes of a provider's policies by attestation type, for its last audit entry.
async fn policies_in_force(tx: &mut Tx, id: ProviderId) -> Result<Map<String, Json>, StoreError> {
    let rows = tx
        .fetch(
            "select p.attestation_type, r.token_hash from policies p \
             join policy_revisions r on r.provider_id = p.provider_id \
             and r.attestation_type = p.attestation_type and r.revision = p.revision \
             where p.provider_id = $1 order by p.attestation_type",
            &[id.0.into()],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            let attestation_type = row.text("attestation_type")?;
            let token_hash = avouch_wire::base64url::encode(row.digest("token_hash")?);
            Ok((attestation_type, Json::String(token_hash)))
        })
        .collect()
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), StoreError> {
    check_size("tags of one provider", tags.len(), TAGS_MAX)?;
    for (name, value) in tags {
        check_chars("characters of a tag name", name, TAG_NAME_CHARS_MAX)?;
        check_chars("characters of a tag value", value, TAG_VALUE_CHARS_MAX)?;
        if name.is_empty() {
            return Err(StoreError::Invalid { field: "tag name", reason: "empty" });
        }
    }
    Ok(())
}

fn tags_text(tags: &BTreeMap<String, String>) -> String {
    Json::from_iter(tags.iter().map(|(name, value)| (name.clone(), value.clone()))).to_string()
}
