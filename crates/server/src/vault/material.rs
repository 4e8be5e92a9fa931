//! Keys as the database holds them: wrapped under the master key, each for its record alone.
//!
//! What a key is wrapped for names its release policy too. So whoever can write the database and has no
//! master key can neither bring in a key of his own nor give one away by another policy.

use avouch_pki::digest;
use avouch_release::{
    KeyAttributes, KeyMaterial, KeyMaterialError, KeyVersion, Operators, PolicyEnvelope,
};
use avouch_store::{VaultKey, VaultKeyPolicy, VaultKeyType};
use serde_json::Value;
use thiserror::Error;

use crate::keys::{MasterKeys, WrapError};

/// Why a key in the database cannot be used. Nothing of it is shown.
#[derive(Debug, Error)]
pub enum VaultMaterialError {
    /// It was not wrapped or unwrapped.
    #[error("key {name}/{version}: {source}")]
    Wrap {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Why.
        source: WrapError,
    },
    /// What was unwrapped is no key.
    #[error("key {name}/{version}: {source}")]
    Material {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Why.
        source: KeyMaterialError,
    },
    /// The record has another public key than the key in it.
    #[error("key {name}/{version} is not the one that its record says")]
    OtherKey {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
    },
    /// The record holds what no program of ours wrote.
    #[error("key {name}/{version}: its record is damaged")]
    Record {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
    },
}

/// What a key is wrapped for.
pub(crate) struct WrappedFor<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) key_type: VaultKeyType,
    pub(crate) is_exportable: bool,
    pub(crate) public_key: Option<&'a [u8]>,
    pub(crate) release_policy: Option<&'a VaultKeyPolicy>,
}

impl<'a> WrappedFor<'a> {
    fn of(record: &'a VaultKey) -> Self {
        Self {
            name: &record.name,
            version: &record.version,
            key_type: record.key_type,
            is_exportable: record.is_exportable,
            public_key: record.public_key.as_deref(),
            release_policy: record.settings.release_policy.as_ref(),
        }
    }

    fn context(&self) -> Vec<u8> {
        let policy = self.release_policy.map_or_else(
            || "none".to_owned(),
            |policy| {
                let hash = digest::sha256(policy.envelope.as_bytes());
                format!("{hash} {}", policy.is_immutable)
            },
        );
        let (name, key_type) = (self.name.to_ascii_lowercase(), self.key_type.as_str());
        let (version, is_exportable) = (self.version, self.is_exportable);
        let words = format!(
            "avouch vault key 1\n{name}\n{version}\n{key_type}\n{is_exportable}\n{policy}\n"
        );
        [words.as_bytes(), self.public_key.unwrap_or_default()].concat()
    }
}

/// Wraps a key that is about to be stored.
pub(crate) fn wrap_new(
    material: &KeyMaterial,
    wrapped_for: &WrappedFor<'_>,
    master: &MasterKeys,
) -> Result<Vec<u8>, VaultMaterialError> {
    master.wrap(material.secret_bytes(), &wrapped_for.context()).map_err(|source| {
        let (name, version) = (wrapped_for.name.to_owned(), wrapped_for.version.to_owned());
        VaultMaterialError::Wrap { name, version, source }
    })
}

/// The key of a record wrapped anew, under the newest master key, for another release policy.
pub(crate) fn rewrapped_for<'m>(
    record: &VaultKey,
    release_policy: Option<&VaultKeyPolicy>,
    master: &'m MasterKeys,
) -> Result<(Vec<u8>, &'m str), VaultMaterialError> {
    let material = unwrap(record, master)?;
    let wrapped_for = WrappedFor { release_policy, ..WrappedFor::of(record) };
    Ok((wrap_new(&material, &wrapped_for, master)?, master.first().name()))
}

/// The key of a record wrapped anew under the newest master key, and that key's name.
///
/// # Errors
/// [`VaultMaterialError`].
pub fn rewrapped_vault_key<'m>(
    record: &VaultKey,
    master: &'m MasterKeys,
) -> Result<(Vec<u8>, &'m str), VaultMaterialError> {
    rewrapped_for(record, record.settings.release_policy.as_ref(), master)
}

fn unwrap(record: &VaultKey, master: &MasterKeys) -> Result<KeyMaterial, VaultMaterialError> {
    let named = || (record.name.clone(), record.version.clone());
    let context = WrappedFor::of(record).context();
    let bytes = master.unwrap(&record.wrapping_key, &record.wrapped_material, &context).map_err(
        |source| {
            let (name, version) = named();
            VaultMaterialError::Wrap { name, version, source }
        },
    )?;
    let material = match record.key_type {
        VaultKeyType::Oct => KeyMaterial::from_secret(bytes),
        VaultKeyType::Rsa | VaultKeyType::Ec => KeyMaterial::from_pkcs8_der(bytes),
    };
    let material = material.map_err(|source| {
        let (name, version) = named();
        VaultMaterialError::Material { name, version, source }
    })?;
    if material.public_key().map(|key| key.spki_der()) != record.public_key.as_deref() {
        let (name, version) = named();
        return Err(VaultMaterialError::OtherKey { name, version });
    }
    Ok(material)
}

