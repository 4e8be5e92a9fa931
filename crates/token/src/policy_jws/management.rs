//! Requests to add or remove a policy certificate.

use avouch_pki::Certificate;
use avouch_wire::json::parse_object;

use super::body::{BODY_LIMIT_BYTES, CertificateOperation, certificate_body};
use super::error::PolicyJwsError;
use super::hash::certificate_thumbprint;
use super::signer::VerifiedSigner;
use crate::jws::{Padding, UntrustedJws};
use crate::x5c::certificate_of_jwk;

/// The names that clients give the certificate: 2020-10-01 and later, 2018-09-01-preview and the
/// documentation's sample, the documentation's troubleshooting page.
const NAMES: [&str; 3] = ["policyCertificate", "maa-policyCertificate", "x-ms-policyCertificate"];

/// A signed request to add or remove one policy certificate. Its signature has been verified;
/// whether the signer may do this is for [`super::authorize_signer`].
#[derive(Debug, Clone)]
pub struct CertificateJws {
    raw: String,
    certificate: Certificate,
    signer: VerifiedSigner,
}

impl CertificateJws {
    /// Reads the body of `POST /certificates:add` or `:remove`: the JWS as a JSON string, bare, or
    /// in the object that the later descriptions show.
    ///
    /// # Errors
    /// [`PolicyJwsError`] if it is no JWS, unsigned, its signature does not hold, or it names no
    /// certificate.
    ///
    /// # Source
    /// `docs/maa/policies.md#policy-certificates`.
    pub fn parse(body: &[u8], operation: CertificateOperation) -> Result<Self, PolicyJwsError> {
        let raw = certificate_body(body, operation)?;
        let jws = UntrustedJws::parse(&raw, BODY_LIMIT_BYTES, Padding::Accepted)?;
        let signer = VerifiedSigner::verify(&jws)?.ok_or(PolicyJwsError::Unsigned)?;
        let members =
            parse_object(&jws.payload, BODY_LIMIT_BYTES).map_err(PolicyJwsError::Payload)?;
        let mut named = NAMES.iter().filter_map(|name| members.get(*name));
        let certificate = match (named.next(), named.next()) {
            (Some(jwk), None) => certificate_of_jwk(jwk)?,
            (Some(_), Some(_)) => return Err(PolicyJwsError::TwoMembers),
            (None, _) => return Err(PolicyJwsError::NoMember { name: "policyCertificate" }),
        };
        Ok(Self { raw, certificate, signer })
    }

    /// The JWS as received, less quotes and white space around it.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The certificate to add or remove.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// `x-ms-certificate-thumbprint`.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        certificate_thumbprint(&self.certificate)
    }

    /// Who signed it.
    #[must_use]
    pub const fn signer(&self) -> &VerifiedSigner {
        &self.signer
    }
}
