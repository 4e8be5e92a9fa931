//! Recorded quotes, keys, certificates and messages, and their siblings that must be refused.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod azure;
mod certificates;
mod credentials;
mod messages;
mod page;
mod quotes;
mod recordings;
mod schemes;
mod structures;
