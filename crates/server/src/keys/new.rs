//! A key that was just made, ready for the store.

use avouch_store::{KeyPurpose, KeyScope, NewKey, ProviderId};
use avouch_token::{KeySpec, Signer as _, SigningKey};
use avouch_wire::UnixTime;

use super::held::KeysError;
use super::master::MasterKeys;
use super::pkcs11::TokenSigner;

/// A signing key with its private half wrapped, or in a token.
#[derive(Debug)]
pub struct NewSigningKey {
    kid: String,
    purpose: KeyPurpose,
    provider: Option<ProviderId>,
    algorithm: &'static str,
    public_key: Vec<u8>,
    wrapped: Vec<u8>,
    wrapping_key: String,
    not_before: UnixTime,
}

impl NewSigningKey {
    /// Makes a key for a purpose, which may sign from `not_before` on. RSA keys take up to seconds.
    ///
    /// # Errors
    /// [`KeysError::Key`] and [`KeysError::Wrap`].
    pub fn generate(
        spec: KeySpec,
        purpose: KeyPurpose,
        provider: Option<ProviderId>,
        master: &MasterKeys,
        not_before: UnixTime,
    ) -> Result<Self, KeysError> {
        Self::of(&SigningKey::generate(spec)?, purpose, provider, master, not_before)
    }

    /// Wraps a key that there is already.
    ///
    /// # Errors
    /// [`KeysError::Key`] and [`KeysError::Wrap`].
    pub fn of(
        key: &SigningKey,
        purpose: KeyPurpose,
        provider: Option<ProviderId>,
        master: &MasterKeys,
        not_before: UnixTime,
    ) -> Result<Self, KeysError> {
        let (kid, algorithm) = (key.kid().to_owned(), key.algorithm().name());
        let public_key = key.public_key().spki_der().to_vec();
        let scope = KeyScope { purpose, provider, algorithm };
        let context = wrapping_context(scope, &public_key);
        let wrapped = master
            .wrap(&key.to_pkcs8_der()?, &context)
            .map_err(|source| KeysError::Wrap { kid: kid.clone(), source })?;
        let wrapping_key = master.first().name().to_owned();
        Ok(Self {
            kid,
            purpose,
            provider,
            algorithm,
            public_key,
            wrapped,
            wrapping_key,
            not_before,
        })
    }

    /// A key that a token made and keeps.
    #[must_use]
    pub fn in_token(
        key: &TokenSigner,
        purpose: KeyPurpose,
        provider: Option<ProviderId>,
        not_before: UnixTime,
    ) -> Self {
        Self {
            kid: key.kid().to_owned(),
            purpose,
            provider,
            algorithm: key.algorithm().name(),
            public_key: key.public_key().spki_der().to_vec(),
            wrapped: key.reference().to_vec(),
            wrapping_key: key.token().name().to_owned(),
            not_before,
        }
    }

    /// The same key, which may sign from another moment on.
    #[must_use]
    pub(super) fn not_before(self, not_before: UnixTime) -> Self {
        Self { not_before, ..self }
    }

    /// Its identifier.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// For the store.
    #[must_use]
    pub fn record(&self) -> NewKey<'_> {
        NewKey {
            kid: &self.kid,
            scope: KeyScope {
                purpose: self.purpose,
                provider: self.provider,
                algorithm: self.algorithm,
            },
            public_key: &self.public_key,
            wrapped_private_key: &self.wrapped,
            wrapping_key: &self.wrapping_key,
            not_before: self.not_before,
        }
    }
}

/// What a private key is wrapped for: the record that it stands in, so that in another it does not open.
#[must_use]
pub(super) fn wrapping_context(scope: KeyScope<'_>, public_key: &[u8]) -> Vec<u8> {
    let provider = scope.provider.map_or(0, ProviderId::get);
    let words =
        format!("avouch key 1\n{}\n{provider}\n{}\n", scope.purpose.as_str(), scope.algorithm);
    [words.as_bytes(), public_key].concat()
}
