//! Whose certificates are trusted: data that an operator names, and nothing built in.

use avouch_pki::{Certificate, CertificateError, Root, TrustAnchor, pem};
use avouch_wire::failed_check;
use thiserror::Error;

/// Most certificates of one file.
const FILE_CERTIFICATES_MAX: usize = 256;

/// The CAs that an operator trusts for one purpose, endorsement keys or attestation keys, and
/// certificates between them and the keys.
///
/// A trusted CA is a name and a key: its own dates and its own signature, which may be by an algorithm
/// that is no longer accepted, are not judged.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    anchors: Vec<TrustAnchor>,
    intermediates: Vec<Certificate>,
}

/// Why a file cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnchorError {
    /// Not PEM, and not DER either.
    #[error("certificates: {0}")]
    Pem(#[from] pem::PemError),
    /// No certificate in it.
    #[error("no certificate in the file")]
    Empty,
    /// A certificate that cannot be read.
    #[error("certificate {index}: {source}")]
    Certificate {
        /// Its place in the file, from 0.
        index: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A certificate that may issue none.
    #[error("certificate {name:?} is not a CA by its basic constraints")]
    NotCa {
        /// Its common name, or its whole subject without one.
        name: String,
    },
}

failed_check!(AnchorError {
    Self::Pem(_) => "tpm-root-malformed",
    Self::Empty => "tpm-root-malformed",
    Self::Certificate { .. } => "tpm-root-malformed",
    Self::NotCa { .. } => "tpm-root-not-ca",
});

impl TrustAnchors {
    /// No root at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { anchors: Vec::new(), intermediates: Vec::new() }
    }

    /// Adds a certificate as a CA to trust; see [`Certificate::parse_for_its_key`]. One that is trusted
    /// already is not added again.
    ///
    /// # Errors
    /// [`AnchorError::NotCa`].
    pub fn with_root(self, certificate: &Certificate) -> Result<Self, AnchorError> {
        check_ca(certificate)?;
        let label =
            format!("{} {}", certificate.subject().label(), certificate.fingerprint_sha256());
        Ok(self.with_anchor(TrustAnchor::from_certificate(label, certificate)))
    }

    /// Adds a key with a name that this program knows as a CA's. One that is trusted already is not added
    /// again.
    #[must_use]
    pub fn with_anchor(mut self, anchor: TrustAnchor) -> Self {
        if !self.anchors.iter().any(|known| known.is_same_as(&anchor)) {
            self.anchors.push(anchor);
        }
        self
    }

    /// These, and those of `others` that are not among them.
    #[must_use]
    pub fn and(self, others: &Self) -> Self {
        let mut all = others.anchors.iter().cloned().fold(self, Self::with_anchor);
        all.intermediates.extend(others.intermediates.iter().cloned());
        all
    }

    /// Adds every certificate of a file, PEM or one DER, as a CA to trust; see [`Self::with_root`].
    ///
    /// # Errors
    /// [`AnchorError`]: nothing of the file is added then.
    pub fn with_file(self, file: &[u8]) -> Result<Self, AnchorError> {
        read(file)?.iter().try_fold(self, Self::with_root)
    }

    /// Adds every certificate of a file as one that may stand between a trusted CA and a key. It is
    /// judged where it is used.
    ///
    /// # Errors
    /// [`AnchorError`]: nothing of the file is added then.
    pub fn with_intermediates(mut self, file: &[u8]) -> Result<Self, AnchorError> {
        let certificates = read(file)?;
        certificates.iter().try_for_each(check_ca)?;
        self.intermediates.extend(certificates);
        Ok(self)
    }

    /// All roots.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.anchors.iter().map(TrustAnchor::root)
    }

    pub(crate) fn anchors(&self) -> impl Iterator<Item = &TrustAnchor> {
        self.anchors.iter()
    }

    /// Whether no CA is trusted.
    pub(crate) const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    pub(crate) fn intermediates(&self) -> impl Iterator<Item = &Certificate> {
        self.intermediates.iter()
    }
}

fn check_ca(certificate: &Certificate) -> Result<(), AnchorError> {
    if certificate.is_ca() {
        return Ok(());
    }
    Err(AnchorError::NotCa { name: certificate.subject().label().to_owned() })
}

/// The certificates of a file.
fn read(file: &[u8]) -> Result<Vec<Certificate>, AnchorError> {
    let ders = pem::certificates_or_der(file, FILE_CERTIFICATES_MAX)?;
    if ders.is_empty() {
        return Err(AnchorError::Empty);
    }
    let read = |(index, der): (usize, &Vec<u8>)| {
        Certificate::parse_for_its_key(der)
            .map_err(|source| AnchorError::Certificate { index, source })
    };
    ders.iter().enumerate().map(read).collect()
}
