//! A boot of Linux by shim and GRUB, or as a unified kernel image.

use super::firmware::{self, SecureBoot, SecureBootKeys, secure_boot_keys};
use super::{Bank, BootLog, LogEvent, LogForm, event_type, uefi};
use crate::MintError;

/// What starts the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Loader {
    /// Shim, then GRUB, which measures commands and files into PCR 8 and 9.
    #[default]
    Grub,
    /// Shim, then a unified kernel image, whose stub measures the command line into PCR 12.
    UnifiedKernel,
}

/// A boot of Linux.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinuxBoot {
    /// Form of the log.
    pub form: LogForm,
    /// Locality at which the TPM was started: 0, 3 or 4. The log says so if it is not 0.
    pub locality: u8,
    /// What the firmware says of Secure Boot.
    pub secure_boot: SecureBoot,
    /// The value of shim's `MokSBState`, if shim measured it: any value but 00 means that shim
    /// verifies nothing.
    pub mok_sb_state: Option<Vec<u8>>,
    /// What starts the kernel.
    pub loader: Loader,
    /// The kernel's command line.
    pub command_line: String,
}

impl Default for LinuxBoot {
    fn default() -> Self {
        Self {
            form: LogForm::CryptoAgile(vec![Bank::Sha1, Bank::Sha256, Bank::Sha384]),
            locality: 0,
            secure_boot: SecureBoot::On,
            mok_sb_state: None,
            loader: Loader::default(),
            command_line: "/boot/vmlinuz root=/dev/vda2 ro quiet".to_owned(),
        }
    }
}

/// The log of a boot of Linux.
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses to make the keys of Secure Boot.
pub fn linux(boot: &LinuxBoot) -> Result<BootLog, MintError> {
    let keys = secure_boot_keys()?;
    let mut log = BootLog::new(boot.form.clone());
    log.started_at = boot.locality;
    if boot.locality != 0 {
        log.push(LogEvent::startup_locality(boot.locality));
    }
    firmware::until_boot(&mut log, boot.secure_boot, &keys);
    shim(&mut log, boot, &keys);
    match boot.loader {
        Loader::Grub => grub(&mut log, &boot.command_line),
        Loader::UnifiedKernel => unified_kernel(&mut log, &boot.command_line),
    }
    firmware::exit_boot_services(&mut log);
    Ok(log)
}

/// Shim, what it trusts, and what it let run.
fn shim(log: &mut BootLog, boot: &LinuxBoot, keys: &SecureBootKeys) {
    firmware::authority(log, boot.secure_boot, &keys.third_party_ca);
    log.push(LogEvent::application("\\EFI\\BOOT\\BOOTX64.EFI", b"shim of the mint"));
    log.push(LogEvent::shim_variable("MokList", b"machine owner keys of the mint"));
    log.push(LogEvent::authority(uefi::SHIM, "SbatLevel", b"sbat,1,2024010900\n"));
    if let Some(state) = &boot.mok_sb_state {
        log.push(LogEvent::shim_variable("MokSBState", state));
        log.push(LogEvent::authority(uefi::SHIM, "MokSBState", state));
    }
    let verifies = boot.mok_sb_state.as_ref().is_none_or(|state| state == &[0]);
    if boot.secure_boot == SecureBoot::On && verifies {
        log.push(LogEvent::authority(uefi::SHIM, "Shim", &keys.shim_vendor));
    }
    log.push(LogEvent::application("\\EFI\\BOOT\\grubx64.efi", b"second stage of the mint"));
}

fn grub(log: &mut BootLog, command_line: &str) {
    log.push(LogEvent::grub_file("(hd0,gpt1)/grub/grub.cfg", b"configuration of the mint"));
    log.push(LogEvent::grub_command("set root=hd0,gpt2"));
    log.push(LogEvent::grub_command(&format!("linux {command_line}")));
    log.push(LogEvent::grub_file("/boot/vmlinuz", b"kernel of the mint"));
    log.push(LogEvent::application("\\boot\\vmlinuz", b"kernel of the mint as PE"));
    log.push(LogEvent::kernel_command_line(command_line));
    log.push(LogEvent::grub_command("initrd /boot/initrd.img"));
    log.push(LogEvent::grub_file("/boot/initrd.img", b"initrd of the mint"));
}

/// What systemd-stub measures, and the kernel's own stub after it.
fn unified_kernel(log: &mut BootLog, command_line: &str) {
    for (section, content) in [(".linux", b"kernel".as_slice()), (".initrd", b"initrd")] {
        let name = format!("{section}\0");
        log.push(LogEvent::new(11, event_type::IPL, uefi::utf16_nul(section)).measuring(name));
        log.push(LogEvent::new(11, event_type::IPL, uefi::utf16_nul(section)).measuring(content));
    }
    log.push(LogEvent::new(12, event_type::IPL, uefi::utf16_nul(command_line)));
    log.push(load_options(9, 0x8f3b_22ed, "LOADED_IMAGE::LoadOptions", command_line.as_bytes()));
    log.push(load_options(9, 0x8f3b_22ec, "Linux initrd", b"initrd of the mint"));
}

/// What the kernel's EFI stub measures: the tag names it, the digest is of the content.
pub(super) fn load_options(pcr: u32, tag: u32, name: &str, content: &[u8]) -> LogEvent {
    let name = format!("{name}\0").into_bytes();
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    let data = [tag.to_le_bytes().as_slice(), &length.to_le_bytes(), &name].concat();
    LogEvent::new(pcr, event_type::EVENT_TAG, data).measuring(content)
}
