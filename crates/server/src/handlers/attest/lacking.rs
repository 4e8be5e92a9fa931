//! What an appraisal lacked, and waiting for it.

use std::net::IpAddr;

use avouch_endorsements::{EndorsementName, Fetched};

use crate::ApiError;
use crate::at_hand::AtHand;
use crate::error::Fault;

/// An attestation that failed, with the endorsements that were not at hand or not in force for it.
pub(super) struct Lacking {
    error: Box<ApiError>,
    names: Vec<EndorsementName>,
}

impl From<ApiError> for Lacking {
    fn from(error: ApiError) -> Self {
        Self { error: Box::new(error), names: Vec::new() }
    }
}

impl From<Fault> for Lacking {
    fn from(fault: Fault) -> Self {
        ApiError::from(fault).into()
    }
}

impl Lacking {
    /// The same, where this is why.
    pub(super) fn these(self, names: Vec<EndorsementName>) -> Self {
        Self { names, ..self }
    }

    pub(super) fn into_error(self) -> ApiError {
        *self.error
    }

    /// Waits for what is lacking, as long as the configuration allows. Whether something of it came; if
    /// not, no source has it.
    ///
    /// # Errors
    /// Why the attestation failed, if nothing is lacking; 503 if it is still being fetched when the time
    /// is over, if no source could be asked, or if this sender has made us ask for too many chips.
    pub(super) async fn wait(self, at_hand: &AtHand, sender: IpAddr) -> Result<bool, ApiError> {
        if self.names.is_empty() {
            return Err(*self.error);
        }
        let Some(fetched) = at_hand.fetch_for(sender, &self.names).await else {
            return Err(later("were wanted for too many chips of late", &self.names));
        };
        let Fetched { got, under_way, failed } = fetched;
        if !under_way.is_empty() {
            return Err(later("are being fetched", &under_way));
        }
        if !got.is_empty() {
            return Ok(true);
        }
        let unasked = failed.iter().filter(|failure| !failure.is_absence());
        let unasked: Vec<EndorsementName> = unasked.map(|failure| failure.name).collect();
        if unasked.is_empty() {
            return Ok(false);
        }
        Err(later("cannot be fetched at present", &unasked))
    }
}

fn later(what: &str, names: &[EndorsementName]) -> ApiError {
    let names = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Fault::unavailable(format!("Endorsements for this evidence {what}; try again: {names}.")).into()
}
