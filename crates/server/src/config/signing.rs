//! `[signing]`: the keys that sign tokens and reports.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use avouch_store::ProviderName;
use avouch_store::limits::KEYS_SHARED_MAX;
use avouch_tee::{SealedTo, TeeSettings, sealed_key};
use avouch_token::{ATTESTATION_LIFETIME_SECONDS, Algorithm, KeySpec};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::ConfigError;
use crate::keys::{
    Custody, KeyPlan, KeysError, MasterKey, MasterKeys, SigningToken, TokenKey, TokenPlace,
};

const SECONDS_PER_DAY: i64 = 86_400;
/// The longest life of a report: a policy may ask for a year.
const REPORT_SECONDS_MAX: i64 = 525_600 * 60;

/// `[signing]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningConfig {
    /// PKCS#8 PEM: RSA of 2048 bits or more, which all MAA clients take, or P-256 or P-384. It signs all
    /// tokens for ever; with a master key, it is the first of the keys in the database.
    pub key_file: Option<PathBuf>,
    /// A file with the master key of keys in the database: 64 hex digits.
    pub master_key_file: Option<PathBuf>,
    /// Name of an environment variable that has the master key.
    pub master_key_variable: Option<String>,
    /// `[signing.pkcs11]`: the master key that a PKCS#11 token keeps.
    pub pkcs11: Option<Pkcs11Config>,
    /// `[signing.gramine]`: the master key that the processor derives for the service's enclave.
    pub gramine: Option<GramineKeyConfig>,
    /// Files with former master keys, which still unwrap.
    pub former_master_key_files: Vec<PathBuf>,
    /// Kinds of keys for tokens; the first signs, the others stand in key sets too.
    #[serde(deserialize_with = "key_specs")]
    pub keys: Vec<KeySpec>,
    /// How long a key signs, in days; 0: until somebody rotates by hand.
    pub rotate_days: u32,
    /// How many keys stand ready in key sets behind the one that signs; 1 to 16.
    pub published_ahead: u32,
    /// How long a key stands in key sets before it may sign, in seconds.
    pub publish_seconds: u32,
    /// `[signing.providers.NAME]`: what differs for one provider.
    pub providers: BTreeMap<String, SigningOverride>,
}

/// `[signing.pkcs11]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11Config {
    /// The library that speaks PKCS#11 for the token.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Label of the secret key in it.
    pub key: String,
    /// A file with the user's PIN.
    #[serde(default)]
    pub pin_file: Option<PathBuf>,
    /// Name of an environment variable that has the user's PIN.
    #[serde(default)]
    pub pin_variable: Option<String>,
    /// Whether new signing keys are made in the token, which then signs.
    #[serde(default)]
    pub signing_keys: bool,
    /// How many sessions an instance has with the token at once, and so how many signatures it asks for.
    #[serde(default = "sessions_max")]
    pub sessions_max: u32,
}

const fn sessions_max() -> u32 {
    8
}

impl Pkcs11Config {
    fn check(&self) -> Result<(), ConfigError> {
        if self.pin_file.is_some() == self.pin_variable.is_some() {
            let message =
                "the PIN is in a file (pin_file) or in an environment variable (pin_variable)";
            return Err(ConfigError::value("signing.pkcs11", message));
        }
        if !(1..=256).contains(&self.sessions_max) {
            let message = format!("{} is not between 1 and 256", self.sessions_max);
            return Err(ConfigError::value("signing.pkcs11.sessions_max", message));
        }
        Ok(())
    }

