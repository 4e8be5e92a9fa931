//! Parts that need no evidence: statuses, documents, the PCK extension, wrappers.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop the process"
)]

mod attributes;
mod documents;
mod names;
mod pck_extension;
mod statuses;
mod td_report;
