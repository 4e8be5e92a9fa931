//! The table of breaks.

use super::super::windows::{flag, tag, tagged, trust_boundary};
use super::super::{
    Bank, BootLog, LogEvent, LogForm, Measured, SecureBoot, event_type, firmware, secure_boot_keys,
    uefi,
};
use super::{Ground, LogBreak, Notices, Recipe, Row};

/// All of them.
pub(super) const ALL: &[&[Row]] = &[STRUCTURE, REPLAY, SECURE_BOOT, PROGRAMS, WINDOWS, CCEL];

/// Somebody changed the log alone.
const fn log_only(
    name: &'static str,
    what: &'static str,
    ground: Ground,
    notices: Notices,
    apply: fn(&mut BootLog),
) -> Row {
    (LogBreak { name, what, ground, notices }, Recipe { apply, extended: false })
}

/// The registers were extended by what the log says, as root or a program before the kernel can.
const fn extended(
    name: &'static str,
    what: &'static str,
    ground: Ground,
    notices: Notices,
    apply: fn(&mut BootLog),
) -> Row {
    (LogBreak { name, what, ground, notices }, Recipe { apply, extended: true })
}

const STRUCTURE: &[Row] = &[
    log_only(
        "cut",
        "the last event is cut short",
        Ground::Linux,
        Notices::Refused("log-structure"),
        |log| log.cut_bytes = 7,
    ),
    log_only(
        "rest-behind-fill",
        "other bytes stand behind the fill",
        Ground::Linux,
        Notices::Refused("log-register"),
        |log| log.fill = [vec![0xff; 64], vec![1]].concat(),
    ),
    log_only(
        "register-24",
        "an event extends a register that no TPM has",
        Ground::Linux,
        Notices::Refused("log-register"),
        |log| log.events.push(LogEvent::efi_action(24, "nothing")),
    ),
    log_only(
        "digest-twice",
        "an event has two digests of one algorithm",
        Ground::Linux,
        Notices::Refused("log-digests"),
        |log| last(log, |event| event.banks = Some(vec![Bank::Sha256, Bank::Sha256])),
    ),
    log_only(
        "digest-not-announced",
        "an event has a digest of an algorithm that the header does not name",
        Ground::Linux,
        Notices::Refused("log-digests"),
        |log| last(log, |event| event.banks = Some(vec![Bank::Sha256, Bank::Sha512])),
    ),
    log_only(
        "no-digest",
        "an event extends a register and has no digest",
        Ground::Linux,
        Notices::Refused("log-digests"),
        |log| last(log, |event| event.banks = Some(Vec::new())),
    ),
    log_only(
        "locality-5",
        "the log says that the TPM was started at a locality that no TPM starts at",
        Ground::Linux,
        Notices::Refused("log-locality"),
        |log| log.events.insert(0, LogEvent::startup_locality(5)),
    ),
    log_only(
        "locality-twice",
        "the log says twice at which locality the TPM was started",
        Ground::Linux,
        Notices::Refused("log-locality"),
        |log| {
            log.events.insert(0, LogEvent::startup_locality(0));
            log.events.insert(0, LogEvent::startup_locality(0));
        },
    ),
];

const REPLAY: &[Row] = &[
    log_only(
        "last-event-missing",
        "the last event is left out",
        Ground::Linux,
        Notices::Unexplained(5),
        |log| {
            log.events.pop();
        },
    ),
    log_only(
        "pcr7-missing",
        "all events of PCR 7 are left out",
        Ground::Linux,
        Notices::Unexplained(7),
        |log| log.events.retain(|event| event.register != 7),
    ),
    log_only(
        "locality-3-invented",
        "the log says that the TPM was started at locality 3; it was started at 0",
        Ground::Linux,
        Notices::Unexplained(0),
        |log| log.events.insert(0, LogEvent::startup_locality(3)),
    ),
    log_only(
        "swapped",
        "two events of PCR 7 changed places",
        Ground::Linux,
        Notices::Unexplained(7),
        |log| swap(log, "KEK", "db"),
    ),
    log_only(
        "doubled",
        "an event stands twice in the log and extended once",
        Ground::Linux,
        Notices::Unexplained(7),
        |log| {
            let event = log.events.iter().find(|event| is_variable(event, "SecureBoot")).cloned();
            log.events.extend(event);
        },
    ),
    log_only(
        "retyped-no-action",
        "SecureBoot is retyped as an event that extends nothing",
        Ground::LinuxOff,
        Notices::Unexplained(7),
        |log| change(log, "SecureBoot", |event| event.event_type = event_type::NO_ACTION),
    ),
];

