//! Who calls, and what they may do where.

use std::collections::BTreeSet;

use avouch_store::{Actor, ActorKind, ProviderName};

use super::Role;
use crate::ApiError;

/// A role at all providers, or at some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Names of the providers in their compared form; empty means all.
    pub providers: Vec<String>,
}

/// An authenticated caller. Only authentication makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    actor: Option<Actor>,
    grants: Vec<Grant>,
}

impl Caller {
    pub(super) const fn new(actor: Actor, grants: Vec<Grant>) -> Self {
        Self { actor: Some(actor), grants }
    }

    /// Whoever calls a development service.
    pub(super) fn developer() -> Self {
        let grants = vec![Grant { role: Role::Owner, providers: Vec::new() }];
        Self { actor: Actor::new(ActorKind::User, "developer").ok(), grants }
    }

    /// The identity that history and audit trail name.
    ///
    /// # Errors
    /// 401 if it has none.
    pub fn actor(&self) -> Result<&Actor, ApiError> {
        self.actor.as_ref().ok_or_else(|| ApiError::unauthorized("The caller has no identity."))
    }

    /// The highest role at the provider of this name, in its compared form.
    ///
    /// Everybody with a valid token may read the default provider, as MAA's shared ones
    /// (`maa-rest-api.md` section 3).
    #[must_use]
    pub fn role_at(&self, provider: &str) -> Option<Role> {
        let everywhere = |grant: &&Grant| {
            grant.providers.is_empty() || grant.providers.iter().any(|name| name == provider)
        };
        let granted = self.grants.iter().filter(everywhere).map(|grant| grant.role).max();
        let shared = (provider == ProviderName::DEFAULT).then_some(Role::Reader);
        granted.max(shared)
    }

    /// Names of the providers that it may read, in their compared form; none if that is all.
    #[must_use]
    pub fn readable(&self) -> Option<BTreeSet<&str>> {
        if self.grants.iter().any(|grant| grant.providers.is_empty()) {
            return None;
        }
        let granted = self.grants.iter().flat_map(|grant| &grant.providers).map(String::as_str);
        Some(granted.chain([ProviderName::DEFAULT]).collect())
    }

    /// Demands a role at a provider.
    ///
    /// # Errors
    /// 401, as MAA answers also those who are known but not permitted.
    pub fn require(&self, role: Role, provider: &str) -> Result<(), ApiError> {
        if self.role_at(provider).is_some_and(|found| found >= role) {
            return Ok(());
        }
        Err(ApiError::unauthorized(format!(
            "The caller does not have the role {role:?} at this attestation provider."
        )))
    }
}
