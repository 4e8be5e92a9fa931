//! Recorded attacks on logs: each quote is genuine, each log doctored. None fools.

use avouch_bootlog::facts::{BootFacts, NotEnforced, SecureBoot, Unproven};
use avouch_bootlog::replay::{Verdict, judge};
use avouch_bootlog::tcg::Log;
use avouch_bootlog::{HashAlgorithm, Register, RegisterMap};
use avouch_wire::FailedCheck as _;

use crate::support::{Machine, parse, published, read, vectors};

const SHA256: HashAlgorithm = HashAlgorithm::Sha256;

/// The machine of an attack, unless the recorded evidence is absent.
fn attack(name: &str) -> Option<Machine> {
    vectors("tpm").map(|_| Machine::recorded(&format!("attacks/{name}")))
}

/// Why a log proves nothing about secure boot.
fn refusal(machine: &Machine) -> &'static str {
    match machine.facts().secure_boot {
        SecureBoot::Unproven(why) => why.check(),
        other => panic!("{other:?}"),
    }
}

/// All that the TCG log of a machine can explain.
fn replays(machine: &Machine) {
    assert_eq!(machine.unexplained(HashAlgorithm::Sha1), [0; 0]);
    assert_eq!(machine.unexplained(SHA256), [0; 0]);
}

#[test]
fn control_00_secure_boot_off_is_believed() {
    let Some(machine) = attack("00-control-sb-off") else { return };
    replays(&machine);
    assert_eq!(machine.facts().secure_boot, SecureBoot::Off);
}

#[test]
fn attack_02_retype_to_unused_then_append() {
    let Some(machine) = attack("02-retype-to-unused-then-append") else { return };
    replays(&machine);
    assert_eq!(refusal(&machine), "secure-boot-type");
}

#[test]
fn attack_03_retype_to_noaction_then_append() {
    let Some(machine) = attack("03-retype-to-noaction-then-append") else { return };
    assert_eq!(machine.unexplained(SHA256), [7]);
    assert_eq!(refusal(&machine), "secure-boot-register");
}

#[test]
fn attack_04_secureboot_data_flipped_digest_kept() {
    let Some(machine) = attack("04-secureboot-data-flipped-digest-kept") else { return };
    replays(&machine);
    assert_eq!(refusal(&machine), "secure-boot-digest");
}

#[test]
fn attack_06_pcr7_events_missing() {
    let Some(machine) = attack("06-pcr7-events-missing") else { return };
    assert_eq!(machine.unexplained(SHA256), [7]);
    assert_eq!(refusal(&machine), "secure-boot-register");
}

#[test]
fn attack_07_sha1_digests_match_data_sha256_do_not() {
    let Some(machine) = attack("07-sha1-digests-match-data-sha256-do-not") else { return };
    replays(&machine);
    assert_eq!(refusal(&machine), "secure-boot-digest");
}

#[test]
fn attack_09_bootapp_retyped_and_appended() {
    let Some(machine) = attack("09-bootapp-retyped-and-appended") else { return };
    let control = attack("00-control-sb-off").unwrap();
    replays(&machine);
    let (facts, genuine) = (machine.facts(), control.facts());
    let digests = |facts: &BootFacts<'_>| -> Vec<_> {
        facts.boot_chain.as_ref().unwrap().iter().map(|image| image.digest).collect()
    };
    let (doctored, genuine) = (digests(&facts), digests(&genuine));
    assert!(doctored.starts_with(&genuine), "what really ran stays in the list");
    assert!(doctored.len() > genuine.len());
    assert_eq!(facts.findings.len(), genuine.len(), "{:?}", facts.findings);
}

#[test]
fn control_10_mok_insecure_is_not_secure_boot() {
    let Some(machine) = attack("10-control-mok-insecure") else { return };
    replays(&machine);
    let expected = SecureBoot::NotEnforced(NotEnforced::MokSbState);
    assert_eq!(machine.facts().secure_boot, expected);
}

#[test]
fn control_11_secure_boot_on_is_believed() {
    let Some(machine) = attack("11-control-sb-on") else { return };
    replays(&machine);
    let facts = machine.facts();
    assert_eq!(facts.secure_boot, SecureBoot::Enforced);
    assert_eq!(facts.findings, []);
    assert!(facts.keys.is_some_and(|keys| keys.db.len() == 2));
}

#[test]
fn attack_12_moksbstate_retyped_as_action() {
    let Some(machine) = attack("12-moksbstate-retyped-as-action") else { return };
    replays(&machine);
    assert_eq!(refusal(&machine), "secure-boot-type");
}

#[test]
fn attack_13_moksbstate_moved_to_pcr14() {
    let Some(machine) = attack("13-moksbstate-moved-to-pcr14") else { return };
    assert_eq!(machine.unexplained(SHA256), [7, 14]);
    assert_eq!(refusal(&machine), "secure-boot-register");
}

#[test]
fn attack_15_second_moksbstate_00_appended() {
    let Some(machine) = attack("15-second-moksbstate-00-appended") else { return };
    replays(&machine);
    let expected = SecureBoot::NotEnforced(NotEnforced::MokSbState);
    assert_eq!(machine.facts().secure_boot, expected);
}

