//! What publishers say of the code that may run in a service, and where it is written down: both from one hand, so that the
//! fourth and the fifth step speak of the same.

use avouch_engine::Workload;
use avouch_wire::UnixTime;

use crate::{
    Measurements, TransparencyError, TransparentCode, TransparentPublication,
    UnpublishedMeasurement,
};

/// The code that may run in a service.
#[derive(Debug, Clone, Copy)]
pub enum PublishedCode<'a> {
    /// A list. Whether it stands in a ledger is not checked.
    List(&'a Measurements),
    /// The list that a pinned ledger has.
    Transparent(&'a TransparentPublication),
    /// A list that should stand in a ledger, and does not.
    NotTransparent(&'a Measurements, &'a TransparencyError),
    /// What a statement says that a pinned ledger has.
    Stated(&'a TransparentCode),
    /// A statement should say it in a ledger, and does not: nothing is known of any code.
    NotStated(&'a TransparencyError),
}

impl PublishedCode<'_> {
    /// Whether a workload is published code that is in force at `at`; says which.
    ///
    /// # Errors
    /// [`UnpublishedMeasurement`] saying what of it is not as published, or when it is.
    pub(crate) fn judge(
        &self,
        workload: &Workload<'_>,
        at: UnixTime,
    ) -> Result<String, UnpublishedMeasurement> {
        match self {
            Self::List(list) | Self::NotTransparent(list, _) => list.judge(workload, at),
            Self::Transparent(publication) => publication.measurements().judge(workload, at),
            Self::Stated(code) => code.judge(workload),
            Self::NotStated(_) => {
                Err(UnpublishedMeasurement::NotListed { listed: 0, nearest: None })
            }
        }
    }

    /// Where that is written down, none if nobody looked.
    pub(crate) fn witness(&self) -> Option<Result<String, &TransparencyError>> {
        match self {
            Self::List(_) => None,
            Self::Transparent(publication) => Some(Ok(publication.to_string())),
            Self::Stated(code) => Some(Ok(code.to_string())),
            Self::NotTransparent(_, error) | Self::NotStated(error) => Some(Err(error)),
        }
    }
}
