//! The certificate of a virtual TPM's attestation key.

use avouch_pki::{PublicKey, Window};
use avouch_tpm::{AikFacts, VerifiedAik, verify_aik_certificate};
use avouch_wire::UnixTime;

use crate::{AkCertificateError, Host, VtpmAnchors};

/// The certificate of an attestation key under a CA that is trusted for virtual TPMs. Only
/// [`verify_vtpm_ak_certificate`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedVtpmAk {
    aik: VerifiedAik,
    host: Host,
    window: Window,
}

impl VerifiedVtpmAk {
    /// The key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.aik.public_key()
    }

    pub(crate) const fn aik(&self) -> &VerifiedAik {
        &self.aik
    }

    /// Whose virtual TPM it is.
    #[must_use]
    pub const fn host(&self) -> Host {
        self.host
    }

    /// When it and every certificate above it is valid.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// What it says.
    #[must_use]
    pub fn facts(&self) -> AikFacts {
        AikFacts { window: self.window, ..self.aik.facts() }
    }
}

/// Verifies the certificate of a virtual TPM's attestation key: DER, perhaps with padding behind it;
/// `sent` are certificates that came along or are at hand.
///
/// Checked: what [`verify_aik_certificate`] checks, up to a CA of Azure's or one that an operator names; of
/// a CA of Azure's that its own certificate is valid at `at`, and that no more CAs stand below it than that
/// allows. Not checked: revocation (Azure publishes none for them), and for which machine it was issued.
///
/// # Errors
/// [`AkCertificateError`] of the first check that does not hold.
pub fn verify_vtpm_ak_certificate(
    der: &[u8],
    sent: &[&[u8]],
    anchors: &VtpmAnchors,
    at: UnixTime,
) -> Result<VerifiedVtpmAk, AkCertificateError> {
    let aik = verify_aik_certificate(der, sent, anchors.anchors(), at)?;
    let Some(pinned) = anchors.pinned(aik.root()) else {
        let window = aik.window();
        return Ok(VerifiedVtpmAk { aik, host: Host::Other, window });
    };
    let name = || aik.root().label.clone();
    pinned
        .window
        .check(at)
        .map_err(|source| AkCertificateError::CaOutsideWindow { ca: name(), source })?;
    let (found, limit) = (aik.intermediates().len(), pinned.links_max);
    if found > limit {
        return Err(AkCertificateError::TooDeep { ca: name(), found, limit });
    }
    let window = aik.window().intersect(pinned.window);
    Ok(VerifiedVtpmAk { aik, host: Host::Azure, window })
}
