//! Open Enclave's wrappers, custom claims and endorsements.

use avouch_wire::UnixTime;

use super::{collateral::Collateral, quote::declared};
use crate::{MintError, options::length_field};

/// Format UUID of SGX ECDSA evidence.
pub(crate) const FORMAT_SGX_ECDSA: [u8; 16] = [
    0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14, 0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c,
];
/// Format UUID of local attestation, which no remote party can verify.
pub(crate) const FORMAT_SGX_LOCAL: [u8; 16] = [
    0x09, 0x26, 0x8c, 0x33, 0x6e, 0x0b, 0x45, 0xe5, 0x8a, 0x27, 0x15, 0x64, 0x4d, 0x0e, 0xf8, 0x9a,
];
/// Version of the report header.
pub(crate) const REPORT_VERSION: u32 = 1;
/// Report type: an SGX quote.
pub(crate) const REPORT_TYPE_REMOTE: u32 = 2;
/// Report type: an SGX local report.
pub(crate) const REPORT_TYPE_LOCAL: u32 = 1;
/// Version of the evidence header.
pub(crate) const EVIDENCE_VERSION: u32 = 3;

/// What stands around the quote.
#[derive(Debug, Clone)]
pub(crate) enum Wrapper {
    /// Nothing.
    Bare,
    /// The 16-byte header of `oe_get_report`.
    Report { version: u32, report_type: u32, size_skew: i64 },
    /// The 28-byte header of `oe_get_evidence`, and the custom claims buffer after the quote.
    Evidence { version: u32, format: [u8; 16], size_skew: i64, claims: Vec<u8> },
    /// The custom claims buffer after the quote.
    Claims(Vec<u8>),
}

impl Wrapper {
    /// The evidence as submitted.
    pub(crate) fn wrap(&self, quote: Vec<u8>) -> Result<Vec<u8>, MintError> {
        match self {
            Self::Bare => Ok(quote),
            Self::Claims(claims) => Ok([quote.as_slice(), claims].concat()),
            Self::Report { version, report_type, size_skew } => {
                let size: u64 = declared("Open Enclave report", quote.len(), *size_skew)?;
                Ok([
                    version.to_le_bytes().as_slice(),
                    &report_type.to_le_bytes(),
                    &size.to_le_bytes(),
                    &quote,
                ]
                .concat())
            }
            Self::Evidence { version, format, size_skew, claims } => {
                let length = quote.len().saturating_add(claims.len());
                let size: u64 = declared("Open Enclave evidence", length, *size_skew)?;
                Ok([version.to_le_bytes().as_slice(), format, &size.to_le_bytes(), &quote, claims]
                    .concat())
            }
        }
    }
}

/// Serialises custom claims as `oe_serialize_custom_claims` does, for the custom claims buffer of
/// evidence: hand the result in as binary runtime data.
///
/// Layout: u64 version 1, u64 number of claims; per claim u64 name size with its NUL, u64 value
/// size, name, NUL, value. Integers are little-endian.
#[must_use]
pub fn serialize_custom_claims(claims: &[(&str, &[u8])]) -> Vec<u8> {
    // A usize has at most 64 bits on every platform this is built for.
    let size = |length: usize| u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes();
    let mut bytes = [1_u64.to_le_bytes(), size(claims.len())].concat();
    for (name, value) in claims {
        bytes.extend(size(name.len().saturating_add(1)));
        bytes.extend(size(value.len()));
        bytes.extend(name.bytes());
        bytes.push(0);
        bytes.extend_from_slice(value);
    }
    bytes
}

const ENDORSEMENTS_VERSION: u32 = 1;
const ENDORSEMENTS_TYPE_SGX: u32 = 2;

/// The endorsements blob of Open Enclave: the same collateral in its binary form.
pub(crate) fn endorsements(collateral: &Collateral, at: UnixTime) -> Result<Vec<u8>, MintError> {
    let pck_crl = collateral.pck_crl.clone().unwrap_or_default();
    let root_crl = collateral.root_ca_crl.clone().unwrap_or_default();
    let tcb_info = format!(
        r#"{{"tcbInfo":{},"signature":"{}"}}"#,
        collateral.tcb_info.text, collateral.tcb_info.signature
    );
    let qe_identity = format!(
        r#"{{"enclaveIdentity":{},"signature":"{}"}}"#,
        collateral.qe_identity.text, collateral.qe_identity.signature
    );
    let elements = [
        ENDORSEMENTS_VERSION.to_le_bytes().to_vec(),
        nul_terminated(tcb_info.as_bytes()),
        nul_terminated(collateral.tcb_info_issuer_chain.as_bytes()),
        pck_crl,
        nul_terminated(&root_crl),
        nul_terminated(collateral.pck_crl_issuer_chain.as_bytes()),
        nul_terminated(qe_identity.as_bytes()),
        nul_terminated(collateral.qe_identity_issuer_chain.as_bytes()),
        nul_terminated(at.to_rfc3339().as_bytes()),
    ];
    let mut offsets = Vec::new();
    let mut data = Vec::new();
    for element in &elements {
        let offset: u32 = length_field("Open Enclave endorsements", data.len())?;
        offsets.extend(offset.to_le_bytes());
        data.extend_from_slice(element);
    }
    let size: u32 =
        length_field("Open Enclave endorsements", offsets.len().saturating_add(data.len()))?;
    let count: u32 = length_field("Open Enclave endorsements", elements.len())?;
    Ok([
        [ENDORSEMENTS_VERSION, ENDORSEMENTS_TYPE_SGX, size, count].map(u32::to_le_bytes).concat(),
        offsets,
        data,
    ]
    .concat())
}

fn nul_terminated(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}
