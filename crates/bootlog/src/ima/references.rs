//! Reference values: which contents of files the operator expects, under which names.
//!
//! The file is what `sha256sum`, `sha384sum` or `sha512sum` print, with lines of three more kinds:
//!
//! ```text
//! # a comment
//! 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  /usr/bin/tool
//! exclude /var/log/
//! volume 29cb87e60ce7b12b443ba6008266f3e41e93e403d7f298f8e3f316b29ff89c5e  root
//! ```
//!
//! Spaces in names are read as the kernel measures them, as underscores. `exclude` names a file, or
//! with a final slash all that is in a folder: whatever is run from there is not judged.

use std::collections::{BTreeMap, HashMap, HashSet};

use avouch_pki::{KeyKind, PublicKey, SignatureScheme};
use avouch_wire::{decode_hex, failed_check};
use thiserror::Error;

use super::content::kernel_algorithm;
use super::{DigestKind, File, Listing, Name};
use crate::{Digest, HashAlgorithm};

/// What the operator expects. Who vouches for it: [`References::signed`] or [`References::local`].
#[derive(Debug, Clone, Default)]
pub struct References {
    files: HashMap<Vec<u8>, Vec<Digest>>,
    excluded_files: HashSet<Vec<u8>>,
    /// Each with its final slash.
    excluded_folders: HashSet<Vec<u8>>,
    volumes: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
}

/// Why a file of reference values does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferencesError {
    /// It is larger than what is read.
    #[error("the reference values have {found} bytes, the limit is {limit}")]
    TooLong {
        /// Its length, in bytes.
        found: usize,
        /// The largest accepted.
        limit: usize,
    },
    /// A line is none of the four kinds.
    #[error("line {line} of the reference values: {what}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// No key of the operator's signed it.
    #[error("none of the operator's {keys} keys signed the reference values")]
    Signature {
        /// How many keys there are.
        keys: usize,
    },
}

failed_check!(ReferencesError {
    Self::TooLong { .. } | Self::Line { .. } => "ima-references",
    Self::Signature { .. } => "ima-references-signature",
});

/// The longest file of reference values, in bytes: some 200,000 files.
const REFERENCES_BYTES_MAX: usize = 32 << 20;

impl References {
    /// No reference values: no file is listed.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reference values that one of the operator's keys signed: with RSA (PKCS#1 v1.5) or P-256 over
    /// SHA-256, or with P-384 over SHA-384, as `openssl dgst -sign` does.
    ///
    /// # Errors
    /// [`ReferencesError`].
    pub fn signed(
        document: &[u8],
        signature: &[u8],
        keys: &[PublicKey],
    ) -> Result<Self, ReferencesError> {
        let is_signed = keys.iter().any(|key| {
            scheme(key.kind()).is_some_and(|scheme| key.verify(scheme, document, signature).is_ok())
        });
        if !is_signed {
            return Err(ReferencesError::Signature { keys: keys.len() });
        }
        Self::local(document)
    }

    /// Reference values of a file that only the operator can write.
    ///
    /// # Errors
    /// [`ReferencesError`].
    pub fn local(document: &[u8]) -> Result<Self, ReferencesError> {
        if document.len() > REFERENCES_BYTES_MAX {
            let found = document.len();
            return Err(ReferencesError::TooLong { found, limit: REFERENCES_BYTES_MAX });
        }
        let mut references = Self::default();
        for (line, number) in document.split(|byte| *byte == b'\n').zip(1_usize..) {
            references.line(line).map_err(|what| ReferencesError::Line { line: number, what })?;
        }
        Ok(references)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        if let Some(path) = line.strip_prefix(b"exclude ") {
            return self.exclude(path);
        }
        let volume = line.strip_prefix(b"volume ");
        let (digest, name) = digest_and_name(volume.unwrap_or(line))?;
        if volume.is_some() {
            self.volumes.entry(name.to_vec()).or_default().push(digest.as_bytes().to_vec());
        } else {
            self.files.entry(measured(name)?).or_default().push(digest);
        }
        Ok(())
    }

