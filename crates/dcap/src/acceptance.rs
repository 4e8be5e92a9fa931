//! Whether an operator accepts a quote that verified. A step of its own, never cached with it.

use std::fmt;
use std::str::FromStr;

use avouch_wire::{AcceptanceError, Hex, UnixTime, failed_check};
use thiserror::Error;

use crate::exception::PlatformException;
use crate::shortfall::Shortfall;
use crate::status::{TcbStatus, UnknownTcbStatus};
use crate::verify::VerifiedQuote;

/// Which TCB statuses an operator accepts. `Revoked` can never be one of them, and `NotSupported` only
/// by a [`PlatformException`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedTcbStatuses(Vec<TcbStatus>);

/// Why a text is no list of accepted statuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AcceptedTcbStatusesError {
    /// A word is no status.
    #[error("{0}; or the single word any")]
    Unknown(#[from] UnknownTcbStatus),
    /// `Revoked` is in the list.
    #[error("Revoked can never be accepted")]
    Revoked,
    /// Nothing is in the list.
    #[error("no TCB status is listed")]
    Empty,
}

impl AcceptedTcbStatuses {
    /// Every status but `Revoked`.
    #[must_use]
    pub fn any() -> Self {
        Self(TcbStatus::ALL.into_iter().filter(|status| *status != TcbStatus::Revoked).collect())
    }

    /// Whether `status` is accepted.
    #[must_use]
    pub fn contains(&self, status: TcbStatus) -> bool {
        !matches!(status, TcbStatus::Revoked | TcbStatus::NotSupported) && self.0.contains(&status)
    }
}

impl Default for AcceptedTcbStatuses {
    /// `UpToDate` and `SWHardeningNeeded`: the best that Azure's own SGX machines can have is the
    /// latter. All others are for an operator to allow.
    fn default() -> Self {
        Self(vec![TcbStatus::UpToDate, TcbStatus::SWHardeningNeeded])
    }
}

impl FromStr for AcceptedTcbStatuses {
    type Err = AcceptedTcbStatusesError;

    /// Reads Intel's names separated by commas, or `any`.
    fn from_str(text: &str) -> Result<Self, AcceptedTcbStatusesError> {
        if text.trim() == "any" {
            return Ok(Self::any());
        }
        let mut statuses = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.parse()? {
                TcbStatus::Revoked => return Err(AcceptedTcbStatusesError::Revoked),
                status if !statuses.contains(&status) => statuses.push(status),
                _ => {}
            }
        }
        if statuses.is_empty() {
            return Err(AcceptedTcbStatusesError::Empty);
        }
        Ok(Self(statuses))
    }
}

impl fmt::Display for AcceptedTcbStatuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::status::names(&self.0))
    }
}

/// An advisory that an operator tolerates for a while, to have time for updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToleratedAdvisory {
    /// Intel's id, such as `INTEL-SA-00615`.
    pub id: String,
    /// The last moment at which it is tolerated.
    pub until: UnixTime,
}

/// What an operator accepts of quotes that verified. The default is the secure one, except that
/// debuggable evidence passes: it is a claim, and policies decide about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Statuses that pass; `Revoked` never does.
    pub tcb_statuses: AcceptedTcbStatuses,
    /// Advisories tolerated for a while. A status that is not accepted passes if it has advisories
    /// and every one of them is tolerated.
    pub tolerated_advisories: Vec<ToleratedAdvisory>,
    /// Platforms that are accepted although no TCB level of Intel's fits them.
    pub platform_exceptions: Vec<PlatformException>,
    /// Refuse debuggable enclaves and TDs.
    pub refuse_debuggable: bool,
    /// Refuse TDs that a migration TD may move, and so hold keys and memory of.
    pub refuse_migratable: bool,
    /// Refuse TDs to which a service TD is or may be bound.
    pub refuse_service_td: bool,
}

impl Default for Acceptance {
    fn default() -> Self {
        Self {
            tcb_statuses: AcceptedTcbStatuses::default(),
            tolerated_advisories: Vec::new(),
            platform_exceptions: Vec::new(),
            refuse_debuggable: false,
            refuse_migratable: true,
            refuse_service_td: true,
        }
    }
}

