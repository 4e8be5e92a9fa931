//! Whether the system gives as many file descriptors as connections are allowed.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors beside connections: database, log, endorsements, the event loop, key fetches.
const BESIDES: u64 = 128;

/// The number of connections that there are descriptors for: what was asked for, or fewer.
///
/// The process's own limit is raised as far as the system allows. Beyond it `accept` fails for
/// everybody, and so does the database.
pub(super) fn connections_possible(connections_max: usize) -> usize {
    let needed = (connections_max as u64).saturating_add(BESIDES);
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if enough(limit.current) {
        return connections_max;
    }
    let raised = limit.maximum.map_or(needed, |most| most.min(needed));
    let wanted = Rlimit { current: Some(raised), maximum: limit.maximum };
    let allowed = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => raised,
        Err(_) => limit.current.unwrap_or(needed),
    };
    if allowed >= needed {
        return connections_max;
    }
    let possible = possible(allowed);
    tracing::warn!(
        "limits.connections_max is {connections_max}, and {allowed} open files are allowed \
         (RLIMIT_NOFILE): {possible} connections are taken at once"
    );
    possible
}

fn possible(allowed: u64) -> usize {
    // Where there are next to none, half of them.
    let connections = allowed.saturating_sub(BESIDES).max(allowed / 2).max(1);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{connections_possible, possible};

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        assert_eq!(possible(1024), 896);
        assert_eq!(possible(100), 50);
        assert_eq!(possible(0), 1);
    }

    #[test]
    fn more_connections_than_the_system_has_descriptors_for_are_not_taken() {
        assert_eq!(connections_possible(1), 1);
        assert!(connections_possible(usize::MAX) < usize::MAX);
    }
}