    fn pin(&self) -> Result<Zeroizing<String>, ConfigError> {
        let text = match (&self.pin_file, &self.pin_variable) {
            (Some(file), _) => secret_of_file(file)?,
            (None, name) => secret_of_variable(
                "signing.pkcs11.pin_variable",
                name.as_deref().unwrap_or_default(),
            )?,
        };
        Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn place(&self) -> TokenPlace {
        TokenPlace { module: self.module.clone(), token: self.token.clone() }
    }

    fn signing_token(&self) -> Result<Arc<SigningToken>, ConfigError> {
        let sessions = usize::try_from(self.sessions_max).unwrap_or(usize::MAX);
        Ok(SigningToken::new(self.place(), self.pin()?, sessions))
    }

    fn master_key(&self) -> Result<MasterKey, ConfigError> {
        let key = TokenKey { place: self.place(), key: self.key.clone() };
        let master = key.master_key(&self.pin()?);
        master.map_err(|error| ConfigError::value("signing.pkcs11", error))
    }
}

/// The longest that the start waits for a key of the enclave.
const SEALED_KEY_WITHIN: Duration = Duration::from_secs(10);

/// `[signing.gramine]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GramineKeyConfig {
    /// Who gets the same key: `mrenclave` or `mrsigner`.
    #[serde(deserialize_with = "sealed_to")]
    pub sealed_to: SealedTo,
    /// Folder of Gramine's pseudo-files.
    #[serde(default = "gramine_folder")]
    pub folder: PathBuf,
    /// Whether it only unwraps: another master key wraps.
    #[serde(default)]
    pub former: bool,
}

impl GramineKeyConfig {
    fn master_key(&self) -> Result<MasterKey, ConfigError> {
        let failed = |error: &dyn std::fmt::Display| ConfigError::value("signing.gramine", error);
        let sealed = sealed_key(&self.folder, self.sealed_to, SEALED_KEY_WITHIN);
        let sealed = sealed.map_err(|error| failed(&error))?;
        MasterKey::of_sealed_key(sealed.as_slice()).map_err(|error| failed(&error))
    }
}

fn gramine_folder() -> PathBuf {
    TeeSettings::default().gramine
}

fn sealed_to<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SealedTo, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "mrenclave" => Ok(SealedTo::MrEnclave),
        "mrsigner" => Ok(SealedTo::MrSigner),
        other => {
            let message = format!("{other:?} is neither mrenclave nor mrsigner");
            Err(serde::de::Error::custom(message))
        }
    }
}

/// `[signing.providers.NAME]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningOverride {
    /// In place of `signing.keys`.
    #[serde(deserialize_with = "key_specs")]
    pub keys: Vec<KeySpec>,
}

impl Default for SigningConfig {
    fn default() -> Self {
        Self {
            key_file: None,
            master_key_file: None,
            master_key_variable: None,
            pkcs11: None,
            gramine: None,
            former_master_key_files: Vec::new(),
            keys: vec![KeySpec::Rsa2048],
            rotate_days: 90,
            published_ahead: 1,
            publish_seconds: 2 * 86_400,
            providers: BTreeMap::new(),
        }
    }
}

