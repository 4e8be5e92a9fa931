//! Certificate revocation lists: complete, direct ones only.

use avouch_wire::UnixTime;
use thiserror::Error;
use x509_parser::prelude::{FromDer as _, X509Extension};
use x509_parser::revocation_list::CertificateRevocationList;

use crate::certificate::moment;
use crate::path::Issuer;
use crate::signature::{X509Algorithm, unsigned_parts_are_canonical};
use crate::{KeyKind, Name, OutsideWindow, Serial, SignatureScheme, Window, oid};

/// A parsed CRL. Nothing in it is trusted until [`verify_crl`] says so.
#[derive(Debug, Clone)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Vec<u8>,
    signature: Vec<u8>,
    algorithm: X509Algorithm,
    issuer: Name,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
    number: Option<Vec<u8>>,
    /// Sorted.
    revoked: Vec<Serial>,
}

/// A CRL that its issuer signed and that was current when it was judged.
///
/// Only [`verify_crl`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedCrl {
    crl: Crl,
    window: Window,
}

/// Why a CRL is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CrlError {
    /// Not DER, or not the structure of RFC 5280, or bytes follow.
    #[error("not a DER X.509 CRL")]
    Malformed,
    /// Larger than any CRL that is needed.
    #[error("CRL of {found} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The signature algorithm is none of those in use, or is named differently in two places.
    #[error("{0}")]
    UnsupportedAlgorithm(String),
    /// An extension that would change what the list means.
    #[error("CRL extension {0} is not accepted")]
    Extension(String),
    /// It names another issuer.
    #[error("CRL issuer is {found:?}, expected {expected:?}")]
    IssuerName {
        /// Who should have issued it.
        expected: String,
        /// Who it says issued it.
        found: String,
    },
    /// The issuer's key usage does not include cRLSign.
    #[error("{issuer:?} may not sign CRLs: key usage does not include cRLSign")]
    IssuerKeyUsage {
        /// The issuer.
        issuer: String,
    },
    /// Its signature was not made by the issuer's key.
    #[error("CRL signature does not verify under the {key} key of {issuer:?}")]
    Signature {
        /// Kind of the issuer's key.
        key: KeyKind,
        /// The issuer.
        issuer: String,
    },
    /// It does not say when the next one comes.
    #[error("CRL of {issuer:?} has no nextUpdate")]
    NoNextUpdate {
        /// The issuer.
        issuer: String,
    },
    /// It is not current at the moment judged at.
    #[error("CRL of {issuer:?} is {source}")]
    OutsideWindow {
        /// The issuer.
        issuer: String,
        /// Which end it misses.
        source: OutsideWindow,
    },
}

impl CrlError {
    /// The stable name of the check that failed.
    #[must_use]
    pub const fn check(&self) -> &'static str {
        match self {
            Self::Malformed | Self::TooLarge { .. } | Self::UnsupportedAlgorithm(_) => {
                "crl-malformed"
            }
            Self::Extension(_) => "crl-extension",
            Self::IssuerName { .. } => "crl-issuer-name",
            Self::IssuerKeyUsage { .. } => "crl-issuer-key-usage",
            Self::Signature { .. } => "crl-signature",
            Self::NoNextUpdate { .. } => "crl-next-update",
            Self::OutsideWindow { source: OutsideWindow::NotYetValid { .. }, .. } => {
                "crl-not-yet-valid"
            }
            Self::OutsideWindow { source: OutsideWindow::Expired { .. }, .. } => "crl-expired",
        }
    }
}

/// The largest CRL read; Intel's largest has under 4 KiB.
const SIZE_LIMIT_BYTES: usize = 4 * 1024 * 1024;

impl Crl {
    /// Reads one DER CRL that fills `der` exactly.
    ///
    /// # Errors
    /// [`CrlError`]: malformed, or not a complete direct CRL. Signature and dates are not judged.
    pub fn parse(der: &[u8]) -> Result<Self, CrlError> {
        if der.len() > SIZE_LIMIT_BYTES {
            return Err(CrlError::TooLarge { found: der.len(), limit: SIZE_LIMIT_BYTES });
        }
        let Ok(([], parsed)) = CertificateRevocationList::from_der(der) else {
            return Err(CrlError::Malformed);
        };
        let (tbs, signature) = (parsed.tbs_cert_list.as_ref(), &parsed.signature_value.data);
        if !unsigned_parts_are_canonical(der, tbs, signature) {
            let text = "signature algorithm inside and outside of the signed part differ";
            return Err(CrlError::UnsupportedAlgorithm(text.to_owned()));
        }
        check_extensions(parsed.extensions())?;
        let malformed = CrlError::Malformed;
        let next_update = match parsed.next_update() {
            Some(time) => Some(moment(time).ok_or_else(|| malformed.clone())?),
            None => None,
        };
        Ok(Self {
            der: der.to_vec(),
            tbs: tbs.to_vec(),
            signature: signature.to_vec(),
            algorithm: X509Algorithm::read(&parsed.signature_algorithm)
                .map_err(CrlError::UnsupportedAlgorithm)?,
            issuer: Name::from_parsed(parsed.issuer()),
            this_update: moment(parsed.last_update()).ok_or(malformed)?,
            next_update,
            number: parsed.crl_number().map(|number| number.to_bytes_be()),
            revoked: revoked_serials(&parsed)?,
        })
    }

