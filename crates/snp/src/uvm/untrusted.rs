//! An endorsement as it stands in its envelope, for showing.

use avouch_pki::{Certificate, SignatureScheme};
use avouch_wire::{Hex, UnixTime};

use super::envelope::{Envelope, Form};
use super::{UvmError, payload};

/// What an endorsement says of itself. Nothing is verified: anybody can write one.
#[derive(Debug, Clone)]
pub struct UntrustedUvmDocument {
    /// Generation of its headers.
    pub form: Form,
    /// The signature scheme that its header names.
    pub scheme: SignatureScheme,
    /// The publisher that it names, meant as a `did:x509` identifier.
    pub issuer: String,
    /// The name of what is published.
    pub feed: String,
    /// Security version of the utility VM.
    pub svn: u64,
    /// The launch digest that is spoken of.
    pub measurement: Hex<48>,
    /// When it says that it was signed.
    pub signed_at: UnixTime,
    /// The certificates that came along, the signer's first.
    pub certificates: Vec<Certificate>,
    /// Bytes of the signature.
    pub signature_bytes: usize,
}

impl UntrustedUvmDocument {
    /// Reads a tagged `COSE_Sign1` of either generation of headers, without judging it.
    ///
    /// # Errors
    /// [`UvmError`] if the envelope or its payload is malformed.
    ///
    /// # Source
    /// As [`super::verify_document`], of which this is the first step and the last.
    pub fn parse(cose: &[u8]) -> Result<Self, UvmError> {
        let envelope = Envelope::parse(cose)?;
        let (measurement, svn) = payload::read(&envelope)?;
        Ok(Self {
            form: envelope.form,
            scheme: envelope.scheme,
            issuer: envelope.issuer,
            feed: envelope.feed,
            svn,
            measurement,
            signed_at: envelope.signed_at,
            certificates: envelope.chain,
            signature_bytes: envelope.signature.len(),
        })
    }
}
