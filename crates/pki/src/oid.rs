//! Object identifiers in dotted form.

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
