//! Minted logs: what is genuine is believed, and what is broken in one point does not fool.

use avouch_bootlog::facts::{BootFacts, NotEnforced, SecureBoot};
use avouch_bootlog::json::{BootReport, Events, EventsRefused};
use avouch_mint::bootlog::{Ground, LogEvent, LogForm, Notices, breaks, broken, event_type, uefi};
use avouch_wire::FailedCheck as _;

use crate::support::{judged, minted, parse, truths};

const GROUNDS: [Ground; 4] =
    [Ground::Linux, Ground::LinuxOff, Ground::LinuxInsecure, Ground::Windows];

/// The facts of a minted boot.
fn facts_of<T>(ground: Ground, look: impl FnOnce(&BootFacts<'_>) -> T) -> T {
    let (bytes, registers) = minted(&ground.log().unwrap());
    look(&BootFacts::read(&judged(&parse(&bytes), &registers)))
}

#[test]
fn genuine_boots_show_their_secure_boot() {
    for (ground, expected) in [
        (Ground::Linux, SecureBoot::Enforced),
        (Ground::LinuxOff, SecureBoot::Off),
        (Ground::LinuxInsecure, SecureBoot::NotEnforced(NotEnforced::MokSbState)),
        (Ground::Windows, SecureBoot::Enforced),
    ] {
        facts_of(ground, |facts| {
            assert_eq!(facts.secure_boot, expected, "{ground:?}");
            assert_eq!(facts.findings, [], "{ground:?}");
        });
    }
}

#[test]
fn a_genuine_boot_shows_its_loaders_command_line_and_disks() {
    facts_of(Ground::Linux, |facts| {
        let chain = facts.boot_chain.as_ref().unwrap();
        let paths: Vec<_> = chain.iter().map(|image| image.untrusted_path()).collect();
        assert_eq!(paths.first().unwrap().as_deref(), Some("\\EFI\\BOOT\\BOOTX64.EFI"));
        assert!(chain.iter().all(|image| image.after_separator));
        let lines = facts.grub_command_lines.as_ref().unwrap();
        assert_eq!(lines, &["/boot/vmlinuz root=/dev/vda2 ro quiet"]);
        assert_eq!(facts.partition_tables.as_ref().map(Vec::len), Some(1));
        let report = serde_json::to_value(BootReport::from(facts)).unwrap();
        assert_eq!(report["secure_boot"], true);
        assert_eq!(report["bank"], "sha256");
    });
}

#[test]
fn no_break_of_a_log_makes_anything_true_that_was_not() {
    let mut judged_breaks = 0;
    for named in breaks().filter(|named| GROUNDS.contains(&named.ground)) {
        let broken = broken(named.name).unwrap().unwrap();
        let Ok(log) = avouch_bootlog::tcg::Log::parse(&broken.log, super::support::TPM) else {
            assert!(matches!(named.notices, Notices::Refused(_)), "{}", named.name);
            continue;
        };
        let facts = BootFacts::read(&judged(&log, &broken.registers));
        let genuine: Vec<_> = facts_of(named.ground, |facts| {
            let chain = facts.boot_chain.as_ref().unwrap().iter();
            chain.map(|image| image.digest).collect()
        });
        match named.notices {
            Notices::SecureBoot => {
                assert_ne!(facts.secure_boot.enforced(), Some(true), "{}", named.name);
            }
            Notices::CommandLine => {
                let lines = facts.grub_command_lines.clone().unwrap_or_default();
                assert!(!lines.contains(&"/boot/vmlinuz quiet"), "{}: {lines:?}", named.name);
            }
            Notices::Programs => {
                let shown: Vec<_> = facts.boot_chain.iter().flatten().map(|i| i.digest).collect();
                let all = genuine.iter().all(|digest| shown.contains(digest));
                assert!(all && !facts.findings.is_empty(), "{}", named.name);
            }
            Notices::Refused(check) => panic!("{} is not refused by {check}", named.name),
            Notices::Unexplained(_) | Notices::Windows => {}
        }
        judged_breaks += 1;
    }
    assert!(judged_breaks > 25, "only {judged_breaks}");
}

/// A label of GRUB's is covered by no digest, so a command may be shown as a command line.
#[test]
fn a_command_that_looks_like_a_command_line_is_none_and_hides_none() {
    let forged = "/boot/vmlinuz quiet lockdown=confidentiality";
    let lines = |log: &avouch_mint::bootlog::BootLog| {
        let (bytes, registers) = minted(log);
        let parsed = parse(&bytes);
        let facts = BootFacts::read(&judged(&parsed, &registers));
        facts.grub_command_lines.map(|lines| lines.join("\n"))
    };
    let genuine = Ground::Linux.log().unwrap();
    let line = lines(&genuine).unwrap();
    // GRUB runs no such command, and measures it.
    let mut ran = genuine.clone();
    ran.push(LogEvent::grub_command(forged));
    assert_eq!(lines(&ran), None);
    let mut labelled = ran.clone();
    let event = labelled.events.last_mut().unwrap();
    event.data = format!("kernel_cmdline: {forged}\0").into_bytes();
    assert_eq!(lines(&labelled), None);
    // The true line under the label of a command stays in the list.
    let mut relabelled = genuine;
    let is_line = |event: &LogEvent| event.data.starts_with(b"kernel_cmdline: ");
    let event = relabelled.find(is_line).unwrap();
    event.edit_data(|data| *data = format!("grub_cmd: {line}\0").into_bytes());
    assert_eq!(lines(&relabelled), Some(line.clone()));
    // A second kernel that was loaded stands beside it.
    relabelled.push(LogEvent::grub_command("linuxefi /boot/other \"a b\""));
    relabelled.push(LogEvent::kernel_command_line("/boot/other \"\\\"a b\\\"\""));
    let both = format!("{line}\n/boot/other \"\\\"a b\\\"\"");
    assert_eq!(lines(&relabelled), Some(both));
}

#[test]
fn policies_see_variables_and_separators_and_no_event_of_unproven_type() {
    let (bytes, registers) = minted(&Ground::Linux.log().unwrap());
    let log = parse(&bytes);
    let judged = judged(&log, &registers);
    let (bank, facts) = (judged.strong_bank().unwrap(), BootFacts::read(&judged));
    let json = Events::of(bank, &facts, |_| None).unwrap().to_json();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let events = value["Events"].as_array().unwrap();
    let secure_boot =
        events.iter().find(|event| event["ProcessedData"]["UnicodeName"] == "SecureBoot").unwrap();
    assert_eq!(secure_boot["ProcessedData"]["VariableData"], "AQ");
    assert_eq!(
        secure_boot["ProcessedData"]["VariableGuid"],
        "8BE4DF61-93CA-11D2-AA0D-00E098032B8C"
    );
    assert_eq!(secure_boot["EventTypeString"], "EV_EFI_VARIABLE_DRIVER_CONFIG");
    assert_eq!(secure_boot["EventType"], 0x8000_0001_u32);
    assert_eq!(secure_boot["PcrIndex"], 7);
    assert!(events.iter().any(|event| event["EventTypeString"] == "EV_SEPARATOR"));
    let named = |name: &str| {
        events.iter().find(|event| event["ProcessedData"]["UnicodeName"] == name).unwrap()
    };
    assert_eq!(named("BootOrder")["ProcessedData"]["UntrustedName"], true);
    assert_eq!(named("BootOrder")["EventTypeString"], "EV_EFI_VARIABLE_BOOT");
    assert!(named("SecureBoot")["ProcessedData"].get("UntrustedName").is_none());
    let types: Vec<_> = events.iter().map(|event| event["EventTypeString"].as_str()).collect();
    assert!(!types.contains(&Some("EV_EFI_BOOT_SERVICES_APPLICATION")));
    assert!(!types.contains(&Some("EV_IPL")));
}

/// What most firmware measures of a boot option is its value, so a value can be shown under any name.
#[test]
fn no_value_is_shown_to_policies_as_a_secure_boot_variable() {
    for register in [1, 7] {
        let mut log = Ground::LinuxOff.log().unwrap();
        let mut event = LogEvent::boot_variable("BootOrder", &[1]);
        event.register = register;
        event.data = uefi::variable(uefi::GLOBAL, "SecureBoot", &[1]);
        log.push(event);
        let (bytes, registers) = minted(&log);
        let parsed = parse(&bytes);
        let judged = judged(&parsed, &registers);
        let facts = BootFacts::read(&judged);
        let events = Events::of(judged.strong_bank().unwrap(), &facts, |_| None);
        let json = events.map(|events| events.to_json()).unwrap_or_default();
        assert!(!json.contains("\"AQ\""), "PCR {register}: {json}");
    }
}

#[test]
fn policies_see_no_secure_boot_that_was_not_enforced() {
    let (bytes, registers) = minted(&Ground::LinuxInsecure.log().unwrap());
    let parsed = parse(&bytes);
    let judged = judged(&parsed, &registers);
    let facts = BootFacts::read(&judged);
    let json = Events::of(judged.strong_bank().unwrap(), &facts, |_| None).unwrap().to_json();
    assert!(json.contains("BootOrder") && !json.contains("SecureBoot"), "{json}");
}

#[test]
fn policies_see_no_events_of_a_log_that_proves_nothing_of_secure_boot() {
    for (name, check) in [
        ("second-secureboot", "secure-boot-order"),
        ("secureboot-edited", "secure-boot-digest"),
        ("two-separators", "secure-boot-separator"),
    ] {
        let broken = broken(name).unwrap().unwrap();
        let log = parse(&broken.log);
        let judged = judged(&log, &broken.registers);
        let facts = BootFacts::read(&judged);
        let refused = Events::of(judged.strong_bank().unwrap(), &facts, |_| None).unwrap_err();
        assert_eq!(refused.check(), check, "{name}");
    }
}

#[test]
fn policies_see_no_events_of_a_log_with_a_retyped_separator_or_variable() {
    let retyped: [fn(&LogEvent) -> bool; 2] = [
        |event| event.register == 5 && event.event_type == event_type::SEPARATOR,
        |event| event.register == 7 && event.event_type == event_type::SEPARATOR,
    ];
    for is in retyped {
        let mut log = Ground::Linux.log().unwrap();
        log.find(is).unwrap().event_type = event_type::COMPACT_HASH;
        let (bytes, registers) = minted(&log);
        let parsed = parse(&bytes);
        let judged = judged(&parsed, &registers);
        let facts = BootFacts::read(&judged);
        let refused = Events::of(judged.strong_bank().unwrap(), &facts, |_| None);
        assert!(refused.is_err());
    }
    let mut log = Ground::Linux.log().unwrap();
    let name = uefi::variable(uefi::GLOBAL, "SecureBoot", &[1]);
    log.push(LogEvent::new(1, event_type::COMPACT_HASH, name));
    let (bytes, registers) = minted(&log);
    let parsed = parse(&bytes);
    let judged = judged(&parsed, &registers);
    let facts = BootFacts::read(&judged);
    let refused = Events::of(judged.strong_bank().unwrap(), &facts, |_| None).unwrap_err();
    assert!(matches!(refused, EventsRefused::Type { content: "a variable", .. }), "{refused}");
}

#[test]
fn facts_rest_on_sha_1_only_where_the_caller_asks_for_it() {
    let mut log = Ground::Linux.log().unwrap();
    log.form = LogForm::Sha1;
    let (bytes, registers) = minted(&log);
    let parsed = parse(&bytes);
    let judged = judged(&parsed, &registers);
    assert_eq!(BootFacts::read(&judged).secure_boot.enforced(), None);
    let sha1 = judged.bank(avouch_bootlog::HashAlgorithm::Sha1).unwrap();
    assert_eq!(BootFacts::read_in(sha1).secure_boot, SecureBoot::Enforced);
}

#[test]
fn the_order_of_digests_in_an_event_changes_nothing() {
    let genuine = Ground::Linux.log().unwrap();
    let mut other = genuine.clone();
    for event in &mut other.events {
        let mut banks = other.form.banks().to_vec();
        banks.reverse();
        event.banks = Some(banks);
    }
    let all = [genuine, other].map(|log| {
        let (bytes, registers) = minted(&log);
        truths(&judged(&parse(&bytes), &registers))
    });
    assert_eq!(all[0], all[1]);
    assert!(all[0].contains("secure boot: Enforced"));
}
