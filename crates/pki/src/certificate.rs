//! A certificate as its bytes say it is: parsed, not trusted.

use std::sync::Arc;

use avouch_wire::{Cursor, Hex, ParseError, UnixTime};
use thiserror::Error;

use crate::extension::{self, BasicConstraints, ExtensionsError, KeyUsage};
use crate::signature::X509Algorithm;
use crate::signed::Signed;
use crate::{
    Extension, KeyError, Name, PublicKey, Serial, SignatureScheme, Window, der, digest, oid,
};

/// A parsed certificate. Nothing in it is trusted until [`crate::verify_issued`] says so. Cloning
/// is cheap.
#[derive(Debug, Clone)]
pub struct Certificate {
    parsed: Arc<Parsed>,
}

#[derive(Debug)]
struct Parsed {
    der: Vec<u8>,
    tbs: Vec<u8>,
    signature: Vec<u8>,
    /// `None` if it is one that is not supported: then no key signed it.
    algorithm: Option<X509Algorithm>,
    subject: Name,
    issuer: Name,
    serial: Serial,
    validity: Window,
    public_key: PublicKey,
    extensions: Vec<Extension>,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usages: Vec<String>,
}

/// Why bytes are not a certificate that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Not DER, not the structure of RFC 5280, or bytes follow it.
    #[error("not a DER X.509 certificate: {0}")]
    Malformed(#[from] ParseError),
    /// Larger than any certificate that is needed.
    #[error("certificate of {found} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not version 3.
    #[error("certificate version is not 3")]
    Version,
    /// The two places that name the signature algorithm differ.
    #[error("{0}")]
    AlgorithmMismatch(String),
    /// The signature algorithm is none of those in use.
    #[error("{0}")]
    UnsupportedAlgorithm(String),
    /// The subject's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An extension appears twice.
    #[error("extension {0} appears twice")]
    DuplicateExtension(String),
    /// An extension that must be understood is malformed.
    #[error("extension {oid} is malformed: {source}")]
    MalformedExtension {
        /// Its identifier.
        oid: &'static str,
        /// What is wrong with its value.
        source: ParseError,
    },
}

impl From<ExtensionsError> for CertificateError {
    fn from(error: ExtensionsError) -> Self {
        match error {
            ExtensionsError::Malformed(error) => Self::Malformed(error),
            ExtensionsError::Duplicate(oid) => Self::DuplicateExtension(oid),
        }
    }
}

/// The largest certificate read; real ones with a quote inside have about 7 KiB.
const SIZE_LIMIT_BYTES: usize = 64 * 1024;

