//! An evidence capsule: one appraisal as data, with all that its verdict follows from but the
//! endorsements, which are named by their hashes.
//!
//! It stands beside the recipe because it is the recipe's arguments: request, policy, settings and
//! moment. Whoever appraises them again under the same endorsements and trust roots gets the same
//! verdict and the same claims, byte for byte; under others, the answer to "what if". It has one form,
//! canonical JSON, and is read in that form only (`docs/schemas/capsule.md`).

mod form;

use std::collections::BTreeMap;

use avouch_pki::digest::sha256_of_parts;
use avouch_wire::json::to_canonical;
use avouch_wire::{Hex, UnixTime};
use serde_json::Value;
use thiserror::Error;

use crate::{
    Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, Decision, Engine, Permitted,
    PolicyInForce, PolicyRefused,
};

/// The largest capsule that is written or read, in bytes.
pub const CAPSULE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One appraisal. Nothing in it is trusted: it says what somebody once appraised, and appraising it
/// again says what that is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Capsule {
    /// What was submitted.
    pub request: AppraisalRequest,
    /// The api-version that it was submitted under, for people; what it changes is in the request.
    pub api_version: Option<String>,
    /// The policy that judged, as a JWS.
    pub policy_jws: String,
    /// What the provider accepted.
    pub settings: AppraisalSettings,
    /// The moment that was judged at.
    pub at: UnixTime,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an appraisal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Permitted or refused.
    pub verdict: Verdict,
    /// What tells the machine from others; empty for evidence that did not verify.
    pub machine: BTreeMap<String, String>,
    /// SHA-256 of the endorsements that were used; empty for evidence that did not verify.
    pub endorsements: BTreeMap<String, Hex<32>>,
}

/// How an appraisal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Verified and permitted.
    Permitted {
        /// SHA-256 of the token's claims in canonical JSON, without issuer, times and `jti`. A nonce
        /// of more than 64 bits is no claim there: its digits follow after a NUL.
        claims_sha256: Hex<32>,
    },
    /// Verified, and refused by settings or policy.
    Refused(Why),
    /// Not verified.
    Unverified(Why),
}

/// Why there was no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The stable name of the check.
    pub check: String,
    /// One sentence for people.
    pub message: String,
}

/// What a capsule is made of: the arguments of [`Engine::appraise`] and what it said.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// What was submitted.
    pub request: &'a AppraisalRequest,
    /// The api-version that it was submitted under.
    pub api_version: Option<&'a str>,
    /// The policy that judged. Not a draft: those are evaluated under other limits.
    pub policy: &'a PolicyInForce,
    /// What the provider accepts.
    pub settings: &'a AppraisalSettings,
    /// The moment that was judged at.
    pub at: UnixTime,
    /// What the engine said.
    pub outcome: Result<&'a Appraisal, &'a AppraisalError>,
}

/// Why bytes are no capsule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CapsuleError {
    /// More bytes than any capsule has.
    #[error("{found} bytes are over the limit of {CAPSULE_BYTES_MAX} for a capsule")]
    TooLarge {
        /// How many there are.
        found: usize,
    },
    /// Not a JSON object with a version.
    #[error("this is no evidence capsule: {reason}")]
    NotACapsule {
        /// What the reader says.
        reason: String,
    },
    /// A version that this program does not know.
    #[error("evidence capsule of version {found}, this program reads version {}", form::VERSION)]
    Version {
        /// The version.
        found: u32,
    },
    /// A member is missing, unknown or malformed.
    #[error("malformed evidence capsule: {reason}")]
    Malformed {
        /// Which, and why.
        reason: String,
    },
    /// Anything but the one form that a capsule has.
    #[error(
        "evidence capsule in another form than the canonical one: it was changed or re-written"
    )]
    NotCanonical,
}

