//! What an entry is about: told from its fields, since no digest covers the name of its template.

use avouch_wire::{Cursor, ParseError};
use thiserror::Error;

use super::binary::OLD_DIGEST_BYTES;
use super::template::Field;
use super::{Name, SignatureHeader, Template};
use crate::HashAlgorithm;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// A file that was run, mapped, loaded or read.
    File(File<'a>),
    /// Bytes of the kernel's, such as its version or a key.
    Buffer(Buffer<'a>),
}

/// A file that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Digest of its content.
    pub digest: FileDigest<'a>,
    /// Its name.
    pub name: Name<'a>,
    /// Its signature (the extended attribute `security.ima`), as it was measured; not checked here.
    pub signature: Option<&'a [u8]>,
    /// Whether the template has a field for the signature at all.
    pub tells_signature: bool,
}

/// Bytes that were measured. They are in the entry, and their digest fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer<'a> {
    /// What they are called; a keyring's name for a key.
    pub name: Name<'a>,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// A digest with what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest<'a> {
    /// What it is of.
    pub kind: DigestKind,
    /// Its algorithm, as the kernel calls it.
    pub algorithm: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What a digest is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestKind {
    /// The whole content.
    Content,
    /// The fs-verity descriptor of the file, which holds the root of a tree over the content.
    Verity,
}

/// Why template data are not what a kernel writes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentError {
    /// The fields do not fill the data.
    #[error(transparent)]
    Structure(#[from] ParseError),
    /// The digest is not in its form.
    #[error("the digest is malformed")]
    Digest,
    /// The name is empty, not ended by NUL, or has a NUL in it.
    #[error("the name is malformed")]
    Name,
    /// The digest of measured bytes is not theirs.
    #[error("the digest is not that of the buffer")]
    BufferDigest,
    /// The fields fit another template.
    #[error("the fields are not those of the template that is named")]
    OtherTemplate,
}

/// The longest name of an algorithm.
const ALGORITHM_BYTES_MAX: usize = 16;

impl<'a> Content<'a> {
    pub(super) fn read(template: Template, data: &'a [u8]) -> Result<Self, ContentError> {
        if template == Template::Ima {
            return old(data).map(Self::File);
        }
        let mut cursor = Cursor::new("template_data", data);
        let mut read = Read::default();
        for kind in template.fields() {
            let length = cursor.length_u32_le("field_length", u32::MAX)?;
            read.field(*kind, cursor.take("field", length)?)?;
        }
        cursor.finish()?;
        read.content()
    }
}

/// What was read of the fields of an entry.
#[derive(Default)]
struct Read<'a> {
    digest: Option<FileDigest<'a>>,
    name: Option<Name<'a>>,
    signature: Option<&'a [u8]>,
    buffer: Option<&'a [u8]>,
}

impl<'a> Read<'a> {
    fn field(&mut self, kind: Field, bytes: &'a [u8]) -> Result<(), ContentError> {
        match kind {
            Field::Digest => self.digest = Some(digest(DigestKind::Content, bytes)?),
            Field::TypedDigest => self.digest = Some(typed(bytes)?),
            Field::Name => self.name = Some(name(bytes)?),
            Field::Signature => self.signature = Some(bytes),
            Field::Buffer => self.buffer = Some(bytes),
            Field::AppendedDigest if bytes.is_empty() => {}
            Field::AppendedDigest => drop(digest(DigestKind::Content, bytes)?),
            Field::AppendedSignature => {}
        }
        Ok(())
    }

    fn content(self) -> Result<Content<'a>, ContentError> {
        let digest = self.digest.ok_or(ContentError::Digest)?;
        let name = self.name.ok_or(ContentError::Name)?;
        if let Some(bytes) = self.buffer {
            return buffer(&digest, name, bytes).map(Content::Buffer);
        }
        // Bytes of the kernel's under the name of a template for files: hidden, not a file.
        if self.signature.is_some_and(|bytes| buffer(&digest, name, bytes).is_ok()) {
            return Err(ContentError::OtherTemplate);
        }
        Ok(Content::File(File {
            digest,
            name,
            signature: self.signature.filter(|bytes| !bytes.is_empty()),
            tells_signature: self.signature.is_some(),
        }))
    }
}

