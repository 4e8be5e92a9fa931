//! Who calls, and what they may do where.

use std::collections::BTreeSet;

use avouch_store::{Actor, ActorKind, ProviderName};

use super::{NamedRole, Role, VaultRole};
use crate::error::Fault;

/// A role at all providers, or at some, or at the vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    role: NamedRole,
    /// Names of the providers in their compared form; all without.
    providers: Option<Vec<String>>,
}

impl Grant {
    /// A role at the providers of these names in their compared form, or at all; or at the vault, which
    /// is of no provider.
    #[must_use]
    pub const fn new(role: NamedRole, providers: Option<Vec<String>>) -> Self {
        Self { role, providers }
    }

    /// The role at a provider, if it is one there.
    fn role_at(&self, provider: &str) -> Option<Role> {
        let NamedRole::Provider(role) = self.role else { return None };
        let holds =
            self.providers.as_ref().is_none_or(|names| names.iter().any(|name| name == provider));
        holds.then_some(role)
    }
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
        let at_vault = VaultRole::ALL.into_iter().map(NamedRole::Vault);
        let roles = std::iter::once(NamedRole::Provider(Role::Owner)).chain(at_vault);
        let grants = roles.map(|role| Grant::new(role, None)).collect();
        Self { actor: Actor::new(ActorKind::User, "developer").ok(), grants }
    }

    /// The identity that history and audit trail name.
    ///
    /// # Errors
    /// 401 if it has none.
    pub fn actor(&self) -> Result<&Actor, Fault> {
        self.actor.as_ref().ok_or_else(|| Fault::unauthorized("The caller has no identity."))
    }

    /// The highest role at the provider of this name, in its compared form.
    ///
    /// Everybody with a valid token may read the default provider, as MAA's shared ones
    /// (`docs/maa/service.md#roles`).
    #[must_use]
    pub fn role_at(&self, provider: &str) -> Option<Role> {
        let shared = (provider == ProviderName::DEFAULT).then_some(Role::Reader);
        self.granted_role_at(provider).max(shared)
    }

    /// The highest role that was given to this caller, and not to everybody, at the provider.
    fn granted_role_at(&self, provider: &str) -> Option<Role> {
        self.grants.iter().filter_map(|grant| grant.role_at(provider)).max()
    }

    /// Names of the providers that it may read, in their compared form; none if that is all.
    #[must_use]
    pub fn readable(&self) -> Option<BTreeSet<&str>> {
        let mut names = BTreeSet::from([ProviderName::DEFAULT]);
        let of_providers = |grant: &&Grant| matches!(grant.role, NamedRole::Provider(_));
        for grant in self.grants.iter().filter(of_providers) {
            names.extend(grant.providers.as_ref()?.iter().map(String::as_str));
        }
        Some(names)
    }

    /// Whether it may do at the vault what needs this role.
    #[must_use]
    pub fn has_at_vault(&self, needed: VaultRole) -> bool {
        let covers = |grant: &Grant| match grant.role {
            NamedRole::Vault(role) => role.covers(needed),
            NamedRole::Provider(_) => false,
        };
        self.grants.iter().any(covers)
    }

    /// Demands a role at a provider.
    ///
    /// # Errors
    /// 401, as MAA answers also those who are known but not permitted.
    pub fn require(&self, role: Role, provider: &str) -> Result<(), Fault> {
        enough(self.role_at(provider), role)
    }

    /// Demands a role that was given to this caller: who may attest where not everybody may is no
    /// matter of reading a shared provider.
    ///
    /// # Errors
    /// As [`Caller::require`].
    pub fn require_granted(&self, role: Role, provider: &str) -> Result<(), Fault> {
        enough(self.granted_role_at(provider), role)
    }
}

fn enough(found: Option<Role>, needed: Role) -> Result<(), Fault> {
    if found.is_some_and(|found| found >= needed) {
        return Ok(());
    }
    Err(Fault::unauthorized(format!(
        "The caller does not have the role {needed:?} at this attestation provider."
    )))
}

#[cfg(test)]
mod tests {
    use super::{Caller, Grant};
    use crate::auth::{NamedRole, Role, VaultRole};

    fn provider(role: Role, providers: Option<Vec<String>>) -> Grant {
        Grant::new(NamedRole::Provider(role), providers)
    }

    fn caller(grants: Vec<Grant>) -> Caller {
        Caller { actor: None, grants }
    }

    fn at(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn of_two_roles_at_a_provider_the_higher_counts_in_whatever_order() {
        let reader = provider(Role::Reader, None);
        let owner = provider(Role::Owner, at(&["contoso"]));
        for grants in [vec![reader.clone(), owner.clone()], vec![owner, reader]] {
            let caller = caller(grants);
            assert_eq!(caller.role_at("contoso"), Some(Role::Owner));
            assert_eq!(caller.role_at("fabrikam"), Some(Role::Reader));
            assert!(caller.require_granted(Role::Owner, "contoso").is_ok());
            assert!(caller.require_granted(Role::Contributor, "fabrikam").is_err());
            assert_eq!(caller.readable(), None);
        }
    }

    #[test]
    fn roles_at_some_providers_are_none_at_others_and_everybody_reads_the_default_one() {
        let one = provider(Role::Contributor, at(&["contoso", "fabrikam"]));
        let other = provider(Role::Reader, at(&["northwind"]));
        let caller = caller(vec![one, other]);
        for (provider, role) in [
            ("contoso", Some(Role::Contributor)),
            ("fabrikam", Some(Role::Contributor)),
            ("northwind", Some(Role::Reader)),
            ("tailspin", None),
            ("default", Some(Role::Reader)),
        ] {
            assert_eq!(caller.role_at(provider), role, "{provider}");
        }
        let names: Vec<&str> = caller.readable().unwrap().into_iter().collect();
        assert_eq!(names, ["contoso", "default", "fabrikam", "northwind"]);
        // To read the shared provider is no right to attest there.
        assert!(caller.require(Role::Reader, "default").is_ok());
        assert!(caller.require_granted(Role::Reader, "default").is_err());
        assert!(caller.require(Role::Contributor, "northwind").is_err());
        // Who has no identity changes nothing.
        assert!(caller.actor().is_err());
    }

    #[test]
    fn a_role_at_the_vault_is_none_at_providers_and_releasing_comes_with_no_other() {
        use VaultRole::{CryptoOfficer, Reader, ReleaseUser};
        for (role, may) in [
            (Reader, &[Reader][..]),
            (CryptoOfficer, &[Reader, CryptoOfficer]),
            (ReleaseUser, &[ReleaseUser]),
        ] {
            let caller = caller(vec![Grant::new(NamedRole::Vault(role), None)]);
            for needed in VaultRole::ALL {
                assert_eq!(caller.has_at_vault(needed), may.contains(&needed), "{role:?}");
            }
            assert_eq!(caller.role_at("contoso"), None);
            assert!(caller.require_granted(Role::Reader, "default").is_err());
            assert_eq!(caller.readable().unwrap().len(), 1);
        }
        let owner = caller(vec![provider(Role::Owner, None)]);
        assert!(VaultRole::ALL.into_iter().all(|role| !owner.has_at_vault(role)));
        assert!(VaultRole::ALL.into_iter().all(|role| Caller::developer().has_at_vault(role)));
    }
}
