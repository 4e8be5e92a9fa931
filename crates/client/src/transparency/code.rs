//! Signed statements about the code of a service whose signer is known by its certificates: as Microsoft's signing
//! transparency has them of Microsoft's services.

use avouch_cose::coset::cbor::value::Value;
use avouch_cose::coset::{ContentType, Header};
use avouch_cose::words::{CWT_CLAIMS, X5T, integer, number, only};
use avouch_cose::{Sign1, SignatureAlgorithm};
use avouch_pki::{Certificate, digest};
use avouch_snp::uvm::{DidX509, verify_signer};
use avouch_wire::json::parse_object;
use avouch_wire::{Hex, UnixTime, base64url};
use serde_json::Value as Json;

use super::StatementError;
use super::receipt::fits;
use super::statement::{STATEMENT_BYTES_MAX, bad, chain, claims, receipts};
use crate::{EnclaveMeasurement, GuestMeasurement, UvmMeasurement, WorkloadMeasurement};

/// Largest payload read as a description of code, in bytes.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// The payload is a hash, and of what content type what was hashed is (COSE hash envelope).
const PAYLOAD_HASH_ALGORITHM: i64 = 258;
const PREIMAGE_CONTENT_TYPE: i64 = 259;
/// COSE's number of SHA-256.
const COSE_SHA256: i64 = -16;
/// What a statement about code has in it.
const JSON: &str = "application/json";

/// Who may say which code a service runs, about what, and from which version on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodePublisher {
    /// `iss`: whoever holds a certificate of this sort.
    pub issuer: DidX509,
    /// `sub`: the service, in the publisher's words.
    pub subject: String,
    /// The least security version (`svn`); with 0, a statement need not have one.
    pub minimum_svn: u64,
}

/// A statement that a trusted publisher's certificate signed. Whether it stands in a ledger is for receipts.
///
/// Proven: a key with a certificate of the trusted sort signed it, and that certificate was good when it says that it
/// signed. Not proven: that it signed at that time, which is its own word, nor that the certificate was not
/// revoked. Only [`VerifiedCodeStatement::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedCodeStatement {
    publisher: CodePublisher,
    svn: Option<u64>,
    issued_at: UnixTime,
    content_type: Option<String>,
    is_hash: bool,
    payload: Vec<u8>,
    registered: Vec<u8>,
}

impl VerifiedCodeStatement {
    /// Verifies a statement of one of these publishers; gives it and what could be receipts in its headers.
    ///
    /// In order: form (one tagged `COSE_Sign1` of at most 512 KiB, no critical headers, payload within; its unprotected
    /// headers may hold anything), issuer, subject and time (CWT claims), publisher (issuer and subject are trusted),
    /// time, certificates (`x5chain` holds one that the issuer's `did:x509` names, leads down from there to one
    /// with its extended key usage, and was good at the time of signing; `x5t`, if it is there, is of that one),
    /// algorithm (ECDSA or RSASSA-PSS as goes with the key), signature, security version.
    ///
    /// # Errors
    /// [`StatementError`] naming the check that failed.
    ///
    /// # Source
    /// RFC 9943 (SCITT architecture), section 6; RFC 9597; RFC 9360; the did:x509 method, version 0; Microsoft,
    /// "Microsoft's Signing Transparency: usage, payloads, claims, and auditing" (`iss`, `sub`, `svn`, content type).
    pub fn verify(
        bytes: &[u8],
        trusted: &[CodePublisher],
        at: UnixTime,
    ) -> Result<(Self, Vec<Vec<u8>>), StatementError> {
        let (message, untrusted) =
            Sign1::parse_apart("SignedStatement", bytes, STATEMENT_BYTES_MAX)?;
        message.check_critical()?;
        let header = message.protected();
        let (issuer, subject, issued_at) = claims(header)?;
        let named = |one: &&CodePublisher| one.issuer.as_str() == issuer && one.subject == subject;
        let Some(publisher) = trusted.iter().find(named) else {
            return Err(StatementError::Publisher { issuer, subject });
        };
        if issued_at > at {
            return Err(StatementError::Future { issued_at, at });
        }
        let chain = chain(header)?;
        check_thumbprint(header, &chain)?;
        let signer = verify_signer(&chain, &publisher.issuer, issued_at)?;
        let key = signer.certificate().public_key();
        let algorithm = SignatureAlgorithm::of(header).filter(|it| fits(*it, key.kind()));
        let Some(scheme) = algorithm.and_then(SignatureAlgorithm::scheme) else {
            let found = format!("{:?}", header.alg);
            return Err(StatementError::Algorithm { found, expected: "its certificate's" });
        };
        let payload = message.payload().ok_or_else(|| bad("payload", "is detached"))?;
        key.verify(scheme, &message.signed_bytes(payload), message.signature())
            .map_err(|_| StatementError::Signature { key: digest::sha256(key.spki_der()) })?;
        let svn = svn(header)?;
        if svn.unwrap_or(0) < publisher.minimum_svn {
            return Err(StatementError::Svn { found: svn, minimum: publisher.minimum_svn });
        }
        let statement = Self {
            publisher: publisher.clone(),
            svn,
            issued_at,
            content_type: content_type(header)?,
            is_hash: number(header, PAYLOAD_HASH_ALGORITHM).is_some(),
            payload: payload.to_vec(),
            registered: message.without_untrusted_headers()?,
        };
        Ok((statement, receipts(untrusted)))
    }

    /// Who says it, about what.
    #[must_use]
    pub const fn publisher(&self) -> &CodePublisher {
        &self.publisher
    }

