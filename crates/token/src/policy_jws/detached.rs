//! Signatures that stand beside what they are over (RFC 7515, appendix F).

use avouch_wire::base64url;

use super::error::PolicyJwsError;
use super::signer::VerifiedSigner;
use crate::jws::{JwsError, Padding, UntrustedJws};

/// Most bytes of a detached signature: ten certificates and a signature take a quarter of it.
const SIGNATURE_BYTES_MAX: usize = 64 * 1024;

/// What a signature under `header`, in base64url, is over.
pub(crate) fn signing_input(header: &str, content: &[u8]) -> String {
    let mut text = format!("{header}.");
    base64url::encode_append(content, &mut text);
    text
}

impl VerifiedSigner {
    /// Verifies a compact JWS without a payload over `content`, as [`super::sign_detached`] makes it.
    /// White space around it is dropped.
    ///
    /// Proven is that the key of the first certificate signed this content. Whether that signer is
    /// to be trusted is for [`super::authorize_signer`].
    ///
    /// # Errors
    /// [`PolicyJwsError`] if it is no JWS, has a payload of its own, is unsigned, or the signature
    /// does not hold.
    pub fn verify_detached(signature: &str, content: &[u8]) -> Result<Self, PolicyJwsError> {
        let text = signature.trim();
        if text.len() > SIGNATURE_BYTES_MAX {
            let (length, limit) = (text.len(), SIGNATURE_BYTES_MAX);
            return Err(JwsError::TooLong { length, limit }.into());
        }
        let (header, signature) = match text.split_once("..") {
            Some(parts) => parts,
            None => return Err(PolicyJwsError::NotDetached),
        };
        let jws = format!("{}.{signature}", signing_input(header, content));
        let jws = UntrustedJws::parse(&jws, jws.len(), Padding::Refused)?;
        Self::verify(&jws)?.ok_or(PolicyJwsError::DetachedUnsigned)
    }
}
