//! The five steps of trust, and how they went.

use avouch_token::{Accepted, Check, Outcome, VerifiedToken};
use serde::Serialize;

/// One of the five questions of a relying party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustStep {
    /// The service that was chosen signed this token, for this caller, and it is in force.
    Token,
    /// The service runs in a TEE that its vendor vouches for.
    ServiceEvidence,
    /// What runs there asked its TEE about the key that signed. Not proven: that it made the key, or that nobody else
    /// has it; that depends on how it keeps its keys, which only what is measured with it can say.
    KeyBinding,
    /// What runs there is code that was published and is in force.
    Measurement,
    /// What was published stands in a public ledger.
    Transparency,
}

impl TrustStep {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::Token,
        Self::ServiceEvidence,
        Self::KeyBinding,
        Self::Measurement,
        Self::Transparency,
    ];

    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ServiceEvidence => "service-evidence",
            Self::KeyBinding => "key-binding",
            Self::Measurement => "measurement",
            Self::Transparency => "transparency",
        }
    }
}

/// How one step went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Which.
    pub step: TrustStep,
    /// Passed, failed, or not checked: then nothing of it is proven.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub reason: String,
}

/// How all five steps went. A step is believed only if it passed.
#[derive(Debug)]
pub struct TrustVerdict {
    pub(crate) checks: Vec<Check>,
    pub(crate) steps: [StepReport; 5],
    pub(crate) accepted: Option<Accepted>,
}

impl TrustVerdict {
    /// Every single check in order, of all steps, also those after the first failure.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The five steps in order.
    #[must_use]
    pub const fn steps(&self) -> &[StepReport; 5] {
        &self.steps
    }

    /// The first check that failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.outcome == Outcome::Failed)
    }

    /// What the token turned out to be, if no check failed; steps may still not have been checked.
    #[must_use]
    pub const fn accepted(&self) -> Option<&Accepted> {
        self.accepted.as_ref()
    }

    /// The token, if no check failed and it is signed.
    #[must_use]
    pub fn token(&self) -> Option<&VerifiedToken> {
        match self.accepted() {
            Some(Accepted::Signed(token)) => Some(token),
            _ => None,
        }
    }

    /// Whether each of the first four steps passed, and nothing speaks against the fifth: a ledger bears witness
    /// of what the publisher says, and changes nothing of it.
    #[must_use]
    pub fn is_fully_trusted(&self) -> bool {
        let passed = |step: &StepReport| {
            step.outcome == Outcome::Passed || step.step == TrustStep::Transparency
        };
        self.token().is_some() && self.steps.iter().all(passed)
    }

    /// Whether every one of the five steps passed.
    #[must_use]
    pub fn is_transparent(&self) -> bool {
        self.token().is_some() && self.steps.iter().all(|step| step.outcome == Outcome::Passed)
    }
}
