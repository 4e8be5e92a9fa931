//! Why the certificate of a key of a TPM is refused.

use avouch_pki::{Certificate, CertificateError, PathChecks, PathError, path_checks};
use avouch_wire::{ParseError, excerpt, failed_check};
use thiserror::Error;

use super::padding::trim_padding;

/// What a certificate is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateKind {
    /// An endorsement key.
    Ek,
    /// An attestation key.
    Aik,
    /// A CA between a trusted one and the key.
    Ca,
}

impl std::fmt::Display for CertificateKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ek => "endorsement key certificate",
            Self::Aik => "AIK certificate",
            Self::Ca => "TPM CA certificate",
        })
    }
}

/// Names of the checks of one kind.
struct KindChecks {
    path: PathChecks,
    malformed: &'static str,
    issuer_unknown: &'static str,
    usage: &'static str,
    policies: &'static str,
}

macro_rules! kind_checks {
    ($name:literal) => {
        KindChecks {
            path: path_checks!(
                $name,
                ca_as_leaf: "is-ca",
                unsupported_constraint: "critical-extension",
            ),
            malformed: concat!($name, "-malformed"),
            issuer_unknown: concat!($name, "-issuer-unknown"),
            usage: concat!($name, "-extended-usage"),
            policies: concat!($name, "-policies"),
        }
    };
}

static EK: KindChecks = kind_checks!("ek-certificate");
static AIK: KindChecks = kind_checks!("aik-certificate");
static CA: KindChecks = kind_checks!("tpm-ca");

impl CertificateKind {
    const ALL: [Self; 3] = [Self::Ek, Self::Aik, Self::Ca];

    const fn checks(self) -> &'static KindChecks {
        match self {
            Self::Ek => &EK,
            Self::Aik => &AIK,
            Self::Ca => &CA,
        }
    }

    fn all(of: impl Fn(&'static KindChecks) -> &'static str) -> Vec<&'static str> {
        Self::ALL.into_iter().map(|kind| of(kind.checks())).collect()
    }
}

/// Why the certificate of a key of a TPM is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TpmCertificateError {
    /// It cannot be read.
    #[error("{kind}: {source}")]
    Malformed {
        /// Which one.
        kind: CertificateKind,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// More certificates came along than any path needs.
    #[error("{found} certificates are over the limit of {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many are accepted.
        limit: usize,
    },
    /// Nobody is trusted.
    #[error("no CA is trusted for the {kind}")]
    NoRoots {
        /// Which one.
        kind: CertificateKind,
    },
    /// No certificate at hand is of its issuer.
    #[error("the issuer {} of the {kind} is neither trusted nor at hand", excerpt(.issuer))]
    IssuerUnknown {
        /// Which one.
        kind: CertificateKind,
        /// The name of the issuer.
        issuer: String,
    },
    /// A link does not hold.
    #[error("{kind}: {source}")]
    Path {
        /// Which one.
        kind: CertificateKind,
        /// What did not hold.
        source: PathError,
    },
    /// It has extended key usages, and not the one that it needs.
    #[error("{kind} is for other uses than {expected}")]
    Usage {
        /// Which one.
        kind: CertificateKind,
        /// The usage that is needed, dotted.
        expected: &'static str,
    },
    /// Its certificate policies cannot be understood.
    #[error("{kind}: certificate policies: {source}")]
    Policies {
        /// Which one.
        kind: CertificateKind,
        /// What is wrong with them.
        source: ParseError,
    },
    /// An endorsement key certificate without key usage.
    #[error("endorsement key certificate has no key usage")]
    NoKeyUsage,
    /// The TPM that it is for cannot be read.
    #[error("endorsement key certificate: {source}")]
    Tpm {
        /// What is wrong with it.
        source: ParseError,
    },
    /// It has no subject, and its alternative name is not critical.
    #[error("endorsement key certificate has no subject and no critical alternative name")]
    NoSubject,
}

failed_check!(TpmCertificateError {
    Self::Malformed { kind, .. } => (
        kind.checks().malformed,
        CertificateKind::all(|checks| checks.malformed)
    ),
    Self::TooMany { .. } => "tpm-certificates-too-many",
    Self::NoRoots { .. } => "tpm-no-roots",
    Self::IssuerUnknown { kind, .. } => (
        kind.checks().issuer_unknown,
        CertificateKind::all(|checks| checks.issuer_unknown)
    ),
    Self::Path { kind, source } => (
        kind.checks().path.of(&source.kind),
        CertificateKind::ALL.into_iter().flat_map(|kind| kind.checks().path.all())
    ),
    Self::Usage { kind, .. } => (
        kind.checks().usage,
        CertificateKind::all(|checks| checks.usage)
    ),
    Self::Policies { kind, .. } => (
        kind.checks().policies,
        CertificateKind::all(|checks| checks.policies)
    ),
    Self::NoKeyUsage => "ek-certificate-key-usage",
    Self::Tpm { .. } => "ek-certificate-tpm",
    Self::NoSubject => "ek-certificate-subject",
});

/// Reads a certificate out of the area it lies in.
pub(super) fn read(kind: CertificateKind, area: &[u8]) -> Result<Certificate, TpmCertificateError> {
    Certificate::parse(trim_padding(area))
        .map_err(|source| TpmCertificateError::Malformed { kind, source })
}

/// Checks that a certificate with extended key usages has this one.
pub(super) fn check_usage(
    kind: CertificateKind,
    certificate: &Certificate,
    expected: &'static str,
) -> Result<(), TpmCertificateError> {
    let usages = certificate.extended_key_usages();
    if usages.is_empty() || usages.iter().any(|usage| usage == expected) {
        return Ok(());
    }
    Err(TpmCertificateError::Usage { kind, expected })
}