const SECURE_BOOT: &[Row] = &[
    log_only(
        "secureboot-edited",
        "SecureBoot is 01 in the log and 00 in its digest",
        Ground::LinuxOff,
        Notices::SecureBoot,
        |log| change(log, "SecureBoot", |event| event.edit_data(|data| set_last(data))),
    ),
    log_only(
        "secureboot-in-no-action",
        "a SecureBoot of 01 stands in an event that extends nothing",
        Ground::LinuxOff,
        Notices::SecureBoot,
        |log| {
            let mut event = LogEvent::driver_config(uefi::GLOBAL, "SecureBoot", &[1]);
            event.event_type = event_type::NO_ACTION;
            log.events.insert(0, event);
        },
    ),
    extended(
        "retyped-then-appended",
        "the variables are retyped, and those of a machine with Secure Boot on come after them",
        Ground::LinuxOff,
        Notices::SecureBoot,
        |log| {
            retype(log, event_type::UNUSED);
            append_on(log);
        },
    ),
    extended(
        "retyped-authority-then-appended",
        "the variables are retyped as authorities and the separator as an action, then those of a \
         machine with Secure Boot on follow: every digest is right and every type is allowed",
        Ground::LinuxOff,
        Notices::SecureBoot,
        |log| {
            for event in log.events.iter_mut().filter(|event| event.register == 7) {
                event.event_type = match event.event_type {
                    event_type::SEPARATOR => event_type::EFI_ACTION,
                    _ => event_type::EFI_VARIABLE_AUTHORITY,
                };
            }
            append_on(log);
        },
    ),
    extended(
        "second-secureboot",
        "a second SecureBoot of 01 follows",
        Ground::LinuxOff,
        Notices::SecureBoot,
        |log| log.push(LogEvent::driver_config(uefi::GLOBAL, "SecureBoot", &[1])),
    ),
    extended(
        "secureboot-foreign-vendor",
        "SecureBoot has the GUID of another vendor",
        Ground::Linux,
        Notices::SecureBoot,
        |log| {
            change(log, "SecureBoot", |event| {
                event.data = uefi::variable(uefi::OWNER, "SecureBoot", &[1]);
            });
        },
    ),
    extended(
        "secureboot-value-measured",
        "the digest of SecureBoot is of its value alone",
        Ground::Linux,
        Notices::SecureBoot,
        |log| {
            change(log, "SecureBoot", |event| event.measured = Measured::Bytes(vec![1]));
        },
    ),
    extended(
        "secureboot-two-bytes",
        "SecureBoot has two bytes",
        Ground::Linux,
        Notices::SecureBoot,
        |log| {
            change(log, "SecureBoot", |event| {
                event.data = uefi::variable(uefi::GLOBAL, "SecureBoot", &[1, 0]);
            });
        },
    ),
    extended(
        "sha1-matches-alone",
        "the SHA-1 digest is of a SecureBoot of 01, the others of 00",
        Ground::LinuxOff,
        Notices::SecureBoot,
        |log| {
            change(log, "SecureBoot", |event| {
                let off = event.data.clone();
                set_last(&mut event.data);
                let banks = [Bank::Sha256, Bank::Sha384];
                event.measured = Measured::PerBank(banks.map(|bank| (bank, off.clone())).to_vec());
            });
        },
    ),
    extended(
        "two-separators",
        "a second separator ends PCR 7's phase",
        Ground::Linux,
        Notices::SecureBoot,
        |log| log.push(LogEvent::separator(7)),
    ),
    extended(
        "separator-of-an-error",
        "the separator says that the firmware failed",
        Ground::Linux,
        Notices::SecureBoot,
        |log| {
            for event in log.events.iter_mut().filter(|event| event.register == 7) {
                if event.event_type == event_type::SEPARATOR {
                    event.data = vec![0xff; 4];
                }
            }
        },
    ),
    extended(
        "variables-out-of-order",
        "db is measured before KEK",
        Ground::Linux,
        Notices::SecureBoot,
        |log| swap(log, "KEK", "db"),
    ),
    extended(
        "no-platform-key",
        "SecureBoot is 01 and there is no platform key",
        Ground::Linux,
        Notices::SecureBoot,
        |log| {
            change(log, "PK", |event| event.data = uefi::variable(uefi::GLOBAL, "PK", &[]));
        },
    ),
    extended(
        "authority-not-in-db",
        "the boot loader was let run by a certificate that db does not have",
        Ground::Linux,
        Notices::SecureBoot,
        |log| {
            for event in log.events.iter_mut().filter(|event| is_authority(event, "db")) {
                let entry = uefi::signature(b"a certificate of somebody");
                event.data = uefi::variable(uefi::IMAGE_SECURITY, "db", &entry);
            }
        },
    ),
    extended(
        "debug-mode",
        "the firmware is in debug mode",
        Ground::Linux,
        Notices::SecureBoot,
        |log| log.events.insert(2, LogEvent::efi_action(7, "UEFI Debug Mode")),
    ),
    extended(
        "mok-retyped",
        "MokSBState, which shim measured, is retyped as an action",
        Ground::LinuxInsecure,
        Notices::SecureBoot,
        |log| {
            for event in log.events.iter_mut().filter(|event| is_authority(event, "MokSBState")) {
                event.event_type = event_type::EFI_ACTION;
            }
        },
    ),
    extended(
        "mok-taken-back",
        "a MokSBState of 00 follows one of 01",
        Ground::LinuxInsecure,
        Notices::SecureBoot,
        |log| log.push(LogEvent::authority(uefi::SHIM, "MokSBState", &[0])),
    ),
];

