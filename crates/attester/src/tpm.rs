//! What the attester asks of a TPM.

use avouch_tpm::{BankSelection, Credential, PcrValue};
use avouch_wire::failed_check;
use thiserror::Error;

/// A TPM 2.0 as the attester uses it. Structures are those of the TCG's *Trusted Platform Module Library,
/// Part 2: Structures*, as bytes; what the TPM says of itself is not checked here.
pub trait Tpm {
    /// The endorsement key and what the manufacturer certified of it: by the certificate that the TPM holds,
    /// or by one from elsewhere, in DER.
    ///
    /// # Errors
    /// [`TpmError`].
    fn endorsement(&mut self, certificate: Option<&[u8]>) -> Result<Endorsement, TpmError>;

    /// Makes an attestation key below the endorsement key: RSA-2048, RSASSA with SHA-256. It is not kept in
    /// the TPM.
    ///
    /// # Errors
    /// [`TpmError`].
    fn create_attestation_key(&mut self) -> Result<WrappedKey, TpmError>;

    /// Takes a key as the attestation key of what follows; gives its `TPMT_PUBLIC`.
    ///
    /// # Errors
    /// [`TpmError`].
    fn use_attestation_key(&mut self, key: &KeySource) -> Result<Vec<u8>, TpmError>;

    /// Opens a credential that was made for the endorsement key and the attestation key in use.
    ///
    /// # Errors
    /// [`TpmError`].
    fn activate_credential(&mut self, credential: &Credential) -> Result<Vec<u8>, TpmError>;

    /// Values of PCRs, banks in the order asked for, PCRs ascending.
    ///
    /// # Errors
    /// [`TpmError`].
    fn read_pcrs(&mut self, selection: &[BankSelection]) -> Result<Vec<PcrValue>, TpmError>;

    /// Quotes PCRs by the attestation key in use.
    ///
    /// # Errors
    /// [`TpmError`].
    fn quote(
        &mut self,
        qualifying_data: &[u8],
        selection: &[BankSelection],
    ) -> Result<Attestation, TpmError>;

    /// Certifies the key at a persistent handle by the attestation key in use.
    ///
    /// # Errors
    /// [`TpmError`].
    fn certify(&mut self, handle: u32, qualifying_data: &[u8]) -> Result<Certification, TpmError>;
}

/// An endorsement key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    /// DER of its certificate, as it stands in the TPM: perhaps with filling behind it.
    pub certificate: Vec<u8>,
    /// `TPMT_PUBLIC`.
    pub public: Vec<u8>,
}

/// A key that only its TPM can use, to be kept outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// `TPMT_PUBLIC`.
    pub public: Vec<u8>,
    /// Contents of the `TPM2B_PRIVATE`: encrypted by the TPM.
    pub private: Vec<u8>,
}

/// Where an attestation key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// Kept outside, below the endorsement key.
    Wrapped(WrappedKey),
    /// In the TPM, at a persistent handle, with an empty password.
    Persistent(u32),
}

/// What a TPM says and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// `TPMS_ATTEST`.
    pub attest: Vec<u8>,
    /// `TPMT_SIGNATURE`.
    pub signature: Vec<u8>,
}

/// What a TPM says of another of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certification {
    /// `TPMT_PUBLIC` of that key.
    pub public: Vec<u8>,
    /// What was signed.
    pub attestation: Attestation,
}

/// Why a TPM did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TpmError {
    /// The build has no TPM library.
    #[error(
        "this build cannot talk to a TPM: build it with `cargo build --release --package avouch \
         --features tss`, for which the TPM software stack must be installed (Debian: apt-get install \
         libtss2-dev pkg-config)"
    )]
    NotBuilt,
    /// There is no TPM where it was looked for.
    #[error("no TPM answers at {tcti}: {answer}; {advice}")]
    Unreachable {
        /// Where: a TCTI, such as `device:/dev/tpmrm0`.
        tcti: String,
        /// What was said.
        answer: String,
        /// What to do.
        advice: &'static str,
    },
    /// The TPM refused a command.
    #[error("{command}: the TPM answered: {answer}; {advice}")]
    Refused {
        /// The command, such as `TPM2_Quote`.
        command: &'static str,
        /// What it answered.
        answer: String,
        /// What to do.
        advice: &'static str,
    },
    /// No certificate of an endorsement key.
    #[error(
        "the TPM holds no certificate of an endorsement key (looked for RSA-2048 at NV index 0x01c00002 and \
         P-256 at 0x01c0000a): if its manufacturer gives one for download, name it with \
         --ek-certificate FILE"
    )]
    NoEkCertificate,
    /// No attestation key was taken into use.
    #[error("no attestation key is in use")]
    NoAttestationKey,
    /// More than the TPM or its library takes.
    #[error("{what} of {found} bytes is more than a TPM takes")]
    Length {
        /// What is too long.
        what: &'static str,
        /// Its bytes.
        found: usize,
    },
}

failed_check!(TpmError {
    Self::NotBuilt => "tpm-not-built",
    Self::Unreachable { .. } => "tpm-unreachable",
    Self::Refused { .. } => "tpm-refused",
    Self::NoEkCertificate => "tpm-ek-certificate-absent",
    Self::NoAttestationKey => "tpm-no-attestation-key",
    Self::Length { .. } => "tpm-length",
});

/// The TPM behind a TCTI (`device:/dev/tpmrm0`, `swtpm:host=127.0.0.1,port=2321`, `tabrmd`).
///
/// # Errors
/// [`TpmError::NotBuilt`] without the feature `tss`, [`TpmError::Unreachable`] if none answers.
#[cfg(feature = "tss")]
pub fn open(tcti: &str) -> Result<Box<dyn Tpm>, TpmError> {
    Ok(Box::new(crate::tss::SoftwareStack::open(tcti)?))
}

/// The TPM behind a TCTI: none, since the crate is built without the feature `tss`.
///
/// # Errors
/// [`TpmError::NotBuilt`].
#[cfg(not(feature = "tss"))]
pub fn open(_tcti: &str) -> Result<Box<dyn Tpm>, TpmError> {
    Err(TpmError::NotBuilt)
}

/// Whether [`open`] can give a TPM in this build.
pub const IS_BUILT: bool = cfg!(feature = "tss");
