//! What the system may write of this process's memory.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Lets the system write no core dumps of this process: private keys are in its memory.
pub fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be forbidden; they would hold private keys");
    }
}
