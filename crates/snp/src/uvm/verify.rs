//! The recipe: from the bytes of an endorsement to a measurement that its publisher vouches for.

use avouch_pki::{
    Certificate, PathError, PathErrorKind, Role, VerifiedCertificate, verify_issued, verify_pinned,
};
use avouch_wire::{Hex, UnixTime};
use serde::Serialize;

use super::envelope::{Envelope, Form};
use super::{DidX509, UvmError, UvmTrust, payload};
use crate::VerifiedReport;

/// What a verified endorsement says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UvmFacts {
    /// Generation of its headers.
    pub form: Form,
    /// The publisher, a `did:x509` identifier.
    pub issuer: String,
    /// The name of what is published.
    pub feed: String,
    /// Security version of the utility VM. It is not the report's GUEST_SVN.
    pub svn: u64,
    /// The endorsed launch digest.
    pub measurement: Hex<48>,
    /// When it was signed, by the signer's own word.
    pub signed_at: UnixTime,
    /// SHA-256 of the signer's certificate.
    pub signer_sha256: Hex<32>,
    /// The compliance status that the operator's trust list gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compliance_status: Option<String>,
}

/// An endorsement that a trusted publisher signed; not yet compared with a report.
///
/// Only [`verify_document`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedUvmDocument {
    facts: UvmFacts,
}

/// An endorsement that a trusted publisher signed, of the very measurement in a verified report.
///
/// Only [`VerifiedUvmDocument::endorse`] and [`verify`] make one.
#[derive(Debug, Clone)]
pub struct VerifiedUvmEndorsement {
    facts: UvmFacts,
}

impl VerifiedUvmDocument {
    /// What it says.
    #[must_use]
    pub const fn facts(&self) -> &UvmFacts {
        &self.facts
    }

    /// Compares it with a verified report.
    ///
    /// # Errors
    /// [`UvmError::Measurement`] with both values.
    pub fn endorse(&self, report: &VerifiedReport) -> Result<VerifiedUvmEndorsement, UvmError> {
        let (endorsed, report) = (self.facts.measurement, report.body().measurement);
        if endorsed != report {
            return Err(UvmError::Measurement { endorsed, report });
        }
        Ok(VerifiedUvmEndorsement { facts: self.facts.clone() })
    }
}

impl VerifiedUvmEndorsement {
    /// What it says.
    #[must_use]
    pub const fn facts(&self) -> &UvmFacts {
        &self.facts
    }
}

impl Serialize for VerifiedUvmEndorsement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.facts.serialize(serializer)
    }
}

/// Verifies an endorsement and that it is one of the report's measurement.
///
/// # Errors
/// As [`verify_document`], and [`UvmError::Measurement`].
pub fn verify(
    cose: &[u8],
    report: &VerifiedReport,
    trust: &UvmTrust,
    at: UnixTime,
) -> Result<VerifiedUvmEndorsement, UvmError> {
    verify_document(cose, trust, at)?.endorse(report)
}

