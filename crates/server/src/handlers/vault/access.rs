//! What stands before a handler of the vault: who sent the request, and the role that its row in the
//! table of endpoints asks for.

use std::sync::Arc;

use avouch_store::{Actor, Edit, Store};

use super::Request;
use crate::api_version::KeyVaultVersion;
use crate::auth::{Caller, VaultRole};
use crate::handlers::access::authenticate;
use crate::handlers::refusals::Attempt;
use crate::route::{Needs, Row};
use crate::state::AppState;
use crate::work::Work;
use crate::{Fault, KeyVaultError, Vault};

/// A request that has what its row asks for. Only [`authorize`] makes one.
pub(super) struct Authorized<'a> {
    pub(super) state: &'a Arc<AppState>,
    pub(super) vault: &'a Vault,
    pub(super) version: KeyVaultVersion,
    pub(super) query: Option<&'a str>,
    /// Where its work is done.
    pub(super) work: Work<'a>,
    caller: Caller,
}

/// Checks a request against its row: caller, role, version. The version comes last: SDKs begin without a
/// token, to be told where to get one.
pub(super) async fn authorize<'a>(
    request: Request<'a>,
    row: &Row,
    attempt: &mut Attempt,
) -> Result<Authorized<'a>, KeyVaultError> {
    let Request { state, vault, head, peer, work } = request;
    let caller = authenticate(state, (head, peer)).await?;
    attempt.by(&caller);
    let Needs::Vault(role) = row.needs else {
        return Err(KeyVaultError::forbidden("ForbiddenByRbac", "The vault has roles of its own."));
    };
    if !caller.has_at_vault(role) {
        return Err(without_role(&caller, role, attempt));
    }
    let query = head.uri.query();
    let version = KeyVaultVersion::from_query(query)?;
    Ok(Authorized { state, vault, version, query, work, caller })
}

/// Which role is missing is for those who may read keys, for the log and for the audit trail.
fn without_role(caller: &Caller, needed: VaultRole, attempt: &mut Attempt) -> KeyVaultError {
    let why = format!("The caller does not have the role {} at this vault.", needed.name());
    attempt.because("vault-role", &why);
    let message = if caller.has_at_vault(VaultRole::Reader) {
        why.clone()
    } else {
        "The caller may not do this at this vault.".to_owned()
    };
    KeyVaultError::forbidden("ForbiddenByRbac", message).because(format!("vault-role: {why}"))
}

impl Authorized<'_> {
    /// The identity that history and audit trail name.
    ///
    /// # Errors
    /// 401 if there is none.
    pub(super) fn actor(&self) -> Result<&Actor, Fault> {
        self.caller.actor()
    }

    pub(super) fn store(&self) -> &Store {
        self.state.providers.store()
    }

    /// A change by the caller at this moment.
    ///
    /// # Errors
    /// 401 if the caller has no identity.
    pub(super) fn edit(&self) -> Result<Edit<'_>, Fault> {
        Ok(Edit::new(self.actor()?, self.state.clock.now()))
    }

    /// Whether the caller may read release policies, and so may know which of their conditions failed.
    pub(super) fn may_know_why(&self) -> bool {
        self.caller.has_at_vault(VaultRole::Reader)
    }
}
