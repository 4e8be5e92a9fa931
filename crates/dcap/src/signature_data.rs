//! The signature data of a quote: who signed it, and what vouches for that key.

use avouch_pki::{digest, pem};
use avouch_wire::{Cursor, Hex, ParseError};

use crate::certification_data::CertificationData;
use crate::error::ChainName;
use crate::header::QuoteVersion;
use crate::report_body::{ENCLAVE_REPORT_BYTES, EnclaveReport};

/// The signature data, borrowed from the quote.
///
/// In version 3 the fields follow each other. In versions 4 and 5 all after the attestation key is
/// inside certification data of type 6 (QE report certification data).
///
/// Source: Intel SGX ECDSA QuoteLibReference, A.4; TDX DCAP Quoting Library API, A.3.8 to A.3.11.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureData<'a> {
    /// ECDSA signature by the attestation key over header and body, `r || s`.
    pub quote_signature: &'a [u8; 64],
    /// Everything after the quote signature, as it stands.
    pub after_quote_signature: &'a [u8],
    /// Public attestation key, `x || y`.
    pub attestation_key: &'a [u8; 64],
    /// The quoting enclave's report as signed by the PCK.
    pub qe_report_bytes: &'a [u8; ENCLAVE_REPORT_BYTES],
    /// The quoting enclave's report, parsed.
    pub qe_report: EnclaveReport,
    /// ECDSA signature by the PCK over the QE report, `r || s`.
    pub qe_report_signature: &'a [u8; 64],
    /// Bytes that the QE report binds beside the attestation key; any length and value.
    pub qe_authentication_data: &'a [u8],
    /// What leads to the PCK certificate.
    pub certification_data: CertificationData<'a>,
}

impl<'a> SignatureData<'a> {
    /// Parses signature data that fill `cursor` exactly.
    ///
    /// # Errors
    /// [`ParseError`] if bytes are missing or left over, or a type is not allowed where it stands.
    pub fn parse(mut cursor: Cursor<'a>, version: QuoteVersion) -> Result<Self, ParseError> {
        let quote_signature = cursor.array("quote_signature")?;
        let after_quote_signature = cursor.clone().rest();
        let attestation_key = cursor.array("attestation_key")?;
        let mut certification = match version {
            QuoteVersion::V3 => cursor,
            QuoteVersion::V4 | QuoteVersion::V5 => open_qe_certification(cursor)?,
        };
        let qe_report_at = certification.offset();
        let qe_report_bytes = certification.array("qe_report")?;
        let mut qe_report = Cursor::at("QeReport", qe_report_bytes, qe_report_at);
        let qe_report = EnclaveReport::parse(&mut qe_report)?;
        let qe_report_signature = certification.array("qe_report_signature")?;
        let length = certification.u16_le("qe_authentication_data_length")?;
        let qe_authentication_data =
            certification.take("qe_authentication_data", usize::from(length))?;
        let certification_data = CertificationData::parse(&mut certification)?;
        certification.finish()?;
        Ok(Self {
            quote_signature,
            after_quote_signature,
            attestation_key,
            qe_report_bytes,
            qe_report,
            qe_report_signature,
            qe_authentication_data,
            certification_data,
        })
    }

    /// SHA-256 over what a proof of the platform rests on, behind `head`: everything after the quote
    /// signature but what stands around the blocks of the PCK chain and between their lines. Nobody reads
    /// that and no signature covers it, so that whoever holds one quote could make any number of them.
    ///
    /// Lengths are inside, so no byte can move between fields unnoticed.
    pub(crate) fn platform_digest(&self, head: &[u8]) -> Hex<32> {
        let chain = match self.certification_data {
            CertificationData::PckChain(text) => pem::content(text, ChainName::Pck.blocks_max()),
            _ => None,
        };
        let Some(chain) = chain else {
            return digest::sha256_of_parts(&[head, &[0], self.after_quote_signature]);
        };
        let authentication = self.qe_authentication_data;
        digest::sha256_of_parts(&[
            head,
            &[1],
            self.attestation_key,
            self.qe_report_bytes,
            self.qe_report_signature,
            &u64::try_from(authentication.len()).unwrap_or(u64::MAX).to_le_bytes(),
            authentication,
            &chain,
        ])
    }
}

/// Opens the outer certification data of versions 4 and 5, which must be of type 6 and the last
/// thing in the signature data.
fn open_qe_certification(mut cursor: Cursor<'_>) -> Result<Cursor<'_>, ParseError> {
    let before = cursor.clone();
    let code = cursor.u16_le("outer_certification_data_type")?;
    if code != 6 {
        return Err(before.unexpected("outer_certification_data_type", 6, code));
    }
    let left = u32::try_from(cursor.remaining().saturating_sub(4)).unwrap_or(u32::MAX);
    let length = cursor.length_u32_le("outer_certification_data_length", left)?;
    let inner = cursor.sub("qe_report_certification_data", "QeReportCertificationData", length)?;
    cursor.finish()?;
    Ok(inner)
}
