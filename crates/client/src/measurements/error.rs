//! Why a document is none, and why a workload is not published.

use avouch_wire::json::JsonError;
use avouch_wire::{UnixTime, failed_check};
use thiserror::Error;

/// Why a document of measurements cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MeasurementsError {
    /// Not JSON, too long, or a member named twice.
    #[error("measurements: {0}")]
    Json(#[from] JsonError),
    /// Other members, or of other types, than there are.
    #[error("measurements: {0}")]
    Form(String),
    /// None is in it.
    #[error("no measurement is listed")]
    Empty,
    /// More than accepted.
    #[error("{found} measurements are over the limit of {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A name that is empty or given twice.
    #[error("the name {0:?} is empty or given twice")]
    Name(String),
    /// It does not say which code.
    #[error("{name:?} would let other code pass: {what}")]
    AnyWorkload {
        /// Its name.
        name: String,
        /// What is lacking.
        what: &'static str,
    },
    /// It runs before it was announced.
    #[error("{name:?} is in force before it is announced")]
    InForceUnannounced {
        /// Its name.
        name: String,
    },
    /// It replaces what is not there, or is not earlier.
    #[error("{name:?} replaces {replaced:?}, which is not listed as in force before it")]
    Replaces {
        /// Its name.
        name: String,
        /// What it replaces.
        replaced: String,
    },
    /// It replaces one of another TEE.
    #[error("{name:?} replaces {replaced:?}, which is for another TEE")]
    OtherTee {
        /// Its name.
        name: String,
        /// What it replaces.
        replaced: String,
    },
    /// It was announced too late.
    #[error(
        "{name:?} is in force at {found}; announced two months ahead, it may be from {earliest} on"
    )]
    Notice {
        /// Its name.
        name: String,
        /// From when on it is in force.
        found: UnixTime,
        /// From when on it may be.
        earliest: UnixTime,
    },
}

failed_check!(MeasurementsError {
    _ => "measurements-document",
});

/// Why what runs there is no published code that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnpublishedMeasurement {
    /// Nobody published it.
    #[error("none of the {listed} published measurements is that of the service{}", differs(.nearest))]
    NotListed {
        /// How many there are.
        listed: usize,
        /// The one for the same TEE that differs least, and in what.
        nearest: Option<(String, String)>,
    },
    /// It is announced, and does not run yet.
    #[error("{name:?} is announced, and in force from {from} on only")]
    Announced {
        /// Its name.
        name: String,
        /// From when on.
        from: UnixTime,
    },
    /// It must not run any more.
    #[error("{name:?} is retired since {since}")]
    Retired {
        /// Its name.
        name: String,
        /// Since when.
        since: UnixTime,
    },
}

failed_check!(UnpublishedMeasurement {
    Self::NotListed { .. } => "service-measurement",
    Self::Announced { .. } => "service-measurement-announced",
    Self::Retired { .. } => "service-measurement-retired",
});

fn differs(nearest: &Option<(String, String)>) -> String {
    let of =
        |(name, mismatches): &(String, String)| format!("; from {name:?} it differs: {mismatches}");
    nearest.as_ref().map_or_else(|| "; none is for this TEE".to_owned(), of)
}
