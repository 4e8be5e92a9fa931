//! Logs of trust domains: recorded ones replay register by register as their manifest says, and minted
//! ones prove what was booted and nothing else.

use avouch_bootlog::facts::{SecureBoot, TdFacts};
use avouch_bootlog::replay::{self, Verdict};
use avouch_bootlog::timeline::timeline;
use avouch_bootlog::{
    Coverage, Digest, HashAlgorithm, Register, RegisterMap, RegisterValues, ccel,
    untrusted_command_line,
};
use avouch_mint::bootlog::{
    BootLog, Ground, LogEvent, Notices, Registers, TdBoot, breaks, broken, event_type, td, uefi,
};
use avouch_wire::FailedCheck as _;
use serde_json::{Map, Value};

use crate::support::vectors;

/// The logs among the recorded files, with what the manifest says of each.
fn recorded() -> Vec<(String, Vec<u8>, Value)> {
    let Some(folder) = vectors("intel").map(|folder| folder.join("ccel")) else {
        return Vec::new();
    };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let manifest: Map<String, Value> = serde_json::from_slice(&read("expected.json")).unwrap();
    let logs = manifest.into_iter().filter(|(name, _)| {
        name.ends_with(".bin") && !name.contains("tdreport") && !name.contains("acpi-table")
    });
    let logs: Vec<_> = logs.map(|(name, said)| (name.clone(), read(&name), said)).collect();
    assert!(logs.len() >= 18, "{}", logs.len());
    logs
}

/// Those that are not to be refused as a whole: without `neg` and SM3, and some negative ones.
fn readable() -> Vec<(String, Vec<u8>, Value)> {
    recorded().into_iter().filter(|(_, log, _)| ccel::parse(log).is_ok()).collect()
}

fn rtmrs(values: [&[u8]; 4]) -> RegisterValues {
    (0_u8..)
        .zip(values)
        .map(|(index, value)| {
            (Register::Rtmr(index), Digest::new(HashAlgorithm::Sha384, value).unwrap())
        })
        .collect()
}

/// The registers that a log replays to, zeros where nothing extends them.
fn replayed(log: &[u8]) -> RegisterValues {
    let parsed = ccel::parse(log).unwrap();
    let values = replay::values(&parsed);
    let zero = Digest::new(HashAlgorithm::Sha384, &[0; 48]).unwrap();
    (0..4)
        .map(Register::Rtmr)
        .map(|register| (register, *values.get(HashAlgorithm::Sha384, register).unwrap_or(&zero)))
        .collect()
}

/// The registers in the TD report of a quote of version 4.
fn of_quote(name: &str) -> RegisterValues {
    let quote = std::fs::read(vectors("intel").unwrap().join(name)).unwrap();
    let rtmr = |index: usize| &quote[48 + 328 + 48 * index..][..48];
    rtmrs([rtmr(0), rtmr(1), rtmr(2), rtmr(3)])
}

#[test]
fn recorded_logs_replay_register_by_register_as_their_manifest_says() {
    for (name, log, said) in readable() {
        let seen = replayed(&log);
        for index in 0..4 {
            let value = seen.get(HashAlgorithm::Sha384, Register::Rtmr(index)).unwrap();
            assert_eq!(said["replay"][format!("rtmr{index}")], value.to_string(), "{name} {index}");
        }
        let parsed = ccel::parse(&log).unwrap();
        assert_eq!(said["events"], parsed.events().len(), "{name}");
        let extending = |register| parsed.extending(register).count();
        for index in 0..4_u8 {
            let found = &said["extended_events_per_register"][(index + 1).to_string()];
            assert_eq!(found.as_u64().unwrap_or(0), extending(Register::Rtmr(index)) as u64);
        }
    }
}

