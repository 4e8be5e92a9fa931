//! JSON Web Key Sets: ours to publish, others' to read.

mod publish;
mod read;

pub use publish::{PublishedKey, jwks_document};
pub use read::{Jwk, Jwks, JwksError, UnusableKey, UnusableReason};
