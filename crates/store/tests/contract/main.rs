//! The contract of the store, held on SQLite and on PostgreSQL by the same tests.

mod audit;
mod certificates;
mod concurrency;
mod directory;
mod durability;
mod feed;
mod keys;
mod migrations;
mod policies;
mod private_endpoints;
mod providers;
#[path = "../support/mod.rs"]
mod support;