/// One thing about a quote that verified which an operator does not accept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The TCB status is not accepted.
    #[error("TCB status {} is not accepted, accepted are {accepted}{}", .status, describe(.shortfalls))]
    TcbStatus {
        /// The status.
        status: TcbStatus,
        /// What is accepted.
        accepted: AcceptedTcbStatuses,
        /// Its advisories.
        advisory_ids: Vec<String>,
        /// What is short, by how much, and what a better level would clear.
        shortfalls: Vec<Shortfall>,
    },
    /// The evidence is debuggable.
    #[error("evidence is debuggable (attributes {attributes})")]
    Debuggable {
        /// ATTRIBUTES or TDATTRIBUTES in hex.
        attributes: String,
    },
    /// The TD is migratable.
    #[error(
        "TD is migratable (TDATTRIBUTES {td_attributes}): another TD may hold its keys and memory"
    )]
    Migratable {
        /// TDATTRIBUTES.
        td_attributes: Hex<8>,
    },
    /// A service TD is or may be bound.
    #[error(
        "a service TD is or may be bound (TDATTRIBUTES {td_attributes}, MRSERVICETD \
         {mr_service_td})"
    )]
    ServiceTd {
        /// TDATTRIBUTES.
        td_attributes: Hex<8>,
        /// MRSERVICETD.
        mr_service_td: Hex<48>,
    },
}

/// The status; where an exception accepts the platform, that of all but the platform.
fn status_of_listed(quote: &VerifiedQuote) -> TcbStatus {
    let tcb = quote.tcb();
    let excepted = quote.platform_exception().and(tcb.listed_status);
    excepted.unwrap_or(tcb.status)
}

fn describe(shortfalls: &[Shortfall]) -> String {
    shortfalls.iter().map(|shortfall| format!("; {shortfall}")).collect()
}

failed_check!(Refusal {
    Self::TcbStatus { .. } => "accepted-tcb-status",
    Self::Debuggable { .. } => "debuggable",
    Self::Migratable { .. } => "migratable",
    Self::ServiceTd { .. } => "service-td",
});

impl Acceptance {
    /// Judges a verified quote by these settings at `at`; names all that is not accepted at once.
    ///
    /// # Errors
    /// [`AcceptanceError`] with each [`Refusal`]; that of a TCB status says which component is short,
    /// by how much, and which advisories a better level would clear.
    pub fn check(
        &self,
        quote: &VerifiedQuote,
        at: UnixTime,
    ) -> Result<(), AcceptanceError<Refusal>> {
        let refusals = [
            self.status_refusal(quote, at),
            self.debuggable_refusal(quote),
            self.migratable_refusal(quote),
            self.service_td_refusal(quote),
        ];
        AcceptanceError::unless_accepted(refusals.into_iter().flatten())
    }

    fn status_refusal(&self, quote: &VerifiedQuote, at: UnixTime) -> Option<Refusal> {
        let tcb = quote.tcb();
        let status = status_of_listed(quote);
        if self.tcb_statuses.contains(status) || self.tolerates(quote, at) {
            return None;
        }
        Some(Refusal::TcbStatus {
            status,
            accepted: self.tcb_statuses.clone(),
            advisory_ids: tcb.advisory_ids.clone(),
            shortfalls: tcb.shortfalls.clone(),
        })
    }

    fn tolerates(&self, quote: &VerifiedQuote, at: UnixTime) -> bool {
        let (tcb, list) = (quote.tcb(), &self.tolerated_advisories);
        let tolerated = |id: &String| list.iter().any(|one| one.id == *id && at <= one.until);
        !matches!(status_of_listed(quote), TcbStatus::Revoked | TcbStatus::NotSupported)
            && !tcb.advisory_ids.is_empty()
            && tcb.advisory_ids.iter().all(tolerated)
    }

    fn debuggable_refusal(&self, quote: &VerifiedQuote) -> Option<Refusal> {
        if !(self.refuse_debuggable && quote.is_debuggable()) {
            return None;
        }
        let attributes = match (quote.enclave(), quote.td()) {
            (Some(enclave), _) => enclave.attributes.0.to_string(),
            (None, Some(td)) => td.td_attributes.0.to_string(),
            (None, None) => String::new(),
        };
        Some(Refusal::Debuggable { attributes })
    }

    fn migratable_refusal(&self, quote: &VerifiedQuote) -> Option<Refusal> {
        let attributes = quote.td()?.td_attributes;
        (self.refuse_migratable && attributes.migratable())
            .then_some(Refusal::Migratable { td_attributes: attributes.0 })
    }

    fn service_td_refusal(&self, quote: &VerifiedQuote) -> Option<Refusal> {
        let td = quote.td()?;
        let mr_service_td = td.v15.as_ref().map_or(Hex([0; 48]), |v15| v15.mr_service_td);
        (self.refuse_service_td && td.has_service_td())
            .then_some(Refusal::ServiceTd { td_attributes: td.td_attributes.0, mr_service_td })
    }
}
