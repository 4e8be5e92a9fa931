//! Recorded logs replay as their manifest says, and give the facts of their machines.

use avouch_bootlog::facts::{BootFacts, SecureBoot, Unproven};
use avouch_bootlog::replay::{judge, values};
use avouch_bootlog::tcg::{Form, Log};
use avouch_bootlog::{HashAlgorithm, Register, RegisterMap};
use avouch_wire::FailedCheck as _;

use crate::support::{Machine, algorithm, digest, expected, parse, read, values_of_json, vectors};

/// The recorded logs that can be read, each with what is expected of it.
fn logs() -> Vec<(String, serde_json::Value)> {
    let of_logs = |(path, case): &(String, serde_json::Value)| {
        path.ends_with(".bin") && case.get("pcrs").is_some() && !path.ends_with("measurements")
    };
    expected().into_iter().filter(of_logs).collect()
}

#[test]
fn every_recorded_log_replays_to_the_expected_values() {
    if vectors("tpm").is_none() {
        return;
    }
    let logs = logs();
    assert!(logs.len() >= 70, "only {} logs", logs.len());
    for (path, case) in logs {
        let bytes = read(&path);
        let log = Log::parse(&bytes, RegisterMap::Tpm).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(serde_json::json!(log.events().len()), case["events"], "{path}");
        let mut names: Vec<_> = log.algorithms().iter().map(|of| of.name()).collect();
        names.sort_unstable();
        assert_eq!(serde_json::json!(names), case["algorithms"], "{path}");
        let replayed = values(&log);
        for (bank, registers) in case["pcrs"].as_object().unwrap() {
            let bank = algorithm(bank);
            for (index, hex) in registers.as_object().unwrap() {
                let register = Register::Pcr(index.parse().unwrap());
                let expected = digest(bank, hex.as_str().unwrap());
                let found = replayed.get(bank, register);
                assert_eq!(found, Some(&expected), "{path}: {bank} {register}");
            }
            let logged = registers.as_object().unwrap().len();
            assert_eq!(replayed.bank(bank).count(), logged, "{path}: {bank}");
        }
    }
}

#[test]
fn what_is_no_log_is_refused_with_the_place() {
    if vectors("tpm").is_none() {
        return;
    }
    for (path, case) in expected() {
        if case.get("parse_error").is_some() {
            let bytes = read(&path);
            let error = Log::parse(&bytes, RegisterMap::Tpm).unwrap_err();
            let expected = if path.contains("bogus") { "log-register" } else { "log-structure" };
            assert_eq!(error.check(), expected, "{path}: {error}");
        }
    }
}

/// Judged by what they replay to, the facts are what the manifest read from the data.
#[test]
fn every_recorded_log_shows_the_expected_secure_boot() {
    if vectors("tpm").is_none() {
        return;
    }
    let mut strange = Vec::new();
    for (path, case) in logs() {
        if path.starts_with("attacks/") {
            continue;
        }
        let bytes = read(&path);
        let log = parse(&bytes);
        let judged = judge(&log, &values(&log));
        let facts = match judged.strong_bank() {
            Some(bank) => BootFacts::read_in(bank),
            None => BootFacts::read_in(judged.bank(HashAlgorithm::Sha1).unwrap()),
        };
        let insecure = path.contains("mok-insecure");
        let expected = match case["secure_boot_variable"].as_str() {
            Some("01") => Some(!insecure),
            Some("00" | "") => Some(false),
            Some(other) => panic!("{path}: {other}"),
            None => None,
        };
        if facts.secure_boot.enforced() != expected {
            strange.push(format!("{path}: {:?}, expected {expected:?}", facts.secure_boot));
        }
        let authorities: Vec<_> = case["pcr7_authorities"].as_array().unwrap().clone();
        if facts.secure_boot.enforced().is_some() {
            let keys = facts.keys.as_ref().unwrap();
            let lengths: Vec<_> = case["pcr7_variables"].as_array().unwrap().iter().collect();
            assert_eq!(lengths.len(), 5, "{path}");
            assert_eq!(keys.db.is_empty(), lengths[3]["len"] == 0, "{path}");
            let state = facts.shim.mok_sb_states.len()
                + facts.shim.sbat_levels.len()
                + facts.shim.mok_list_trusted.len();
            assert_eq!(facts.authorities.len() + state, authorities.len(), "{path}");
        }
    }
    assert!(strange.is_empty(), "{}", strange.join("\n"));
}

