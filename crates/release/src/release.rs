//! A release from its checks to its answer.

use avouch_token::SignError;
use avouch_wire::{UnixTime, failed_check};
use thiserror::Error;

use crate::response::Answer;
use crate::{
    AttestedToken, Explanation, KeyEncryptionKey, KeyRefusal, KeyVersion, PolicyEnvelope,
    ReleaseRequest, ReleaseSigner, TokenRefusal, TokenUse, WrapError, WrappingKey,
    WrappingKeyError, wrap,
};

/// Why a key is not released.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReleaseRefusal {
    /// The key may not leave at all, or not now.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// The token's claims do not meet the release policy.
    #[error("{0}")]
    Policy(Box<Explanation>),
    /// The token has no key that may wrap.
    #[error(transparent)]
    WrappingKey(#[from] WrappingKeyError),
}

failed_check!(ReleaseRefusal {
    Self::Key(error) => (error.check(), KeyRefusal::checks()),
    Self::Token(error) => (error.check(), TokenRefusal::checks()),
    Self::Policy(_) => "release-policy-met",
    Self::WrappingKey(error) => (error.check(), WrappingKeyError::checks()),
});

impl ReleaseRefusal {
    /// What may be told to somebody who does not own the key. What is displayed of the refusal itself
    /// tells conditions of the policy and values of claims, and is for the owner and the log.
    ///
    /// Whether an authority is named in the policy does not show: its tokens, and those of others, are
    /// refused with the same words unless they verify.
    #[must_use]
    pub const fn for_strangers(&self) -> &'static str {
        match self {
            Self::Key(_) => "the key cannot be released",
            Self::Token(_) => "the attestation token is not accepted",
            Self::Policy(_) => "the attestation token does not meet the key's release policy",
            Self::WrappingKey(_) => {
                "the attestation token has no key that the answer can be wrapped to"
            }
        }
    }
}

/// Whether a token that serves once has served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstUse {
    /// It had not, and now it has: noted in one step, so that of two who ask at once one is refused.
    Confirmed,
    /// It had.
    Repeated,
    /// Nobody asked, as the rules did not demand it.
    NotAsked,
}

/// A release that all checks but one allow: whether the token has served already. Only [`judge`] makes
/// one.
#[derive(Debug)]
pub struct Judged<'a> {
    key: &'a KeyVersion,
    policy: &'a PolicyEnvelope,
    wrapping_key: WrappingKey,
    single_use: Option<TokenUse>,
}

/// A release that every check allows.
#[derive(Debug)]
pub struct Permit<'a> {
    key: &'a KeyVersion,
    policy: &'a PolicyEnvelope,
    wrapping_key: WrappingKey,
}

/// Judges whether a key may be released to whoever a token attests: attributes of the key, policy,
/// wrapping key.
///
/// # Errors
/// [`ReleaseRefusal`] naming the first check that failed.
pub fn judge<'a>(
    key: &'a KeyVersion,
    token: &AttestedToken,
    at: UnixTime,
) -> Result<Judged<'a>, ReleaseRefusal> {
    let policy = key.policy_at(at)?;
    if !policy.policy().is_met_by(token) {
        return Err(ReleaseRefusal::Policy(Box::new(policy.policy().explain(token))));
    }
    let wrapping_key = WrappingKey::choose(token)?;
    Ok(Judged { key, policy, wrapping_key, single_use: token.single_use().cloned() })
}

impl<'a> Judged<'a> {
    /// What must not have served before, if the rules demand that. Asked last, a refused release uses
    /// no token up.
    #[must_use]
    pub const fn single_use(&self) -> Option<&TokenUse> {
        self.single_use.as_ref()
    }

    /// Permits the release.
    ///
    /// # Errors
    /// [`TokenRefusal::Used`] if the token has served, [`TokenRefusal::UseUnknown`] if the rules demand
    /// to know and nobody asked.
    pub fn permit(self, first_use: FirstUse) -> Result<Permit<'a>, ReleaseRefusal> {
        let Self { key, policy, wrapping_key, single_use } = self;
        match (single_use, first_use) {
            (_, FirstUse::Repeated) => Err(TokenRefusal::Used.into()),
            (Some(_), FirstUse::NotAsked) => Err(TokenRefusal::UseUnknown.into()),
            (_, FirstUse::Confirmed) | (None, FirstUse::NotAsked) => {
                Ok(Permit { key, policy, wrapping_key })
            }
        }
    }
}

/// Why a permitted release has no answer: nothing that the client did.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// The key was not wrapped.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// The answer was not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

failed_check!(AnswerError {
    Self::Wrap(error) => (error.check(), WrapError::checks()),
    Self::Sign(_) => "release-answer-signature",
});

impl Permit<'_> {
    /// Wraps the key and signs the answer: the `value` of the response, a compact JWS.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn answer(
        &self,
        request: &ReleaseRequest,
        api_version: &str,
        kek: &KeyEncryptionKey,
        signer: &ReleaseSigner,
    ) -> Result<String, AnswerError> {
        let Self { key, policy, wrapping_key } = self;
        let ciphertext = wrap(wrapping_key, request.algorithm(), kek, key.material.secret_bytes())?;
        let ciphertext = &ciphertext;
        let answer = Answer { request, api_version, key, policy, wrapping_key, ciphertext };
        Ok(answer.sign(signer)?)
    }
}
