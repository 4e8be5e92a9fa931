//! Release of keys to attested workloads, in the form of Azure Key Vault's secure key release.
//!
//! A key with a [`ReleasePolicy`] is released to whoever shows an attestation token that meets it, wrapped
//! to the key that the token's evidence binds:
//!
//! 1. [`KeyVersion::policy_at`]: may the key leave at all, at this moment, and by which policy;
//! 2. [`Authority::claimed_by`]: whose keys is the token to be verified with;
//! 3. [`AttestedToken::verify`]: did that authority sign it, is it in force and young enough;
//! 4. [`judge`]: does the policy take that authority's word, do the claims meet it, and which of the
//!    token's keys wraps;
//! 5. [`Judged::seal`]: the key, wrapped, in a signed answer;
//! 6. [`Sealed::given`]: that answer, if the token has not served already.
//!
//! [`SignedAnswer`] is for the workload, which verifies the answer and opens it with its private key.
//!
//! Nothing here reads a clock or does I/O: moments, keys of authorities and random bytes are arguments.

mod answer;
mod key;
mod material;
mod policy;
mod release;
mod request;
mod response;
mod token;
mod wrap;
mod wrapping_key;

pub use answer::{SignedAnswer, SignedAnswerError};
pub use key::{KeyAttributes, KeyRefusal, KeyVersion};
pub use material::{KeyMaterial, KeyMaterialError, MaterialSpec, public_members};
pub use policy::{
    Authority, AuthorityError, AuthorityExplained, AuthorityRule, CONDITIONS_MAX, ClaimPath,
    EnvelopeError, Explanation, FailedCondition, Found, GROUPS_DEEP_MAX, Lint, LintSlug, Operator,
    Operators, POLICY_BYTES_MAX, PolicyEnvelope, PolicyError, PolicyErrors, PolicyIsImmutable,
    Problem, ReleasePolicy,
};
pub use release::{AnswerError, FirstUse, Judged, ReleaseRefusal, Sealed, judge};
pub use request::{REQUEST_BYTES_MAX, ReleaseRequest, RequestError};
pub use response::{ReleaseSigner, ReleaseSignerError};
pub use token::{
    AttestedToken, AuthorityKeys, TARGET_BYTES_MAX, TokenRefusal, TokenRules, TokenUse,
};
pub use wrap::{
    KeyEncryptionKey, UnknownWrapAlgorithm, UnwrapError, UnwrappingKey, WrapAlgorithm, WrapError,
    unwrap, wrap,
};
pub use wrapping_key::{WrappingKey, WrappingKeyError};
