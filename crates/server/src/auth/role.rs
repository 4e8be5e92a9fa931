//! Roles, in the words of Azure's role-based access control.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// What a caller may do at a provider; each role may do what the one before may.
///
/// Source: `docs/maa/service.md#roles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read policies and policy certificates.
    Reader,
    /// Also set and reset policies, add and remove policy certificates.
    Contributor,
    /// Also create, change and delete providers.
    Owner,
}

/// What a caller may do with the keys of the vault. None of it comes with a role at a provider, and
/// releasing keys comes with no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VaultRole {
    /// Read what everybody may know of keys, and their release policies.
    Reader,
    /// Also create, import, change, delete, recover and purge keys.
    CryptoOfficer,
    /// Have keys released to attested workloads.
    ReleaseUser,
}

impl VaultRole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reader, Self::CryptoOfficer, Self::ReleaseUser];

    /// Its name, as Azure's role-based access control has it, in one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "KeyVaultReader",
            Self::CryptoOfficer => "KeyVaultCryptoOfficer",
            Self::ReleaseUser => "KeyVaultCryptoServiceReleaseUser",
        }
    }

    /// Whether whoever has this role may do what needs the other.
    #[must_use]
    pub const fn covers(self, needed: Self) -> bool {
        matches!(
            (self, needed),
            (Self::Reader | Self::CryptoOfficer, Self::Reader)
                | (Self::CryptoOfficer, Self::CryptoOfficer)
                | (Self::ReleaseUser, Self::ReleaseUser)
        )
    }
}

/// A role as configurations and token files name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedRole {
    /// At providers.
    Provider(Role),
    /// At the vault.
    Vault(VaultRole),
}

impl<'de> Deserialize<'de> for NamedRole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if let Some(role) = VaultRole::ALL.into_iter().find(|role| role.name() == name) {
            return Ok(Self::Vault(role));
        }
        Ok(Self::Provider(match name.as_str() {
            "Reader" => Role::Reader,
            "Contributor" => Role::Contributor,
            "Owner" => Role::Owner,
            _ => {
                let known = VaultRole::ALL.map(VaultRole::name).join("`, `");
                let found = avouch_wire::excerpt(&name);
                return Err(D::Error::custom(format!(
                    "unknown role {found}, expected one of `Reader`, `Contributor`, `Owner`, `{known}`"
                )));
            }
        }))
    }
}
