//! What to mint.

use avouch_wire::UnixTime;

use crate::{
    MintError, Seed,
    intel::{EnclaveOptions, OpenEnclaveFormat, PlatformOptions, TdOptions},
    snp::SnpOptions,
    tpm::{GuestOptions, TpmMachine},
};

/// What to mint. [`Options::new`] gives evidence that every default accepts.
#[derive(Debug, Clone)]
pub struct Options {
    /// The moment around which certificates, CRLs and documents are valid.
    pub at: UnixTime,
    /// Source of keys, serial numbers and measurements.
    pub seed: Seed,
    /// One of [`breaks`](crate::breaks) by name, or nothing for good evidence.
    pub break_name: Option<String>,
    /// Data whose SHA-256 goes into the first half of the report data.
    pub runtime_data: Option<HeldData>,
    /// Data whose SHA-256 goes into CONFIGID (SGX, with KSS) or MRCONFIGID (TDX).
    pub init_time_data: Option<HeldData>,
    /// The Intel platform: PCK certificate, TCB levels, collateral.
    pub platform: PlatformOptions,
    /// The attested enclave, for SGX and Open Enclave.
    pub enclave: EnclaveOptions,
    /// The wrapper, for Open Enclave.
    pub open_enclave: OpenEnclaveFormat,
    /// The attested trust domain, for TDX.
    pub td: TdOptions,
    /// The platform and guest, for SEV-SNP.
    pub snp: SnpOptions,
    /// The machine, for TPM and for guest attestation.
    pub tpm: TpmMachine,
    /// What isolates the machine, and who attests, for guest attestation.
    pub guest: GuestOptions,
}

impl Options {
    /// Good evidence at `at` with JSON runtime data.
    #[must_use]
    pub fn new(at: UnixTime) -> Self {
        Self {
            at,
            seed: Seed::default(),
            break_name: None,
            runtime_data: Some(HeldData::json(r#"{"minted-by":"avouch","purpose":"test"}"#)),
            init_time_data: None,
            platform: PlatformOptions::default(),
            enclave: EnclaveOptions::default(),
            open_enclave: OpenEnclaveFormat::default(),
            td: TdOptions::default(),
            snp: SnpOptions::default(),
            tpm: TpmMachine::default(),
            guest: GuestOptions::default(),
        }
    }

    /// The same, broken in the named way.
    #[must_use]
    pub fn broken(self, name: impl Into<String>) -> Self {
        Self { break_name: Some(name.into()), ..self }
    }

    /// Moments relative to `at`, for validity windows.
    pub(crate) const fn days_from_at(&self, days: i64) -> UnixTime {
        self.at.saturating_add_seconds(days.saturating_mul(86_400))
    }
}

/// Bytes a client hands in beside the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldData {
    /// The bytes; what is hashed.
    pub bytes: Vec<u8>,
    /// How the client says they are to be read.
    pub data_type: HeldDataType,
}

/// MAA's `dataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldDataType {
    /// A JSON document.
    Json,
    /// Any bytes.
    Binary,
}

impl HeldDataType {
    /// MAA's spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Binary => "Binary",
        }
    }
}

impl HeldData {
    /// A JSON document, kept as written.
    #[must_use]
    pub fn json(text: impl Into<String>) -> Self {
        Self { bytes: text.into().into_bytes(), data_type: HeldDataType::Json }
    }

    /// Any bytes.
    #[must_use]
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), data_type: HeldDataType::Binary }
    }

    pub(crate) fn file_name(&self, stem: &str) -> String {
        let extension = match self.data_type {
            HeldDataType::Json => "json",
            HeldDataType::Binary => "bin",
        };
        format!("{stem}.{extension}")
    }
}

/// A length that goes into a length field of type `T`.
pub(crate) fn length_field<T: TryFrom<usize>>(
    field: &'static str,
    length: usize,
) -> Result<T, MintError> {
    T::try_from(length).map_err(|_| MintError::TooLong { field, length })
}
