//! `certificatePolicies`: understood for CAs of TPMs, of which many mark it critical.
//!
//! A path is asked for no policy in particular, and no certificate in it may demand one (what constrains
//! policies is refused by `avouch_pki`). By RFC 5280, section 6.1, any set of policies then passes; what
//! is left to honour is that the extension reads as one.

use avouch_pki::{Certificate, der, oid};
use avouch_wire::{Cursor, ParseError, ParseErrorKind};

/// `anyPolicy`.
const ANY_POLICY: &str = "2.5.29.32.0";
/// Pointer to a statement, and a notice: the qualifiers of RFC 5280.
const KNOWN_QUALIFIERS: [&str; 2] = ["1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2"];

/// The policies of a certificate, dotted; none without the extension.
///
/// # Errors
/// [`ParseError`] if the extension is malformed, names a policy twice, or, where it is critical or the
/// policy is any, has a qualifier of another kind than RFC 5280 knows.
pub(super) fn of(certificate: &Certificate) -> Result<Vec<String>, ParseError> {
    let Some(extension) = certificate.extension(oid::CERTIFICATE_POLICIES) else {
        return Ok(Vec::new());
    };
    let mut cursor = Cursor::new("CertificatePolicies", &extension.value);
    let mut list = der::open(&mut cursor, "policies", der::SEQUENCE)?;
    cursor.finish()?;
    let mut found = Vec::new();
    loop {
        let before = list.clone();
        let policy = policy(&mut list, extension.critical)?;
        if found.contains(&policy) {
            let text = format!("policy {policy} stands twice");
            return Err(before.error("policy_identifier", ParseErrorKind::Malformed(text)));
        }
        found.push(policy);
        if list.is_empty() {
            return Ok(found);
        }
    }
}

/// `PolicyInformation`.
fn policy(list: &mut Cursor<'_>, critical: bool) -> Result<String, ParseError> {
    let mut fields = der::open(list, "policy", der::SEQUENCE)?;
    let policy = der::dotted(&mut fields, "policy_identifier")?;
    if !fields.is_empty() {
        let mut qualifiers = der::open(&mut fields, "policy_qualifiers", der::SEQUENCE)?;
        loop {
            let before = qualifiers.clone();
            let mut qualifier = der::open(&mut qualifiers, "policy_qualifier", der::SEQUENCE)?;
            let kind = der::dotted(&mut qualifier, "policy_qualifier_id")?;
            der::any(&mut qualifier, "qualifier")?;
            qualifier.finish()?;
            let must_be_known = critical || policy == ANY_POLICY;
            if must_be_known && !KNOWN_QUALIFIERS.contains(&kind.as_str()) {
                let text = format!("qualifier {kind} is not known");
                return Err(before.error("policy_qualifier_id", ParseErrorKind::Malformed(text)));
            }
            if qualifiers.is_empty() {
                break;
            }
        }
    }
    fields.finish()?;
    Ok(policy)
}
