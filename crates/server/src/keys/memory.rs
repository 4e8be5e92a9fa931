//! What the system may write of this process's memory.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Lets the system write no core dumps of this process: private keys are in its memory.
pub fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be forbidden; they would hold private keys");
    }
}

/// Forbids core dumps, also where the system hands them to a program, which no limit of size keeps; and
/// keeps other processes of the same user from looking into this one.
pub fn hide_memory() {
    forbid_core_dumps();
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "this process' memory cannot be hidden from others of its user");
    }
}
