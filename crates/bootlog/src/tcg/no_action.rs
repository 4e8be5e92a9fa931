//! Events that extend nothing and still say something.

use super::{Event, LogError};
use crate::{EventType, Register};

const STARTUP_LOCALITY: &[u8] = b"StartupLocality\0";
/// PCR 0 of a TPM that its hardware root of trust has extended starts at this locality.
const HCRTM_LOCALITY: u8 = 4;

/// The locality that PCR 0 starts at: what a `StartupLocality` event says that stands before the
/// first extension of PCR 0 and names PCR 0, else 4 if a hardware root of trust measured first, else 0.
///
/// Such an event under another register, or after PCR 0 was extended, changes nothing.
#[derive(Debug, Default)]
pub(super) struct StartupLocality {
    stated: Option<u8>,
    /// Whether a hardware root of trust was the first to extend PCR 0, once something did.
    first_by_hardware: Option<bool>,
}

impl StartupLocality {
    /// Takes in the next event of the log.
    pub(super) fn event(&mut self, event: &Event<'_>) -> Result<(), LogError> {
        if event.register != Some(Register::Pcr(0)) || self.first_by_hardware.is_some() {
            return Ok(());
        }
        if event.extends().is_some() {
            self.first_by_hardware = Some(event.event_type == EventType::EFI_HCRTM_EVENT);
            return Ok(());
        }
        let Some(&[locality]) = event.data.strip_prefix(STARTUP_LOCALITY) else {
            return Ok(());
        };
        if !matches!(locality, 0 | 3 | HCRTM_LOCALITY) {
            return Err(LogError::Locality { found: locality });
        }
        if self.stated.replace(locality).is_some() {
            return Err(LogError::LocalityTwice { sequence: event.untrusted_sequence() });
        }
        Ok(())
    }

    pub(super) fn stated_or_implied(&self) -> u8 {
        let implied = if self.first_by_hardware == Some(true) { HCRTM_LOCALITY } else { 0 };
        self.stated.unwrap_or(implied)
    }
}
