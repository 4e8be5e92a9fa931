//! One event of a log.

use super::Bank;
use super::uefi::{self, Guid};

/// Numbers of event types.
#[expect(missing_docs, reason = "named as in the TCG PC Client Platform Firmware Profile, 10.4.1")]
pub mod event_type {
    pub const POST_CODE: u32 = 0x1;
    pub const UNUSED: u32 = 0x2;
    pub const NO_ACTION: u32 = 0x3;
    pub const SEPARATOR: u32 = 0x4;
    pub const ACTION: u32 = 0x5;
    pub const EVENT_TAG: u32 = 0x6;
    pub const S_CRTM_VERSION: u32 = 0x8;
    pub const COMPACT_HASH: u32 = 0xc;
    pub const IPL: u32 = 0xd;
    pub const EFI_VARIABLE_DRIVER_CONFIG: u32 = 0x8000_0001;
    pub const EFI_VARIABLE_BOOT: u32 = 0x8000_0002;
    pub const EFI_BOOT_SERVICES_APPLICATION: u32 = 0x8000_0003;
    pub const EFI_GPT_EVENT: u32 = 0x8000_0006;
    pub const EFI_ACTION: u32 = 0x8000_0007;
    pub const EFI_PLATFORM_FIRMWARE_BLOB: u32 = 0x8000_0008;
    pub const EFI_HANDOFF_TABLES2: u32 = 0x8000_000b;
    pub const EFI_PLATFORM_FIRMWARE_BLOB2: u32 = 0x8000_000a;
    pub const EFI_VARIABLE_AUTHORITY: u32 = 0x8000_00e0;
}

/// What the digests of an event are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// The event's data.
    Data,
    /// Other bytes, such as the content of a file that the data only name.
    Bytes(Vec<u8>),
    /// Other bytes in each bank; banks that are not listed measure the data.
    PerBank(Vec<(Bank, Vec<u8>)>),
}

/// One event: what stands in the log, and what extended the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Index of the register.
    pub register: u32,
    /// Number of the type.
    pub event_type: u32,
    /// The event's data.
    pub data: Vec<u8>,
    /// What the digests are of.
    pub measured: Measured,
    /// The banks that the log has digests of, in this order; all of the log's if absent.
    pub banks: Option<Vec<Bank>>,
}

impl LogEvent {
    /// An event whose digests are of its data.
    #[must_use]
    pub fn new(register: u32, event_type: u32, data: impl Into<Vec<u8>>) -> Self {
        Self { register, event_type, data: data.into(), measured: Measured::Data, banks: None }
    }

    /// The same, with digests of `bytes`.
    #[must_use]
    pub fn measuring(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { measured: Measured::Bytes(bytes.into()), ..self }
    }

    /// What was measured into `bank`.
    #[must_use]
    pub fn measured(&self, bank: Bank) -> &[u8] {
        match &self.measured {
            Measured::Data => &self.data,
            Measured::Bytes(bytes) => bytes,
            Measured::PerBank(all) => {
                let found = all.iter().find(|(of, _)| *of == bank);
                found.map_or(&self.data, |(_, bytes)| bytes)
            }
        }
    }

    /// The digest in `bank`.
    #[must_use]
    pub fn digest(&self, bank: Bank) -> Vec<u8> {
        bank.digest(&[self.measured(bank)])
    }

    /// Changes the data and keeps the digests.
    pub fn edit_data(&mut self, edit: impl FnOnce(&mut Vec<u8>)) {
        if self.measured == Measured::Data {
            self.measured = Measured::Bytes(self.data.clone());
        }
        edit(&mut self.data);
    }

    /// Whether it extends a register.
    #[must_use]
    pub const fn extends(&self) -> bool {
        self.event_type != event_type::NO_ACTION
    }

    /// The end of a phase of the firmware: four zeros.
    #[must_use]
    pub fn separator(register: u32) -> Self {
        Self::new(register, event_type::SEPARATOR, [0; 4])
    }

    /// A text that the firmware measures.
    #[must_use]
    pub fn efi_action(register: u32, text: &str) -> Self {
        Self::new(register, event_type::EFI_ACTION, text)
    }

    /// A variable that configures drivers, PCR 7.
    #[must_use]
    pub fn driver_config(vendor: Guid, name: &str, value: &[u8]) -> Self {
        let data = uefi::variable(vendor, name, value);
        Self::new(7, event_type::EFI_VARIABLE_DRIVER_CONFIG, data)
    }

    /// An entry that let an image run, PCR 7.
    #[must_use]
    pub fn authority(vendor: Guid, name: &str, value: &[u8]) -> Self {
        Self::new(7, event_type::EFI_VARIABLE_AUTHORITY, uefi::variable(vendor, name, value))
    }

    /// A boot variable, PCR 1: its value alone is measured, as most firmware does.
    #[must_use]
    pub fn boot_variable(name: &str, value: &[u8]) -> Self {
        let data = uefi::variable(uefi::GLOBAL, name, value);
        Self::new(1, event_type::EFI_VARIABLE_BOOT, data).measuring(value)
    }

    /// An EFI application, PCR 4: the image is measured, the path is not.
    #[must_use]
    pub fn application(path: &str, image: &[u8]) -> Self {
        let data = uefi::image_load(path);
        Self::new(4, event_type::EFI_BOOT_SERVICES_APPLICATION, data).measuring(image)
    }

    /// A partition table, PCR 5.
    #[must_use]
    pub fn partition_table() -> Self {
        Self::new(5, event_type::EFI_GPT_EVENT, uefi::partition_table())
    }

    /// A command that GRUB ran, PCR 8: the text without the prefix and the NUL is measured.
    #[must_use]
    pub fn grub_command(text: &str) -> Self {
        Self::new(8, event_type::IPL, format!("grub_cmd: {text}\0")).measuring(text)
    }

    /// The kernel's command line as GRUB measures it, PCR 8.
    #[must_use]
    pub fn kernel_command_line(text: &str) -> Self {
        Self::new(8, event_type::IPL, format!("kernel_cmdline: {text}\0")).measuring(text)
    }

    /// A file that GRUB read, PCR 9: the content is measured, the name is not.
    #[must_use]
    pub fn grub_file(name: &str, content: &[u8]) -> Self {
        Self::new(9, event_type::IPL, format!("{name}\0")).measuring(content)
    }

    /// A variable of shim, PCR 14: the content is measured, the name is not.
    #[must_use]
    pub fn shim_variable(name: &str, content: &[u8]) -> Self {
        Self::new(14, event_type::IPL, format!("{name}\0")).measuring(content)
    }

    /// Says at which locality the TPM was started; extends nothing.
    #[must_use]
    pub fn startup_locality(locality: u8) -> Self {
        let data = [b"StartupLocality\0".as_slice(), &[locality]].concat();
        Self::new(0, event_type::NO_ACTION, data)
    }
}