    /// `svn`: its security version, if it has one.
    #[must_use]
    pub const fn svn(&self) -> Option<u64> {
        self.svn
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

    /// The bytes that a ledger registers: the statement with no unprotected headers.
    #[must_use]
    pub fn registered(&self) -> &[u8] {
        &self.registered
    }

    /// The code that it is about: of `sgx-enclave` the `mrenclave`, and the `mrsigner` if it is there; of
    /// `security-policy-base64` a guest whose host data are the policy's SHA-256, in a utility VM that is one of `vms`.
    ///
    /// # Errors
    /// [`StatementError::ContentType`] and [`StatementError::Payload`] if it says neither in JSON of at most 256 KiB.
    ///
    /// # Source
    /// The examples in Microsoft's text.
    pub(super) fn code(
        &self,
        vms: &[UvmMeasurement],
    ) -> Result<Vec<WorkloadMeasurement>, StatementError> {
        if self.is_hash || self.content_type.as_deref() != Some(JSON) {
            let hash = if self.is_hash { "a hash of " } else { "" };
            let found =
                format!("{hash}{}", self.content_type.as_deref().unwrap_or("nothing named"));
            return Err(StatementError::ContentType { found, expected: JSON });
        }
        let payload = parse_object(&self.payload, PAYLOAD_BYTES_MAX)
            .map_err(|error| StatementError::Payload(error.to_string()))?;
        let mut code = Vec::new();
        if let Some(enclave) = payload.get("sgx-enclave") {
            code.push(WorkloadMeasurement::Sgx(self::enclave(enclave)?));
        }
        if let Some(policy) = payload.get("security-policy-base64") {
            let host_data = host_data(policy)?;
            let guest = |vm: &UvmMeasurement| GuestMeasurement {
                measurement: None,
                uvm: Some(vm.clone()),
                host_data: Some(host_data),
            };
            code.extend(vms.iter().map(guest).map(WorkloadMeasurement::Snp));
        }
        if code.is_empty() {
            let reason =
                "neither sgx-enclave nor security-policy-base64 with a utility VM to run it";
            return Err(StatementError::Payload(reason.to_owned()));
        }
        Ok(code)
    }
}

/// The thumbprint may be absent; if it is there, it is that of the signer's certificate.
fn check_thumbprint(header: &Header, chain: &[Certificate]) -> Result<(), StatementError> {
    const NAME: &str = "34 (x5t)";
    let (Some(value), Some(signer)) = (number(header, X5T), chain.first()) else {
        return Ok(());
    };
    let Some([algorithm, Value::Bytes(found)]) = value.as_array().map(Vec::as_slice) else {
        return Err(bad(NAME, "expected [algorithm, thumbprint]"));
    };
    if integer(algorithm) != Some(COSE_SHA256) {
        return Err(bad(NAME, "expected algorithm -16 (SHA-256)"));
    }
    if signer.fingerprint_sha256().as_bytes().as_slice() != found.as_slice() {
        return Err(bad(NAME, "is of another certificate than the first of x5chain"));
    }
    Ok(())
}

/// The security version stands among the claims, by name.
fn svn(header: &Header) -> Result<Option<u64>, StatementError> {
    const NAME: &str = "15 (svn)";
    let claims = number(header, CWT_CLAIMS).and_then(Value::as_map).map_or(&[][..], Vec::as_slice);
    let svn = only(claims, |key| key.as_text() == Some("svn"));
    let Some(svn) = svn.map_err(|_| bad(NAME, "appears twice"))? else { return Ok(None) };
    let number = integer(svn).and_then(|svn| u64::try_from(svn).ok());
    number.map(Some).ok_or_else(|| bad(NAME, "expected an integer that is not negative"))
}

/// That of the payload, or of what it is the hash of.
fn content_type(header: &Header) -> Result<Option<String>, StatementError> {
    match (&header.content_type, number(header, PREIMAGE_CONTENT_TYPE)) {
        (Some(_), Some(_)) => Err(bad("259 (preimage content type)", "stands beside 3")),
        (Some(ContentType::Text(text)), None) | (None, Some(Value::Text(text))) => {
            Ok(Some(text.clone()))
        }
        (None, None) => Ok(None),
        _ => Err(bad("3 (content type)", "expected text")),
    }
}

fn enclave(value: &Json) -> Result<EnclaveMeasurement, StatementError> {
    let object = value.as_object().ok_or_else(|| payload("sgx-enclave is no object"))?;
    let register = |name: &str| -> Result<Option<Hex<32>>, StatementError> {
        let Some(value) = object.get(name) else { return Ok(None) };
        let text = value.as_str().unwrap_or_default();
        let read = Hex::from_hex(text);
        read.map(Some).map_err(|error| payload(&format!("sgx-enclave.{name}: {error}")))
    };
    let mr_enclave = register("mrenclave")?;
    if mr_enclave.is_none() {
        return Err(payload("sgx-enclave has no mrenclave"));
    }
    let mr_signer = register("mrsigner")?;
    Ok(EnclaveMeasurement { mr_enclave, mr_signer, ..EnclaveMeasurement::default() })
}

/// Host data of confidential containers are the hash of their policy.
fn host_data(policy: &Json) -> Result<Hex<32>, StatementError> {
    let text = policy.as_str().ok_or_else(|| payload("security-policy-base64 is no text"))?;
    let policy = base64url::decode_standard(text)
        .map_err(|error| payload(&format!("security-policy-base64: {error}")))?;
    if policy.is_empty() {
        return Err(payload("security-policy-base64 is empty"));
    }
    Ok(digest::sha256(&policy))
}

fn payload(reason: &str) -> StatementError {
    StatementError::Payload(reason.to_owned())
}
