//! JSON Web Key Sets: ours to publish, others' to read.

mod publish;
mod read;

pub use publish::{PublishedKey, jwks_document, public_jwk_members};
pub use read::{Jwk, Jwks, JwksError, UnusableKey, UnusableReason, public_key_of_jwk};
