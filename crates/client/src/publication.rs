//! A list of measurements as its publisher issues it: which issue it is, from when, until when, and signed.
//!
//! Who signs matters: a service that signed the list of what it may run would vouch for itself, and whoever changed
//! the service would change the list. So the publisher signs with a key of its own, which the service never has; the
//! service only hands out the file. Whoever relies on it pins that key.
//!
//! What a signature cannot show is that there is no newer issue: an expired one is refused, and whoever keeps the
//! last one it accepted ([`KnownPublication`]) notices an older one, and one that goes back on what it announced.

mod error;
mod follows;
mod known;
mod signed;

use avouch_wire::json::{parse_object, to_canonical};
use avouch_wire::{Hex, UnixTime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use error::{IssueError, PublicationError};
pub use known::{HANDED_OUT_DAYS_MAX, KNOWN_BYTES_MAX, KnownPublication};
pub use signed::{PUBLICATION_TYPE, SIGNED_PUBLICATION_BYTES_MAX, VerifiedPublication};

use crate::measurements::MEASUREMENTS_BYTES_MAX;
use crate::{Measurement, Measurements};

/// Longest name of a publisher, in bytes.
const PUBLISHER_BYTES_MAX: usize = 256;
/// How long one issue is in force at most, in days.
pub const VALID_DAYS_MAX: u16 = 366;
const VALID_SECONDS_MAX: i64 = VALID_DAYS_MAX as i64 * 86_400;

/// One issue of a publisher's list. Read, and not known to be anybody's: [`VerifiedPublication`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    issue: Issue,
    measurements: Measurements,
}

/// Which issue it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// What the publisher calls itself: 1 to 256 characters of printable ASCII.
    pub publisher: String,
    /// Its number, from 1 on; each issue has a higher one.
    pub sequence: u64,
    /// When the first issue was issued. Only what was announced then needs no notice.
    pub first_issued_at: UnixTime,
    /// When this one was issued.
    pub issued_at: UnixTime,
    /// From when on it must not be relied on any more: 366 days after `issued_at` at most.
    pub expires_at: UnixTime,
}

/// The document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    publisher: String,
    sequence: u64,
    first_issued_at: UnixTime,
    issued_at: UnixTime,
    expires_at: UnixTime,
    measurements: Vec<Measurement>,
}

impl Publication {
    /// Reads a document of at most 256 KiB, with what [`Issue`] has and `measurements`.
    ///
    /// # Errors
    /// [`PublicationError`] if it cannot be read, or breaks a rule of its own or of the list.
    pub fn parse(document: &[u8]) -> Result<Self, PublicationError> {
        let members = parse_object(document, MEASUREMENTS_BYTES_MAX)?;
        let document: Document = serde_json::from_value(Value::Object(members))
            .map_err(|error| PublicationError::Form(error.to_string()))?;
        document.read()
    }

    /// An issue of these measurements.
    ///
    /// # Errors
    /// As [`Publication::parse`].
    pub fn new(issue: Issue, measurements: Vec<Measurement>) -> Result<Self, PublicationError> {
        issue.check()?;
        for one in &measurements {
            let announced_at = one.announced_at;
            if announced_at < issue.first_issued_at || announced_at > issue.issued_at {
                let name = one.name.clone();
                return Err(PublicationError::AnnouncedOutside { name, announced_at });
            }
            // An end that lies ahead could be put there by mistake, and never be brought forward.
            if let Some(withdrawn_at) = one.withdrawn_at.filter(|at| *at > issue.issued_at) {
                let (name, issued_at) = (one.name.clone(), issue.issued_at);
                return Err(PublicationError::WithdrawnLater { name, withdrawn_at, issued_at });
            }
        }
        let measurements = Measurements::begun_at(issue.first_issued_at, measurements)?;
        Ok(Self { issue, measurements })
    }

    /// Which issue it is.
    #[must_use]
    pub const fn issue(&self) -> &Issue {
        &self.issue
    }

    /// What it lists.
    #[must_use]
    pub const fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    /// The document in its one form: canonical JSON.
    ///
    /// # Errors
    /// [`PublicationError::Form`] never but by a fault of this build.
    pub fn to_document(&self) -> Result<String, PublicationError> {
        let document = Document::of(self);
        let value = serde_json::to_value(&document)
            .map_err(|error| PublicationError::Form(error.to_string()))?;
        Ok(to_canonical(&value))
    }

    /// SHA-256 of [`Publication::to_document`].
    ///
    /// # Errors
    /// As that.
    pub fn sha256(&self) -> Result<Hex<32>, PublicationError> {
        Ok(avouch_pki::digest::sha256(self.to_document()?.as_bytes()))
    }

    /// That it is in force at a moment.
    ///
    /// # Errors
    /// [`IssueError::NotYet`] and [`IssueError::Expired`].
    pub fn check_in_force(&self, at: UnixTime) -> Result<(), IssueError> {
        let Issue { issued_at, expires_at, .. } = self.issue;
        if at < issued_at {
            return Err(IssueError::NotYet { issued_at, at });
        }
        if at >= expires_at {
            return Err(IssueError::Expired { expires_at, at });
        }
        Ok(())
    }
}

impl Document {
    fn of(publication: &Publication) -> Self {
        let Issue { publisher, sequence, first_issued_at, issued_at, expires_at } =
            publication.issue.clone();
        let measurements = publication.measurements.all().to_vec();
        Self { publisher, sequence, first_issued_at, issued_at, expires_at, measurements }
    }

    fn read(self) -> Result<Publication, PublicationError> {
        let Self { publisher, sequence, first_issued_at, issued_at, expires_at, measurements } =
            self;
        let issue = Issue { publisher, sequence, first_issued_at, issued_at, expires_at };
        Publication::new(issue, measurements)
    }
}

impl Issue {
    fn check(&self) -> Result<(), PublicationError> {
        let publisher = &self.publisher;
        let printable = publisher.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if publisher.trim().is_empty() || publisher.len() > PUBLISHER_BYTES_MAX || !printable {
            return Err(PublicationError::Publisher(publisher.clone()));
        }
        if self.sequence == 0 {
            return Err(PublicationError::Sequence);
        }
        let &Self { first_issued_at, issued_at, expires_at, .. } = self;
        let is_first = self.sequence == 1;
        if first_issued_at > issued_at || is_first != (first_issued_at == issued_at) {
            return Err(PublicationError::FirstIssue { first_issued_at, issued_at });
        }
        let last = issued_at.saturating_add_seconds(VALID_SECONDS_MAX);
        if expires_at <= issued_at || expires_at > last {
            return Err(PublicationError::Expiry { issued_at, expires_at, last });
        }
        Ok(())
    }
}
