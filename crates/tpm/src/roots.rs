//! Whose certificates are trusted: data that an operator names, and nothing built in.

use avouch_pki::{Certificate, CertificateError, TrustAnchor, pem};
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
pub struct Roots {
    anchors: Vec<TrustAnchor>,
    intermediates: Vec<Certificate>,
}

/// Why a file cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RootError {
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

failed_check!(RootError {
    Self::Pem(_) => "tpm-root-malformed",
    Self::Empty => "tpm-root-malformed",
    Self::Certificate { .. } => "tpm-root-malformed",
    Self::NotCa { .. } => "tpm-root-not-ca",
});

impl Roots {
    /// No root at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { anchors: Vec::new(), intermediates: Vec::new() }
    }

    /// Adds every certificate of a file, PEM or one DER, as a CA to trust. One that is trusted already is
    /// not added again.
    ///
    /// # Errors
    /// [`RootError`]: nothing of the file is added then.
    pub fn with_trusted(mut self, file: &[u8]) -> Result<Self, RootError> {
        for certificate in read(file)? {
            let label =
                format!("{} {}", certificate.subject().label(), certificate.fingerprint_sha256());
            let anchor = TrustAnchor::from_certificate(label, &certificate);
            let is_known = |known: &TrustAnchor| {
                known.subject() == anchor.subject() && known.key() == anchor.key()
            };
            if !self.anchors.iter().any(is_known) {
                self.anchors.push(anchor);
            }
        }
        Ok(self)
    }

    /// Adds every certificate of a file as one that may stand between a trusted CA and a key. It is
    /// judged where it is used.
    ///
    /// # Errors
    /// [`RootError`]: nothing of the file is added then.
    pub fn with_intermediates(mut self, file: &[u8]) -> Result<Self, RootError> {
        self.intermediates.extend(read(file)?);
        Ok(self)
    }

    /// The trusted CAs.
    pub fn anchors(&self) -> impl Iterator<Item = &TrustAnchor> {
        self.anchors.iter()
    }

    /// Whether no CA is trusted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    pub(crate) fn intermediates(&self) -> impl Iterator<Item = &Certificate> {
        self.intermediates.iter()
    }
}

/// The CA certificates of a file.
fn read(file: &[u8]) -> Result<Vec<Certificate>, RootError> {
    let is_der = file.first() == Some(&0x30);
    let ders =
        if is_der { vec![file.to_vec()] } else { pem::certificates(file, FILE_CERTIFICATES_MAX)? };
    if ders.is_empty() {
        return Err(RootError::Empty);
    }
    let read = |(index, der): (usize, &Vec<u8>)| {
        let certificate = Certificate::parse_for_its_key(der)
            .map_err(|source| RootError::Certificate { index, source })?;
        if certificate.is_ca() {
            return Ok(certificate);
        }
        Err(RootError::NotCa { name: certificate.subject().label().to_owned() })
    };
    ders.iter().enumerate().map(read).collect()
}
