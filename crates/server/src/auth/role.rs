//! Roles, in the words of Azure's role-based access control.

use serde::Deserialize;

/// What a caller may do at a provider; each role may do what the one before may.
///
/// Source: `docs/maa/service.md#roles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Role {
    /// Read policies and policy certificates.
    Reader,
    /// Also set and reset policies, add and remove policy certificates.
    Contributor,
    /// Also create, change and delete providers.
    Owner,
}
