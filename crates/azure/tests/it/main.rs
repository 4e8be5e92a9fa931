//! Recorded evidence of Azure's machines, and its siblings that must be refused.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod hcl;
mod recordings;
mod roots;
mod trusted_launch;
