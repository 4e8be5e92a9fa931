//! Logs of TPMs.

use avouch_bootlog::RegisterMap;
use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::json::{EVENTS_BYTES_MAX, Events, EventsRefused};
use avouch_bootlog::replay::{judge, values};
use avouch_bootlog::tcg::{EVENT_LIMIT, Log};
use avouch_mint::bootlog::{Bank, BootLog, Ground, LogEvent, LogForm, event_type, uefi};

use super::{alone, check, peak};

/// All facts of all banks, as if a quote had proved what the log replays to.
fn read(input: &[u8]) {
    let log = Log::parse(input, RegisterMap::Tpm).unwrap();
    let proven = values(&log);
    let judged = judge(&log, &proven);
    let facts: Vec<_> = judged.banks().iter().map(BootFacts::read_in).collect();
    assert_eq!(facts.len(), judged.banks().len());
}

/// A log in one bank, full of an event.
fn full_of(event: impl Fn(usize) -> LogEvent) -> BootLog {
    let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
    for number in 0..10_000 {
        log.push(event(number));
    }
    log
}

/// The variables of firmware, with such a `db`, and the separator.
fn secure_boot(db: &[u8]) -> BootLog {
    let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
    let one = uefi::signature_list(uefi::CERT_X509, &[1; 32]);
    for (vendor, name, value) in [
        (uefi::GLOBAL, "SecureBoot", &[1][..]),
        (uefi::GLOBAL, "PK", &one),
        (uefi::GLOBAL, "KEK", &one),
        (uefi::IMAGE_SECURITY, "db", db),
        (uefi::IMAGE_SECURITY, "dbx", db),
    ] {
        log.push(LogEvent::driver_config(vendor, name, value));
    }
    log.push(LogEvent::separator(7));
    log
}

/// As many entries of one byte as fit into a variable.
fn smallest_entries() -> Vec<u8> {
    const ENTRIES: u32 = 60_000;
    let mut list = uefi::CERT_X509.to_vec();
    list.extend((28 + ENTRIES * 17).to_le_bytes());
    list.extend(0_u32.to_le_bytes());
    list.extend(17_u32.to_le_bytes());
    (0..ENTRIES).for_each(|number| list.extend([number.to_le_bytes()[0]; 17]));
    list
}

fn header(banks: Vec<Bank>) -> Vec<u8> {
    BootLog::new(LogForm::CryptoAgile(banks)).to_bytes().unwrap()
}

