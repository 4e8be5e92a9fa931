//! A policy that is ready to judge: compiled once, with the hash that tokens show.

use avouch_policy::{EvalError, Limits, Policy, Properties, defaults};
use avouch_token::policy_jws::{
    JwsContent, PolicyEncoding, PolicyJws, PolicyJwsError, UnsignedForm, VerifiedSigner,
    create_unsigned, policy_hash,
};
use avouch_wire::{DefaultPolicy, EvidenceKind};
use serde_json::Value;
use thiserror::Error;

/// A compiled policy with what a token says about it.
#[derive(Debug, Clone)]
pub struct PolicyInForce {
    policy: Policy,
    hash: String,
    jws: String,
    signer: Option<Value>,
    limits: Limits,
}

/// Why a text or JWS does not become a policy in force.
#[derive(Debug, Clone, Error)]
pub enum PolicyRefused {
    /// The text does not parse; the first mistake in MAA's wording.
    #[error("{message}")]
    Parsing {
        /// MAA's one-line message with symbol, line and column.
        message: String,
    },
    /// The JWS around it is malformed or its signature does not hold.
    #[error("{0}")]
    Jws(#[from] PolicyJwsError),
}

impl PolicyInForce {
    /// The policy that MAA's shared providers have for a kind of evidence.
    #[must_use]
    pub fn default_for(kind: EvidenceKind) -> Option<Self> {
        let text = match kind.default_policy() {
            DefaultPolicy::Sgx => defaults::SGX,
            DefaultPolicy::Permissive => defaults::CONFIDENTIAL_VM,
            DefaultPolicy::Guest => defaults::GUEST,
            DefaultPolicy::Absent => return None,
        };
        Self::from_text(text).ok()
    }

    /// A draft that came with a request, which anybody may send: compiling and evaluating it may
    /// together cost far less than a policy that somebody had the right to set.
    ///
    /// # Errors
    /// [`PolicyRefused::Parsing`].
    pub fn draft(text: &str) -> Result<Self, PolicyRefused> {
        let draft = Self::within(Limits::draft(), text)?;
        let limits = draft.limits.without(draft.policy.cost());
        Ok(Self { limits, ..draft })
    }

    /// A policy from its text, wrapped in an unsecured JWS.
    ///
    /// # Errors
    /// [`PolicyRefused::Parsing`].
    pub fn from_text(text: &str) -> Result<Self, PolicyRefused> {
        Self::within(Limits::default(), text)
    }

    fn within(limits: Limits, text: &str) -> Result<Self, PolicyRefused> {
        let policy = compile(text, &limits)?;
        let jws = create_unsigned(JwsContent::Policy(text), UnsignedForm::default());
        Ok(Self { policy, hash: policy_hash(text), jws, signer: None, limits })
    }

    /// A policy from the JWS that a client set.
    ///
    /// # Errors
    /// [`PolicyRefused`].
    pub fn from_jws(body: &[u8]) -> Result<Self, PolicyRefused> {
        let jws = PolicyJws::parse(body, PolicyEncoding::default())?;
        let limits = Limits::default();
        Ok(Self {
            policy: compile(jws.text(), &limits)?,
            hash: jws.policy_hash(),
            jws: jws.raw().to_owned(),
            signer: jws.signer().map(VerifiedSigner::jwk),
            limits,
        })
    }

    /// The compiled policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What its evaluation may cost.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What its configuration rules demand of verification; they ran when it was compiled.
    ///
    /// # Errors
    /// [`EvalError`] where they fail.
    pub fn configuration(&self) -> Result<&Properties, EvalError> {
        self.policy.configuration()
    }

    /// `x-ms-policy-hash`.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The JWS, byte for byte as it was set.
    #[must_use]
    pub fn jws(&self) -> &str {
        &self.jws
    }

    /// `x-ms-policy-signer`, if the JWS was signed.
    #[must_use]
    pub const fn signer(&self) -> Option<&Value> {
        self.signer.as_ref()
    }
}

fn compile(text: &str, limits: &Limits) -> Result<Policy, PolicyRefused> {
    Policy::compile(text, limits).map_err(|errors| PolicyRefused::Parsing {
        message: errors.first().map_or_else(|| errors.to_string(), |first| first.maa_message()),
    })
}
