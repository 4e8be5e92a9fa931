//! Quotes v3, v4 and v5: header, body, signature data.

use avouch_pki::digest::sha256;
use avouch_wire::Hex;

use super::{
    enclave_report::EnclaveReport,
    td_report::{TdReport, TdReportForm},
};
use crate::{
    MintError,
    options::length_field,
    p256::P256Key,
    seed::Seed,
    x509::{KeyLabel, SignatureFault},
};

/// The vendor id of Intel's quoting enclaves.
pub(crate) const INTEL_QE_VENDOR_ID: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];
/// ECDSA with P-256.
pub(crate) const KEY_TYPE_P256: u16 = 2;
/// TEE type of SGX.
pub(crate) const TEE_SGX: u32 = 0;
/// TEE type of TDX.
pub(crate) const TEE_TDX: u32 = 0x81;
/// Certification data: a PCK chain in PEM.
pub(crate) const CERTIFICATION_PCK_CHAIN: u16 = 5;
/// Certification data: a QE report with its own certification data.
pub(crate) const CERTIFICATION_QE_REPORT: u16 = 6;

/// Where the parts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The QE report stands in the signature data.
    V3,
    /// The QE report stands in certification data of type 6.
    V4,
    /// As V4, with body type and size before the body.
    V5,
}

/// The 48 bytes before the body.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) version: u16,
    pub(crate) key_type: u16,
    pub(crate) tee_type: u32,
    pub(crate) qe_svn: u16,
    pub(crate) pce_svn: u16,
    pub(crate) vendor_id: [u8; 16],
    pub(crate) user_data: [u8; 20],
}

/// What is attested.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// An SGX enclave.
    Enclave(Box<EnclaveReport>),
    /// A trust domain.
    Td(Box<TdReport>, TdReportForm),
}

/// A quote as a plan. Every `*_skew` is added to the length that is declared, not to the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Quote {
    pub(crate) layout: Layout,
    pub(crate) header: Header,
    pub(crate) body: Body,
    /// Declared body type of V5.
    pub(crate) body_type: u16,
    pub(crate) body_size_skew: i64,
    /// The key in the signature data.
    pub(crate) attestation_key: KeyLabel,
    pub(crate) quote_signer: KeyLabel,
    pub(crate) quote_signature: SignatureFault,
    /// Its report data is written when the quote is built.
    pub(crate) qe_report: EnclaveReport,
    /// The key whose hash the QE report carries.
    pub(crate) bound_key: KeyLabel,
    /// The authentication data whose hash the QE report carries.
    pub(crate) bound_auth_data: Vec<u8>,
    pub(crate) qe_report_signer: KeyLabel,
    pub(crate) qe_report_signature: SignatureFault,
    pub(crate) auth_data: Vec<u8>,
    pub(crate) auth_length_skew: i64,
    pub(crate) outer_type: u16,
    pub(crate) outer_length_skew: i64,
    pub(crate) certification_type: u16,
    pub(crate) certification_length_skew: i64,
    /// Bytes after the certification data, inside the declared signature data.
    pub(crate) leftover: Vec<u8>,
    pub(crate) signature_data_length_skew: i64,
    /// Bytes after the quote.
    pub(crate) padding: Vec<u8>,
    /// Cuts the finished quote.
    pub(crate) truncated_to: Option<usize>,
}

impl Quote {
    /// The bytes of the quote, with `certification_data` as the innermost part.
    pub(crate) fn to_bytes(
        &self,
        seed: &Seed,
        certification_data: &[u8],
    ) -> Result<Vec<u8>, MintError> {
        let signed = self.signed_bytes()?;
        let signature = {
            let key = P256Key::derive(seed, self.quote_signer)?;
            self.quote_signature.sign(&key, &signed)?
        };
        let attestation_key = P256Key::derive(seed, self.attestation_key)?;
        let tail = self.qe_part(seed, certification_data)?;
        let tail = if self.layout == Layout::V3 { tail } else { self.nested(&tail)? };
        let signature_data =
            [signature.as_slice(), attestation_key.public(), &tail, self.leftover.as_slice()]
                .concat();
        let length: u32 =
            declared("signature data", signature_data.len(), self.signature_data_length_skew)?;
        let mut bytes =
            [signed.as_slice(), &length.to_le_bytes(), &signature_data, self.padding.as_slice()]
                .concat();
        bytes.truncate(self.truncated_to.unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// Header and body, which the attestation key signs.
    fn signed_bytes(&self) -> Result<Vec<u8>, MintError> {
        let mut bytes = self.header.to_bytes();
        let body = match &self.body {
            Body::Enclave(report) => report.to_bytes(),
            Body::Td(report, form) => report.to_bytes(*form),
        };
        if self.layout == Layout::V5 {
            let size: u32 = declared("body", body.len(), self.body_size_skew)?;
            bytes.extend(self.body_type.to_le_bytes());
            bytes.extend(size.to_le_bytes());
        }
        bytes.extend(body);
        Ok(bytes)
    }

    /// QE report, its signature, authentication data and the inner certification data.
    fn qe_part(&self, seed: &Seed, certification_data: &[u8]) -> Result<Vec<u8>, MintError> {
        let bound_key = P256Key::derive(seed, self.bound_key)?;
        let binding = sha256(&[bound_key.public().as_slice(), &self.bound_auth_data].concat());
        let report = EnclaveReport { report_data: first_half(&binding), ..self.qe_report.clone() }
            .to_bytes();
        let signer = P256Key::derive(seed, self.qe_report_signer)?;
        let signature = self.qe_report_signature.sign(&signer, &report)?;
        let auth_length: u16 =
            declared("QE authentication data", self.auth_data.len(), self.auth_length_skew)?;
        let certification_length: u32 = declared(
            "certification data",
            certification_data.len(),
            self.certification_length_skew,
        )?;
        Ok([
            report.as_slice(),
            &signature,
            &auth_length.to_le_bytes(),
            &self.auth_data,
            &self.certification_type.to_le_bytes(),
            &certification_length.to_le_bytes(),
            certification_data,
        ]
        .concat())
    }

    /// Wraps the QE part into the outer certification data of v4 and v5.
    fn nested(&self, qe_part: &[u8]) -> Result<Vec<u8>, MintError> {
        let length: u32 =
            declared("QE report certification data", qe_part.len(), self.outer_length_skew)?;
        Ok([self.outer_type.to_le_bytes().as_slice(), &length.to_le_bytes(), qe_part].concat())
    }
}

impl Header {
    fn to_bytes(&self) -> Vec<u8> {
        [
            self.version.to_le_bytes().as_slice(),
            &self.key_type.to_le_bytes(),
            &self.tee_type.to_le_bytes(),
            &self.qe_svn.to_le_bytes(),
            &self.pce_svn.to_le_bytes(),
            &self.vendor_id,
            &self.user_data,
        ]
        .concat()
    }
}

/// A hash in the first half of 64 bytes, zeros in the second.
pub(crate) fn first_half(hash: &Hex<32>) -> [u8; 64] {
    padded(hash)
}

/// A hash followed by zeros.
pub(crate) fn padded<const N: usize>(hash: &Hex<32>) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    out
}

/// The declared length: the true one and the skew.
pub(crate) fn declared<T: TryFrom<usize>>(
    field: &'static str,
    length: usize,
    skew: i64,
) -> Result<T, MintError> {
    let too_long = MintError::TooLong { field, length };
    let skew = isize::try_from(skew).map_err(|_| MintError::TooLong { field, length })?;
    length_field(field, length.checked_add_signed(skew).ok_or(too_long)?)
}
