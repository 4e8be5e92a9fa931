//! A boot of Windows: what the firmware measures, and Windows' tagged events (SIPA).

use super::firmware::{self, SecureBoot, secure_boot_keys};
use super::{Bank, BootLog, LogEvent, LogForm, event_type, uefi};
use crate::MintError;

/// Numbers of tags.
#[expect(missing_docs, reason = "named as in Windows' wbcl.h, without SIPAEVENT_")]
pub mod tag {
    pub const TRUSTBOUNDARY: u32 = 0x4001_0001;
    pub const ELAM_AGGREGATION: u32 = 0x4001_0002;
    pub const LOADEDMODULE_AGGREGATION: u32 = 0x4001_0003;
    pub const TRUSTPOINT_AGGREGATION: u32 = 0xc001_0004;
    pub const INFORMATION: u32 = 0x0002_0001;
    pub const BOOTCOUNTER: u32 = 0x0002_0002;
    pub const TRANSFER_CONTROL: u32 = 0x0002_0003;
    pub const BITLOCKER_UNLOCK: u32 = 0x0002_0005;
    pub const EVENTCOUNTER: u32 = 0x0002_0006;
    pub const APPLICATION_SVN: u32 = 0x0002_0009;
    pub const BOOTDEBUGGING: u32 = 0x0004_0001;
    pub const BOOT_REVOCATION_LIST: u32 = 0x0004_0002;
    pub const OSKERNELDEBUG: u32 = 0x0005_0001;
    pub const CODEINTEGRITY: u32 = 0x0005_0002;
    pub const TESTSIGNING: u32 = 0x0005_0003;
    pub const DATAEXECUTIONPREVENTION: u32 = 0x0005_0004;
    pub const SAFEMODE: u32 = 0x0005_0005;
    pub const WINPE: u32 = 0x0005_0006;
    pub const HYPERVISOR_LAUNCH_TYPE: u32 = 0x0005_000a;
    pub const HYPERVISOR_DEBUG: u32 = 0x0005_000d;
    pub const DRIVER_LOAD_POLICY: u32 = 0x0005_000e;
    pub const VSM_LAUNCH_TYPE: u32 = 0x0005_0012;
    pub const VSM_IDK_INFO: u32 = 0x0005_0020;
    pub const FLIGHTSIGNING: u32 = 0x0005_0021;
    pub const VSM_IDKS_INFO: u32 = 0x0005_0023;
    pub const AUTHORITYPUBKEY: u32 = 0x0006_0002;
    pub const FILEPATH: u32 = 0x0007_0001;
    pub const IMAGESIZE: u32 = 0x0007_0002;
    pub const HASHALGORITHMID: u32 = 0x0007_0003;
    pub const AUTHENTICODEHASH: u32 = 0x0007_0004;
    pub const IMAGEVALIDATED: u32 = 0x0007_000a;
    pub const MODULE_SVN: u32 = 0x0007_000b;
    pub const ELAM_KEYNAME: u32 = 0x0009_0001;
    pub const ELAM_MEASURED: u32 = 0x0009_0004;
    pub const VBS_VSM_REQUIRED: u32 = 0x000a_0001;
    pub const VBS_SECUREBOOT_REQUIRED: u32 = 0x000a_0002;
    pub const VBS_IOMMU_REQUIRED: u32 = 0x000a_0003;
    pub const VBS_MANDATORY_ENFORCEMENT: u32 = 0x000a_0006;
    pub const VBS_HVCI_POLICY: u32 = 0x000a_0007;
}

/// One tagged event: number, size, data.
#[must_use]
pub fn tagged(tag: u32, data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
    [tag.to_le_bytes().as_slice(), &size.to_le_bytes(), data].concat()
}

/// A tag whose value is one byte.
#[must_use]
pub fn flag(tag: u32, value: bool) -> Vec<u8> {
    tagged(tag, &[value.into()])
}

/// An event of tags, inside of a trust boundary. Windows writes only a SHA-256 digest of them, where
/// the log has that bank.
#[must_use]
pub fn trust_boundary(pcr: u32, tags: &[Vec<u8>]) -> LogEvent {
    LogEvent::new(pcr, event_type::EVENT_TAG, tagged(tag::TRUSTBOUNDARY, &tags.concat()))
}