impl Capsule {
    /// What was judged, as a capsule.
    #[must_use]
    pub fn of(judged: &Judged<'_>) -> Self {
        Self {
            request: judged.request.clone(),
            api_version: judged.api_version.map(str::to_owned),
            policy_jws: judged.policy.jws().to_owned(),
            settings: judged.settings.clone(),
            at: judged.at,
            outcome: Outcome::of(judged.outcome),
        }
    }

    /// Reads the canonical form; one line feed may follow it.
    ///
    /// # Errors
    /// [`CapsuleError`].
    pub fn read(bytes: &[u8]) -> Result<Self, CapsuleError> {
        form::read(bytes)
    }

    /// The canonical form: compact JSON with sorted members.
    #[must_use]
    pub fn to_json(&self) -> String {
        form::write(self)
    }

    /// SHA-256 of the canonical form: its name.
    #[must_use]
    pub fn id(&self) -> Hex<32> {
        avouch_pki::digest::sha256(self.to_json().as_bytes())
    }

    /// The policy, compiled.
    ///
    /// # Errors
    /// [`PolicyRefused`] if it is none.
    pub fn policy(&self) -> Result<PolicyInForce, PolicyRefused> {
        PolicyInForce::from_jws(self.policy_jws.as_bytes())
    }

    /// Appraises it again, at another moment or the same, and says what comes of it now.
    ///
    /// # Errors
    /// [`PolicyRefused`] if the policy is none.
    pub fn again(
        &self,
        engine: &Engine,
        at: UnixTime,
    ) -> Result<Result<Appraisal, AppraisalError>, PolicyRefused> {
        let policy = self.policy()?;
        Ok(engine.appraise(&self.request, &policy, &self.settings, at))
    }
}

impl Verdict {
    /// `permitted`, `refused` or `unverified`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Permitted { .. } => "permitted",
            Self::Refused(_) => "refused",
            Self::Unverified(_) => "unverified",
        }
    }
}

impl Outcome {
    /// What an engine said.
    #[must_use]
    pub fn of(said: Result<&Appraisal, &AppraisalError>) -> Self {
        let appraisal = match said {
            Ok(appraisal) => appraisal,
            Err(error) => {
                let why = Why { check: error.check().to_owned(), message: error.to_string() };
                let verdict = Verdict::Unverified(why);
                return Self { verdict, machine: BTreeMap::new(), endorsements: BTreeMap::new() };
            }
        };
        let verdict = match &appraisal.decision {
            Decision::Permit(permitted) => {
                Verdict::Permitted { claims_sha256: claims_sha256(permitted) }
            }
            Decision::Deny(refused) => Verdict::Refused(Why {
                check: refused.check().to_owned(),
                message: refused.to_string(),
            }),
        };
        let grounds = appraisal.facts.grounds();
        let named = |(name, value): (&str, String)| (name.to_owned(), value);
        Self {
            verdict,
            machine: grounds.machine.into_iter().map(named).collect(),
            endorsements: grounds
                .endorsements
                .into_iter()
                .map(|(name, hash)| (name.to_owned(), hash))
                .collect(),
        }
    }

    /// Whether a token could be issued.
    #[must_use]
    pub const fn is_permitted(&self) -> bool {
        matches!(self.verdict, Verdict::Permitted { .. })
    }

    /// Whether the evidence verified, permitted or not.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        !matches!(self.verdict, Verdict::Unverified(_))
    }

    /// Why there was no token.
    #[must_use]
    pub const fn why(&self) -> Option<&Why> {
        match &self.verdict {
            Verdict::Permitted { .. } => None,
            Verdict::Refused(why) | Verdict::Unverified(why) => Some(why),
        }
    }
}

fn claims_sha256(permitted: &Permitted) -> Hex<32> {
    let claims = to_canonical(&Value::Object(permitted.claims()));
    match permitted.integer_nonce() {
        None => sha256_of_parts(&[claims.as_bytes()]),
        Some(nonce) => sha256_of_parts(&[claims.as_bytes(), &[0], nonce.as_str().as_bytes()]),
    }
}
