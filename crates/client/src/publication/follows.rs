//! An issue after the one that was accepted before: nothing that was announced may be taken back.

use avouch_wire::UnixTime;

use super::{IssueError, Publication};
use crate::Measurement;

impl Publication {
    /// That this issue may follow one that was accepted before: it is of the same publisher and no older, has all
    /// that the other had, as it was, and announces the rest since. If its number is the very next, the rest is
    /// announced by this issue, and so at its own time; if others lie between, it may be announced by one of those.
    ///
    /// Withdrawing is the one change: it takes trust away, and cannot be undone or put off.
    ///
    /// Not proven: that the times in it are true. They are the publisher's word, and whoever keeps a
    /// [`crate::KnownPublication`] counts by what it saw itself.
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
        self.new_since(seen).try_for_each(|one| self.check_new(one, seen))
    }

    /// What another issue did not have.
    pub(super) fn new_since<'a>(&'a self, seen: &'a Self) -> impl Iterator<Item = &'a Measurement> {
        let was_there =
            |one: &Measurement| seen.measurements.all().iter().any(|it| it.name == one.name);
        self.measurements.all().iter().filter(move |one| !was_there(one))
    }

    /// Whether no issue lies between another one and this.
    pub(super) const fn is_next_after(&self, seen: &Self) -> bool {
        self.issue.sequence == seen.issue.sequence.saturating_add(1)
    }

    fn check_kept(&self, before: &Measurement, seen: u64) -> Result<(), IssueError> {
        let name = || before.name.clone();
        let Some(now) = self.measurements.all().iter().find(|one| one.name == before.name) else {
            return Err(IssueError::Dropped { name: name(), seen });
        };
        let kept = [
            ("workload", now.workload == before.workload),
            ("announced_at", now.announced_at == before.announced_at),
            ("in_force_from", now.in_force_from == before.in_force_from),
            ("replaces", now.replaces == before.replaces),
            ("withdrawn_at", stays_withdrawn(before.withdrawn_at, now.withdrawn_at)),
        ];
        match kept.into_iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(IssueError::Changed { name: name(), seen, what }),
            None => Ok(()),
        }
    }

    /// What the issue before did not have was announced after it: by this issue, if that is the next.
    fn check_new(&self, now: &Measurement, seen: &Self) -> Result<(), IssueError> {
        let (name, announced_at) = (now.name.clone(), now.announced_at);
        let issued_at = self.issue.issued_at;
        if self.is_next_after(seen) && announced_at != issued_at {
            return Err(IssueError::NotAnnouncedByIssue { name, announced_at, issued_at });
        }
        let issued_at = seen.issue.issued_at;
        if announced_at <= issued_at {
            return Err(IssueError::Backdated { name, announced_at, issued_at });
        }
        Ok(())
    }
}

/// Withdrawn stays withdrawn: an earlier moment may take the place of a later one.
fn stays_withdrawn(before: Option<UnixTime>, now: Option<UnixTime>) -> bool {
    before.is_none_or(|before| now.is_some_and(|now| now <= before))
}
