//! Confidential-computing event logs (CCEL) of trust domains.
//!
//! The form is the TCG's crypto-agile one with SHA-384 digests. What differs is the registers: an
//! event's index is 0 for `MRTD`, which no event extends, and n for `RTMR` n - 1. What TPM firmware
//! measures into PCR 1 and 7 goes into `RTMR` 0, PCR 2 to 6 into `RTMR` 1, PCR 8 to 15 into `RTMR` 2.
//!
//! dstack gives the same as JSON: see [`binary`].
//!
//! # Source
//! UEFI Specification 2.10, section 38.4 (confidential computing).

mod dstack;
mod error;
mod proven;

use std::borrow::Cow;

pub use error::CcelError;
pub use proven::{ProvenAuthority, ProvenImage, ProvenKeys, ProvenLog, ProvenRegister};

use crate::tcg::Log;
use crate::{HashAlgorithm, Register, RegisterMap};

/// A trust domain's log in binary form: what is JSON of dstack's is brought into it, all else is given
/// back as it is.
///
/// # Errors
/// [`CcelError`], if it begins as JSON and is none of dstack's.
pub fn binary(bytes: &[u8]) -> Result<Cow<'_, [u8]>, CcelError> {
    if dstack::is_json(bytes) {
        return dstack::to_binary(bytes).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(bytes))
}

/// Reads a trust domain's log in binary form: as [`Log::parse`], and every event that extends a register extends an
/// `RTMR` and has a SHA-384 digest.
///
/// # Errors
/// [`CcelError`], with the event.
pub fn parse(bytes: &[u8]) -> Result<Log<'_>, CcelError> {
    let log = Log::parse(bytes, RegisterMap::Tdx)?;
    if !log.algorithms().contains(&HashAlgorithm::Sha384) {
        return Err(CcelError::Algorithm { announced: log.algorithms().to_vec() });
    }
    for event in log.events() {
        let (sequence, offset) = (event.untrusted_sequence(), event.offset());
        match event.extends() {
            Some(Register::MrTd) => return Err(CcelError::MrTd { sequence, offset }),
            Some(_) if event.digests().get(HashAlgorithm::Sha384).is_none() => {
                return Err(CcelError::NoDigest { sequence, offset });
            }
            _ => {}
        }
    }
    Ok(log)
}