impl SigningConfig {
    /// Relative paths start from the folder of the configuration.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = [&mut self.key_file, &mut self.master_key_file];
        let of_gramine = self.gramine.iter_mut().map(|gramine| &mut gramine.folder);
        let of_token = self.pkcs11.iter_mut();
        let of_token = of_token
            .flat_map(|token| std::iter::once(&mut token.module).chain(&mut token.pin_file));
        files
            .into_iter()
            .flatten()
            .chain(of_token)
            .chain(of_gramine)
            .chain(&mut self.former_master_key_files)
    }

    /// Whether there is a key to sign with.
    #[must_use]
    pub fn names_a_key(&self) -> bool {
        self.key_file.is_some() || self.has_master_key()
    }

    /// Whether keys are in the database, under a master key.
    #[must_use]
    pub fn has_master_key(&self) -> bool {
        self.master_key_file.is_some()
            || self.master_key_variable.is_some()
            || self.pkcs11.is_some()
            || self.wrapping_gramine().is_some()
    }

    /// The enclave's key, where that is the one that wraps.
    fn wrapping_gramine(&self) -> Option<&GramineKeyConfig> {
        self.gramine.as_ref().filter(|gramine| !gramine.former)
    }

    pub(super) fn check(&mut self, served_without_seconds_max: u64) -> Result<(), ConfigError> {
        if self.master_key_file.is_some() && self.master_key_variable.is_some() {
            let message = "is given beside signing.master_key_file; only one of the two can count";
            return Err(ConfigError::value("signing.master_key_variable", message));
        }
        if let Some(token) = &self.pkcs11 {
            if self.master_key_file.is_some() || self.master_key_variable.is_some() {
                let message = "is given beside another master key; only one can count";
                return Err(ConfigError::value("signing.pkcs11", message));
            }
            token.check()?;
        }
        let is_other = self.master_key_file.is_some()
            || self.master_key_variable.is_some()
            || self.pkcs11.is_some();
        match &self.gramine {
            Some(gramine) if !gramine.former && is_other => {
                let message = "is given beside another master key; only one can count: with former = true \
                               this one only unwraps";
                return Err(ConfigError::value("signing.gramine", message));
            }
            Some(gramine) if gramine.former && !is_other => {
                let message = "there is no new master key: set signing.master_key_file";
                return Err(ConfigError::value("signing.gramine.former", message));
            }
            _ => {}
        }
        if !self.has_master_key() && !self.former_master_key_files.is_empty() {
            let message = "there is no new master key: set signing.master_key_file";
            return Err(ConfigError::value("signing.former_master_key_files", message));
        }
        if !(1..=16).contains(&self.published_ahead) {
            let message = format!("{} is not between 1 and 16", self.published_ahead);
            return Err(ConfigError::value("signing.published_ahead", message));
        }
        if self.rotate_days > 3650 {
            let message = format!("{} is not between 0 and 3650", self.rotate_days);
            return Err(ConfigError::value("signing.rotate_days", message));
        }
        // An instance without its database must know the key that others begin to sign with.
        if u64::from(self.publish_seconds) < served_without_seconds_max {
            let message = format!(
                "{} is less than database.served_without_seconds_max, {served_without_seconds_max}: \
                 an instance without its database would not know the key that signs",
                self.publish_seconds
            );
            return Err(ConfigError::value("signing.publish_seconds", message));
        }
        self.check_keys()?;
        self.check_count(served_without_seconds_max)
    }

    /// Key sets stay as short as the database demands, however long all this goes on.
    fn check_count(&self, served_without_seconds_max: u64) -> Result<(), ConfigError> {
        let found = self.plan(served_without_seconds_max).shared_keys_max();
        if found <= KEYS_SHARED_MAX {
            return Ok(());
        }
        let message = format!(
            "by this a key set would come to have {found} keys, and {KEYS_SHARED_MAX} are the most: rotate less \
             often, or lower database.served_without_seconds_max, for which retired keys stay"
        );
        Err(ConfigError::value("signing.rotate_days", message))
    }

    /// Each list has at least one kind, and of each algorithm there is one kind.
    fn check_keys(&mut self) -> Result<(), ConfigError> {
        let names = std::mem::take(&mut self.providers);
        for (name, of_provider) in names {
            let key = ProviderName::key_of(&name)
                .map_err(|error| ConfigError::value(format!("signing.providers.{name}"), error))?;
            self.providers.insert(key, of_provider);
        }
        if !self.has_master_key() && !self.providers.is_empty() {
            let message = "needs keys in the database: set signing.master_key_file";
            return Err(ConfigError::value("signing.providers", message));
        }
        let lists = self.providers.values().map(|one| &one.keys).chain([&self.keys]);
        if lists.clone().any(Vec::is_empty) {
            return Err(ConfigError::value("signing.keys", "no kind of key is listed"));
        }
        let mut kinds: BTreeMap<&str, KeySpec> = BTreeMap::new();
        for spec in lists.flatten() {
            let other = kinds.insert(spec.algorithm().name(), *spec).filter(|other| other != spec);
            if let Some(other) = other {
                let message = format!(
                    "{} and {} are both for {}, and of each algorithm one kind is shared",
                    other.name(),
                    spec.name(),
                    spec.algorithm()
                );
                return Err(ConfigError::value("signing.keys", message));
            }
        }
        Ok(())
    }

    /// The algorithms of a provider's token keys, the one that signs first; by the provider's name in the
    /// form in which names are compared.
    #[must_use]
    pub fn algorithms(&self, provider: &str) -> Vec<Algorithm> {
        let keys = self.providers.get(provider).map_or(&self.keys, |one| &one.keys);
        keys.iter().map(|spec| spec.algorithm()).collect()
    }

    /// When keys change; `unaware_seconds` is how long an instance may go on with what it last knew.
    #[must_use]
    pub fn plan(&self, unaware_seconds: u64) -> KeyPlan {
        let mut token_specs = Vec::new();
        if self.has_master_key() {
            for spec in self.providers.values().flat_map(|one| &one.keys).chain(&self.keys) {
                if !token_specs.contains(spec) {
                    token_specs.push(*spec);
                }
            }
        }
        // Where a file's key signs for ever, the keys beside it do too.
        let days = if self.has_master_key() { i64::from(self.rotate_days) } else { 0 };
        KeyPlan {
            token_specs,
            rotate_seconds: (days > 0).then_some(days.saturating_mul(SECONDS_PER_DAY)),
            published_ahead: self.published_ahead,
            publish_seconds: self.publish_seconds.into(),
            token_seconds: ATTESTATION_LIFETIME_SECONDS.into(),
            report_seconds: REPORT_SECONDS_MAX,
            unaware_seconds: i64::try_from(unaware_seconds).unwrap_or(i64::MAX),
        }
    }

    /// What makes and opens the keys in the database: the master keys and the token that keeps keys, if there is
    /// one; none without a master key.
    ///
    /// # Errors
    /// As [`SigningConfig::master_keys`].
    pub fn custody(&self) -> Result<Option<Custody>, ConfigError> {
        let Some(master) = self.master_keys()? else { return Ok(None) };
        let token = self.pkcs11.as_ref().map(Pkcs11Config::signing_token).transpose()?;
        let makes_in_token = self.pkcs11.as_ref().is_some_and(|token| token.signing_keys);
        Ok(Some(Custody { master, token, makes_in_token }))
    }

    /// The master keys, read from file and environment; none if none is named.
    ///
    /// # Errors
    /// [`ConfigError::Read`], and [`ConfigError`] naming the setting whose master key is none.
    pub fn master_keys(&self) -> Result<Option<MasterKeys>, ConfigError> {
        let first = match (&self.master_key_file, &self.master_key_variable, &self.pkcs11) {
            (Some(file), ..) => of_file("signing.master_key_file", file)?,
            (None, Some(name), _) => {
                let key = "signing.master_key_variable";
                parsed(key, &secret_of_variable(key, name)?)?
            }
            (None, None, Some(token)) => token.master_key()?,
            (None, None, None) => match self.wrapping_gramine() {
                Some(gramine) => gramine.master_key()?,
                None => return Ok(None),
            },
        };
        let sealed = self.gramine.iter().filter(|gramine| gramine.former);
        let sealed = sealed.map(GramineKeyConfig::master_key);
        let former = self.former_master_key_files.iter();
        let former = former.map(|file| of_file("signing.former_master_key_files", file));
        let former = former.chain(sealed).collect::<Result<_, _>>()?;
        Ok(Some(MasterKeys::new(first, former)))
    }
}

