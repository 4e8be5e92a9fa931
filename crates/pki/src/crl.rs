//! Certificate revocation lists: complete, direct ones only.

use avouch_wire::{Cursor, ParseError, UnixTime};
use thiserror::Error;

use crate::extension::{self, ExtensionsError};
use crate::path::Issuer;
use crate::signature::X509Algorithm;
use crate::signed::Signed;
use crate::{Extension, KeyKind, Name, OutsideWindow, Serial, SignatureScheme, Window, der, oid};

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
    #[error("not a DER X.509 CRL: {0}")]
    Malformed(#[from] ParseError),
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
    /// An extension that appears twice.
    #[error("CRL extension {0} appears twice")]
    DuplicateExtension(String),
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

impl From<ExtensionsError> for CrlError {
    fn from(error: ExtensionsError) -> Self {
        match error {
            ExtensionsError::Malformed(error) => Self::Malformed(error),
            ExtensionsError::Duplicate(oid) => Self::DuplicateExtension(oid),
        }
    }
}

/// The largest CRL read; Intel's largest has under 4 KiB.
const SIZE_LIMIT_BYTES: usize = 4 * 1024 * 1024;

impl Crl {
    /// Reads one DER CRL that fills `der` exactly, each structure to its end.
    ///
    /// # Errors
    /// [`CrlError`]: malformed, or not a complete direct CRL. Signature and dates are not judged.
    ///
    /// # Source
    /// RFC 5280, sections 5.1 to 5.3.
    pub fn parse(der: &[u8]) -> Result<Self, CrlError> {
        if der.len() > SIZE_LIMIT_BYTES {
            return Err(CrlError::TooLarge { found: der.len(), limit: SIZE_LIMIT_BYTES });
        }
        let mut signed = Signed::open("CertificateList", der)?;
        let version = version(&mut signed.content)?;
        if let Some(text) = signed.algorithm_difference()? {
            return Err(CrlError::UnsupportedAlgorithm(text));
        }
        let fields = &mut signed.content;
        let algorithm =
            X509Algorithm::read(signed.algorithm).map_err(CrlError::UnsupportedAlgorithm)?;
        let issuer = Name::read(fields, "issuer")?;
        let this_update = der::time(fields, "this_update")?;
        let next_update =
            if der::next_is_time(fields) { Some(der::time(fields, "next_update")?) } else { None };
        let revoked = revoked_serials(fields, version)?;
        let extensions = extensions(fields, version)?;
        signed.content.finish()?;
        check_extensions(&extensions)?;
        let number = extensions.iter().find(|extension| extension.oid == oid::CRL_NUMBER);
        Ok(Self {
            der: der.to_vec(),
            tbs: signed.tbs.to_vec(),
            signature: signed.signature.to_vec(),
            algorithm,
            issuer,
            this_update,
            next_update,
            number: number.map(|found| extension::crl_number(&found.value)).transpose()?,
            revoked,
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

    /// The CRL number, big-endian, without leading zeros, if there is one: for showing; nothing is verified.
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

/// Extensions of a list that is not all there is: a delta, a part of the certificates or reasons, or
/// one to which there are deltas.
const INCOMPLETE: [&str; 3] =
    [oid::DELTA_CRL_INDICATOR, oid::ISSUING_DISTRIBUTION_POINT, oid::FRESHEST_CRL];

/// Only version 2 has extensions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

fn version(fields: &mut Cursor<'_>) -> Result<Version, ParseError> {
    if !der::next_is(fields, der::INTEGER) {
        return Ok(Version::One);
    }
    let before = fields.clone();
    match der::unsigned_32(fields, "version")? {
        1 => Ok(Version::Two),
        _ => Err(der::malformed(&before, "version", "version is not 2")),
    }
}

fn extensions(fields: &mut Cursor<'_>, version: Version) -> Result<Vec<Extension>, CrlError> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let before = fields.clone();
    let mut content = der::open(fields, "extensions", der::explicit(0))?;
    if version == Version::One {
        return Err(der::malformed(&before, "extensions", "extensions in version 1").into());
    }
    let found = extension::read_all(&mut content)?;
    content.finish()?;
    Ok(found)
}

fn check_extensions(extensions: &[Extension]) -> Result<(), CrlError> {
    for Extension { oid, critical, .. } in extensions {
        let unknown_critical = *critical && !HARMLESS.contains(&oid.as_str());
        if unknown_critical || INCOMPLETE.contains(&oid.as_str()) {
            return Err(CrlError::Extension(oid.clone()));
        }
    }
    Ok(())
}

fn revoked_serials(fields: &mut Cursor<'_>, version: Version) -> Result<Vec<Serial>, CrlError> {
    let mut serials = Vec::new();
    if !der::next_is(fields, der::SEQUENCE) {
        return Ok(serials);
    }
    let mut entries = der::open(fields, "revoked_certificates", der::SEQUENCE)?;
    while !entries.is_empty() {
        let mut entry = der::open(&mut entries, "revoked_certificate", der::SEQUENCE)?;
        serials.push(Serial::read(&mut entry)?);
        der::time(&mut entry, "revocation_date")?;
        check_entry_extensions(&mut entry, version)?;
        entry.finish()?;
    }
    serials.sort_unstable();
    Ok(serials)
}

/// Reads what an entry says beside serial number and date: nothing that must be understood, and no
/// other issuer for this and the following entries.
fn check_entry_extensions(entry: &mut Cursor<'_>, version: Version) -> Result<(), CrlError> {
    if entry.is_empty() {
        return Ok(());
    }
    if version == Version::One {
        return Err(der::malformed(entry, "entry_extensions", "extensions in version 1").into());
    }
    let found = extension::read_all(entry)?;
    match found.into_iter().find(|one| one.critical || one.oid == oid::CERTIFICATE_ISSUER) {
        Some(unacceptable) => Err(CrlError::Extension(unacceptable.oid)),
        None => Ok(()),
    }
}

impl VerifiedCrl {
    /// From thisUpdate to nextUpdate, cut to the validity of the issuer's certificate.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The CRL number, big-endian, without leading zeros; one zero byte for zero.
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
        let (found, expected) = crl.issuer().told_from(issuer.name());
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
    window.check(at).map_err(|source| CrlError::OutsideWindow { issuer: label(), source })?;
    let key = issuer.key();
    let signed = key
        .scheme_for(crl.algorithm)
        .is_some_and(|scheme| key.verify(scheme, &crl.tbs, &crl.signature).is_ok());
    if !signed {
        return Err(CrlError::Signature { key: key.kind(), issuer: label() });
    }
    Ok(VerifiedCrl { crl: crl.clone(), window })
}
