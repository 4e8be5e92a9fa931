//! Parts that need no evidence: statuses, documents, the PCK extension, wrappers.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test may stop the process")]

mod attributes;
mod documents;
mod names;
mod pck_extension;
mod statuses;
mod td_report;