#[test]
fn attack_17_second_secureboot_appended() {
    let Some(machine) = attack("17-second-secureboot-appended") else { return };
    replays(&machine);
    assert_eq!(refusal(&machine), "secure-boot-order");
}

#[test]
fn attack_18_secureboot_retyped_variable_boot_then_appended() {
    let Some(machine) = attack("18-secureboot-retyped-variable-boot-then-appended") else { return };
    replays(&machine);
    assert_eq!(refusal(&machine), "secure-boot-type");
}

#[test]
fn attack_19_secureboot_digest_over_value_only() {
    let Some(machine) = attack("19-secureboot-digest-over-value-only") else { return };
    replays(&machine);
    assert_eq!(refusal(&machine), "secure-boot-digest");
}

#[test]
fn attack_20_secureboot_in_no_action_event() {
    let Some(machine) = attack("20-secureboot-in-no-action-event") else { return };
    replays(&machine);
    assert_eq!(machine.facts().secure_boot, SecureBoot::Off);
}

#[test]
fn attack_22_secureboot_event_duplicated_in_log_only() {
    let Some(machine) = attack("22-secureboot-event-duplicated-in-log-only") else { return };
    assert_eq!(machine.unexplained(SHA256), [7]);
    assert_eq!(refusal(&machine), "secure-boot-register");
}

#[test]
fn attack_24_pcr7_sha256_digests_absent() {
    let Some(machine) = attack("24-pcr7-sha256-digests-absent") else { return };
    assert_eq!(machine.unexplained(HashAlgorithm::Sha1), [0; 0]);
    assert!(matches!(machine.verdict(SHA256, 7), Verdict::BankMissing { .. }));
    assert_eq!(machine.facts().bank, Some(SHA256), "SHA-1 does not stand in");
    assert_eq!(refusal(&machine), "secure-boot-register");
}

#[test]
fn attack_25_sha1_only_log_both_banks_quoted() {
    let Some(machine) = attack("25-sha1-only-log-both-banks-quoted") else { return };
    assert_eq!(machine.unexplained(HashAlgorithm::Sha1), [0; 0]);
    let facts = machine.facts();
    assert_eq!(facts.secure_boot, SecureBoot::Unproven(Unproven::NoStrongBank));
    assert_eq!((facts.bank, facts.boot_chain), (None, None));
}

#[test]
fn attack_27_last_event_cut() {
    if vectors("tpm").is_none() {
        return;
    }
    let bytes = read("attacks/27-last-event-cut/eventlog.bin");
    let error = Log::parse(&bytes, RegisterMap::Tpm).unwrap_err();
    assert_eq!(error.check(), "log-structure");
}

#[test]
fn attack_28_last_event_missing() {
    let Some(machine) = attack("28-last-event-missing") else { return };
    assert_eq!(machine.unexplained(SHA256), [5]);
    assert_eq!(machine.facts().partition_tables, None);
}

#[test]
fn attack_29_startuplocality_3_but_started_at_0() {
    let Some(machine) = attack("29-startuplocality-3-but-started-at-0") else { return };
    assert_eq!(machine.unexplained(SHA256), [0]);
}

#[test]
fn attack_31_startuplocality_in_pcr7() {
    let Some(machine) = attack("31-startuplocality-in-pcr7") else { return };
    replays(&machine);
    assert_eq!(machine.facts().secure_boot, SecureBoot::Enforced);
}

#[test]
fn attack_32_kernel_cmdline_edited_digest_kept() {
    let Some(machine) = attack("32-kernel-cmdline-edited-digest-kept") else { return };
    replays(&machine);
    assert_eq!(machine.facts().grub_command_lines, None);
    let control = attack("11-control-sb-on").unwrap();
    let lines = control.facts().grub_command_lines.map(|lines| lines.len());
    assert_eq!(lines, Some(1));
}

#[test]
fn control_35_and_37_windows_secure_boot_is_believed() {
    for name in ["35-control-windows", "37-control-windows-testsigning-on"] {
        let Some(machine) = attack(name) else { return };
        replays(&machine);
        assert_eq!(machine.facts().secure_boot, SecureBoot::Enforced, "{name}");
    }
}

/// Every attack's log, judged by every other machine's values: no facts of that machine come out.
#[test]
fn no_log_explains_the_registers_of_another_machine() {
    if vectors("tpm").is_none() {
        return;
    }
    let bytes = read("attacks/11-control-sb-on/eventlog.bin");
    let values = published("attacks/00-control-sb-off");
    let facts = BootFacts::read(&judge(&parse(&bytes), &values));
    assert_eq!(facts.secure_boot.enforced(), None);
    let register = judge(&parse(&bytes), &values);
    assert!(register.bank(SHA256).unwrap().explained(Register::Pcr(7)).is_none());
}

#[test]
fn every_recorded_attack_and_control_has_a_test() {
    let Some(folder) = vectors("tpm").map(|folder| folder.join("attacks")) else { return };
    let tests = [include_str!("attacks.rs"), include_str!("windows/attacks.rs")].concat();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // Keys of another machine are no case.
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            assert!(tests.contains(&name), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 29, "{seen}");
}
