//! Exceptions that an operator makes for platforms that no TCB level of Intel's fits.

use avouch_wire::{Hex, UnixTime};
use serde::Serialize;
use thiserror::Error;

use crate::header::TeeType;
use crate::tcb_floor::{BelowFloor, TcbFloor};
use crate::verify::VerifiedQuote;

/// An exception for platforms of one FMSPC whose TCB no level of Intel's fits, such as hosts that a
/// cloud maintains by an understanding of its own with Intel.
///
/// It replaces nothing but Intel's word on the platform's own components, by a floor; whatever else
/// Intel lists (TDX module, quoting enclave, certificates) is judged as ever, and its statuses must be
/// accepted. It has a reason and an end, so that nobody forgets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformException {
    /// What the operator calls it; tokens say it.
    pub name: String,
    /// Which platforms, 6 bytes.
    pub fmspc: Hex<6>,
    /// Why; tokens say it.
    pub reason: String,
    /// The lowest TCB. One with TDX components is for TDs, one without for enclaves.
    pub minimum_tcb: TcbFloor,
    /// The last moment at which it holds.
    pub until: UnixTime,
}

/// The exception by which a platform is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedException {
    /// Its name.
    pub name: String,
    /// Why the operator made it.
    pub reason: String,
    /// The last moment at which it holds.
    pub until: UnixTime,
    /// What Intel's lowest level asks for beyond what the platform has.
    pub below_levels: String,
}

/// Why an exception does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NotExcepted {
    /// It is for another FMSPC or TEE.
    #[error("is for other platforms")]
    OtherPlatform,
    /// Its time is over.
    #[error("ended at {}", .0.to_rfc3339())]
    Ended(UnixTime),
    /// The platform is below its floor.
    #[error("asks for more: {0}")]
    BelowFloor(BelowFloor),
}

/// Why an exception would hold for platforms that nobody meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlatformExceptionError {
    /// There is no name or no reason.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// The floor is none.
    #[error("minimum_tcb is all zeros, which every platform reaches")]
    NoFloor,
}

impl PlatformException {
    /// That it is one that nobody makes by accident.
    ///
    /// # Errors
    /// [`PlatformExceptionError`].
    pub fn check(&self) -> Result<(), PlatformExceptionError> {
        for (field, text) in [("name", &self.name), ("reason", &self.reason)] {
            if text.trim().is_empty() {
                return Err(PlatformExceptionError::Empty(field));
            }
        }
        let floor = &self.minimum_tcb;
        let is_zero = floor.sgx_components == [0; 16] && floor.pce_svn == 0;
        if is_zero { Err(PlatformExceptionError::NoFloor) } else { Ok(()) }
    }

    /// Whether it holds for the platform of a quote at `at`.
    pub(crate) fn judge(
        &self,
        quote: &VerifiedQuote,
        below_levels: &str,
        at: UnixTime,
    ) -> Result<AcceptedException, NotExcepted> {
        let tee = match self.minimum_tcb.tdx_components {
            Some(_) => TeeType::Tdx,
            None => TeeType::Sgx,
        };
        let pck = quote.pck();
        if (self.fmspc, tee) != (pck.fmspc, quote.tee()) {
            return Err(NotExcepted::OtherPlatform);
        }
        if at > self.until {
            return Err(NotExcepted::Ended(self.until));
        }
        let below = match quote.td() {
            // At launch and now.
            Some(td) => td.tcb_svns().find_map(|svn| self.minimum_tcb.below(&pck.tcb, Some(svn))),
            None => self.minimum_tcb.below(&pck.tcb, None),
        };
        if let Some(below) = below {
            return Err(NotExcepted::BelowFloor(below));
        }
        Ok(AcceptedException {
            name: self.name.clone(),
            reason: self.reason.clone(),
            until: self.until,
            below_levels: below_levels.to_owned(),
        })
    }
}