const PROGRAMS: &[Row] = &[
    log_only(
        "command-line-edited",
        "the kernel's command line is another than its digest",
        Ground::Linux,
        Notices::CommandLine,
        |log| {
            for event in log.events.iter_mut().filter(|event| is_command_line(event)) {
                event.edit_data(|data| *data = b"kernel_cmdline: /boot/vmlinuz quiet\0".to_vec());
            }
        },
    ),
    extended(
        "command-line-retyped",
        "the kernel's command line is retyped as an action, and another one follows",
        Ground::Linux,
        Notices::CommandLine,
        |log| {
            for event in log.events.iter_mut().filter(|event| is_command_line(event)) {
                event.event_type = event_type::EFI_ACTION;
            }
            log.push(LogEvent::kernel_command_line("/boot/vmlinuz quiet"));
        },
    ),
    extended(
        "program-retyped",
        "a program is retyped as a part of the firmware",
        Ground::Linux,
        Notices::Programs,
        |log| {
            let is =
                |event: &LogEvent| event.event_type == event_type::EFI_BOOT_SERVICES_APPLICATION;
            if let Some(event) = log.find(is) {
                event.event_type = event_type::EFI_PLATFORM_FIRMWARE_BLOB;
            }
        },
    ),
];

const WINDOWS: &[Row] = &[
    log_only(
        "test-signing-edited",
        "that test signatures are refused stands in the log and not in its digest",
        Ground::Windows,
        Notices::Windows,
        |log| {
            let refused = flag(tag::TESTSIGNING, false);
            let accepted = flag(tag::TESTSIGNING, true);
            for event in &mut log.events {
                let genuine = replaced(&event.data, &refused, &accepted);
                if genuine != event.data {
                    event.edit_data(|data| *data = genuine);
                }
            }
        },
    ),
    extended(
        "tags-retyped",
        "a container of tags is retyped, so that it is overlooked",
        Ground::Windows,
        Notices::Windows,
        |log| {
            let is = |event: &LogEvent| event.event_type == event_type::EVENT_TAG;
            if let Some(event) = log.find(is) {
                event.event_type = event_type::IPL;
            }
        },
    ),
    extended(
        "tag-runs-over",
        "a tag is longer than its container",
        Ground::Windows,
        Notices::Windows,
        |log| {
            let mut tags = flag(tag::TESTSIGNING, false);
            set_size(&mut tags, 200);
            insert_tags(log, &[tags]);
        },
    ),
    extended(
        "tags-deep",
        "containers stand within containers, sixteen deep",
        Ground::Windows,
        Notices::Windows,
        |log| {
            let mut tags = flag(tag::TESTSIGNING, false);
            for _ in 0..16 {
                tags = tagged(tag::TRUSTBOUNDARY, &tags);
            }
            insert_tags(log, &[tags]);
        },
    ),
    extended(
        "under-linux",
        "tags of a Windows that never ran were extended under Linux",
        Ground::Linux,
        Notices::Windows,
        |log| {
            let genuine = Ground::Windows.log().map(|log| log.events).unwrap_or_default();
            log.events
                .extend(genuine.into_iter().filter(|event| (11..15).contains(&event.register)));
        },
    ),
    extended(
        "two-ends",
        "the operating system takes over twice",
        Ground::Windows,
        Notices::Windows,
        |log| log.push(LogEvent::new(12, event_type::SEPARATOR, *b"WBCL")),
    ),
];

