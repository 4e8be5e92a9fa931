//! What a relying party keeps of a publisher: the last issue that it accepted, and since when it knows what is in it.

use std::collections::BTreeMap;

use avouch_wire::UnixTime;
use avouch_wire::json::{parse_object, to_canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, IssueError, Publication, PublicationError};
use crate::Measurements;
use crate::measurements::{MEASUREMENTS_BYTES_MAX, NOTICE_MONTHS};

/// How long after its time of issue an issue may be handed out, in days, and its announcements still count from then:
/// a relying party that was handed the one before later than that was not told.
pub const HANDED_OUT_DAYS_MAX: u16 = 7;
const HANDED_OUT_SECONDS_MAX: i64 = HANDED_OUT_DAYS_MAX as i64 * 86_400;
/// Largest form kept, in bytes: an issue, and a moment for each name in it.
pub const KNOWN_BYTES_MAX: usize = 2 * MEASUREMENTS_BYTES_MAX;

/// The last issue that a relying party accepted, and from when on it counts each announcement in it.
///
/// Times in an issue are its publisher's word. A publisher, or whoever has its key, could date an announcement, or a
/// whole issue, back by two months, and have code in force that nobody was told of. So two months of notice count from
/// the time of announcement only where this party can tell that it was told in time: with the issue that is the very next
/// after the one that it knew, if it was not handed that older one more than [`HANDED_OUT_DAYS_MAX`] days after
/// the next is said to be issued. Otherwise they count from when it first saw the announcement. Until they are over, the
/// measurement is not in force for it, and what it replaces goes on.
///
/// Of the first issue that it ever sees, a party has only the publisher's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPublication {
    publication: Publication,
    looked_at: UnixTime,
    /// Names that count from later than they say.
    seen_at: BTreeMap<String, UnixTime>,
    measurements: Measurements,
}

/// The form that is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    issue: Document,
    looked_at: UnixTime,
    #[serde(default)]
    seen_at: BTreeMap<String, UnixTime>,
}

impl KnownPublication {
    /// The first issue that a party accepts, at a moment.
    #[must_use]
    pub fn begin(publication: Publication, at: UnixTime) -> Self {
        Self::of(publication, at, BTreeMap::new())
    }

    /// The issue that a party accepts next: the same, or one that follows.
    ///
    /// # Errors
    /// [`IssueError`] as [`Publication::check_follows`].
    pub fn follow(&self, next: &Publication, at: UnixTime) -> Result<Self, IssueError> {
        next.check_follows(&self.publication)?;
        let was_told = next.is_next_after(&self.publication) && {
            let handed_out_by =
                next.issue().issued_at.saturating_add_seconds(HANDED_OUT_SECONDS_MAX);
            self.looked_at <= handed_out_by
        };
        let mut seen_at = self.seen_at.clone();
        if !was_told {
            let new = next.new_since(&self.publication).map(|one| (one.name.clone(), at));
            seen_at.extend(new);
        }
        Ok(Self::of(next.clone(), at.max(self.looked_at), seen_at))
    }

    fn of(
        publication: Publication,
        looked_at: UnixTime,
        seen_at: BTreeMap<String, UnixTime>,
    ) -> Self {
        let counted = |(name, seen): (&String, &UnixTime)| {
            (name.clone(), seen.saturating_add_months(NOTICE_MONTHS))
        };
        let delayed = seen_at.iter().map(counted).collect();
        let measurements = publication.measurements().delayed_to(delayed);
        Self { publication, looked_at, seen_at, measurements }
    }

    /// Reads the form that is kept, of at most 512 KiB; or an issue alone, which was then seen when it was issued.
    ///
    /// # Errors
    /// [`PublicationError`] if it is neither.
    pub fn parse(document: &[u8]) -> Result<Self, PublicationError> {
        let members = parse_object(document, KNOWN_BYTES_MAX)?;
        if !members.contains_key("issue") {
            let publication = Publication::parse(document)?;
            let issued_at = publication.issue().issued_at;
            return Ok(Self::begin(publication, issued_at));
        }
        let Kept { issue, looked_at, seen_at } = serde_json::from_value(Value::Object(members))
            .map_err(|error| PublicationError::Form(error.to_string()))?;
        Ok(Self::of(issue.read()?, looked_at, seen_at))
    }

    /// The form that is kept: canonical JSON.
    ///
    /// # Errors
    /// [`PublicationError::Form`] never but by a fault of this build.
    pub fn to_document(&self) -> Result<String, PublicationError> {
        let (issue, looked_at) = (Document::of(&self.publication), self.looked_at);
        let kept = Kept { issue, looked_at, seen_at: self.seen_at.clone() };
        let value = serde_json::to_value(&kept)
            .map_err(|error| PublicationError::Form(error.to_string()))?;
        Ok(to_canonical(&value))
    }

    /// The issue, as its publisher issued it.
    #[must_use]
    pub const fn publication(&self) -> &Publication {
        &self.publication
    }

    /// When it was last accepted.
    #[must_use]
    pub const fn looked_at(&self) -> UnixTime {
        self.looked_at
    }

    /// What it lists, as it counts for this party: nothing is in force before two months of notice to it are over.
    #[must_use]
    pub const fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    /// Names of what is in force later for this party than the publisher says, and from when on.
    pub fn delayed(&self) -> impl Iterator<Item = (&str, UnixTime)> {
        let own = &self.measurements;
        let later = own.all().iter().filter(|one| own.in_force_from(one) > one.in_force_from);
        later.map(|one| (one.name.as_str(), own.in_force_from(one)))
    }
}
