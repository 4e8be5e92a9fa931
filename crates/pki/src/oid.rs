//! Object identifiers in dotted form.

use avouch_wire::encode_hex;

/// The dotted form of well-formed content: each identifier has one text and each text one encoding.
/// One with an arc beyond 64 bits, which nothing here knows, is written as the hex of its bytes.
pub(crate) fn dotted(content: &[u8]) -> String {
    written(content).unwrap_or_else(|| encode_hex(content))
}

/// Whether the content is that of an identifier: not empty, no arc without end, and no arc in a
/// longer form than the shortest (ITU-T X.690, section 8.19): base-128 groups, high bit set on all
/// but the last of an arc, which does not begin with zeros.
pub(crate) fn is_well_formed(content: &[u8]) -> bool {
    let mut at_start = true;
    for byte in content {
        if at_start && *byte == 0x80 {
            return false;
        }
        at_start = byte & 0x80 == 0;
    }
    at_start && !content.is_empty()
}

/// The text of well-formed content; `None` for arcs beyond 64 bits. The first two arcs share a
/// group, in which the first is 0, 1 or 2.
fn written(content: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(content.len().saturating_mul(3));
    let mut arc = 0_u64;
    for byte in content {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let first = (arc / 40).min(2);
            push_number(&mut text, first);
            arc = arc.checked_sub(first.checked_mul(40)?)?;
        }
        text.push('.');
        push_number(&mut text, arc);
        arc = 0;
    }
    Some(text)
}

/// Appends decimal digits; nearly all arcs have one, for which formatting is a detour too.
fn push_number(text: &mut String, number: u64) {
    match u8::try_from(number) {
        Ok(digit @ 0..=9) => text.push(char::from(b'0'.saturating_add(digit))),
        _ => text.push_str(&number.to_string()),
    }
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
/// Freshest CRL: where deltas to a complete one are (RFC 5280, section 5.2.6).
pub const FRESHEST_CRL: &str = "2.5.29.46";
/// CRL distribution points (RFC 5280, section 4.2.1.13).
pub const CRL_DISTRIBUTION_POINTS: &str = "2.5.29.31";
/// Authority key identifier (RFC 5280, section 4.2.1.1).
pub const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
/// Extended key usage (RFC 5280, section 4.2.1.12).
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
/// Name constraints (RFC 5280, section 4.2.1.10).
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
/// Certificate policies (RFC 5280, section 4.2.1.4).
pub const CERTIFICATE_POLICIES: &str = "2.5.29.32";
/// Policy mappings (RFC 5280, section 4.2.1.5).
pub const POLICY_MAPPINGS: &str = "2.5.29.33";
/// Policy constraints (RFC 5280, section 4.2.1.11).
pub const POLICY_CONSTRAINTS: &str = "2.5.29.36";
/// Inhibit any-policy (RFC 5280, section 4.2.1.14).
pub const INHIBIT_ANY_POLICY: &str = "2.5.29.54";

/// Algorithms by the content of their identifiers.
pub(crate) mod algorithm {
    /// 1.2.840.113549.1.1.1
    pub(crate) const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    /// 1.2.840.113549.1.1.8
    pub(crate) const MGF1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
    /// 1.2.840.113549.1.1.10
    pub(crate) const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
    /// 1.2.840.113549.1.1.11
    pub(crate) const RSA_SHA256: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
    /// 1.2.840.113549.1.1.12
    pub(crate) const RSA_SHA384: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c";
    /// 1.2.840.113549.1.1.13
    pub(crate) const RSA_SHA512: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d";
    /// 1.2.840.10045.2.1
    pub(crate) const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
    /// 1.2.840.10045.3.1.7
    pub(crate) const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
    /// 1.3.132.0.34
    pub(crate) const P384: &[u8] = b"\x2b\x81\x04\x00\x22";
    /// 1.3.132.0.35
    pub(crate) const P521: &[u8] = b"\x2b\x81\x04\x00\x23";
    /// 1.2.840.10045.4.3.2
    pub(crate) const ECDSA_SHA256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
    /// 1.2.840.10045.4.3.3
    pub(crate) const ECDSA_SHA384: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x03";
    /// 1.2.840.10045.4.3.4
    pub(crate) const ECDSA_SHA512: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x04";
    /// 2.16.840.1.101.3.4.2.1
    pub(crate) const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    /// 2.16.840.1.101.3.4.2.2
    pub(crate) const SHA384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
    /// 2.16.840.1.101.3.4.2.3
    pub(crate) const SHA512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";
}

#[cfg(test)]
mod tests;
