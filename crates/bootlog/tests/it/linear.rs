//! Readers of foreign bytes at their worst: twice the input takes twice the instructions.

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::json::{BootReport, Events, pcrs};
use avouch_bootlog::replay::{judge, values};
use avouch_bootlog::tcg::Log;
use avouch_linear::{Shape, check};
use avouch_mint::bootlog::{Bank, BootLog, Ground, LogEvent, LogForm, event_type, uefi};

use crate::support::TPM;

/// The size at which readers are measured: a quarter of the longest log.
const BYTES_MAX: usize = 1 << 20;

/// All that is done with a log, as if a quote had proved what it replays to.
fn read(input: &[u8]) {
    let Ok(log) = Log::parse(input, TPM) else { return };
    let proven = values(&log);
    let judged = judge(&log, &proven);
    for bank in judged.banks() {
        let facts = BootFacts::read_in(bank);
        if let Ok(events) = Events::of(bank, &facts, |_| None) {
            drop(events.to_json());
        }
        drop(serde_json::to_string(&BootReport::from(&facts)));
    }
    drop(pcrs(&proven));
}

/// A log of about so many bytes, in one bank: the firmware's variables, then `event` again and again.
fn repeated(bytes: usize, event: impl Fn(usize) -> LogEvent) -> Vec<u8> {
    let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
    let mut size = 0;
    for number in 0.. {
        let event = event(number);
        size += event.data.len() + 50;
        if size > bytes {
            break;
        }
        log.push(event);
    }
    log.to_bytes().unwrap()
}

/// Secure boot with as many entries in `db` as fill half of the bytes, and as many authorities, each
/// one of them, as fill the rest.
fn authorities(bytes: usize) -> Vec<u8> {
    let entry = |number: usize| {
        let mut content = vec![0x77; 48];
        content.extend(number.to_be_bytes());
        content
    };
    let count = bytes / 2 / 100;
    let of_list = |content: Vec<u8>| uefi::signature_list(uefi::CERT_X509, &content);
    let db: Vec<u8> = (0..count).flat_map(|number| of_list(entry(number))).collect();
    let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
    let one = of_list(vec![1; 32]);
    for (vendor, name, value) in [
        (uefi::GLOBAL, "SecureBoot", &[1][..]),
        (uefi::GLOBAL, "PK", &one),
        (uefi::GLOBAL, "KEK", &one),
        (uefi::IMAGE_SECURITY, "db", &db),
        (uefi::IMAGE_SECURITY, "dbx", &[]),
    ] {
        log.push(LogEvent::driver_config(vendor, name, value));
    }
    log.push(LogEvent::separator(7));
    for number in 0..bytes / 2 / 200 {
        let value = uefi::signature(&entry(count.saturating_sub(number + 1)));
        log.push(LogEvent::authority(uefi::IMAGE_SECURITY, "db", &value));
    }
    log.to_bytes().unwrap()
}

/// Databases of as many entries of one byte as fit.
fn smallest_entries(bytes: usize) -> Vec<u8> {
    let count = u32::try_from(bytes / 2 / 17 - 64).unwrap();
    let mut list = uefi::CERT_X509.to_vec();
    list.extend((28 + count * 17).to_le_bytes());
    list.extend(0_u32.to_le_bytes());
    list.extend(17_u32.to_le_bytes());
    list.extend((0..count).flat_map(|number| [number.to_le_bytes()[0]; 17]));
    let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
    let one = uefi::signature_list(uefi::CERT_X509, &[1]);
    for (vendor, name, value) in [
        (uefi::GLOBAL, "SecureBoot", &[1][..]),
        (uefi::GLOBAL, "PK", &one),
        (uefi::GLOBAL, "KEK", &one),
        (uefi::IMAGE_SECURITY, "db", &list),
        (uefi::IMAGE_SECURITY, "dbx", &list),
    ] {
        log.push(LogEvent::driver_config(vendor, name, value));
    }
    log.push(LogEvent::separator(7));
    for number in 0..100_u8 {
        log.push(LogEvent::authority(uefi::IMAGE_SECURITY, "db", &[number; 17]));
    }
    log.to_bytes().unwrap()
}