impl Certificate {
    /// Reads one DER certificate that fills `der` exactly: version 3, each structure to its end,
    /// basic constraints, key usage and extended key usage well-formed.
    ///
    /// # Errors
    /// [`CertificateError`]. Signatures, dates and names are not judged here.
    ///
    /// # Source
    /// RFC 5280, sections 4.1 and 4.2.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = Self::parse_for_its_key(der)?;
        if certificate.parsed.algorithm.is_none() {
            let identifier = Signed::open("Certificate", der)?.algorithm;
            X509Algorithm::read(identifier).map_err(CertificateError::UnsupportedAlgorithm)?;
        }
        Ok(certificate)
    }

    /// As [`Certificate::parse`], for a certificate that its owner trusts for its name and key: its
    /// own signature may be by an algorithm that is not supported, such as one with SHA-1. Then
    /// [no key signed it](Certificate::is_signed_by).
    ///
    /// # Errors
    /// [`CertificateError`], but not for the signature algorithm.
    pub fn parse_for_its_key(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > SIZE_LIMIT_BYTES {
            let limit = SIZE_LIMIT_BYTES;
            return Err(CertificateError::TooLarge { found: der.len(), limit });
        }
        let mut signed = Signed::open("Certificate", der)?;
        version(&mut signed.content)?;
        let serial = Serial::read(&mut signed.content)?;
        if let Some(text) = signed.algorithm_difference()? {
            return Err(CertificateError::AlgorithmMismatch(text));
        }
        let fields = &mut signed.content;
        let algorithm = X509Algorithm::read(signed.algorithm).ok();
        let issuer = Name::read(fields, "issuer")?;
        let validity = validity(fields)?;
        let subject = Name::read(fields, "subject")?;
        let public_key = PublicKey::read(fields)?;
        skip_unique_identifiers(fields)?;
        let extensions = extensions(fields)?;
        signed.content.finish()?;
        let parsed = Parsed {
            der: der.to_vec(),
            tbs: signed.tbs.to_vec(),
            signature: signed.signature.to_vec(),
            algorithm,
            subject,
            issuer,
            serial,
            validity,
            public_key,
            basic_constraints: value_of(
                &extensions,
                oid::BASIC_CONSTRAINTS,
                BasicConstraints::read,
            )?,
            key_usage: value_of(&extensions, oid::KEY_USAGE, KeyUsage::read)?,
            extended_key_usages: value_of(
                &extensions,
                oid::EXTENDED_KEY_USAGE,
                extension::extended_key_usages,
            )?
            .unwrap_or_default(),
            extensions,
        };
        Ok(Self { parsed: Arc::new(parsed) })
    }

    /// About how many bytes of memory it holds, which its clones share: the whole, its parts once
    /// more, and what stands around them.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let extensions = self.parsed.extensions.iter().map(|extension| {
            size_of::<Extension>()
                .saturating_add(extension.oid.capacity())
                .saturating_add(extension.value.capacity())
        });
        let own = size_of::<Parsed>().saturating_add(self.parsed.der.len().saturating_mul(3));
        extensions.fold(own, usize::saturating_add)
    }

    /// The DER of the whole certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.parsed.der
    }

    /// SHA-256 of the DER.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> Hex<32> {
        digest::sha256(&self.parsed.der)
    }

    /// Whom it is for.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.parsed.subject
    }

    /// Who is said to have signed it.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.parsed.issuer
    }

    /// Its serial number.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.parsed.serial
    }

    /// The first moment of its validity.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        self.parsed.validity.not_before
    }

    /// The last moment of its validity.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.parsed.validity.not_after
    }

    /// The span of its validity.
    #[must_use]
    pub fn validity(&self) -> Window {
        self.parsed.validity
    }

    /// The subject's key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.parsed.public_key
    }

    /// All extensions in order; no two have the same identifier.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.parsed.extensions
    }

    /// The extension with this dotted identifier.
    #[must_use]
    pub fn extension(&self, oid: &str) -> Option<&Extension> {
        self.parsed.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// Whether basic constraints say that it is a CA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        matches!(self.parsed.basic_constraints, Some(BasicConstraints { ca: true, .. }))
    }

    /// Extended key usages in dotted form; empty if the extension is absent.
    #[must_use]
    pub fn extended_key_usages(&self) -> &[String] {
        &self.parsed.extended_key_usages
    }

    /// Whether subject and issuer are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.parsed.subject == self.parsed.issuer
    }

    /// The scheme that an RSA key signed it by; `None` if the algorithm is not an RSA one. For
    /// vendors that sign by one scheme only.
    #[must_use]
    pub fn rsa_signature_scheme(&self) -> Option<SignatureScheme> {
        self.parsed.algorithm.and_then(X509Algorithm::rsa_scheme)
    }

    pub(crate) fn path_length(&self) -> Option<u32> {
        self.parsed.basic_constraints.and_then(|found| found.path_length)
    }

    pub(crate) fn key_usage(&self) -> Option<KeyUsage> {
        self.parsed.key_usage
    }

    /// Whether `key` made the signature, by the algorithm that the certificate names.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let scheme = self.parsed.algorithm.and_then(|algorithm| key.scheme_for(algorithm));
        scheme.is_some_and(|scheme| {
            key.verify(scheme, &self.parsed.tbs, &self.parsed.signature).is_ok()
        })
    }
}

/// `[0] EXPLICIT INTEGER`, of which only 2 (version 3) is taken.
fn version(fields: &mut Cursor<'_>) -> Result<(), CertificateError> {
    if !der::next_is(fields, der::explicit(0)) {
        return Err(CertificateError::Version);
    }
    let mut content = der::open(fields, "version", der::explicit(0))?;
    let version = der::unsigned_32(&mut content, "version")?;
    content.finish()?;
    if version == 2 { Ok(()) } else { Err(CertificateError::Version) }
}

fn validity(fields: &mut Cursor<'_>) -> Result<Window, ParseError> {
    let mut dates = der::open(fields, "validity", der::SEQUENCE)?;
    let not_before = der::time(&mut dates, "not_before")?;
    let not_after = der::time(&mut dates, "not_after")?;
    dates.finish()?;
    Ok(Window { not_before, not_after })
}

/// Identifiers that tell namesakes apart, in their places; nothing here looks at them.
fn skip_unique_identifiers(fields: &mut Cursor<'_>) -> Result<(), ParseError> {
    for number in [1, 2] {
        if der::next_is(fields, der::implicit(number)) {
            der::any(fields, "unique_identifier")?;
        }
    }
    Ok(())
}

fn extensions(fields: &mut Cursor<'_>) -> Result<Vec<Extension>, CertificateError> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let mut content = der::open(fields, "extensions", der::explicit(3))?;
    let found = extension::read_all(&mut content)?;
    content.finish()?;
    Ok(found)
}

/// Reads the value of an extension, if it is there.
fn value_of<T>(
    extensions: &[Extension],
    oid: &'static str,
    read: impl FnOnce(&[u8]) -> Result<T, ParseError>,
) -> Result<Option<T>, CertificateError> {
    extensions
        .iter()
        .find(|extension| extension.oid == oid)
        .map(|extension| read(&extension.value))
        .transpose()
        .map_err(|source| CertificateError::MalformedExtension { oid, source })
}
