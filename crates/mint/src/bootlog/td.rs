//! A boot of a trust domain, with its confidential-computing event log (CCEL).

use super::firmware::{self, SecureBoot, secure_boot_keys};
use super::linux::load_options;
use super::{BootLog, LogEvent, LogForm, uefi};
use crate::MintError;

/// Event type of what a domain extends `RTMR3` with while it runs, as dstack numbers it.
pub const RUNTIME_EVENT: u32 = 0x0800_0001;

/// A boot of a trust domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TdBoot {
    /// What the firmware says of Secure Boot.
    pub secure_boot: SecureBoot,
    /// The value of shim's `MokSBState`, if shim measured it.
    pub mok_sb_state: Option<Vec<u8>>,
    /// The kernel's command line, if GRUB starts it. Without one the host gives the kernel directly:
    /// its stub measures the command line, but does not log it.
    pub command_line: Option<String>,
    /// Names and payloads of what is measured into `RTMR3` while the domain runs.
    pub runtime: Vec<(String, Vec<u8>)>,
    /// Bytes of the log area in all; filled with FF.
    pub area: usize,
}

impl Default for TdBoot {
    fn default() -> Self {
        Self {
            secure_boot: SecureBoot::On,
            mok_sb_state: None,
            command_line: Some("/boot/vmlinuz root=/dev/vda2 ro quiet".to_owned()),
            runtime: Vec::new(),
            area: 65_536,
        }
    }
}

/// The log of a boot of a trust domain.
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses to make the keys of Secure Boot;
/// [`MintError::TooLong`] if an event does not fit its length field.
pub fn td(boot: &TdBoot) -> Result<BootLog, MintError> {
    let keys = secure_boot_keys()?;
    let mut log = BootLog::new(LogForm::Ccel);
    firmware::until_boot(&mut log, boot.secure_boot, &keys);
    match &boot.command_line {
        Some(command_line) => {
            firmware::authority(&mut log, boot.secure_boot, &keys.third_party_ca);
            log.push(LogEvent::application("\\EFI\\BOOT\\BOOTX64.EFI", b"shim of the mint"));
            log.push(LogEvent::authority(uefi::SHIM, "SbatLevel", b"sbat,1,2024010900\n"));
            if let Some(state) = &boot.mok_sb_state {
                log.push(LogEvent::authority(uefi::SHIM, "MokSBState", state));
            }
            log.push(LogEvent::application("\\EFI\\BOOT\\grubx64.efi", b"GRUB of the mint"));
            log.push(LogEvent::grub_command(&format!("linux {command_line}")));
            log.push(LogEvent::grub_file("/boot/vmlinuz", b"kernel of the mint"));
            log.push(LogEvent::kernel_command_line(command_line));
        }
        None => {
            log.push(LogEvent::application("", b"kernel of the mint"));
            let options = uefi::utf16_nul("console=hvc0");
            log.push(load_options(9, 0x8f3b_22ed, "LOADED_IMAGE::LoadOptions", &options));
            log.push(load_options(9, 0x8f3b_22ec, "Linux initrd", b"initrd of the mint"));
        }
    }
    firmware::exit_boot_services(&mut log);
    log.events.extend(boot.runtime.iter().map(|(name, payload)| runtime(name, payload)));
    let used = log.to_bytes()?.len();
    log.fill = vec![0xff; boot.area.saturating_sub(used)];
    Ok(log)
}

/// What a domain measures while it runs: the digest is of type, name and payload.
fn runtime(name: &str, payload: &[u8]) -> LogEvent {
    let measured =
        [RUNTIME_EVENT.to_le_bytes().as_slice(), b":", name.as_bytes(), b":", payload].concat();
    LogEvent::new(4, RUNTIME_EVENT, [name.as_bytes(), b"\0", payload].concat()).measuring(measured)
}
