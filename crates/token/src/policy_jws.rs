//! Policy JWS: what clients send to `PUT /policies`, `:reset` and `/certificates:…`.
//!
//! Every form that the SDKs, the CLI and the documentation produce is read
//! (`docs/maa/policies.md#forms-of-a-jws`); the bytes are kept as they came, because hashes are over
//! them.

mod authorize;
mod body;
mod create;
mod detached;
mod error;
mod hash;
mod management;
mod policy;
mod signer;

pub use authorize::{AuthorizedSigner, SignerError, authorize_signer, check_policy_certificate};
pub use body::{BodyError, CertificateOperation};
pub use create::{
    CreateError, JwsContent, PolicySigner, SignedForm, UnsignedForm, create_signed,
    create_unsigned, sign_detached,
};
pub(crate) use detached::signing_input;
pub use error::PolicyJwsError;
pub use hash::{certificate_thumbprint, policy_hash, policy_token_hash};
pub use management::CertificateJws;
pub use policy::{NO_POLICY_JWS, PolicyEncoding, PolicyJws, ResetJws};
pub use signer::VerifiedSigner;
