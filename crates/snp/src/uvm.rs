//! Microsoft's endorsements of the utility VM (UVM) that confidential containers run in: a signed
//! statement that a launch measurement belongs to a released UVM of some security version.
//!
//! What is proven: that a signer under a certificate authority and with an extended key usage that
//! the operator trusts ([`UvmTrust`]) stated feed, version and measurement, and that the
//! measurement is that of a verified report. What is not: when it was signed. The time of signing
//! is the signer's own word; certificates are judged at that time (they live one year, endorsements
//! longer), which is the publisher's rule. Receipts and time stamps beside the signature are not
//! verified.

mod did;
mod envelope;
mod error;
mod payload;
mod trust;
mod untrusted;
mod verify;

pub use did::DidX509;
pub use envelope::Form;
pub use error::UvmError;
pub use trust::{UvmTrust, UvmTrustEntry};
pub use untrusted::UntrustedUvmDocument;
pub use verify::{
    UvmFacts, VerifiedUvmDocument, VerifiedUvmEndorsement, verify, verify_document, verify_signer,
};
