//! One entry.

use super::FileKey;
use crate::MintError;
use crate::bootlog::Bank;

/// An entry as a kernel writes it, or nearly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImaEntry {
    /// The register that it extends.
    pub pcr: u32,
    /// Name of the template.
    pub template: String,
    /// The template data. Of the template `ima`: the digest, the name's length, and the name.
    pub data: Vec<u8>,
    /// Whether it stands for a violation.
    pub violation: bool,
    /// The template hash in the list, if it is not that of the data.
    pub logged_hash: Option<Vec<u8>>,
}

/// How an entry is signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedEntry<'k> {
    /// By which key.
    pub key: &'k FileKey,
    /// Version of the signature, 2 or 3.
    pub version: u8,
    /// Whether it is over the digest of the fs-verity descriptor (version 3, template `ima-sigv2`).
    pub verity: bool,
}

impl ImaEntry {
    /// An entry of that template with these fields.
    #[must_use]
    pub fn of_fields(template: &str, fields: &[&[u8]]) -> Self {
        let data = fields.iter().flat_map(|field| with_length(field)).collect();
        Self { pcr: 10, template: template.to_owned(), data, violation: false, logged_hash: None }
    }

    /// A file under the template `ima-ng`.
    #[must_use]
    pub fn file(path: &str, content: &[u8]) -> Self {
        Self::of_fields("ima-ng", &[&digest("", content), &name(path)])
    }

    /// A file without signature under the template `ima-sig`.
    #[must_use]
    pub fn unsigned(path: &str, content: &[u8]) -> Self {
        Self::of_fields("ima-sig", &[&digest("", content), &name(path), &[]])
    }

    /// A file under the old template `ima`, by SHA-1.
    #[must_use]
    pub fn old(path: &str, content: &[u8]) -> Self {
        let data = [Bank::Sha1.digest(&[content]), with_length(path.as_bytes())].concat();
        Self { data, ..Self::of_fields("ima", &[]) }
    }

    /// A signed file, under `ima-sig`, or under `ima-sigv2` for version 3.
    ///
    /// # Errors
    /// [`MintError::Crypto`].
    pub fn signed(path: &str, content: &[u8], by: SignedEntry<'_>) -> Result<Self, MintError> {
        let signature = by.key.attribute(content, by.version, by.verity)?;
        let (template, mark) = match (by.version, by.verity) {
            (2, _) => ("ima-sig", ""),
            (_, false) => ("ima-sigv2", "ima:"),
            (_, true) => ("ima-sigv2", "verity:"),
        };
        let digest = digest_by(by.key.bank(), mark, content);
        Ok(Self::of_fields(template, &[&digest, &name(path), &signature]))
    }

    /// A module with a signature behind its content, under the template `ima-modsig`.
    #[must_use]
    pub fn module(path: &str, content: &[u8], appended: &[u8]) -> Self {
        let of_content = digest("", content);
        Self::of_fields("ima-modsig", &[&of_content, &name(path), &[], &of_content, appended])
    }

    /// Measured bytes under the template `ima-buf`.
    #[must_use]
    pub fn buffer(called: &str, bytes: &[u8]) -> Self {
        Self::of_fields("ima-buf", &[&digest("", bytes), &name(called), bytes])
    }

    /// A violation: the file was open for writing when it was measured.
    #[must_use]
    pub fn violation(path: &str) -> Self {
        let zeros = [b"sha256:\0".as_slice(), &[0; 32]].concat();
        let entry = Self::of_fields("ima-ng", &[&zeros, &name(path)]);
        Self { violation: true, ..entry }
    }

    /// What is hashed of the data.
    #[must_use]
    pub fn hashed(&self) -> Vec<u8> {
        if self.template != "ima" {
            return self.data.clone();
        }
        let mut hashed: Vec<u8> = self.data.iter().take(20).copied().collect();
        hashed.extend(self.data.iter().skip(24));
        hashed.resize(20 + 256, 0);
        hashed
    }
}

/// `d-ng` in SHA-256, with a mark before it.
fn digest(mark: &str, content: &[u8]) -> Vec<u8> {
    digest_by(Bank::Sha256, mark, content)
}

fn digest_by(bank: Bank, mark: &str, content: &[u8]) -> Vec<u8> {
    let algorithm = match bank {
        Bank::Sha1 => "sha1",
        Bank::Sha256 => "sha256",
        Bank::Sha384 => "sha384",
        Bank::Sha512 => "sha512",
    };
    [format!("{mark}{algorithm}:\0").into_bytes(), bank.digest(&[content])].concat()
}

/// `n-ng`.
fn name(path: &str) -> Vec<u8> {
    format!("{path}\0").into_bytes()
}

/// A field with its length before it. A field that is longer than a length can say is left out.
pub(super) fn with_length(field: &[u8]) -> Vec<u8> {
    let length = u32::try_from(field.len()).unwrap_or_default();
    [&length.to_le_bytes(), field].concat()
}
