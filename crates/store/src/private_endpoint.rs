//! Private endpoint connections: kept and shown as the control plane describes them.
//!
//! Nothing here opens or closes a network path; the server decides what a state means.

use std::ops::RangeInclusive;

use avouch_wire::UnixTime;
use serde_json::json;

use crate::columns::columns;
use crate::driver::Row;
use crate::error::StoreError;
use crate::limits::PRIVATE_ENDPOINT_CONNECTIONS_MAX;
use crate::names::{ProviderId, checked_text, invalid_name, parse_subscription};
use crate::store::{Edit, Store};

/// Whether the provider's owner has let the connection in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionStatus {
    /// Not decided.
    Pending,
    /// Let in.
    Approved,
    /// Kept out.
    Rejected,
}

impl ConnectionStatus {
    const ALL: [Self; 3] = [Self::Pending, Self::Approved, Self::Rejected];

    /// Azure's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
        }
    }

    /// Reads Azure's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// A private endpoint connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateEndpointConnection {
    /// Its name: 1 to 80 letters, digits, `-`, `_` and `.`, compared without case.
    pub name: String,
    /// Resource id of the private endpoint, if known.
    pub private_endpoint_id: Option<String>,
    /// Whether it is let in.
    pub status: ConnectionStatus,
    /// Free text of the owner.
    pub description: Option<String>,
    /// What the consumer has to do.
    pub actions_required: Option<String>,
    /// When it last changed; set by the store.
    pub updated_at: UnixTime,
}

columns! {
    connection_columns, read_connection -> PrivateEndpointConnection {
        name: text,
        private_endpoint_id: opt_text,
        status: word(ConnectionStatus::parse),
        description: opt_text,
        actions_required: opt_text,
        updated_at: time,
    } => PrivateEndpointConnection {
        name,
        private_endpoint_id,
        status,
        description,
        actions_required,
        updated_at,
    }
}

impl Store {
    /// Makes a connection or replaces the one of that name. True if it is new. A connection is made at
    /// once: its column `provisioning_state` has one value.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the provider; [`StoreError::InvalidName`];
    /// [`StoreError::Limit`]; [`StoreError::Invalid`].
    pub async fn put_private_endpoint_connection(
        &self,
        provider: ProviderId,
        connection: &PrivateEndpointConnection,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let key = check_name(&connection.name)?;
        for text in
            [&connection.private_endpoint_id, &connection.description, &connection.actions_required]
                .into_iter()
                .flatten()
        {
            checked_text("private endpoint connection", text)?;
        }
        let mut write = self.begin_write("put a private endpoint connection", edit).await?;
        let provider = write.provider(provider).await?;
        write.check_provider(&provider)?;
        let removed = write
            .tx
            .execute(
                "delete from private_endpoint_connections where provider_id = $1 \
                 and name_key = $2",
                &[provider.id.0.into(), key.as_str().into()],
            )
            .await?;
        write
            .tx
            .execute(
                "insert into private_endpoint_connections (provider_id, name, name_key, \
                 private_endpoint_id, status, description, actions_required, \
                 provisioning_state, sequence, updated_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, 'Succeeded', $8, $9)",
                &[
                    provider.id.0.into(),
                    connection.name.as_str().into(),
                    key.as_str().into(),
                    connection.private_endpoint_id.as_deref().into(),
                    connection.status.as_str().into(),
                    connection.description.as_deref().into(),
                    connection.actions_required.as_deref().into(),
                    write.sequence.0.into(),
                    edit.at.into(),
                ],
            )
            .await?;
        let found = write
            .tx
            .fetch_optional(
                "select count(*) from private_endpoint_connections where provider_id = $1",
                &[provider.id.0.into()],
            )
            .await?
            .map_or(Ok(0), |mut row| row.u64("count"))?;
        if found > PRIVATE_ENDPOINT_CONNECTIONS_MAX {
            let (what, allowed) =
                ("private endpoint connections of one provider", PRIVATE_ENDPOINT_CONNECTIONS_MAX);
            return Err(StoreError::Limit { what, found, allowed });
        }
        let about = Some(provider.about());
        let details = json!({ "name": connection.name, "status": connection.status.as_str() });
        write.audit("private-endpoint-connection-put", about, &details).await?;
        write.change("private-endpoint-connections", about, None).await?;
        write.commit().await?;
        Ok(removed == 0)
    }

    /// Removes a connection; false if there was none of that name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the provider; [`StoreError::InvalidName`].
    pub async fn delete_private_endpoint_connection(
        &self,
        provider: ProviderId,
        name: &str,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let key = check_name(name)?;
        let mut write = self.begin_write("delete a private endpoint connection", edit).await?;
        let provider = write.provider(provider).await?;
        write.check_provider(&provider)?;
        let removed = write
            .tx
            .execute(
                "delete from private_endpoint_connections where provider_id = $1 \
                 and name_key = $2",
                &[provider.id.0.into(), key.as_str().into()],
            )
            .await?;
        if removed == 0 {
            return Ok(false);
        }
        let about = Some(provider.about());
        write.audit("private-endpoint-connection-delete", about, &json!({ "name": name })).await?;
        write.change("private-endpoint-connections", about, None).await?;
        write.commit().await?;
        Ok(true)
    }

    /// The connections of a provider in the order of their last change; one is found by its name
    /// without case.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn private_endpoint_connections(
        &self,
        provider: ProviderId,
    ) -> Result<Vec<PrivateEndpointConnection>, StoreError> {
        let rows = self
            .read(
                "read private endpoint connections",
                concat!(
                    "select ",
                    connection_columns!(),
                    " from private_endpoint_connections where provider_id = $1 order by sequence"
                ),
                &[provider.0.into()],
            )
            .await?;
        rows.into_iter().map(read_connection).collect()
    }

    /// The connections of those providers of a subscription whose numbers are in a range: for
    /// pages of providers. In the order of providers, then of the last change.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::InvalidName`] for the subscription.
    pub async fn private_endpoint_connections_in(
        &self,
        subscription: &str,
        providers: RangeInclusive<ProviderId>,
    ) -> Result<Vec<(ProviderId, PrivateEndpointConnection)>, StoreError> {
        let subscription = parse_subscription(subscription)?.to_ascii_lowercase();
        let rows = self
            .read(
                "read private endpoint connections",
                concat!(
                    "select c.provider_id, ",
                    connection_columns!("c."),
                    " from private_endpoint_connections c join providers p on p.id = c.provider_id \
                     where c.provider_id >= $1 and c.provider_id <= $2 \
                     and p.subscription_key = $3 order by c.provider_id, c.sequence"
                ),
                &[
                    providers.start().0.into(),
                    providers.end().0.into(),
                    subscription.as_str().into(),
                ],
            )
            .await?;
        let connection = |mut row: Row| {
            let id = ProviderId(row.u64("provider_id")?);
            Ok((id, read_connection(row)?))
        };
        rows.into_iter().map(connection).collect()
    }
}

fn check_name(name: &str) -> Result<String, StoreError> {
    let fits = (1..=80).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && name.bytes().any(|b| b != b'.');
    if fits {
        return Ok(name.to_ascii_lowercase());
    }
    let reason = "must be 1 to 80 letters, digits and the signs - _ .";
    Err(invalid_name("private endpoint connection", name, reason))
}
