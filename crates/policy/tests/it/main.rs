//! Integration tests of the policy language, one binary for quick links.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "tests stop at the first surprise"
)]

mod costs;
mod differential;
mod docs;
mod failures;
mod format;
mod generate;
mod golden;
mod jmespath_engine;
mod json;
mod language;
mod limits;
mod lints;
mod reference;
mod shared_corpus;
mod vocabulary;
