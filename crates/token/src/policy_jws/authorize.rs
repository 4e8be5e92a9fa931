//! Whether a provider trusts a signer: it is, or chains to, one of the policy certificates.

use avouch_pki::{Certificate, PathError, Role, VerifiedCertificate, verify_issued, verify_pinned};
use avouch_wire::{UnixTime, failed_check};
use thiserror::Error;

use super::error::PolicyJwsError;
use super::signer::{VerifiedSigner, check_key};

/// Why a signer is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignerError {
    /// The provider has no policy certificates.
    #[error("the provider has no policy certificates")]
    NoPolicyCertificates,
    /// No policy certificate is the signer's, nor has the name of an issuer in its chain.
    #[error(
        "unable to find issuer certificate: signer {signer:?} (issued by {issuer:?}) chains to none \
         of the {policy_certificates} policy certificates{}",
        alike(.reads_alike)
    )]
    NoIssuer {
        /// Subject of the signer's certificate.
        signer: String,
        /// Issuer of the last certificate of its chain.
        issuer: String,
        /// How many policy certificates there are.
        policy_certificates: usize,
        /// Whether one of them is called like an issuer in the chain and encoded otherwise.
        reads_alike: bool,
    },
    /// A certificate that only has the name of a policy certificate, or names it as its issuer.
    #[error(
        "signer's certificate {certificate:?} is not one of this provider's policy certificates, nor \
         issued by one: that of the name {name:?} has another key"
    )]
    Stranger {
        /// Subject of the certificate.
        certificate: String,
        /// Subject of the policy certificate.
        name: String,
    },
    /// A certificate for the key of a policy certificate that is another than that.
    #[error(
        "signer's certificate {certificate:?} is for the key of a policy certificate, but is not that \
         certificate: send the policy certificate itself, or add this one first"
    )]
    Renewed {
        /// Subject of the certificate.
        certificate: String,
    },
    /// The policy certificate that matches is no CA, and is self-signed or the issuer of others.
    #[error("unable to find issuer certificate: {subject:?} is not flagged CA")]
    IssuerNotCa {
        /// Its subject.
        subject: String,
    },
    /// No signature of the policy certificate's key is taken.
    #[error("policy certificate {subject:?}: {source}")]
    Key {
        /// Its subject.
        subject: String,
        /// Why.
        source: Box<PolicyJwsError>,
    },
    /// A link of the chain does not hold, or the policy certificate at its top may not issue it.
    #[error("signer's chain: {0}")]
    Path(#[from] PathError),
}

failed_check!(SignerError {
    Self::NoPolicyCertificates => "policy-signer-certificates",
    Self::NoIssuer { .. } | Self::Stranger { .. } | Self::Renewed { .. } => "policy-signer-issuer",
    Self::IssuerNotCa { .. } => "policy-signer-issuer-ca",
    Self::Key { source, .. } => (source.check(), PolicyJwsError::checks()),
    Self::Path(error) => (error.check(), PathError::checks()),
});

/// Proof that a signer is trusted by a provider. Only [`authorize_signer`] makes one.
#[derive(Debug, Clone)]
pub struct AuthorizedSigner {
    policy_certificate: Certificate,
}

impl AuthorizedSigner {
    /// The policy certificate that the trust rests on.
    #[must_use]
    pub const fn policy_certificate(&self) -> &Certificate {
        &self.policy_certificate
    }
}

/// Checks that `signer` is, or chains to, one of a provider's policy certificates.
///
/// * The signer's certificate may be a policy certificate itself, byte for byte. Its dates are then
///   not judged: the provider named this very certificate, and could not replace it any more if it
///   stopped counting one day. A self-signed one must be flagged CA, as MAA demands.
/// * Otherwise the chain that the client sent, each certificate issued by the next, must lead to a
///   policy certificate that is a CA. Every certificate of that path, the policy certificate too, is
///   judged at `at` for its dates, key usage, path length, critical extensions, and constraints that
///   are not implemented, whoever issued it.
///
/// Not checked: revocation, extended key usage.
///
/// # Errors
/// [`SignerError`].
///
/// # Source
/// `docs/maa/policies.md#who-may-sign`.
pub fn authorize_signer(
    signer: &VerifiedSigner,
    policy_certificates: &[Certificate],
    at: UnixTime,
) -> Result<AuthorizedSigner, SignerError> {
    if policy_certificates.is_empty() {
        return Err(SignerError::NoPolicyCertificates);
    }
    let own = |certificate: &&Certificate| {
        signer.certificate().is_some_and(|found| found.der() == certificate.der())
    };
    if let Some(policy_certificate) = policy_certificates.iter().find(own) {
        check_may_sign(policy_certificate)?;
        return Ok(AuthorizedSigner { policy_certificate: policy_certificate.clone() });
    }
    authorize_chain(signer.certificates(), policy_certificates, at)
}

