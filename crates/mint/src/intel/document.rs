//! Signed JSON documents: TCB info and enclave identities.

use avouch_wire::encode_hex;
use serde::Serialize;

use crate::{
    MintError,
    p256::P256Key,
    seed::Seed,
    x509::{KeyLabel, SignatureFault},
};

/// A document, who signs it, and what is done to its text.
#[derive(Debug, Clone)]
pub(crate) struct Document<T> {
    pub(crate) content: T,
    /// Changes the text before it is signed, for what serialisation cannot write.
    pub(crate) edit: fn(String) -> String,
    /// Changes the text after it was signed.
    pub(crate) edit_after_signing: fn(String) -> String,
    pub(crate) signer: KeyLabel,
    pub(crate) signature: SignatureFault,
}

/// A document as text, with the signature over exactly these bytes.
#[derive(Debug, Clone)]
pub(crate) struct SignedDocument {
    pub(crate) text: String,
    /// 128 hex digits.
    pub(crate) signature: String,
}

impl<T: Serialize> Document<T> {
    pub(crate) fn new(content: T, signer: KeyLabel) -> Self {
        Self {
            content,
            edit: |text| text,
            edit_after_signing: |text| text,
            signer,
            signature: SignatureFault::None,
        }
    }

    pub(crate) fn sign(&self, seed: &Seed) -> Result<SignedDocument, MintError> {
        let text = (self.edit)(serde_json::to_string(&self.content)?);
        let key = P256Key::derive(seed, self.signer)?;
        let signature = self.signature.sign(&key, text.as_bytes())?;
        Ok(SignedDocument {
            text: (self.edit_after_signing)(text),
            signature: encode_hex(&signature),
        })
    }
}
