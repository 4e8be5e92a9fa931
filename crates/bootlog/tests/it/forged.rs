//! What root can add to registers after the boot, and log truly, is not taken for what firmware or a boot
//! loader did.

use avouch_bootlog::facts::{BootFacts, SecureBoot, Unproven};
use avouch_bootlog::json::Events;
use avouch_bootlog::replay::{judge, values};
use avouch_mint::bootlog::{BootLog, Ground, LogEvent, event_type, uefi};
use avouch_policy::{Claim, Limits, Policy};
use serde_json::Value;

use crate::support::{parse, vectors};

/// The sample of Microsoft's documentation for Windows, which asks for no register.
const FOR_WINDOWS: &str = "doc-tpmsample-v12.policy.txt";

/// The claim `events` of a machine, if there is one.
fn events(log: &BootLog) -> Option<String> {
    let bytes = log.to_bytes().unwrap();
    let log = parse(&bytes);
    let judged = judge(&log, &values(&log));
    let bank = judged.strong_bank().unwrap();
    let events = Events::of(bank, &BootFacts::read_in(bank), |_| None);
    events.ok().map(|events| events.to_json())
}

/// Machines whose secure boot is not on, one for each reason.
fn grounds() -> Vec<BootLog> {
    let mut without_variables = Ground::Linux.log().unwrap();
    without_variables.events.retain(|event| event.register != 7);
    without_variables.push(LogEvent::separator(7));
    let others = [Ground::LinuxInsecure, Ground::LinuxOff].map(|ground| ground.log().unwrap());
    others.into_iter().chain([without_variables]).collect()
}

/// Variables that say that secure boot is on.
fn on(register: u32) -> Vec<LogEvent> {
    let mut guid = uefi::GLOBAL;
    guid[0] ^= 1;
    [(uefi::GLOBAL, "SecureBoot"), (guid, "SecureBoot"), (guid, "secureboot"), (uefi::GLOBAL, "X")]
        .into_iter()
        .map(|(vendor, name)| {
            let data = uefi::variable(vendor, name, &[1]);
            LogEvent::new(register, event_type::EFI_VARIABLE_DRIVER_CONFIG, data)
        })
        .collect()
}

#[test]
fn variables_of_secure_boot_in_another_register_are_not_shown_to_policies() {
    for ground in grounds() {
        for register in (0..24).filter(|register| *register != 7) {
            for forged in on(register) {
                let mut log = ground.clone();
                log.push(forged);
                let Some(events) = events(&log) else { continue };
                let events: Value = serde_json::from_str(&events).unwrap();
                let shown = events["Events"].as_array().unwrap().iter().any(|event| {
                    event["PcrIndex"] == register && event["ProcessedData"]["VariableData"] == "AQ"
                });
                assert!(!shown, "{register}: {events}");
            }
        }
    }
}

#[test]
fn the_sample_for_windows_is_not_fooled_by_a_variable_in_another_register() {
    let Some(corpus) = vectors("policy") else { return };
    let text = std::fs::read_to_string(corpus.join(FOR_WINDOWS)).unwrap();
    let limits = Limits::default();
    let policy = Policy::compile(&text, &limits).unwrap();
    let enabled = |log: &BootLog| {
        let mut claims = vec![Claim::service("aikValidated", true)];
        claims.extend(events(log).map(|events| Claim::service("events", events)));
        let outcome = policy.evaluate(&claims, &limits).unwrap();
        let issued = avouch_policy::token::contribution(&outcome.outgoing).to_json();
        issued["SecureBootEnabled"].as_bool()
    };
    assert_eq!(enabled(&Ground::Linux.log().unwrap()), Some(true));
    for ground in grounds() {
        for register in (0..24).filter(|register| *register != 7) {
            let mut log = ground.clone();
            log.push(on(register).remove(0));
            assert_eq!(enabled(&log), Some(false), "PCR {register}");
        }
    }
}

#[test]
fn a_boot_option_is_shown_from_the_register_that_it_stands_in() {
    let mut log = Ground::Linux.log().unwrap();
    let data = uefi::variable(uefi::GLOBAL, "Boot0042", b"option");
    log.push(LogEvent::new(1, event_type::EFI_VARIABLE_BOOT, data));
    assert!(events(&log).unwrap().contains("Boot0042"));
}

#[test]
fn a_separator_of_a_failure_ends_belief_wherever_it_stands() {
    for data in [vec![0xff; 4], vec![0xff], vec![1, 0, 0, 0]] {
        for at in [0, 3] {
            let mut log = Ground::Linux.log().unwrap();
            let first = log.events.iter().position(|event| event.register == 7).unwrap();
            log.events.insert(first + at, LogEvent::new(7, event_type::SEPARATOR, data.clone()));
            let bytes = log.to_bytes().unwrap();
            let log = parse(&bytes);
            let facts = BootFacts::read(&judge(&log, &values(&log)));
            let SecureBoot::Unproven(why) = facts.secure_boot else { panic!("{data:?}") };
            assert!(matches!(why, Unproven::Separator { .. }), "{why}");
        }
    }
}

fn systemd(text: &str) -> LogEvent {
    LogEvent::new(12, event_type::IPL, uefi::utf16_nul(text))
}

/// A machine whose kernel got its command line from systemd-stub alone.
fn without_grub() -> BootLog {
    let mut log = Ground::Linux.log().unwrap();
    log.events.retain(|event| event.register != 8);
    log.push(systemd("root=/dev/evil"));
    log
}

/// What root adds to have another command line believed.
fn grub_lines() -> [LogEvent; 2] {
    [LogEvent::grub_command("linux /good ro"), LogEvent::kernel_command_line("/good ro")]
}

/// The command lines of GRUB and of systemd that the registers of `machine` prove by the log `shown`.
fn lines(machine: &BootLog, shown: &BootLog) -> (Option<usize>, Option<usize>, usize) {
    let (_, registers) = crate::support::minted(machine);
    let bytes = shown.to_bytes().unwrap();
    let log = parse(&bytes);
    let judged = crate::support::judged(&log, &registers);
    let facts = BootFacts::read(&judged);
    let others = facts.findings.iter();
    let others =
        others.filter(|of| matches!(of, avouch_bootlog::facts::Finding::OtherLoader { .. }));
    let grub = facts.grub_command_lines.map(|lines| lines.len());
    (grub, facts.systemd_command_lines.map(|lines| lines.len()), others.count())
}

#[test]
fn lone_lines_of_a_loader_that_did_not_run_do_not_count_beside_those_of_the_one_that_did() {
    let genuine = without_grub();
    assert_eq!(lines(&genuine, &genuine), (None, Some(1), 0));
    let mut forged = genuine.clone();
    grub_lines().into_iter().for_each(|event| forged.push(event));
    assert_eq!(lines(&forged, &forged), (None, None, 1), "both shown");
    // Those of the loader that ran are kept out of the log.
    let mut hidden = forged.clone();
    hidden.events.retain(|event| event.register != 12);
    assert_eq!(lines(&forged, &hidden), (None, None, 1), "one hidden");
    // The other way round.
    let genuine = Ground::Linux.log().unwrap();
    let (grub, none, 0) = lines(&genuine, &genuine) else { panic!() };
    assert!(grub.is_some_and(|count| count > 0) && none.is_none());
    let mut forged = genuine.clone();
    forged.push(systemd("root=/dev/good"));
    assert_eq!(lines(&forged, &forged), (None, None, 1), "both shown");
    let mut hidden = forged.clone();
    hidden.events.retain(|event| event.register != 8);
    assert_eq!(lines(&forged, &hidden), (None, None, 1), "one hidden");
}
