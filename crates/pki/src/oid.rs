//! Object identifiers in dotted form.

use std::fmt::Write as _;

use x509_parser::oid_registry::Oid;

/// The dotted form. Certificates have a dozen of them, and the library's own takes longer than
/// the rest of parsing; it still serves for arcs beyond 64 bits.
pub(crate) fn dotted(oid: &Oid<'_>) -> String {
    written(oid.as_bytes()).unwrap_or_else(|| oid.to_id_string())
}

/// Base-128 groups, high bit set on all but the last of an arc; the first two arcs share a group
/// (ITU-T X.690, section 8.19). `None` for arcs beyond 64 bits and for a group without end.
fn written(content: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(content.len().saturating_mul(3));
    let mut arc = 0_u64;
    let mut open = false;
    for byte in content {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        open = byte & 0x80 != 0;
        if open {
            continue;
        }
        if text.is_empty() {
            let first = (arc / 40).min(2);
            let second = arc.checked_sub(first.checked_mul(40)?)?;
            write!(text, "{first}.{second}").ok()?;
        } else {
            write!(text, ".{arc}").ok()?;
        }
        arc = 0;
    }
    (!open && !text.is_empty()).then_some(text)
}

/// commonName (RFC 5280, appendix A).
pub const COMMON_NAME: &str = "2.5.4.3";
/// Subject key identifier (RFC 5280, section 4.2.1.2).
pub const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";
/// Key usage (RFC 5280, section 4.2.1.3).
pub const KEY_USAGE: &str = "2.5.29.15";
/// Subject alternative name (RFC 5280, section 4.2.1.6).
pub const SUBJECT_ALT_NAME: &str = "2.5.29.17";
/// Basic constraints (RFC 5280, section 4.2.1.9).
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
/// CRL number (RFC 5280, section 5.2.3).
pub const CRL_NUMBER: &str = "2.5.29.20";
/// Delta CRL indicator (RFC 5280, section 5.2.4).
pub const DELTA_CRL_INDICATOR: &str = "2.5.29.27";
/// Issuing distribution point (RFC 5280, section 5.2.5).
pub const ISSUING_DISTRIBUTION_POINT: &str = "2.5.29.28";
/// Certificate issuer of an indirect CRL entry (RFC 5280, section 5.3.3).
pub const CERTIFICATE_ISSUER: &str = "2.5.29.29";
/// CRL distribution points (RFC 5280, section 4.2.1.13).
pub const CRL_DISTRIBUTION_POINTS: &str = "2.5.29.31";
/// Authority key identifier (RFC 5280, section 4.2.1.1).
pub const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
/// Extended key usage (RFC 5280, section 4.2.1.12).
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

pub(crate) const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
pub(crate) const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
pub(crate) const P256: &str = "1.2.840.10045.3.1.7";
pub(crate) const P384: &str = "1.3.132.0.34";
pub(crate) const MGF1: &str = "1.2.840.113549.1.1.8";
pub(crate) const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
pub(crate) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub(crate) const SHA384: &str = "2.16.840.1.101.3.4.2.2";
pub(crate) const SHA512: &str = "2.16.840.1.101.3.4.2.3";

#[cfg(test)]
#[path = "oid_tests.rs"]
mod tests;