/// Events of sixteen bytes, which say nothing and extend nothing.
fn smallest_events() -> Vec<u8> {
    let mut log = header(vec![Bank::Sha256]);
    for _ in 1..EVENT_LIMIT {
        log.extend([7, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    // Zeros at the end would be taken for fill.
    log.truncate(log.len() - 16);
    log.extend([7, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    log
}

/// Events of SHA-1's form without data.
fn smallest_extensions() -> Vec<u8> {
    let mut log = Vec::new();
    for number in (0_u32..24).cycle().take(EVENT_LIMIT) {
        log.extend(number.to_le_bytes());
        log.extend(event_type::IPL.to_le_bytes());
        log.extend([7; 20]);
        log.extend(0_u32.to_le_bytes());
    }
    log.truncate(log.len() - 4);
    log.extend([1, 0, 0, 0, 1]);
    log
}

/// Events without data in four banks.
fn four_banks() -> BootLog {
    let banks = vec![Bank::Sha1, Bank::Sha256, Bank::Sha384, Bank::Sha512];
    let mut log = BootLog::new(LogForm::CryptoAgile(banks));
    for number in 0..10_000 {
        log.push(LogEvent::new(number % 24, event_type::IPL, []));
    }
    log
}

/// A partition table of many partitions.
fn partitions(count: usize) -> Vec<u8> {
    let mut table = uefi::partition_table();
    table.truncate(92);
    table.extend(count.to_le_bytes());
    table.resize(100 + count * 128, b'a');
    table
}

#[test]
fn a_log_takes_at_most_twice_its_length() {
    let _alone = alone();
    let db = smallest_entries();
    let mut many_authorities = secure_boot(&uefi::signature_list(uefi::CERT_X509, &[1; 32]));
    let mut many_states = many_authorities.clone();
    for number in 0..10_000_u32 {
        let entry = uefi::signature(&number.to_be_bytes());
        many_authorities.push(LogEvent::authority(uefi::IMAGE_SECURITY, "db", &entry));
        many_states.push(LogEvent::authority(uefi::SHIM, "MokSBState", &[0]));
    }
    let wide = |length: usize| "語".repeat(length);
    let wide_path = uefi::image_load(&wide(250));
    let image = || LogEvent::new(4, event_type::EFI_BOOT_SERVICES_APPLICATION, wide_path.clone());
    let (line, one_line) = (uefi::utf16_nul(&wide(500)), uefi::utf16_nul(&wide(500_000)));
    let table = partitions(1);
    let many_partitions = LogEvent::new(5, event_type::EFI_GPT_EVENT, partitions(8_000));
    let mut one_table = secure_boot(&[]);
    one_table.push(many_partitions);
    for (name, log) in [
        ("genuine", Ground::Linux.log().unwrap()),
        ("windows", Ground::Windows.log().unwrap()),
        ("four-banks", four_banks()),
        ("entries", secure_boot(&db)),
        ("authorities", many_authorities),
        ("states-of-shim", many_states),
        ("images", full_of(|_| LogEvent::new(4, event_type::UNUSED, []))),
        ("paths", {
            let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
            (0..128).for_each(|_| log.push(image()));
            log
        }),
        ("actions", full_of(|_| LogEvent::efi_action(7, "x"))),
        ("tables", full_of(|_| LogEvent::new(5, event_type::EFI_GPT_EVENT, table.clone()))),
        ("partitions", one_table),
        ("lines-of-systemd", {
            let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
            (0..64).for_each(|_| log.push(LogEvent::new(12, event_type::IPL, line.clone())));
            log
        }),
        ("short-lines", full_of(|_| LogEvent::new(12, event_type::IPL, uefi::utf16_nul("x")))),
        ("one-line", {
            let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
            log.push(LogEvent::new(12, event_type::IPL, one_line));
            log
        }),
        ("long-name", {
            let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
            let data = uefi::variable(uefi::GLOBAL, &wide(500_000), &[]);
            log.push(LogEvent::new(7, event_type::EFI_VARIABLE_DRIVER_CONFIG, data));
            log
        }),
        (
            "lines-of-grub",
            full_of(|number| match number % 2 {
                0 => LogEvent::grub_command("linux /"),
                _ => LogEvent::kernel_command_line("/"),
            }),
        ),
    ] {
        check(name, &log.to_bytes().unwrap(), read);
    }
    check("smallest-events", &smallest_events(), read);
    check("smallest-extensions", &smallest_extensions(), read);
}

#[test]
fn the_claim_events_is_made_within_its_own_bound() {
    let _alone = alone();
    let begun = |event: &dyn Fn(usize) -> LogEvent| {
        // Without variables secure boot is not proven, and events are shown.
        full_of(|number| if number == 0 { LogEvent::separator(7) } else { event(number) })
    };
    for log in [
        begun(&|_| LogEvent::boot_variable("Boot0000", &[7; 200])),
        begun(&|_| LogEvent::separator(6)),
        begun(&|number| match number {
            1 => LogEvent::boot_variable("Boot0000", &[7; 1_000_000]),
            _ => LogEvent::separator(6),
        }),
    ] {
        let input = log.to_bytes().unwrap();
        let log = Log::parse(&input, RegisterMap::Tpm).unwrap();
        let proven = values(&log);
        let judged = judge(&log, &proven);
        let bank = judged.strong_bank().unwrap();
        let facts = BootFacts::read_in(bank);
        let mut made = None;
        let peak = peak(|| made = Some(Events::of(bank, &facts, |_| None).map(|of| of.to_json())));
        println!("{} bytes, {peak} more at most", input.len());
        assert!(peak <= 3 * EVENTS_BYTES_MAX, "{peak}");
        match made.unwrap() {
            Ok(json) => assert!(json.len() <= EVENTS_BYTES_MAX + 16),
            Err(error) => assert_eq!(error, EventsRefused::TooLong { limit: EVENTS_BYTES_MAX }),
        }
    }
}
