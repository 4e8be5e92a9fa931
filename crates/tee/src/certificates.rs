//! Certificates of SEV-SNP that come from elsewhere than the report: a file, or a host's service.

use avouch_pki::Certificate;
use avouch_pki::pem::{self, PemError};
use avouch_wire::{UnixTime, base64url, json};
use serde_json::{Map, Value};
use thiserror::Error;

/// Most bytes of such a file.
const BYTES_MAX: usize = 64 * 1024;
/// Most certificates in it.
const CERTIFICATES_MAX: usize = 16;

/// Why bytes are not the certificates of a chip.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("certificates of SEV-SNP ({origin}): {reason}")]
pub struct CertificatesError {
    /// Where they come from.
    origin: String,
    /// What is wrong with them.
    reason: String,
}

/// VCEK or VLEK and what stands above it: read, not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnpCertificates(String);

impl SnpCertificates {
    /// Reads PEM; or the JSON that hosts hand out, with `vcekCert` and `certificateChain`; or base64 of
    /// either, as guests of Azure's container instances find it.
    ///
    /// # Errors
    /// [`CertificatesError`] with the origin that is named here.
    pub fn read(bytes: &[u8], origin: &str) -> Result<Self, CertificatesError> {
        let failed = |reason: &str| CertificatesError {
            origin: origin.to_owned(),
            reason: reason.to_owned(),
        };
        if bytes.len() > BYTES_MAX {
            return Err(failed("more than 64 KiB"));
        }
        let text = str::from_utf8(bytes).map_err(|_| failed("no text"))?.trim();
        let pem = match text.as_bytes().first() {
            Some(b'{') => of_host(text).ok_or_else(|| {
                failed("the JSON has not the texts vcekCert and certificateChain")
            })?,
            Some(b'-') => text.to_owned(),
            _ => {
                let inner = base64url::decode_standard(text).ok();
                let inner = inner.filter(|inner| matches!(inner.first(), Some(b'{' | b'-')));
                let inner =
                    inner.ok_or_else(|| failed("neither PEM, nor JSON, nor base64 of it"))?;
                return Self::read(&inner, origin);
            }
        };
        let found = pem::certificates(pem.as_bytes(), CERTIFICATES_MAX)
            .map_err(|error| failed(&error.to_string()))?;
        if found.is_empty() {
            return Err(failed("no certificate"));
        }
        Ok(Self(pem))
    }

    /// An error for what stands in a place and cannot be read.
    pub(crate) fn unreadable(origin: &str, error: &PemError) -> CertificatesError {
        CertificatesError { origin: origin.to_owned(), reason: error.to_string() }
    }

    /// All of them, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.0
    }
}

fn of_host(text: &str) -> Option<String> {
    let members: Map<String, Value> = json::parse_object(text.as_bytes(), BYTES_MAX).ok()?;
    let member = |name: &str| members.get(name).and_then(Value::as_str);
    Some(format!("{}\n{}", member("vcekCert")?.trim(), member("certificateChain")?.trim()))
}

/// When the first of these certificates ends; none where none can be read.
pub(crate) fn first_end(text: &[u8]) -> Option<UnixTime> {
    let ders = pem::certificates(text, CERTIFICATES_MAX).ok()?;
    let read = ders.iter().filter_map(|der| Certificate::parse(der).ok());
    read.map(|certificate| certificate.not_after()).min()
}
