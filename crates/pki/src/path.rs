//! From a trust anchor, link by link, to a certificate that may be relied on.

use avouch_wire::{Hex, UnixTime};
use serde::Serialize;
use thiserror::Error;

use crate::{Certificate, Extension, KeyKind, Name, OutsideWindow, PublicKey, Window, digest, oid};

/// A key that is trusted because an operator or this program says so, with the name that issued
/// certificates must carry. Its validity is not judged: an anchor is a key, not a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchor {
    root: Root,
    subject: Name,
    key: PublicKey,
}

/// Which trust anchor a verified thing rests on, for people and audit records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Root {
    /// What people call it.
    pub label: String,
    /// Whether it is the vendor's own, known in this program. Evidence under any other root is as good
    /// as whoever holds that root's key.
    pub is_built_in: bool,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_sha256: Hex<32>,
}

impl TrustAnchor {
    /// An anchor that an operator chose, shown to people as `label`.
    #[must_use]
    pub fn new(label: impl Into<String>, subject: Name, key: PublicKey) -> Self {
        let key_sha256 = digest::sha256(key.spki_der());
        Self { root: Root { label: label.into(), is_built_in: false, key_sha256 }, subject, key }
    }

    /// A vendor's own anchor, known in this program.
    #[must_use]
    pub fn built_in(label: impl Into<String>, subject: Name, key: PublicKey) -> Self {
        let mut anchor = Self::new(label, subject, key);
        anchor.root.is_built_in = true;
        anchor
    }

    /// An anchor that an operator chose, with the name and key of a certificate, which is not itself
    /// verified.
    #[must_use]
    pub fn from_certificate(label: impl Into<String>, certificate: &Certificate) -> Self {
        Self::new(label, certificate.subject().clone(), certificate.public_key().clone())
    }

    /// What is said of it.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.root.label
    }

    /// Whether both mean the same key under the same name, whatever they are called.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.key == other.key && self.subject == other.subject
    }

    /// The issuer name that its certificates carry.
    #[must_use]
    pub const fn subject(&self) -> &Name {
        &self.subject
    }

    /// The trusted key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// Who may issue: an anchor, or a CA certificate that was verified before.
#[derive(Debug, Clone, Copy)]
pub enum Issuer<'a> {
    /// A trust anchor.
    Anchor(&'a TrustAnchor),
    /// A verified certificate.
    Certificate(&'a VerifiedCertificate),
}

impl<'a> From<&'a TrustAnchor> for Issuer<'a> {
    fn from(anchor: &'a TrustAnchor) -> Self {
        Self::Anchor(anchor)
    }
}

impl<'a> From<&'a VerifiedCertificate> for Issuer<'a> {
    fn from(certificate: &'a VerifiedCertificate) -> Self {
        Self::Certificate(certificate)
    }
}

impl Issuer<'_> {
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Anchor(anchor) => anchor.subject(),
            Self::Certificate(verified) => verified.certificate.subject(),
        }
    }

    pub(crate) fn key(&self) -> &PublicKey {
        match self {
            Self::Anchor(anchor) => anchor.key(),
            Self::Certificate(verified) => verified.certificate.public_key(),
        }
    }

    /// Validity of the path above; an anchor has no bounds.
    pub(crate) const fn window(&self) -> Option<Window> {
        match self {
            Self::Anchor(_) => None,
            Self::Certificate(verified) => Some(verified.window),
        }
    }
}

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It signs certificates or CRLs.
    Ca,
    /// It signs evidence or documents, or carries a key.
    Leaf,
    /// It carries a key that secrets are sent to: an endorsement key of a TPM.
    Recipient,
}

/// A certificate whose signatures lead to an anchor, or which is pinned itself, and which was valid
/// when it was judged.
///
/// Only [`verify_issued`] and [`verify_pinned`] make one. Keep [`VerifiedCertificate::window`] beside it and ask it
/// again when time has passed. Revocation is not part of it.
#[derive(Debug, Clone)]
pub struct VerifiedCertificate {
    certificate: Certificate,
    role: Role,
    window: Window,
    /// How many CA certificates may still follow below this one.
    ca_links_left: u32,
}

impl VerifiedCertificate {
    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What it was verified for.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The span in which it and every certificate above it is valid.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }
}

/// Why a certificate is not accepted, and which one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("certificate {certificate:?}: {kind}")]
pub struct PathError {
    /// The common name of the certificate.
    pub certificate: String,
    /// What did not hold.
    pub kind: PathErrorKind,
}

