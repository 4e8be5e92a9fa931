//! The evidence that an attestation service carries in its signing certificate.

use avouch_pki::der;
use avouch_pki::{Certificate, PublicKey};
use avouch_wire::base64url::{self, DecodeError};
use avouch_wire::json::{JsonError, parse_object};
use avouch_wire::{Cursor, Hex, ParseError, failed_check};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::key_digest;

const OID_2020: &str = "1.2.840.113556.10.1.1";
const OID_2021: &str = "1.3.6.1.4.1.311.105.1";
const OID_2025_EVIDENCE: &str = "1.3.6.1.4.1.311.105.1000.1";
const OID_2025_TEE_KIND: &str = "1.3.6.1.4.1.311.105.1000.2";

/// The kinds of TEE that JSON evidence is of. MAA's own is the first; the others are Avouch's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeeKind {
    /// A guest of SEV-SNP: `{"SnpReport", "VcekCertChain", "Endorsements"?}`.
    AciSevSnp,
    /// A trust domain: `{"TdxQuote"}`.
    Tdx,
    /// A machine on SEV-SNP whose paravisor reports: `RuntimeData` beside the members of the first. The
    /// report is over the runtime data; what the guest binds is their `user-data`.
    AzureSevSnp,
    /// A machine on TDX whose paravisor reports: `{"TdxQuote", "RuntimeData"}`.
    AzureTdx,
}

impl TeeKind {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::AciSevSnp, Self::Tdx, Self::AzureSevSnp, Self::AzureTdx];

    /// The name in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AciSevSnp => "acisevsnp",
            Self::Tdx => "tdx",
            Self::AzureSevSnp => "azurecvmsevsnp",
            Self::AzureTdx => "azurecvmtdx",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Evidence found in a signing certificate: parsed out, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceEvidence {
    /// A bare SGX or TDX quote (MAA in May 2020, wrapped in a DER OCTET STRING).
    Quote(Vec<u8>),
    /// An Open Enclave report: 16-byte header and SGX quote (MAA from December 2020 to 2022).
    OpenEnclaveReport(Vec<u8>),
    /// JSON and kind of TEE (MAA from 2025 on).
    Described {
        /// JSON with the members of its [`TeeKind`], each base64url.
        evidence_json: String,
        /// The kind of TEE, such as `acisevsnp`.
        tee_kind: String,
    },
}

/// The members of an `acisevsnp` evidence JSON, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SevSnpServiceEvidence {
    /// The attestation report; 1184 bytes if it is one.
    pub report: Vec<u8>,
    /// PEM certificates: VCEK, ASK, ARK.
    pub vcek_cert_chain: Vec<u8>,
    /// JSON with `Uvm`, if there is one.
    pub endorsements: Option<Vec<u8>>,
}

