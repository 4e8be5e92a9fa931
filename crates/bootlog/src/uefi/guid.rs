//! GUIDs in UEFI's byte order.

use std::fmt;

/// A GUID as UEFI stores it: the first three of its five groups are little-endian.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// Variables of the UEFI specification itself: `SecureBoot`, `PK`, `KEK`, `BootOrder`.
    pub const GLOBAL: Self = Self::of(0x8BE4_DF61_93CA_11D2_AA0D_00E0_9803_2B8C);
    /// Databases of image security: `db`, `dbx`, `dbt`, `dbr`.
    pub const IMAGE_SECURITY: Self = Self::of(0xD719_B2CB_3D3A_4596_A3BC_DAD0_0E67_656F);
    /// Variables of shim.
    pub const SHIM: Self = Self::of(0x605D_AB50_E046_4300_ABB6_3DD8_10DD_8B23);
    /// Windows' custom secure boot policy.
    pub const WINDOWS_POLICY: Self = Self::of(0x77FA_9ABD_0359_4D32_BD60_28F4_E78F_784B);
    /// A signature list of X.509 certificates.
    pub const CERT_X509: Self = Self::of(0xA5C0_59A1_94E4_4AA7_87B5_AB15_5C2B_F072);
    /// A signature list of SHA-256 digests of images.
    pub const CERT_SHA256: Self = Self::of(0xC1C4_1626_504C_4092_ACA9_41F9_3693_4328);

    /// The GUID that this number is, read from its text without hyphens.
    #[must_use]
    pub const fn of(text: u128) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = text.to_be_bytes();
        let [i, j, k, l, m, n, o, p] = rest;
        Self([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }
}

/// In upper case, as UEFI's documents write it.
impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f2, g, h, i, j, rest @ ..] = self.0;
        let group =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        let (first, second, third) = (group(&[d, c, b, a]), group(&[f2, e]), group(&[h, g]));
        write!(f, "{first}-{second}-{third}-{}-{}", group(&[i, j]), group(&rest))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
