//! The attester against a software TPM and a service in the same process.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod conversation;
mod desk;
#[path = "../support/swtpm.rs"]
mod swtpm;
