//! Operations of the vault, in the shape of Azure Key Vault.

/// What to do with the keys of the vault. Names keep the case of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultOperation {
    /// Make a version of a key.
    Create(String),
    /// Take a key that there is already as a version.
    Import(String),
    /// List the keys.
    Keys,
    /// List the versions of a key.
    Versions(String),
    /// Show a version of a key, or its current one.
    Get(VersionPath),
    /// Change attributes, operations, tags or release policy.
    Update(VersionPath),
    /// Delete a key with all its versions.
    Delete(String),
    /// Release a version of a key, or its current one.
    Release(VersionPath),
    /// List the deleted keys.
    DeletedKeys,
    /// Show a deleted key.
    GetDeleted(String),
    /// Take a deletion back.
    Recover(String),
    /// Remove a deleted key for ever.
    Purge(String),
    /// Random bytes.
    Random,
}

/// Where a path says that a version is. Nothing of it has been checked against any rule of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPath {
    /// The key's name.
    pub name: String,
    /// The version, 32 hex digits; the current one without.
    pub version: Option<String>,
}

/// What Key Vault does and this vault does not: the last segments of its paths.
pub(super) const NOT_IMPLEMENTED: [&str; 11] = [
    "encrypt",
    "decrypt",
    "sign",
    "verify",
    "wrapkey",
    "unwrapkey",
    "backup",
    "restore",
    "rotate",
    "rotationpolicy",
    "attestation",
];
/// Beginnings of paths that are of other things than keys.
pub(super) const NOT_KEYS: [&str; 6] =
    ["secrets", "deletedsecrets", "certificates", "deletedcertificates", "storage", "settings"];
