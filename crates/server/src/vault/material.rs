//! Keys as the database holds them: wrapped under the master key, each for its record alone.
//!
//! What a key is wrapped for names its release policy too, and whether and when it may be used. So whoever
//! can write the database and has no master key can neither bring in a key of his own nor give one away by
//! another policy or at another time.

use avouch_pki::{PublicKey, digest};
use avouch_release::{KeyAttributes, KeyMaterial, KeyVersion};
use avouch_store::{VaultKey, VaultKeySettings, VaultKeyType};
use thiserror::Error;
use zeroize::Zeroizing;

use super::policy::KeptPolicy;
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
    pub(crate) settings: &'a VaultKeySettings,
}

impl<'a> WrappedFor<'a> {
    fn of(record: &'a VaultKey) -> Self {
        Self {
            name: &record.name,
            version: &record.version,
            key_type: record.key_type,
            is_exportable: record.is_exportable,
            public_key: record.public_key.as_deref(),
            settings: &record.settings,
        }
    }

    fn context(&self) -> Vec<u8> {
        let VaultKeySettings { is_enabled, not_before, expires_at, release_policy, .. } =
            self.settings;
        let policy = release_policy.as_ref().map_or_else(
            || "none".to_owned(),
            |policy| {
                let hash = digest::sha256(policy.envelope.as_bytes());
                format!("{hash} {}", policy.is_immutable)
            },
        );
        let (name, key_type) = (self.name.to_ascii_lowercase(), self.key_type.as_str());
        let (version, is_exportable) = (self.version, self.is_exportable);
        let [not_before, expires_at] = [not_before, expires_at].map(|moment| {
            moment.map_or_else(|| "none".to_owned(), |moment| moment.seconds().to_string())
        });
        let words = format!(
            "avouch vault key 1\n{name}\n{version}\n{key_type}\n{is_exportable}\n{is_enabled}\n\
             {not_before}\n{expires_at}\n{policy}\n"
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
    wrapped(material.secret_bytes(), wrapped_for, master)
}

fn wrapped(
    bytes: &[u8],
    wrapped_for: &WrappedFor<'_>,
    master: &MasterKeys,
) -> Result<Vec<u8>, VaultMaterialError> {
    master.wrap(bytes, &wrapped_for.context()).map_err(|source| {
        let (name, version) = (wrapped_for.name.to_owned(), wrapped_for.version.to_owned());
        VaultMaterialError::Wrap { name, version, source }
    })
}

/// Whether a key is wrapped for these settings already.
pub(crate) fn is_wrapped_for(record: &VaultKey, settings: &VaultKeySettings) -> bool {
    let wrapped_for = WrappedFor::of(record);
    WrappedFor { settings, ..WrappedFor::of(record) }.context() == wrapped_for.context()
}

/// The key of a record wrapped anew, under the newest master key, for other settings.
pub(crate) fn rewrapped_for<'m>(
    record: &VaultKey,
    settings: &VaultKeySettings,
    master: &'m MasterKeys,
) -> Result<(Vec<u8>, &'m str), VaultMaterialError> {
    let bytes = unwrapped(record, master)?;
    let wrapped_for = WrappedFor { settings, ..WrappedFor::of(record) };
    Ok((wrapped(&bytes, &wrapped_for, master)?, master.first().name()))
}

/// The key of a record wrapped anew under the newest master key, and that key's name.
///
/// # Errors
/// [`VaultMaterialError`].
pub fn rewrapped_vault_key<'m>(
    record: &VaultKey,
    master: &'m MasterKeys,
) -> Result<(Vec<u8>, &'m str), VaultMaterialError> {
    rewrapped_for(record, &record.settings, master)
}

/// The bytes of a key, which were wrapped for all that its record says.
fn unwrapped(
    record: &VaultKey,
    master: &MasterKeys,
) -> Result<Zeroizing<Vec<u8>>, VaultMaterialError> {
    let context = WrappedFor::of(record).context();
    master.unwrap(&record.wrapping_key, &record.wrapped_material, &context).map_err(|source| {
        let (name, version) = (record.name.clone(), record.version.clone());
        VaultMaterialError::Wrap { name, version, source }
    })
}

/// The key of a record for its release. That it is the one whose public half the record has was checked
/// when it was wrapped, and it unwraps beside that half alone.
pub(crate) fn material_for_release(
    record: &VaultKey,
    version: &KeyVersion,
    master: &MasterKeys,
) -> Result<KeyMaterial, VaultMaterialError> {
    Ok(KeyMaterial::of_kept(unwrapped(record, master)?, version.public_key.clone()))
}