/// Why the evidence of a signing certificate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceEvidenceError {
    /// Extensions of more than one generation.
    #[error("certificate has evidence in both {first} and {second}")]
    TwoGenerations {
        /// One identifier.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// An extension that must stand beside the one that is there.
    #[error("certificate has extension {present} without {missing}")]
    Incomplete {
        /// The identifier that is there.
        present: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// An extension that is not the DER it should be.
    #[error(transparent)]
    Der(#[from] ParseError),
    /// A text that is no UTF-8.
    #[error("extension {0} is not utf-8")]
    NotUtf8(&'static str),
    /// Bytes that are neither a quote nor an Open Enclave report.
    #[error("evidence begins with {begin}: neither a quote nor an open enclave report")]
    Unrecognised {
        /// The first bytes in hex.
        begin: String,
    },
    /// The evidence JSON is none.
    #[error("evidence: {0}")]
    Json(#[from] JsonError),
    /// A member that is missing or no string.
    #[error("evidence has no text {0}")]
    Member(&'static str),
    /// A member that is no base64url.
    #[error("evidence member {name}: {source}")]
    Base64 {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        source: DecodeError,
    },
}

impl ServiceEvidence {
    /// Finds the evidence in a signing certificate, in the form of any generation of MAA or of
    /// Avouch; none if the certificate carries none.
    ///
    /// # Errors
    /// [`ServiceEvidenceError`] if an extension is there and cannot be read.
    ///
    /// # Source
    /// `docs/maa/keys.md#signing-certificates`.
    pub fn of_certificate(certificate: &Certificate) -> Result<Option<Self>, ServiceEvidenceError> {
        let value = |oid| certificate.extension(oid).map(|found| found.value.as_slice());
        let found: Vec<(&'static str, &[u8])> = [OID_2020, OID_2021, OID_2025_EVIDENCE]
            .into_iter()
            .filter_map(|oid| Some((oid, value(oid)?)))
            .collect();
        match (found.as_slice(), value(OID_2025_TEE_KIND)) {
            ([], None) => Ok(None),
            ([], Some(_)) => Err(ServiceEvidenceError::Incomplete {
                present: OID_2025_TEE_KIND,
                missing: OID_2025_EVIDENCE,
            }),
            ([(first, _), (second, _), ..], _) => {
                Err(ServiceEvidenceError::TwoGenerations { first, second })
            }
            ([(OID_2025_EVIDENCE, json)], Some(kind)) => Ok(Some(Self::Described {
                evidence_json: utf8_string(OID_2025_EVIDENCE, json)?,
                tee_kind: utf8_string(OID_2025_TEE_KIND, kind)?,
            })),
            ([(OID_2025_EVIDENCE, _)], None) => Err(ServiceEvidenceError::Incomplete {
                present: OID_2025_EVIDENCE,
                missing: OID_2025_TEE_KIND,
            }),
            ([(first, _)], Some(_)) => {
                Err(ServiceEvidenceError::TwoGenerations { first, second: OID_2025_TEE_KIND })
            }
            ([(_, bytes)], None) => Self::of_bytes(bytes).map(Some),
        }
    }

    /// Tells quote and Open Enclave report apart by their first bytes.
    fn of_bytes(bytes: &[u8]) -> Result<Self, ServiceEvidenceError> {
        match bytes {
            [1, 0, 0, 0, 2, 0, 0, 0, ..] => Ok(Self::OpenEnclaveReport(bytes.to_vec())),
            [3..=5, 0, ..] => Ok(Self::Quote(bytes.to_vec())),
            [der::OCTET_STRING, ..] => {
                let mut cursor = Cursor::new("EvidenceExtension", bytes);
                let content = der::open(&mut cursor, "octet string", der::OCTET_STRING)?.rest();
                cursor.finish()?;
                match content {
                    [3..=5, 0, ..] => Ok(Self::Quote(content.to_vec())),
                    other => Err(unrecognised(other)),
                }
            }
            other => Err(unrecognised(other)),
        }
    }

    /// The decoded members of the JSON of 2025, if this is such evidence.
    ///
    /// # Errors
    /// [`ServiceEvidenceError`] if the JSON or a member is malformed.
    pub fn sev_snp(&self) -> Result<Option<SevSnpServiceEvidence>, ServiceEvidenceError> {
        let Self::Described { evidence_json, .. } = self else {
            return Ok(None);
        };
        let members = parse_object(evidence_json.as_bytes(), EVIDENCE_LIMIT_BYTES)?;
        let endorsements = match members.get("Endorsements") {
            None | Some(Value::Null) => None,
            Some(_) => Some(member(&members, "Endorsements")?),
        };
        Ok(Some(SevSnpServiceEvidence {
            report: member(&members, "SnpReport")?,
            vcek_cert_chain: member(&members, "VcekCertChain")?,
            endorsements,
        }))
    }
}

/// A member of evidence in JSON, such as `TdxQuote` or `RuntimeData`, decoded.
///
/// # Errors
/// [`ServiceEvidenceError`] if the JSON or the member is malformed, or there is no such member.
pub fn evidence_member(
    evidence_json: &str,
    name: &'static str,
) -> Result<Vec<u8>, ServiceEvidenceError> {
    member(&parse_object(evidence_json.as_bytes(), EVIDENCE_LIMIT_BYTES)?, name)
}

/// As large as a certificate may be.
const EVIDENCE_LIMIT_BYTES: usize = 64 * 1024;

fn unrecognised(bytes: &[u8]) -> ServiceEvidenceError {
    let begin = avouch_wire::hex_beginning(bytes, 8);
    ServiceEvidenceError::Unrecognised { begin }
}

fn utf8_string(oid: &'static str, value: &[u8]) -> Result<String, ServiceEvidenceError> {
    let mut cursor = Cursor::new("EvidenceExtension", value);
    let content = der::open(&mut cursor, "utf8 string", der::UTF8_STRING)?.rest();
    cursor.finish()?;
    str::from_utf8(content).map(str::to_owned).map_err(|_| ServiceEvidenceError::NotUtf8(oid))
}

fn member(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Vec<u8>, ServiceEvidenceError> {
    let text = members.get(name).and_then(Value::as_str);
    let text = text.ok_or(ServiceEvidenceError::Member(name))?;
    base64url::decode(text).map_err(|source| ServiceEvidenceError::Base64 { name, source })
}

/// The evidence is for another key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("report data is {found}, the key demands {expected}")]
pub struct KeyBindingError {
    /// What the key demands, in hex.
    pub expected: String,
    /// What the evidence has, in hex.
    pub found: String,
}

failed_check!(KeyBindingError {
    _ => "service-key-binding",
});

/// The report data of evidence that vouches for a signing key: [`key_digest`], then 32 zero bytes.
#[must_use]
pub fn key_report_data(key: &PublicKey) -> Hex<64> {
    let mut report_data = [0; 64];
    let (digest, _) = report_data.split_at_mut(32);
    digest.copy_from_slice(key_digest(key).as_bytes());
    Hex(report_data)
}

/// Checks that (verified) evidence with this report data vouches for `key`.
///
/// # Errors
/// [`KeyBindingError`] with both values.
///
/// # Source
/// `docs/maa/keys.md#signing-certificates`: computed on every certificate seen.
pub fn check_key_binding(key: &PublicKey, report_data: &[u8; 64]) -> Result<(), KeyBindingError> {
    let (expected, found) = (key_report_data(key), Hex(*report_data));
    if expected == found {
        return Ok(());
    }
    Err(KeyBindingError { expected: expected.to_string(), found: found.to_string() })
}