/// What did not hold about a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PathErrorKind {
    /// It names another issuer.
    #[error("issuer is {found:?}, expected {expected:?}")]
    IssuerName {
        /// Subject of the certificate or anchor above.
        expected: String,
        /// Issuer named in the certificate.
        found: String,
    },
    /// Its signature was not made by the issuer's key.
    #[error("signature does not verify under the {key} key of {issuer:?}")]
    Signature {
        /// Kind of the issuer's key.
        key: KeyKind,
        /// The issuer.
        issuer: String,
    },
    /// It, or one above it, is not valid at the moment judged at.
    #[error(transparent)]
    OutsideWindow(#[from] OutsideWindow),
    /// The certificate above it was verified as a leaf.
    #[error("issuer {issuer:?} is not a CA")]
    IssuerNotCa {
        /// The issuer.
        issuer: String,
    },
    /// It should be a CA and is not.
    #[error("basic constraints do not make it a CA")]
    NotCa,
    /// It is a CA and should be a leaf.
    #[error("it is a CA where an end-entity certificate is expected")]
    CaAsLeaf,
    /// Its key usage does not allow what it is used for.
    #[error("key usage does not include {needed}")]
    KeyUsage {
        /// The missing bit.
        needed: &'static str,
    },
    /// More CAs in the path than one above allows.
    #[error("path is longer than a certificate above allows")]
    PathLength,
    /// A critical extension that is not understood.
    #[error("critical extension {0} is not understood")]
    UnknownCriticalExtension(String),
    /// An extension that constrains the path below in a way that is not implemented.
    #[error("extension {0} constrains the path and is not implemented")]
    UnsupportedConstraint(String),
    /// A copy of the root has another key or name than the anchor.
    #[error("root is not the trust anchor {anchor:?}: {what} differs")]
    AnchorMismatch {
        /// Label of the anchor.
        anchor: String,
        /// Which part differs.
        what: &'static str,
    },
}

/// Verifies one link: that `issuer` signed `certificate` and that it may serve in `role` at `at`.
///
/// Checked: issuer name (by DER), signature, validity at `at` of this certificate and all above,
/// basic constraints and path length, key usage where present (keyCertSign for a CA,
/// digitalSignature for a leaf, keyEncipherment or keyAgreement as the key can do it for a
/// recipient), that no critical extension is unknown, and that there are neither
/// name nor policy constraints, policy mappings or inhibit-any-policy, critical or not.
/// Not checked: revocation, extended key usage.
///
/// # Errors
/// [`PathError`] naming the certificate and the check.
///
/// # Source
/// RFC 5280, section 6.1.3, for a path of one link below a known issuer.
pub fn verify_issued<'a>(
    certificate: &Certificate,
    issuer: impl Into<Issuer<'a>>,
    role: Role,
    at: UnixTime,
) -> Result<VerifiedCertificate, PathError> {
    verify_issued_understanding(certificate, issuer, role, &[], at)
}

/// As [`verify_issued`], by a caller who honours more critical extensions: those whose dotted
/// identifiers are `understood`. What constrains a path is refused all the same.
///
/// # Errors
/// As [`verify_issued`].
pub fn verify_issued_understanding<'a>(
    certificate: &Certificate,
    issuer: impl Into<Issuer<'a>>,
    role: Role,
    understood: &[&str],
    at: UnixTime,
) -> Result<VerifiedCertificate, PathError> {
    let issuer = issuer.into();
    judge(certificate, issuer, role, understood, at)
        .map_err(|kind| PathError { certificate: certificate.subject().label().to_owned(), kind })
}

fn judge(
    certificate: &Certificate,
    issuer: Issuer<'_>,
    role: Role,
    understood: &[&str],
    at: UnixTime,
) -> Result<VerifiedCertificate, PathErrorKind> {
    if certificate.issuer() != issuer.name() {
        let (found, expected) = certificate.issuer().told_from(issuer.name());
        return Err(PathErrorKind::IssuerName { expected, found });
    }
    let ca_links_left = links_left(certificate, issuer, role)?;
    check_alone(certificate, role, understood, at)?;
    let own = certificate.validity();
    let window = issuer.window().map_or(own, |above| own.intersect(above));
    window.check(at)?;
    if !certificate.is_signed_by(issuer.key()) {
        let key = issuer.key().kind();
        return Err(PathErrorKind::Signature { key, issuer: issuer.name().label().to_owned() });
    }
    Ok(VerifiedCertificate { certificate: certificate.clone(), role, window, ca_links_left })
}

/// What can be said of a certificate without its issuer.
fn check_alone(
    certificate: &Certificate,
    role: Role,
    understood: &[&str],
    at: UnixTime,
) -> Result<(), PathErrorKind> {
    check_usage(certificate, role)?;
    check_extensions(certificate, understood)?;
    certificate.validity().check(at)?;
    Ok(())
}

/// Verifies a CA certificate at the top of a path that is trusted as it is, byte for byte: because
/// an operator or a tenant named it, or by its fingerprint. Its issuer need not be known.
///
/// Checked: all that [`verify_issued`] checks of a CA but for its issuer and their signature; its
/// path length counts below it. If it names itself as its issuer its own key must have signed it.
/// Not checked: that it is the certificate that was named, which is for the caller.
///
/// # Errors
/// [`PathError`] naming the certificate and the check.
pub fn verify_pinned(
    certificate: &Certificate,
    at: UnixTime,
) -> Result<VerifiedCertificate, PathError> {
    judge_pinned(certificate, at)
        .map_err(|kind| PathError { certificate: certificate.subject().label().to_owned(), kind })
}

