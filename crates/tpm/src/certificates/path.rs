//! Paths: from a key's certificate over certificates at hand to a CA that is trusted.

use avouch_pki::{
    Certificate, Issuer, PublicKey, Role, Root, TrustAnchor, VerifiedCertificate, oid,
    verify_issued_understanding,
};
use avouch_wire::UnixTime;

use super::error::{CertificateKind, TpmCertificateError, read};
use super::policies;
use crate::TrustAnchors;

/// Most certificates that may come along: those of a sender, and those that were at hand for it.
const SENT_MAX: usize = 16;
/// Most CAs between a trusted one and the key. Vendors have up to two.
const LINKS_MAX: usize = 4;
/// Most signatures that are tried in search of a path.
const TRIES_MAX: usize = 32;

/// Critical extensions that are honoured beyond those of every path.
const UNDERSTOOD: [&str; 1] = [oid::CERTIFICATE_POLICIES];

/// A key's certificate whose path holds.
pub(super) struct Verified {
    pub(super) leaf: VerifiedCertificate,
    /// The trusted CA.
    pub(super) root: Root,
    /// Subjects of the CAs in between, from the trusted one down.
    pub(super) intermediates: Vec<String>,
    /// Policies of the certificates, from the trusted CA down.
    pub(super) policies: Vec<Vec<String>>,
}

/// Finds a path by names and signatures, and verifies it from its top.
pub(super) fn verify(
    kind: CertificateKind,
    leaf: &Certificate,
    sent: &[&[u8]],
    anchors: &TrustAnchors,
    role: Role,
    at: UnixTime,
) -> Result<Verified, TpmCertificateError> {
    if anchors.is_empty() {
        return Err(TpmCertificateError::NoRoots { kind });
    }
    let (found, limit) = (sent.len(), SENT_MAX);
    if found > limit {
        return Err(TpmCertificateError::TooMany { found, limit });
    }
    let sent =
        sent.iter().map(|der| read(CertificateKind::Ca, der)).collect::<Result<Vec<_>, _>>()?;
    let pool: Vec<&Certificate> = sent.iter().chain(anchors.intermediates()).collect();
    let mut signed = Search { anchors, pool: &pool, by_name: false, tries_left: TRIES_MAX };
    // Where no signature leads up, a path of names does: its verification says what is wrong.
    let mut named = Search { by_name: true, ..signed };
    let found = signed.above(leaf, LINKS_MAX).or_else(|| named.above(leaf, LINKS_MAX));
    let Some(Found { anchor, links }) = found else {
        return Err(signed.unknown_issuer(kind, leaf));
    };
    let mut last: Option<VerifiedCertificate> = None;
    let (mut intermediates, mut policies) = (Vec::new(), Vec::new());
    for certificate in &links {
        let verified =
            link(CertificateKind::Ca, certificate, issuer(anchor, last.as_ref()), Role::Ca, at)?;
        policies.push(policies_of(CertificateKind::Ca, certificate)?);
        intermediates.push(certificate.subject().to_string());
        last = Some(verified);
    }
    let leaf_verified = link(kind, leaf, issuer(anchor, last.as_ref()), role, at)?;
    policies.push(policies_of(kind, leaf)?);
    Ok(Verified { leaf: leaf_verified, root: anchor.root().clone(), intermediates, policies })
}

fn issuer<'a>(anchor: &'a TrustAnchor, above: Option<&'a VerifiedCertificate>) -> Issuer<'a> {
    above.map_or(Issuer::Anchor(anchor), Issuer::Certificate)
}

fn link(
    kind: CertificateKind,
    certificate: &Certificate,
    issuer: Issuer<'_>,
    role: Role,
    at: UnixTime,
) -> Result<VerifiedCertificate, TpmCertificateError> {
    verify_issued_understanding(certificate, issuer, role, &UNDERSTOOD, at)
        .map_err(|source| TpmCertificateError::Path { kind, source })
}

fn policies_of(
    kind: CertificateKind,
    certificate: &Certificate,
) -> Result<Vec<String>, TpmCertificateError> {
    policies::of(certificate).map_err(|source| TpmCertificateError::Policies { kind, source })
}

/// A trusted CA, and the certificates below it down to the issuer of the key's.
struct Found<'a> {
    anchor: &'a TrustAnchor,
    links: Vec<&'a Certificate>,
}

/// A search with a bound on what it tries.
#[derive(Clone, Copy)]
struct Search<'a> {
    anchors: &'a TrustAnchors,
    pool: &'a [&'a Certificate],
    /// Whether names alone lead up, and no signature is checked.
    by_name: bool,
    tries_left: usize,
}

impl<'a> Search<'a> {
    /// The path above a certificate.
    fn above(&mut self, certificate: &Certificate, links_left: usize) -> Option<Found<'a>> {
        let anchors = self.anchors;
        for anchor in anchors.anchors().filter(|one| one.subject() == certificate.issuer()) {
            if self.leads(certificate, anchor.key()) {
                return Some(Found { anchor, links: Vec::new() });
            }
        }
        let below = links_left.checked_sub(1)?;
        for &ca in self.pool {
            let is_issuer = ca.subject() == certificate.issuer() && !ca.is_self_issued();
            if is_issuer
                && self.leads(certificate, ca.public_key())
                && let Some(mut found) = self.above(ca, below)
            {
                found.links.push(ca);
                return Some(found);
            }
        }
        None
    }

    fn leads(&mut self, certificate: &Certificate, key: &PublicKey) -> bool {
        let Some(left) = self.tries_left.checked_sub(1) else { return false };
        self.tries_left = left;
        self.by_name || certificate.is_signed_by(key)
    }

    /// The first certificate upwards whose issuer nobody is.
    fn unknown_issuer(&self, kind: CertificateKind, leaf: &Certificate) -> TpmCertificateError {
        let (mut kind, mut certificate) = (kind, leaf);
        for _ in 0..LINKS_MAX {
            let Some(ca) = self.pool.iter().find(|ca| ca.subject() == certificate.issuer()) else {
                break;
            };
            (kind, certificate) = (CertificateKind::Ca, ca);
        }
        TpmCertificateError::IssuerUnknown { kind, issuer: certificate.issuer().to_string() }
    }
}
