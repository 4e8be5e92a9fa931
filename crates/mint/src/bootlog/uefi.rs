//! Structures of UEFI that events carry.

/// A GUID in memory order.
pub type Guid = [u8; 16];

/// `EFI_GLOBAL_VARIABLE`: `SecureBoot`, `PK`, `KEK`, boot variables.
pub const GLOBAL: Guid = guid(0x8be4_df61, 0x93ca, 0x11d2, 0xaa0d_00e0_9803_2b8c);
/// `EFI_IMAGE_SECURITY_DATABASE_GUID`: `db`, `dbx`.
pub const IMAGE_SECURITY: Guid = guid(0xd719_b2cb, 0x3d3a, 0x4596, 0xa3bc_dad0_0e67_656f);
/// Shim's variables.
pub const SHIM: Guid = guid(0x605d_ab50, 0xe046, 0x4300, 0xabb6_3dd8_10dd_8b23);
/// Signature type: X.509 certificates.
pub const CERT_X509: Guid = guid(0xa5c0_59a1, 0x94e4, 0x4aa7, 0x87b5_ab15_5c2b_f072);
/// Signature type: SHA-256 of images.
pub const CERT_SHA256: Guid = guid(0xc1c4_1626, 0x504c, 0x4092, 0xaca9_41f9_3693_4328);
/// The mint as owner of signatures.
pub const OWNER: Guid = *b"avouch-mint-own!";

const fn guid(first: u32, second: u16, third: u16, rest: u64) -> Guid {
    let ([a, b, c, d], [e, f], [g, h]) =
        (first.to_le_bytes(), second.to_le_bytes(), third.to_le_bytes());
    let [i, j, k, l, m, n, o, p] = rest.to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// UTF-16LE without a NUL.
#[must_use]
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// UTF-16LE with a NUL.
#[must_use]
pub fn utf16_nul(text: &str) -> Vec<u8> {
    [utf16(text), vec![0, 0]].concat()
}

/// `UEFI_VARIABLE_DATA`.
#[must_use]
pub fn variable(vendor: Guid, name: &str, value: &[u8]) -> Vec<u8> {
    let units = name.encode_utf16().count() as u64;
    let length = value.len() as u64;
    let name = utf16(name);
    [vendor.as_slice(), &units.to_le_bytes(), &length.to_le_bytes(), &name, value].concat()
}

/// An `EFI_SIGNATURE_DATA`: owner, then the certificate or hash.
#[must_use]
pub fn signature(content: &[u8]) -> Vec<u8> {
    [OWNER.as_slice(), content].concat()
}

/// An `EFI_SIGNATURE_LIST` with one entry.
#[must_use]
pub fn signature_list(signature_type: Guid, content: &[u8]) -> Vec<u8> {
    let entry = signature(content);
    let size = |extra: u32| u32::try_from(entry.len()).unwrap_or(u32::MAX).saturating_add(extra);
    [signature_type.as_slice(), &size(28).to_le_bytes(), &[0; 4], &size(0).to_le_bytes(), &entry]
        .concat()
}

/// `UEFI_IMAGE_LOAD_EVENT` of a file.
#[must_use]
pub fn image_load(path: &str) -> Vec<u8> {
    let path = utf16_nul(path);
    let node = u16::try_from(path.len()).unwrap_or(u16::MAX).saturating_add(4);
    // A media device path of a file, then the end of the path.
    let device = [[4, 4].as_slice(), &node.to_le_bytes(), &path, &[0x7f, 0xff, 4, 0]].concat();
    let numbers = [0x7e00_0000_u64, 0x0010_0000, 0, device.len() as u64];
    [numbers.map(u64::to_le_bytes).as_flattened(), &device].concat()
}

/// `UEFI_GPT_DATA` with one partition.
#[must_use]
pub fn partition_table() -> Vec<u8> {
    let mut header = b"EFI PART".to_vec();
    // Revision, sizes, checksums and block numbers.
    header.resize(56, 0);
    // The disk, the block of the entries, how many there are, the size of each, and a checksum.
    header.extend([0xd1; 16]);
    header.extend([2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0]);
    let mut partition = vec![0x28; 16];
    partition.resize(128, 0);
    [header, 1_u64.to_le_bytes().to_vec(), partition].concat()
}

/// `UEFI_PLATFORM_FIRMWARE_BLOB2`.
#[must_use]
pub fn firmware_blob(description: &str, base: u64, length: u64) -> Vec<u8> {
    let size = u8::try_from(description.len()).unwrap_or(u8::MAX);
    [[size].as_slice(), description.as_bytes(), &base.to_le_bytes(), &length.to_le_bytes()].concat()
}
