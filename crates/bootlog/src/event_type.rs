//! What an event says that it is.

use std::fmt;

/// The type field of an event: a number that no digest covers, so nothing may rest on it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(pub u32);

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)+) => {
        impl EventType {
            $($(#[$doc])* pub const $name: Self = Self($value);)+

            /// Its name in the TCG PC Client Platform Firmware Profile, such as `EV_SEPARATOR`.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)+
                    _ => None,
                }
            }
        }
    };
}

event_types! {
    /// Reserved.
    PREBOOT_CERT = 0x0, "EV_PREBOOT_CERT";
    /// Power-on self-test code.
    POST_CODE = 0x1, "EV_POST_CODE";
    /// Reserved.
    UNUSED = 0x2, "EV_UNUSED";
    /// Informs; extends nothing.
    NO_ACTION = 0x3, "EV_NO_ACTION";
    /// Ends a phase.
    SEPARATOR = 0x4, "EV_SEPARATOR";
    /// An action, as text.
    ACTION = 0x5, "EV_ACTION";
    /// A tag and data; Windows' tagged events.
    EVENT_TAG = 0x6, "EV_EVENT_TAG";
    /// Contents of the static root of trust.
    S_CRTM_CONTENTS = 0x7, "EV_S_CRTM_CONTENTS";
    /// Version of the static root of trust.
    S_CRTM_VERSION = 0x8, "EV_S_CRTM_VERSION";
    /// Processor microcode.
    CPU_MICROCODE = 0x9, "EV_CPU_MICROCODE";
    /// Configuration of the platform.
    PLATFORM_CONFIG_FLAGS = 0xA, "EV_PLATFORM_CONFIG_FLAGS";
    /// Table of devices.
    TABLE_OF_DEVICES = 0xB, "EV_TABLE_OF_DEVICES";
    /// What the measurer chose.
    COMPACT_HASH = 0xC, "EV_COMPACT_HASH";
    /// Initial program loader; what boot loaders measure.
    IPL = 0xD, "EV_IPL";
    /// Data of the partition with the loader.
    IPL_PARTITION_DATA = 0xE, "EV_IPL_PARTITION_DATA";
    /// Code that another processor runs.
    NONHOST_CODE = 0xF, "EV_NONHOST_CODE";
    /// Its configuration.
    NONHOST_CONFIG = 0x10, "EV_NONHOST_CONFIG";
    /// That there is such code.
    NONHOST_INFO = 0x11, "EV_NONHOST_INFO";
    /// Boot device events are left out.
    OMIT_BOOT_DEVICE_EVENTS = 0x12, "EV_OMIT_BOOT_DEVICE_EVENTS";
    /// Power-on self-test code, newer form.
    POST_CODE2 = 0x13, "EV_POST_CODE2";
    /// A variable that configures drivers: the secure boot variables.
    EFI_VARIABLE_DRIVER_CONFIG = 0x8000_0001, "EV_EFI_VARIABLE_DRIVER_CONFIG";
    /// A variable that configures booting.
    EFI_VARIABLE_BOOT = 0x8000_0002, "EV_EFI_VARIABLE_BOOT";
    /// An EFI application, such as a boot loader.
    EFI_BOOT_SERVICES_APPLICATION = 0x8000_0003, "EV_EFI_BOOT_SERVICES_APPLICATION";
    /// A driver.
    EFI_BOOT_SERVICES_DRIVER = 0x8000_0004, "EV_EFI_BOOT_SERVICES_DRIVER";
    /// A driver that stays.
    EFI_RUNTIME_SERVICES_DRIVER = 0x8000_0005, "EV_EFI_RUNTIME_SERVICES_DRIVER";
    /// A partition table.
    EFI_GPT_EVENT = 0x8000_0006, "EV_EFI_GPT_EVENT";
    /// An action of the firmware, as text.
    EFI_ACTION = 0x8000_0007, "EV_EFI_ACTION";
    /// A part of the firmware.
    EFI_PLATFORM_FIRMWARE_BLOB = 0x8000_0008, "EV_EFI_PLATFORM_FIRMWARE_BLOB";
    /// Tables that the firmware hands over.
    EFI_HANDOFF_TABLES = 0x8000_0009, "EV_EFI_HANDOFF_TABLES";
    /// A part of the firmware, newer form.
    EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000_000A, "EV_EFI_PLATFORM_FIRMWARE_BLOB2";
    /// Tables that the firmware hands over, newer form.
    EFI_HANDOFF_TABLES2 = 0x8000_000B, "EV_EFI_HANDOFF_TABLES2";
    /// A variable that configures booting, newer form.
    EFI_VARIABLE_BOOT2 = 0x8000_000C, "EV_EFI_VARIABLE_BOOT2";
    /// A partition table, newer form.
    EFI_GPT_EVENT2 = 0x8000_000D, "EV_EFI_GPT_EVENT2";
    /// What the hardware root of trust measured.
    EFI_HCRTM_EVENT = 0x8000_0010, "EV_EFI_HCRTM_EVENT";
    /// The entry of a database that let an image run.
    EFI_VARIABLE_AUTHORITY = 0x8000_00E0, "EV_EFI_VARIABLE_AUTHORITY";
    /// Firmware of a device.
    EFI_SPDM_FIRMWARE_BLOB = 0x8000_00E1, "EV_EFI_SPDM_FIRMWARE_BLOB";
    /// Configuration of a device.
    EFI_SPDM_FIRMWARE_CONFIG = 0x8000_00E2, "EV_EFI_SPDM_FIRMWARE_CONFIG";
    /// Which devices are trusted.
    EFI_SPDM_DEVICE_POLICY = 0x8000_00E3, "EV_EFI_SPDM_DEVICE_POLICY";
    /// The entry that let a device be trusted.
    EFI_SPDM_DEVICE_AUTHORITY = 0x8000_00E4, "EV_EFI_SPDM_DEVICE_AUTHORITY";
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}