    fn exclude(&mut self, path: &[u8]) -> Result<(), &'static str> {
        let folder = path.strip_suffix(b"/");
        let path = measured(folder.unwrap_or(path))?;
        if folder.is_some() {
            self.excluded_folders.insert([path.as_slice(), b"/"].concat());
        } else {
            self.excluded_files.insert(path);
        }
        Ok(())
    }

    /// How many files are listed.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Whether volumes are listed at all.
    #[must_use]
    pub fn name_volumes(&self) -> bool {
        !self.volumes.is_empty()
    }

    /// The names of the volumes that are listed, in order.
    pub fn volume_names(&self) -> impl Iterator<Item = &[u8]> {
        self.volumes.keys().map(Vec::as_slice)
    }

    /// Whether a volume of that name may have that root digest.
    #[must_use]
    pub fn lists_volume(&self, name: &[u8], root_digest: &[u8]) -> bool {
        let digests = self.volumes.get(name);
        digests.is_some_and(|digests| digests.iter().any(|digest| digest == root_digest))
    }

    pub(super) fn listing(&self, file: &File<'_>) -> Listing {
        let path = file.name.as_bytes();
        let known = self.files.get(path);
        let digest = match file.digest.kind {
            DigestKind::Content => kernel_algorithm(file.digest.algorithm)
                .and_then(|algorithm| Digest::new(algorithm, file.digest.bytes)),
            // Reference values are of contents.
            DigestKind::Verity => None,
        };
        if known.is_some_and(|known| known.iter().any(|known| Some(*known) == digest)) {
            return Listing::Listed;
        }
        match known {
            _ if self.excludes(file.name) => Listing::Excluded,
            Some(_) => Listing::OtherDigest,
            None => Listing::Unlisted,
        }
    }

    /// A name that is no plain path is never excluded: it could stand for a file elsewhere.
    fn excludes(&self, name: Name<'_>) -> bool {
        let path = name.as_bytes();
        let is_in = |folders: &HashSet<Vec<u8>>| {
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            // Below a folder there is at least one more step. Paths have at most some thousand bytes.
            slashes
                .skip(1)
                .take(FOLDERS_MAX)
                .any(|(at, _)| path.get(..=at).is_some_and(|folder| folders.contains(folder)))
        };
        name.is_plain_path()
            && (self.excluded_files.contains(path) || is_in(&self.excluded_folders))
    }
}

/// The deepest folder that is compared.
const FOLDERS_MAX: usize = 64;

const fn scheme(kind: KeyKind) -> Option<SignatureScheme> {
    match kind {
        KeyKind::Rsa { .. } => Some(SignatureScheme::RsaPkcs1Sha256),
        KeyKind::P256 => Some(SignatureScheme::EcdsaP256Sha256),
        KeyKind::P384 => Some(SignatureScheme::EcdsaP384Sha384),
        KeyKind::P521 => None,
    }
}

/// A digest in hex, two spaces (or a space and an asterisk), and a name.
fn digest_and_name(line: &[u8]) -> Result<(Digest, &[u8]), &'static str> {
    let space = line.iter().position(|byte| *byte == b' ').ok_or("expected a digest and a name")?;
    let (hex, rest) = line.split_at_checked(space).ok_or("expected a digest and a name")?;
    let name = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"));
    let name = name.filter(|name| !name.is_empty()).ok_or("expected two spaces and a name")?;
    let bytes = std::str::from_utf8(hex).ok().and_then(|hex| decode_hex(hex).ok());
    let bytes = bytes.ok_or("the digest is no hex (names with line breaks cannot be listed)")?;
    let digest = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512]
        .into_iter()
        .find_map(|algorithm| Digest::new(algorithm, &bytes));
    Ok((digest.ok_or("the digest is none of SHA-256, SHA-384 or SHA-512")?, name))
}

/// A path as the kernel measures it.
fn measured(path: &[u8]) -> Result<Vec<u8>, &'static str> {
    let path: Vec<u8> = path.iter().map(|byte| if *byte == b' ' { b'_' } else { *byte }).collect();
    if Name::new(&path).is_plain_path() { Ok(path) } else { Err("expected an absolute path") }
}