/// Runs of zeros that could each be the fill at the end.
fn zeros(bytes: usize) -> Vec<u8> {
    let mut events = Vec::new();
    while events.len() < bytes {
        events.extend([0; 28]);
        events.extend(64_u32.to_le_bytes());
        events.extend([0; 64]);
    }
    events.push(1);
    events
}

/// A partition table of as many partitions as there is room for.
fn partitions(bytes: usize) -> Vec<u8> {
    let mut table = uefi::partition_table();
    let count = bytes / 128;
    table.truncate(92);
    table.extend(count.to_le_bytes());
    table.resize(100 + count * 128, b'a');
    let table = LogEvent::new(5, event_type::EFI_GPT_EVENT, table);
    repeated(bytes * 2, |number| if number == 0 { table.clone() } else { LogEvent::separator(4) })
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "genuine",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            let events = Ground::Linux.log().unwrap().events;
            repeated(bytes, |number| events[number % events.len()].clone())
        },
        read,
    },
    Shape { name: "authorities", bytes_max: BYTES_MAX, make: authorities, read },
    Shape { name: "zeros", bytes_max: BYTES_MAX, make: zeros, read },
    Shape { name: "partitions", bytes_max: BYTES_MAX / 2, make: partitions, read },
    Shape {
        name: "smallest-events",
        bytes_max: BYTES_MAX / 2,
        make: |bytes| {
            repeated(bytes, |number| {
                LogEvent::new(u32::try_from(number % 24).unwrap(), event_type::IPL, [])
            })
        },
        read,
    },
    Shape {
        name: "retyped-images",
        bytes_max: BYTES_MAX,
        make: |bytes| repeated(bytes, |_| LogEvent::new(4, event_type::UNUSED, [7; 40])),
        read,
    },
    Shape {
        name: "commands",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            repeated(bytes, |number| match number % 2 {
                0 => LogEvent::grub_command("linux /a \"\\\\b c\""),
                _ => LogEvent::kernel_command_line("/a \"\\\\b c\""),
            })
        },
        read,
    },
    Shape {
        name: "one-command",
        bytes_max: BYTES_MAX / 2,
        make: |bytes| {
            let text = "\"".repeat(bytes / 3);
            repeated(bytes, |number| match number {
                0 => LogEvent::grub_command(&format!("linux {text}")),
                _ => LogEvent::kernel_command_line(&text),
            })
        },
        read,
    },
    Shape {
        name: "old-shim",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            let mut data = uefi::variable(uefi::SHIM, "Shim", &[7; 400]);
            data.extend([0, 0, 0, 0, 0, 0xaf]);
            repeated(bytes, |_| {
                LogEvent::new(7, event_type::EFI_VARIABLE_AUTHORITY, data.clone()).measuring([1])
            })
        },
        read,
    },
    Shape { name: "smallest-entries", bytes_max: BYTES_MAX, make: smallest_entries, read },
    Shape {
        name: "all-registers-by-turns",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            repeated(bytes, |number| {
                let data = uefi::variable(uefi::GLOBAL, "Boot0000", &[7; 40]);
                LogEvent::new(
                    u32::try_from(number % 7).unwrap(),
                    event_type::EFI_VARIABLE_BOOT,
                    data,
                )
            })
        },
        read,
    },
    Shape {
        name: "lines-of-systemd",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            repeated(bytes, |_| {
                LogEvent::new(12, event_type::IPL, uefi::utf16_nul("root=UUID=1 quiet"))
            })
        },
        read,
    },
    Shape {
        name: "long-name-of-a-variable",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            let data = uefi::variable(uefi::GLOBAL, &"n".repeat(bytes / 2 - 200), &[]);
            repeated(bytes, |number| match number {
                0 => LogEvent::new(7, event_type::EFI_VARIABLE_DRIVER_CONFIG, data.clone()),
                _ => LogEvent::separator(4),
            })
        },
        read,
    },
    Shape {
        name: "localities",
        bytes_max: BYTES_MAX,
        make: |bytes| repeated(bytes, |_| LogEvent::new(0, event_type::NO_ACTION, *b"StartupLoc")),
        read,
    },
];

#[test]
fn doubling_a_log_doubles_its_cost() {
    check("linear::doubling_a_log_doubles_its_cost", SHAPES);
}
