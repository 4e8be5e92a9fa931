//! A guest in the demonstration: the answer is sealed to a key of its virtual TPM.

use avouch_azure::SealedAnswer;
use avouch_mint::Minted;
use serde_json::Value;

/// The token in a sealed answer, opened as the guest's TPM opens it.
pub(super) fn token(minted: &Minted, answer: &Value) -> Option<String> {
    let (_, key) = minted.others.iter().find(|(name, _)| *name == "sealing-key.pk8")?;
    let sealed = SealedAnswer::from_text(answer.get("token")?.as_str()?).ok()?;
    sealed.open_with(key).ok()
}