/// PCRs that real machines published beside their logs.
#[test]
fn real_machines_are_explained_except_where_their_firmware_is_not() {
    if vectors("tpm").is_none() {
        return;
    }
    let none: &[u8] = &[];
    // IMA extends PCR 10, systemd PCR 11 and 15, and neither stands in the firmware's log.
    for (folder, unexplained) in [
        ("linux/guardoss-dl160", [0, 10].as_slice()),
        ("linux/guardoss-hahuri-uki-ima-buf", &[10, 11]),
        ("linux/guardoss-haruhi-good", none),
        ("linux/guardoss-haruhi-pcr0-differs", &[0]),
        ("linux/guardoss-hp830-mok-baseline", &[10]),
        ("linux/guardoss-hp830-mok-added", &[10]),
        ("linux/guardoss-x1carbon-gentoo", &[10]),
        ("windows/guardoss-r340", none),
        ("windows/guardoss-DESKTOP-MIMU51J-EPP-ESET", none),
        ("windows/guardoss-t480s", none),
        ("windows/guardoss-IMN-SUPERMICRO-EPP-MSDefender", none),
        ("produced/boot-sb-on", &[10]),
        ("produced/boot-sb-off", &[10]),
        ("produced/boot-sb-on-ima-keys", &[10]),
        ("produced/boot-sb-on-mok-insecure", &[10]),
    ] {
        let machine = Machine::recorded(folder);
        assert_eq!(machine.unexplained(HashAlgorithm::Sha256), unexplained, "{folder}");
    }
}

#[test]
fn a_real_machine_whose_sha_1_digests_are_wrong_is_explained_in_sha_256() {
    if vectors("tpm").is_none() {
        return;
    }
    for folder in ["windows/guardoss-t480s", "windows/guardoss-IMN-SUPERMICRO-EPP-MSDefender"] {
        let machine = Machine::recorded(folder);
        assert!(machine.unexplained(HashAlgorithm::Sha1).contains(&7), "{folder}");
        assert_eq!(machine.facts().bank, Some(HashAlgorithm::Sha256), "{folder}");
    }
}

#[test]
fn a_machine_without_secure_boot_variables_proves_neither() {
    if vectors("tpm").is_none() {
        return;
    }
    let machine = Machine::recorded("windows/guardoss-IMN-SUPERMICRO-EPP-MSDefender");
    assert_eq!(machine.facts().secure_boot, SecureBoot::Unproven(Unproven::NoVariables));
}

#[test]
fn pcr_0_that_is_not_explained_voids_no_fact_of_pcr_7() {
    if vectors("tpm").is_none() {
        return;
    }
    let machine = Machine::recorded("linux/guardoss-dl160");
    let facts = machine.facts();
    assert_eq!(facts.secure_boot, SecureBoot::Enforced);
    assert_eq!(facts.boot_chain.as_ref().unwrap().len(), 3);
    assert_eq!(facts.grub_command_lines.as_ref().unwrap().len(), 1);
}

#[test]
fn the_request_of_a_trusted_launch_machine_is_explained_with_digests_in_another_order() {
    if vectors("tpm").is_none() {
        return;
    }
    let bytes = read("azure/trusted-launch-windows/eventlog.bin");
    let log = parse(&bytes);
    assert!(matches!(log.form(), Form::CryptoAgile(_)));
    let case = &expected()["azure/trusted-launch-windows/request.json"];
    let quoted = values_of_json(&serde_json::json!({ "sha256": case["pcrs_sha256"] }));
    let judged = judge(&log, &quoted);
    let bank = judged.strong_bank().unwrap();
    assert!(bank.verdicts().all(|(_, verdict)| verdict.name() == "explained"));
    assert_eq!(BootFacts::read(&judged).secure_boot, SecureBoot::Enforced);
}