const CCEL: &[Row] = &[
    log_only(
        "ccel-cut",
        "the last event of a trust domain's log is cut short",
        Ground::TrustDomain,
        Notices::Refused("log-structure"),
        |log| {
            log.cut_bytes = 7;
            log.fill.clear();
        },
    ),
    log_only(
        "ccel-mrtd",
        "register numbers are one too low, so that events extend MRTD",
        Ground::TrustDomain,
        Notices::Refused("ccel-mrtd"),
        |log| {
            for event in &mut log.events {
                event.register = event.register.saturating_sub(1);
            }
        },
    ),
    log_only(
        "ccel-pcr-numbers",
        "register numbers are those of PCRs",
        Ground::TrustDomain,
        Notices::Refused("log-register"),
        |log| {
            for event in &mut log.events {
                event.register =
                    [0, 7, 4, 9, 14].get(event.register as usize).copied().unwrap_or(0);
            }
        },
    ),
    log_only(
        "ccel-no-digest",
        "a SecureBoot of 01 without any digest",
        Ground::TrustDomainOff,
        Notices::Refused("log-digests"),
        |log| {
            let mut event = LogEvent::driver_config(uefi::GLOBAL, "SecureBoot", &[1]);
            event.banks = Some(Vec::new());
            log.push(event);
        },
    ),
    log_only(
        "ccel-sha256",
        "a trust domain's log has SHA-256 digests alone",
        Ground::TrustDomain,
        Notices::Refused("ccel-algorithm"),
        |log| {
            log.form = LogForm::CryptoAgile(vec![Bank::Sha256]);
        },
    ),
    log_only(
        "ccel-rest-behind-fill",
        "other bytes stand behind the fill of a trust domain's log",
        Ground::TrustDomain,
        Notices::Refused("log-register"),
        |log| log.fill.push(1),
    ),
    log_only(
        "ccel-last-event-missing",
        "the last event of a trust domain's log is left out",
        Ground::TrustDomain,
        Notices::Unexplained(2),
        |log| {
            log.events.pop();
        },
    ),
    log_only(
        "ccel-secureboot-edited",
        "SecureBoot is 01 in a trust domain's log and 00 in its digest",
        Ground::TrustDomainOff,
        Notices::SecureBoot,
        |log| change(log, "SecureBoot", |event| event.edit_data(|data| set_last(data))),
    ),
    log_only(
        "ccel-secureboot-in-no-action",
        "a SecureBoot of 01 stands in an event of a trust domain's log that extends nothing",
        Ground::TrustDomainOff,
        Notices::SecureBoot,
        |log| {
            let mut event = LogEvent::driver_config(uefi::GLOBAL, "SecureBoot", &[1]);
            event.event_type = event_type::NO_ACTION;
            event.register = 1;
            log.events.insert(0, event);
        },
    ),
    extended(
        "ccel-second-secureboot",
        "a second SecureBoot of 01 extends RTMR0",
        Ground::TrustDomainOff,
        Notices::SecureBoot,
        |log| log.push(LogEvent::driver_config(uefi::GLOBAL, "SecureBoot", &[1])),
    ),
    extended(
        "ccel-secureboot-elsewhere",
        "the variables of a machine with Secure Boot on extend RTMR2, where no firmware measures them",
        Ground::TrustDomainOff,
        Notices::SecureBoot,
        |log| {
            let before = log.events.len();
            append_on(log);
            log.events.iter_mut().skip(before).for_each(|event| event.register = 3);
        },
    ),
    extended(
        "ccel-mok-taken-back",
        "a MokSBState of 00 follows one of 01 in a trust domain's log",
        Ground::TrustDomainInsecure,
        Notices::SecureBoot,
        |log| log.push(LogEvent::authority(uefi::SHIM, "MokSBState", &[0])),
    ),
    log_only(
        "ccel-command-line-edited",
        "the kernel's command line in a trust domain's log is another than its digest",
        Ground::TrustDomain,
        Notices::CommandLine,
        |log| {
            for event in log.events.iter_mut().filter(|event| is_command_line(event)) {
                event.edit_data(|data| *data = b"kernel_cmdline: /boot/vmlinuz quiet\0".to_vec());
            }
        },
    ),
];

