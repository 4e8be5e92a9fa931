//! The keys of authorities whose tokens release policies take.
//!
//! Only issuers that the operator names are fetched from, by their own OpenID metadata: nothing in a
//! token or a policy makes the service ask an address of somebody's choice. The issuers of this service
//! are known without any request.

use std::sync::Arc;
use std::time::Instant;

use avouch_release::Authority;
use avouch_token::Jwks;

use crate::Fault;
use crate::auth::{IssuerKeys, OidcError, Spelling};
use crate::config::AuthorityConfig;

/// Authorities besides this service.
#[derive(Debug)]
pub(crate) struct Authorities {
    others: Vec<(Authority, IssuerKeys)>,
}

impl Authorities {
    /// These; nothing is fetched yet.
    pub(crate) fn new(config: &[AuthorityConfig]) -> Result<Self, OidcError> {
        let mut others = Vec::new();
        for one in config {
            // What is no URL was refused with the configuration.
            let Ok(authority) = Authority::parse(&one.issuer) else { continue };
            let (ca_file, spelling) = (one.ca_file.as_deref(), Spelling::WithOrWithoutSlash);
            let keys = IssuerKeys::of(authority.as_str(), ca_file, spelling)?;
            others.push((authority, keys));
        }
        Ok(Self { others })
    }

    /// The keys of an authority, newer ones than `outdated` if they can be had; none if nobody named it.
    ///
    /// # Errors
    /// 503 if it does not answer.
    pub(crate) async fn keys(
        &self,
        authority: &Authority,
        outdated: Option<&Arc<Jwks>>,
    ) -> Result<Option<Arc<Jwks>>, Fault> {
        let Some((_, keys)) = self.others.iter().find(|(one, _)| one == authority) else {
            return Ok(None);
        };
        keys.get(outdated, Instant::now()).await.map(Some)
    }
}
