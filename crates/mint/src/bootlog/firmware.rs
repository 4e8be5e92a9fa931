//! What UEFI firmware measures on every boot, and the keys of Secure Boot.

use avouch_wire::UnixTime;

use super::{BootLog, LogEvent, LogForm, event_type, uefi};
use crate::{
    MintError, Seed,
    x509::{Certificate, Curve, KeyLabel, KeyUsage, SignatureFault},
};

/// What the firmware says of Secure Boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SecureBoot {
    /// The variable is 01, and keys are enrolled.
    #[default]
    On,
    /// The variable is 00, and keys are enrolled.
    Off,
    /// All variables are empty, as in firmware without keys.
    NoKeys,
    /// Nothing is measured of it.
    Absent,
}

/// The certificates of a machine's Secure Boot, DER. Equal in every log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecureBootKeys {
    /// The platform key.
    pub platform_key: Vec<u8>,
    /// The key exchange key.
    pub key_exchange_key: Vec<u8>,
    /// In `db`: the CA of boot managers of Windows.
    pub windows_ca: Vec<u8>,
    /// In `db`: the CA of other loaders, such as shim.
    pub third_party_ca: Vec<u8>,
    /// In shim: the CA of the distribution's kernels. In no variable.
    pub shim_vendor: Vec<u8>,
}

/// The certificates of every minted machine's Secure Boot.
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses.
pub fn secure_boot_keys() -> Result<SecureBootKeys, MintError> {
    Ok(SecureBootKeys {
        platform_key: certificate("Avouch Mint Platform Key", "uefi platform key")?,
        key_exchange_key: certificate("Avouch Mint KEK", "uefi key exchange key")?,
        windows_ca: certificate("Avouch Mint Windows CA", "uefi windows CA key")?,
        third_party_ca: certificate("Avouch Mint UEFI CA", "uefi third-party CA key")?,
        shim_vendor: certificate("Avouch Mint Shim Vendor", "uefi shim vendor key")?,
    })
}

/// A self-signed certificate whose bytes are the same each time. Firmware compares such certificates
/// and checks no signature on them, so this one carries none that holds.
fn certificate(name: &'static str, key: KeyLabel) -> Result<Vec<u8>, MintError> {
    let day =
        |seconds| UnixTime::from_seconds(seconds).map_err(|_| MintError::Crypto("making dates"));
    let certificate = Certificate {
        subject: name,
        issuer: name,
        key,
        curve: Curve::P256,
        signer: key,
        serial: vec![1],
        not_before: day(1_300_000_000)?,
        not_after: day(2_200_000_000)?,
        is_ca: true,
        path_length: None,
        key_usage: KeyUsage::Ca,
        extensions: Vec::new(),
        signature: SignatureFault::Zero,
    };
    certificate.der(&Seed::from_number(0))
}

/// Until the boot option is chosen: the firmware itself, the variables of Secure Boot, and the boot
/// variables.
pub(super) fn until_boot(log: &mut BootLog, state: SecureBoot, keys: &SecureBootKeys) {
    let of_domain = log.form == LogForm::Ccel;
    if of_domain {
        let hob = LogEvent::new(1, event_type::EFI_HANDOFF_TABLES2, *b"\x07TDX HOB\0");
        log.push(hob.measuring(*b"hand-off blocks of the mint"));
        let volume = uefi::firmware_blob("Configuration FV", 0xffc0_0000, 0x8_4000);
        let volume = LogEvent::new(1, event_type::EFI_PLATFORM_FIRMWARE_BLOB2, volume);
        log.push(volume.measuring(*b"configuration volume of the mint"));
    } else {
        let version = uefi::utf16_nul("avouch-mint 1");
        log.push(LogEvent::new(0, event_type::S_CRTM_VERSION, version));
        let blob = uefi::firmware_blob("PEIFV", 0x0082_0000, 0xe_0000);
        let blob = LogEvent::new(0, event_type::EFI_PLATFORM_FIRMWARE_BLOB2, blob);
        log.push(blob.measuring(*b"firmware volume of the mint"));
    }
    variables(log, state, keys);
    log.push(LogEvent::separator(7));
    log.push(LogEvent::boot_variable("BootOrder", &[0, 0]));
    let option = [&[1, 0, 0, 0, 4, 0], &*uefi::utf16_nul("avouch"), &[0x7f, 0xff, 4, 0]].concat();
    log.push(LogEvent::boot_variable("Boot0000", &option));
    log.push(LogEvent::efi_action(4, "Calling EFI Application from Boot Option"));
    // In a trust domain, registers of several PCRs are one.
    for pcr in if of_domain { 4..5 } else { 0..7 } {
        log.push(LogEvent::separator(pcr));
    }
    log.push(LogEvent::partition_table());
}

/// The five variables of Secure Boot.
pub(super) fn variables(log: &mut BootLog, state: SecureBoot, keys: &SecureBootKeys) {
    let list = |content: &[u8]| uefi::signature_list(uefi::CERT_X509, content);
    let (flag, enrolled): (&[u8], bool) = match state {
        SecureBoot::On => (&[1], true),
        SecureBoot::Off => (&[0], true),
        SecureBoot::NoKeys => (&[], false),
        SecureBoot::Absent => return,
    };
    let of = |value: Vec<u8>| if enrolled { value } else { Vec::new() };
    let db = of([list(&keys.windows_ca), list(&keys.third_party_ca)].concat());
    let dbx = of(uefi::signature_list(uefi::CERT_SHA256, &[0xdb; 32]));
    for (vendor, name, value) in [
        (uefi::GLOBAL, "SecureBoot", flag.to_vec()),
        (uefi::GLOBAL, "PK", of(list(&keys.platform_key))),
        (uefi::GLOBAL, "KEK", of(list(&keys.key_exchange_key))),
        (uefi::IMAGE_SECURITY, "db", db),
        (uefi::IMAGE_SECURITY, "dbx", dbx),
    ] {
        log.push(LogEvent::driver_config(vendor, name, &value));
    }
}

/// Adds the entry of `db` that let the boot loader run, if images are checked at all.
pub(super) fn authority(log: &mut BootLog, state: SecureBoot, certificate: &[u8]) {
    if state == SecureBoot::On {
        let entry = uefi::signature(certificate);
        log.push(LogEvent::authority(uefi::IMAGE_SECURITY, "db", &entry));
    }
}

/// The firmware hands over to the kernel.
pub(super) fn exit_boot_services(log: &mut BootLog) {
    for text in ["Exit Boot Services Invocation", "Exit Boot Services Returned with Success"] {
        log.push(LogEvent::efi_action(5, text));
    }
}
