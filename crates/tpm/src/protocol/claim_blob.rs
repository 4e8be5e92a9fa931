//! Windows' platform claims: a quote with its values, signature and log in one blob, as the key storage
//! provider for TPMs makes them (`NCryptCreateClaim`; layout as in Microsoft's TSS.MSR, PCPTool).
//!
//! Little-endian, packed; the quote inside is a bare `TPMS_ATTEST`, the signature bare RSASSA.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use crate::{Attest, AttestError, Attested, HashAlgorithm, PcrValue, Signature};

/// `PADS`: values of the bank whose digests are as long as the values.
const MAGIC_1: u32 = 0x5344_4150;
/// `PAD2`: the bank is named.
const MAGIC_2: u32 = 0x3244_4150;
/// `TPM_VERSION_20`.
const PLATFORM_TPM_2: u32 = 2;
/// PCRs in the blob, whatever was quoted.
const PCRS: usize = 24;

/// A claim taken apart; nothing in it is verified.
pub(super) struct ClaimBlob {
    pub(super) bank: HashAlgorithm,
    values: Vec<Vec<u8>>,
    pub(super) quote: Vec<u8>,
    signature: Vec<u8>,
    pub(super) log: Vec<u8>,
}

impl ClaimBlob {
    pub(super) fn read(blob: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("PCP_PLATFORM_ATTESTATION_BLOB", blob);
        let before = cursor.clone();
        let magic = cursor.u32_le("magic")?;
        if magic != MAGIC_1 && magic != MAGIC_2 {
            let found = format_args!("{magic:#010x}");
            return Err(before.unexpected("magic", "PADS or PAD2", found));
        }
        cursor.expect_u32_le("platform", PLATFORM_TPM_2)?;
        cursor.expect_u32_le("header_size", if magic == MAGIC_1 { 28 } else { 32 })?;
        let mut length = |field| {
            let limit = u32::try_from(blob.len()).unwrap_or(u32::MAX);
            cursor.length_u32_le(field, limit)
        };
        let values_length = length("pcr_values_size")?;
        let quote_length = length("quote_size")?;
        let signature_length = length("signature_size")?;
        let log_length = length("log_size")?;
        let bank = if magic == MAGIC_1 {
            [HashAlgorithm::Sha1, HashAlgorithm::Sha256]
                .into_iter()
                .find(|bank| Some(values_length) == bank.digest_length().checked_mul(PCRS))
        } else {
            let id = cursor.u32_le("pcr_algorithm")?;
            u16::try_from(id).ok().and_then(HashAlgorithm::from_tpm_id)
        };
        let bank =
            bank.filter(|bank| Some(values_length) == bank.digest_length().checked_mul(PCRS));
        let Some(bank) = bank else {
            let text = "not 24 values of a known bank".to_owned();
            return Err(cursor.error("pcr_values", ParseErrorKind::Malformed(text)));
        };
        let values = cursor.take("pcr_values", values_length)?;
        let values = values.chunks(bank.digest_length()).map(<[u8]>::to_vec).collect();
        let quote = cursor.take("quote", quote_length)?.to_vec();
        let signature = cursor.take("signature", signature_length)?.to_vec();
        let log = cursor.take("log", log_length)?.to_vec();
        cursor.finish()?;
        Ok(Self { bank, values, quote, signature, log })
    }

    /// The values that the quote selects: the blob has all 24.
    pub(super) fn quoted_values(&self, quote: &Attest) -> Vec<PcrValue> {
        let Attested::Quote { selection, .. } = quote.untrusted_attested() else {
            return Vec::new();
        };
        let pcrs = selection.of(self.bank);
        let values = (0_u32..)
            .zip(&self.values)
            .filter(|(index, _)| u8::try_from(*index).is_ok_and(|index| pcrs.contains(index)));
        values
            .map(|(index, digest)| PcrValue { bank: self.bank, index, digest: digest.clone() })
            .collect()
    }

    /// The signature. Its hash is not written beside it: it is the hash of the PCR digest, which the
    /// signature covers.
    pub(super) fn signature(&self, quote: &Attest) -> Result<Signature, AttestError> {
        let Attested::Quote { pcr_digest, .. } = quote.untrusted_attested() else {
            return Err(quote.not("a quote"));
        };
        let known = [
            HashAlgorithm::Sha1,
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ];
        let hash = known.into_iter().find(|hash| hash.digest_length() == pcr_digest.len());
        Ok(Signature::bare_rsassa(hash.unwrap_or(HashAlgorithm::Sha256), &self.signature))
    }
}
