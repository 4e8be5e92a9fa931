//! Lists of providers: only those that the caller may read.
//!
//! MAA's description of these lists has no next link, and its clients read one answer only, so
//! without `$top` an answer holds all, sent page by page as they are read. With `$top` it holds
//! that many and a `nextLink`.

use std::collections::HashMap;

use avouch_store::{
    Page, PageRequest, PrivateEndpointConnection, Provider, ProviderFilter, ProviderId,
    ResourceScope, Store, StoreError,
};
use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use futures_util::{StreamExt as _, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::access::Authorized;
use super::{ok, shape};
use crate::api_version::ResourceVersion;
use crate::handlers::paging::{Paging, next_query};
use crate::providers::ProviderUrls;
use crate::route::control_plane::NAMESPACE;
use crate::{ResourceError, respond};

/// Providers read from the store at a time.
const ROWS: u32 = 500;

/// `GET …/attestationProviders` of a subscription or resource group.
pub(super) async fn list(
    request: &Authorized<'_>,
    subscription: String,
    resource_group: Option<String>,
) -> Result<Response<Body>, ResourceError> {
    ResourceScope::parse(&subscription, resource_group.as_deref().unwrap_or("any"))?;
    let paging = Paging::from_query(request.query)?;
    let providers = &request.state.providers;
    let readable = request.caller()?.readable();
    let listing = Listing {
        store: providers.store().clone(),
        urls: providers.urls().clone(),
        version: request.version,
        subscription,
        resource_group,
        names: readable.map(|names| names.into_iter().map(str::to_owned).collect()),
    };
    match paging.top {
        Some(_) => one_page(&listing, paging.page(ROWS)).await,
        None => everything(listing, paging.after).await,
    }
}

async fn one_page(
    listing: &Listing,
    request: PageRequest,
) -> Result<Response<Body>, ResourceError> {
    let (resources, next) = listing.page(request).await?;
    let mut body = json!({ "value": resources });
    if let (Some(next), Some(members)) = (next, body.as_object_mut()) {
        members.insert("nextLink".to_owned(), listing.link(request, next).into());
    }
    Ok(ok(&body))
}

/// All that follow `after`. A fault after the first page breaks the answer off, so that nobody
/// takes a part for the whole.
async fn everything(listing: Listing, after: u64) -> Result<Response<Body>, ResourceError> {
    let request = PageRequest { after, rows: ROWS };
    let (first, next) = listing.page(request).await?;
    let Some(next) = next else { return Ok(ok(&json!({ "value": first }))) };
    let first: Vec<String> = first.iter().map(Value::to_string).collect();
    let head = Bytes::from(format!("{{\"value\":[{}", first.join(",")));
    let rest = stream::try_unfold((listing, Some(next)), |(listing, next)| async move {
        let Some(after) = next else { return Ok(None) };
        let (resources, next) = listing.page(PageRequest { after, rows: ROWS }).await?;
        let mut text: String = resources.iter().map(|one| format!(",{one}")).collect();
        if next.is_none() {
            text.push_str("]}");
        }
        Ok::<_, StoreError>(Some((Bytes::from(text), (listing, next))))
    });
    let body = stream::once(std::future::ready(Ok(head))).chain(rest);
    Ok(respond::json(StatusCode::OK, Body::from_stream(body)))
}

/// What is listed, and for whom.
struct Listing {
    store: Store,
    urls: ProviderUrls,
    version: ResourceVersion,
    subscription: String,
    resource_group: Option<String>,
    /// Names of the providers that the caller may read; none if that is all.
    names: Option<Vec<String>>,
}

impl Listing {
    async fn page(&self, request: PageRequest) -> Result<(Vec<Value>, Option<u64>), StoreError> {
        let page = match &self.names {
            None => self.store.providers(self.filter(), request).await?,
            Some(names) => self.named(names, request).await?,
        };
        let connections = self.connections(&page.items).await?;
        let none = Vec::new();
        let shown = page.items.iter().map(|provider| {
            let own = connections.get(&provider.id).unwrap_or(&none);
            shape::provider(provider, own, self.version, &self.urls)
        });
        Ok((shown.collect(), page.next))
    }

    fn filter(&self) -> ProviderFilter<'_> {
        match &self.resource_group {
            None => ProviderFilter::Subscription(&self.subscription),
            Some(group) => ProviderFilter::ResourceGroup(&self.subscription, group),
        }
    }

    /// Looks the few names up that a caller may read, rather than going through all providers.
    async fn named(
        &self,
        names: &[String],
        request: PageRequest,
    ) -> Result<Page<Provider>, StoreError> {
        let mut found = Vec::new();
        for name in names {
            let provider = self.store.provider(name).await?;
            found.extend(provider.filter(|one| self.holds(one) && one.id.get() > request.after));
        }
        found.sort_unstable_by_key(|provider| provider.id);
        let rows = usize::try_from(request.rows).unwrap_or(usize::MAX);
        let is_more = found.len() > rows;
        found.truncate(rows);
        let next = found.last().map(|provider| provider.id.get()).filter(|_| is_more);
        Ok(Page { items: found, next })
    }

    fn holds(&self, provider: &Provider) -> bool {
        let scope = &provider.scope;
        let group = self.resource_group.as_deref().unwrap_or_else(|| scope.resource_group());
        ResourceScope::parse(&self.subscription, group).is_ok_and(|asked| asked.is(scope))
    }

    async fn connections(
        &self,
        providers: &[Provider],
    ) -> Result<HashMap<ProviderId, Vec<PrivateEndpointConnection>>, StoreError> {
        let mut connections: HashMap<_, Vec<_>> = HashMap::new();
        let (Some(first), Some(last)) = (providers.first(), providers.last()) else {
            return Ok(connections);
        };
        let range = first.id..=last.id;
        let read = self.store.private_endpoint_connections_in(&self.subscription, range).await?;
        for (id, connection) in read {
            connections.entry(id).or_default().push(connection);
        }
        Ok(connections)
    }

    fn link(&self, page: PageRequest, next: u64) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let group = self.resource_group.as_deref();
        let group =
            group.map_or_else(String::new, |group| format!("/resourceGroups/{}", encoded(group)));
        format!(
            "{}/subscriptions/{}{group}/providers/{NAMESPACE}/attestationProviders?api-version={}\
             &{}",
            self.urls.root(),
            encoded(&self.subscription),
            self.version.as_str(),
            next_query(page, next)
        )
    }
}
