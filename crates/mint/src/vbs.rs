//! Reports of VBS enclaves, signed by an identity key of the mint's own.

mod breaks;

use avouch_pki::digest::sha512;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};

pub use breaks::{VbsBreak, breaks, broken};

use crate::MintError;
use crate::bootlog::uefi::utf16_nul;

/// A report, field by field; written as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the Windows SDK's ntenclv.h")]
pub struct VbsReport {
    /// Added to the true size of the package.
    pub package_size_off_by: u32,
    pub version: u32,
    pub scheme: u32,
    pub reserved: u32,
    /// Added to the true size of the statement.
    pub report_size_off_by: u32,
    pub report_version: u32,
    pub enclave_data: Vec<u8>,
    pub flags: u32,
    pub enclave_svn: u32,
    /// The blocks that follow.
    pub blocks: Vec<u8>,
    /// Bytes behind the signature.
    pub trailing: Vec<u8>,
    /// Changes the statement after it was signed.
    pub edit_signed: bool,
    /// Whether the identity key signs, and not another.
    pub signed_by_identity: bool,
}

impl VbsReport {
    /// A report over `statement`, of an enclave with one module.
    #[must_use]
    pub fn over(statement: &[u8]) -> Self {
        Self {
            package_size_off_by: 0,
            version: 1,
            scheme: 1,
            reserved: 0,
            report_size_off_by: 0,
            report_version: 1,
            enclave_data: sha512(statement).as_bytes().to_vec(),
            flags: 0,
            enclave_svn: 7,
            blocks: module("avouch.dll"),
            trailing: Vec::new(),
            edit_signed: false,
            signed_by_identity: true,
        }
    }

    /// The bytes of the report.
    ///
    /// # Errors
    /// [`MintError::Crypto`] if the crypto library refuses.
    pub fn to_bytes(&self) -> Result<Vec<u8>, MintError> {
        let mut statement = self.statement();
        let signature = sign(&statement, self.signed_by_identity)?;
        if let Some(byte) = statement.get_mut(200).filter(|_| self.edit_signed) {
            *byte ^= 1;
        }
        let sizes = [&statement, &signature].map(|part| size(part.len()));
        let package = sizes.iter().fold(24_u32, |sum, part| sum.saturating_add(*part));
        let [statement_size, signature_size] = sizes;
        let header = [
            package.wrapping_add(self.package_size_off_by),
            self.version,
            self.scheme,
            statement_size,
            signature_size,
            self.reserved,
        ];
        let header = header.map(u32::to_le_bytes).concat();
        Ok([header, statement, signature, self.trailing.clone()].concat())
    }

    fn statement(&self) -> Vec<u8> {
        let length = size(self.blocks.len()).saturating_add(224);
        let ids = [[0x0d; 32], [0x01; 32], [0x0a; 32]].concat();
        let kinds = [[0xfa; 16], [0x1a; 16]].concat();
        let numbers = [self.enclave_svn, 8, 9, self.flags, 12, 0x10];
        [
            length.wrapping_add(self.report_size_off_by).to_le_bytes().to_vec(),
            self.report_version.to_le_bytes().to_vec(),
            self.enclave_data.clone(),
            ids,
            kinds,
            numbers.map(u32::to_le_bytes).concat(),
            self.blocks.clone(),
        ]
        .concat()
    }
}

/// The block of a module.
#[must_use]
pub fn module(name: &str) -> Vec<u8> {
    let fixed = [[0x02; 32], [0x0b; 32]].concat();
    let kinds = [[0xfb; 16], [0x1b; 16]].concat();
    block(1, &[fixed, kinds, 3_u32.to_le_bytes().to_vec(), utf16_nul(name)].concat())
}

/// A block of this type, with its true size.
#[must_use]
pub fn block(data_type: u32, data: &[u8]) -> Vec<u8> {
    let header = [data_type, size(data.len()).saturating_add(8)].map(u32::to_le_bytes).concat();
    [header.as_slice(), data].concat()
}

/// The tag's data by which a loader measures the identity key (`VSM_IDKS_INFO`).
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses.
pub fn identity_key_info() -> Result<Vec<u8>, MintError> {
    let key = pair(true)?;
    let public = key.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero();
    let exponent = public.exponent().big_endian_without_leading_zero();
    let (modulus_size, exponent_size) = (size(modulus.len()), size(exponent.len()));
    let header = [1, modulus_size.saturating_mul(8), exponent_size, modulus_size];
    Ok([&header.map(u32::to_le_bytes).concat(), exponent, modulus].concat())
}

fn sign(statement: &[u8], by_identity: bool) -> Result<Vec<u8>, MintError> {
    let key = pair(by_identity)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), statement, &mut signature)
        .map_err(|_| MintError::Crypto("signing a report"))?;
    Ok(signature)
}

fn pair(identity: bool) -> Result<RsaKeyPair, MintError> {
    let pkcs8: &[u8] = if identity {
        include_bytes!("tpm/test_keys/request.der")
    } else {
        include_bytes!("tpm/test_keys/other.der")
    };
    RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| MintError::Crypto("reading an RSA key"))
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