/// A boot of Windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowsBoot {
    /// Form of the log.
    pub form: LogForm,
    /// Whether the log has digests of PCR 11 to 14 in the SHA-256 bank alone, as Windows writes them
    /// on some machines.
    pub only_sha256: bool,
    /// What the firmware says of Secure Boot.
    pub secure_boot: SecureBoot,
    /// How many boots the machine counts.
    pub boot_counter: u64,
    /// How often this boot was resumed from hibernation: then the boot loader resumes, and is not
    /// followed by the loader of the operating system.
    pub resumes: u64,
    /// The boot manager can be debugged.
    pub boot_debugging: bool,
    /// The kernel can be debugged.
    pub kernel_debugging: bool,
    /// The hypervisor can be debugged.
    pub hypervisor_debugging: bool,
    /// Code integrity is enforced.
    pub code_integrity: bool,
    /// Test signatures are accepted.
    pub test_signing: bool,
    /// Signatures of flights are accepted.
    pub flight_signing: bool,
    /// Safe mode.
    pub safe_mode: bool,
    /// The installer's Windows PE.
    pub win_pe: bool,
    /// Virtualisation-based security, with HVCI; none of its tags if absent.
    pub vbs: Option<Vbs>,
    /// BitLocker's unlock flags, one event each.
    pub bitlocker_unlock: Vec<u32>,
    /// The name of the early-launch antimalware driver.
    pub elam: Option<String>,
}

/// The tags of virtualisation-based security.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vbs {
    /// A virtual secure mode is required.
    pub vsm_required: bool,
    /// It is enforced even against the firmware's settings.
    pub mandatory: bool,
    /// An IOMMU is required.
    pub iommu_required: bool,
    /// Hypervisor-enforced code integrity.
    pub hvci: bool,
}

impl Default for WindowsBoot {
    fn default() -> Self {
        Self {
            form: LogForm::CryptoAgile(vec![Bank::Sha1, Bank::Sha256]),
            only_sha256: false,
            secure_boot: SecureBoot::On,
            boot_counter: 42,
            resumes: 0,
            boot_debugging: false,
            kernel_debugging: false,
            hypervisor_debugging: false,
            code_integrity: true,
            test_signing: false,
            flight_signing: false,
            safe_mode: false,
            win_pe: false,
            vbs: Some(Vbs {
                vsm_required: true,
                mandatory: true,
                iommu_required: true,
                hvci: true,
            }),
            bitlocker_unlock: vec![1, 4],
            elam: Some("Avouch Mint Defender".to_owned()),
        }
    }
}

/// The CA in `db` that the boot manager of Windows is signed by, DER: tests tell the verifier that
/// this is a CA of Windows.
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses.
pub fn windows_ca() -> Result<Vec<u8>, MintError> {
    Ok(secure_boot_keys()?.windows_ca)
}

/// The log of a boot, or of a resume, of Windows.
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses to make the keys of Secure Boot.
pub fn windows(boot: &WindowsBoot) -> Result<BootLog, MintError> {
    let keys = secure_boot_keys()?;
    let mut log = BootLog::new(boot.form.clone());
    firmware::until_boot(&mut log, boot.secure_boot, &keys);
    firmware::authority(&mut log, boot.secure_boot, &keys.windows_ca);
    let path = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi";
    log.push(LogEvent::application(path, b"boot manager of the mint"));
    let start_of_windows = log.events.len();
    boot_manager(&mut log, boot);
    if boot.resumes == 0 {
        loader(&mut log, boot);
    }
    hand_over(&mut log);
    if boot.only_sha256 {
        let of_windows = log.events.iter_mut().skip(start_of_windows);
        of_windows.for_each(|event| event.banks = Some(vec![Bank::Sha256]));
    }
    firmware::exit_boot_services(&mut log);
    Ok(log)
}

/// The resumes of a boot: its own log, then one for each resume from hibernation.
///
/// # Errors
/// As [`windows`].
pub fn resume_chain(boot: &WindowsBoot, resumes: u64) -> Result<Vec<BootLog>, MintError> {
    (0..=resumes).map(|resumes| windows(&WindowsBoot { resumes, ..boot.clone() })).collect()
}

fn boot_manager(log: &mut BootLog, boot: &WindowsBoot) {
    // Of each machine of the same boot counter, a resume counts one event more.
    let events = boot.boot_counter.saturating_mul(100).saturating_add(boot.resumes);
    log.push(trust_boundary(
        12,
        &[
            tagged(tag::BOOTCOUNTER, &boot.boot_counter.to_le_bytes()),
            tagged(tag::EVENTCOUNTER, &events.to_le_bytes()),
            flag(tag::BOOTDEBUGGING, boot.boot_debugging),
            tagged(tag::BOOT_REVOCATION_LIST, &revocation_list()),
            tagged(tag::APPLICATION_SVN, &7_u32.to_le_bytes()),
        ],
    ));
    for unlock in &boot.bitlocker_unlock {
        let unlock = tagged(tag::BITLOCKER_UNLOCK, &unlock.to_le_bytes());
        log.push(trust_boundary(12, &[unlock]));
    }
    // None, loader, resume: 1 and 2.
    let to: u32 = if boot.resumes == 0 { 1 } else { 2 };
    log.push(trust_boundary(12, &[tagged(tag::TRANSFER_CONTROL, &to.to_le_bytes())]));
}

