//! Signed statements (SCITT): who says what about which thing, since when.

use avouch_cose::coset::cbor::value::Value;
use avouch_cose::coset::{ContentType, Header, Label};
use avouch_cose::words::{
    CWT_CLAIMS, CWT_ISSUED_AT, CWT_ISSUER, CWT_SUBJECT, RECEIPTS, X5CHAIN, integer, number,
    numbered, seconds,
};
use avouch_cose::{Sign1, SignatureAlgorithm, write_sign1};
use avouch_pki::{Certificate, digest};
use avouch_token::{BarePrivateKey, BarePublicKey};
use avouch_wire::{Hex, UnixTime};

use super::StatementError;

/// Largest statement read, in bytes: a list of measurements, certificates and receipts.
pub const STATEMENT_BYTES_MAX: usize = 512 * 1024;
/// What a statement over a list of measurements has in it.
pub const STATEMENT_CONTENT_TYPE: &str = "application/vnd.avouch.measurements+json";
/// Longest issuer or subject, in bytes.
const TEXT_BYTES_MAX: usize = 1024;
/// Most certificates beside a signature.
const CHAIN_MAX: usize = 8;

/// A statement that a pinned key signed. Whether it stands in a ledger is for receipts.
///
/// Only [`VerifiedStatement::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedStatement {
    issuer: String,
    subject: String,
    issued_at: UnixTime,
    payload: Vec<u8>,
    /// What a ledger registers: the statement without what anybody may have added.
    registered: Vec<u8>,
}

impl VerifiedStatement {
    /// Verifies a statement over a list of measurements; gives it and what could be receipts in its headers.
    ///
    /// In order: form (one tagged `COSE_Sign1` of at most 512 KiB, no critical headers, payload within; its unprotected
    /// headers may hold anything), content
    /// type, issuer, subject and time (CWT claims), key (`kid`: SHA-256 of a pinned key in hex, as text; a
    /// certificate in `x5chain` must be of that key), algorithm, signature.
    ///
    /// # Errors
    /// [`StatementError`] naming the check that failed.
    ///
    /// # Source
    /// RFC 9943 (SCITT architecture), section 6; RFC 9597 (CWT claims in headers); RFC 9052.
    pub fn verify(
        bytes: &[u8],
        trusted: &[BarePublicKey],
        at: UnixTime,
    ) -> Result<(Self, Vec<Vec<u8>>), StatementError> {
        let (message, untrusted) =
            Sign1::parse_apart("SignedStatement", bytes, STATEMENT_BYTES_MAX)?;
        message.check_critical()?;
        let header = message.protected();
        check_content_type(header)?;
        let (issuer, subject, issued_at) = claims(header)?;
        let key = key(header, trusted)?;
        check_algorithm(header, key)?;
        let payload = message.payload().ok_or_else(|| bad("payload", "is detached"))?;
        if !key.holds(&message.signed_bytes(payload), message.signature()) {
            return Err(StatementError::Signature { key: key.id() });
        }
        if issued_at > at {
            return Err(StatementError::Future { issued_at, at });
        }
        let registered = message.without_untrusted_headers()?;
        let statement = Self { issuer, subject, issued_at, payload: payload.to_vec(), registered };
        Ok((statement, receipts(untrusted)))
    }

    /// `iss`: who says it, in their own words.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`: of what.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `iat`: since when, by the signer's own word.
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// What is said.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// SHA-256 of [`VerifiedStatement::payload`].
    #[must_use]
    pub fn payload_sha256(&self) -> Hex<32> {
        digest::sha256(&self.payload)
    }

    /// The bytes that a ledger registers: the statement with no unprotected headers.
    #[must_use]
    pub fn registered(&self) -> &[u8] {
        &self.registered
    }
}

/// Who signs a statement, and what of.
#[derive(Debug, Clone)]
pub struct StatementHead<'a> {
    /// `iss`, such as a `did:x509` identifier or a URL.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `iat`.
    pub issued_at: UnixTime,
    /// Certificates of the key, its own first, for ledgers that want them; may be empty.
    pub certificates: &'a [Certificate],
}

/// Makes a signed statement over a list of measurements, for any ledger to register.
///
/// # Errors
/// [`StatementError`] if the key makes no such signatures or is not the certificate's, or a text is too long.
pub fn write_statement(
    payload: &[u8],
    head: &StatementHead<'_>,
    key: &BarePrivateKey,
) -> Result<Vec<u8>, StatementError> {
    let public = key.public_key();
    let unsupported = || StatementError::Unsupported(public.algorithm());
    let algorithm = SignatureAlgorithm::from_name(public.algorithm()).ok_or_else(unsupported)?;
    for (name, text) in [("15.1 (iss)", head.issuer), ("15.2 (sub)", head.subject)] {
        check_text(name, text)?;
    }
    let claims = Value::Map(vec![
        (CWT_ISSUER.into(), head.issuer.into()),
        (CWT_SUBJECT.into(), head.subject.into()),
        (CWT_ISSUED_AT.into(), head.issued_at.seconds().into()),
    ]);
    let mut rest = vec![(Label::Int(CWT_CLAIMS), claims)];
    if !head.certificates.is_empty() {
        let chain = head.certificates.iter().map(|one| Value::Bytes(one.der().to_vec()));
        rest.push((Label::Int(X5CHAIN), Value::Array(chain.collect())));
    }
    let protected = Header {
        alg: algorithm.label(),
        content_type: Some(ContentType::Text(STATEMENT_CONTENT_TYPE.to_owned())),
        key_id: public.id().to_string().into_bytes(),
        rest,
        ..Header::default()
    };
    check_certificate(&protected, &public)?;
    let message = write_sign1(protected, payload, false, |bytes| key.sign_bytes(bytes))?;
    let bytes = message.without_untrusted_headers()?;
    if bytes.len() > STATEMENT_BYTES_MAX {
        let (found, limit) = (bytes.len(), STATEMENT_BYTES_MAX);
        return Err(avouch_cose::Sign1Error::TooLarge { found, limit }.into());
    }
    Ok(bytes)
}

