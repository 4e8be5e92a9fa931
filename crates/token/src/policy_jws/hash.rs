//! Hashes that tokens report (`docs/maa/policies.md#hashes`).

use avouch_pki::{Certificate, digest};
use avouch_wire::base64url;

/// `x-ms-policy-hash`: base64url of SHA-256 of the base64url text of the policy text.
#[must_use]
pub fn policy_hash(policy_text: &str) -> String {
    base64url::encode(digest::sha256(base64url::encode(policy_text).as_bytes()).as_bytes())
}

/// `x-ms-policy-token-hash`: base64url of SHA-256 of the JWS as it was received.
#[must_use]
pub fn policy_token_hash(raw_jws: &str) -> String {
    base64url::encode(digest::sha256(raw_jws.as_bytes()).as_bytes())
}

/// `x-ms-certificate-thumbprint`: SHA-1 of the DER as 40 upper-case hex digits.
#[must_use]
pub fn certificate_thumbprint(certificate: &Certificate) -> String {
    digest::sha1(certificate.der()).to_string().to_ascii_uppercase()
}
