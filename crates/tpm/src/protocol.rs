//! MAA's TPM protocol: its messages, read and written, and what a request proves. No HTTP, no clock, no
//! store.
//!
//! Two rounds. The client asks for a challenge ([`ClientMessage::Init`]); the service answers with one
//! and with a [sealed context](ServiceContext) that only it can open, so that any instance can take the
//! second message. The client sends a signed request ([`SignedRequest`]) with a quote that answers the
//! challenge; [`SignedRequest::verify`] gives a [`VerifiedRequest`], from which a report is made.
//!
//! A machine without an AIK certificate enrols first, in two rounds of Avouch's own ([`Enroll`],
//! [`Activate`]): what it then has stands where a certificate would.
//!
//! Source: Microsoft Learn, *Azure Attestation: TPM attestation* and *Trusted Platform Module attestation
//! protocol*; recordings of the service for the envelope.

mod attestation;
mod bare;
mod claim_blob;
mod context;
mod enrolment;
mod envelope;
mod error;
mod jwk;
mod jws;
mod members;
mod outline;
mod request;
mod sealed;
mod verify;

pub use bare::BareAttestation;
pub use context::{ContextError, OpenContext, ServiceContext};
pub use enrolment::{
    Activate, Enroll, Enrolment, EnrolmentError, EnrolmentFacts, PendingEnrolment,
};
pub use envelope::{
    CHALLENGE_BYTES, ClientMessage, Form, Init, Received, ServiceMessage, enrolled_init_message,
    init_message, request_message,
};
pub use error::{ProtocolError, RequestError};
pub use outline::{AttestationOutline, KeyOutline, RequestOutline};
pub use request::{AttestationType, CustomClaim, Log, LogKind, ProtocolVersion, SignedRequest};
pub use sealed::{ContextKey, NONCE_BYTES as CONTEXT_NONCE_BYTES, Unopened, open as open_sealed};
pub use verify::{
    AikStanding, Conditions, KeyBinding, VerifiedAttestation, VerifiedBare, VerifiedKey,
    VerifiedRequest,
};