/// A record as what decides about its release.
pub(crate) fn key_version(
    kid: String,
    record: &VaultKey,
    master: &MasterKeys,
) -> Result<KeyVersion, VaultMaterialError> {
    let damaged = || VaultMaterialError::Record {
        name: record.name.clone(),
        version: record.version.clone(),
    };
    let material = unwrap(record, master)?;
    let operations: Vec<String> =
        serde_json::from_str(&record.settings.operations).map_err(|_| damaged())?;
    let release_policy = record.settings.release_policy.as_ref().map(|policy| {
        let envelope: Value = serde_json::from_str(&policy.envelope).map_err(|_| damaged())?;
        // It was judged by the operators that were enabled when it was imported.
        PolicyEnvelope::parse(&envelope, Operators::All).map_err(|_| damaged())
    });
    Ok(KeyVersion {
        kid,
        is_hsm: record.is_hsm,
        operations,
        attributes: attributes(record),
        release_policy: release_policy.transpose()?,
        material,
    })
}

/// The attributes of a record.
pub(crate) const fn attributes(record: &VaultKey) -> KeyAttributes {
    KeyAttributes {
        is_enabled: record.settings.is_enabled,
        is_exportable: record.is_exportable,
        not_before: record.settings.not_before,
        expires_at: record.settings.expires_at,
        created_at: record.created_at,
        updated_at: record.updated_at,
    }
}

#[cfg(test)]
mod tests {
    use avouch_release::{KeyMaterial, MaterialSpec};
    use avouch_store::{VaultKey, VaultKeyPolicy, VaultKeySettings, VaultKeyType};
    use avouch_wire::UnixTime;

    use super::{WrappedFor, key_version, rewrapped_for, rewrapped_vault_key, wrap_new};
    use crate::keys::{MasterKey, MasterKeys};

    fn master(digit: &str) -> MasterKey {
        MasterKey::parse(&digit.repeat(64)).unwrap()
    }

    const ENVELOPE: &str = concat!(
        r#"{"data":"eyJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hLmV4YW1wbGUiLCJhbGxPZiI6W3siY2xhaW0i"#,
        r#"OiJhIiwiZXF1YWxzIjoiYiJ9XX1dfQ"}"#
    );

    fn record(master: &MasterKeys) -> VaultKey {
        let material = KeyMaterial::generate(MaterialSpec::P256).unwrap();
        let public_key = material.public_key().map(|key| key.spki_der().to_vec());
        let envelope = ENVELOPE.to_owned();
        let mut record = VaultKey {
            name: "Name".to_owned(),
            version: "0".repeat(32),
            made: 1,
            key_type: VaultKeyType::Ec,
            is_hsm: false,
            is_exportable: true,
            public_key,
            wrapped_material: Vec::new(),
            wrapping_key: master.first().name().to_owned(),
            settings: VaultKeySettings {
                is_enabled: true,
                not_before: None,
                expires_at: None,
                operations: "[]".to_owned(),
                tags: "{}".to_owned(),
                release_policy: Some(VaultKeyPolicy { envelope, is_immutable: false }),
            },
            revision: 1,
            created_at: UnixTime::from_seconds(0).unwrap(),
            updated_at: UnixTime::from_seconds(0).unwrap(),
        };
        record.wrapped_material = wrap_new(&material, &WrappedFor::of(&record), master).unwrap();
        record
    }

    #[test]
    fn a_key_opens_in_its_own_record_and_under_its_own_policy_alone() {
        let master = MasterKeys::new(master("a"), Vec::new());
        let record = record(&master);
        assert!(key_version("kid".to_owned(), &record, &master).is_ok());
        let changes: [fn(&mut VaultKey); 8] = [
            |record| record.name = "other".to_owned(),
            |record| record.version = "1".repeat(32),
            |record| record.key_type = VaultKeyType::Rsa,
            |record| record.is_exportable = false,
            |record| record.public_key = Some(vec![1]),
            |record| record.settings.release_policy = None,
            |record| {
                let policy = record.settings.release_policy.as_mut().unwrap();
                policy.envelope = policy.envelope.replace("YiJ9XX1", "YyJ9XX1");
            },
            |record| record.settings.release_policy.as_mut().unwrap().is_immutable = true,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = record.clone();
            change(&mut changed);
            assert_ne!(changed, record, "{index}");
            let error = key_version("kid".to_owned(), &changed, &master).unwrap_err();
            assert!(error.to_string().contains("does not unwrap"), "{index}: {error}");
        }
        // What may change without the key being wrapped anew.
        let mut changed = record.clone();
        changed.settings.is_enabled = false;
        changed.name = "NAME".to_owned();
        assert!(key_version("kid".to_owned(), &changed, &master).is_ok());
    }

    #[test]
    fn a_key_is_wrapped_anew_for_another_policy_and_under_another_master_key() {
        let first = MasterKeys::new(master("a"), Vec::new());
        let record = record(&first);
        let (wrapped, name) = rewrapped_for(&record, None, &first).unwrap();
        let mut without = record.clone();
        without.settings.release_policy = None;
        (without.wrapped_material, without.wrapping_key) = (wrapped, name.to_owned());
        let read = key_version("kid".to_owned(), &without, &first).unwrap();
        assert!(read.release_policy.is_none());

        let second = MasterKeys::new(master("b"), vec![master("a")]);
        let (wrapped, name) = rewrapped_vault_key(&record, &second).unwrap();
        let mut moved = record.clone();
        (moved.wrapped_material, moved.wrapping_key) = (wrapped, name.to_owned());
        let alone = MasterKeys::new(master("b"), Vec::new());
        assert!(key_version("kid".to_owned(), &moved, &alone).is_ok());
        assert!(key_version("kid".to_owned(), &record, &alone).is_err());
    }
}
