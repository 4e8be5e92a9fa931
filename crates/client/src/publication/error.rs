//! Why a publication is none, or does not count.

use avouch_token::BareSignatureError;
use avouch_wire::json::JsonError;
use avouch_wire::{Hex, UnixTime, excerpt, failed_check};
use thiserror::Error;

use crate::MeasurementsError;

/// Why a document is no issue of a publisher's list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublicationError {
    /// Not JSON, too long, or a member named twice.
    #[error("publication: {0}")]
    Json(#[from] JsonError),
    /// Other members, or of other types, than there are.
    #[error("publication: {0}")]
    Form(String),
    /// A name that cannot be one.
    #[error("publisher {} is not 1 to 256 characters of printable ascii", excerpt(.0))]
    Publisher(String),
    /// Numbers begin at one.
    #[error("sequence is 0; the first issue has 1")]
    Sequence,
    /// Only the first issue is issued when the first is, and none before it.
    #[error(
        "issued at {issued_at}, the first one at {first_issued_at}: they are the same for sequence 1 \
         alone, and none is issued before the first"
    )]
    FirstIssue {
        /// When the first issue is said to be issued.
        first_issued_at: UnixTime,
        /// When this one is.
        issued_at: UnixTime,
    },
    /// It ends before it begins, or lasts too long.
    #[error("issued at {issued_at}, it expires at {expires_at}; after that, and by {last}")]
    Expiry {
        /// When it is issued.
        issued_at: UnixTime,
        /// When it is said to expire.
        expires_at: UnixTime,
        /// When it must expire.
        last: UnixTime,
    },
    /// Nothing can be announced before the first issue or after this one.
    #[error("{name:?} is announced at {announced_at}, outside of the first issue and this one")]
    AnnouncedOutside {
        /// Its name.
        name: String,
        /// When it is said to be announced.
        announced_at: UnixTime,
    },
    /// A withdrawal that lies ahead of the issue that says it.
    #[error(
        "{name:?} is withdrawn at {withdrawn_at}, after this issue of {issued_at}: what is withdrawn is so at \
         once"
    )]
    WithdrawnLater {
        /// Its name.
        name: String,
        /// When it is said to be withdrawn.
        withdrawn_at: UnixTime,
        /// When the issue that says so is issued.
        issued_at: UnixTime,
    },
    /// The list breaks a rule.
    #[error(transparent)]
    Measurements(#[from] MeasurementsError),
}

failed_check!(PublicationError {
    _ => "measurements-document",
});

/// Why an issue that can be read does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IssueError {
    /// Nobody who is trusted signed it.
    #[error("measurements: {0}")]
    Signature(#[from] BareSignatureError),
    /// What is signed is no issue.
    #[error(transparent)]
    Document(#[from] PublicationError),
    /// The service signed what it may run.
    #[error(
        "the measurements are signed by {key}, a key of the service itself: it vouches for itself"
    )]
    KeyOfService {
        /// SHA-256 of the key.
        key: Hex<32>,
    },
    /// It is not issued yet.
    #[error("the measurements are issued at {issued_at}, it is {at}")]
    NotYet {
        /// When it is issued.
        issued_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
    /// It must not be relied on any more: there should be a newer one.
    #[error("the measurements expired at {expires_at}, it is {at}: get a newer issue")]
    Expired {
        /// Until when it counted.
        expires_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
    /// Somebody else's list.
    #[error("the measurements are of {}, those before were of {}", excerpt(.found), excerpt(.seen))]
    OtherPublisher {
        /// Who is named.
        found: String,
        /// Who was.
        seen: String,
    },
    /// A newer issue was accepted before.
    #[error("the measurements are issue {found} of {issued_at}; issue {seen} was accepted before")]
    Rollback {
        /// Its number.
        found: u64,
        /// When it was issued.
        issued_at: UnixTime,
        /// The number of the one that was accepted.
        seen: u64,
    },
    /// Two different issues have one number.
    #[error(
        "there are two issues {sequence} of the measurements: SHA-256 {found}, and {seen} before"
    )]
    Equivocation {
        /// Their number.
        sequence: u64,
        /// SHA-256 of this one.
        found: Hex<32>,
        /// SHA-256 of the one that was accepted.
        seen: Hex<32>,
    },
    /// What was announced is not there any more: it could pass as something broader.
    #[error("{name:?} was listed in issue {seen} of the measurements, and is not any more")]
    Dropped {
        /// Its name.
        name: String,
        /// The number of the issue that had it.
        seen: u64,
    },
    /// What was announced is something else now, or counts again.
    #[error("{name:?} is not as in issue {seen} of the measurements: {what} differs")]
    Changed {
        /// Its name.
        name: String,
        /// The number of the issue that had it.
        seen: u64,
        /// What differs.
        what: &'static str,
    },
    /// It claims to have been announced when it was not.
    #[error(
        "{name:?} claims to be announced at {announced_at}; the issue of {issued_at} did not have it"
    )]
    Backdated {
        /// Its name.
        name: String,
        /// When it is said to be announced.
        announced_at: UnixTime,
        /// When an issue without it was issued.
        issued_at: UnixTime,
    },
    /// It claims to have been announced by another issue than the first that has it.
    #[error(
        "{name:?} claims to be announced at {announced_at}; the first issue that has it is of {issued_at}"
    )]
    NotAnnouncedByIssue {
        /// Its name.
        name: String,
        /// When it is said to be announced.
        announced_at: UnixTime,
        /// When the issue was issued.
        issued_at: UnixTime,
    },
}

failed_check!(IssueError {
    Self::Signature(error) => (error.check(), BareSignatureError::checks()),
    Self::Document(_) => "measurements-document",
    Self::KeyOfService { .. } => "measurements-key-of-service",
    Self::NotYet { .. } => "measurements-not-issued",
    Self::Expired { .. } => "measurements-expired",
    Self::OtherPublisher { .. } => "measurements-publisher",
    Self::Rollback { .. } => "measurements-rollback",
    Self::Equivocation { .. } => "measurements-rollback",
    Self::Dropped { .. } => "measurements-announcements",
    Self::Changed { .. } => "measurements-announcements",
    Self::Backdated { .. } => "measurements-announcements",
    Self::NotAnnouncedByIssue { .. } => "measurements-announcements",
});
