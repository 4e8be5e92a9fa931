//! What stands before a handler of the control plane: `api-version`, who sent the request, and the role
//! that its row in the table of endpoints asks for.
//!
//! Roles are judged by the name in the path, before anything is looked up. So who may not read a
//! provider gets the same 401 whether it exists or not.

use avouch_store::{Actor, Provider, ProviderName, ResourceScope};

use super::{Request, not_found};
use crate::api_version::{ResourceVersion, check_some_version};
use crate::auth::Caller;
use crate::handlers::access::authenticate;
use crate::handlers::refusals::Attempt;
use crate::route::control_plane::ProviderPath;
use crate::route::{Needs, Row, Version};
use crate::state::AppState;
use crate::work::Work;
use crate::{Fault, ResourceError};

/// A request that has what its row asks for. Only [`authorize`] makes one.
pub(super) struct Authorized<'a> {
    pub(super) state: &'a AppState,
    /// The version that it names; the latest where any will do.
    pub(super) version: ResourceVersion,
    pub(super) query: Option<&'a str>,
    /// Where its work is done.
    pub(super) work: Work<'a>,
    needs: Needs,
    /// None where anybody may send it.
    caller: Option<Caller>,
}

/// A request that has what its row asks for at the provider of its path. Only
/// [`Authorized::at`] makes one.
pub(super) struct AtProvider<'a> {
    pub(super) request: &'a Authorized<'a>,
    pub(super) scope: ResourceScope,
    path: &'a ProviderPath,
}

/// Checks a request against its row. A role at the provider of a path is left to
/// [`Authorized::at`], any other is one at the default provider.
pub(super) async fn authorize<'a>(
    request: Request<'a>,
    row: &Row,
    at: Option<&ProviderPath>,
    attempt: &mut Attempt,
) -> Result<Authorized<'a>, ResourceError> {
    let Request { state, head, peer, work } = request;
    let query = head.uri.query();
    let version = match row.version {
        Version::Known => ResourceVersion::from_query(query)?,
        Version::None => ResourceVersion::LATEST,
        Version::Any => {
            check_some_version(query)?;
            ResourceVersion::LATEST
        }
    };
    let caller = match row.needs {
        Needs::Nothing => None,
        Needs::MayAttest | Needs::Caller | Needs::Role(_) | Needs::Vault(_) => {
            Some(authenticate(state, (head, peer)).await?)
        }
    };
    if let Some(caller) = &caller {
        attempt.by(caller);
    }
    let authorized = Authorized { state, version, query, work, needs: row.needs, caller };
    if at.is_none() {
        authorized.require_at(ProviderName::DEFAULT)?;
    }
    Ok(authorized)
}

impl Authorized<'_> {
    /// Who sent it.
    ///
    /// # Errors
    /// 401 if that is nobody.
    pub(super) fn caller(&self) -> Result<&Caller, Fault> {
        self.caller.as_ref().ok_or_else(|| Fault::unauthorized("The caller has no identity."))
    }

    /// The identity that history and audit trail name.
    ///
    /// # Errors
    /// 401 if there is none.
    pub(super) fn actor(&self) -> Result<&Actor, Fault> {
        self.caller()?.actor()
    }

    /// Demands the role at the provider that a path names, and checks the path's names.
    pub(super) fn at<'a>(
        &'a self,
        path: &'a ProviderPath,
    ) -> Result<AtProvider<'a>, ResourceError> {
        self.require_at(&ProviderName::key_of(&path.name)?)?;
        let scope = ResourceScope::parse(&path.subscription, &path.resource_group)?;
        Ok(AtProvider { request: self, scope, path })
    }

    fn require_at(&self, provider: &str) -> Result<(), Fault> {
        match self.needs {
            Needs::Role(role) => self.caller()?.require(role, provider),
            Needs::Vault(_) => {
                Err(Fault::unauthorized("The control plane has no role at the vault."))
            }
            Needs::MayAttest | Needs::Caller | Needs::Nothing => Ok(()),
        }
    }
}

impl AtProvider<'_> {
    /// Its name, as the path has it.
    pub(super) fn name(&self) -> &str {
        &self.path.name
    }

    /// The provider, read anew from the store; none if the name is free or taken in another scope.
    pub(super) async fn find(&self) -> Result<Option<Provider>, ResourceError> {
        let found = self.request.state.providers.store().provider(self.name()).await?;
        Ok(found.filter(|provider| provider.scope.is(&self.scope)))
    }

    /// As [`AtProvider::find`], where it must exist.
    pub(super) async fn existing(&self) -> Result<Provider, ResourceError> {
        self.find().await?.ok_or_else(|| not_found(self.path))
    }
}
