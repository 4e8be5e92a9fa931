//! What an appraisal found: facts, claims, and the decision.

use std::fmt::Debug;

use avouch_claims::Attester;
use avouch_pki::Root;
use avouch_policy::Claim;
use avouch_wire::json::Integer;
use avouch_wire::{AcceptanceError, FailedCheck};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Grounds, MachineState, OutdatedComponent, ReferenceSubject, TokenClaims, Workload};

/// The outcome of one appraisal of evidence that verified.
#[derive(Debug)]
pub struct Appraisal {
    /// What was proven. Whatever settings and policy say, this holds.
    pub facts: Box<dyn VerifiedFacts>,
    /// The roots that it rests on, at least one; none of a TPM that nobody vouches for.
    pub roots: Vec<Root>,
    /// What the policy could read.
    pub incoming: Vec<Claim>,
    /// What settings and policy said.
    pub decision: Decision,
    /// What an operator or author should know, besides the decision.
    pub findings: Vec<Finding>,
}

/// What was proven, for people and programs. Implemented for verified types only.
pub trait VerifiedFacts: Debug + Send + Sync {
    /// A JSON object, under the fields' standard names, hex in lower case.
    fn to_json(&self) -> Value;

    /// The public key (SubjectPublicKeyInfo, DER) that the evidence proves to be its sender's own, if
    /// it proves one: what is sealed to it, nobody else opens.
    fn sender_key(&self) -> Option<&[u8]> {
        None
    }

    /// The workload that a TEE runs, with what verified of it; none of a machine that its TPM vouches for.
    fn workload(&self) -> Option<Workload<'_>> {
        None
    }

    /// What of them reference values speak of, where there are such of their kind.
    fn reference_subject(&self) -> Option<ReferenceSubject<'_>> {
        None
    }

    /// Whether reference values speak of what vouches for the machine's virtual TPM: a paravisor.
    fn rests_on_paravisor(&self) -> bool {
        false
    }

    /// The machine that they are of and what it booted, where they prove that.
    fn machine_state(&self) -> Option<MachineState> {
        None
    }

    /// `x-ms-attestation-type`, where it is not that of the kind.
    fn attestation_type(&self) -> Option<&'static str> {
        None
    }

    /// Whom they are about and what they rest on.
    fn grounds(&self) -> Grounds {
        Grounds::default()
    }
}

/// Permitted with the token's claims, or refused with the reason.
#[derive(Debug)]
pub enum Decision {
    /// A token may be issued.
    Permit(Permitted),
    /// No token.
    Deny(Refused),
}

/// The claims of a token that may be issued, without `iss`, times and `jti`.
///
/// Only an appraisal that permitted makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Permitted {
    pub(crate) claims: TokenClaims,
    pub(crate) integer_nonce: Option<Integer>,
    pub(crate) validity_minutes: Option<i64>,
    pub(crate) omits_x5c: bool,
    pub(crate) attesters: Vec<Attester>,
    pub(crate) policy_hash: String,
}

impl Permitted {
    /// The claims.
    #[must_use]
    pub const fn token_claims(&self) -> &TokenClaims {
        &self.claims
    }

    /// The claims as a JSON object.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        self.claims.to_object()
    }

    /// The nonce, where it is an integer of more than 64 bits: then it is not among the claims.
    #[must_use]
    pub const fn integer_nonce(&self) -> Option<&Integer> {
        self.integer_nonce.as_ref()
    }

    /// How long the policy lets a report of a TPM count, in minutes, if it says so.
    #[must_use]
    pub const fn validity_minutes(&self) -> Option<i64> {
        self.validity_minutes
    }

    /// Whether the policy wants a report of a TPM without its certificate chain.
    #[must_use]
    pub const fn omits_x5c(&self) -> bool {
        self.omits_x5c
    }

    /// Whom the evidence is of, and how far each can be trusted.
    #[must_use]
    pub fn attesters(&self) -> &[Attester] {
        &self.attesters
    }
}

/// Why verified evidence gets no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The provider's settings do not accept it.
    #[error("{message}")]
    NotAccepted {
        /// The stable name of the check.
        check: &'static str,
        /// What is short and by how much.
        message: String,
        /// Parts whose security versions are too low, each once.
        outdated: Vec<OutdatedComponent>,
    },
    /// The policy denied or did not permit.
    #[error("{message}")]
    Policy {
        /// The stable name: `deny-issued` or `no-permit`.
        check: &'static str,
        /// MAA's sentence.
        message: String,
    },
    /// The policy failed while it ran.
    #[error("{message}")]
    PolicyFailed {
        /// The stable name of what failed.
        check: &'static str,
        /// Where and why.
        message: String,
    },
}

impl Refused {
    /// By the provider's settings.
    pub(crate) fn not_accepted<R: FailedCheck, O: IntoIterator<Item = OutdatedComponent>>(
        error: &AcceptanceError<R>,
        outdated: impl Fn(&R) -> O,
    ) -> Self {
        let mut each_once: Vec<OutdatedComponent> = Vec::new();
        for one in error.refusals().flat_map(outdated) {
            if !each_once.contains(&one) {
                each_once.push(one);
            }
        }
        Self::NotAccepted { check: error.check(), message: error.to_string(), outdated: each_once }
    }

    /// The stable name of the check.
    #[must_use]
    pub const fn check(&self) -> &'static str {
        match self {
            Self::NotAccepted { check, .. }
            | Self::Policy { check, .. }
            | Self::PolicyFailed { check, .. } => check,
        }
    }

    /// Parts whose security versions are too low for the provider's settings.
    #[must_use]
    pub fn outdated(&self) -> &[OutdatedComponent] {
        match self {
            Self::NotAccepted { outdated, .. } => outdated,
            Self::Policy { .. } | Self::PolicyFailed { .. } => &[],
        }
    }
}

/// Something worth knowing that decided nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name in kebab case.
    pub name: &'static str,
    /// One sentence for people, without a full stop.
    pub message: String,
}

impl Appraisal {
    /// Whether a token may be issued.
    #[must_use]
    pub const fn is_permitted(&self) -> bool {
        matches!(self.decision, Decision::Permit(_))
    }

    /// The claims to sign.
    ///
    /// # Errors
    /// [`Refused`] if settings or policy refused.
    pub fn permitted(self) -> Result<Permitted, Refused> {
        match self.decision {
            Decision::Permit(permitted) => Ok(permitted),
            Decision::Deny(refused) => Err(refused),
        }
    }
}