    /// The DER of the whole list.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Who is said to have issued it.
    #[must_use]
    pub const fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The scheme that an RSA key signed it by; `None` if the algorithm is not an RSA one.
    #[must_use]
    pub const fn rsa_signature_scheme(&self) -> Option<SignatureScheme> {
        self.algorithm.rsa_scheme()
    }

    /// When it was issued.
    #[must_use]
    pub const fn this_update(&self) -> UnixTime {
        self.this_update
    }

    /// When the next one comes.
    #[must_use]
    pub const fn next_update(&self) -> Option<UnixTime> {
        self.next_update
    }

    /// The content of the CRL number, big-endian, if there is one: for showing; nothing is verified.
    #[must_use]
    pub fn untrusted_number(&self) -> Option<&[u8]> {
        self.number.as_deref()
    }

    /// The serial numbers on the list, sorted by their bytes: for showing. Whether a certificate is revoked is
    /// asked of a [`VerifiedCrl`].
    #[must_use]
    pub fn untrusted_revoked(&self) -> &[Serial] {
        &self.revoked
    }
}

/// Extensions that change nothing about which certificates the list revokes.
const HARMLESS: [&str; 2] = [oid::CRL_NUMBER, oid::AUTHORITY_KEY_IDENTIFIER];

fn check_extensions(extensions: &[X509Extension<'_>]) -> Result<(), CrlError> {
    let narrowing = [oid::DELTA_CRL_INDICATOR, oid::ISSUING_DISTRIBUTION_POINT];
    for extension in extensions {
        let oid = oid::dotted(&extension.oid).ok_or(CrlError::Malformed)?;
        let unknown_critical = extension.critical && !HARMLESS.contains(&oid.as_str());
        if unknown_critical || narrowing.contains(&oid.as_str()) {
            return Err(CrlError::Extension(oid));
        }
    }
    Ok(())
}

fn revoked_serials(parsed: &CertificateRevocationList<'_>) -> Result<Vec<Serial>, CrlError> {
    let mut serials = Vec::new();
    for entry in parsed.iter_revoked_certificates() {
        for extension in entry.extensions() {
            let oid = oid::dotted(&extension.oid).ok_or(CrlError::Malformed)?;
            if extension.critical || oid == oid::CERTIFICATE_ISSUER {
                return Err(CrlError::Extension(oid));
            }
        }
        serials.push(Serial::new(entry.raw_serial()));
    }
    serials.sort();
    Ok(serials)
}

impl VerifiedCrl {
    /// From thisUpdate to nextUpdate, cut to the validity of the issuer's certificate.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The CRL number as big-endian bytes.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.crl.number.as_deref()
    }

    /// Who issued it.
    #[must_use]
    pub const fn issuer(&self) -> &Name {
        &self.crl.issuer
    }

    /// The DER of the whole list.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.crl.der
    }

    /// Whether the list names this serial number, whatever the reason or date.
    #[must_use]
    pub fn is_revoked(&self, serial: &Serial) -> bool {
        self.crl.revoked.binary_search(serial).is_ok()
    }

    /// How many serial numbers it names.
    #[must_use]
    pub fn revoked_count(&self) -> usize {
        self.crl.revoked.len()
    }
}

/// Verifies that `issuer` signed the list and that it is current at `at`.
///
/// # Errors
/// [`CrlError`]: issuer name, signature, no nextUpdate, or outside of
/// `thisUpdate <= at <= nextUpdate`.
///
/// # Source
/// RFC 5280, section 6.3.3, for complete direct CRLs.
pub fn verify_crl<'a>(
    crl: &Crl,
    issuer: impl Into<Issuer<'a>>,
    at: UnixTime,
) -> Result<VerifiedCrl, CrlError> {
    let issuer = issuer.into();
    let label = || issuer.name().label().to_owned();
    if crl.issuer() != issuer.name() {
        let (expected, found) = (issuer.name().to_string(), crl.issuer().to_string());
        return Err(CrlError::IssuerName { expected, found });
    }
    if let Issuer::Certificate(verified) = issuer
        && verified.certificate().key_usage().is_some_and(|usage| !usage.crl_sign)
    {
        return Err(CrlError::IssuerKeyUsage { issuer: label() });
    }
    let next_update = crl.next_update.ok_or_else(|| CrlError::NoNextUpdate { issuer: label() })?;
    let own = Window { not_before: crl.this_update, not_after: next_update };
    let window = issuer.window().map_or(own, |above| own.intersect(above));
    for window in [own, window] {
        window.check(at).map_err(|source| CrlError::OutsideWindow { issuer: label(), source })?;
    }
    let key = issuer.key();
    let signed = key
        .scheme_for(crl.algorithm)
        .is_some_and(|scheme| key.verify(scheme, &crl.tbs, &crl.signature).is_ok());
    if !signed {
        return Err(CrlError::Signature { key: key.kind(), issuer: label() });
    }
    Ok(VerifiedCrl { crl: crl.clone(), window })
}
