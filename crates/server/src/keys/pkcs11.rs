//! What a PKCS#11 token keeps, in hardware or in whatever its module stands for: a master key, and signing keys.
//!
//! The token holds a secret key that cannot be taken out of it. By that key it authenticates one fixed text
//! (HMAC-SHA-256); the tag is the master key. So what is in the database opens only where the token answers;
//! while a service runs, it holds the master key in memory, as it does the keys that sign.
//!
//! Signing keys may be made in the token, too ([`SigningToken`]). Those never leave it: each signature is the
//! token's.

mod public;
mod sessions;
mod signer;

use std::path::PathBuf;

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use sessions::{failed, started};
use thiserror::Error;
use zeroize::Zeroizing;

use super::master::{MASTER_KEY_BYTES, MasterKey, MasterKeyError};

pub use sessions::TokenPlace;
pub use signer::{SigningToken, TokenSigner, UnrecordedKey};

/// What the token authenticates.
const AUTHENTICATED: &[u8] = b"avouch master key of a token 1";

/// Where a master key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The token.
    pub place: TokenPlace,
    /// Label of the key in it.
    pub key: String,
}

/// Why a token gives no master key. Its PIN is in none of these.
#[derive(Debug, Error)]
pub enum TokenKeyError {
    /// The module cannot be loaded or started.
    #[error("the PKCS#11 module {} cannot be used: {source}", .path.display())]
    Module {
        /// Its path.
        path: PathBuf,
        /// What the library says.
        source: cryptoki::error::Error,
    },
    /// There is not exactly one token of that label.
    #[error("{found} tokens are labelled {label:?}; there are: {labels}")]
    Token {
        /// The label.
        label: String,
        /// How many have it.
        found: usize,
        /// The labels that there are.
        labels: String,
    },
    /// The token refuses the PIN.
    #[error("the token {label:?} refuses the PIN: {source}")]
    Pin {
        /// Its label.
        label: String,
        /// What it says.
        source: cryptoki::error::Error,
    },
    /// There is not exactly one secret key of that label.
    #[error(
        "{found} secret keys are labelled {label:?}; such a key is made by `pkcs11-tool --keygen \
         --key-type GENERIC:32 --usage-sign --sensitive --label {label}`"
    )]
    Key {
        /// The label.
        label: String,
        /// How many have it.
        found: usize,
    },
    /// The key can be read by whoever has the PIN.
    #[error(
        "the key {label:?} is not sensitive, or is extractable, or once was: it could be taken out of the token"
    )]
    Extractable {
        /// Its label.
        label: String,
    },
    /// The token failed.
    #[error("the token failed at {what}: {source}")]
    Failed {
        /// What it was to do.
        what: &'static str,
        /// What it says.
        source: cryptoki::error::Error,
    },
    /// The token cannot be reached.
    #[error("the token {label:?} is away: {why}")]
    Away {
        /// Its label.
        label: String,
        /// Why.
        why: String,
    },
    /// There is not exactly one private key of that name.
    #[error("{found} private keys of a record are in the token, labelled {label:?}")]
    SigningKey {
        /// The label.
        label: String,
        /// How many there are.
        found: usize,
    },
    /// The record, and what is in the token, are not the two halves of one pair.
    #[error("the token's key {label:?} is not the one of the record")]
    OtherKey {
        /// Its label.
        label: String,
    },
    /// The public half of a pair cannot be read, or is weak.
    #[error("the token made a public key that is none of its kind, or is weak")]
    PublicKey,
    /// A signature of another length.
    #[error("the token made a signature of {found} bytes, which is none")]
    Signature {
        /// Its length.
        found: usize,
    },
    /// A record speaks of a token that no configuration names.
    #[error("signing key {kid} is in the token {token:?}, which signing.pkcs11 does not name")]
    NotConfigured {
        /// The key.
        kid: String,
        /// The token, as records call it.
        token: String,
    },
    /// No randomness.
    #[error("the crypto library has no randomness")]
    Random,
    /// What it gave is no master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
}

impl TokenKey {
    /// Asks the token for the master key.
    ///
    /// The module is loaded, used and unloaded here. It is code of somebody else's that runs in this process:
    /// name only one that you would run anyway.
    ///
    /// # Errors
    /// [`TokenKeyError`].
    ///
    /// # Source
    /// OASIS PKCS #11 Cryptographic Token Interface 2.40, sections 5.4 to 5.11.
    pub fn master_key(&self, pin: &Zeroizing<String>) -> Result<MasterKey, TokenKeyError> {
        let (module, is_own) = started(&self.place.module)?;
        let secret = self.secret(&module, pin);
        // What the token said counts; that the module ends badly does not. Of others it goes on.
        if is_own && let Err(error) = module.finalize() {
            tracing::warn!(%error, "the PKCS#11 module does not end as it should");
        }
        Ok(MasterKey::new(secret?)?)
    }

    fn secret(
        &self,
        module: &Pkcs11,
        pin: &Zeroizing<String>,
    ) -> Result<Zeroizing<[u8; MASTER_KEY_BYTES]>, TokenKeyError> {
        let session = module.open_ro_session(self.place.slot(module)?);
        let session = session.map_err(failed("opening a session"))?;
        self.place.log_in(&session, pin)?;
        let key = self.found(&session)?;
        self.check(&session, key)?;
        let tag = session.sign(&Mechanism::Sha256Hmac, key, AUTHENTICATED);
        let tag = Zeroizing::new(tag.map_err(failed("HMAC-SHA-256"))?);
        if tag.len() != MASTER_KEY_BYTES {
            return Err(MasterKeyError::Provider.into());
        }
        let mut secret = Zeroizing::new([0; MASTER_KEY_BYTES]);
        secret.copy_from_slice(&tag);
        Ok(secret)
    }

    /// The one secret key of that label.
    fn found(&self, session: &Session) -> Result<ObjectHandle, TokenKeyError> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Label(self.key.clone().into_bytes()),
        ];
        let found = session.find_objects(&template).map_err(failed("looking for the key"))?;
        match found.as_slice() {
            [key] => Ok(*key),
            other => Err(TokenKeyError::Key { label: self.key.clone(), found: other.len() }),
        }
    }

    fn check(&self, session: &Session, key: ObjectHandle) -> Result<(), TokenKeyError> {
        let asked = [
            AttributeType::Sensitive,
            AttributeType::AlwaysSensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
        ];
        let found = session.get_attributes(key, &asked).map_err(failed("describing the key"))?;
        let needed = [
            Attribute::Sensitive(true),
            Attribute::AlwaysSensitive(true),
            Attribute::Extractable(false),
            Attribute::NeverExtractable(true),
        ];
        let stays = needed.iter().all(|attribute| found.contains(attribute));
        if stays { Ok(()) } else { Err(TokenKeyError::Extractable { label: self.key.clone() }) }
    }
}
