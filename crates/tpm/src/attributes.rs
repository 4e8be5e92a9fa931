//! `TPMA_OBJECT`: what a key may be used for, and where it came from.

use serde::{Serialize, Serializer};

/// The 32 bits of `TPMA_OBJECT`.
///
/// They are the word of whoever sends the public area until its name is bound to a TPM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectAttributes(pub u32);

impl ObjectAttributes {
    /// Bits that the structure defines: 1, 2, 4 to 11, 16 to 19.
    const DEFINED: u32 = 0x000f_0ff6;

    /// Every bit of `bits` is set.
    const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }

    /// The key cannot leave its TPM (bit 1).
    #[must_use]
    pub const fn fixed_tpm(self) -> bool {
        self.has(1 << 1)
    }

    /// The key cannot be moved below another parent (bit 4).
    #[must_use]
    pub const fn fixed_parent(self) -> bool {
        self.has(1 << 4)
    }

    /// The TPM made the secret part (bit 5).
    #[must_use]
    pub const fn sensitive_data_origin(self) -> bool {
        self.has(1 << 5)
    }

    /// It can be used with a password or HMAC (bit 6).
    #[must_use]
    pub const fn user_with_auth(self) -> bool {
        self.has(1 << 6)
    }

    /// It works on structures that the TPM makes only (bit 16): such a key signs no digest that did not
    /// come out of the TPM.
    #[must_use]
    pub const fn restricted(self) -> bool {
        self.has(1 << 16)
    }

    /// It decrypts (bit 17).
    #[must_use]
    pub const fn decrypt(self) -> bool {
        self.has(1 << 17)
    }

    /// It signs, or encrypts if it is symmetric (bit 18).
    #[must_use]
    pub const fn sign(self) -> bool {
        self.has(1 << 18)
    }

    /// It may sign certificates whose content the caller shapes (bit 19).
    #[must_use]
    pub const fn x509_sign(self) -> bool {
        self.has(1 << 19)
    }

    /// Bits that the structure does not define.
    #[must_use]
    pub const fn undefined_bits(self) -> u32 {
        self.0 & !Self::DEFINED
    }
}

impl std::fmt::Display for ObjectAttributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl Serialize for ObjectAttributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
