//! A report, field by field; written as it stands.

use avouch_pki::digest::{sha256, sha512};

use crate::MintError;
use crate::bootlog::uefi::utf16_nul;
use crate::bootlog::windows::trust_boundary;
use crate::bootlog::{BootLog, LogEvent};
use crate::tpm::keys::{Encoding, RsaKey};

/// What `EnclaveData` is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnclaveData {
    /// SHA-512 of the statement as it is sent.
    Statement,
    /// SHA-512 of the statement with other white space.
    Rewritten,
    /// SHA-512 of the statement without its braces.
    WithoutBraces,
    /// SHA-256 of the statement, then zeros.
    Sha256,
    /// Zeros.
    Zeros,
}

/// Who signs the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The secure kernel, by its identity key for signatures.
    Identity,
    /// By its identity key for decryption.
    Decryption,
    /// The attestation key of the TPM.
    Aik,
    /// The key of the request.
    Request,
}

/// How the report is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportSignature {
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    Pss,
    /// The same with the longest salt that fits.
    PssLongestSalt,
    /// RSASSA-PSS with SHA-384.
    PssSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Pkcs1,
    /// Not at all: zeros.
    Zeros,
}

/// A report, field by field; written as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the Windows SDK's ntenclv.h")]
pub struct VbsReport {
    /// Added to the true size of the package.
    pub package_size_off_by: u32,
    pub version: u32,
    pub scheme: u32,
    /// Added to the true size of the statement, in the header.
    pub statement_size_off_by: u32,
    /// Added to the true size of the signature.
    pub signature_size_off_by: u32,
    pub reserved: u32,
    /// Added to the true size of the statement, in the statement.
    pub report_size_off_by: u32,
    pub report_version: u32,
    pub enclave_data: EnclaveData,
    /// Bytes of `EnclaveData` that are left out.
    pub enclave_data_cut: usize,
    pub flags: u32,
    pub enclave_svn: u32,
    pub secure_kernel_svn: u32,
    pub platform_svn: u32,
    pub enclave_type: u32,
    /// The blocks that follow.
    pub blocks: Vec<u8>,
    /// Bytes behind the signature.
    pub trailing: Vec<u8>,
    pub signer: Signer,
    pub signature: ReportSignature,
    /// Changes a byte of the statement, at this place, after it was signed.
    pub edit_statement: Option<usize>,
    /// Changes the last byte of the signature.
    pub edit_signature: bool,
    /// Bytes of the signature that are left out.
    pub signature_cut: usize,
}

/// Of an enclave with one module.
impl Default for VbsReport {
    fn default() -> Self {
        Self {
            package_size_off_by: 0,
            version: 1,
            scheme: 1,
            statement_size_off_by: 0,
            signature_size_off_by: 0,
            reserved: 0,
            report_size_off_by: 0,
            report_version: 1,
            enclave_data: EnclaveData::Statement,
            enclave_data_cut: 0,
            flags: 0,
            enclave_svn: 7,
            secure_kernel_svn: 8,
            platform_svn: 9,
            enclave_type: 0x10,
            blocks: module("avouch.dll"),
            trailing: Vec::new(),
            signer: Signer::Identity,
            signature: ReportSignature::Pss,
            edit_statement: None,
            edit_signature: false,
            signature_cut: 0,
        }
    }
}

impl VbsReport {
    /// The bytes of the report, which vouches for `statement`.
    ///
    /// # Errors
    /// [`MintError::Crypto`] if the crypto library refuses.
    pub fn to_bytes(&self, statement: &str) -> Result<Vec<u8>, MintError> {
        let mut signed = self.statement(statement);
        let mut signature = self.sign(&signed)?;
        if let Some(byte) = self.edit_statement.and_then(|at| signed.get_mut(at)) {
            *byte ^= 1;
        }
        if let (true, Some(last)) = (self.edit_signature, signature.last_mut()) {
            *last ^= 1;
        }
        signature.truncate(signature.len().saturating_sub(self.signature_cut));
        let sizes = [&signed, &signature].map(|part| size(part.len()));
        let package = sizes.iter().fold(24_u32, |sum, part| sum.saturating_add(*part));
        let [statement_size, signature_size] = sizes;
        let header = [
            package.wrapping_add(self.package_size_off_by),
            self.version,
            self.scheme,
            statement_size.wrapping_add(self.statement_size_off_by),
            signature_size.wrapping_add(self.signature_size_off_by),
            self.reserved,
        ];
        let header = header.map(u32::to_le_bytes).concat();
        Ok([header, signed, signature, self.trailing.clone()].concat())
    }

