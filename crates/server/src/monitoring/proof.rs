//! Proof that a machine opened its answer: sealed into a token that nobody but the machine can open.
//!
//! Guest attestation answers no challenge, so its evidence may be an old message. Its answer is sealed to a
//! key that works only in the machine's virtual TPM, in the state that was attested. Who has the token in it
//! has it from that machine, which was in that state after the evidence was appraised. What must be known
//! again then is in the token: an instance keeps nothing of it.

use avouch_engine::MachineState;
use avouch_store::ProviderId;
use avouch_token::TokenTimes;
use avouch_tpm::protocol::{CONTEXT_NONCE_BYTES, ContextKey, open_sealed};
use avouch_wire::{EvidenceKind, UnixTime, base64url, json};
use serde::{Deserialize, Serialize};

use super::Attestation;

/// The claim that holds it.
pub(crate) const PROOF_CLAIM: &str = "avouch-machine-proof";
/// What it is sealed for.
const PURPOSE: &[u8] = b"avouch machine proof 1";
/// Longest token that is read, and longest claim in one.
const TOKEN_BYTES_MAX: usize = 128 * 1024;
/// How far the clocks of two instances may differ, in seconds.
const SKEW_SECONDS: i64 = 60;

/// What a machine that opened its answer proves by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MachineProof {
    provider: u64,
    kind: String,
    /// When the evidence was appraised, in seconds since 1970.
    at: i64,
    machine: String,
    facts: std::collections::BTreeMap<String, String>,
}

/// Why a token proves nothing of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProofError {
    /// No token with such a proof.
    #[error("token: no token in which this service sealed the proof of a machine")]
    Absent,
    /// It does not open.
    #[error("token: its proof of a machine was not sealed by this service, or was changed")]
    Seal,
    /// It is of another provider.
    #[error("token: its proof of a machine is of another provider")]
    Provider,
    /// Its time has passed, or is yet to come.
    #[error("token: its proof of a machine counts no longer")]
    Expired,
}

impl MachineProof {
    /// Of a machine at the provider of that number.
    pub(crate) fn new(
        provider: u64,
        kind: EvidenceKind,
        at: UnixTime,
        state: MachineState,
    ) -> Self {
        let MachineState { machine, facts } = state;
        let (kind, at) = (kind.name().to_owned(), at.seconds());
        Self { provider, kind, at, machine, facts }
    }

    /// The value of the claim; none if cryptography refuses.
    pub(crate) fn seal(
        &self,
        key: &ContextKey,
        nonce: [u8; CONTEXT_NONCE_BYTES],
    ) -> Option<String> {
        key.seal(PURPOSE, nonce, serde_json::to_vec(self).ok()?)
    }

    /// Finds it in a token, whose signature need not be looked at: only the service seals.
    pub(crate) fn open(
        token: &str,
        keys: &[ContextKey],
        provider: u64,
        now: UnixTime,
    ) -> Result<Self, ProofError> {
        let claim = claim(token).ok_or(ProofError::Absent)?;
        let opened = open_sealed(&claim, TOKEN_BYTES_MAX, PURPOSE, keys);
        let opened = opened.map_err(|_| ProofError::Seal)?;
        let proof: Self = serde_json::from_slice(&opened).map_err(|_| ProofError::Seal)?;
        if proof.provider != provider {
            return Err(ProofError::Provider);
        }
        let at = proof.at().ok_or(ProofError::Expired)?;
        let is_over = TokenTimes::attestation(at).expires_at() < now;
        if is_over || now.saturating_add_seconds(SKEW_SECONDS) < at {
            return Err(ProofError::Expired);
        }
        Ok(proof)
    }

    /// When the evidence was appraised.
    pub(crate) fn at(&self) -> Option<UnixTime> {
        UnixTime::from_seconds(self.at).ok()
    }

    pub(crate) fn machine(&self) -> &str {
        &self.machine
    }

    /// As an attestation that is proven to be fresh.
    pub(crate) fn into_attestation(self, provider: ProviderId) -> Option<Attestation<'static>> {
        let (kind, at) = (self.kind.parse().ok()?, self.at()?);
        let state = MachineState { machine: self.machine, facts: self.facts };
        Some(Attestation { provider, kind, at, state, refused_by: None, is_fresh: true })
    }
}

/// The claim in a token, by its payload.
fn claim(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1).filter(|_| token.len() <= TOKEN_BYTES_MAX)?;
    let claims = json::parse_object(&base64url::decode(payload).ok()?, TOKEN_BYTES_MAX).ok()?;
    claims.get(PROOF_CLAIM)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
