//! Each source of evidence against a fake at its boundary, with minted evidence.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod azure;
mod choice;
mod configfs;
#[path = "../support/fake.rs"]
mod fake;
mod gramine;
mod host;
#[path = "../support/paravisor.rs"]
mod paravisor;
#[path = "../../../attester/tests/support/swtpm.rs"]
mod swtpm;
mod worker;

use avouch_wire::UnixTime;

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

/// Report data that no mistake makes.
const ASKED: [u8; 64] = {
    let mut asked = [0x5a; 64];
    asked[0] = 1;
    asked[63] = 2;
    asked
};
