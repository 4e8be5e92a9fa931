//! Identity keys of the secure kernel, as its loader measures them.

use avouch_wire::{Cursor, ParseError, failed_check};
use thiserror::Error;

use super::{Tag, TagId};

/// `VSM_IDK_ALG_ID` of an RSA key, the only kind that is known.
const RSA: u32 = 1;
/// Longest numbers accepted, in bytes: RSA with 8192 bits.
const NUMBER_LIMIT: u32 = 1024;

/// A public RSA key that the secure kernel made during this boot. There is no other way to one than a
/// replayed log: see [`super::WindowsFacts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdentityKey<'a> {
    modulus: &'a [u8],
    exponent: &'a [u8],
}

/// Why there is no identity key to believe in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoIdentityKey {
    /// None was measured before Windows took over.
    #[error("no such key was measured in PCR 12 before Windows took over")]
    NotMeasured,
    /// Windows measures it in PCR 12, in a container of the boot component that started the kernel.
    #[error("a tag {id} stands in PCR 12, but not directly in a TRUSTBOUNDARY")]
    Place {
        /// The tag.
        id: TagId,
    },
    /// It is not of the one form that is known.
    #[error("the key measured in PCR 12 is of no known form: {0}")]
    Form(#[from] ParseError),
    /// A boot makes one.
    #[error("two different keys were measured")]
    Two,
    /// Only the secure kernel of virtual secure mode has such keys.
    #[error(
        "a key was measured, but it is not proven that virtual secure mode was required and launched"
    )]
    NoSecureMode,
}

failed_check!(NoIdentityKey {
    Self::NotMeasured => "windows-identity-key",
    Self::Place { .. } => "windows-identity-key-place",
    Self::Form(_) => "windows-identity-key-form",
    Self::Two => "windows-identity-key-two",
    Self::NoSecureMode => "windows-secure-mode",
});

impl<'a> IdentityKey<'a> {
    /// Modulus, big-endian, as many bytes as were measured.
    #[must_use]
    pub const fn modulus(&self) -> &'a [u8] {
        self.modulus
    }

    /// Public exponent, big-endian.
    #[must_use]
    pub const fn exponent(&self) -> &'a [u8] {
        self.exponent
    }

    /// The one key that `events` of PCR 12 name by `VSM_IDK_INFO` or `VSM_IDKS_INFO`; several equal ones
    /// are one.
    pub(super) fn only(
        id: TagId,
        events: impl Iterator<Item = impl Iterator<Item = Tag<'a>>>,
    ) -> Result<Self, NoIdentityKey> {
        let mut only = Err(NoIdentityKey::NotMeasured);
        for mut tags in events {
            find(id, &mut tags, Place::Top, &mut only)?;
        }
        only
    }

    /// The one key, if the next one is the same as those before.
    fn and(only: Result<Self, NoIdentityKey>, bytes: &'a [u8]) -> Result<Self, NoIdentityKey> {
        match only {
            Err(NoIdentityKey::NotMeasured) => Ok(read(bytes)?),
            Ok(other) if read(bytes)? != other => Err(NoIdentityKey::Two),
            other => other,
        }
    }
}

/// Where tags stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In no container.
    Top,
    /// In a trust boundary that stands in no container.
    Boundary,
    /// Anywhere else.
    Other,
}

/// Finds the data of the tags of this number, which must stand in a trust boundary.
fn find<'a>(
    id: TagId,
    tags: &mut dyn Iterator<Item = Tag<'a>>,
    place: Place,
    only: &mut Result<IdentityKey<'a>, NoIdentityKey>,
) -> Result<(), NoIdentityKey> {
    for tag in tags {
        match (tag.bytes().filter(|_| tag.id == id), place) {
            (Some(bytes), Place::Boundary) => *only = IdentityKey::and(only.clone(), bytes),
            (Some(_), Place::Top | Place::Other) => return Err(NoIdentityKey::Place { id }),
            (None, _) => {
                let is_boundary = place == Place::Top && tag.id == TagId::TRUSTBOUNDARY;
                let inside = if is_boundary { Place::Boundary } else { Place::Other };
                find(id, &mut tag.members(), inside, only)?;
            }
        }
    }
    Ok(())
}

fn read(bytes: &[u8]) -> Result<IdentityKey<'_>, ParseError> {
    let mut cursor = Cursor::new("VSM_IDK_INFO", bytes);
    cursor.expect_u32_le("KeyAlgID", RSA)?;
    let bits = cursor.u32_le("KeyBitLength")?;
    let exponent_length = cursor.length_u32_le("PublicExpLengthBytes", NUMBER_LIMIT)?;
    let modulus_field = cursor.clone();
    let modulus_length = cursor.length_u32_le("ModulusSizeBytes", NUMBER_LIMIT)?;
    if usize::try_from(bits).ok() != modulus_length.checked_mul(8) {
        return Err(modulus_field.unexpected("ModulusSizeBytes", bits / 8, modulus_length));
    }
    let exponent = cursor.take("exponent", exponent_length)?;
    let modulus = cursor.take("modulus", modulus_length)?;
    cursor.finish()?;
    Ok(IdentityKey { modulus, exponent })
}
