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
pub(super) fn startup_locality(events: &[Event<'_>]) -> Result<u8, LogError> {
    let mut stated = None;
    for event in events.iter().filter(|event| event.register == Some(Register::Pcr(0))) {
        if event.extends().is_some() {
            let first_by_hardware = event.event_type == EventType::EFI_HCRTM_EVENT;
            return Ok(stated.unwrap_or(if first_by_hardware { HCRTM_LOCALITY } else { 0 }));
        }
        let Some(&[locality]) = event.data.strip_prefix(STARTUP_LOCALITY) else {
            continue;
        };
        if !matches!(locality, 0 | 3 | HCRTM_LOCALITY) {
            return Err(LogError::Locality { found: locality });
        }
        if stated.replace(locality).is_some() {
            return Err(LogError::LocalityTwice { sequence: event.sequence });
        }
    }
    Ok(stated.unwrap_or(0))
}