#[test]
fn digests_of_recorded_events_are_of_what_the_manifest_says() {
    for (name, log, said) in readable() {
        let parsed = ccel::parse(&log).unwrap();
        for (covered, events) in said["digest_covers"].as_object().unwrap() {
            for event in events.as_array().unwrap() {
                let place = usize::try_from(event.as_u64().unwrap()).unwrap();
                let event = &parsed.events().nth(place).unwrap();
                let seen = Coverage::of(event, HashAlgorithm::Sha384);
                assert_eq!(covered, seen.describe(), "{name} {event:?}");
            }
        }
        let lines = parsed.events().filter_map(|event| {
            untrusted_command_line(&event, HashAlgorithm::Sha384).map(str::to_owned)
        });
        let told = said["kernel_command_lines"].as_array().unwrap().iter();
        let told = told.filter_map(|line| line["text"].as_str().map(str::to_owned));
        assert_eq!(lines.collect::<Vec<_>>(), told.collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn recorded_registers_are_explained_as_the_manifest_says_and_no_other_ones() {
    for (name, log, said) in readable() {
        let Some(explained) = said["registers_explained"].as_object() else { continue };
        let proven = of_quote(said["compare_with"].as_str().unwrap());
        let parsed = ccel::parse(&log).unwrap();
        let judged = replay::judge(&parsed, &proven);
        let bank = judged.bank(HashAlgorithm::Sha384).unwrap();
        for index in 0..4 {
            let verdict = bank.verdict(Register::Rtmr(index)).unwrap();
            let seen = matches!(verdict, Verdict::Explained { .. });
            assert_eq!(explained[&format!("rtmr{index}")], seen, "{name} {index}: {verdict:?}");
        }
    }
}

#[test]
fn a_td_report_of_a_live_domain_is_explained_by_its_log_in_all_registers() {
    let Some(folder) = vectors("intel").map(|folder| folder.join("ccel")) else { return };
    let log = std::fs::read(folder.join("attestation-rs-live.bin")).unwrap();
    let report = std::fs::read(folder.join("attestation-rs-live.tdreport.bin")).unwrap();
    let rtmr = |index: usize| &report[720 + 48 * index..][..48];
    assert_eq!(replayed(&log), rtmrs([rtmr(0), rtmr(1), rtmr(2), rtmr(3)]));
}

#[test]
fn recorded_logs_that_must_be_refused_are_and_say_why() {
    let refused: [(&str, &str); 6] = [
        ("dstack-near-neg-cut.bin", "log-structure"),
        ("dstack-near-neg-event-without-digest.bin", "log-digests"),
        ("dstack-near-neg-garbage-after-padding.bin", "log-register"),
        ("dstack-near-neg-register-shifted.bin", "ccel-mrtd"),
        ("dstack-near-neg-tpm-pcr-numbers.bin", "log-register"),
        ("trustee-csv-sm3.bin", "ccel-algorithm"),
    ];
    let mut seen = Vec::new();
    for (name, log, _) in recorded() {
        if let Err(error) = ccel::parse(&log) {
            seen.push((name, error.check()));
        }
    }
    if !seen.is_empty() {
        assert_eq!(seen, refused.map(|(name, check)| (name.to_owned(), check)).to_vec());
    }
}

/// What a log proves of secure boot if its registers hold what it replays to.
fn secure_boot_of(log: &[u8]) -> Option<bool> {
    let parsed = ccel::parse(log).unwrap();
    TdFacts::read(&replay::judge(&parsed, &replayed(log))).secure_boot.enforced()
}

#[test]
fn secure_boot_of_recorded_logs_is_what_the_variable_says_where_the_digest_covers_it() {
    for (name, log, said) in readable() {
        let covered = said["secure_boot_digest_covers"] == "event data";
        let expected = match said["secure_boot_variable"].as_str() {
            Some("01") if covered => Some(true),
            Some("length 0" | "00") if covered => Some(false),
            _ => None,
        };
        assert_eq!(secure_boot_of(&log), expected, "{name}");
    }
}

fn proven(registers: &Registers) -> RegisterValues {
    let [one, two, three, four] = registers.rtmrs();
    rtmrs([&one, &two, &three, &four])
}

/// What a minted log proves of a domain that holds what the log says.
fn secure_boot(log: &BootLog) -> Option<bool> {
    let bytes = log.to_bytes().unwrap();
    let parsed = ccel::parse(&bytes).unwrap();
    TdFacts::read(&replay::judge(&parsed, &proven(&log.registers()))).secure_boot.enforced()
}

#[test]
fn minted_domains_prove_what_they_booted() {
    for (ground, expected) in [
        (Ground::TrustDomain, Some(true)),
        (Ground::TrustDomainOff, Some(false)),
        (Ground::TrustDomainInsecure, Some(false)),
    ] {
        assert_eq!(secure_boot(&ground.log().unwrap()), expected, "{ground:?}");
    }
    let log = Ground::TrustDomain.log().unwrap();
    let bytes = log.to_bytes().unwrap();
    let parsed = ccel::parse(&bytes).unwrap();
    let facts = TdFacts::read(&replay::judge(&parsed, &proven(&log.registers())));
    let keys = facts.keys.unwrap();
    assert_eq!((keys.pk.len(), keys.kek.len(), keys.db.len(), keys.dbx.len()), (1, 1, 2, 1));
    assert_eq!(facts.authorities.len(), 1);
    let images = facts.boot_chain.unwrap();
    let digests: Vec<_> = images.iter().map(|image| image.digest).collect();
    let hash = |bytes: &[u8]| HashAlgorithm::Sha384.hash(&[bytes]).unwrap();
    assert_eq!(digests, [hash(b"shim of the mint"), hash(b"GRUB of the mint")]);
    assert_eq!(facts.partition_tables.unwrap().len(), 1);
    assert_eq!(facts.findings, []);
}

#[test]
fn no_broken_log_of_a_domain_proves_that_secure_boot_is_on() {
    let mut tried = 0;
    for one in breaks().filter(|one| one.notices == Notices::SecureBoot) {
        let broken = broken(one.name).unwrap().unwrap();
        if !one.name.starts_with("ccel-") {
            continue;
        }
        tried += 1;
        let parsed = ccel::parse(&broken.log).unwrap();
        let facts = TdFacts::read(&replay::judge(&parsed, &proven(&broken.registers)));
        assert_ne!(facts.secure_boot.enforced(), Some(true), "{}", one.name);
    }
    assert!(tried >= 5, "{tried}");
}

#[test]
fn facts_of_a_register_that_is_not_explained_are_absent_and_the_others_stand() {
    let log = Ground::TrustDomain.log().unwrap();
    let bytes = log.to_bytes().unwrap();
    let parsed = ccel::parse(&bytes).unwrap();
    let [one, two, three, four] = log.registers().rtmrs();
    let other = [7; 48];
    let facts = |values| TdFacts::read(&replay::judge(&parsed, &rtmrs(values)));

    let without_first = facts([&other, &two, &three, &four]);
    let SecureBoot::Unproven(why) = &without_first.secure_boot else { panic!("proven") };
    assert_eq!(why.to_string(), "the log does not explain RTMR 0 (unexplained)");
    assert!(without_first.keys.is_none() && without_first.authorities.is_empty());
    assert!(without_first.boot_chain.is_some());

    let without_second = facts([&one, &other, &three, &four]);
    assert_eq!(without_second.secure_boot.enforced(), Some(true));
    assert!(without_second.boot_chain.is_none() && without_second.partition_tables.is_none());

    let nothing = TdFacts::read(&replay::judge(&parsed, &RegisterValues::new()));
    assert_eq!(nothing.secure_boot.enforced(), None);
    assert!(nothing.boot_chain.is_none());
}

/// A domain with Secure Boot off, whose root shows its log as he likes and extends registers further.
/// `shown` says which events he shows as something that is not covered by its digest.
fn root_hides(shown: impl Fn(usize, &LogEvent) -> bool, then: &[LogEvent]) -> Option<bool> {
    let mut log = Ground::TrustDomainOff.log().unwrap();
    for (index, event) in log.events.iter_mut().enumerate() {
        if event.register == 1 && shown(index, event) {
            event.event_type = event_type::EFI_HANDOFF_TABLES2;
            event.edit_data(|data| *data = b"ACPI DATA".to_vec());
        }
    }
    for event in then {
        log.push(event.clone());
    }
    secure_boot(&log)
}

#[test]
fn variables_that_are_shown_as_something_uncovered_are_not_overlooked() {
    let on = Ground::TrustDomain.log().unwrap();
    let set: Vec<LogEvent> = on
        .events
        .into_iter()
        .filter(|event| event.register == 1 && event.data.len() > 16)
        .collect();
    let is_variable = |event: &LogEvent| event.event_type == event_type::EFI_VARIABLE_DRIVER_CONFIG;
    assert_eq!(root_hides(|_, _| false, &[]), Some(false));
    assert_eq!(root_hides(|_, event| is_variable(event), &set), None);
    assert_eq!(root_hides(|_, _| true, &set), None);
    let separator = LogEvent::separator(7);
    let with_separator = [set, vec![separator]].concat();
    assert_eq!(root_hides(|_, _| true, &with_separator), None);
    assert_eq!(root_hides(|_, event| is_variable(event), &with_separator), None);
}

#[test]
fn an_authority_cannot_be_hidden_among_what_firmware_takes_from_its_host() {
    let mut log = Ground::TrustDomain.log().unwrap();
    // Three tables of the host, as firmware measures them.
    let after = 1 + log
        .events
        .iter()
        .position(|event| event.register == 1 && event.event_type == event_type::SEPARATOR)
        .unwrap();
    for _ in 0..3 {
        let table = LogEvent::new(1, 0xa, *b"ACPI DATA").measuring(*b"a table of the host");
        log.events.insert(after, table);
    }
    assert_eq!(secure_boot(&log), Some(true));
    let mok = LogEvent::authority(uefi::SHIM, "MokListRT", b"a key of somebody");
    log.push(mok);
    assert_eq!(secure_boot(&log), Some(true), "shown as it is");

    let mut hidden = log.clone();
    let last = hidden.events.last_mut().unwrap();
    last.event_type = 0xa;
    last.edit_data(|data| *data = b"ACPI DATA".to_vec());
    assert_eq!(secure_boot(&hidden), None, "shown as a fourth table");

    let mut as_value = log;
    let last = as_value.events.last_mut().unwrap();
    last.event_type = event_type::EFI_VARIABLE_BOOT;
    last.edit_data(|data| *data = uefi::variable(uefi::GLOBAL, "Boot0007", data));
    assert_eq!(secure_boot(&as_value), None, "shown as the value of a boot variable");
}

#[test]
fn whatever_of_a_domains_log_its_digests_do_not_cover_is_changed_proves_no_more() {
    // One event each is retyped, given other data under its digest, doubled or left out.
    let log = Ground::TrustDomainOff.log().unwrap();
    let registers = proven(&log.registers());
    let types = [
        event_type::UNUSED,
        event_type::NO_ACTION,
        event_type::SEPARATOR,
        event_type::EVENT_TAG,
        event_type::EFI_ACTION,
        event_type::EFI_VARIABLE_BOOT,
        event_type::EFI_VARIABLE_DRIVER_CONFIG,
        event_type::EFI_VARIABLE_AUTHORITY,
    ];
    let contents = [
        vec![0; 4],
        b"ACPI DATA".to_vec(),
        uefi::variable(uefi::GLOBAL, "SecureBoot", &[1]),
        uefi::variable(uefi::SHIM, "MokSBState", &[0]),
    ];
    let mut variants = Vec::new();
    for index in 0..log.events.len() {
        for event_type in types {
            let mut changed = log.clone();
            changed.events[index].event_type = event_type;
            variants.push(changed);
        }
        for content in &contents {
            let mut changed = log.clone();
            changed.events[index].edit_data(|data| data.clone_from(content));
            variants.push(changed);
        }
        let mut doubled = log.clone();
        doubled.events.insert(index, log.events[index].clone());
        let mut without = log.clone();
        without.events.remove(index);
        variants.extend([doubled, without]);
    }
    for changed in variants {
        let bytes = changed.to_bytes().unwrap();
        let Ok(parsed) = ccel::parse(&bytes) else { continue };
        let facts = TdFacts::read(&replay::judge(&parsed, &registers));
        assert_ne!(facts.secure_boot.enforced(), Some(true), "{changed:?}");
        let genuine = ["shim of the mint", "GRUB of the mint"];
        let genuine = genuine.map(|text| HashAlgorithm::Sha384.hash(&[text.as_bytes()]).unwrap());
        if let Some(images) = facts.boot_chain {
            let shown: Vec<_> = images.iter().map(|image| image.digest).collect();
            assert!(genuine.iter().all(|digest| shown.contains(digest)), "{shown:?}");
        }
    }
}

#[test]
fn the_header_may_name_the_register_of_the_firmware_or_none() {
    let log = Ground::TrustDomain.log().unwrap().to_bytes().unwrap();
    let mut of_td_shim = log.clone();
    of_td_shim[0] = 0;
    for bytes in [&log, &of_td_shim] {
        assert_eq!(ccel::parse(bytes).unwrap().algorithms(), [HashAlgorithm::Sha384]);
    }
    let mut elsewhere = log;
    elsewhere[0] = 3;
    assert!(ccel::parse(&elsewhere).is_err());
    let tpm = Ground::Linux.log().unwrap().to_bytes().unwrap();
    let error = ccel::parse(&tpm).unwrap_err();
    assert!(["ccel-mrtd", "log-register"].contains(&error.check()), "{error}");
}

#[test]
fn a_timeline_tells_of_each_event_who_measured_it_and_what_is_not_proven() {
    let runtime = vec![("app-id".to_owned(), vec![1])];
    let log = td(&TdBoot { runtime, ..TdBoot::default() }).unwrap().to_bytes().unwrap();
    let parsed = ccel::parse(&log).unwrap();
    let steps: Vec<_> = timeline(&parsed, HashAlgorithm::Sha384).collect();
    assert_eq!(steps.len(), parsed.events().len());
    let find = |what: &str| {
        let found = steps.iter().find(|step| step.what.contains(what));
        found.unwrap_or_else(|| panic!("{what}: {steps:#?}"))
    };
    let secure_boot = find("variable \"SecureBoot\" = 01");
    assert_eq!((secure_boot.by, secure_boot.unproven()), ("firmware", None));
    assert_eq!(find("\"SbatLevel\"").by, "shim");
    let command = find("kernel_cmdline");
    assert_eq!((command.by, command.unproven()), ("GRUB", None));
    let image = find("BOOTX64.EFI");
    assert!(image.unproven().unwrap().contains("not in the log"));
    assert!(find("BootOrder").unproven().unwrap().contains("name is not measured"));
    assert!(find("Spec ID").unproven().unwrap().contains("extends nothing"));
    assert_eq!(steps.last().unwrap().by, "running system");
    // Text of a log cannot drive a terminal.
    let mut log = Ground::TrustDomain.log().unwrap();
    log.push(LogEvent::efi_action(4, "\u{1b}[2J"));
    let bytes = log.to_bytes().unwrap();
    let parsed = ccel::parse(&bytes).unwrap();
    assert!(timeline(&parsed, HashAlgorithm::Sha384).all(|step| !step.what.contains('\u{1b}')));
}

#[test]
fn registers_of_a_domain_are_numbered_from_one_and_a_tpms_from_none() {
    assert_eq!(RegisterMap::Tdx.register(0), Some(Register::MrTd));
    assert_eq!(RegisterMap::Tdx.register(4), Some(Register::Rtmr(3)));
    assert_eq!(RegisterMap::Tdx.register(5), None);
}

/// What is said of a domain whose log somebody changed.
fn words(change: impl FnOnce(&mut BootLog)) -> (&'static str, String) {
    let mut log = Ground::TrustDomain.log().unwrap();
    change(&mut log);
    let bytes = log.to_bytes().unwrap();
    let rtmrs = log.registers().rtmrs().map(avouch_wire::Hex);
    let proven = ccel::ProvenLog::prove(&bytes, rtmrs.each_ref()).unwrap();
    let reason = proven.secure_boot_reason.unwrap();
    (reason.check, [vec![reason.message], proven.findings].concat().join("; "))
}

#[test]
fn what_is_said_of_a_domain_names_its_own_registers() {
    type Case = (&'static str, &'static str, fn(&mut BootLog));
    let cases: [Case; 4] = [
        ("secure-boot-order", "into RTMR 0 at this place", |log| {
            log.push(LogEvent::authority(uefi::GLOBAL, "Unheard", &[1]));
        }),
        ("secure-boot-off", "RTMR 0", |log| {
            *log = Ground::TrustDomainOff.log().unwrap();
            log.push(LogEvent::efi_action(7, "hello"));
        }),
        ("secure-boot-shim", "RTMR 1 is a partition table", |log| {
            *log = Ground::TrustDomainInsecure.log().unwrap();
            log.push(LogEvent::new(5, event_type::EFI_GPT_EVENT, *b"EFI PART"));
        }),
        ("secure-boot-separator", "RTMR 0 has no separator", |log| {
            let ends = |event: &LogEvent| event.register == 1 && event.data == [0; 4];
            let at = log.events.iter().position(ends).unwrap();
            log.events.truncate(at);
        }),
    ];
    for (check, text, change) in cases {
        let (found, said) = words(change);
        assert_eq!(found, check, "{said}");
        assert!(said.contains(text), "{said}");
        assert!(!said.contains("PCR"), "{said}");
    }
}

#[test]
fn a_domain_whose_firmware_was_being_debugged_proves_nothing_whatever_its_event_says_that_it_is() {
    for event_type in [event_type::EFI_ACTION, event_type::EVENT_TAG, event_type::POST_CODE] {
        let mut log = Ground::TrustDomain.log().unwrap();
        let ends = |event: &LogEvent| event.register == 1 && event.data == [0; 4];
        let at = log.events.iter().position(ends).unwrap();
        let mut says = LogEvent::new(1, event_type, *b"UEFI Debug Mode");
        log.events.insert(at, says.clone());
        assert_eq!(secure_boot(&log), None, "{event_type:#x}");
        // Any other text of the platform's changes nothing.
        says = LogEvent::new(1, event_type::EVENT_TAG, *b"UEFI Debug Mood");
        log.events[at] = says;
        assert_eq!(secure_boot(&log), Some(true));
    }
}
