//! What a client asks to have appraised.

pub use avouch_claims::{DataType, HeldData};
use avouch_tpm::protocol::Enrolment;
use avouch_wire::json::Integer;
use avouch_wire::{EvidenceKind, Hex};
use serde_json::{Number, Value};

/// Evidence and what the client hands in beside it; nothing in it is trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct AppraisalRequest {
    /// The kind of evidence.
    pub kind: EvidenceKind,
    /// The evidence as submitted, decoded from base64url.
    pub evidence: Vec<u8>,
    /// Data that the evidence is said to bind at run time.
    pub runtime_data: Option<HeldData>,
    /// Data that the evidence is said to bind since the start.
    pub init_time_data: Option<HeldData>,
    /// The event log of a trust domain, which its quote explains; TDX only.
    pub event_log: Option<Vec<u8>>,
    /// What the evidence answers: the caller's own word, not the client's; TPM only.
    pub challenged: Option<Challenged>,
    /// Copied to the token, unproven.
    pub nonce: Option<Nonce>,
    /// Which names the token uses.
    pub token_form: TokenForm,
}

/// What a service gave a client, or proved of it, before the evidence came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenged {
    /// What the quote must answer.
    pub challenge: Vec<u8>,
    /// SHA-256 of the SubjectPublicKeyInfo of the attestation key that it was given for, if it was given
    /// for one.
    pub aik: Option<Hex<32>>,
    /// The enrolment of the attestation key, opened, if the evidence names one.
    pub enrolment: Option<Enrolment>,
}

/// Which names a token uses: an api-version's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenForm {
    /// `x-ms-…` names and the deprecated ones beside them.
    #[default]
    Current,
    /// The names of 2018-09-01-preview alone; SGX and Open Enclave only.
    Preview2018,
}

/// The caller's nonce: kept as it was, text or integer, digit for digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nonce {
    /// A JSON string.
    Text(String),
    /// A JSON integer of at most 64 bits.
    Number(Number),
    /// A longer JSON integer.
    Integer(Integer),
}

impl Nonce {
    /// As a value, unless no value can hold it.
    pub(crate) fn to_json(&self) -> Option<Value> {
        match self {
            Self::Text(text) => Some(Value::String(text.clone())),
            Self::Number(number) => Some(Value::Number(number.clone())),
            Self::Integer(_) => None,
        }
    }

    pub(crate) const fn as_integer(&self) -> Option<&Integer> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Text(_) | Self::Number(_) => None,
        }
    }
}
