//! Measured-boot logs: parsed, replayed register by register, and turned into facts.
//!
//! A log is only a claim. What proves it is a register value that a quote covers: a fact counts when it
//! was read from bytes whose digest stands in a register that the replayed log explains.
