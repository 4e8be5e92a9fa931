//! Logs as firmware, boot loaders, kernels and attackers write them: one file a subject.
//!
//! One program, so that what all tests need is linked once.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod attacks;
mod bounds;
mod ccel;
mod ccel_linear;
mod dstack;
mod forged;
mod ima;
mod linear;
mod minted;
mod page;
mod parsing;
mod policies;
mod properties;
mod support;
mod tpm2_eventlog;
mod vectors;
mod windows;