fn authorize_chain(
    chain: &[Certificate],
    policy_certificates: &[Certificate],
    at: UnixTime,
) -> Result<AuthorizedSigner, SignerError> {
    let mut stranger = None;
    let mut refusal = None;
    for (index, top) in chain.iter().enumerate() {
        let below = chain.get(..=index).unwrap_or_default();
        for candidate in policy_certificates.iter().filter(|one| one.subject() == top.issuer()) {
            match verify_down(candidate, below, at) {
                Ok(()) => return Ok(AuthorizedSigner { policy_certificate: candidate.clone() }),
                Err(SignerError::Path(_)) if !top.is_signed_by(candidate.public_key()) => {
                    stranger = stranger.or_else(|| Some(not_issued_by(candidate, top)));
                }
                Err(error) => refusal = Some(error),
            }
        }
    }
    let refusal = renewed(chain, policy_certificates).or(refusal).or(stranger);
    Err(refusal.unwrap_or_else(|| no_issuer(chain, policy_certificates)))
}

const fn alike(reads_alike: &bool) -> &'static str {
    if *reads_alike {
        ", of which one has a name that reads like that issuer's, but is written in other types of string"
    } else {
        ""
    }
}

fn not_issued_by(policy_certificate: &Certificate, certificate: &Certificate) -> SignerError {
    SignerError::Stranger {
        certificate: certificate.subject().to_string(),
        name: policy_certificate.subject().to_string(),
    }
}

/// Whether the signer's own certificate is another one for the key of a policy certificate.
fn renewed(chain: &[Certificate], policy_certificates: &[Certificate]) -> Option<SignerError> {
    let own = chain.first().filter(|own| own.is_self_issued())?;
    let has_key = |one: &Certificate| one.public_key() == own.public_key();
    let is_renewed = policy_certificates.iter().any(has_key);
    is_renewed.then(|| SignerError::Renewed { certificate: own.subject().to_string() })
}

fn no_issuer(chain: &[Certificate], policy_certificates: &[Certificate]) -> SignerError {
    let reads_alike = chain.iter().any(|one| {
        policy_certificates.iter().any(|other| other.subject().only_reads_like(one.issuer()))
    });
    SignerError::NoIssuer {
        signer: chain.first().map(|first| first.subject().to_string()).unwrap_or_default(),
        issuer: chain.last().map(|last| last.issuer().to_string()).unwrap_or_default(),
        policy_certificates: policy_certificates.len(),
        reads_alike,
    }
}

/// Checks that a certificate can be a policy certificate: that there is a moment at which
/// [`authorize_signer`] takes what its own key signed, or what a signer signed whom it issued.
/// An Isolated provider that has no such certificate could never be administered.
///
/// Not checked: that it is valid at any moment yet to come.
///
/// # Errors
/// [`SignerError`], for its own key.
pub fn check_policy_certificate(certificate: &Certificate) -> Result<(), SignerError> {
    check_key_of(certificate)?;
    // One that may issue may sign, too.
    check_may_sign(certificate)
}

fn check_key_of(certificate: &Certificate) -> Result<(), SignerError> {
    check_key(certificate.public_key()).map_err(|source| SignerError::Key {
        subject: certificate.subject().to_string(),
        source: Box::new(source),
    })
}

/// Whether the key of a policy certificate may sign by itself; its length is judged with what it
/// signed.
fn check_may_sign(certificate: &Certificate) -> Result<(), SignerError> {
    if certificate.is_self_issued() { check_ca_flag(certificate) } else { Ok(()) }
}

/// Whether a policy certificate may have issued signers, judged like every other CA of a path.
fn may_issue(certificate: &Certificate, at: UnixTime) -> Result<VerifiedCertificate, SignerError> {
    check_key_of(certificate)?;
    check_ca_flag(certificate)?;
    Ok(verify_pinned(certificate, at)?)
}

/// Verifies `chain`, the signer first, from the policy certificate at its top down.
fn verify_down(top: &Certificate, chain: &[Certificate], at: UnixTime) -> Result<(), SignerError> {
    let mut above = may_issue(top, at)?;
    for (index, certificate) in chain.iter().enumerate().rev() {
        let role = if index == 0 { Role::Leaf } else { Role::Ca };
        above = verify_issued(certificate, &above, role, at)?;
    }
    Ok(())
}

fn check_ca_flag(certificate: &Certificate) -> Result<(), SignerError> {
    if certificate.is_ca() {
        return Ok(());
    }
    Err(SignerError::IssuerNotCa { subject: certificate.subject().to_string() })
}
