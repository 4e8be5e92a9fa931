//! The signature of a file: the extended attribute `security.ima` (the kernel's
//! `security/integrity/integrity.h`).

use avouch_wire::{Cursor, ParseError, encode_hex};

/// What a signature is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureKind {
    /// The digest of the content.
    Content,
    /// Metadata of the file beside its content (portable EVM), which are not in the list.
    PortableEvm,
    /// The digest of the fs-verity descriptor.
    Verity,
}

/// A signature with what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureHeader<'a> {
    /// What it is over.
    pub kind: SignatureKind,
    /// 2: over the digest. 3: over the hash of kind, algorithm and digest.
    pub version: u8,
    /// Number of the hash algorithm in the kernel's `hash_info.h`.
    pub hash: u8,
    /// Which key made it: the last four bytes of its identifier.
    pub key_id: [u8; 4],
    /// PKCS#1 v1.5, or ECDSA in DER.
    pub signature: &'a [u8],
}

impl<'a> SignatureHeader<'a> {
    /// Reads an extended attribute to its end.
    ///
    /// # Errors
    /// [`ParseError`] if it is no signature of version 2 or 3, or its length is not the one that it
    /// gives.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("signature_v2_hdr", bytes);
        let before = cursor.clone();
        let kind = match cursor.u8("type")? {
            3 => SignatureKind::Content,
            5 => SignatureKind::PortableEvm,
            6 => SignatureKind::Verity,
            other => return Err(before.unexpected("type", "3, 5 or 6", other)),
        };
        let before = cursor.clone();
        let version = cursor.u8("version")?;
        if !matches!(version, 2 | 3) {
            return Err(before.unexpected("version", "2 or 3", version));
        }
        let hash = cursor.u8("hash_algo")?;
        let key_id = *cursor.array("keyid")?;
        let length = usize::from(cursor.u16_be("sig_size")?);
        let signature = cursor.take("sig", length)?;
        cursor.finish()?;
        Ok(Self { kind, version, hash, key_id, signature })
    }

    /// The key's identifier in hex.
    #[must_use]
    pub fn key_id_hex(&self) -> String {
        encode_hex(&self.key_id)
    }
}
