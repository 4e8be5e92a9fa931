//! Reports of VBS enclaves, by the key that a measured boot of Windows proves.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod acceptance;
mod evidence;
mod keys;
mod page;
mod report;
#[path = "../support/mod.rs"]
mod support;