fn judge_pinned(
    certificate: &Certificate,
    at: UnixTime,
) -> Result<VerifiedCertificate, PathErrorKind> {
    check_alone(certificate, Role::Ca, &[], at)?;
    let key = certificate.public_key();
    if certificate.is_self_issued() && !certificate.is_signed_by(key) {
        let issuer = certificate.subject().label().to_owned();
        return Err(PathErrorKind::Signature { key: key.kind(), issuer });
    }
    let own = certificate.path_length();
    Ok(VerifiedCertificate {
        certificate: certificate.clone(),
        role: Role::Ca,
        window: certificate.validity(),
        ca_links_left: own.map_or(CA_LINKS_LIMIT, |own| own.min(CA_LINKS_LIMIT)),
    })
}

/// The longest path that anything here needs has two CAs below the anchor.
const CA_LINKS_LIMIT: u32 = 4;

fn links_left(
    certificate: &Certificate,
    issuer: Issuer<'_>,
    role: Role,
) -> Result<u32, PathErrorKind> {
    let left = match issuer {
        Issuer::Anchor(_) => CA_LINKS_LIMIT,
        Issuer::Certificate(above) if above.role == Role::Ca => above.ca_links_left,
        Issuer::Certificate(above) => {
            let issuer = above.certificate.subject().label().to_owned();
            return Err(PathErrorKind::IssuerNotCa { issuer });
        }
    };
    if role != Role::Ca {
        return Ok(0);
    }
    let below = left.checked_sub(1).ok_or(PathErrorKind::PathLength)?;
    let own = certificate.path_length();
    Ok(own.map_or(below, |own| own.min(below)))
}

fn check_usage(certificate: &Certificate, role: Role) -> Result<(), PathErrorKind> {
    match (role, certificate.is_ca()) {
        (Role::Ca, false) => return Err(PathErrorKind::NotCa),
        (Role::Leaf | Role::Recipient, true) => return Err(PathErrorKind::CaAsLeaf),
        _ => {}
    }
    let Some(usage) = certificate.key_usage() else { return Ok(()) };
    let is_rsa = matches!(certificate.public_key().kind(), KeyKind::Rsa { .. });
    let (allowed, needed) = match role {
        Role::Ca => (usage.key_cert_sign, "keyCertSign"),
        Role::Leaf => (usage.digital_signature, "digitalSignature"),
        Role::Recipient if is_rsa => (usage.key_encipherment, "keyEncipherment"),
        Role::Recipient => (usage.key_agreement, "keyAgreement"),
    };
    if allowed { Ok(()) } else { Err(PathErrorKind::KeyUsage { needed }) }
}

/// Extensions whose meaning is honoured here or by every caller.
const UNDERSTOOD: [&str; 7] = [
    oid::BASIC_CONSTRAINTS,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::SUBJECT_ALT_NAME,
    oid::CRL_DISTRIBUTION_POINTS,
];

/// Extensions that constrain what a CA may certify, in ways that are not implemented. A path that
/// ignored them would hold where its CA wanted it not to, whether they are critical or not.
const CONSTRAINTS: [&str; 4] =
    [oid::NAME_CONSTRAINTS, oid::POLICY_CONSTRAINTS, oid::POLICY_MAPPINGS, oid::INHIBIT_ANY_POLICY];

fn check_extensions(certificate: &Certificate, understood: &[&str]) -> Result<(), PathErrorKind> {
    for Extension { oid, critical, .. } in certificate.extensions() {
        if CONSTRAINTS.contains(&oid.as_str()) {
            return Err(PathErrorKind::UnsupportedConstraint(oid.clone()));
        }
        let is_understood = |list: &[&str]| list.contains(&oid.as_str());
        if *critical && !is_understood(&UNDERSTOOD) && !is_understood(understood) {
            return Err(PathErrorKind::UnknownCriticalExtension(oid.clone()));
        }
    }
    Ok(())
}

/// Checks that a certificate sent along is a copy of the anchor: same name and key, and signed
/// by that key. Its dates are not judged, since vendors re-issue roots under the same key.
///
/// # Errors
/// [`PathError`] with [`PathErrorKind::AnchorMismatch`].
pub fn verify_anchor_copy(
    certificate: &Certificate,
    anchor: &TrustAnchor,
) -> Result<(), PathError> {
    let what = if certificate.subject().only_reads_like(anchor.subject()) {
        "encoding of the name"
    } else if certificate.subject() != anchor.subject() {
        "name"
    } else if certificate.public_key() != anchor.key() {
        "key"
    } else if !certificate.is_signed_by(anchor.key()) {
        "signature"
    } else {
        return Ok(());
    };
    let kind = PathErrorKind::AnchorMismatch { anchor: anchor.label().to_owned(), what };
    Err(PathError { certificate: certificate.subject().label().to_owned(), kind })
}
