//! A release from its checks to its answer.

use avouch_token::SignError;
use avouch_wire::{UnixTime, failed_check};
use thiserror::Error;

use crate::response::Answer;
use crate::{
    AttestedToken, Authority, Explanation, KeyEncryptionKey, KeyMaterial, KeyRefusal, KeyVersion,
    PolicyEnvelope, ReleaseRequest, ReleaseSigner, TokenRefusal, TokenUse, WrapError, WrappingKey,
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
    /// The token is good, and of an authority whose word the policy does not take.
    #[error("token is of {0}, which no rule of the release policy names")]
    Authority(Authority),
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
    Self::Authority(_) => "token-issuer",
    Self::Policy(_) => "release-policy-met",
    Self::WrappingKey(error) => (error.check(), WrappingKeyError::checks()),
});

impl ReleaseRefusal {
    /// What strangers are told of any token that is not accepted.
    pub const TOKEN: &str = "the attestation token is not accepted";
    /// What strangers are told of a token that is accepted, and not enough.
    pub const POLICY: &str = "the attestation token does not meet the key's release policy";

    /// What may be told to somebody who does not own the key. What is displayed of the refusal itself
    /// tells conditions of the policy and values of claims, and is for the owner and the log.
    ///
    /// Whether an authority is named in the policy does not show: a good token of one that is not named
    /// is refused with the words for claims that do not meet the policy, and any other token with the
    /// words for tokens, whoever is named.
    #[must_use]
    pub const fn for_strangers(&self) -> &'static str {
        match self {
            Self::Key(_) => "the key cannot be released",
            Self::Token(_) => Self::TOKEN,
            Self::Authority(_) | Self::Policy(_) => Self::POLICY,
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

/// An answer that waits for the last check. Only [`Judged::seal`] makes one. The key in it is wrapped to
/// the workload's, so it is no secret of this side any more.
#[derive(Debug)]
pub struct Sealed {
    answer: String,
    single_use: Option<TokenUse>,
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
    if !policy.policy().names(token.authority()) {
        return Err(ReleaseRefusal::Authority(token.authority().clone()));
    }
    if !policy.policy().is_met_by(token) {
        return Err(ReleaseRefusal::Policy(Box::new(policy.policy().explain(token))));
    }
    let wrapping_key = WrappingKey::choose(token)?;
    Ok(Judged { key, policy, wrapping_key, single_use: token.single_use().cloned() })
}

impl Judged<'_> {
    /// Wraps the key and signs the answer, for [`Sealed::given`]. `material` is the key that `key` was
    /// judged for.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn seal(
        self,
        material: &KeyMaterial,
        request: &ReleaseRequest,
        api_version: &str,
        kek: &KeyEncryptionKey,
        signer: &ReleaseSigner,
    ) -> Result<Sealed, AnswerError> {
        let Self { key, policy, wrapping_key, single_use } = self;
        if material.public_key() != key.public_key.as_ref() {
            return Err(AnswerError::OtherKey);
        }
        let algorithm = request.algorithm();
        let ciphertext = &wrap(&wrapping_key, algorithm, kek, material.secret_bytes())?;
        let wrapping_key = &wrapping_key;
        let answer = Answer { request, api_version, key, policy, wrapping_key, ciphertext };
        Ok(Sealed { answer: answer.sign(signer)?, single_use })
    }
}

impl Sealed {
    /// What must not have served before, if the rules demand that. Asked last, a refused release uses
    /// no token up.
    #[must_use]
    pub const fn single_use(&self) -> Option<&TokenUse> {
        self.single_use.as_ref()
    }

    /// The `value` of the response, a compact JWS.
    ///
    /// # Errors
    /// [`TokenRefusal::Used`] if the token has served, [`TokenRefusal::UseUnknown`] if the rules demand
    /// to know and nobody asked.
    pub fn given(self, first_use: FirstUse) -> Result<String, ReleaseRefusal> {
        match (self.single_use, first_use) {
            (_, FirstUse::Repeated) => Err(TokenRefusal::Used.into()),
            (Some(_), FirstUse::NotAsked) => Err(TokenRefusal::UseUnknown.into()),
            (_, FirstUse::Confirmed) | (None, FirstUse::NotAsked) => Ok(self.answer),
        }
    }
}

/// Why a release that was allowed has no answer: nothing that the client did.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// The key was not wrapped.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// What was to be wrapped is another key.
    #[error("the key is not the one that was judged")]
    OtherKey,
    /// The answer was not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

failed_check!(AnswerError {
    Self::Wrap(error) => (error.check(), WrapError::checks()),
    Self::OtherKey => "key-material",
    Self::Sign(_) => "release-answer-signature",
});
