//! Fetching and keeping endorsements: proofs, sources on loopback, the keeper with a clock of ours.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod bench;
mod clock;
mod fake;
mod keeper;
mod minted;
mod proof;
mod sources;