/// A statement with receipts in its headers, in the place of those that it has.
///
/// Nothing is verified.
///
/// # Errors
/// [`StatementError`] if it is no message.
pub fn with_receipts(statement: &[u8], receipts: &[Vec<u8>]) -> Result<Vec<u8>, StatementError> {
    let message = Sign1::parse("SignedStatement", statement, STATEMENT_BYTES_MAX)?;
    let all = receipts.iter().map(|receipt| Value::Bytes(receipt.clone())).collect();
    Ok(message.with_untrusted_headers(vec![(RECEIPTS, Value::Array(all))])?)
}

fn check_content_type(header: &Header) -> Result<(), StatementError> {
    let expected = STATEMENT_CONTENT_TYPE;
    match &header.content_type {
        Some(ContentType::Text(found)) if found == expected => Ok(()),
        Some(ContentType::Text(found)) => {
            Err(StatementError::ContentType { found: found.clone(), expected })
        }
        other => Err(StatementError::ContentType { found: format!("{other:?}"), expected }),
    }
}

pub(super) fn claims(header: &Header) -> Result<(String, String, UnixTime), StatementError> {
    let claims = number(header, CWT_CLAIMS).and_then(Value::as_map);
    let claims = claims.ok_or_else(|| bad("15 (CWT claims)", "expected a map"))?;
    let claim = |name, label| numbered(claims, label).map_err(|_| bad(name, "appears twice"));
    let text = |name, label| {
        let found = claim(name, label)?.and_then(Value::as_text);
        let found = found.ok_or_else(|| bad(name, "expected text"))?;
        check_text(name, found).map(|()| found.to_owned())
    };
    let name = "15.6 (iat)";
    let issued_at = claim(name, CWT_ISSUED_AT)?.and_then(seconds);
    let issued_at = issued_at.and_then(|seconds| UnixTime::from_seconds(seconds).ok());
    let issued_at = issued_at.ok_or_else(|| bad(name, "expected whole seconds since the epoch"))?;
    Ok((text("15.1 (iss)", CWT_ISSUER)?, text("15.2 (sub)", CWT_SUBJECT)?, issued_at))
}

fn check_text(name: &'static str, text: &str) -> Result<(), StatementError> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err(bad(name, "is not 1 to 1024 bytes long"));
    }
    Ok(())
}

/// The pinned key that `kid` names.
fn key<'k>(
    header: &Header,
    trusted: &'k [BarePublicKey],
) -> Result<&'k BarePublicKey, StatementError> {
    let named = |key: &&BarePublicKey| key.id().to_string().as_bytes() == header.key_id;
    let unknown = || StatementError::UnknownKey {
        found: String::from_utf8_lossy(&header.key_id).into_owned(),
        trusted: trusted.len(),
    };
    let key = trusted.iter().find(named).ok_or_else(unknown)?;
    check_certificate(header, key)?;
    Ok(key)
}

fn check_certificate(header: &Header, key: &BarePublicKey) -> Result<(), StatementError> {
    let chain = chain(header)?;
    let Some(certificate) = chain.first() else { return Ok(()) };
    let (found, expected) = (digest::sha256(certificate.public_key().spki_der()), key.id());
    if found != expected {
        return Err(StatementError::Certificate { found, expected });
    }
    Ok(())
}

/// The certificates beside a signature, the signer's first; none if there is no such header.
pub(super) fn chain(header: &Header) -> Result<Vec<Certificate>, StatementError> {
    const NAME: &str = "33 (x5chain)";
    let items = match number(header, X5CHAIN) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) if (1..=CHAIN_MAX).contains(&items.len()) => items.as_slice(),
        Some(single @ Value::Bytes(_)) => std::slice::from_ref(single),
        Some(_) => return Err(bad(NAME, "expected a list of one to 8 certificates")),
    };
    let certificate = |item: &Value| {
        let der = item.as_bytes().ok_or_else(|| bad(NAME, "expected byte strings"))?;
        Certificate::parse(der).map_err(|error| bad(NAME, error.to_string()))
    };
    items.iter().map(certificate).collect()
}

fn check_algorithm(header: &Header, key: &BarePublicKey) -> Result<(), StatementError> {
    let (found, expected) = (SignatureAlgorithm::of(header), key.algorithm());
    if found.is_some_and(|found| found.name() == expected) {
        return Ok(());
    }
    let found = found.map_or_else(|| format!("{:?}", header.alg), |found| found.name().to_owned());
    Err(StatementError::Algorithm { found, expected })
}

/// What could be receipts among headers that anybody may have written.
pub(super) fn receipts(headers: Vec<(Value, Value)>) -> Vec<Vec<u8>> {
    let is_receipts = |label: &Value| integer(label) == Some(RECEIPTS);
    let lists = headers.into_iter().filter(|(label, _)| is_receipts(label));
    let items = lists.filter_map(|(_, value)| value.into_array().ok()).flatten();
    items.filter_map(|item| item.into_bytes().ok()).collect()
}

pub(super) fn bad(name: &'static str, reason: impl Into<String>) -> StatementError {
    StatementError::Header { name, reason: reason.into() }
}
