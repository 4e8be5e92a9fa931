//! Measured bytes that mean something here: the kernel's version, and keys.

use avouch_pki::{Certificate, digest};
use avouch_wire::Hex;

use super::Buffer;

/// Name of the measured bytes that are the kernel's release, such as `6.1.0-56-amd64`.
pub const KERNEL_VERSION: &str = "kernel_version";
/// The longest release; the kernel's own limit is 64.
const VERSION_BYTES_MAX: usize = 128;

/// The longest name of a keyring: the kernel's own have some twenty.
const KEYRING_BYTES_MAX: usize = 64;
/// The longest subject that is shown.
const SUBJECT_BYTES_MAX: usize = 512;
/// Most keys: distributions and firmware put some twenty onto keyrings.
pub(super) const KEYS_MAX: usize = 256;

/// A key that was put onto a keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredKey {
    /// The keyring, such as `.builtin_trusted_keys`.
    pub keyring: String,
    /// The subject of the certificate; none if it is not read here (ECDSA with SHA-1, for example), or
    /// has more than 512 bytes.
    pub subject: Option<String>,
    /// SHA-256 of the certificate.
    pub sha256: Hex<32>,
}

/// The kernel's release, if the bytes are that.
pub(super) fn kernel_version(buffer: &Buffer<'_>) -> Option<String> {
    let text = std::str::from_utf8(buffer.bytes).ok()?;
    let is_version = buffer.name.as_bytes() == KERNEL_VERSION.as_bytes()
        && text.len() <= VERSION_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_version.then(|| text.to_owned())
}

/// Whether the bytes are a key for a keyring: a DER structure under a name that begins with a dot.
pub(super) fn is_key(buffer: &Buffer<'_>) -> bool {
    buffer.name.as_bytes().starts_with(b".") && buffer.bytes.first() == Some(&0x30)
}

/// The key, if the keyring has a name that the kernel gives one.
pub(super) fn key(buffer: &Buffer<'_>) -> Option<MeasuredKey> {
    let certificate = Certificate::parse(buffer.bytes).ok();
    let subject = certificate.map(|certificate| certificate.subject().to_string());
    (buffer.name.as_bytes().len() <= KEYRING_BYTES_MAX).then(|| MeasuredKey {
        keyring: buffer.name.to_text().into_owned(),
        subject: subject.filter(|subject| subject.len() <= SUBJECT_BYTES_MAX),
        sha256: digest::sha256(buffer.bytes),
    })
}
