//! Whose policies a provider takes: the rules of the two trust models.

use avouch_pki::{Certificate, digest};
use avouch_store::{Expected, PolicyCertificate, ProviderId, Signer, Store};
use avouch_token::policy_jws::{VerifiedSigner, authorize_signer};
use avouch_wire::UnixTime;

use super::internal;
use crate::{ApiError, Fault, Provider};

/// The policy certificates of a provider as they are in the store, with their revision.
pub(super) struct Signers {
    revision: u64,
    certificates: Vec<PolicyCertificate>,
}

impl Signers {
    /// Reads them anew: a decision must not rest on what this instance remembers.
    pub(super) async fn read(store: &Store, provider: ProviderId) -> Result<Self, ApiError> {
        let stored = store.policy_certificates(provider).await?;
        Ok(Self { revision: stored.revision, certificates: stored.certificates })
    }

    /// Makes a write fail if they have changed since.
    pub(super) fn expected(&self) -> Expected {
        Expected { signers: Some(self.revision), ..Expected::default() }
    }

    /// Trust model AAD takes unsigned and signed, Isolated only what one of the certificates
    /// vouches for (`docs/maa/policies.md#who-may-sign`).
    pub(super) fn check(
        &self,
        provider: &Provider,
        signer: Option<&VerifiedSigner>,
        at: UnixTime,
    ) -> Result<(), ApiError> {
        match (provider.is_isolated(), signer) {
            (false, _) => Ok(()),
            (true, Some(signer)) => {
                let certificates = self.certificates.iter().map(|one| Certificate::parse(&one.der));
                let certificates: Vec<_> =
                    certificates.collect::<Result<_, _>>().map_err(|error| internal(&error))?;
                authorize_signer(signer, &certificates, at)?;
                Ok(())
            }
            (true, None) => Err(ApiError::invalid_operation(
                "Unsigned JWS specified but enclave is configured with signing certificates.",
            )),
        }
    }
}

/// A verified signer as the store keeps it.
pub(super) fn stored_signer(signer: &VerifiedSigner) -> Result<Signer, ApiError> {
    // A verified signer has a certificate: its key made the signature.
    let certificate = signer.certificate().ok_or_else(Fault::internal)?;
    let thumbprint = *digest::sha256(certificate.der()).as_bytes();
    Ok(Signer { jwk: signer.jwk().to_string(), thumbprint })
}
