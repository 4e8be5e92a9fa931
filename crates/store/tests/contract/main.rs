//! The contract of the store, held on SQLite and on PostgreSQL by the same tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test stops at the first surprise and says what it saw"
)]

mod audit;
mod certificates;
mod concurrency;
mod directory;
mod durability;
mod failures;
mod feed;
mod keys;
mod migrations;
mod policies;
mod private_endpoints;
mod providers;
#[path = "../support/mod.rs"]
mod support;
mod tls;
