//! Measured-boot logs: parsed, replayed register by register, and turned into facts.
//!
//! A log is only a claim. What proves it is a register value that a quote covers: a fact counts when it
//! was read from bytes whose digest stands in a register that the replayed log explains.
//!
//! In reading order: [`tcg::Log::parse`] → [`replay::judge`] with the values that a quote proved →
//! [`replay::ExplainedRegister`] → facts. A parsed event and a replayed event are different types, and
//! what no digest covers is called `untrusted`. No clock is read, nothing is fetched, no TPM is spoken to.

mod algorithm;
pub mod boot;
pub mod ccel;
mod coverage;
mod event_type;
pub mod facts;
pub mod ima;
pub mod json;
mod register;
pub mod replay;
pub mod tcg;
pub mod timeline;
pub mod uefi;
pub mod verity;
pub mod windows;

pub use algorithm::{Digest, HashAlgorithm};
pub use coverage::{Coverage, untrusted_command_line};
pub use event_type::EventType;
pub use register::{PCR_COUNT, Register, RegisterMap, RegisterValues};