fn is_named(event: &LogEvent, event_type: u32, name: &str) -> bool {
    let start = 32_usize;
    let name = uefi::utf16(name);
    let found = event.data.get(start..).and_then(|rest| rest.get(..name.len()));
    let units = (name.len() / 2) as u64;
    event.event_type == event_type
        && event.data.get(16..24) == Some(units.to_le_bytes().as_slice())
        && found == Some(name.as_slice())
}

fn is_variable(event: &LogEvent, name: &str) -> bool {
    is_named(event, event_type::EFI_VARIABLE_DRIVER_CONFIG, name)
}

fn is_authority(event: &LogEvent, name: &str) -> bool {
    is_named(event, event_type::EFI_VARIABLE_AUTHORITY, name)
}

fn is_command_line(event: &LogEvent) -> bool {
    event.data.starts_with(b"kernel_cmdline: ")
}

/// Changes the variable of this name.
fn change(log: &mut BootLog, name: &str, change: impl FnOnce(&mut LogEvent)) {
    if let Some(event) = log.find(|event| is_variable(event, name)) {
        change(event);
    }
}

fn last(log: &mut BootLog, change: impl FnOnce(&mut LogEvent)) {
    if let Some(event) = log.events.last_mut() {
        change(event);
    }
}

/// Two variables change places.
fn swap(log: &mut BootLog, one: &str, other: &str) {
    let place = |name| log.events.iter().position(|event| is_variable(event, name));
    if let (Some(one), Some(other)) = (place(one), place(other)) {
        log.events.swap(one, other);
    }
}

/// Retypes everything in PCR 7.
fn retype(log: &mut BootLog, event_type: u32) {
    for event in log.events.iter_mut().filter(|event| event.register == 7) {
        event.event_type = event_type;
    }
}

/// Adds what a machine with Secure Boot on measures into PCR 7.
fn append_on(log: &mut BootLog) {
    let Ok(keys) = secure_boot_keys() else { return };
    firmware::variables(log, SecureBoot::On, &keys);
    log.push(LogEvent::separator(7));
    firmware::authority(log, SecureBoot::On, &keys.third_party_ca);
}

/// The last byte becomes 1: the value of a variable of one byte.
fn set_last(data: &mut [u8]) {
    if let Some(last) = data.last_mut() {
        *last = 1;
    }
}

/// Writes another size into a tag.
fn set_size(tag: &mut [u8], size: u32) {
    for (to, from) in tag.iter_mut().skip(4).zip(size.to_le_bytes()) {
        *to = from;
    }
}

/// Adds a container of tags to those of the boot manager.
fn insert_tags(log: &mut BootLog, tags: &[Vec<u8>]) {
    let first = log.events.iter().position(|event| event.register == 12);
    log.events.insert(first.unwrap_or_default(), trust_boundary(12, tags));
}

/// `bytes` with the first `from` replaced by `to`, which is as long.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|part| part == from);
    let mut bytes = bytes.to_vec();
    if let Some(at) = at {
        bytes.iter_mut().skip(at).zip(to).for_each(|(old, new)| *old = *new);
    }
    bytes
}
