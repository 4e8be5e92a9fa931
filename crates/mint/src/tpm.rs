//! TPM evidence: a software TPM's keys, certificates, quote and certified key, and the request that
//! carries them in MAA's protocol.
//!
//! Bytes follow Part 2 of the TCG's TPM library. Nothing here is shared with the reader of these
//! structures, so that a test which compares the two has two opinions.

mod breaks;
mod build;
mod certificate;
pub(crate) mod guest;
pub(crate) mod keys;
mod machine;
mod minted;
mod options;
mod payload;
mod plan;
mod structures;

pub use breaks::{breaks, request_breaks};
pub use build::{MintedEnclave, MintedTpm, mint};
pub use guest::{GuestClient, GuestOptions, Isolation};
pub use machine::{Measurements, TpmMachine};
pub(crate) use minted::mint as mint_request;
pub use options::{AkScheme, KeyBinding, RequestForm, TpmOptions};