fn loader(log: &mut BootLog, boot: &WindowsBoot) {
    let mut settings = vec![
        flag(tag::OSKERNELDEBUG, boot.kernel_debugging),
        flag(tag::CODEINTEGRITY, boot.code_integrity),
        flag(tag::TESTSIGNING, boot.test_signing),
        flag(tag::FLIGHTSIGNING, boot.flight_signing),
        tagged(tag::DATAEXECUTIONPREVENTION, &1_u64.to_le_bytes()),
        flag(tag::SAFEMODE, boot.safe_mode),
        flag(tag::WINPE, boot.win_pe),
        flag(tag::HYPERVISOR_DEBUG, boot.hypervisor_debugging),
        tagged(tag::DRIVER_LOAD_POLICY, &1_u32.to_le_bytes()),
    ];
    if let Some(vbs) = &boot.vbs {
        settings.extend([
            tagged(tag::HYPERVISOR_LAUNCH_TYPE, &1_u64.to_le_bytes()),
            tagged(tag::VSM_LAUNCH_TYPE, &1_u64.to_le_bytes()),
            flag(tag::VBS_VSM_REQUIRED, vbs.vsm_required),
            flag(tag::VBS_SECUREBOOT_REQUIRED, true),
            flag(tag::VBS_IOMMU_REQUIRED, vbs.iommu_required),
            flag(tag::VBS_MANDATORY_ENFORCEMENT, vbs.mandatory),
            tagged(tag::VBS_HVCI_POLICY, &u64::from(vbs.hvci).to_le_bytes()),
        ]);
    }
    log.push(trust_boundary(12, &settings));
    log.push(trust_boundary(13, &settings));
    for (path, svn) in [("winload.efi", 3_u32), ("ntoskrnl.exe", 5)] {
        log.push(trust_boundary(13, &[module(path, svn)]));
        let key = tagged(tag::AUTHORITYPUBKEY, &[0x30; 294]);
        log.push(trust_boundary(14, &[key]));
    }
    if let Some(elam) = &boot.elam {
        let name = tagged(tag::ELAM_KEYNAME, &uefi::utf16_nul(elam));
        let measured = tagged(tag::ELAM_MEASURED, &[0xe1; 32]);
        let driver = tagged(tag::ELAM_AGGREGATION, &[name, measured].concat());
        log.push(trust_boundary(12, &[driver]));
    }
}

/// A module that the loader loaded and validated.
fn module(file: &str, svn: u32) -> Vec<u8> {
    let path = uefi::utf16_nul(&format!("\\Windows\\System32\\{file}"));
    let hash = Bank::Sha256.digest(&[file.as_bytes()]);
    let parts = [
        tagged(tag::FILEPATH, &path),
        tagged(tag::IMAGESIZE, &0x0010_0000_u64.to_le_bytes()),
        tagged(tag::HASHALGORITHMID, &0x800c_u32.to_le_bytes()),
        tagged(tag::AUTHENTICODEHASH, &hash),
        flag(tag::IMAGEVALIDATED, true),
        tagged(tag::MODULE_SVN, &svn.to_le_bytes()),
    ];
    tagged(tag::LOADEDMODULE_AGGREGATION, &parts.concat())
}

/// Creation time, length and algorithm of a digest, and the digest.
fn revocation_list() -> Vec<u8> {
    let created = 0x01da_0000_0000_0000_u64.to_le_bytes();
    [created.as_slice(), &32_u32.to_le_bytes(), &0x0b_u16.to_le_bytes(), &[0xb1; 32]].concat()
}

/// BitLocker closes PCR 11, the operating system takes over PCR 12 to 14.
fn hand_over(log: &mut BootLog) {
    for access in [[0x10, 0, 0, 0], [0xff, 0xff, 0, 0]] {
        log.push(LogEvent::new(11, event_type::COMPACT_HASH, access));
    }
    for pcr in [12, 13, 14] {
        log.push(LogEvent::new(pcr, event_type::SEPARATOR, *b"WBCL"));
    }
}