/// A file with a signature has the same three fields as bytes of the kernel's. Those are not empty,
/// do not look like a signature, have the digest that is given, and are called by no path. So one of
/// the two names of templates fits, and under the other one the entry proves nothing.
fn buffer<'a>(
    digest: &FileDigest<'_>,
    name: Name<'a>,
    bytes: &'a [u8],
) -> Result<Buffer<'a>, ContentError> {
    let is_file = bytes.is_empty()
        || name.as_bytes().contains(&b'/')
        || SignatureHeader::parse(bytes).is_ok();
    if is_file {
        return Err(ContentError::OtherTemplate);
    }
    let algorithm = kernel_algorithm(digest.algorithm).ok_or(ContentError::BufferDigest)?;
    let is_digest = algorithm.hash(&[bytes]).is_some_and(|found| found.as_bytes() == digest.bytes);
    if is_digest { Ok(Buffer { name, bytes }) } else { Err(ContentError::BufferDigest) }
}

/// `d-ngv2`: what the digest is of, a colon, and `d-ng`.
fn typed(bytes: &[u8]) -> Result<FileDigest<'_>, ContentError> {
    let kinds = [(b"ima:".as_slice(), DigestKind::Content), (b"verity:", DigestKind::Verity)];
    let found = kinds.into_iter().find_map(|(mark, kind)| Some((kind, bytes.strip_prefix(mark)?)));
    let (kind, rest) = found.ok_or(ContentError::Digest)?;
    digest(kind, rest)
}

/// `d-ng`: the algorithm's name, a colon, NUL, and the digest, as long as the algorithm's are.
fn digest(kind: DigestKind, bytes: &[u8]) -> Result<FileDigest<'_>, ContentError> {
    let colon = bytes.iter().position(|byte| *byte == b':').ok_or(ContentError::Digest)?;
    let (name, rest) = bytes.split_at_checked(colon).ok_or(ContentError::Digest)?;
    let bytes = rest.strip_prefix(b":\0").ok_or(ContentError::Digest)?;
    let is_name =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(byte);
    let algorithm = std::str::from_utf8(name)
        .ok()
        .filter(|name| (1..=ALGORITHM_BYTES_MAX).contains(&name.len()))
        .filter(|name| name.bytes().all(|byte| is_name(&byte)))
        .ok_or(ContentError::Digest)?;
    let fits = match kernel_algorithm(algorithm) {
        Some(known) => known.digest_length() == bytes.len(),
        None => (16..=64).contains(&bytes.len()),
    };
    if fits { Ok(FileDigest { kind, algorithm, bytes }) } else { Err(ContentError::Digest) }
}

/// The algorithm that the kernel calls so, if it is computed here.
pub(super) fn kernel_algorithm(name: &str) -> Option<HashAlgorithm> {
    Some(match name {
        "sha1" => HashAlgorithm::Sha1,
        "sha256" => HashAlgorithm::Sha256,
        "sha384" => HashAlgorithm::Sha384,
        "sha512" => HashAlgorithm::Sha512,
        _ => return None,
    })
}

/// `n-ng`: a name and NUL.
fn name(bytes: &[u8]) -> Result<Name<'_>, ContentError> {
    plain_name(bytes.strip_suffix(b"\0").ok_or(ContentError::Name)?)
}

fn plain_name(bytes: &[u8]) -> Result<Name<'_>, ContentError> {
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(ContentError::Name);
    }
    Ok(Name::new(bytes))
}

/// Data of the template `ima`: SHA-1 of the file, and its name with its length.
fn old(data: &[u8]) -> Result<File<'_>, ContentError> {
    let mut cursor = Cursor::new("template_data", data);
    let bytes = cursor.take("digest", OLD_DIGEST_BYTES)?;
    cursor.u32_le("name_length")?;
    let name = plain_name(cursor.rest())?;
    let digest = FileDigest { kind: DigestKind::Content, algorithm: "sha1", bytes };
    Ok(File { digest, name, signature: None, tells_signature: false })
}