/// Verifies an endorsement on its own.
///
/// After `Ok`, a signer with the extended key usage in the publisher's `did:x509`, certified under
/// the CA certificate that it names, signed feed, security version and measurement; publisher and
/// feed are on the trust list and the version is at or above its floor.
///
/// * `cose`: a tagged `COSE_Sign1` of either generation of headers.
/// * `trust`: whose endorsements count.
/// * `at`: the moment to judge at: signing must not lie after it. Certificates are judged at the
///   time of signing, as the publisher wants it; they live one year, endorsements longer.
///
/// Not checked: receipts, time stamps, revocation of the signer.
///
/// # Errors
/// [`UvmError`] naming the check. [`UvmError::is_not_counted`] tells an endorsement of a publisher
/// or version that is not trusted from a broken one.
///
/// # Source
/// Microsoft, "Confidential ACI scheme", in the repository microsoft/confidential-aci-examples;
/// RFC 9052 section 4.4; did:x509 method, version 0.
pub fn verify_document(
    cose: &[u8],
    trust: &UvmTrust,
    at: UnixTime,
) -> Result<VerifiedUvmDocument, UvmError> {
    // 1. Headers, of one generation.
    let envelope = Envelope::parse(cose)?;
    // 2. The publisher is trusted. Its identifier stands in the message, so it comes first.
    let did = DidX509::parse(&envelope.issuer)?;
    let entry = trust.entry(did.as_str(), &envelope.feed)?;
    // 3. The signer belongs to the publisher, and did when it signed.
    if envelope.signed_at > at {
        return Err(UvmError::SignedInFuture { signed_at: envelope.signed_at, at });
    }
    let signer = verify_signer(&envelope.chain, &did, envelope.signed_at)?;
    // 4. The signer signed this.
    let certificate = signer.certificate();
    let key = certificate.public_key();
    key.verify(envelope.scheme, &envelope.signed_bytes, &envelope.signature)
        .map_err(|_| UvmError::Signature { signer: certificate.subject().label().to_owned() })?;
    // 5. What it says.
    let (measurement, svn) = payload::read(&envelope)?;
    if svn < entry.minimum_svn {
        let (feed, minimum) = (envelope.feed, entry.minimum_svn);
        return Err(UvmError::Svn { feed, found: svn, minimum });
    }
    let facts = UvmFacts {
        form: envelope.form,
        issuer: envelope.issuer,
        feed: envelope.feed,
        svn,
        measurement,
        signed_at: envelope.signed_at,
        signer_sha256: certificate.fingerprint_sha256(),
        compliance_status: entry.compliance_status.clone(),
    };
    Ok(VerifiedUvmDocument { facts })
}

/// Verifies that the first certificate of a chain is of the sort that a `did:x509` names: a CA certificate above it has
/// the fingerprint, every link down from the last one held at `signed_at`, and it has the extended key usage.
///
/// # Errors
/// [`UvmError::DidFingerprint`], [`UvmError::Path`] and [`UvmError::ExtendedKeyUsage`].
///
/// # Source
/// did:x509 method, version 0.
pub fn verify_signer(
    chain: &[Certificate],
    did: &DidX509,
    signed_at: UnixTime,
) -> Result<VerifiedCertificate, UvmError> {
    check_fingerprint(chain, did)?;
    let signer =
        verify_path(chain, signed_at).map_err(|source| UvmError::Path { signed_at, source })?;
    check_extended_key_usage(signer.certificate(), did)?;
    Ok(signer)
}

/// The identifier names a CA certificate of the chain, never the signer's own.
fn check_fingerprint(chain: &[Certificate], did: &DidX509) -> Result<(), UvmError> {
    let found: Vec<Hex<32>> = chain.iter().skip(1).map(Certificate::fingerprint_sha256).collect();
    if found.contains(did.ca_fingerprint()) {
        return Ok(());
    }
    Err(UvmError::DidFingerprint { expected: *did.ca_fingerprint(), found })
}

/// Verifies every link of the chain at `at`, from its last certificate down to the signer's.
///
/// The last certificate is taken as it is, root or not: whether the chain deserves trust is decided
/// by the fingerprint of one of its CA certificates, which stands above the signer's in this same
/// path.
fn verify_path(chain: &[Certificate], at: UnixTime) -> Result<VerifiedCertificate, PathError> {
    let empty = || PathError { certificate: "x5chain".to_owned(), kind: PathErrorKind::NotCa };
    let (top, below) = chain.split_last().ok_or_else(empty)?;
    let mut issuer = verify_pinned(top, at)?;
    for (index, certificate) in below.iter().enumerate().rev() {
        let role = if index == 0 { Role::Leaf } else { Role::Ca };
        issuer = verify_issued(certificate, &issuer, role, at)?;
    }
    Ok(issuer)
}

fn check_extended_key_usage(signer: &Certificate, did: &DidX509) -> Result<(), UvmError> {
    let found = signer.extended_key_usages();
    let expected = did.extended_key_usage();
    if found.iter().any(|usage| usage == expected) {
        return Ok(());
    }
    Err(UvmError::ExtendedKeyUsage { expected: expected.to_owned(), found: found.to_vec() })
}

#[cfg(test)]
mod tests;
