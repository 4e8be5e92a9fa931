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
    pub(crate) edit: Option<fn(String) -> String>,
    /// Changes the text after it was signed.
    pub(crate) edit_after_signing: Option<fn(String) -> String>,
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
            edit: None,
            edit_after_signing: None,
            signer,
            signature: SignatureFault::None,
        }
    }

    pub(crate) fn sign(&self, seed: &Seed) -> Result<SignedDocument, MintError> {
        let text = edited(serde_json::to_string(&self.content)?, self.edit)?;
        let key = P256Key::derive(seed, self.signer)?;
        let signature = self.signature.sign(&key, text.as_bytes())?;
        Ok(SignedDocument {
            text: edited(text, self.edit_after_signing)?,
            signature: encode_hex(&signature),
        })
    }
}

/// Applies an edit, which must find something to change.
pub(crate) fn edited(
    text: String,
    edit: Option<fn(String) -> String>,
) -> Result<String, MintError> {
    let Some(edit) = edit else { return Ok(text) };
    let changed = edit(text.clone());
    if changed == text {
        return Err(MintError::NothingToBreak);
    }
    Ok(changed)
}
