//! Templates: which fields an entry's data have.

use std::fmt;

/// How the data of an entry are made up. The name of the template is in the list, but no digest covers
/// it: what an entry is, its fields decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Template {
    /// `ima`: SHA-1 of the file and its name, of before Linux 3.13.
    Ima,
    /// `ima-ng`: digest with its algorithm, and name.
    ImaNg,
    /// `ima-ngv2`: the same, and whether the digest is of the file or of its fs-verity tree.
    ImaNgV2,
    /// `ima-sig`: as `ima-ng`, and the file's signature.
    ImaSig,
    /// `ima-sigv2`: as `ima-ngv2`, and the file's signature.
    ImaSigV2,
    /// `ima-buf`: as `ima-ng`, and the bytes that were measured.
    ImaBuf,
    /// `ima-modsig`: as `ima-sig`, and the signature appended to a kernel module.
    ImaModsig,
}

/// A field of template data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// `d-ng`: algorithm, colon, NUL, digest.
    Digest,
    /// `d-ngv2`: type, colon, and as `d-ng`.
    TypedDigest,
    /// `n-ng`: name and NUL.
    Name,
    /// `sig`: the extended attribute, or nothing.
    Signature,
    /// `buf`: what was measured.
    Buffer,
    /// `d-modsig`: as `d-ng`, or nothing.
    AppendedDigest,
    /// `modsig`: PKCS#7, or nothing.
    AppendedSignature,
}

impl Template {
    /// All templates that are read.
    pub const ALL: [Self; 7] = [
        Self::Ima,
        Self::ImaNg,
        Self::ImaNgV2,
        Self::ImaSig,
        Self::ImaSigV2,
        Self::ImaBuf,
        Self::ImaModsig,
    ];

    /// Its name in the list.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ima => "ima",
            Self::ImaNg => "ima-ng",
            Self::ImaNgV2 => "ima-ngv2",
            Self::ImaSig => "ima-sig",
            Self::ImaSigV2 => "ima-sigv2",
            Self::ImaBuf => "ima-buf",
            Self::ImaModsig => "ima-modsig",
        }
    }

    /// The template of that name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name().as_bytes() == name)
    }

    /// Its fields; none of [`Template::Ima`], whose data have a form of their own.
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Self::Ima => &[],
            Self::ImaNg => &[Field::Digest, Field::Name],
            Self::ImaNgV2 => &[Field::TypedDigest, Field::Name],
            Self::ImaSig => &[Field::Digest, Field::Name, Field::Signature],
            Self::ImaSigV2 => &[Field::TypedDigest, Field::Name, Field::Signature],
            Self::ImaBuf => &[Field::Digest, Field::Name, Field::Buffer],
            Self::ImaModsig => &[
                Field::Digest,
                Field::Name,
                Field::Signature,
                Field::AppendedDigest,
                Field::AppendedSignature,
            ],
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
