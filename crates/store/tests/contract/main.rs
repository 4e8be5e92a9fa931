//! The contract of the store, held on SQLite and on PostgreSQL by the same tests.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise and says what it saw"
)]

mod audit;
mod capsules;
mod certificates;
mod concurrency;
mod directory;
mod durability;
mod endorsements;
mod failures;
mod feed;
mod keys;
mod machines;
mod migrations;
mod policies;
mod private_endpoints;
mod providers;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod vault_keys;
