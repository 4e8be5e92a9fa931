//! Parts that need no evidence: statuses, documents, the PCK extension, wrappers.
#![allow(clippy::arithmetic_side_effects, reason = "a test may stop the process")]

mod documents;
mod pck_extension;
mod statuses;
