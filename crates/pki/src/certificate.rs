//! A certificate as its bytes say it is: parsed, not trusted.

use std::sync::Arc;

use avouch_wire::{Hex, UnixTime};
use thiserror::Error;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};
use x509_parser::time::ASN1Time;

use crate::signature::{X509Algorithm, unsigned_parts_are_canonical};
use crate::{KeyError, Name, PublicKey, Serial, SignatureScheme, Window, digest, oid};

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
    algorithm: X509Algorithm,
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

/// One extension of a certificate or CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its identifier in dotted form.
    pub oid: String,
    /// Whether it is marked critical.
    pub critical: bool,
    /// The content of its OCTET STRING.
    pub value: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct BasicConstraints {
    ca: bool,
    path_length: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyUsage {
    pub(crate) digital_signature: bool,
    pub(crate) key_cert_sign: bool,
    pub(crate) crl_sign: bool,
}

/// Why bytes are not a certificate that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Not DER, or not the structure of RFC 5280.
    #[error("not a DER X.509 certificate")]
    Malformed,
    /// Bytes after the certificate.
    #[error("{0} bytes after the certificate")]
    Trailing(usize),
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
    #[error("signature algorithm inside and outside of the signed part differ")]
    AlgorithmMismatch,
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
    #[error("extension {0} is malformed")]
    MalformedExtension(&'static str),
    /// A date outside of the years 0 to 9999.
    #[error("validity is out of range")]
    Validity,
}

/// The largest certificate read; real ones with a quote inside have about 7 KiB.
const SIZE_LIMIT_BYTES: usize = 64 * 1024;

impl Certificate {
    /// Reads one DER certificate that fills `der` exactly.
    ///
    /// # Errors
    /// [`CertificateError`]. Signatures, dates and names are not judged here.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > SIZE_LIMIT_BYTES {
            let limit = SIZE_LIMIT_BYTES;
            return Err(CertificateError::TooLarge { found: der.len(), limit });
        }
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Trailing(rest.len()));
        }
        if parsed.version() != X509Version::V3 {
            return Err(CertificateError::Version);
        }
        let (tbs, signature) = (parsed.tbs_certificate.as_ref(), &parsed.signature_value.data);
        if !unsigned_parts_are_canonical(der, tbs, signature) {
            return Err(CertificateError::AlgorithmMismatch);
        }
        let parsed = Parsed {
            der: der.to_vec(),
            tbs: tbs.to_vec(),
            signature: signature.to_vec(),
            algorithm: X509Algorithm::read(&parsed.signature_algorithm)
                .map_err(CertificateError::UnsupportedAlgorithm)?,
            subject: Name::from_parsed(parsed.subject()),
            issuer: Name::from_parsed(parsed.issuer()),
            serial: Serial::new(parsed.raw_serial()),
            validity: validity(&parsed)?,
            public_key: PublicKey::from_parsed(parsed.public_key())?,
            extensions: extensions(&parsed)?,
            basic_constraints: basic_constraints(&parsed)?,
            key_usage: key_usage(&parsed)?,
            extended_key_usages: extended_key_usages(&parsed)?,
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
        self.parsed.algorithm.rsa_scheme()
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
        key.scheme_for(self.parsed.algorithm).is_some_and(|scheme| {
            key.verify(scheme, &self.parsed.tbs, &self.parsed.signature).is_ok()
        })
    }
}

fn validity(parsed: &X509Certificate<'_>) -> Result<Window, CertificateError> {
    let validity = parsed.validity();
    Ok(Window {
        not_before: moment(validity.not_before).ok_or(CertificateError::Validity)?,
        not_after: moment(validity.not_after).ok_or(CertificateError::Validity)?,
    })
}

pub(crate) fn moment(time: ASN1Time) -> Option<UnixTime> {
    UnixTime::from_seconds(time.timestamp()).ok()
}

fn extensions(parsed: &X509Certificate<'_>) -> Result<Vec<Extension>, CertificateError> {
    let mut found: Vec<Extension> = Vec::with_capacity(parsed.extensions().len());
    for extension in parsed.iter_extensions() {
        let oid = oid::dotted(&extension.oid).ok_or(CertificateError::Malformed)?;
        if found.iter().any(|earlier| earlier.oid == oid) {
            return Err(CertificateError::DuplicateExtension(oid));
        }
        let value = extension.value.to_vec();
        found.push(Extension { oid, critical: extension.critical, value });
    }
    Ok(found)
}

fn basic_constraints(
    parsed: &X509Certificate<'_>,
) -> Result<Option<BasicConstraints>, CertificateError> {
    let malformed = |_| CertificateError::MalformedExtension(oid::BASIC_CONSTRAINTS);
    Ok(parsed.basic_constraints().map_err(malformed)?.map(|found| BasicConstraints {
        ca: found.value.ca,
        path_length: found.value.path_len_constraint,
    }))
}

fn key_usage(parsed: &X509Certificate<'_>) -> Result<Option<KeyUsage>, CertificateError> {
    let malformed = |_| CertificateError::MalformedExtension(oid::KEY_USAGE);
    Ok(parsed.key_usage().map_err(malformed)?.map(|found| KeyUsage {
        digital_signature: found.value.digital_signature(),
        key_cert_sign: found.value.key_cert_sign(),
        crl_sign: found.value.crl_sign(),
    }))
}

fn extended_key_usages(parsed: &X509Certificate<'_>) -> Result<Vec<String>, CertificateError> {
    let malformed = || CertificateError::MalformedExtension(oid::EXTENDED_KEY_USAGE);
    let Some(found) = parsed.extended_key_usage().map_err(|_| malformed())? else {
        return Ok(Vec::new());
    };
    let known = [
        (found.value.any, "2.5.29.37.0"),
        (found.value.server_auth, "1.3.6.1.5.5.7.3.1"),
        (found.value.client_auth, "1.3.6.1.5.5.7.3.2"),
        (found.value.code_signing, "1.3.6.1.5.5.7.3.3"),
        (found.value.email_protection, "1.3.6.1.5.5.7.3.4"),
        (found.value.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (found.value.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let mut usages: Vec<String> =
        known.iter().filter(|(set, _)| *set).map(|(_, oid)| (*oid).to_owned()).collect();
    for oid in &found.value.other {
        usages.push(oid::dotted(oid).ok_or_else(malformed)?);
    }
    Ok(usages)
}
