//! The answer to a request, out of what was published.

use std::sync::Arc;
use std::time::Duration;

use avouch_pki::digest::sha256_of_parts;
use avouch_pki::pem;
use avouch_wire::{Hex, UnixTime, encode_hex};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::{Form, MirrorRequest};
use crate::{EndorsementName, Published};

/// An answer to be sent with status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorAnswer {
    /// `Content-Type`: what the body is.
    pub content_type: &'static str,
    /// Name and value of the header with the issuer chain, percent-encoded PEM, where there is one.
    pub issuer_chain: Option<(&'static str, String)>,
    /// `ETag`: another one for each other answer.
    pub etag: String,
    /// For how long it may be kept.
    pub max_age: Duration,
    /// The body.
    pub body: Arc<[u8]>,
}

/// What is left as it is in a header: what is so in addresses.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl MirrorRequest {
    /// The answer, unless what was published is not in force at `at`, or is not what its name says.
    /// Its signature is for whoever uses it to verify.
    #[must_use]
    pub fn answer(
        &self,
        published: &Published,
        at: UnixTime,
        max_age: Duration,
    ) -> Option<MirrorAnswer> {
        let window = published.stated().ok()?.window;
        window.check(at).ok()?;
        let left = window.not_after.seconds().saturating_sub(at.seconds());
        let left = Duration::from_secs(left.try_into().unwrap_or(0));
        let (content_type, body) = self.body(&published.body);
        let chain = percent_encode(&published.issuer_chain, ESCAPED).to_string();
        let hash =
            sha256_of_parts(&[content_type.as_bytes(), b"\n", chain.as_bytes(), b"\n", &body]);
        Some(MirrorAnswer {
            content_type,
            issuer_chain: chain_header(&self.name).map(|header| (header, chain)),
            etag: format!("\"{}\"", Hex(hash.0)),
            max_age: max_age.min(left),
            body,
        })
    }

    fn body(&self, kept: &Arc<[u8]>) -> (&'static str, Arc<[u8]>) {
        let text = |text: String| Arc::from(text.into_bytes());
        match self.form {
            Form::Json => ("application/json", Arc::clone(kept)),
            Form::CrlDer => ("application/pkix-crl", Arc::clone(kept)),
            Form::CrlPem => ("application/x-pem-file", text(pem::encode("X509 CRL", kept))),
            Form::CrlHex => ("text/plain; charset=utf-8", text(encode_hex(kept))),
            Form::CertificateDer => ("application/pkix-cert", Arc::clone(kept)),
            Form::CertificatesPem => ("application/x-pem-file", Arc::clone(kept)),
        }
    }
}

/// The header that an issuer chain is looked for in.
const fn chain_header(name: &EndorsementName) -> Option<&'static str> {
    match name {
        EndorsementName::TcbInfo { .. } => Some("TCB-Info-Issuer-Chain"),
        EndorsementName::QeIdentity { .. } => Some("SGX-Enclave-Identity-Issuer-Chain"),
        EndorsementName::PckCrl(_) => Some("SGX-PCK-CRL-Issuer-Chain"),
        EndorsementName::RootCaCrl
        | EndorsementName::VekChain(..)
        | EndorsementName::AmdCrl(..)
        | EndorsementName::Vcek(..)
        | EndorsementName::TpmCa(_) => None,
    }
}