    /// What is signed.
    fn statement(&self, statement: &str) -> Vec<u8> {
        let length = size(self.blocks.len()).saturating_add(224);
        let mut data = self.enclave_data.of(statement);
        data.truncate(data.len().saturating_sub(self.enclave_data_cut));
        let ids = [[0x0d; 32], [0x01; 32], [0x0a; 32]].concat();
        let kinds = [[0xfa; 16], [0x1a; 16]].concat();
        let (svn, kernel) = (self.enclave_svn, self.secure_kernel_svn);
        let numbers = [svn, kernel, self.platform_svn, self.flags, 12, self.enclave_type];
        [
            length.wrapping_add(self.report_size_off_by).to_le_bytes().to_vec(),
            self.report_version.to_le_bytes().to_vec(),
            data,
            ids,
            kinds,
            numbers.map(u32::to_le_bytes).concat(),
            self.blocks.clone(),
        ]
        .concat()
    }

    fn sign(&self, statement: &[u8]) -> Result<Vec<u8>, MintError> {
        let key = match self.signer {
            Signer::Identity => RsaKey::Identity,
            Signer::Decryption => RsaKey::Other,
            Signer::Aik => RsaKey::Ak,
            Signer::Request => RsaKey::Request,
        };
        let encoding = match self.signature {
            ReportSignature::Pss => Encoding::Pss,
            ReportSignature::PssLongestSalt => Encoding::PssLongestSalt,
            ReportSignature::PssSha384 => Encoding::PssSha384,
            ReportSignature::Pkcs1 => Encoding::Pkcs1,
            ReportSignature::Zeros => return Ok(vec![0; 256]),
        };
        key.sign(encoding, statement)
    }
}

impl EnclaveData {
    fn of(self, statement: &str) -> Vec<u8> {
        let of = |text: &str| sha512(text.as_bytes()).as_bytes().to_vec();
        match self {
            Self::Statement => of(statement),
            Self::Rewritten => of(&statement.replace(',', ", ").replace(':', ": ")),
            Self::WithoutBraces => of(statement.trim_matches(['{', '}'])),
            Self::Sha256 => [sha256(statement.as_bytes()).as_bytes(), [0; 32].as_slice()].concat(),
            Self::Zeros => vec![0; 64],
        }
    }
}

/// The block of a module.
#[must_use]
pub fn module(name: &str) -> Vec<u8> {
    module_named(&utf16_nul(name))
}

/// The block of a module whose name is these bytes.
pub(super) fn module_named(name: &[u8]) -> Vec<u8> {
    let fixed = [[0x02; 32], [0x0b; 32]].concat();
    let kinds = [[0xfb; 16], [0x1b; 16]].concat();
    block(1, &[&fixed, &kinds, 3_u32.to_le_bytes().as_slice(), name].concat())
}

/// A block of this type, with its true size.
#[must_use]
pub fn block(data_type: u32, data: &[u8]) -> Vec<u8> {
    let header = [data_type, size(data.len()).saturating_add(8)].map(u32::to_le_bytes).concat();
    [header.as_slice(), data].concat()
}

/// The tag's data by which a loader measures the key of this signer (`VSM_IDKS_INFO` of the identity key,
/// `VSM_IDK_INFO` of that for decryption).
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses.
pub fn identity_key_info(signer: Signer) -> Result<Vec<u8>, MintError> {
    let key = match signer {
        Signer::Identity => RsaKey::Identity,
        Signer::Decryption => RsaKey::Other,
        Signer::Aik => RsaKey::Ak,
        Signer::Request => RsaKey::Request,
    };
    Ok(key_info(1, None, &[1, 0, 1], &key.modulus()?))
}

/// `VSM_IDK_INFO`: algorithm, bits of the modulus unless others are given, and the two numbers.
pub(super) fn key_info(
    algorithm: u32,
    bits: Option<u32>,
    exponent: &[u8],
    modulus: &[u8],
) -> Vec<u8> {
    let (modulus_size, exponent_size) = (size(modulus.len()), size(exponent.len()));
    let bits = bits.unwrap_or_else(|| modulus_size.saturating_mul(8));
    let header = [algorithm, bits, exponent_size, modulus_size].map(u32::to_le_bytes).concat();
    [&header, exponent, modulus].concat()
}

/// Measures tags in a trust boundary of PCR 12, before Windows takes over.
pub fn measure(log: &mut BootLog, tags: &[Vec<u8>]) {
    insert(log, trust_boundary(12, tags));
}

/// Puts an event before the first `WBCL` separator.
pub(super) fn insert(log: &mut BootLog, event: LogEvent) {
    let at = log.events.iter().position(|event| event.data == b"WBCL");
    let at = at.unwrap_or(log.events.len());
    log.push(event);
    if let Some(event) = log.events.pop() {
        log.events.insert(at, event);
    }
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