fn of_file(key: &str, file: &PathBuf) -> Result<MasterKey, ConfigError> {
    parsed(key, &secret_of_file(file)?)
}

fn secret_of_file(file: &PathBuf) -> Result<Zeroizing<String>, ConfigError> {
    crate::signing_key::warn_of_readers(file);
    std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| ConfigError::Read { path: file.clone(), reason: error.to_string() })
}

fn secret_of_variable(key: &str, name: &str) -> Result<Zeroizing<String>, ConfigError> {
    let text = std::env::var(name).map(Zeroizing::new);
    text.map_err(|_| ConfigError::value(key, format!("there is no environment variable {name}")))
}

/// The error never shows the text.
fn parsed(key: &str, text: &str) -> Result<MasterKey, ConfigError> {
    MasterKey::parse(text).map_err(|error| ConfigError::value(key, KeysError::from(error)))
}

/// Names of kinds of keys.
fn key_specs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<KeySpec>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names
        .iter()
        .map(|name| {
            KeySpec::from_name(name).ok_or_else(|| {
                let known: Vec<&str> = KeySpec::ALL.iter().map(|spec| spec.name()).collect();
                let known = known.join(", ");
                serde::de::Error::custom(format!("{name:?} is no kind of key; there are {known}"))
            })
        })
        .collect()
}
