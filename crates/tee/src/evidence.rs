//! Evidence of one's own, and how it is carried.

use avouch_dcap::{CertificationData, Quote};
use avouch_token::{EvidenceExtension, TeeKind};
use avouch_wire::{UnixTime, base64url};
use serde_json::{Map, Value};

use crate::certificates::first_end;
use crate::{SnpQuote, TeeError, open_enclave};

/// Most bytes of evidence in a certificate. Who reads certificates takes up to 64 KiB of each, and a key set with
/// the certificates of all keys up to 1 MiB.
const EXTENSION_BYTES_MAX: usize = 32 * 1024;

/// What a TEE said of the process or machine that asked. It proves something to who verifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnEvidence {
    /// Of an enclave of SGX: its quote, without what may lie behind it.
    Sgx(Vec<u8>),
    /// Of a trust domain: its quote, without what may lie behind it.
    Tdx(Vec<u8>),
    /// Of a guest of SEV-SNP.
    Snp(SnpQuote),
    /// Of a machine whose paravisor reports: the hardware's report is over the runtime data, and these have
    /// what was asked about.
    AzureSnp {
        /// The paravisor's report.
        quote: SnpQuote,
        /// JSON, as the paravisor wrote it.
        runtime_data: Vec<u8>,
    },
    /// The same of a trust domain.
    AzureTdx {
        /// The paravisor's quote.
        quote: Vec<u8>,
        /// JSON, as the paravisor wrote it.
        runtime_data: Vec<u8>,
    },
}

impl OwnEvidence {
    /// What it is of, in the words of certificates; `sgx` for an enclave, whose certificates have no word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sgx(_) => "sgx",
            Self::Tdx(_) => TeeKind::Tdx.name(),
            Self::Snp(_) => TeeKind::AciSevSnp.name(),
            Self::AzureSnp { .. } => TeeKind::AzureSevSnp.name(),
            Self::AzureTdx { .. } => TeeKind::AzureTdx.name(),
        }
    }

    /// How a signing certificate carries it: SGX as an Open Enclave report in an extension of its own, as MAA
    /// did until 2022; all else as JSON with the kind of TEE, as MAA does from 2025 on.
    ///
    /// # Errors
    /// [`TeeError::TooLargeToPublish`] above 32 KiB: a larger certificate would make readers refuse the key.
    pub fn extension(&self) -> Result<EvidenceExtension, TeeError> {
        let described =
            |kind: TeeKind, document: Map<String, Value>| EvidenceExtension::Described {
                evidence_json: Value::Object(document).to_string(),
                tee_kind: kind.name().to_owned(),
            };
        let extension = match self {
            Self::Sgx(quote) => EvidenceExtension::Raw(open_enclave::report(quote)),
            Self::Tdx(quote) => described(TeeKind::Tdx, of_quote(quote)),
            Self::Snp(quote) => described(TeeKind::AciSevSnp, quote.document()),
            Self::AzureSnp { quote, runtime_data } => {
                described(TeeKind::AzureSevSnp, with_runtime(quote.document(), runtime_data))
            }
            Self::AzureTdx { quote, runtime_data } => {
                described(TeeKind::AzureTdx, with_runtime(of_quote(quote), runtime_data))
            }
        };
        let found = match &extension {
            EvidenceExtension::Raw(bytes) => bytes.len(),
            EvidenceExtension::Described { evidence_json, .. } => evidence_json.len(),
        };
        if found > EXTENSION_BYTES_MAX {
            return Err(TeeError::TooLargeToPublish { found, limit: EXTENSION_BYTES_MAX });
        }
        Ok(extension)
    }

    /// When the first of the certificates that it carries ends; none where it carries none, or none that can
    /// be read. What vendors publish beside it (CRLs, TCB levels) is the verifier's to have.
    #[must_use]
    pub fn holds_until(&self) -> Option<UnixTime> {
        match self {
            Self::Sgx(quote) | Self::Tdx(quote) | Self::AzureTdx { quote, .. } => {
                let quote = Quote::parse(quote).ok()?;
                match quote.signature_data().certification_data {
                    CertificationData::PckChain(pem) => first_end(pem),
                    _ => None,
                }
            }
            Self::Snp(quote) | Self::AzureSnp { quote, .. } => {
                first_end(quote.certificates()?.as_bytes())
            }
        }
    }
}

fn of_quote(quote: &[u8]) -> Map<String, Value> {
    Map::from_iter([("TdxQuote".to_owned(), base64url::encode(quote).into())])
}

fn with_runtime(mut document: Map<String, Value>, runtime_data: &[u8]) -> Map<String, Value> {
    document.insert("RuntimeData".to_owned(), base64url::encode(runtime_data).into());
    document
}
