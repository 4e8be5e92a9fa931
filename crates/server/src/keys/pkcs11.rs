//! A master key that a PKCS#11 token keeps: in hardware, or in whatever its module stands for.
//!
//! The token holds a secret key that cannot be taken out of it. By that key it authenticates one fixed text
//! (HMAC-SHA-256); the tag is the master key. So what is in the database opens only where the token answers;
//! while a service runs, it holds the master key in memory, as it does the keys that sign.

use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use thiserror::Error;
use zeroize::Zeroizing;

use super::master::{MASTER_KEY_BYTES, MasterKey, MasterKeyError};

/// What the token authenticates.
const AUTHENTICATED: &[u8] = b"avouch master key of a token 1";

/// Where a master key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The module: a library that speaks PKCS#11.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
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
        "the key {label:?} is not sensitive, or is extractable: it could be taken out of the token"
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
        let module = started(&self.module)?;
        let secret = self.secret(&module, pin);
        // What the token said counts; that the module ends badly does not.
        if let Err(error) = module.finalize() {
            tracing::warn!(%error, "the PKCS#11 module does not end as it should");
        }
        Ok(MasterKey::new(secret?)?)
    }

    fn secret(
        &self,
        module: &Pkcs11,
        pin: &Zeroizing<String>,
    ) -> Result<Zeroizing<[u8; MASTER_KEY_BYTES]>, TokenKeyError> {
        let session = module.open_ro_session(self.slot(module)?);
        let session = session.map_err(failed("opening a session"))?;
        let pin = AuthPin::new(pin.as_str().into());
        session
            .login(UserType::User, Some(&pin))
            .map_err(|source| TokenKeyError::Pin { label: self.token.clone(), source })?;
        let key = self.found(&session)?;
        self.check(&session, key)?;
        let tag = session.sign(&Mechanism::Sha256Hmac, key, AUTHENTICATED);
        let tag = Zeroizing::new(tag.map_err(failed("HMAC-SHA-256"))?);
        let secret = tag.as_slice().try_into().map_err(|_| MasterKeyError::Provider)?;
        Ok(Zeroizing::new(secret))
    }

    /// The one token of that label.
    fn slot(&self, module: &Pkcs11) -> Result<Slot, TokenKeyError> {
        let slots = module.get_slots_with_token().map_err(failed("listing its slots"))?;
        let mut labelled = Vec::new();
        let mut labels = Vec::new();
        for slot in slots {
            let token = module.get_token_info(slot).map_err(failed("describing a token"))?;
            if token.label() == self.token {
                labelled.push(slot);
            }
            labels.push(format!("{:?}", token.label()));
        }
        match labelled.as_slice() {
            [slot] => Ok(*slot),
            other => Err(TokenKeyError::Token {
                label: self.token.clone(),
                found: other.len(),
                labels: labels.join(", "),
            }),
        }
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
        let asked = [AttributeType::Sensitive, AttributeType::Extractable];
        let found = session.get_attributes(key, &asked).map_err(failed("describing the key"))?;
        let stays = found.contains(&Attribute::Sensitive(true))
            && found.contains(&Attribute::Extractable(false));
        if stays { Ok(()) } else { Err(TokenKeyError::Extractable { label: self.key.clone() }) }
    }
}

fn started(path: &Path) -> Result<Pkcs11, TokenKeyError> {
    let refused = |source| TokenKeyError::Module { path: path.to_owned(), source };
    let module = Pkcs11::new(path).map_err(refused)?;
    let locking = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
    module.initialize(locking).map_err(refused)?;
    Ok(module)
}

fn failed(what: &'static str) -> impl Fn(cryptoki::error::Error) -> TokenKeyError {
    move |source| TokenKeyError::Failed { what, source }
}
