//! An issue after the one that was accepted before: nothing that was announced may be taken back.

use super::{IssueError, Publication};
use crate::Measurement;

impl Publication {
    /// That this issue may follow one that was accepted before: it is of the same publisher and no older, has all
    /// that the other had, as it was, and announces the rest since.
    ///
    /// Withdrawing is the one change: it takes trust away, and cannot be undone.
    ///
    /// # Errors
    /// [`IssueError`] naming the check that failed.
    pub fn check_follows(&self, seen: &Self) -> Result<(), IssueError> {
        let (own, before) = (&self.issue, &seen.issue);
        if own.publisher != before.publisher {
            let (found, seen) = (own.publisher.clone(), before.publisher.clone());
            return Err(IssueError::OtherPublisher { found, seen });
        }
        if own.sequence == before.sequence {
            let (found, seen) = (self.sha256()?, seen.sha256()?);
            let sequence = own.sequence;
            let same = found == seen;
            return if same {
                Ok(())
            } else {
                Err(IssueError::Equivocation { sequence, found, seen })
            };
        }
        if own.sequence < before.sequence
            || own.issued_at < before.issued_at
            || own.first_issued_at != before.first_issued_at
        {
            let (found, seen, issued_at) = (own.sequence, before.sequence, own.issued_at);
            return Err(IssueError::Rollback { found, issued_at, seen });
        }
        seen.measurements.all().iter().try_for_each(|one| self.check_kept(one, before.sequence))?;
        self.measurements.all().iter().try_for_each(|one| check_new(one, seen))
    }

    fn check_kept(&self, before: &Measurement, seen: u64) -> Result<(), IssueError> {
        let name = || before.name.clone();
        let Some(now) = self.measurements.all().iter().find(|one| one.name == before.name) else {
            return Err(IssueError::Dropped { name: name(), seen });
        };
        let withdrawal = match (before.withdrawn_at, now.withdrawn_at) {
            (None, _) => true,
            (before, now) => before == now,
        };
        let kept = [
            ("workload", now.workload == before.workload),
            ("announced_at", now.announced_at == before.announced_at),
            ("in_force_from", now.in_force_from == before.in_force_from),
            ("replaces", now.replaces == before.replaces),
            ("withdrawn_at", withdrawal),
        ];
        match kept.into_iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(IssueError::Changed { name: name(), seen, what }),
            None => Ok(()),
        }
    }
}

/// What the issue before did not have was announced after it.
fn check_new(now: &Measurement, seen: &Publication) -> Result<(), IssueError> {
    let was_there = seen.measurements.all().iter().any(|one| one.name == now.name);
    let issued_at = seen.issue.issued_at;
    if was_there || now.announced_at > issued_at {
        return Ok(());
    }
    let (name, announced_at) = (now.name.clone(), now.announced_at);
    Err(IssueError::Backdated { name, announced_at, issued_at })
}
