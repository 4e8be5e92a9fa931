//! Structures of the TPM, as bytes.

use avouch_pki::digest::sha256_of_parts;

use super::keys::RsaKey;
use crate::MintError;
use crate::options::length_field;

pub(super) const SHA256: u16 = 0x000b;
pub(super) const RSASSA: u16 = 0x0014;
pub(super) const RSAPSS: u16 = 0x0016;
pub(super) const NULL: u16 = 0x0010;
pub(super) const CERTIFY: u16 = 0x8017;
pub(super) const QUOTE: u16 = 0x8018;
/// `TPM_GENERATED_VALUE`.
pub(super) const MAGIC: u32 = 0xff54_4347;

/// Bytes behind their 16-bit size.
pub(super) fn sized(bytes: &[u8]) -> Result<Vec<u8>, MintError> {
    let length: u16 = length_field("TPM2B", bytes.len())?;
    Ok([length.to_be_bytes().as_slice(), bytes].concat())
}

/// `TPMT_PUBLIC` of an RSA-2048 key.
#[derive(Debug, Clone)]
pub(super) struct Public {
    pub(super) kind: u16,
    pub(super) name_algorithm: u16,
    pub(super) attributes: u32,
    pub(super) auth_policy: Vec<u8>,
    /// AES-128-CFB, as storage and endorsement keys have.
    pub(super) cipher: bool,
    /// `None` for no scheme.
    pub(super) scheme: Option<(u16, u16)>,
    pub(super) key_bits: u16,
    pub(super) key: RsaKey,
}

impl Public {
    pub(super) fn bytes(&self) -> Result<Vec<u8>, MintError> {
        let mut out = [self.kind.to_be_bytes(), self.name_algorithm.to_be_bytes()].concat();
        out.extend(self.attributes.to_be_bytes());
        out.extend(sized(&self.auth_policy)?);
        if self.cipher {
            out.extend([0x00, 0x06, 0x00, 0x80, 0x00, 0x43]);
        } else {
            out.extend(NULL.to_be_bytes());
        }
        match self.scheme {
            Some((scheme, hash)) => out.extend([scheme.to_be_bytes(), hash.to_be_bytes()].concat()),
            None => out.extend(NULL.to_be_bytes()),
        }
        out.extend(self.key_bits.to_be_bytes());
        out.extend([0; 4]);
        out.extend(sized(&self.key.modulus()?)?);
        Ok(out)
    }

    /// The Name, with SHA-256.
    pub(super) fn name(&self) -> Result<Vec<u8>, MintError> {
        Ok(name(&[&self.bytes()?]))
    }
}

/// The number of SHA-256 and the digest of the parts.
pub(super) fn name(parts: &[&[u8]]) -> Vec<u8> {
    [SHA256.to_be_bytes().as_slice(), sha256_of_parts(parts).as_bytes()].concat()
}

/// `TPMS_ATTEST` without what is attested.
#[derive(Debug, Clone)]
pub(super) struct Attest {
    pub(super) magic: u32,
    pub(super) tag: u16,
    pub(super) signer: Vec<u8>,
    pub(super) extra_data: Vec<u8>,
    pub(super) safe: u8,
    /// What follows the structure.
    pub(super) trailing: Vec<u8>,
}

impl Attest {
    pub(super) fn bytes(&self, attested: &[u8]) -> Result<Vec<u8>, MintError> {
        let mut out = [self.magic.to_be_bytes().as_slice(), &self.tag.to_be_bytes()].concat();
        out.extend(sized(&self.signer)?);
        out.extend(sized(&self.extra_data)?);
        out.extend(123_456_u64.to_be_bytes());
        out.extend(7_u32.to_be_bytes());
        out.extend(0_u32.to_be_bytes());
        out.push(self.safe);
        out.extend(0x0001_0002_0003_0004_u64.to_be_bytes());
        out.extend(attested);
        out.extend(&self.trailing);
        Ok(out)
    }
}

/// The selection of one bank: its number, and which PCRs.
#[derive(Debug, Clone)]
pub(super) struct Bank {
    pub(super) id: u16,
    pub(super) bitmap: Vec<u8>,
}

/// `TPML_PCR_SELECTION`.
pub(super) fn selection(banks: &[Bank]) -> Result<Vec<u8>, MintError> {
    let count: u32 = length_field("TPML_PCR_SELECTION", banks.len())?;
    let mut out = count.to_be_bytes().to_vec();
    for bank in banks {
        let size: u8 = length_field("pcrSelect", bank.bitmap.len())?;
        out.extend(bank.id.to_be_bytes());
        out.push(size);
        out.extend(&bank.bitmap);
    }
    Ok(out)
}
