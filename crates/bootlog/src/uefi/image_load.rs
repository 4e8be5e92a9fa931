//! What firmware says of an image that it measured.

use avouch_wire::Cursor;

use super::variable::utf16;

/// `UEFI_IMAGE_LOAD_EVENT`. The digest of such an event is that of the image: nothing here is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLoad<'a> {
    /// `ImageLocationInMemory`.
    pub location: u64,
    /// `ImageLengthInMemory`, in bytes.
    pub length: u64,
    /// `DevicePath`, as it stands.
    pub device_path: &'a [u8],
}

/// A device path node that holds a file's path.
const FILE_PATH: [u8; 2] = [4, 4];
/// The longest path that is read, in bytes of UTF-16, with its NUL: as long as those of FAT volumes.
const PATH_BYTES_MAX: usize = 522;
/// Length of a device path node's head: type, subtype and length.
const NODE_HEAD: u16 = 4;

impl<'a> ImageLoad<'a> {
    /// Reads an event's data; `None` if they are something else.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new("UEFI_IMAGE_LOAD_EVENT", bytes);
        let location = cursor.u64_le("ImageLocationInMemory").ok()?;
        let length = cursor.u64_le("ImageLengthInMemory").ok()?;
        cursor.u64_le("ImageLinkTimeAddress").ok()?;
        let path_length = usize::try_from(cursor.u64_le("LengthOfDevicePath").ok()?).ok()?;
        let device_path = cursor.take("DevicePath", path_length).ok()?;
        cursor.finish().ok()?;
        Some(Self { location, length, device_path })
    }

    /// The file's path, where the device path names a file, in at most 260 units of UTF-16.
    #[must_use]
    pub fn file_path(&self) -> Option<String> {
        let mut cursor = Cursor::new("EFI_DEVICE_PATH_PROTOCOL", self.device_path);
        let mut path = String::new();
        let mut path_bytes = PATH_BYTES_MAX;
        while !cursor.is_empty() {
            let kind = *cursor.array("Type").ok()?;
            let length = cursor.u16_le("Length").ok()?.checked_sub(NODE_HEAD)?;
            let node = cursor.take("Data", length.into()).ok()?;
            path_bytes = path_bytes.checked_sub(if kind == FILE_PATH { node.len() } else { 0 })?;
            if kind == FILE_PATH {
                path.push_str(utf16(node)?.trim_end_matches('\0'));
            }
        }
        (!path.is_empty()).then_some(path)
    }
}
