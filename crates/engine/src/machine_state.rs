//! What tells a machine from others, and what it booted: for those who watch machines.

use std::collections::BTreeMap;

/// A machine, as verified evidence shows it.
///
/// Proven: the evidence is of this machine, and these are the facts that its boot left. Not proven: that
/// the evidence is fresh; whoever gave the challenge knows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineState {
    /// What tells it from others, such as the SHA-256 of its TPM's endorsement certificate, in hex.
    pub machine: String,
    /// What it booted, by name: PCRs as `pcr7` in hex, and what the log proves. Values that change while
    /// it runs are not among them.
    pub facts: BTreeMap<String, String>,
}
