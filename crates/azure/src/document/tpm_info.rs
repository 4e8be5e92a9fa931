//! What the client sends of its TPM.

use std::borrow::Cow;

use avouch_tpm::{HashAlgorithm, PcrMask, PcrValue};
use serde::Deserialize;

use super::{DocumentError, decode};

/// PCRs of a platform.
const PCRS_MAX: usize = 24;

/// The TPM's structures as bytes, and the values that are said to be quoted.
#[derive(Debug, Clone)]
pub(crate) struct TpmInfo {
    pub(crate) ak_certificate: Vec<u8>,
    pub(crate) ak_public: Vec<u8>,
    pub(crate) quote: Vec<u8>,
    pub(crate) quote_signature: Vec<u8>,
    pub(crate) sealing_public: Vec<u8>,
    pub(crate) certify: Vec<u8>,
    pub(crate) certify_signature: Vec<u8>,
    pub(crate) pcr_set: PcrMask,
    pub(crate) values: Vec<PcrValue>,
}

/// The same as it is written.
#[derive(Deserialize)]
pub(super) struct Written<'a> {
    #[serde(rename = "AikCert", borrow, default)]
    ak_certificate: Option<Cow<'a, str>>,
    #[serde(rename = "AikPub", borrow)]
    ak_public: Cow<'a, str>,
    #[serde(rename = "PcrQuote", borrow)]
    quote: Cow<'a, str>,
    #[serde(rename = "PcrSignature", borrow)]
    quote_signature: Cow<'a, str>,
    #[serde(rename = "EncKeyPub", borrow)]
    sealing_public: Cow<'a, str>,
    #[serde(rename = "EncKeyCertifyInfo", borrow)]
    certify: Cow<'a, str>,
    #[serde(rename = "EncKeyCertifyInfoSignature", borrow)]
    certify_signature: Cow<'a, str>,
    #[serde(rename = "PcrSet")]
    pcr_set: Vec<u32>,
    #[serde(rename = "PCRs", borrow)]
    pcrs: Vec<WrittenValue<'a>>,
}

#[derive(Deserialize)]
struct WrittenValue<'a> {
    #[serde(rename = "Index")]
    index: u32,
    #[serde(rename = "Digest", borrow)]
    digest: Cow<'a, str>,
}

impl TpmInfo {
    pub(super) fn decode(written: &Written<'_>) -> Result<Self, DocumentError> {
        let certificate = written.ak_certificate.as_deref().unwrap_or_default();
        Ok(Self {
            ak_certificate: decode("TpmInfo.AikCert", certificate)?,
            ak_public: decode("TpmInfo.AikPub", &written.ak_public)?,
            quote: decode("TpmInfo.PcrQuote", &written.quote)?,
            quote_signature: decode("TpmInfo.PcrSignature", &written.quote_signature)?,
            sealing_public: decode("TpmInfo.EncKeyPub", &written.sealing_public)?,
            certify: decode("TpmInfo.EncKeyCertifyInfo", &written.certify)?,
            certify_signature: decode(
                "TpmInfo.EncKeyCertifyInfoSignature",
                &written.certify_signature,
            )?,
            pcr_set: pcr_set(&written.pcr_set)?,
            values: values(&written.pcrs)?,
        })
    }
}

/// Each PCR once.
fn pcr_set(written: &[u32]) -> Result<PcrMask, DocumentError> {
    let member = "TpmInfo.PcrSet";
    let refused = || DocumentError::Member { member, expected: "PCRs 0 to 23, each once" };
    written.iter().try_fold(PcrMask::NONE, |set, index| {
        let pcr = u8::try_from(*index).map_err(|_| refused())?;
        set.with(pcr).filter(|_| !set.contains(pcr)).ok_or_else(refused)
    })
}

/// Values of the SHA-256 bank. Whether they are those of the quote is judged with it.
fn values(written: &[WrittenValue<'_>]) -> Result<Vec<PcrValue>, DocumentError> {
    if written.len() > PCRS_MAX {
        let (member, expected) = ("TpmInfo.PCRs", "at most 24 values");
        return Err(DocumentError::Member { member, expected });
    }
    let value = |value: &WrittenValue<'_>| {
        let digest = decode("TpmInfo.PCRs.Digest", &value.digest)?;
        Ok(PcrValue { bank: HashAlgorithm::Sha256, index: value.index, digest })
    };
    written.iter().map(value).collect()
}
