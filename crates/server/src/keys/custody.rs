//! Who has the private keys of key records: the database, wrapped, or a token.

use std::sync::Arc;

use avouch_store::{KeyPurpose, KeyRecord, ProviderId};
use avouch_token::{KeySpec, Signer, SigningKey};
use avouch_wire::UnixTime;

use super::held::KeysError;
use super::master::{MasterKey, MasterKeys};
use super::new::{NewSigningKey, wrapping_context};
use super::pkcs11::{SigningToken, TokenKeyError};
use super::set::KeyKeeper;

/// What makes private keys and opens those of records.
#[derive(Debug)]
pub struct Custody {
    /// What wraps and unwraps private keys.
    pub master: MasterKeys,
    /// The token that keeps some of them.
    pub token: Option<Arc<SigningToken>>,
    /// Whether new keys are made there.
    pub makes_in_token: bool,
}

impl Custody {
    /// All private keys are wrapped under master keys.
    #[must_use]
    pub const fn wrapping(master: MasterKeys) -> Self {
        Self { master, token: None, makes_in_token: false }
    }

    /// Makes a key for a purpose, which may sign from `not_before` on. RSA keys take up to seconds.
    ///
    /// # Errors
    /// [`KeysError::Key`], [`KeysError::Wrap`], [`KeysError::Token`].
    pub fn make(
        &self,
        spec: KeySpec,
        purpose: KeyPurpose,
        provider: Option<ProviderId>,
        not_before: UnixTime,
    ) -> Result<NewSigningKey, KeysError> {
        let Some(token) = self.token.as_ref().filter(|_| self.makes_in_token) else {
            let master = &self.master;
            return NewSigningKey::generate(spec, purpose, provider, master, not_before);
        };
        let algorithm = spec.algorithm().name();
        let scope = avouch_store::KeyScope { purpose, provider, algorithm };
        let key = token.generate(spec, scope)?;
        Ok(NewSigningKey::in_token(&key, purpose, provider, not_before))
    }

    /// What signs by a record, if it is the key that the record says.
    ///
    /// # Errors
    /// [`KeysError::Wrap`], [`KeysError::Key`], [`KeysError::OtherKey`], [`KeysError::Token`].
    pub fn open(&self, record: &KeyRecord) -> Result<Arc<dyn Signer>, KeysError> {
        match self.token_of(record)? {
            Some(token) => Ok(Arc::new(token.key_of(record)?)),
            None => Ok(Arc::new(self.unwrap(record)?)),
        }
    }

    /// Who has the private half of a record's key.
    #[must_use]
    pub fn keeper(&self, record: &KeyRecord) -> KeyKeeper {
        if SigningToken::holds_key_of(record) {
            return KeyKeeper::Token;
        }
        let wraps = |key: &&MasterKey| key.name() == record.wrapping_key;
        match self.master.all().find(wraps) {
            Some(key) if key.is_sealed() => KeyKeeper::Tee,
            _ => KeyKeeper::MasterKey,
        }
    }

    /// Destroys what is left of a key whose record is gone, or was never written.
    ///
    /// # Errors
    /// [`KeysError::Token`].
    pub fn destroy(&self, record: &KeyRecord) -> Result<(), KeysError> {
        match self.token_of(record)? {
            Some(token) => Ok(token.destroy_key_of(record)?),
            None => Ok(()),
        }
    }

    /// The same for a key that was made in vain: another instance made one.
    ///
    /// # Errors
    /// [`KeysError::Token`].
    pub fn destroy_new(&self, new: &NewSigningKey) -> Result<(), KeysError> {
        let record = new.record();
        match &self.token {
            Some(token) if token.name() == record.wrapping_key => {
                Ok(token.destroy_named(record.wrapped_private_key, record.scope)?)
            }
            _ => Ok(()),
        }
    }

    /// The private key of a record wrapped anew under the newest master key, and that key's name. None of a key
    /// that a token keeps.
    ///
    /// # Errors
    /// As [`Custody::open`].
    pub fn rewrapped(&self, record: &KeyRecord) -> Result<Option<(Vec<u8>, &str)>, KeysError> {
        if SigningToken::holds_key_of(record) {
            return Ok(None);
        }
        let pkcs8 = self.unwrap(record)?.to_pkcs8_der()?;
        let context = wrapping_context(record.scope(), &record.public_key);
        let wrapped = self
            .master
            .wrap(&pkcs8, &context)
            .map_err(|source| KeysError::Wrap { kid: record.kid.clone(), source })?;
        Ok(Some((wrapped, self.master.first().name())))
    }

    fn unwrap(&self, record: &KeyRecord) -> Result<SigningKey, KeysError> {
        let context = wrapping_context(record.scope(), &record.public_key);
        let pkcs8 = self
            .master
            .unwrap(&record.wrapping_key, &record.wrapped_private_key, &context)
            .map_err(|source| KeysError::Wrap { kid: record.kid.clone(), source })?;
        let key = SigningKey::from_pkcs8_der(&pkcs8)?;
        let says = (record.kid.as_str(), record.public_key.as_slice(), record.algorithm.as_str());
        if says != (key.kid(), key.public_key().spki_der(), key.algorithm().name()) {
            return Err(KeysError::OtherKey { kid: record.kid.clone() });
        }
        Ok(key)
    }

    /// The token that has the key of a record, if one has it.
    fn token_of(&self, record: &KeyRecord) -> Result<Option<&Arc<SigningToken>>, KeysError> {
        if !SigningToken::holds_key_of(record) {
            return Ok(None);
        }
        let fits = |token: &&Arc<SigningToken>| token.name() == record.wrapping_key;
        let token = self.token.as_ref().filter(fits);
        token.map(Some).ok_or_else(|| {
            KeysError::Token(TokenKeyError::NotConfigured {
                kid: record.kid.clone(),
                token: record.wrapping_key.clone(),
            })
        })
    }
}
