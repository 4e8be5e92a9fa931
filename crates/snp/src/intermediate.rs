//! ASKs and ASVKs: from a trusted root to what certifies endorsement keys.

use std::sync::Arc;

use avouch_pki::{
    Certificate, Issuer, Name, PathError, PathErrorKind, Role, Serial, TrustAnchor,
    VerifiedCertificate, Window, verify_issued,
};
use avouch_wire::{FailedCheck as _, Hex, UnixTime};

use crate::amd_keys::PinnedIntermediate;
use crate::anchors::pinned_anchor;
use crate::scheme::check_scheme;
use crate::{Anchor, CertificateRole, Product, TrustAnchors, VekKind, VerifyError};

/// An ASK or ASVK that a trusted root certified.
///
/// Only [`verify_intermediate`] makes one; those of AMD's that are pinned come with
/// [`TrustAnchors::amd`].
/// Cloning is cheap.
#[derive(Debug, Clone)]
pub struct VerifiedIntermediate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    key: IntermediateKey,
    fingerprint: Hex<32>,
    issues: VekKind,
    serial: Serial,
    window: Window,
    anchor: Arc<Anchor>,
}

#[derive(Debug)]
enum IntermediateKey {
    Pinned(TrustAnchor),
    Certificate(VerifiedCertificate),
}

impl VerifiedIntermediate {
    fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// One of AMD's; `None` if its constants are not sound, which a test excludes.
    pub(crate) fn pinned(pinned: &PinnedIntermediate, anchor: Arc<Anchor>) -> Option<Self> {
        Some(Self::new(Inner {
            key: IntermediateKey::Pinned(pinned_anchor(&pinned.key)?),
            fingerprint: Hex::from_hex(pinned.key.certificate_sha256).ok()?,
            issues: pinned.issues,
            serial: Serial::from_content(&minimal(pinned.serial)),
            window: Window {
                not_before: UnixTime::from_seconds(pinned.not_before).ok()?,
                not_after: UnixTime::from_seconds(pinned.not_after).ok()?,
            },
            anchor,
        }))
    }

    /// SHA-256 of the certificate.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> &Hex<32> {
        &self.inner.fingerprint
    }

    /// What it may sign.
    #[must_use]
    pub fn issues(&self) -> VekKind {
        self.inner.issues
    }

    /// Its product.
    #[must_use]
    pub fn product(&self) -> Product {
        self.inner.anchor.product()
    }

    /// The root that certified it.
    #[must_use]
    pub fn anchor(&self) -> &Anchor {
        &self.inner.anchor
    }

    /// When it is valid.
    #[must_use]
    pub fn window(&self) -> Window {
        self.inner.window
    }

    /// Its serial number, which CRLs name.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.inner.serial
    }

    /// Its subject, which what it issues must name.
    #[must_use]
    pub fn issuer_name(&self) -> &Name {
        match &self.inner.key {
            IntermediateKey::Pinned(anchor) => anchor.subject(),
            IntermediateKey::Certificate(verified) => verified.certificate().subject(),
        }
    }

    pub(crate) fn as_issuer(&self) -> Issuer<'_> {
        match &self.inner.key {
            IntermediateKey::Pinned(anchor) => Issuer::Anchor(anchor),
            IntermediateKey::Certificate(verified) => Issuer::Certificate(verified),
        }
    }

    /// Whether it is valid at `at`; an anchor alone would not say.
    pub(crate) fn check_window(&self, at: UnixTime) -> Result<(), VerifyError> {
        outside(CertificateRole::Intermediate, self.issuer_name().label(), self.inner.window, at)
    }
}

/// Verifies an ASK or ASVK under the trusted roots of its product.
///
/// An intermediate whose bytes are pinned or remembered is taken as it is. Revocation is judged
/// with the chain, not here.
///
/// # Errors
/// [`VerifyError`]: not named like an intermediate, no root of its product, or the link from the
/// root does not hold at `at`.
///
/// # Source
/// AMD 57230, certificate chain.
pub fn verify_intermediate(
    certificate: &Certificate,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedIntermediate, VerifyError> {
    let fingerprint = certificate.fingerprint_sha256();
    if let Some(known) = anchors.intermediate(&fingerprint) {
        known.check_window(at)?;
        return Ok(known.clone());
    }
    let (product, issues) = intermediate_name(certificate.subject()).ok_or_else(|| {
        let found = certificate.subject().label().to_owned();
        VerifyError::IntermediateName { found }
    })?;
    check_scheme(CertificateRole::Intermediate, certificate)?;
    let mut refusal = VerifyError::NoRoot { product };
    for anchor in anchors.of_product(product) {
        match verify_issued(certificate, anchor.trust(), Role::Ca, at) {
            Ok(verified) => {
                return Ok(VerifiedIntermediate::new(Inner {
                    window: verified.window(),
                    key: IntermediateKey::Certificate(verified),
                    fingerprint,
                    issues,
                    serial: certificate.serial().clone(),
                    anchor: Arc::clone(anchor),
                }));
            }
            Err(source) => {
                let error = VerifyError::Path { role: CertificateRole::Intermediate, source };
                refusal = more_telling(refusal, error);
            }
        }
    }
    Err(refusal)
}

/// A window that `at` lies outside of, as a failed link of the chain.
fn outside(
    role: CertificateRole,
    certificate: &str,
    window: Window,
    at: UnixTime,
) -> Result<(), VerifyError> {
    window.check(at).map_err(|outside| VerifyError::Path {
        role,
        source: PathError {
            certificate: certificate.to_owned(),
            kind: PathErrorKind::OutsideWindow(outside),
        },
    })
}

/// Of two roots' refusals, the one that is not merely about the name.
fn more_telling(first: VerifyError, second: VerifyError) -> VerifyError {
    let dull = ["root-missing", "intermediate-issuer-name"];
    if dull.contains(&first.check()) { second } else { first }
}

/// Product and kind that `SEV-<product>` or `SEV-VLEK-<product>` stands for.
pub(crate) fn intermediate_name(name: &Name) -> Option<(Product, VekKind)> {
    let rest = name.common_name()?.strip_prefix("SEV-")?;
    match rest.strip_prefix("VLEK-") {
        Some(product) => Some((Product::from_name(product)?, VekKind::Vlek)),
        None => Some((Product::from_name(rest)?, VekKind::Vcek)),
    }
}

/// Content bytes of a DER INTEGER; AMD's serials are positive and below 2^31.
fn minimal(serial: u32) -> Vec<u8> {
    let bytes = serial.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(3);
    let mut content: Vec<u8> = bytes.into_iter().skip(zeros).collect();
    if content.first().is_some_and(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    content
}

#[cfg(test)]
mod tests {
    use super::minimal;

    #[test]
    fn serials_are_written_in_their_shortest_form() {
        assert_eq!(minimal(0), [0]);
        assert_eq!(minimal(0x7f), [0x7f]);
        assert_eq!(minimal(0x80), [0, 0x80]);
        assert_eq!(minimal(0x0180), [1, 0x80]);
        assert_eq!(minimal(0x8001), [0, 0x80, 1]);
        assert_eq!(minimal(0x0002_0002), [2, 0, 2]);
    }
}
