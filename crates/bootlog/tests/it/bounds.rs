//! Whatever is listed is bounded, and beyond the bound nothing of it counts.

use avouch_bootlog::Register;
use avouch_bootlog::facts::{BootFacts, Finding, SecureBoot};
use avouch_bootlog::json::{EVENTS_BYTES_MAX, Events, EventsRefused};
use avouch_bootlog::replay::{judge, values};
use avouch_mint::bootlog::{BootLog, Ground, LogEvent, event_type, uefi};
use avouch_wire::FailedCheck as _;

use crate::support::parse;

/// What a genuine boot of Linux proves that measured more.
fn with<T>(more: impl IntoIterator<Item = LogEvent>, look: impl FnOnce(&BootFacts<'_>) -> T) -> T {
    over(Ground::Linux.log().unwrap(), more, look)
}

/// The same of a machine without GRUB.
fn without_grub<T>(
    more: impl IntoIterator<Item = LogEvent>,
    look: impl FnOnce(&BootFacts<'_>) -> T,
) -> T {
    let mut log: BootLog = Ground::Linux.log().unwrap();
    log.events.retain(|event| event.register != 8);
    over(log, more, look)
}

fn over<T>(
    mut log: BootLog,
    more: impl IntoIterator<Item = LogEvent>,
    look: impl FnOnce(&BootFacts<'_>) -> T,
) -> T {
    more.into_iter().for_each(|event| log.push(event));
    let bytes = log.to_bytes().unwrap();
    let log = parse(&bytes);
    look(&BootFacts::read(&judge(&log, &values(&log))))
}

fn has_too_many(facts: &BootFacts<'_>, register: u8, limit: usize) -> bool {
    let register = Register::Pcr(register);
    let fits = |finding: &Finding| {
        matches!(finding, Finding::TooMany { register: of, limit: most, .. }
            if (*of, *most) == (register, limit))
    };
    facts.findings.iter().any(fits)
}

#[test]
fn more_than_128_images_are_none() {
    let known = with([], |facts| facts.boot_chain.as_ref().unwrap().len());
    let more = |count: usize| (0..count).map(|_| LogEvent::application("x", b"image"));
    with(more(128 - known), |facts| assert_eq!(facts.boot_chain.as_ref().unwrap().len(), 128));
    with(more(129 - known), |facts| {
        assert!(facts.boot_chain.is_none() && has_too_many(facts, 4, 128));
        assert_eq!(facts.secure_boot, SecureBoot::Enforced, "another register");
    });
}

#[test]
fn more_than_32_partition_tables_are_none() {
    let known = with([], |facts| facts.partition_tables.as_ref().unwrap().len());
    let more = |count: usize| (0..count).map(|_| LogEvent::partition_table());
    with(more(32 - known), |facts| {
        assert_eq!(facts.partition_tables.as_ref().unwrap().len(), 32);
    });
    with(more(33 - known), |facts| {
        assert!(facts.partition_tables.is_none() && has_too_many(facts, 5, 32));
    });
}

#[test]
fn a_partition_table_has_at_most_256_partitions() {
    for (count, tables) in [(256_u64, 2), (257, 1)] {
        let mut table = uefi::partition_table();
        table.truncate(92);
        table.extend(count.to_le_bytes());
        table.resize(100 + usize::try_from(count).unwrap() * 128, 0);
        with([LogEvent::new(5, event_type::EFI_GPT_EVENT, table)], |facts| {
            assert_eq!(facts.partition_tables.as_ref().unwrap().len(), tables, "{count}");
        });
    }
}

#[test]
fn more_than_64_command_lines_are_none() {
    let known = with([], |facts| facts.grub_command_lines.as_ref().unwrap().len());
    let more = |count: usize| {
        (0..count).flat_map(|_| {
            [LogEvent::grub_command("linux /a b"), LogEvent::kernel_command_line("/a b")]
        })
    };
    with(more(64 - known), |facts| {
        assert_eq!(facts.grub_command_lines.as_ref().unwrap().len(), 64);
    });
    with(more(65 - known), |facts| assert_eq!(facts.grub_command_lines, None));
    let systemd = |text: &str| LogEvent::new(12, event_type::IPL, uefi::utf16_nul(text));
    without_grub((0..64).map(|_| systemd("a")), |facts| {
        assert_eq!(facts.systemd_command_lines.as_ref().unwrap().len(), 64);
    });
    without_grub((0..65).map(|_| systemd("a")), |facts| {
        assert_eq!(facts.systemd_command_lines, None)
    });
}

#[test]
fn a_command_line_is_no_longer_than_a_kernel_takes() {
    let systemd =
        |length: usize| LogEvent::new(12, event_type::IPL, uefi::utf16_nul(&"a".repeat(length)));
    without_grub([systemd(4095)], |facts| assert!(facts.systemd_command_lines.is_some()));
    without_grub([systemd(4096)], |facts| assert_eq!(facts.systemd_command_lines, None));
    let grub = |length: usize| {
        let text = format!("/{}", "a".repeat(length - 1));
        let command = LogEvent::grub_command(&format!("linux {text}"));
        [command, LogEvent::kernel_command_line(&text)]
    };
    with(grub(8192), |facts| assert!(facts.grub_command_lines.is_some()));
    with(grub(8193), |facts| assert_eq!(facts.grub_command_lines, None));
}

#[test]
fn more_than_128_entries_that_let_images_run_prove_nothing() {
    let entry = || uefi::signature(b"entry");
    let more = |count: usize| {
        (0..count).map(move |_| LogEvent::authority(uefi::IMAGE_SECURITY, "vendor_db", &entry()))
    };
    let known = with([], |facts| facts.authorities.len());
    with(more(128 - known), |facts| assert_eq!(facts.authorities.len(), 128));
    with(more(129 - known), |facts| {
        let SecureBoot::Unproven(why) = &facts.secure_boot else { panic!("{facts:?}") };
        assert_eq!(why.check(), "secure-boot-authority");
        assert!(facts.authorities.is_empty() && facts.keys.is_none());
    });
}

#[test]
fn shim_measures_each_variable_a_few_times_and_none_long() {
    let state = |_| LogEvent::authority(uefi::SHIM, "MokListTrusted", &[1]);
    let known = with([], |facts| facts.shim.mok_list_trusted.len());
    with((known..16).map(state), |facts| assert_eq!(facts.secure_boot, SecureBoot::Enforced));
    with((known..17).map(state), |facts| assert_eq!(facts.secure_boot.enforced(), None));
    let level = |length| LogEvent::authority(uefi::SHIM, "SbatLevel", &vec![b'a'; length]);
    with([level(4096)], |facts| assert_eq!(facts.secure_boot, SecureBoot::Enforced));
    with([level(4097)], |facts| assert_eq!(facts.secure_boot.enforced(), None));
}

#[test]
fn findings_are_told_to_a_number_and_then_counted() {
    let known = with([], |facts| facts.findings.len());
    let strange = |count| (0..count).map(|_| LogEvent::new(4, event_type::UNUSED, *b"image"));
    with(strange(64 - known), |facts| assert_eq!(facts.findings.len(), 64));
    with(strange(100 - known), |facts| {
        assert_eq!(facts.findings.len(), 65);
        assert_eq!(facts.findings.last(), Some(&Finding::More { count: 36 }));
    });
}

#[test]
fn a_long_path_is_not_shown() {
    for (length, shown) in [(260, true), (261, false)] {
        let image = LogEvent::application(&"a".repeat(length), b"image");
        with([image], |facts| {
            let last = facts.boot_chain.as_ref().unwrap().last().unwrap();
            assert_eq!(last.untrusted_path().is_some(), shown, "{length}");
        });
    }
}

#[test]
fn the_claim_events_has_a_length() {
    let made = |count: usize| {
        let mut log: BootLog = Ground::Linux.log().unwrap();
        (0..count).for_each(|_| log.push(LogEvent::boot_variable("Boot0000", &[7; 900])));
        let bytes = log.to_bytes().unwrap();
        let log = parse(&bytes);
        let judged = judge(&log, &values(&log));
        let bank = judged.strong_bank().unwrap();
        Events::of(bank, &BootFacts::read_in(bank), |_| None).map(|events| events.to_json().len())
    };
    assert!(made(700).unwrap() < EVENTS_BYTES_MAX);
    assert_eq!(made(800), Err(EventsRefused::TooLong { limit: EVENTS_BYTES_MAX }));
    assert_eq!(made(800).unwrap_err().check(), "log-events-length");
}