/// A record as what decides about its release, and the providers that its policy was given for.
pub(crate) fn key_version(
    kid: String,
    record: &VaultKey,
) -> Result<(KeyVersion, Option<KeptPolicy>), VaultMaterialError> {
    let damaged = || VaultMaterialError::Record {
        name: record.name.clone(),
        version: record.version.clone(),
    };
    let operations: Vec<String> =
        serde_json::from_str(&record.settings.operations).map_err(|_| damaged())?;
    let public_key = record.public_key.as_deref().map(PublicKey::from_spki).transpose();
    let kept = record.settings.release_policy.as_ref().map(KeptPolicy::read).transpose();
    let kept = kept.map_err(|_| damaged())?;
    let version = KeyVersion {
        kid,
        is_hsm: record.is_hsm,
        operations,
        attributes: attributes(record),
        release_policy: kept.as_ref().map(|kept| kept.envelope().clone()),
        public_key: public_key.map_err(|_| damaged())?,
    };
    Ok((version, kept))
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

    use super::{
        VaultMaterialError, WrappedFor, is_wrapped_for, key_version, material_for_release,
        rewrapped_for, rewrapped_vault_key, wrap_new,
    };
    use crate::keys::{MasterKey, MasterKeys};

    fn master(digit: &str) -> MasterKey {
        MasterKey::parse(&digit.repeat(64)).unwrap()
    }

    fn opened(record: &VaultKey, master: &MasterKeys) -> Result<KeyMaterial, VaultMaterialError> {
        let (version, _) = key_version("kid".to_owned(), record)?;
        material_for_release(record, &version, master)
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
        let key = opened(&record, &master).unwrap();
        assert_eq!(key.public_key().unwrap().spki_der(), record.public_key.as_deref().unwrap());
        assert!(KeyMaterial::from_pkcs8_der(key.secret_bytes().to_vec().into()).is_ok());
        let other = KeyMaterial::generate(MaterialSpec::P256).unwrap();
        let other = other.public_key().unwrap().spki_der().to_vec();
        let moment = UnixTime::from_seconds(1_800_000_000).unwrap();
        let changes: [&dyn Fn(&mut VaultKey); 11] = [
            &|record| record.settings.is_enabled = false,
            &|record| record.settings.not_before = Some(moment),
            &|record| record.settings.expires_at = Some(moment),
            &|record| record.name = "other".to_owned(),
            &|record| record.version = "1".repeat(32),
            &|record| record.key_type = VaultKeyType::Rsa,
            &|record| record.is_exportable = false,
            &|record| record.public_key = Some(other.clone()),
            &|record| record.settings.release_policy = None,
            &|record| {
                let policy = record.settings.release_policy.as_mut().unwrap();
                policy.envelope = policy.envelope.replace("YiJ9XX1", "YyJ9XX1");
            },
            &|record| record.settings.release_policy.as_mut().unwrap().is_immutable = true,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = record.clone();
            change(&mut changed);
            assert_ne!(changed, record, "{index}");
            let error = opened(&changed, &master).unwrap_err();
            assert!(error.to_string().contains("does not unwrap"), "{index}: {error}");
        }
        let mut damaged = record.clone();
        damaged.public_key = Some(vec![1]);
        assert!(opened(&damaged, &master).unwrap_err().to_string().contains("damaged"));
        // What may change without the key being wrapped anew.
        let mut changed = record.clone();
        changed.settings.tags = r#"{"a":"b"}"#.to_owned();
        assert!(is_wrapped_for(&record, &changed.settings));
        changed.name = "NAME".to_owned();
        assert!(opened(&changed, &master).is_ok());
    }

    #[test]
    fn a_key_is_wrapped_anew_for_another_policy_and_under_another_master_key() {
        let first = MasterKeys::new(master("a"), Vec::new());
        let record = record(&first);
        let mut without = record.clone();
        without.settings.release_policy = None;
        assert!(!is_wrapped_for(&record, &without.settings));
        let (wrapped, name) = rewrapped_for(&record, &without.settings, &first).unwrap();
        (without.wrapped_material, without.wrapping_key) = (wrapped, name.to_owned());
        assert!(opened(&without, &first).is_ok());
        let (read, _) = key_version("kid".to_owned(), &without).unwrap();
        assert!(read.release_policy.is_none());

        let second = MasterKeys::new(master("b"), vec![master("a")]);
        let (wrapped, name) = rewrapped_vault_key(&record, &second).unwrap();
        let mut moved = record.clone();
        (moved.wrapped_material, moved.wrapping_key) = (wrapped, name.to_owned());
        let alone = MasterKeys::new(master("b"), Vec::new());
        assert!(opened(&moved, &alone).is_ok());
        assert!(opened(&record, &alone).is_err());
    }
}
