//! Signing keys: who holds them, which sign, and what of them is published.
//!
//! What the instances of a service share is in the store's key records, wrapped under a [`MasterKeys`], or in a
//! [`SigningToken`]. A
//! [`KeySet`] is what an instance knows of them at one moment; [`SigningKeys`] replaces it as a whole, so
//! that whatever is made from one is of one moment. An operator's key file stands beside the records: where
//! there is one, it signs the tokens, and the records hold the keys for reports only.

mod custody;
mod held;
mod left;
mod master;
mod memory;
mod new;
mod pkcs11;
mod plan;
mod set;

pub use custody::Custody;
pub use held::{KeysError, SigningKeys};
pub use master::{MasterKey, MasterKeyError, MasterKeys, WrapError};
pub use memory::{forbid_core_dumps, hide_memory};
pub use new::NewSigningKey;
pub use pkcs11::{SigningToken, TokenKey, TokenKeyError, TokenPlace, TokenSigner, UnrecordedKey};
pub use plan::{Due, KeyPlan};
pub use set::{HeldKey, KeyKeeper, KeySet, ProviderKeys};
