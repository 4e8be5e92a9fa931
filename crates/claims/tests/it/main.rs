//! Every row of every table of claims: evidence whose fields all differ is minted and verified, and
//! the whole outcome is compared with rows that are written here by hand.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod bound;
mod common;
mod expect;
mod intel;
mod nested;
mod sgx;
mod snp;
mod tdx;
mod tpm;
