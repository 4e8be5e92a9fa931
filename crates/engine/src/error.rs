//! Why an appraisal came to no verdict: the evidence, or what it needs, does not hold.

use avouch_bootlog::ccel::CcelError;
use avouch_claims::HeldDataError;
use avouch_wire::{EvidenceKind, FailedCheck, failed_check};
use thiserror::Error;

use crate::Resemblance;

/// Why evidence was not verified.
///
/// Each error of a kind of evidence that names its check becomes one by `?`; for that, this is no
/// [`FailedCheck`] itself.
#[derive(Debug, Error)]
pub enum AppraisalError {
    /// The evidence, what came along with it or what endorses it does not hold.
    #[error("{0}")]
    Evidence(Box<dyn FailedCheck>),
    /// Bytes that cannot be read as what they were sent as, and look like something else or cut.
    #[error("this is {found}{} ({source})", .instead.map(|kind| format!(", not {}", kind.title())).unwrap_or_default())]
    Mistaken {
        /// What they look like.
        found: Resemblance,
        /// What they were sent as, where they look like something else.
        instead: Option<EvidenceKind>,
        /// Why they cannot be read.
        source: Box<Self>,
    },
    /// The rules of the policy's configuration section failed.
    #[error("{0}")]
    Configuration(avouch_policy::EvalError),
    /// The kind is not appraised by this build.
    #[error("{0} evidence is not appraised by this build")]
    NotBuilt(EvidenceKind),
}

impl<E: FailedCheck> From<E> for AppraisalError {
    fn from(error: E) -> Self {
        Self::Evidence(Box::new(error))
    }
}

impl AppraisalError {
    /// The checks of its own; the others are those of evidence.
    pub const CHECKS: [&'static str; 2] = ["policy-configuration", "evidence-kind"];

    /// The stable name of the check that failed.
    #[must_use]
    pub fn check(&self) -> &'static str {
        let [configuration, not_built] = Self::CHECKS;
        match self {
            Self::Evidence(error) => error.check(),
            Self::Mistaken { source, .. } => source.check(),
            Self::Configuration(_) => configuration,
            Self::NotBuilt(_) => not_built,
        }
    }

    /// The error of evidence, if it is one of this type.
    pub(crate) fn evidence<E: FailedCheck>(&self) -> Option<&E> {
        match self {
            Self::Evidence(error) => {
                let error: &(dyn std::error::Error + 'static) = &**error;
                error.downcast_ref()
            }
            _ => None,
        }
    }

    /// The same, with what the bytes look like where that is not what they were sent as.
    pub(crate) fn named(self, kind: EvidenceKind, bytes: &[u8]) -> Self {
        match Resemblance::of(bytes) {
            // That one says it already.
            _ if self.evidence::<WrongTee>().is_some() => self,
            Some(found) if !found.is_whole(kind) => {
                let instead = (!found.is(kind)).then_some(kind);
                Self::Mistaken { found, instead, source: Box::new(self) }
            }
            _ => self,
        }
    }
}

/// A quote of another TEE than the route is for.
#[derive(Debug, Error)]
#[error("expected a quote of {expected}, found one of {found}")]
pub struct WrongTee {
    /// What the route is for.
    pub expected: &'static str,
    /// What the quote is of.
    pub found: &'static str,
}

failed_check!(WrongTee {
    _ => "tee-type",
});

/// What evidence has to be verified with is not at hand.
#[derive(Debug, Error)]
pub enum NotAtHand {
    /// No endorsements for this platform.
    #[error("no endorsements for {platform} are at hand")]
    Endorsements {
        /// What is wanted, in words.
        platform: String,
    },
    /// No TCB baseline of the name in the policy; it may be none at all.
    #[error("the policy asks for TCB baseline {identifier:?}, which is not at hand")]
    TcbBaseline {
        /// The identifier in the policy.
        identifier: String,
    },
}

failed_check!(NotAtHand {
    Self::Endorsements { .. } => "endorsements-missing",
    Self::TcbBaseline { .. } => "tcb-baseline-missing",
});

/// Held data is not bound by the evidence, or is not what its type says.
#[derive(Debug, Error)]
#[error("{member} {source}")]
pub struct HeldDataRefused<E: FailedCheck> {
    /// `runtimeData` or `initTimeData`.
    pub member: &'static str,
    /// Why.
    pub source: HeldDataError<E>,
}

impl<E: FailedCheck> FailedCheck for HeldDataRefused<E> {
    fn check(&self) -> &'static str {
        let [runtime_data, init_time_data, length] = HELD_DATA_CHECKS;
        match (&self.source, self.member) {
            (HeldDataError::NotBound(error), _) => error.check(),
            (HeldDataError::TooLong { .. }, _) => length,
            (_, "runtimeData") => runtime_data,
            _ => init_time_data,
        }
    }

    fn checks() -> Vec<&'static str> {
        [E::checks(), HELD_DATA_CHECKS.to_vec()].concat()
    }
}

/// An event log that came along and is refused.
#[derive(Debug, Error)]
pub enum EventLogRefused {
    /// The evidence has no registers that a log explains.
    #[error("eventLog goes with TDX quotes alone")]
    Kind,
    /// It is no log of a trust domain, or not of this one.
    #[error("eventLog: {0}")]
    Log(CcelError),
}

failed_check!(EventLogRefused {
    Self::Kind => "event-log-kind",
    Self::Log(error) => (error.check(), CcelError::checks()),
});

const HELD_DATA_CHECKS: [&str; 3] =
    ["runtime-data-json", "init-time-data-json", "held-data-length"];
