//! `ENCLAVE_IDENTITY.Flags`.

use serde::Serialize;

/// Flags of an enclave. The bits that are not defined are kept as they came: what they mean is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Flags(pub u32);

impl Flags {
    /// `ENCLAVE_FLAG_FULL_DEBUG_ENABLED`.
    const FULL_DEBUG: u32 = 1;
    /// `ENCLAVE_FLAG_DYNAMIC_DEBUG_ENABLED`.
    const DYNAMIC_DEBUG: u32 = 2;
    /// `ENCLAVE_FLAG_DYNAMIC_DEBUG_ACTIVE`.
    const DYNAMIC_DEBUG_ACTIVE: u32 = 4;

    /// Whether the enclave can be debugged at any time.
    #[must_use]
    pub const fn full_debug(self) -> bool {
        self.0 & Self::FULL_DEBUG != 0
    }

    /// Whether debugging can be switched on.
    #[must_use]
    pub const fn dynamic_debug(self) -> bool {
        self.0 & Self::DYNAMIC_DEBUG != 0
    }

    /// Whether it was switched on.
    #[must_use]
    pub const fn dynamic_debug_active(self) -> bool {
        self.0 & Self::DYNAMIC_DEBUG_ACTIVE != 0
    }

    /// Whether the machine's owner may read the enclave: any flag is set, one that is not defined
    /// included, since nobody can say that it does not mean so.
    #[must_use]
    pub const fn debuggable(self) -> bool {
        self.0 != 0
    }
}