/// Quoting of arguments with spaces, the form of RHEL 8, and the common one.
#[test]
fn every_kernel_command_line_that_grub_logged_is_found() {
    if vectors("tpm").is_none() {
        return;
    }
    let mut found = 0;
    for (path, _) in logs().into_iter().filter(|(path, _)| !path.starts_with("attacks/")) {
        let bytes = read(&path);
        let log = parse(&bytes);
        let judged = judge(&log, &values(&log));
        let Some(bank) = judged.strong_bank() else { continue };
        let facts = BootFacts::read_in(bank);
        let labelled: Vec<_> = log
            .extending(Register::Pcr(8))
            .map(|event| event.untrusted_data())
            .filter(|data| data.starts_with(b"kernel_cmdline") || data.starts_with(b"grub_kernel"))
            .collect();
        let lines = facts.grub_command_lines.unwrap_or_default();
        assert_eq!(lines.len(), labelled.len(), "{path}");
        for (line, data) in lines.iter().zip(labelled) {
            assert!(String::from_utf8_lossy(data).contains(line), "{path}: {line}");
        }
        found += lines.len();
    }
    assert_eq!(found, 19);
}

#[test]
fn systemd_boot_gives_its_command_line_in_pcr_12() {
    if vectors("tpm").is_none() {
        return;
    }
    let bytes = read("eventlogs/tpm2tools-event-sd-boot-fedora37.bin");
    let log = parse(&bytes);
    let facts = BootFacts::read(&judge(&log, &values(&log)));
    let lines = facts.systemd_command_lines.unwrap();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.contains("console=ttyS0")), "{lines:?}");
    assert_eq!(facts.grub_command_lines, None);
}

#[test]
fn partition_tables_are_read_from_real_logs() {
    if vectors("tpm").is_none() {
        return;
    }
    let facts_of = |folder| Machine::recorded(folder);
    let machine = facts_of("produced/boot-sb-on");
    let facts = machine.facts();
    let tables = facts.partition_tables.unwrap();
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].partitions().len(), 1);
    assert!(facts.findings.is_empty(), "{:?}", facts.findings);
}

/// What the kernels of the lab saw of their own boots, which no log tells.
#[test]
fn facts_of_the_lab_are_what_its_kernels_saw() {
    if vectors("tpm").is_none() {
        return;
    }
    for (boot, enforced) in [
        ("boot-sb-on", true),
        ("boot-sb-off", false),
        ("boot-sb-on-ima-keys", true),
        // The variable says that it is on, and shim did not verify.
        ("boot-sb-on-mok-insecure", false),
    ] {
        let folder = format!("produced/{boot}");
        let variable = read(&format!("{folder}/efivar-SecureBoot"));
        let is_on = boot.starts_with("boot-sb-on");
        assert_eq!(variable, [6, 0, 0, 0, u8::from(is_on)], "{boot}: attributes and value");
        // Off because the firmware had no platform key.
        let in_setup = read(&format!("{folder}/efivar-SetupMode"))[4];
        assert_eq!(in_setup, u8::from(!is_on), "{boot}");
        let machine = Machine::recorded(&folder);
        let facts = machine.facts();
        assert_eq!(facts.secure_boot.enforced(), Some(enforced), "{boot}");
        let seen = String::from_utf8(read(&format!("{folder}/cmdline"))).unwrap();
        let (image, options) = seen.trim_end().split_once(' ').unwrap();
        let image = image.strip_prefix("BOOT_IMAGE=").unwrap();
        let lines = facts.grub_command_lines.unwrap();
        let kernel = lines.iter().any(|line| line.ends_with(&format!("{image} {options}")));
        assert!(kernel, "{boot}: {lines:?}");
    }
}
