//! MAA's TPM protocol: its messages, read and written, and what a request proves. No HTTP, no clock, no
//! store.
//!
//! Two rounds. The client asks for a challenge ([`ClientMessage::Init`]); the service answers with one
//! and with a [sealed context](ServiceContext) that only it can open, so that any instance can take the
//! second message. The client sends a signed request ([`SignedRequest`]) with a quote that answers the
//! challenge; [`SignedRequest::verify`] gives a [`VerifiedRequest`], from which a report is made.
//!
//! Source: Microsoft Learn, *Azure Attestation: TPM attestation* and *Trusted Platform Module attestation
//! protocol*; recordings of the service for the envelope.

mod attestation;
mod claim_blob;
mod context;
mod envelope;
mod error;
mod jwk;
mod jws;
mod members;
mod outline;
mod request;
mod verify;

pub use context::{ContextError, ContextKey, OpenContext, ServiceContext};
pub use envelope::{
    CHALLENGE_BYTES, ClientMessage, Form, Init, Received, ServiceMessage, init_message,
    request_message,
};
pub use error::{ProtocolError, RequestError};
pub use outline::{AttestationOutline, KeyOutline, RequestOutline};
pub use request::{AttestationType, CustomClaim, Log, LogKind, ProtocolVersion, SignedRequest};
pub use verify::{
    AikStanding, Conditions, KeyBinding, VerifiedAttestation, VerifiedKey, VerifiedRequest,
};
